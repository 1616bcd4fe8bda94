package change

import (
	"cmp"
	"hash/fnv"
	"math"
	"math/rand/v2"
	"slices"
)

// shuffle makes orders of the values of a segment, one after the other. They depend on
// which values these are, not on how they lie or in which units they are, so that the
// same series read backwards has the same changes.
//
// Runs one after another are alike, as what the machine does besides lasts longer than
// a run, and orders that tear them apart have smaller splits than chance makes: with
// simple permutations half of such series seem to have a change. So the values are laid
// in the order of the ranks of a series that depends on its past as much as these do.
// Without such dependence that is a permutation like any other.
type shuffle struct {
	sorted []float64
	random *rand.Rand
	done   []float64 // the greatest energy of each order so far
}

func (s *series) shuffle(from, to int) *shuffle {
	places := make([]int, to-from)
	for i := range places {
		places[i] = from + i
	}
	slices.SortFunc(places, func(a, b int) int { return cmp.Compare(s.rank[a], s.rank[b]) })
	hash := fnv.New64a()
	f := &shuffle{}
	for _, i := range places {
		f.sorted = append(f.sorted, s.values[i])
		_, _ = hash.Write([]byte{byte(s.rank[i]), byte(s.rank[i] >> 8), byte(s.rank[i] >> 16)})
	}
	f.random = rand.New(rand.NewPCG(seed, hash.Sum64()))
	return f
}

// energy is the greatest energy of order r.
func (s *series) energy(f *shuffle, r int) float64 {
	n := len(f.sorted)
	if n < LeastValues {
		return 0
	}
	noise, order, values := make([]float64, n), make([]int, n), make([]float64, n)
	for len(f.done) <= r {
		last := f.random.NormFloat64()
		for i := range noise {
			if i > 0 {
				last = s.phi*last + math.Sqrt(1-s.phi*s.phi)*f.random.NormFloat64()
			}
			noise[i], order[i] = last, i
		}
		slices.SortFunc(order, func(a, b int) int { return cmp.Compare(noise[a], noise[b]) })
		for k, place := range order {
			values[place] = f.sorted[k]
		}
		_, most := s.split(values)
		f.done = append(f.done, most)
	}
	return f.done[r]
}
