package tcporigin

import (
	"strings"
	"testing"

	"bench/backends/origintest"
)

func echoClient(tb testing.TB) *origintest.Client {
	tb.Helper()
	cfg, err := NewConfig(Options{})
	if err != nil {
		tb.Fatal(err)
	}
	return origintest.Dial(tb, origintest.Serve(tb, cfg))
}

func TestServingAllocatesNothing(t *testing.T) {
	for _, size := range []int{1, 1000, 64 << 10} {
		origintest.NoAllocations(t, echoClient(t), []byte(strings.Repeat("x", size)), size)
	}
}

func BenchmarkEcho(b *testing.B) {
	b.SetBytes(64)
	origintest.Measure(b, echoClient(b), []byte(strings.Repeat("x", 64)), 64)
}

// Steps come from files: a step that is taken is what it says.
func FuzzParseStep(f *testing.F) {
	for _, s := range []string{"expect PING\\r\\n", "send \"a b\"", "wait 5ms", "close", "send \\xff\\", "loop x"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		s, err := ParseStep(text)
		if err != nil {
			return
		}
		if (s.Do == Expect || s.Do == Send) != (len(s.Data) > 0) || (s.Do == Wait) != (s.For > 0) {
			t.Fatalf("%q is %+v", text, s)
		}
	})
}
