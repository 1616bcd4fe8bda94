package result

import (
	"encoding/json"
	"math"
)

// Latency summarises one histogram. Values are microseconds. In JSON a figure of
// which there are too few samples is null; read back, it is 0.
type Latency struct {
	Unit  string  `json:"unit"` // always "us"
	Count uint64  `json:"count"`
	Mean  float64 `json:"mean"`
	P50   float64 `json:"p50"`
	P90   float64 `json:"p90"`
	P99   float64 `json:"p99"`
	P999  float64 `json:"p99.9"`
	Max   float64 `json:"max"`
	// HDR is the HdrHistogram V2 compressed encoding in base64; the
	// percentiles above can be recomputed from it exactly.
	HDR string `json:"hdr"`
}

// beyond is how many samples must lie beyond a quantile for it to say anything.
const beyond = 10

// SamplesFor is how many samples it takes to state quantile q (0 to 1), so that ten
// lie beyond it; the greatest value, 1, takes one. It is the rule of all records,
// tables and limits.
func SamplesFor(q float64) uint64 {
	if q >= 1 {
		return 1
	}
	return uint64(math.Round(beyond / (1 - q)))
}

// Enough reports whether n samples are enough to state quantile q.
func Enough(q float64, n uint64) bool { return n >= SamplesFor(q) }

// MarshalJSON writes null for what is not known.
func (l Latency) MarshalJSON() ([]byte, error) {
	known := func(v float64, enough bool) *float64 {
		if !enough {
			return nil
		}
		return &v
	}
	quantile := func(v, q float64) *float64 { return known(v, Enough(q, l.Count)) }
	return json.Marshal(struct {
		Unit  string   `json:"unit"`
		Count uint64   `json:"count"`
		Mean  *float64 `json:"mean"`
		P50   *float64 `json:"p50"`
		P90   *float64 `json:"p90"`
		P99   *float64 `json:"p99"`
		P999  *float64 `json:"p99.9"`
		Max   *float64 `json:"max"`
		HDR   string   `json:"hdr"`
	}{
		l.Unit, l.Count, known(l.Mean, l.HDR != ""), quantile(l.P50, 0.5), quantile(l.P90, 0.9), quantile(l.P99, 0.99), quantile(l.P999, 0.999),
		quantile(l.Max, 1), l.HDR,
	})
}
