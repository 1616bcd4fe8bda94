package format

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"bench/internal/units"
)

// Duration is a length of time, written 500ms, 1.5s or 1m30s.
type Duration time.Duration

func (d *Duration) setScalar(text string) error {
	v, err := units.ParseDuration(text)
	if err == nil && v < 0 {
		err = fmt.Errorf("%q is negative", text)
	}
	*d = Duration(v)
	return err
}

// D is the duration as the standard library has it.
func (d Duration) D() time.Duration { return time.Duration(d) }

// Us is the duration in whole microseconds.
func (d Duration) Us() int64 { return time.Duration(d).Microseconds() }

func (d Duration) String() string { return time.Duration(d).String() }

// Size is a number of bytes, written 512, 1KiB or 2MB.
type Size int64

func (s *Size) setScalar(text string) error {
	v, err := units.ParseSize(text)
	*s = Size(v)
	return err
}

func (s Size) String() string { return strconv.FormatInt(int64(s), 10) }

// Rate is a rate of arrivals, in requests per second, at the two ends of a
// phase; written 2000/s, or 0..2000/s for a ramp.
type Rate struct{ From, To float64 }

func (r *Rate) setScalar(text string) error {
	from, to, err := units.ParseRateRange(text)
	*r = Rate{from, to}
	return err
}

// PerSecond is a frequency, written 100/s.
type PerSecond float64

func (r *PerSecond) setScalar(text string) error {
	v, err := units.ParseRate(text)
	*r = PerSecond(v)
	return err
}

// Percent is a share, written 2%; the value is 0.02.
type Percent float64

func (p *Percent) setScalar(text string) error {
	v, err := ParsePercent(text)
	*p = Percent(v)
	return err
}

// ParsePercent reads a share as it is written, 2%; the value is 0.02.
func ParsePercent(text string) (float64, error) {
	number, ok := strings.CutSuffix(text, "%")
	v, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
	if !ok || err != nil {
		return 0, fmt.Errorf("%q is not a percentage like 2%%", text)
	}
	if !(v >= 0 && v <= 100) {
		return 0, fmt.Errorf("%q is outside 0%% to 100%%", text)
	}
	return v / 100, nil
}

// Pool is a number of connections; 0 is unlimited, as it is written.
type Pool int

func (p *Pool) setScalar(text string) error {
	if text == "unlimited" {
		*p = 0
		return nil
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		return fmt.Errorf("%q is neither a number of connections nor unlimited", text)
	}
	if n < 1 || n > 1_000_000 {
		return errors.New("a pool holds 1 to 1000000 connections, or is unlimited")
	}
	*p = Pool(n)
	return nil
}

// Distribution is a fixed quantity or a distribution of it, as written.
type Distribution string

func (d *Distribution) setScalar(text string) error {
	*d = Distribution(text)
	return nil
}
