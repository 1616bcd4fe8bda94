package pattern

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// ranges is a set of integers.
type ranges []span

// span holds both its bounds.
type span struct{ low, high int64 }

func (r ranges) has(n int64) bool {
	for i := range r {
		if r[i].low <= n && n <= r[i].high {
			return true
		}
	}
	return false
}

// compileRanges reads integers, ranges such as 1:10 and 5:, and comparisons: eq, ge,
// gt, le and lt, each with the values after it.
func (s *Set) compileRanges(patterns []string) error {
	operator := "eq"
	for i, p := range patterns {
		switch p {
		case "eq", "ge", "gt", "le", "lt":
			operator = p
			if i+1 == len(patterns) {
				return &Error{i, fmt.Errorf("'%s' needs an integer after it", p)}
			}
			continue
		}
		sp, err := parseSpan(p, operator)
		if err != nil {
			return &Error{i, err}
		}
		s.ranges = append(s.ranges, sp)
	}
	return nil
}

func parseSpan(p, operator string) (span, error) {
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
	case operator != "eq":
		return sp, fmt.Errorf("'%s' cannot be a range after '%s'", p, operator)
	case high != "":
		if sp.high, err = strconv.ParseInt(high, 10, 64); err != nil {
			return sp, bad
		}
	}
	if ranged && sp.low > sp.high {
		return sp, fmt.Errorf("range '%s' ends before it begins", p)
	}
	n := sp.low
	switch operator {
	case "ge":
		sp.high = math.MaxInt64
	case "gt":
		sp = span{n + 1, math.MaxInt64}
		if n == math.MaxInt64 {
			sp = span{1, 0}
		}
	case "le":
		sp.low = math.MinInt64
	case "lt":
		sp = span{math.MinInt64, n - 1}
		if n == math.MinInt64 {
			sp = span{1, 0}
		}
	}
	return sp, nil
}
