package pattern

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// ranges is a set of integers: if they are many, in order and apart, so that a search by
// halves finds the only one that can hold an integer.
type ranges []span

// span holds both its bounds.
type span struct{ low, high int64 }

func (r ranges) has(n int64) bool {
	if len(r) > few {
		lo, hi := 0, len(r)
		for lo < hi {
			if mid := int(uint(lo+hi) >> 1); r[mid].high < n {
				lo = mid + 1
			} else {
				hi = mid
			}
		}
		return lo < len(r) && r[lo].low <= n
	}
	for i := range r {
		if r[i].low <= n && n <= r[i].high {
			return true
		}
	}
	return false
}

// tidy sorts the ranges and joins those that overlap.
func (r ranges) tidy() ranges {
	slices.SortFunc(r, func(a, b span) int { return cmp.Compare(a.low, b.low) })
	out := r[:0]
	for _, s := range r {
		if last := len(out) - 1; last >= 0 && s.low <= out[last].high {
			out[last].high = max(out[last].high, s.high)
			continue
		}
		out = append(out, s)
	}
	return out
}

// compileRanges reads integers, and ranges such as 1:10 and 5:.
func (s *fixed) compileRanges(patterns []string) error {
	for i, p := range patterns {
		sp, err := parseSpan(p)
		if err != nil {
			return &Error{nil, i, err}
		}
		s.ranges = append(s.ranges, sp)
	}
	if len(s.ranges) > few {
		s.ranges = s.ranges.tidy()
	}
	return nil
}

// Ranges writes comparisons (eq, ge, gt, le and lt, each for the integers after it) as
// ranges. from are the indices of the patterns that the ranges are made of.
func Ranges(patterns []string) (ranges []string, from []int, err error) {
	operator := "eq"
	for i, p := range patterns {
		switch p {
		case "eq", "ge", "gt", "le", "lt":
			operator = p
			if i+1 == len(patterns) {
				return nil, nil, &Error{nil, i, fmt.Errorf("'%s' needs an integer after it", p)}
			}
			continue
		}
		r, err := compared(p, operator)
		if err != nil {
			return nil, nil, &Error{nil, i, err}
		}
		ranges, from = append(ranges, r), append(from, i)
	}
	return ranges, from, nil
}

// compared is the range of the integers that compare so with one.
func compared(p, operator string) (string, error) {
	if operator == "eq" {
		return p, nil
	}
	if strings.Contains(p, ":") {
		return "", fmt.Errorf("'%s' cannot be a range after '%s'", p, operator)
	}
	sp, err := parseSpan(p)
	if err != nil {
		return "", err
	}
	n := sp.low
	switch {
	case operator == "ge":
	case operator == "gt" && n == math.MaxInt64, operator == "lt" && n == math.MinInt64:
		return "", fmt.Errorf("no integer is '%s %s'", operator, p)
	case operator == "gt":
		n++
	case operator == "lt":
		n--
	}
	if operator == "ge" || operator == "gt" {
		return strconv.FormatInt(n, 10) + ":", nil
	}
	return ":" + strconv.FormatInt(n, 10), nil
}

func parseSpan(p string) (span, error) {
	low, high, ranged := strings.Cut(p, ":")
	bad := fmt.Errorf("'%s' is not an integer or a range: want a number, a range such as 1:10, or one of eq, ge, gt, le, lt before a number", p)
	sp := span{math.MinInt64, math.MaxInt64}
	var err error
	if low != "" || !ranged {
		if sp.low, err = strconv.ParseInt(low, 10, 64); err != nil {
			return sp, bad
		}
	}
	switch {
	case !ranged:
		sp.high = sp.low
	case high != "":
		if sp.high, err = strconv.ParseInt(high, 10, 64); err != nil {
			return sp, bad
		}
	}
	if ranged && sp.low > sp.high {
		return sp, fmt.Errorf("range '%s' ends before it begins", p)
	}
	return sp, nil
}
