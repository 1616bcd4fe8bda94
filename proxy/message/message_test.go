package message

import (
	"reflect"
	"strings"
	"testing"
	"unsafe"
)

func TestLookup(t *testing.T) {
	for id := Other + 1; id < numHeaderIDs; id++ {
		name := id.String()
		if len(name) > maxKnownName || name != strings.ToLower(name) {
			t.Errorf("name of %d: %q", id, name)
		}
		for _, n := range []string{name, strings.ToUpper(name), strings.ToUpper(name[:1]) + name[1:]} {
			if got := Lookup([]byte(n)); got != id {
				t.Errorf("Lookup(%q) = %d, want %d", n, got, id)
			}
			if got := LookupString(n); got != id {
				t.Errorf("LookupString(%q) = %d, want %d", n, got, id)
			}
		}
		// A name that differs in any one character is not known.
		for i := range name {
			b := []byte(name)
			b[i] ^= 0x40
			if got := Lookup(b); got != Other {
				t.Errorf("Lookup(%q) = %v", b, got)
			}
			b[i] = '_'
			if got := Lookup(b); got != Other {
				t.Errorf("Lookup(%q) = %v", b, got)
			}
		}
	}
	for _, n := range []string{"", "h", "hosts", "x-unknown", strings.Repeat("x", 100)} {
		if got := Lookup([]byte(n)); got != Other {
			t.Errorf("Lookup(%q) = %v", n, got)
		}
	}
}

func TestLower(t *testing.T) {
	b := make([]byte, 256+5)
	want := make([]byte, len(b))
	for i := range b {
		b[i] = byte(i)
		want[i] = b[i]
		if c := b[i]; c >= 'A' && c <= 'Z' {
			want[i] = c + 0x20
		}
	}
	Lower(b)
	if string(b) != string(want) {
		t.Errorf("%q, want %q", b, want)
	}
}

// dump writes the live fields as "name=value name=value".
func dump(h *Header) string {
	var parts []string
	for _, f := range h.All() {
		parts = append(parts, string(f.Name)+"="+string(f.Value))
	}
	return strings.Join(parts, " ")
}

func header(pairs ...string) *Header {
	h := new(Header)
	for i := 0; i < len(pairs); i += 2 {
		h.Add([]byte(pairs[i]), []byte(pairs[i+1]))
	}
	return h
}

func TestHeaderEdit(t *testing.T) {
	sample := func() *Header {
		return header("host", "a", "x", "1", "cookie", "c1", "x", "2", "cookie", "c2", "cookie", "c3")
	}
	for _, c := range []struct {
		name string
		edit func(h *Header)
		want string
	}{
		{"delete a known one", func(h *Header) { h.DelID(Cookie) }, "host=a x=1 x=2"},
		{"delete another", func(h *Header) { h.Del("x") }, "host=a cookie=c1 cookie=c2 cookie=c3"},
		{"delete by known name", func(h *Header) { h.Del("cookie") }, "host=a x=1 x=2"},
		{"delete the first of several", func(h *Header) { h.DelAt(h.First(Cookie)); h.DelAt(h.First(Cookie)) }, "host=a x=1 x=2 cookie=c3"},
		{"delete one twice", func(h *Header) { h.DelAt(0); h.DelAt(0) }, "x=1 cookie=c1 x=2 cookie=c2 cookie=c3"},
		{"delete what is not there", func(h *Header) { h.Del("y"); h.DelID(Via) }, "host=a x=1 cookie=c1 x=2 cookie=c2 cookie=c3"},
		{"set a known one", func(h *Header) { h.SetID(Cookie, []byte("n")) }, "host=a x=1 cookie=n x=2"},
		{"set another", func(h *Header) { h.Set([]byte("x"), []byte("n")) }, "host=a x=n cookie=c1 cookie=c2 cookie=c3"},
		{"set by known name", func(h *Header) { h.Set([]byte("host"), []byte("n")) }, "host=n x=1 cookie=c1 x=2 cookie=c2 cookie=c3"},
		{"set a new one", func(h *Header) { h.Set([]byte("y"), []byte("n")); h.SetID(Via, []byte("v")) }, "host=a x=1 cookie=c1 x=2 cookie=c2 cookie=c3 y=n via=v"},
		{"add after deleting", func(h *Header) { h.DelID(Host); h.AddID(Host, []byte("b")) }, "x=1 cookie=c1 x=2 cookie=c2 cookie=c3 host=b"},
	} {
		h := sample()
		c.edit(h)
		if got := dump(h); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
		checkIndex(t, c.name, h)
	}
}

// checkIndex compares the O(1) index and the count with a walk over the fields.
func checkIndex(t *testing.T, name string, h *Header) {
	t.Helper()
	live := 0
	for range h.All() {
		live++
	}
	if h.Len() != live {
		t.Errorf("%s: Len %d, %d fields", name, h.Len(), live)
	}
	for id := Other + 1; id < numHeaderIDs; id++ {
		want := -1
		for i, f := range h.All() {
			if f.ID == id {
				want = i
				break
			}
		}
		if got := h.First(id); got != want || h.Has(id) != (want >= 0) {
			t.Errorf("%s: First(%v) = %d, want %d", name, id, got, want)
		}
	}
}

