package log

import (
	"slices"
	"strings"
	"testing"
)

// framed are the lines of a connection on which pieces come one after another, and whether
// it has to be closed.
func framed(size int, pieces ...string) (lines []string, broken bool) {
	f := NewFrames(size)
	for _, p := range pieces {
		for len(p) > 0 {
			n := copy(f.Room(), p)
			if n == 0 {
				return lines, true
			}
			f.Took(n)
			p = p[n:]
			for {
				line, ok, err := f.Next()
				if err != nil {
					return lines, true
				}
				if !ok {
					break
				}
				lines = append(lines, string(line))
			}
		}
	}
	return lines, false
}

// Whatever pieces a connection's bytes come in, the lines are the same.
func TestFramesInPieces(t *testing.T) {
	for _, c := range []struct {
		in     string
		want   string // separated by "|"
		broken bool
	}{
		{in: "<1>a\n<2>b\r\n<3>c", want: "<1>a|<2>b"},
		{in: "4 <1>a5 <1>bb", want: "<1>a|<1>bb"},
		{in: "4 <1>a<2>b\n5 hello", want: "<1>a|<2>b|hello"},
		{in: "7 <1>a\n\nx<9>b\n", want: "<1>a\n\nx|<9>b"},
		{in: "<1>a\x00b\n", want: "<1>a\x00b"},
		{in: "<\n<1\n", want: "<|<1"},
		{in: "12 " + strings.Repeat("y", 12) + "<1>z\n", want: strings.Repeat("y", 12) + "|<1>z"},
		{in: "17 " + strings.Repeat("y", 17), want: strings.Repeat("y", 17)},
		{in: "18 " + strings.Repeat("y", 18), broken: true},
		{in: "<" + strings.Repeat("y", 18) + "\n", want: "<" + strings.Repeat("y", 18)},
		{in: "<" + strings.Repeat("y", 20) + "\n", broken: true},
		{in: "99999999999999999999999999 x", broken: true},
		{in: "<1>a\n\n<1>b\n", want: "<1>a", broken: true},
		{in: "0 x", broken: true},
		{in: "4x<1>a", broken: true},
		{in: "x", broken: true},
	} {
		var want []string
		if c.want != "" {
			want = strings.Split(c.want, "|")
		}
		try := func(pieces ...string) {
			t.Helper()
			if got, broken := framed(20, pieces...); !slices.Equal(got, want) || broken != c.broken {
				t.Errorf("%q: got %q, broken %v", pieces, got, broken)
			}
		}
		try(c.in)
		try(strings.Split(c.in, "")...)
		for at := range c.in {
			try(c.in[:at], c.in[at:])
		}
	}
}

func FuzzFrames(f *testing.F) {
	f.Add("<1>a\n4 <1>b", 3)
	f.Fuzz(func(t *testing.T, in string, at int) {
		at = max(0, min(at, len(in)))
		whole, broken := framed(64, in)
		parts, broken2 := framed(64, in[:at], in[at:])
		if !slices.Equal(whole, parts) || broken != broken2 {
			t.Errorf("%q cut at %d: %q, %v instead of %q, %v", in, at, parts, broken2, whole, broken)
		}
	})
}

// Every message is taken apart into pieces of itself.
func FuzzParseMessage(f *testing.F) {
	f.Add([]byte(`<13>1 2003-10-11T22:14:15.003Z h a p m [x@1 a="b\]"] text`))
	f.Add([]byte(`<13>Oct 11 22:14:15 host tag[12]: text`))
	f.Fuzz(func(t *testing.T, line []byte) {
		m := ParseMessage(line)
		if !strings.HasSuffix(string(line), string(m.Text)) {
			t.Errorf("%q: text %q", line, m.Text)
		}
		s := NewSender()
		for form := range headers {
			s.relayed(nil, &target{header: headers[form]}, &m, s.now())
		}
	})
}
