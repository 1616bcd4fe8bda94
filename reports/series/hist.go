// Package series holds the truth rules of the reports, once for every surface:
// how histograms merge, when a percentile may be shown, how slices become
// columns, which time belongs to an event, and when a system has recovered. It
// reads a result folder into these terms. Only arithmetic and reading may
// enter; no text layout, no markup, no terminal.
package series

import (
	"math"
)

// EnoughForLine reports whether n samples carry percentile q as a point of a
// line: at least three must lie beyond it.
func EnoughForLine(q float64, n uint64) bool { return float64(n) >= math.Round(3/(1-q)) }
