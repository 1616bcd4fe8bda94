package loadgen

import (
	"math"

	"bench/internal/nearest"
)

// Laws of keys.
const (
	KeysUniform    = "uniform"
	KeysZipfian    = "zipfian"
	KeysSequential = "sequential"
)

const (
	defaultKeys   = 100_000
	defaultPrefix = "key:"
	defaultSkew   = 0.99
	maxKeys       = 999_999_999_999 // twelve digits, from 0
	maxSkew       = 10
)

// keySpace is a Keys, prepared.
type keySpace struct {
	prefix     string
	count      uint64
	sequential bool
	zipf       *zipf // nil for the other laws
}

func newKeySpace(k *Keys) *keySpace {
	s := &keySpace{prefix: k.Prefix, count: uint64(k.Count), sequential: k.Law == KeysSequential}
	if s.prefix == "" {
		s.prefix = defaultPrefix
	}
	if s.count == 0 {
		s.count = defaultKeys
	}
	if k.Law == KeysZipfian {
		skew := k.Skew
		if skew == 0 {
			skew = defaultSkew
		}
		s.zipf = newZipf(s.count, skew)
	}
	return s
}

// pick is the number of the key of a request.
func (s *keySpace) pick(seq uint64, d *draws) uint64 {
	switch {
	case s.sequential:
		return seq % s.count
	case s.zipf != nil:
		return s.zipf.draw(d)
	}
	return d.below(s.count)
}

// append writes a key.
func (s *keySpace) append(dst []byte, number uint64) []byte {
	return appendID(append(dst, s.prefix...), number)
}

func (k *Keys) validate(bad *problems) {
	laws := []string{KeysUniform, KeysZipfian, KeysSequential}
	switch k.Law {
	case "", KeysUniform, KeysZipfian, KeysSequential:
	default:
		hint := ""
		if n := nearest.Word(k.Law, laws); n != "" {
			hint = "; did you mean " + n + "?"
		}
		bad.add("keys.law", "law of keys %q: want uniform, zipfian or sequential%s", k.Law, hint)
	}
	if k.Count < 0 || k.Count > maxKeys {
		bad.add("keys.count", "%d keys: want 1 to %d", k.Count, int64(maxKeys))
	}
	switch {
	case !(k.Skew >= 0 && k.Skew <= maxSkew): // NaN too
		bad.add("keys.skew", "skew %g: want above 0 and at most %d", k.Skew, maxSkew)
	case k.Skew != 0 && k.Law != KeysZipfian:
		bad.add("keys.skew", "a skew belongs to law zipfian")
	}
}

// zipf draws numbers k from 0 to n-1 in proportion to (k+1) to the power of -s,
// by rejection from the inverted integral (Hörmann and Derflinger, 1996): in
// constant time, without a table, for every s above 0.
type zipf struct {
	n, s        float64
	first, last float64 // the integral at both ends
	accept      float64
}

func newZipf(n uint64, s float64) *zipf {
	z := &zipf{n: float64(n), s: s}
	z.first = z.integral(1.5) - 1
	z.last = z.integral(z.n + 0.5)
	z.accept = 2 - z.inverse(z.integral(2.5)-math.Pow(2, -s))
	return z
}

// integral is that of x to the power of -s, but for a constant.
func (z *zipf) integral(x float64) float64 {
	log := math.Log(x)
	return ratio(math.Expm1, (1-z.s)*log) * log
}

// inverse is that of integral.
func (z *zipf) inverse(y float64) float64 {
	t := max(-1, y*(1-z.s)) // rounding may go below
	return math.Exp(ratio(math.Log1p, t) * y)
}

// ratio is f(x)/x for an f that goes through 0 with slope 1.
func ratio(f func(float64) float64, x float64) float64 {
	if math.Abs(x) < 1e-8 {
		return 1
	}
	return f(x) / x
}

func (z *zipf) draw(d *draws) uint64 {
	for {
		u := z.last + d.unit()*(z.first-z.last)
		x := z.inverse(u)
		k := min(max(1, math.Floor(x+0.5)), z.n)
		if k-x <= z.accept || u >= z.integral(k+0.5)-math.Pow(k, -z.s) {
			return uint64(k) - 1
		}
	}
}
