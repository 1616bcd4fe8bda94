package hdr

import (
	"cmp"
	"slices"
)

// Point is a value in microseconds and how often it was seen.
type Point struct {
	Value uint32
	Count uint32
}

// Dist is a distribution of latencies: distinct values, ascending. Values are
// the upper ends of HdrHistogram's buckets, so that percentiles read the same
// as those the load generator states.
type Dist []Point

// N is the number of samples.
func (d Dist) N() uint64 {
	var n uint64
	for _, p := range d {
		n += uint64(p.Count)
	}
	return n
}

// Max is the greatest value, 0 without samples.
func (d Dist) Max() float64 {
	if len(d) == 0 {
		return 0
	}
	return float64(d[len(d)-1].Value)
}

// Quantile is the value at q (0 to 1) by HdrHistogram's rank rule, 0 without
// samples. It does not ask whether there are enough of them.
func (d Dist) Quantile(q float64) float64 {
	rank := Rank(q, d.N())
	for _, p := range d {
		if uint64(p.Count) >= rank {
			return float64(p.Value)
		}
		rank -= uint64(p.Count)
	}
	return d.Max()
}

// Rank is the rank, from 1, of the sample at quantile q among n, as HdrHistogram has it.
func Rank(q float64, n uint64) uint64 {
	return min(max(uint64(q*float64(n)+0.5), 1), max(n, 1))
}

// Above counts the samples greater than the limit.
func (d Dist) Above(us float64) uint64 {
	var n uint64
	for _, p := range slices.Backward(d) {
		if float64(p.Value) <= us {
			break
		}
		n += uint64(p.Count)
	}
	return n
}

// Merge adds distributions up. It is the only way to a longer column or phase:
// percentiles are never averaged.
func Merge(parts ...Dist) Dist {
	var all Dist
	filled := 0
	for _, p := range parts {
		if len(p) > 0 {
			filled++
		}
		all = append(all, p...)
	}
	if filled < 2 {
		return all
	}
	slices.SortFunc(all, func(a, b Point) int { return cmp.Compare(a.Value, b.Value) })
	out := all[:0]
	for _, p := range all {
		if n := len(out); n > 0 && out[n-1].Value == p.Value {
			out[n-1].Count += p.Count
		} else {
			out = append(out, p)
		}
	}
	return slices.Clip(out)
}
