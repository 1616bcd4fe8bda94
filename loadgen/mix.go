package loadgen

// mix chooses the class of each request by the weights, from the seed and the
// request's number alone: the same request is of the same class in every run,
// in whatever process or thread it is sent.
type mix struct {
	seed  uint64
	until []uint64 // cumulated weights
}

func newMix(classes []Class, seed uint64) mix {
	m := mix{seed: seed, until: make([]uint64, len(classes))}
	total := uint64(0)
	for i, c := range classes {
		total += uint64(c.Weight)
		m.until[i] = total
	}
	return m
}

func (m *mix) pick(seq uint64) int {
	if len(m.until) == 1 {
		return 0
	}
	d := newDraws(m.seed, seq)
	x := d.below(m.until[len(m.until)-1])
	for i, end := range m.until {
		if x < end {
			return i
		}
	}
	return len(m.until) - 1
}

// draws are the random numbers of one request (SplitMix64): they follow from the
// seed of the load and the number of the request, so that a second try of it is
// the same.
type draws uint64

func newDraws(seed, seq uint64) draws {
	d := draws(seed)
	return draws(d.next() ^ seq*0x9e3779b97f4a7c15)
}

func (d *draws) next() uint64 {
	*d += 0x9e3779b97f4a7c15
	z := uint64(*d)
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// unit draws from the open interval from 0 to 1.
func (d *draws) unit() float64 { return (float64(d.next()>>12) + 0.5) / (1 << 52) }

// below draws from 0 to n-1; n is at least 1. The bias of at most n/2⁶⁴ is
// beyond what any load could show.
func (d *draws) below(n uint64) uint64 { return d.next() % n }
