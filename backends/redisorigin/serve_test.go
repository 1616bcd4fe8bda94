package redisorigin

import (
	"testing"
	"time"

	"bench/backends/origintest"
	"bench/internal/dist"
)

// exchanges are the commands of the hot path and the length of their answers.
func exchanges() []struct {
	name, request string
	answer        int
	latency       time.Duration
} {
	return []struct {
		name, request string
		answer        int
		latency       time.Duration
	}{
		{"ping", "*1\r\n$4\r\nPING\r\n", 7, 0},
		{"get", "*2\r\n$3\r\nGET\r\n$1\r\nk\r\n", 9, 0},
		{"set", "*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$3\r\nabc\r\n", 5, 0},
		{"incr", "*2\r\n$4\r\nINCR\r\n$1\r\nn\r\n", 6, 0},
		{"pipeline", "GET k\r\nSET k abc\r\nPING\r\n", 9 + 5 + 7, 0},
		{"delayed", "GET k\r\n", 9, 20 * time.Microsecond},
	}
}

func dial(tb testing.TB, latency time.Duration) *origintest.Client {
	tb.Helper()
	cfg, err := NewConfig(Options{Keys: map[string]string{"k": "abc", "n": "1000"}, Latency: dist.FixedDuration(latency)})
	if err != nil {
		tb.Fatal(err)
	}
	return origintest.Dial(tb, origintest.Serve(tb, cfg))
}

func TestServingAllocatesNothing(t *testing.T) {
	for _, e := range exchanges() {
		t.Run(e.name, func(t *testing.T) {
			origintest.NoAllocations(t, dial(t, e.latency), []byte(e.request), e.answer)
		})
	}
}

func BenchmarkServe(b *testing.B) {
	for _, e := range exchanges() {
		b.Run(e.name, func(b *testing.B) {
			origintest.Measure(b, dial(b, e.latency), []byte(e.request), e.answer)
		})
	}
}

func TestMatches(t *testing.T) {
	for _, c := range []struct {
		pattern, s string
		want       bool
	}{
		{"", "", true},
		{"", "a", false},
		{"*", "", true},
		{"a*c", "abbc", true},
		{"a*c", "abbd", false},
		{"a?c", "abc", true},
		{"a?c", "ac", false},
		{"[a-c]x", "bx", true},
		{"[c-a]x", "bx", true},
		{"[^a-c]x", "bx", false},
		{"[]", "a", false},
		{"[a", "a", true},
		{"\\*", "*", true},
		{"\\*", "a", false},
		{"\\", "\\", true},
		{"**a**b", "xaxb", true},
	} {
		if got := matches(c.pattern, c.s); got != c.want {
			t.Errorf("%q, %q: %v", c.pattern, c.s, got)
		}
	}
}

// Patterns come from clients: none may fail, and * is all.
func FuzzMatches(f *testing.F) {
	f.Add("a*[b-d]?\\x", "aacbx")
	f.Add("[^", "")
	f.Fuzz(func(t *testing.T, pattern, s string) {
		matches(pattern, s)
		if !matches("*", s) {
			t.Fatalf("* is not %q", s)
		}
	})
}
