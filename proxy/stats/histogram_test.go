package stats

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// Every duration is in the bucket whose bounds it lies between.
func TestBucketsHoldWhatTheirBoundsSay(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ns := rapid.Int64Range(1, 2000*int64(time.Second)).Draw(t, "ns")
		i := bucketOf(ns)
		s := float64(ns) / float64(time.Second)
		if i < histogramBuckets-1 && s > bound(i)*(1+1e-12) || i > 0 && s <= bound(i-1)*(1-1e-12) {
			t.Fatalf("%d ns is in bucket %d, from %g to %g s", ns, i, bound(i-1), bound(i))
		}
	})
	// Bounds belong to the bucket below them.
	for i := range histogramBuckets - 1 {
		exact := bound(i)
		if exact != math.Trunc(exact*1e9)/1e9 {
			continue
		}
		if got := bucketOf(int64(exact * 1e9)); got != i {
			t.Errorf("%g s is in bucket %d, want %d", exact, got, i)
		}
	}
	if bucketOf(0) != 0 || bucketOf(-5) != 0 || bucketOf(math.MaxInt64) != histogramBuckets-1 {
		t.Error("what is beyond the bounds is not in the buckets at the ends")
	}
}

// Quantiles are those of an exact sort, but for the width of a bucket.
func TestQuantiles(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	var h Histogram
	var all []float64
	for range 20_000 {
		ns := int64(math.Exp(rng.NormFloat64()*2) * 1e6)
		h.Note(ns)
		all = append(all, float64(ns))
	}
	slices.Sort(all)
	for _, q := range []float64{0.5, 0.9, 0.99, 0.999} {
		exact := all[int(math.Ceil(q*float64(len(all))))-1]
		got := float64(h.Quantile(q))
		if got < exact*(1-1e-9) || got > exact*1.19 {
			t.Errorf("quantile %g is %g ns, exactly %g", q, got, exact)
		}
	}
	if (&Histogram{}).Quantile(0.5) != 0 {
		t.Error("a quantile of nothing")
	}
}

// What was counted since an earlier moment is the difference, and everything after a
// reset.
func TestHistogramSince(t *testing.T) {
	var before, now Histogram
	before.Note(1e6)
	now = before
	now.Note(5e9)
	if d := now.Since(&before); d.N != 1 || d.Sum != 5e9 || d.UpTo(0) != 0 || d.UpTo(1<<20) != 1 {
		t.Errorf("%d, %d ns", d.N, d.Sum)
	}
	var cleared Histogram
	if d := cleared.Since(&before); d.N != 0 {
		t.Errorf("%d after a reset", d.N)
	}
}

// To take a time in allocates once, for the first stream.
func TestLatencyDoesNotAllocate(t *testing.T) {
	var l Latency
	l.Note(1, 2, 3, 4)
	if n := testing.AllocsPerRun(100, func() { l.Note(1e3, 1e5, -1, 1e9) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
	if l.Queue().N != 102 || l.Response().N != 1 || l.Total().UpTo(0) != 102 {
		t.Errorf("queue %d, response %d", l.Queue().N, l.Response().N)
	}
	var sum Latency
	if !sum.None() || sum.Queue().N != 0 {
		t.Error("a latency out of nothing")
	}
	sum.Sum(&l)
	sum.Sum(&Latency{})
	if sum.Connect().N != 102 {
		t.Errorf("connect %d", sum.Connect().N)
	}
}

func BenchmarkLatency(b *testing.B) {
	var l Latency
	b.ReportAllocs()
	ns := int64(0)
	for b.Loop() {
		l.Note(ns, 30_000, 200_000, 250_000+ns)
		ns += 777
	}
}

func BenchmarkHistogram(b *testing.B) {
	var h Histogram
	b.ReportAllocs()
	for i := range b.N {
		h.Note(int64(i&0xffff) << 6)
	}
}
