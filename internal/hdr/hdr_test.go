package hdr

import (
	"math/rand/v2"
	"testing"

	"github.com/HdrHistogram/hdrhistogram-go"
)

func TestEncodingIsReadByTheLibrary(t *testing.T) {
	var e Encoder
	rng := rand.New(rand.NewPCG(1, 1))
	for _, newHist := range []func() *hdrhistogram.Histogram{NewLong, NewShort} {
		for _, n := range []int{1, 2, 1000, 100_000} {
			h := newHist()
			for range n {
				Record(h, Microseconds(int64(rng.ExpFloat64()*rng.Float64()*1e9)))
			}
			Record(h, 0)
			Record(h, LongestUs)
			s, err := e.Encode(h)
			if err != nil {
				t.Fatal(err)
			}
			got, err := hdrhistogram.Decode([]byte(s))
			if err != nil {
				t.Fatal(err)
			}
			if !h.Equals(got) {
				t.Errorf("%d values: the decoded histogram differs", n)
			}
		}
	}
}

func TestSummaryOfNothing(t *testing.T) {
	var e Encoder
	if l, err := e.Summary(NewLong()); err != nil || l.Count != 0 || l.HDR != "" || l.Unit != "us" {
		t.Errorf("summary of an empty histogram: %+v, %v", l, err)
	}
}
