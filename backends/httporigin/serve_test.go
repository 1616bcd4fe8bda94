package httporigin

import (
	"testing"
	"time"

	"bench/backends/origintest"
	"bench/internal/dist"
	"bench/internal/sock"
)

// serve runs an origin until the test ends.
func serve(tb testing.TB, a Answer) sock.Addr {
	tb.Helper()
	cfg, err := NewConfig(Options{Answer: a})
	if err != nil {
		tb.Fatal(err)
	}
	return origintest.Serve(tb, cfg)
}

// work is one kind of request the hot path serves.
type work struct {
	name   string
	answer Answer
}

func works(b testing.TB) []work {
	b.Helper()
	sizes, err := dist.ParseSize("uniform(4KiB, 4KiB)") // drawn, though always the same
	if err != nil {
		b.Fatal(err)
	}
	return []work{
		{"prepared", Answer{Body: dist.FixedSize(128)}},
		{"drawn", Answer{Body: sizes}},
		{"drawn chunks", Answer{Body: sizes, Framing: ByChunks}},
		{"tagged", Answer{Body: dist.FixedSize(128), ETag: true, Gzip: true, Framing: ByChunks, Trailers: []Header{{"X-Sum", "abc"}}}},
		{"delayed", Answer{Body: dist.FixedSize(128), Latency: dist.FixedDuration(20 * time.Microsecond)}},
	}
}

const hotRequest = "GET / HTTP/1.1\r\nHost: 127.0.0.1:8000\r\nUser-Agent: bench\r\nAccept: */*\r\nX-Bench-Id: web.000000012345\r\n\r\n"

// answerSize learns how long the answer to the hot request is.
func answerSize(tb testing.TB, a sock.Addr) int {
	tb.Helper()
	c := origintest.Dial(tb, a)
	c.Write([]byte(hotRequest + "GET / HTTP/1.0\r\n\r\n"))
	var all []byte
	for {
		p := c.Read()
		if len(p) == 0 {
			break
		}
		all = append(all, p...)
	}
	for i := len(all) - 8; i > 0; i-- {
		if string(all[i:i+8]) == "HTTP/1.1" {
			return i
		}
	}
	tb.Fatalf("no second answer in %q", all)
	return 0
}

func TestServingAllocatesNothing(t *testing.T) {
	for _, w := range works(t) {
		t.Run(w.name, func(t *testing.T) {
			addr := serve(t, w.answer)
			origintest.NoAllocations(t, origintest.Dial(t, addr), []byte(hotRequest), answerSize(t, addr))
		})
	}
}

func BenchmarkServe(b *testing.B) {
	for _, w := range works(b) {
		b.Run(w.name, func(b *testing.B) {
			addr := serve(b, w.answer)
			origintest.Measure(b, origintest.Dial(b, addr), []byte(hotRequest), answerSize(b, addr))
		})
	}
}
