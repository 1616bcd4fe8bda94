// Package units reads and prints quantities: durations, sizes, rates, counts.
// It serves configuration, scenarios, console and reports alike, so that one
// value never has two spellings. Only pure functions may enter.
package units

import (
	"math"
	"strconv"
	"strings"
)

// thin separates the digit groups of a count: U+202F, a thin space at which a
// line never breaks.
const thin = "\u202f"

// None is printed where a value is unknown or has too few samples behind it.
const None = "-"

// scale is one unit of a quantity and how many base units it holds.
type scale struct {
	size float64
	name string
}

// Latency prints microseconds with three significant digits and the fitting
// unit: "224 µs", "1.15 ms", "2.68 s". Latencies from 1,000 s on keep all their
// integer digits. NaN and infinities give None.
func Latency(us float64) string {
	return scaled(us, " ", []scale{{1, "µs"}, {1e3, "ms"}, {1e6, "s"}})
}

// CompactLatency is Latency for machine-read lines: no space, ASCII only, no
// trailing zeros: "231us", "1.9ms".
func CompactLatency(us float64) string {
	if !finite(us) {
		return None
	}
	s := scaled(us, " ", []scale{{1, "us"}, {1e3, "ms"}, {1e6, "s"}})
	number, unit, _ := strings.Cut(s, " ")
	return strings.ReplaceAll(trimZeros(number), thin, "") + unit
}

// LatencyTick is Latency for the labels of an axis, whose values are round:
// without trailing zeros: "1 ms", "500 µs".
func LatencyTick(us float64) string {
	return Trim(Latency(us))
}

// Trim drops the trailing zeros of a printed quantity: "1.00 ms" is "1 ms".
func Trim(s string) string {
	number, unit, found := strings.Cut(s, " ")
	if !found {
		return trimZeros(number)
	}
	return trimZeros(number) + " " + unit
}

// NumberTick is Number for the labels of an axis: "0.5", "300".
func NumberTick(v float64) string { return trimZeros(Number(v)) }

func trimZeros(number string) string {
	if strings.Contains(number, ".") {
		return strings.TrimRight(strings.TrimRight(number, "0"), ".")
	}
	return number
}

// Bytes prints a size in decimal units with three significant digits: "98.3 kB".
func Bytes(n float64) string {
	return scaled(n, " ", []scale{{1, "B"}, {1e3, "kB"}, {1e6, "MB"}, {1e9, "GB"}, {1e12, "TB"}})
}

// BytesAs prints a size in the units in which another one was written, so that both can
// be compared: binary ones where that is a multiple of a kibibyte.
func BytesAs(n, written float64) string {
	if written <= 0 || math.Mod(written, 1<<10) != 0 {
		return Trim(Bytes(n))
	}
	return Trim(scaled(n, " ", []scale{{1, "B"}, {1 << 10, "KiB"}, {1 << 20, "MiB"}, {1 << 30, "GiB"}, {1 << 40, "TiB"}}))
}

// Count prints an integer with its digits in groups of three: "2 971".
func Count(n uint64) string {
	return group(strconv.FormatUint(n, 10))
}

// Between prints what is known of an estimate within bounds: "40 to 120", "600 or more"
// where the upper bound is not known (0), and "about 40" where both are the same or, being
// 0, were not told.
func Between(estimate, low, high uint64) string {
	switch {
	case low == 0, low == high:
		return "about " + Count(estimate)
	case high < low:
		return Count(low) + " or more"
	}
	return Count(low) + " to " + Count(high)
}

// Rate prints a number per second, without the unit, with three significant
// digits and never fewer than its integer ones: "11.8", "300", "2 000", "0".
func Rate(perSecond float64) string {
	return Number(perSecond)
}

// Number prints a plain figure with three significant digits and never fewer
// than its integer ones. Zero prints as "0".
func Number(v float64) string {
	if !finite(v) {
		return None
	}
	return group(three(v))
}

// Percent prints a share (0 to 1) as a percentage: "9.41 %", "0 %".
func Percent(share float64) string {
	if !finite(share) {
		return None
	}
	return Number(share*100) + " %"
}

// Change prints a difference, or a change in percent without the sign of percent, with
// its own sign: "+12", "-2.2", "0".
func Change(v float64) string {
	if !finite(v) {
		return None
	}
	digits := 1
	if math.Abs(v) >= 9.95 || v == math.Trunc(v) {
		digits = 0
	}
	s := strconv.FormatFloat(v, 'f', digits, 64)
	if strings.Trim(s, "-0.") == "" {
		return "0"
	}
	if v > 0 {
		return "+" + group(s)
	}
	return group(s)
}

// Clock prints a time within a run, in microseconds, as minutes, seconds and
// tenths: "0:22.2", "1:00:05.0", "-0:01.5". Tenths are cut, not rounded, so that
// a time never names a moment that had not been reached.
func Clock(us int64) string {
	tenths := floorDiv(us, 100_000)
	s := clock(abs(tenths) / 10)
	if tenths < 0 {
		s = "-" + s
	}
	return s + "." + strconv.FormatInt(abs(tenths)%10, 10)
}

// ClockSeconds is Clock without the tenths: "0:22".
func ClockSeconds(us int64) string {
	seconds := floorDiv(us, 1_000_000)
	if seconds < 0 {
		return "-" + clock(-seconds)
	}
	return clock(seconds)
}

// ASCII replaces the few signs the formatters use beyond ASCII, for terminals
// that cannot show them: "2 971", "224 us".
func ASCII(s string) string {
	return strings.NewReplacer(thin, " ", "µ", "u", "×", "x", "≥", ">=", "≤", "<=").Replace(s)
}

func clock(seconds int64) string {
	h, m, s := seconds/3600, seconds/60%60, seconds%60
	if h > 0 {
		return strconv.FormatInt(h, 10) + ":" + two(m) + ":" + two(s)
	}
	return strconv.FormatInt(m, 10) + ":" + two(s)
}

func two(n int64) string {
	if n < 10 {
		return "0" + strconv.FormatInt(n, 10)
	}
	return strconv.FormatInt(n, 10)
}

// scaled prints v in the largest unit of which it holds at least one, judged
// after rounding: 999.6 µs is 1.00 ms, never "1000 µs".
func scaled(v float64, space string, units []scale) string {
	if !finite(v) {
		return None
	}
	for i, u := range units {
		if i == len(units)-1 || math.Abs(v)/u.size < 999.5 {
			return group(three(v/u.size)) + space + u.name
		}
	}
	return None
}

// three prints v with three significant digits, all integer digits kept.
func three(v float64) string {
	switch a := math.Abs(v); {
	case a == 0:
		return "0"
	case a < 0.0005:
		return strconv.FormatFloat(v, 'f', 5, 64)
	case a < 0.0995:
		return strconv.FormatFloat(v, 'f', 3, 64)
	case a < 9.995:
		return strconv.FormatFloat(v, 'f', 2, 64)
	case a < 99.95:
		return strconv.FormatFloat(v, 'f', 1, 64)
	default:
		return strconv.FormatFloat(v, 'f', 0, 64)
	}
}

// group puts thin spaces between groups of three integer digits.
func group(s string) string {
	sign, digits := "", s
	if strings.HasPrefix(s, "-") {
		sign, digits = "-", s[1:]
	}
	whole, fraction, dotted := strings.Cut(digits, ".")
	for i := len(whole) - 3; i > 0; i -= 3 {
		whole = whole[:i] + thin + whole[i:]
	}
	if dotted {
		whole += "." + fraction
	}
	return sign + whole
}

func finite(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }

func abs(n int64) int64 { return max(n, -n) }

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}
