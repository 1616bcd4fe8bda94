package resp

import (
	"errors"
	"strings"
	"testing"
)

// readCase is a reply, and what is told of it.
type readCase struct {
	in    string
	used  int // -1: all of it
	kind  byte
	null  bool
	bytes int64
	text  string
	err   string
}

func readCases() []readCase {
	return []readCase{
		{"+OK\r\n", -1, '+', false, 0, "OK", ""},
		{"+OK\r\n+NEXT\r\n", 5, '+', false, 0, "OK", ""},
		{"-ERR no\r\n", -1, '-', false, 0, "ERR no", ""},
		{":-42\r\n", -1, ':', false, 0, "-42", ""},
		{"$5\r\nhello\r\n", -1, '$', false, 5, "hell", ""},
		{"$2\r\n\r\n\r\n", -1, '$', false, 2, "\r\n", ""},
		{"$0\r\n\r\n", -1, '$', false, 0, "", ""},
		{"$-1\r\n", -1, '$', true, 0, "", ""},
		{"*-1\r\n", -1, '*', true, 0, "", ""},
		{"_\r\n", -1, '_', true, 0, "", ""},
		{"*0\r\n", -1, '*', false, 0, "", ""},
		{"*3\r\n$1\r\na\r\n$-1\r\n*2\r\n:1\r\n$2\r\nbc\r\n", -1, '*', false, 3, "", ""},
		{"%2\r\n+a\r\n:1\r\n+b\r\n~1\r\n#t\r\n", -1, '%', false, 0, "", ""},
		{"*2\r\n-ERR part\r\n+OK\r\n", -1, '*', false, 0, "", ""},
		{"=8\r\ntxt:some\r\n", -1, '=', false, 8, "txt:", ""},
		{"!9\r\nERR worse\r\n", -1, '!', false, 9, "ERR worse", ""},
		{",1.5\r\n", -1, ',', false, 0, "1.5", ""},
		{"(12345678901234567890\r\n", -1, '(', false, 0, "12345678901234567890", ""},
		{"|1\r\n+ttl\r\n*2\r\n:1\r\n:2\r\n$1\r\nx\r\n", -1, '$', false, 1, "x", ""},
		{">2\r\n$10\r\ninvalidate\r\n*1\r\n$1\r\nk\r\n:7\r\n", -1, ':', false, 0, "7", ""},
		{"*2\r\n|1\r\n+a\r\n+b\r\n:1\r\n>1\r\n+x\r\n:2\r\n", -1, '*', false, 0, "", ""},

		{"+OK\n", 0, 0, false, 0, "", "does not end in CR"},
		{"\r\n", 0, 0, false, 0, "", "does not end in CR"},
		{"HTTP/1.1 400 Bad Request\r\n", 0, 0, false, 0, "", "an unknown type"},
		{"$x\r\n", 0, 0, false, 0, "", "invalid length of a bulk"},
		{"$536870913\r\n", 0, 0, false, 0, "", "invalid length of a bulk"},
		{"$?\r\n", 0, 0, false, 0, "", "invalid length of a bulk"},
		{"$1\r\nabc", 0, 0, false, 0, "", "longer than its length"},
		{"$1\r\na\rb", 0, 0, false, 0, "", "longer than its length"},
		{"*x\r\n", 0, 0, false, 0, "", "invalid number of values"},
		{"*4294967296\r\n*4294967296\r\n", 0, 0, false, 0, "", "more than 2^32 values"},
		{"*99999999999\r\n", 0, 0, false, 0, "", "invalid number of values"},
		{"+" + strings.Repeat("x", maxLine) + "\r\n", 0, 0, false, 0, "", "longer than 64 KiB"},
		{"+" + strings.Repeat("x", 2*maxLine), 0, 0, false, 0, "", "longer than 64 KiB"},
	}
}

// feed gives in to r in pieces of at most size bytes.
func feed(r *Reader, in string, size int) (n int, done bool, err error) {
	for n < len(in) && !done && err == nil {
		var used int
		used, done, err = r.Feed([]byte(in[n:min(len(in), n+size)]))
		n += used
	}
	return n, done, err
}

func TestReader(t *testing.T) {
	r := Reader{Keep: 4}
	for _, c := range readCases() {
		for _, size := range []int{len(c.in), 1, 3} {
			r.Begin()
			n, done, err := feed(&r, c.in, size)
			if c.err != "" {
				if err == nil || !strings.Contains(err.Error(), c.err) || !errors.As(err, new(ProtocolError)) {
					t.Errorf("%.40q in pieces of %d: error %v, want %q", c.in, size, err, c.err)
				}
				continue
			}
			want := c.used
			if want < 0 {
				want = len(c.in)
			}
			if err != nil || !done || n != want || r.Kind != c.kind || r.Null != c.null || r.Bytes != c.bytes || string(r.Text) != c.text {
				t.Errorf("%.40q in pieces of %d: %d bytes, done %v, %q null %v bytes %d text %q, error %v", c.in, size, n, done, r.Kind, r.Null, r.Bytes, r.Text, err)
			}
			for cut := range want {
				r.Begin()
				if _, done, err := feed(&r, c.in[:cut], size); done || err != nil {
					t.Errorf("%.40q cut at %d: done %v, error %v", c.in, cut, done, err)
				}
			}
		}
	}
}

func TestReadingAllocatesNothing(t *testing.T) {
	in := []byte("*3\r\n$16\r\nkey:000000000042\r\n|1\r\n+a\r\n+b\r\n-ERR x\r\n:1\r\n")
	r := Reader{Keep: 16}
	read := func() {
		r.Begin()
		for _, p := range [][]byte{in[:10], in[10:30], in[30:]} {
			if _, _, err := r.Feed(p); err != nil {
				t.Fatal(err)
			}
		}
	}
	read()
	if n := testing.AllocsPerRun(100, read); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkReader(b *testing.B) {
	in := []byte("$16\r\nkey:000000000042\r\n")
	var r Reader
	b.ReportAllocs()
	for b.Loop() {
		r.Begin()
		if _, done, err := r.Feed(in); !done || err != nil {
			b.Fatal(err)
		}
	}
}

// A reply is the same in whatever pieces it comes.
func FuzzReader(f *testing.F) {
	for _, c := range readCases() {
		if len(c.in) < 1000 {
			f.Add([]byte(c.in), uint8(3))
		}
	}
	f.Fuzz(func(t *testing.T, in []byte, size uint8) {
		whole, pieces := Reader{Keep: 5}, Reader{Keep: 5}
		whole.Begin()
		pieces.Begin()
		n, done, err := feed(&whole, string(in), len(in))
		m, also, other := feed(&pieces, string(in), int(size)+1)
		if done != also || (err == nil) != (other == nil) || done && n != m {
			t.Fatalf("whole %d %v %v, in pieces %d %v %v", n, done, err, m, also, other)
		}
		if n > len(in) || m > len(in) {
			t.Fatalf("%d and %d of %d bytes", n, m, len(in))
		}
		if done && (whole.Kind != pieces.Kind || whole.Null != pieces.Null || whole.Bytes != pieces.Bytes || string(whole.Text) != string(pieces.Text)) {
			t.Fatalf("whole %+v, in pieces %+v", whole, pieces)
		}
	})
}
