package benchfmt

import (
	"math"
	"testing"
)

func TestFormat(t *testing.T) {
	var f File
	f.Config("cpu", "Example\n CPU  3.0 GHz")
	f.Config("empty", " ")
	f.HigherIsBetter("good/s")
	f.Result("proxy-overhead 2", []Part{{"poller", "io_uring"}, {"load", ""}, {"cl/ass", "a b/c-8"}}, []Value{{224_000, "p50-ns"}, {math.NaN(), "x"}, {math.Inf(1), "y"}, {0.1, "good/s"}})
	f.Result("nothing", nil, []Value{{math.NaN(), "x"}})
	f.Result("日本", nil, []Value{{1e15, Unit("cpu.user/re quest", "ns")}})
	const want = `cpu: Example CPU 3.0 GHz
Unit good/s better=higher
BenchmarkProxy_overhead_2/poller=io_uring/cl_ass=a_b_c_8 1 224000 p50-ns 0.1 good/s
Benchmark__ 1 1000000000000000 cpu.user-ns/re_quest
`
	if got := f.String(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}
