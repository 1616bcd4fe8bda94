package h2wire

import (
	"bytes"
	"math/rand/v2"
	"strings"
	"testing"

	"golang.org/x/net/http2/hpack"
)

// randomFields are fields of which some come again and again.
func randomFields(r *rand.Rand) (all []hpack.HeaderField) {
	letters := "abcdefghijklmnopqrstuvwxyz-0123456789"
	for range r.IntN(20) {
		var name, value strings.Builder
		for range 1 + r.IntN(12)*r.IntN(2) {
			name.WriteByte(letters[r.IntN(len(letters))])
		}
		for range r.IntN(300) * r.IntN(2) {
			value.WriteByte(byte(r.IntN(256)))
		}
		all = append(all, hpack.HeaderField{Name: name.String(), Value: value.String(), Sensitive: r.IntN(9) == 0})
	}
	return append(all, hpack.HeaderField{Name: "accept-encoding", Value: "gzip, deflate"}, hpack.HeaderField{Name: "x", Value: strings.Repeat("v", r.IntN(5000))})
}

// What another implementation encodes is decoded here, its tables of all sizes included.
func TestDecodesWhatOthersEncode(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	var text bytes.Buffer
	enc := hpack.NewEncoder(&text)
	var d Decoder
	d.Reset()
	for block := range 3000 {
		text.Reset()
		if r.IntN(20) == 0 {
			enc.SetMaxDynamicTableSize(uint32(r.IntN(tableSize + 1)))
		}
		want := randomFields(r)
		for _, f := range want {
			if err := enc.WriteField(f); err != nil {
				t.Fatal(err)
			}
		}
		d.Begin(bytes.Clone(text.Bytes()))
		for _, f := range want {
			name, value, ok, err := d.Next()
			if err != nil || !ok || string(name) != f.Name || string(value) != f.Value {
				t.Fatalf("block %d: %q: %q, %v, %v; want %q: %q", block, name, value, ok, err, f.Name, f.Value)
			}
		}
		if _, _, ok, err := d.Next(); ok || err != nil {
			t.Fatalf("block %d does not end: %v", block, err)
		}
	}
}

// What is encoded here is decoded by others.
func TestOthersDecodeWhatIsEncoded(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	dec := hpack.NewDecoder(tableSize, nil)
	for range 300 {
		want := append([]hpack.HeaderField{{Name: ":method", Value: "GET"}, {Name: ":path", Value: "/index.html"}, {Name: ":status", Value: "418"}}, randomFields(r)...)
		var block []byte
		for _, f := range want {
			block = AppendField(block, []byte(f.Name), []byte(f.Value))
		}
		got, err := dec.DecodeFull(block)
		if err != nil || len(got) != len(want) {
			t.Fatalf("%d of %d fields: %v", len(got), len(want), err)
		}
		for i := range got {
			if got[i].Name != want[i].Name || got[i].Value != want[i].Value {
				t.Fatalf("%v, not %v", got[i], want[i])
			}
		}
	}
}

func TestMessagesAsText(t *testing.T) {
	var d Decoder
	d.Reset()
	request := "POST /a?b HTTP/1.1\r\nHost: shop.example\r\nX-Bench-Id: clients.000000000001\r\nCookie: a=b\r\nConnection: close\r\nContent-Length: 3\r\n"
	block := AppendRequest(nil, []byte(request+"\r\n"), []byte("https"))
	var line [4][]byte
	text, fault, err := d.AppendRequestText(nil, block, &line)
	if want := "POST /a?b HTTP/1.1\r\nhost: shop.example\r\nx-bench-id: clients.000000000001\r\ncookie: a=b\r\ncontent-length: 3\r\n"; string(text) != want || fault != "" || err != nil {
		t.Errorf("%q, %v, %v", text, fault, err)
	}
	answer := "HTTP/1.1 204 No Content\r\nServer: x\r\nTransfer-Encoding: chunked\r\nX-Empty:\r\n\r\n"
	text, fault, err = d.AppendAnswerText(nil, AppendAnswer(nil, []byte(answer)))
	if want := "HTTP/1.1 204 \r\nserver: x\r\nx-empty: \r\n\r\n"; string(text) != want || fault != "" || err != nil {
		t.Errorf("%q, %v, %v", text, fault, err)
	}
}

