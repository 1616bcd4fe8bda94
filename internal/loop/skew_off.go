//go:build !skewedclock

package loop

// skewed is what Nanotime makes of the clock: nothing.
func skewed(ns int64) int64 { return ns }
