package compress

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"io"
	"math/rand/v2"
	"testing"

	"bench/internal/owned"
)

// decode reads what an algorithm has made.
func decode(t *testing.T, a Algorithm, coded []byte) []byte {
	t.Helper()
	var r io.Reader = bytes.NewReader(coded)
	var err error
	switch a {
	case Gzip:
		r, err = gzip.NewReader(r)
	case Deflate:
		r, err = zlib.NewReader(r)
	case RawDeflate:
		r = flate.NewReader(r)
	case Identity, numAlgorithms:
	}
	if err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(r)
	if err != nil {
		t.Fatalf("%s: %v", a, err)
	}
	return got
}

// Whatever pieces a content comes in, all of it is there behind the last one, and the
// encoder is good for another content.
func TestCode(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	content := make([]byte, 120_000)
	for i := range content {
		content[i] = "abcdefgh"[rnd.IntN(8)]
		if i > 60_000 {
			content[i] = byte(rnd.Uint32())
		}
	}
	for _, level := range []int{1, 6} {
		pool := Pool{Level: level}
		for a := range numAlgorithms {
			for _, most := range []int{1 << 20, 3000} {
				e := pool.Get(a)
				var coded []byte
				for rest := content; ; {
					n := min(len(rest), 1+rnd.IntN(most))
					last := n == len(rest) && rnd.IntN(2) == 0
					coded = e.Code(coded, rest[:n], last)
					if rest = rest[n:]; last {
						break
					}
				}
				if got := decode(t, a, coded); !bytes.Equal(got, content) {
					t.Fatalf("%s, level %d, pieces of up to %d: %d bytes, want %d", a, level, most, len(got), len(content))
				}
				pool.Put(e)
			}
			e := pool.Get(a)
			if got := decode(t, a, e.Code(nil, nil, true)); len(got) != 0 {
				t.Errorf("%s: nothing has become %q", a, got)
			}
		}
	}
}

// What was encoded can be read at once, however much is to follow.
func TestPiecesAreComplete(t *testing.T) {
	for _, level := range []int{1, 6} {
		pool := Pool{Level: level}
		e := pool.Get(Gzip)
		coded := e.Code(nil, []byte("one"), false)
		r, err := gzip.NewReader(bytes.NewReader(coded))
		if err != nil {
			t.Fatal(err)
		}
		got := make([]byte, 3)
		if _, err := io.ReadFull(r, got); err != nil || string(got) != "one" {
			t.Errorf("level %d: %q, %v", level, got, err)
		}
	}
}

func TestCodeAllocatesNothing(t *testing.T) {
	if owned.On {
		t.Skip("with the race detector the library's pool loses what it has")
	}
	pool := Pool{Level: 1}
	content := bytes.Repeat([]byte("some text "), 400)
	dst := make([]byte, 0, 8192)
	work := func() {
		e := pool.Get(Gzip)
		dst = e.Code(dst[:0], content, false)
		dst = e.Code(dst[:0], content, true)
		pool.Put(e)
	}
	work()
	if n := testing.AllocsPerRun(100, work); n > 0.5 { // what the library keeps may be collected
		t.Errorf("%v allocations", n)
	}
}

func TestChoice(t *testing.T) {
	all := []Algorithm{Gzip, Deflate, Identity}
	for _, c := range []struct {
		fields  []string
		offered []Algorithm
		want    string
	}{
		{[]string{"gzip"}, all, "gzip"},
		{[]string{"br, GZIP;q=0.5"}, all, "gzip"},
		{[]string{"gzip;q=0.5, deflate"}, all, "deflate"},
		{[]string{"gzip;q=0.5", "deflate;q=0.6"}, all, "deflate"},
		{[]string{"gzip; x=1 ; q=0"}, all, ""},
		{[]string{"gzip;q=2"}, all, "gzip"},
		{[]string{"*"}, []Algorithm{Deflate, Gzip}, "deflate"},
		{[]string{"deflate"}, []Algorithm{RawDeflate, Deflate}, "raw-deflate"},
		{[]string{"gzipped, x"}, all, ""},
		{[]string{""}, all, ""},
		{nil, all, ""},
	} {
		var choice Choice
		for _, f := range c.fields {
			choice.Add([]byte(f), c.offered)
		}
		a, ok := choice.Algorithm()
		if got := a.String(); ok && got != c.want || ok != (c.want != "") {
			t.Errorf("%q: %s, %v, want %q", c.fields, got, ok, c.want)
		}
	}
}

func FuzzAdler(f *testing.F) {
	f.Add([]byte("Wikipedia"), 3)
	f.Fuzz(func(t *testing.T, text []byte, at int) {
		at = min(max(at, 0), len(text))
		pool := Pool{}
		e := pool.Get(Deflate)
		coded := e.Code(e.Code(nil, text[:at], false), text[at:], true)
		if got := decode(t, Deflate, coded); !bytes.Equal(got, text) {
			t.Errorf("%q, want %q", got, text)
		}
	})
}