// Messages that HTTP/2 does not allow are told from blocks that cannot be decoded, and
// the table stays in step.
func TestMalformedMessages(t *testing.T) {
	field := func(pairs ...string) (block []byte) {
		for i := 0; i < len(pairs); i += 2 {
			block = AppendField(block, []byte(pairs[i]), []byte(pairs[i+1]))
		}
		return block
	}
	var d Decoder
	d.Reset()
	for name, block := range map[string][]byte{
		"nothing":             nil,
		"no status":           field("server", "x"),
		"two statuses":        field(":status", "200", ":status", "200"),
		"late status":         field("server", "x", ":status", "200"),
		"another pseudo":      field(":status", "200", ":path", "/"),
		"status of letters":   field(":status", "20"),
		"capitals":            field(":status", "200", "Server", "x"),
		"line feed":           field(":status", "200", "server", "x\nx-a: b"),
		"field of connection": field(":status", "200", "connection", "close"),
		"empty name":          field(":status", "200", "", "x"),
	} {
		if text, fault, err := d.AppendAnswerText(nil, block); fault == "" || err != nil {
			t.Errorf("%s: %q, %v, %v", name, text, fault, err)
		}
	}
	good := []string{":method", "GET", ":scheme", "http", ":authority", "a", ":path", "/"}
	var line [4][]byte
	for name, block := range map[string][]byte{
		"nothing":   nil,
		"no method": field(good[2:]...),
		"no scheme": field(append(good[:2:2], good[4:]...)...),
		"no path":   field(good[:6]...),
		"twice":     field(append(good, good[:2]...)...),
		"late":      field(append([]string{"a", "b"}, good...)...),
		"a status":  field(append(good, ":status", "200")...),
		"space":     field(":method", "GET", ":scheme", "http", ":path", "/ x"),
		"capitals":  field(append(good, "A", "b")...),
	} {
		if text, fault, err := d.AppendRequestText(nil, block, &line); fault == "" || err != nil {
			t.Errorf("%s: %q, %v, %v", name, text, fault, err)
		}
	}
}

// A block that is cut off anywhere, or is made of anything, ends in an error or not, and
// nothing else.
func FuzzDecoder(f *testing.F) {
	f.Add([]byte{0x82, 0x87, 0x41, 0x01, 'a', 0x84})
	f.Add([]byte{0x3f, 0xe1, 0x1f, 0x40, 0x81, 0xff, 0x00})
	f.Fuzz(func(t *testing.T, p []byte) {
		var d Decoder
		var line [4][]byte
		d.Reset()
		for range 2 {
			if text, fault, err := d.AppendAnswerText(nil, p); fault == "" && err == nil && bytes.Count(text, []byte("\r\n\r\n")) != 1 {
				t.Errorf("%q", text)
			}
			_, _, _ = d.AppendRequestText(nil, p, &line)
			_, _, _ = d.AppendTrailersText(nil, p)
		}
		if d.table.size > tableSize || len(d.table.text) > 8*tableSize {
			t.Errorf("a table of %d bytes", d.table.size)
		}
	})
}

func TestTextsDoNotAllocate(t *testing.T) {
	var d Decoder
	var block, text []byte
	var line [4][]byte
	d.Reset()
	request := []byte("GET / HTTP/1.1\r\nHost: a\r\nX-A-Rather-Long-Name-Of-A-Field-For-Stacks: 1\r\n\r\n")
	answer := []byte("HTTP/1.1 200 OK\r\nContent-Length: 3\r\nX-Bench-Origin: web.1\r\n\r\n")
	if n := testing.AllocsPerRun(100, func() {
		block = AppendRequest(block[:0], request, nameScheme[1:])
		text, _, _ = d.AppendRequestText(text[:0], block, &line)
		block = AppendAnswer(block[:0], answer)
		text, _, _ = d.AppendAnswerText(text[:0], block)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// Padding, and what a HEADERS frame says about its order, is taken off a payload, of which nothing
// need be left.
func TestUnpad(t *testing.T) {
	for _, c := range []struct {
		kind    Type
		flags   uint8
		payload string
		want    string
		ok      bool
	}{
		{Data, 0, "abc", "abc", true},
		{Data, Padded, "\x00abc", "abc", true},
		{Data, Padded, "\x01abc", "ab", true},
		{Data, Padded, "\x03abc", "", true},
		{Data, Padded, "\x04abc", "", false},
		{Data, Padded, "", "", false},
		{Headers, HasOrder, "12345x", "x", true},
		{Headers, HasOrder, "12345", "", true},
		{Headers, HasOrder, "1234", "", false},
		{Headers, Padded | HasOrder, "\x0112345xy", "x", true},
		{Headers, Padded | HasOrder, "\x0312345xy", "", false},
		{Continuation, HasOrder, "12345x", "12345x", true},
	} {
		got, ok := Unpad(Frame{Type: c.kind, Flags: c.flags, Length: len(c.payload)}, []byte(c.payload))
		if string(got) != c.want || ok != c.ok {
			t.Errorf("%v, %x of %q: %q, %v", c.kind, c.flags, c.payload, got, ok)
		}
	}
}
