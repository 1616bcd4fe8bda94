// Package hdr is how distributions of latencies are kept and written: histograms to
// record into, sparse distributions to read from, and the V2 compressed encoding of
// HdrHistogram, by which results hold both. What is measured, and when a percentile
// may be shown, may not enter.
package hdr

import (
	"fmt"

	"github.com/HdrHistogram/hdrhistogram-go"

	"bench/internal/result"
)

// Histograms hold microseconds. The long ones carry a result (0.1 % wide buckets), the
// short ones one slice of a timeline (1 %).
const (
	LongestUs   = 3_600_000_000 // an hour; greater values are recorded as this
	LongDigits  = 3
	shortDigits = 2
)

// NewLong makes a histogram for a result.
func NewLong() *hdrhistogram.Histogram { return hdrhistogram.New(1, LongestUs, LongDigits) }

// NewShort makes a histogram for a slice of a timeline.
func NewShort() *hdrhistogram.Histogram { return hdrhistogram.New(1, LongestUs, shortDigits) }

// Microseconds rounds nanoseconds to what histograms hold.
func Microseconds(ns int64) int64 { return max(0, min((ns+500)/1000, LongestUs)) }

// Record adds a value in range, as Microseconds gives them.
func Record(h *hdrhistogram.Histogram, us int64) { _ = h.RecordValue(us) }

// Add adds an encoded histogram to h, which it makes, of the same geometry, where it
// is nil. An empty text adds nothing.
func Add(h **hdrhistogram.Histogram, text string) error {
	if text == "" {
		return nil
	}
	o, err := hdrhistogram.Decode([]byte(text))
	if err != nil {
		return fmt.Errorf("reading a histogram: %w", err)
	}
	if *h == nil {
		*h = o
		return nil
	}
	if dropped := (*h).Merge(o); dropped > 0 {
		return fmt.Errorf("reading a histogram: %d of its values do not fit", dropped)
	}
	return nil
}

// Summary renders a histogram as results hold it; a nil one is empty.
func (e *Encoder) Summary(h *hdrhistogram.Histogram) (result.Latency, error) {
	l := result.Latency{Unit: "us"}
	if h == nil || h.TotalCount() == 0 {
		return l, nil
	}
	text, err := e.Encode(h)
	if err != nil {
		return l, err
	}
	quantile := func(q float64) float64 { return float64(h.ValueAtQuantile(q)) }
	l.Count, l.Mean, l.HDR = uint64(h.TotalCount()), h.Mean(), text
	l.P50, l.P90, l.P99, l.P999, l.Max = quantile(50), quantile(90), quantile(99), quantile(99.9), float64(h.Max())
	return l, nil
}
