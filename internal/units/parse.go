package units

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// errEmpty is the answer to an empty text of any quantity.
var errEmpty = errors.New("is empty")

// durationUnits are the spellings of Go and of HAProxy, which agree but for d.
func durationUnit(name string) (time.Duration, bool) {
	switch name {
	case "ns":
		return time.Nanosecond, true
	case "us", "µs":
		return time.Microsecond, true
	case "ms":
		return time.Millisecond, true
	case "s":
		return time.Second, true
	case "m":
		return time.Minute, true
	case "h":
		return time.Hour, true
	case "d":
		return 24 * time.Hour, true
	}
	return 0, false
}

// ParseDuration reads "500ms", "1.5s", "1m30s" or "-1s". A number without a
// unit is an error, except 0: users of different tools expect different ones.
func ParseDuration(text string) (time.Duration, error) {
	s := strings.TrimSpace(text)
	if s == "" {
		return 0, errEmpty
	}
	sign := 1.0
	switch s[0] {
	case '-':
		sign, s = -1, s[1:]
	case '+':
		s = s[1:]
	}
	if s == "0" {
		return 0, nil
	}
	total := 0.0
	for first := true; first || s != ""; first = false {
		value, unit, rest, err := leading(s)
		if err != nil {
			return 0, fmt.Errorf("%q is not a duration like 500ms or 1.5s", text)
		}
		if unit == "" {
			return 0, fmt.Errorf("%q has no unit: write %ss, or use another unit: us, ms, m, h or d", text, strings.TrimSpace(text))
		}
		scale, ok := durationUnit(unit)
		if !ok {
			if short := shortUnit(unit); short != "" {
				return 0, fmt.Errorf("%q has the unknown unit %q: write %s%s", text, unit, strings.TrimSuffix(s, unit+rest), short)
			}
			return 0, fmt.Errorf("%q has the unknown unit %q: use us ms s m h d", text, unit)
		}
		total += value * float64(scale)
		s = rest
	}
	if total > float64(math.MaxInt64) {
		return 0, fmt.Errorf("%q is longer than 292 years", text)
	}
	return time.Duration(math.Round(sign * total)), nil
}

// ParseSize reads a number of bytes: "512", "10B", "1k" and "1KiB" (1024),
// "1kB" (1000), and so on for M and G. HAProxy's k, m, g are powers of 1024.
func ParseSize(text string) (int64, error) {
	s := strings.TrimSpace(text)
	if s == "" {
		return 0, errEmpty
	}
	value, unit, rest, err := leading(s)
	if err != nil || rest != "" {
		return 0, fmt.Errorf("%q is not a size like 512, 1KiB or 2MB", text)
	}
	var scale float64
	switch unit {
	case "", "B":
		scale = 1
	case "k", "K", "KiB":
		scale = 1 << 10
	case "m", "M", "MiB":
		scale = 1 << 20
	case "g", "G", "GiB":
		scale = 1 << 30
	case "kB", "KB":
		scale = 1e3
	case "MB":
		scale = 1e6
	case "GB":
		scale = 1e9
	default:
		return 0, fmt.Errorf("%q has the unknown unit %q: use B kB KiB MB MiB GB GiB", text, unit)
	}
	n := value * scale
	if n != math.Trunc(n) {
		return 0, fmt.Errorf("%q is not a whole number of bytes", text)
	}
	if n > 1<<50 {
		return 0, fmt.Errorf("%q is larger than a pebibyte", text)
	}
	return int64(n), nil
}

// ParseRate reads events per second: "2000/s", "2k/s", "90/m", "0.5/s".
func ParseRate(text string) (float64, error) {
	s := strings.TrimSpace(text)
	if s == "" {
		return 0, errEmpty
	}
	number, per, ok := strings.Cut(s, "/")
	value, unit, rest, err := leading(strings.TrimSpace(number))
	if err != nil || rest != "" {
		return 0, fmt.Errorf("%q is not a rate like 2000/s", text)
	}
	if !ok {
		return 0, fmt.Errorf("%q has no unit of time: write %s/s", text, strings.TrimSuffix(strings.TrimSpace(number), perSecondWord(unit)))
	}
	switch unit {
	case "":
	case "k":
		value *= 1e3
	case "M":
		value *= 1e6
	default:
		return 0, fmt.Errorf("%q is not a rate like 2000/s or 2k/s", text)
	}
	switch strings.TrimSpace(per) {
	case "s":
		return value, nil
	case "m":
		return value / 60, nil
	case "h":
		return value / 3600, nil
	}
	if short := shortUnit(strings.TrimSpace(per)); short != "" {
		return 0, fmt.Errorf("%q is per %q: write %s/%s", text, per, strings.TrimSpace(number), short)
	}
	return 0, fmt.Errorf("%q is per %q: use /s, /m or /h", text, per)
}

// perSecondWord is a unit as other tools write a number per second; "" if it is none.
func perSecondWord(unit string) string {
	switch strings.ToLower(unit) {
	case "rps", "qps", "tps", "ops", "hz", "req", "reqs", "requests":
		return unit
	}
	return ""
}

// shortUnit is the unit of time for which somebody has written a longer word, "" if it
// is none.
func shortUnit(word string) string {
	switch strings.TrimSuffix(strings.ToLower(word), "s") {
	case "sec", "second":
		return "s"
	case "min", "minute":
		return "m"
	case "hr", "hour":
		return "h"
	case "msec", "milli", "millisecond":
		return "ms"
	case "usec", "micro", "microsecond":
		return "us"
	case "day":
		return "d"
	}
	return ""
}

// ParseRateRange reads "2000/s" as (2000, 2000) and "0..2000/s" as (0, 2000).
func ParseRateRange(text string) (from, to float64, err error) {
	low, high, ramp := strings.Cut(text, "..")
	if !ramp {
		from, err = ParseRate(text)
		return from, from, err
	}
	if to, err = ParseRate(high); err != nil {
		return 0, 0, err
	}
	if !strings.Contains(low, "/") {
		_, per, _ := strings.Cut(high, "/")
		low = strings.TrimSpace(low) + "/" + per
	}
	if from, err = ParseRate(low); err != nil {
		return 0, 0, fmt.Errorf("%q is not a ramp like 0..2000/s", text)
	}
	return from, to, nil
}

// leading splits the number and its unit off the front of s: "1m30s" gives
// 1, "m" and "30s". Signs and exponents do not belong to quantities.
func leading(s string) (value float64, unit, rest string, err error) {
	i := 0
	for i < len(s) && (s[i] >= '0' && s[i] <= '9' || s[i] == '.' || s[i] == '_') {
		i++
	}
	value, err = strconv.ParseFloat(strings.ReplaceAll(s[:i], "_", ""), 64)
	if err != nil {
		return 0, "", "", err
	}
	s = strings.TrimLeft(s[i:], " ")
	j := strings.IndexAny(s, "0123456789.+- ")
	if j < 0 {
		j = len(s)
	}
	return value, s[:j], s[j:], nil
}
