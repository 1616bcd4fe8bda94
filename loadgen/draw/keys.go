package draw

import (
	"math"

	"bench/internal/nearest"
	"bench/loadgen/codec"
)

// Keys is a set of keys and how often each is used.
type Keys struct {
	// Prefix of the keys; twelve digits follow it. "key:" when empty.
	Prefix string `json:"prefix,omitempty"`
	// Count of the keys; 0 is 100,000.
	Count int64 `json:"count,omitempty"`
	// Law is "uniform" (also when empty), "zipfian" (key k is used in proportion
	// to k to the power of minus Skew) or "sequential" (one after another).
	Law string `json:"law,omitempty"`
	// Skew of law zipfian; 0 is 0.99.
	Skew float64 `json:"skew,omitempty"`
}

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

// KeySpace is a Keys, prepared.
type KeySpace struct {
	prefix     string
	count      uint64
	sequential bool
	zipf       *zipf // nil for the other laws
}

// NewKeySpace prepares k, which is valid.
func NewKeySpace(k *Keys) *KeySpace {
	s := &KeySpace{prefix: k.Prefix, count: uint64(k.Count), sequential: k.Law == KeysSequential}
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

// Pick is the number of the key of a request.
func (s *KeySpace) Pick(seq uint64, d *Draws) uint64 {
	switch {
	case s.sequential:
		return seq % s.count
	case s.zipf != nil:
		return s.zipf.draw(d)
	}
	return d.Below(s.count)
}

// Append writes a key.
func (s *KeySpace) Append(dst []byte, number uint64) []byte {
	return AppendNumber(append(dst, s.prefix...), number)
}

func (k *Keys) Validate(bad *codec.Problems) {
	laws := []string{KeysUniform, KeysZipfian, KeysSequential}
	switch k.Law {
	case "", KeysUniform, KeysZipfian, KeysSequential:
	default:
		hint := ""
		if n := nearest.Word(k.Law, laws); n != "" {
			hint = "; did you mean " + n + "?"
		}
		bad.Add("keys.law", "law of keys %q: want uniform, zipfian or sequential%s", k.Law, hint)
	}
	if k.Count < 0 || k.Count > maxKeys {
		bad.Add("keys.count", "%d keys: want 1 to %d", k.Count, int64(maxKeys))
	}
	switch {
	case !(k.Skew >= 0 && k.Skew <= maxSkew): // NaN too
		bad.Add("keys.skew", "skew %g: want above 0 and at most %d", k.Skew, maxSkew)
	case k.Skew != 0 && k.Law != KeysZipfian:
		bad.Add("keys.skew", "a skew belongs to law zipfian")
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

func (z *zipf) draw(d *Draws) uint64 {
	for {
		u := z.last + d.Unit()*(z.first-z.last)
		x := z.inverse(u)
		k := min(max(1, math.Floor(x+0.5)), z.n)
		if k-x <= z.accept || u >= z.integral(k+0.5)-math.Pow(k, -z.s) {
			return uint64(k) - 1
		}
	}
}
