// Package dist draws latencies and sizes from distributions written as users
// write them: 2ms, uniform(1ms, 3ms), lognormal(2ms, 0.5). The same seed gives
// the same draws. What a draw is used for may not enter.
package dist

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strconv"
	"strings"
)

type kind uint8

const (
	fixed kind = iota
	uniform
	normal
	lognormal
	exponential
)

// law is a distribution of a quantity that is never negative, in nanoseconds or
// bytes. The zero value is always 0.
type law struct {
	kind kind
	a, b float64
	text string // as written; "" for the zero value
}

// NewRand returns the generator of one stream of draws. Streams of one seed are
// independent of each other, so that each thread or replica may have its own.
func NewRand(seed, stream uint64) *rand.Rand {
	return rand.New(rand.NewPCG(seed, stream^0x9e3779b97f4a7c15))
}

// sample draws once. It does not allocate.
func (l *law) sample(r *rand.Rand) float64 {
	switch l.kind {
	case uniform:
		return l.a + (l.b-l.a)*r.Float64()
	case normal:
		return max(0, l.a+l.b*r.NormFloat64())
	case lognormal:
		return l.a * math.Exp(l.b*r.NormFloat64())
	case exponential:
		return l.a * r.ExpFloat64()
	case fixed:
	}
	return l.a
}

// quantile is the value that the share p of all draws does not exceed; p is in
// (0, 1).
func (l *law) quantile(p float64) float64 {
	switch l.kind {
	case uniform:
		return l.a + (l.b-l.a)*p
	case normal:
		return max(0, l.a+l.b*math.Sqrt2*math.Erfinv(2*p-1))
	case lognormal:
		return l.a * math.Exp(l.b*math.Sqrt2*math.Erfinv(2*p-1))
	case exponential:
		return -l.a * math.Log1p(-p)
	case fixed:
	}
	return l.a
}

// cdf is the probability of a draw of at most x.
func (l *law) cdf(x float64) float64 {
	if x < 0 {
		return 0
	}
	switch l.kind {
	case uniform:
		if l.b > l.a {
			return min(1, max(0, (x-l.a)/(l.b-l.a)))
		}
	case normal:
		if l.b > 0 {
			return phi((x - l.a) / l.b)
		}
	case lognormal:
		if l.a > 0 && l.b > 0 {
			return phi(math.Log(x/l.a) / l.b)
		}
	case exponential:
		if l.a > 0 {
			return -math.Expm1(-x / l.a)
		}
	case fixed:
	}
	if x < l.a {
		return 0
	}
	return 1
}

// mean is the expectation; that of normal ignores the clipping at 0.
func (l *law) mean() float64 {
	switch l.kind {
	case uniform:
		return (l.a + l.b) / 2
	case lognormal:
		return l.a * math.Exp(l.b*l.b/2)
	case fixed, normal, exponential:
	}
	return l.a
}

func (l *law) constant() bool { return l.kind == fixed }

func phi(z float64) float64 { return 0.5 * math.Erfc(-z/math.Sqrt2) }

// shape is one way of writing a distribution.
type shape struct {
	name   string
	kind   kind
	params []param
}

type param struct {
	name  string
	plain bool // a number without unit
}

func shapes() []shape {
	return []shape{
		{"fixed", fixed, []param{{name: "VALUE"}}},
		{"uniform", uniform, []param{{name: "LOW"}, {name: "HIGH"}}},
		{"normal", normal, []param{{name: "MEAN"}, {name: "DEVIATION"}}},
		{"lognormal", lognormal, []param{{name: "MEDIAN"}, {name: "SIGMA", plain: true}}},
		{"exponential", exponential, []param{{name: "MEAN"}}},
	}
}

func (s *shape) usage() string {
	var names []string
	for _, p := range s.params {
		names = append(names, p.name)
	}
	return s.name + "(" + strings.Join(names, ", ") + ")"
}

// parse reads text; quantity reads one value with its unit, example is such a
// value for messages.
func parse(text, example string, quantity func(string) (float64, error)) (law, error) {
	trimmed := strings.TrimSpace(text)
	before, after, ok := strings.Cut(trimmed, "(")
	if !ok {
		if i := strings.IndexFunc(trimmed, func(r rune) bool { return r >= '0' && r <= '9' }); i != 0 {
			return law{}, fmt.Errorf("invalid distribution %q: want a value like %s, or one of %s", text, example, usages())
		}
		v, err := quantity(trimmed)
		if err != nil {
			return law{}, err
		}
		return law{kind: fixed, a: v, text: trimmed}, nil
	}
	name := strings.TrimSpace(before)
	for _, s := range shapes() {
		if s.name != name {
			continue
		}
		inner, closed := strings.CutSuffix(after, ")")
		if !closed {
			return law{}, fmt.Errorf("invalid distribution %q: it does not end in a parenthesis: want %s", text, s.usage())
		}
		return s.read(text, inner, quantity)
	}
	return law{}, fmt.Errorf("unknown distribution %q in %q: want one of %s", name, text, usages())
}

func usages() string {
	var all []string
	for _, s := range shapes() {
		all = append(all, s.usage())
	}
	return strings.Join(all, ", ")
}

func (s *shape) read(text, inner string, quantity func(string) (float64, error)) (law, error) {
	args := strings.Split(inner, ",")
	if len(args) != len(s.params) {
		return law{}, fmt.Errorf("invalid distribution %q: %d parameters given: want %s", text, len(args), s.usage())
	}
	var v [2]float64
	for i, p := range s.params {
		arg := strings.TrimSpace(args[i])
		var err error
		if p.plain {
			v[i], err = strconv.ParseFloat(arg, 64)
			if err != nil || !(v[i] >= 0 && v[i] <= 10) {
				return law{}, fmt.Errorf("invalid %s %q in %q: want a number from 0 to 10, without unit", p.name, arg, text)
			}
			continue
		}
		if v[i], err = quantity(arg); err != nil {
			return law{}, fmt.Errorf("invalid %s in %q: %w", p.name, text, err)
		}
	}
	if s.kind == uniform && v[1] < v[0] {
		return law{}, fmt.Errorf("invalid distribution %q: LOW is above HIGH: want %s", text, s.usage())
	}
	return law{kind: s.kind, a: v[0], b: v[1], text: strings.TrimSpace(text)}, nil
}
