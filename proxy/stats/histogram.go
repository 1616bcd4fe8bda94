package stats

import (
	"math"
	"math/bits"
	"time"
)

// Histogram counts durations in buckets whose bounds grow by the fourth root of two, so
// that a quantile is known to 19 %. Their numbers are those of native histograms of
// Prometheus with schema 2, for seconds: bucket i holds what is above 2^((i-1)/4) s and
// not above 2^(i/4) s. The zero value is empty.
type Histogram struct {
	N       uint64
	Sum     int64 // nanoseconds
	buckets [histogramBuckets]uint64
}

// The first bucket takes everything up to 2^-17 s (7.6 µs), the last one everything
// above 2^10 s.
const (
	histogramFirst   = -17 * perOctave
	histogramLast    = 10*perOctave + 1
	histogramBuckets = histogramLast - histogramFirst + 1
	perOctave        = 4
	// HistogramLow and HistogramHigh are the first bucket, which has everything below as
	// well, and the last one but that for everything above.
	HistogramLow, HistogramHigh = histogramFirst, histogramLast - 1
	// HistogramSchema is the schema of the buckets in Prometheus' terms.
	HistogramSchema = 2
)

// upTo are the longest durations of the buckets, in nanoseconds; of the last one any.
var upTo = func() (ns [histogramBuckets]int64) {
	for i := range ns {
		ns[i] = int64(bound(i) * float64(time.Second))
	}
	ns[histogramBuckets-1] = math.MaxInt64
	return ns
}()

// firstOf is, by the number of bits of a duration in nanoseconds, the first bucket that
// may be the one for it.
var firstOf = func() (first [64]uint8) {
	for bits := 1; bits < len(first); bits++ {
		least := int64(1) << (bits - 1)
		for upTo[first[bits]] < least {
			first[bits]++
		}
	}
	return first
}()

// bucketOf is the bucket for a duration.
func bucketOf(ns int64) int {
	if ns <= 0 {
		return 0
	}
	i := int(firstOf[bits.Len64(uint64(ns))])
	for ns > upTo[i] {
		i++
	}
	return i
}

// Note takes a duration in, in nanoseconds.
func (h *Histogram) Note(ns int64) {
	h.N++
	h.Sum += ns
	h.buckets[bucketOf(ns)]++
}

// Add takes in what o has counted.
func (h *Histogram) Add(o *Histogram) {
	h.N += o.N
	h.Sum += o.Sum
	for i, n := range o.buckets {
		h.buckets[i] += n
	}
}

// Since is what h has counted and an earlier state of it had not.
func (h *Histogram) Since(o *Histogram) Histogram {
	d := *h
	if o.N > h.N {
		return d // it was cleared meanwhile
	}
	d.N -= o.N
	d.Sum -= o.Sum
	for i, n := range o.buckets {
		d.buckets[i] -= min(n, d.buckets[i])
	}
	return d
}

// Quantile is the bound of the bucket that the quantile q lies in, from 0 to 1; 0 if
// nothing was counted.
func (h *Histogram) Quantile(q float64) time.Duration {
	if h.N == 0 {
		return 0
	}
	rank := uint64(math.Ceil(q * float64(h.N)))
	var seen uint64
	for i, n := range h.buckets {
		if seen += n; seen >= rank && n > 0 {
			return time.Duration(bound(i) * float64(time.Second))
		}
	}
	return time.Duration(bound(histogramBuckets-1) * float64(time.Second))
}

// Knows tells whether enough was counted for the quantile q: ten values above it.
func (h *Histogram) Knows(q float64) bool { return float64(h.N)*(1-q) >= 10-1e-6 }

// bound is the upper bound of a bucket in seconds; that of the last one is not true.
func bound(i int) float64 { return math.Exp2(float64(i+histogramFirst) / perOctave) }

// Buckets calls fn for every bucket that holds something, with its number in Prometheus'
// terms.
func (h *Histogram) Buckets(fn func(index int, n uint64)) {
	for i, n := range h.buckets {
		if n > 0 {
			fn(i+histogramFirst, n)
		}
	}
}

// UpTo is how many durations were counted that are not above 2^(index/4) s.
func (h *Histogram) UpTo(index int) (n uint64) {
	for i := 0; i <= min(index-histogramFirst, histogramBuckets-2); i++ {
		n += h.buckets[i]
	}
	return n
}

// Latency is how long the parts of streams took. The zero value is empty; memory is
// taken with the first stream.
type Latency struct{ of *latencies }

type latencies struct{ queue, connect, response, total Histogram }

// Note takes the times of one stream in, in nanoseconds; negative values are steps that
// were not reached and are left out.
func (l *Latency) Note(queue, connect, response, total int64) {
	if l.of == nil {
		l.of = new(latencies)
	}
	note := func(h *Histogram, ns int64) {
		if ns >= 0 {
			h.Note(ns)
		}
	}
	note(&l.of.queue, queue)
	note(&l.of.connect, connect)
	note(&l.of.response, response)
	note(&l.of.total, total)
}

// Sum takes in what another thread counted.
func (l *Latency) Sum(o *Latency) {
	if o.of == nil {
		return
	}
	if l.of == nil {
		l.of = new(latencies)
	}
	l.of.queue.Add(&o.of.queue)
	l.of.connect.Add(&o.of.connect)
	l.of.response.Add(&o.of.response)
	l.of.total.Add(&o.of.total)
}

// None tells that nothing was counted.
func (l *Latency) None() bool { return l.of == nil }

var noLatency Histogram

// Queue is the time spent waiting for a server.
func (l *Latency) Queue() *Histogram {
	return l.part(func(x *latencies) *Histogram { return &x.queue })
}

// Connect is the time to connect to the server.
func (l *Latency) Connect() *Histogram {
	return l.part(func(x *latencies) *Histogram { return &x.connect })
}

// Response is the time until the server's response began.
func (l *Latency) Response() *Histogram {
	return l.part(func(x *latencies) *Histogram { return &x.response })
}

// Total is the time of the whole stream.
func (l *Latency) Total() *Histogram {
	return l.part(func(x *latencies) *Histogram { return &x.total })
}

func (l *Latency) part(of func(*latencies) *Histogram) *Histogram {
	if l.of == nil {
		return &noLatency
	}
	return of(l.of)
}
