package resp

import (
	"errors"
	"slices"
	"strings"
	"testing"
)

func words(args [][]byte) []string {
	out := []string{}
	for _, a := range args {
		out = append(out, string(a))
	}
	return out
}

func TestParseCommand(t *testing.T) {
	for _, c := range []struct {
		in   string
		n    int
		want []string
		err  string
	}{
		{"*1\r\n$4\r\nPING\r\n", 14, []string{"PING"}, ""},
		{"*2\r\n$3\r\nGET\r\n$0\r\n\r\nrest", 19, []string{"GET", ""}, ""},
		{"*2\r\n$3\r\nGET\r\n$2\r\n\r\n\r\n", 21, []string{"GET", "\r\n"}, ""},
		{"*0\r\nx", 4, []string{}, ""},
		{"*-1\r\n", 5, []string{}, ""},
		{"PING\r\n", 6, []string{"PING"}, ""},
		{"  set \t k 'a b' \"c'd\"\n", 22, []string{"set", "k", "a b", "c'd"}, ""},
		{"\r\n", 2, []string{}, ""},
		{"", 0, []string{}, ""},
		{"*", 0, []string{}, ""},
		{"*1\r", 0, []string{}, ""},
		{"*1\r\n", 0, []string{}, ""},
		{"*1\r\n$4\r\nPIN", 0, []string{}, ""},
		{"*1\r\n$4\r\nPING\r", 0, []string{}, ""},
		{"PING", 0, []string{}, ""},
		{"*x\r\n", 0, []string{}, "invalid multibulk length"},
		{"*\r\n", 0, []string{}, "invalid multibulk length"},
		{"*-\r\n", 0, []string{}, "invalid multibulk length"},
		{"*1048577\r\n", 0, []string{}, "invalid multibulk length"},
		{"*9999999999999999999\r\n", 0, []string{}, "invalid multibulk length"},
		{"*1\r\n+OK\r\n", 0, []string{}, "expected '$', got '+'"},
		{"*1\r\n$-1\r\n", 0, []string{}, "invalid bulk length"},
		{"*1\r\n$536870913\r\n", 0, []string{}, "invalid bulk length"},
		{"*1\r\n$1\r\nabc", 0, []string{}, "longer than its length"},
		{"get 'a\r\n", 0, []string{"get"}, "unbalanced quotes"},
		{"get 'a'b\r\n", 0, []string{"get"}, "unbalanced quotes"},
		{strings.Repeat("a", MaxInline+1), 0, []string{}, "too big inline"},
	} {
		args, n, err := ParseCommand([]byte(c.in), nil)
		got := words(args)
		if c.n == 0 && c.err == "" {
			got = []string{} // what there is of an incomplete command does not count
		}
		if n != c.n || !slices.Equal(got, c.want) || (err == nil) != (c.err == "") || err != nil && !strings.Contains(err.Error(), c.err) {
			t.Errorf("%.40q: %q, %d, %v", c.in, got, n, err)
		}
	}
}

func TestReplies(t *testing.T) {
	b := AppendSimple(nil, "OK")
	b = AppendError(b, "ERR no")
	b = AppendInt(b, -5)
	b = AppendArray(b, 2)
	b = AppendBulk(b, "")
	b = AppendBulk(b, []byte("ab"))
	for _, v := range []Version{V2, V3} {
		b = v.AppendMap(b, 1)
		b = v.AppendNull(b)
		b = v.AppendText(b, "hi")
	}
	const want = "+OK\r\n-ERR no\r\n:-5\r\n*2\r\n$0\r\n\r\n$2\r\nab\r\n" +
		"*2\r\n$-1\r\n$2\r\nhi\r\n" + "%1\r\n_\r\n=6\r\ntxt:hi\r\n"
	if string(b) != want {
		t.Errorf("got %q", b)
	}
}

func TestParsingAllocatesNothing(t *testing.T) {
	in := []byte("*3\r\n$3\r\nSET\r\n$16\r\nkey:000000000042\r\n$3\r\nxxx\r\n")
	args := make([][]byte, 0, 8)
	if n := testing.AllocsPerRun(100, func() { _, _, _ = ParseCommand(in, args[:0]) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkParseCommand(b *testing.B) {
	in := []byte("*3\r\n$3\r\nSET\r\n$16\r\nkey:000000000042\r\n$3\r\nxxx\r\n")
	args := make([][]byte, 0, 8)
	b.ReportAllocs()
	for b.Loop() {
		_, _, _ = ParseCommand(in, args[:0])
	}
}

// What is a command stays one whatever follows, is none before its last byte,
// and errors are of the protocol.
func FuzzParseCommand(f *testing.F) {
	for _, s := range []string{
		"*1\r\n$4\r\nPING\r\n", "PING\r\n", "*2\r\n$3\r\nGET\r\n$1\r\nk\r\n", "set a 'b c'\r\n", "*-1\r\n", "*1\r\n$-1\r\n", "\r\n",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		args, n, err := ParseCommand(in, nil)
		if err != nil {
			if !errors.As(err, new(ProtocolError)) || n != 0 {
				t.Fatalf("%v, %d", err, n)
			}
			return
		}
		if n > len(in) {
			t.Fatalf("%d of %d bytes", n, len(in))
		}
		if n == 0 {
			return
		}
		again, m, err := ParseCommand(append(slices.Clone(in[:n]), "xyz"...), nil)
		if m != n || err != nil || !slices.Equal(words(again), words(args)) {
			t.Fatalf("with more behind it: %q, %d, %v", again, m, err)
		}
		if _, m, err := ParseCommand(in[:n-1], nil); m != 0 || err != nil {
			t.Fatalf("one byte short: %d, %v", m, err)
		}
	})
}
