package config

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// longestTime is what the language can count in milliseconds.
const longestTime = math.MaxInt32 * time.Millisecond

// parseTime reads a number with one of the units us ms s m h d, or none, which
// is then the unit given (configuration manual, section 2.5).
func parseTime(s string, unit time.Duration) (time.Duration, error) {
	d, rest, err := cutTime(s, unit)
	if err == nil && rest != "" {
		return 0, errUnit(s)
	}
	return d, err
}

func errUnit(s string) error {
	return fmt.Errorf("expects a time with one of the units us, ms, s, m, h and d, not '%s'", s)
}

// cutTime reads a time at the start of s and returns what follows its unit.
func cutTime(s string, unit time.Duration) (d time.Duration, rest string, err error) {
	digits := 0
	for digits < len(s) && s[digits] >= '0' && s[digits] <= '9' {
		digits++
	}
	if digits == 0 {
		return 0, "", fmt.Errorf("expects a time like 30s or 500ms, not '%s'", s)
	}
	rest = s[digits:]
	if rest != "" {
		i := slices.IndexFunc(timeUnits, func(u timeUnit) bool { return strings.HasPrefix(rest, u.name) })
		if i < 0 {
			return 0, "", errUnit(s)
		}
		unit, rest = timeUnits[i].unit, rest[len(timeUnits[i].name):]
	}
	n, err := strconv.ParseInt(s[:digits], 10, 64)
	if err != nil || n > int64(longestTime/unit) {
		return 0, "", fmt.Errorf("cannot count '%s': the longest time is 24 days", s)
	}
	return time.Duration(n) * unit, rest, nil
}

type timeUnit struct {
	name string
	unit time.Duration
}

// timeUnits are those of times; no name comes after one that it begins with.
var timeUnits = []timeUnit{{"us", time.Microsecond}, {"ms", time.Millisecond}, {"s", time.Second}, {"m", time.Minute}, {"h", time.Hour}, {"d", 24 * time.Hour}}

// errNotSize tells how a size is written.
var errNotSize = errors.New("expects a size like 16384, 16k or 1m")

// parseSize reads a number of bytes with one of the suffixes k m g.
func parseSize(s string) (int64, error) {
	digits := 0
	for digits < len(s) && s[digits] >= '0' && s[digits] <= '9' {
		digits++
	}
	shift := 0
	switch s[digits:] {
	case "":
	case "k", "K":
		shift = 10
	case "m", "M":
		shift = 20
	case "g", "G":
		shift = 30
	default:
		return 0, fmt.Errorf("%w, not '%s'", errNotSize, s)
	}
	n, err := strconv.ParseInt(s[:digits], 10, 64)
	if err != nil || n > math.MaxInt32>>shift {
		return 0, fmt.Errorf("%w, not '%s'", errNotSize, s)
	}
	return n << shift, nil
}
