package pace

import (
	"bench/loadgen/codec"
	"bench/loadgen/draw"
)

// Mix chooses the class of each request by the weights, from the seed and the
// request's number alone: the same request is of the same class in every run,
// in whatever process or thread it is sent.
type Mix struct {
	seed  uint64
	until []uint64 // cumulated weights
}

// NewMix mixes classes by their weights.
func NewMix(classes []codec.Class, seed uint64) Mix {
	m := Mix{seed: seed, until: make([]uint64, len(classes))}
	total := uint64(0)
	for i, c := range classes {
		total += uint64(c.Weight)
		m.until[i] = total
	}
	return m
}

func (m *Mix) Pick(seq uint64) int {
	if len(m.until) == 1 {
		return 0
	}
	d := draw.New(m.seed, seq)
	x := d.Below(m.until[len(m.until)-1])
	for i, end := range m.until {
		if x < end {
			return i
		}
	}
	return len(m.until) - 1
}
