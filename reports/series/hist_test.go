package series

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/HdrHistogram/hdrhistogram-go"

	"bench/internal/hdr"
	"bench/internal/result"
)

func TestBinsStayWithinTolerance(t *testing.T) {
	for v := 1.0; v < 1e8; v = v*1.003 + 0.5 {
		got := BinValue(BinOf(v))
		if off := math.Abs(got-v) / v; off > 0.015 {
			t.Errorf("%v reads %v, %.2f %% off", v, got, off*100)
		}
	}
}

func TestQuantilesAgainstSort(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	h := hdrhistogram.New(1, 60e6, 3)
	var exact []float64
	for range 20_000 {
		v := math.Floor(math.Exp(r.NormFloat64()*1.5 + 6))
		exact = append(exact, v)
		if err := h.RecordValue(int64(v)); err != nil {
			t.Fatal(err)
		}
	}
	slices.Sort(exact)
	var d hdr.Decoder
	text, err := new(hdr.Encoder).Encode(h)
	if err != nil {
		t.Fatal(err)
	}
	dist, err := d.Decode(text)
	if err != nil {
		t.Fatal(err)
	}
	bins := BinsOf(dist)
	for _, q := range []float64{0.5, 0.9, 0.99, 0.999} {
		want := exact[int(q*float64(len(exact))+0.5)-1]
		for name, got := range map[string]float64{"dist": dist.Quantile(q), "bins": bins.Quantile(q)} {
			if math.Abs(got-want)/want > 0.015 {
				t.Errorf("%s q %v = %v, want %v", name, q, got, want)
			}
		}
	}
}

func TestEnough(t *testing.T) {
	for _, c := range []struct {
		q    float64
		n    uint64
		want bool
	}{{0.5, 19, false}, {0.5, 20, true}, {0.99, 999, false}, {0.99, 1000, true}, {0.999, 9999, false}, {0.999, 10_000, true}} {
		if result.Enough(c.q, c.n) != c.want {
			t.Errorf("result.Enough(%v, %d) = %v", c.q, c.n, !c.want)
		}
	}
	if EnoughForLine(0.99, 299) || !EnoughForLine(0.99, 300) {
		t.Error("a line of p99 starts at 300 samples")
	}
}
