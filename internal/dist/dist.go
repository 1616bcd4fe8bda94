package dist

import (
	"fmt"
	"math"
	"math/rand/v2"
	"time"

	"bench/internal/units"
)

// Duration is a distribution of times. The zero value is always 0.
type Duration struct{ law law }

// ParseDuration reads a fixed time like 2ms, or one of
//
//	uniform(1ms, 3ms)      every time of the interval alike
//	normal(5ms, 1ms)       mean and standard deviation; draws below 0 are 0
//	lognormal(2ms, 0.5)    median, and deviation of the logarithm
//	exponential(2ms)       mean
func ParseDuration(text string) (Duration, error) {
	l, err := parse(text, "2ms", func(s string) (float64, error) {
		d, err := units.ParseDuration(s)
		if err != nil {
			return 0, err
		}
		if d < 0 {
			return 0, fmt.Errorf("%q is negative: want 0 or more", s)
		}
		return float64(d), nil
	})
	return Duration{l}, err
}

// FixedDuration is always d.
func FixedDuration(d time.Duration) Duration {
	return Duration{law{a: float64(d), text: d.String()}}
}

// Sample draws once. It does not allocate.
func (d *Duration) Sample(r *rand.Rand) time.Duration {
	return time.Duration(bounded(d.law.sample(r)))
}

// Quantile is the time that the share p of all draws does not exceed, for p in
// (0, 1). A uniform p makes it a draw.
func (d *Duration) Quantile(p float64) time.Duration {
	return time.Duration(bounded(d.law.quantile(p)))
}

// Fixed reports whether all draws are the same, and what they are.
func (d *Duration) Fixed() (time.Duration, bool) {
	return time.Duration(d.law.a), d.law.constant()
}

// Mean is the expectation; that of normal ignores the clipping at 0.
func (d *Duration) Mean() time.Duration { return time.Duration(bounded(d.law.mean())) }

// CDF is the probability of a draw of at most x.
func (d *Duration) CDF(x time.Duration) float64 { return d.law.cdf(float64(x)) }

// String is the text ParseDuration read.
func (d Duration) String() string { return d.law.string("0s") }

// MarshalText writes the distribution as ParseDuration reads it.
func (d Duration) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText reads the distribution by ParseDuration.
func (d *Duration) UnmarshalText(text []byte) (err error) {
	*d, err = ParseDuration(string(text))
	return err
}

// Size is a distribution of sizes in bytes. The zero value is always 0.
type Size struct{ law law }

// ParseSize reads a fixed size like 64B, 1KiB or 1MB, or a distribution as
// ParseDuration does: uniform(1KiB, 64KiB). Draws are whole bytes, rounded.
func ParseSize(text string) (Size, error) {
	l, err := parse(text, "1KiB", func(s string) (float64, error) {
		n, err := units.ParseSize(s)
		return float64(n), err
	})
	return Size{l}, err
}

// FixedSize is always n bytes.
func FixedSize(n int64) Size { return Size{law{a: float64(n), text: fmt.Sprintf("%dB", n)}} }

// Sample draws once. It does not allocate.
func (s *Size) Sample(r *rand.Rand) int64 { return bounded(s.law.sample(r) + 0.5) }

// Quantile is the size that the share p of all draws does not exceed, for p in
// (0, 1). A uniform p makes it a draw.
func (s *Size) Quantile(p float64) int64 { return bounded(s.law.quantile(p) + 0.5) }

// Fixed reports whether all draws are the same, and what they are.
func (s *Size) Fixed() (int64, bool) { return int64(s.law.a), s.law.constant() }

// Mean is the expectation in bytes.
func (s *Size) Mean() float64 { return s.law.mean() }

// CDF is the probability of a draw of at most n bytes, before rounding.
func (s *Size) CDF(n int64) float64 { return s.law.cdf(float64(n)) }

// String is the text ParseSize read.
func (s Size) String() string { return s.law.string("0B") }

// MarshalText writes the distribution as ParseSize reads it.
func (s Size) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads the distribution by ParseSize.
func (s *Size) UnmarshalText(text []byte) (err error) {
	*s, err = ParseSize(string(text))
	return err
}

func (l *law) string(zero string) string {
	if l.text == "" {
		return zero
	}
	return l.text
}

// bounded turns a draw into an integer: the tail of a lognormal with a large
// sigma goes beyond what an int64 holds.
func bounded(v float64) int64 {
	if v >= math.MaxInt64 {
		return math.MaxInt64
	}
	return int64(v)
}
