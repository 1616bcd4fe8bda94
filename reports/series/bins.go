package series

import (
	"math"

	"bench/internal/hdr"
)

// Bins is a distribution on a fixed logarithmic grid, BinsPerOctave to each
// doubling, as charts and their inline data use it: bin i holds the values
// around 2^((i+0.5)/BinsPerOctave) µs, at most 1.1 % off.
type Bins []hdr.Point

// BinsPerOctave is the resolution of charts.
const BinsPerOctave = 32

// BinOf is the bin of a value in microseconds; what is below 1 µs falls in the first.
func BinOf(us float64) int {
	if us <= 1 {
		return 0
	}
	return int(math.Log2(us) * BinsPerOctave)
}

// BinValue is the value a bin stands for, in microseconds.
func BinValue(bin int) float64 {
	return math.Exp2((float64(bin) + 0.5) / BinsPerOctave)
}

// BinsOf puts a distribution on the grid. Point.Value is the bin's number then.
func BinsOf(d hdr.Dist) Bins {
	var out Bins
	for _, p := range d {
		bin := uint32(BinOf(float64(p.Value)))
		if n := len(out); n > 0 && out[n-1].Value == bin {
			out[n-1].Count += p.Count
		} else {
			out = append(out, hdr.Point{Value: bin, Count: p.Count})
		}
	}
	return out
}

// Merge adds two distributions on the grid.
func (b Bins) Merge(o Bins) Bins { return Bins(hdr.Merge(hdr.Dist(b), hdr.Dist(o))) }

// N is the number of samples.
func (b Bins) N() uint64 { return hdr.Dist(b).N() }

// Quantile is the value at q (0 to 1) in microseconds, 0 without samples.
func (b Bins) Quantile(q float64) float64 {
	if len(b) == 0 {
		return 0
	}
	return BinValue(int(hdr.Dist(b).Quantile(q)))
}
