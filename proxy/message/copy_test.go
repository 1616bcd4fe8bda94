package message

import (
	"bytes"
	"testing"
)

// parsed is a request in buf, as a codec makes it, and the text it has.
func parsed(buf []byte) *Request {
	copy(buf, "PUT /a/b?c=d HTTP/1.1\r\nhost: example.org\r\nx-own: one\r\nx-gone: two\r\ncookie: a=b\r\n")
	var r Request
	r.Line = buf[:21]
	r.SetMethod(buf[0:3])
	r.SetTarget(buf[4:12])
	r.Version, r.Body, r.KeepAlive = HTTP11, Body{Kind: BodyLength, Length: 7}, true
	r.Append(Host, buf[23:27], buf[29:40])
	r.Append(Other, buf[42:47], buf[49:52])
	r.Append(Other, buf[54:60], buf[62:65])
	r.Append(Cookie, buf[67:73], buf[75:78])
	r.Del("x-gone")
	return &r
}

// text is all that the request says.
func (r *Request) text() string {
	var b bytes.Buffer
	b.Write(r.Line)
	for _, p := range [][]byte{r.Method, r.Target, r.Path(), r.Query(), r.Host()} {
		b.WriteByte('|')
		b.Write(p)
	}
	for _, f := range r.All() {
		b.WriteByte('\n')
		b.Write(f.Name)
		b.WriteByte(':')
		b.Write(f.Value)
	}
	return b.String()
}

// A copy says the same when the buffer of the original has been overwritten, and can
// be changed like the original.
func TestCopyOutlivesTheBuffer(t *testing.T) {
	buf := make([]byte, 100)
	r := parsed(buf)
	r.Add([]byte("x-added"), r.Arena.CopyString("three"))
	want := r.text()
	for _, room := range []int{0, r.TextLen(), 1000} {
		buf2 := bytes.Clone(buf)
		o := parsed(buf2)
		o.Add([]byte("x-added"), o.Arena.CopyString("three"))
		var c Request
		c.Add([]byte("x"), []byte("of before"))
		o.CopyTo(&c, make([]byte, room))
		for i := range buf2 {
			buf2[i] = 1
		}
		o.Reset()
		o.Arena.CopyString("xxxxxxxx")
		if got := c.text(); got != want {
			t.Errorf("with room for %d bytes the copy says %q, want %q", room, got, want)
		}
		if c.MethodID != MethodPut || c.Body.Length != 7 || !c.KeepAlive || c.Get("x-own") == nil || c.Get("x-gone") != nil || c.Get("x") != nil {
			t.Errorf("the copy is %+v", c)
		}
		c.Set([]byte("x-own"), c.Arena.CopyString("four"))
		c.ReplacePath([]byte("/other"))
		if string(c.Target) != "/other?c=d" || string(c.Get("x-own")) != "four" {
			t.Errorf("changed to %q", c.text())
		}
		c.Release()
		if c.Len() != 0 || c.Target != nil {
			t.Errorf("released: %q", c.text())
		}
	}
}

// What fits into the memory given is put there and costs no other.
func TestCopyAllocatesNothing(t *testing.T) {
	r := parsed(make([]byte, 100))
	mem := make([]byte, r.TextLen())
	var c Request
	r.CopyTo(&c, mem) // makes the list of fields
	if n := testing.AllocsPerRun(100, func() { r.CopyTo(&c, mem) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestCopyOfResponse(t *testing.T) {
	buf := []byte("HTTP/1.1 404 Not Found\r\netag: abc\r\nx-y: def\r\n")
	r := &Response{Version: HTTP11, Status: 404, Reason: buf[13:22]}
	r.Append(ETag, buf[24:28], buf[30:33])
	r.Append(Other, buf[35:38], buf[40:43])
	var c, shared Response
	r.ShareTo(&shared)
	r.CopyTo(&c, make([]byte, r.TextLen()))
	clear(buf)
	if string(c.Reason) != "Not Found" || c.Status != 404 || string(c.GetID(ETag)) != "abc" || string(c.Get("x-y")) != "def" {
		t.Errorf("the copy is %+v", c)
	}
	shared.DelID(ETag)
	shared.Add([]byte("z"), nil)
	if !r.Has(ETag) || r.Len() != 2 || shared.Len() != 2 {
		t.Error("changing the fields of one changes those of the other")
	}
	c.Release()
	if c.Len() != 0 || c.Reason != nil {
		t.Errorf("released: %+v", c)
	}
}
