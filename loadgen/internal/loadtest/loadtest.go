// Package loadtest is what tests of the generator have in common.
package loadtest

import (
	"math"
	"strings"

	"bench/loadgen/codec"
)

// Feed gives p to s in pieces of at most size bytes.
func Feed(s codec.Session, p string, size int) (used int, st codec.State) {
	for used < len(p) {
		n, st := s.Feed([]byte(p[used:min(used+size, len(p))]))
		used += n
		if st != codec.More {
			return used, st
		}
	}
	return used, codec.More
}

// Texts is what is wrong, a line for each problem.
func Texts(all ...[]codec.Problem) string {
	var b strings.Builder
	for _, problems := range all {
		for _, p := range problems {
			b.WriteString(p.Text + "\n")
		}
	}
	return b.String()
}

// KSDistance is the greatest distance between the empirical distribution of
// sorted samples and cdf.
func KSDistance(samples []float64, cdf func(float64) float64) float64 {
	n, d := float64(len(samples)), 0.0
	for i, x := range samples {
		f := cdf(x)
		d = max(d, f-float64(i)/n, float64(i+1)/n-f)
	}
	return d
}

// KSLimit is the distance that a true sample of n exceeds once in 1,000.
func KSLimit(n int) float64 { return 1.95 / math.Sqrt(float64(n)) }