func TestHeaderGet(t *testing.T) {
	h := header("host", "a", "x", "1", "cookie", "c1", "x", "2", "cookie", "c2")
	if got := string(h.Get("x")) + string(h.Get("cookie")) + string(h.GetID(Host)); got != "1c1a" {
		t.Errorf("first values %q", got)
	}
	if h.Get("y") != nil || h.GetID(Via) != nil || h.Get("via") != nil {
		t.Error("a missing field has a value")
	}
	var all []string
	for _, name := range []string{"x", "cookie", "y"} {
		for _, v := range h.Each(name) {
			all = append(all, string(v))
		}
	}
	if got := strings.Join(all, " "); got != "1 2 c1 c2" {
		t.Errorf("all values %q", got)
	}
	h.Reset()
	if h.Len() != 0 || h.Has(Host) || h.Get("x") != nil {
		t.Error("fields left after Reset")
	}
}

func TestTarget(t *testing.T) {
	for _, c := range []struct {
		method, target, auth, path, query string
		form                              TargetForm
		noPath, noQuery                   bool
	}{
		{"GET", "/", "", "/", "", OriginForm, false, true},
		{"GET", "/a/b?c=d?e", "", "/a/b", "c=d?e", OriginForm, false, false},
		{"GET", "/a?", "", "/a", "", OriginForm, false, false},
		{"GET", "http://h:80/a?b", "h:80", "/a", "b", AbsoluteForm, false, false},
		{"GET", "http://h", "h", "", "", AbsoluteForm, false, true},
		{"GET", "http://h?q", "h", "", "q", AbsoluteForm, false, false},
		{"OPTIONS", "*", "", "*", "", AsteriskForm, false, true},
		{"CONNECT", "h:443", "h:443", "", "", AuthorityForm, true, true},
		{"GET", "nonsense", "", "", "", AbsoluteForm, true, true},
	} {
		var r Request
		r.SetMethod([]byte(c.method))
		r.SetTarget([]byte(c.target))
		if r.Form != c.form || string(r.Authority()) != c.auth || string(r.Path()) != c.path || string(r.Query()) != c.query ||
			(r.Path() == nil) != c.noPath || (r.Query() == nil) != c.noQuery {
			t.Errorf("%s: form %d authority %q path %q query %q", c.target, r.Form, r.Authority(), r.Path(), r.Query())
		}
	}
}

func TestReplaceTarget(t *testing.T) {
	for _, c := range []struct{ target, path, query, want string }{
		{"/a?b", "/x", "y=z", "/x?y=z"},
		{"/a", "/x", "y", "/x?y"},
		{"/a?b", "/longer/path", "", "/longer/path?"},
		{"/a", "/x", "", "/x"},
		{"http://h/a?b", "/x", "y", "http://h/x?y"},
		{"http://h", "/x", "y", "http://h/x?y"},
	} {
		var r Request
		r.SetTarget([]byte(c.target))
		r.ReplacePath([]byte(c.path))
		r.ReplaceQuery([]byte(c.query))
		if string(r.Target) != c.want || string(r.Path()) != c.path || string(r.Query()) != c.query {
			t.Errorf("%s: %s, want %s", c.target, r.Target, c.want)
		}
	}
}

func TestArena(t *testing.T) {
	var a Arena
	pieces := make([][]byte, 0, 300)
	for range 300 {
		pieces = append(pieces, a.CopyString("0123456789"))
	}
	for i, p := range pieces {
		if string(p) != "0123456789" || cap(p) != 10 {
			t.Fatalf("piece %d: %q, capacity %d", i, p, cap(p))
		}
	}
	if n := testing.AllocsPerRun(100, func() { a.Reset(); a.CopyString("0123456789"); a.Copy(pieces[0]) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestMethod(t *testing.T) {
	for name, idempotent := range map[string]bool{
		"OPTIONS": true, "GET": true, "HEAD": true, "PUT": true, "DELETE": true, "TRACE": true,
		"POST": false, "CONNECT": false, "PATCH": false,
	} {
		m := LookupMethod([]byte(name))
		if m == MethodOther || m.Idempotent() != idempotent {
			t.Errorf("%s: %d, idempotent %v", name, m, m.Idempotent())
		}
	}
	if m := LookupMethod([]byte("get")); m != MethodOther || m.Idempotent() {
		t.Error("methods are case-sensitive")
	}
}

// Reset sets fields one by one, which is cheaper than clearing the whole: none
// may be forgotten.
func TestReset(t *testing.T) {
	dirty := func(v reflect.Value) {
		for _, f := range v.Fields() {
			if f = reflect.NewAt(f.Type(), f.Addr().UnsafePointer()).Elem(); f.Type() == reflect.TypeFor[Header]() || f.Type() == reflect.TypeFor[Arena]() {
				continue
			}
			b := unsafe.Slice((*byte)(f.Addr().UnsafePointer()), f.Type().Size())
			if f.Kind() == reflect.Slice {
				f.Set(reflect.ValueOf([]byte("x")))
				continue
			}
			for j := range b {
				b[j] = 1
			}
		}
	}
	var r Request
	dirty(reflect.ValueOf(&r).Elem())
	r.Reset()
	if !reflect.DeepEqual(r, Request{}) {
		t.Errorf("after Reset: %+v", r)
	}
	var s Response
	dirty(reflect.ValueOf(&s).Elem())
	s.Reset()
	if !reflect.DeepEqual(s, Response{}) {
		t.Errorf("after Reset: %+v", s)
	}
}
