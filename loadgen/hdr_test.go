package loadgen

import (
	"math/rand/v2"
	"testing"

	"github.com/HdrHistogram/hdrhistogram-go"
)

func TestEncodingIsReadByTheLibrary(t *testing.T) {
	var e encoder
	rng := rand.New(rand.NewPCG(1, 1))
	for _, newHist := range []func() *hdrhistogram.Histogram{newLong, newShort} {
		for _, n := range []int{1, 2, 1000, 100_000} {
			h := newHist()
			for range n {
				record(h, microseconds(int64(rng.ExpFloat64()*rng.Float64()*1e9)))
			}
			record(h, 0)
			record(h, longestUs)
			s, err := e.encode(h)
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
	var e encoder
	if l, err := e.summary(newLong()); err != nil || l.Count != 0 || l.HDR != "" || l.Unit != "us" {
		t.Errorf("summary of an empty histogram: %+v, %v", l, err)
	}
}
