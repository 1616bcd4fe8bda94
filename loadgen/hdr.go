package loadgen

import (
	"bytes"
	"compress/zlib"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"math"

	"github.com/HdrHistogram/hdrhistogram-go"

	"bench/internal/result"
)

// Histograms hold microseconds. The long ones carry the result (0.1 % wide
// buckets), the short ones one slice of the timeline (1 %).
const (
	longestUs   = 3_600_000_000 // values above are recorded as this
	longDigits  = 3
	shortDigits = 2
)

func newLong() *hdrhistogram.Histogram  { return hdrhistogram.New(1, longestUs, longDigits) }
func newShort() *hdrhistogram.Histogram { return hdrhistogram.New(1, longestUs, shortDigits) }

// microseconds rounds nanoseconds to what histograms hold.
func microseconds(ns int64) int64 { return max(0, min((ns+500)/1000, longestUs)) }

// record adds one value in range; microseconds has seen to that.
func record(h *hdrhistogram.Histogram, us int64) { _ = h.RecordValue(us) }

// encoder writes histograms in the compressed V2 form of HdrHistogram. It does
// what Histogram.Encode does, but keeps its compressor, whose tables of more
// than half a megabyte would otherwise be made anew ten times a second and
// keep the garbage collector busy beside the measurement.
type encoder struct {
	plain  []byte
	packed bytes.Buffer
	zlib   *zlib.Writer
}

// Constants of the V2 format: cookies with the word size bits set.
const (
	v2Cookie           = 0x1c849303 | 0x10
	v2CompressedCookie = 0x1c849304 | 0x10
)

// encode returns base64, or "" for a histogram that is nil or empty.
func (e *encoder) encode(h *hdrhistogram.Histogram) (string, error) {
	if h == nil || h.TotalCount() == 0 {
		return "", nil
	}
	s := h.Export()
	b := e.plain[:0]
	b = binary.BigEndian.AppendUint32(b, v2Cookie)
	b = binary.BigEndian.AppendUint32(b, 0) // length of the counts, set below
	b = binary.BigEndian.AppendUint32(b, 0) // normalizing index offset
	b = binary.BigEndian.AppendUint32(b, uint32(s.SignificantFigures))
	b = binary.BigEndian.AppendUint64(b, uint64(s.LowestTrackableValue))
	b = binary.BigEndian.AppendUint64(b, uint64(s.HighestTrackableValue))
	b = binary.BigEndian.AppendUint64(b, math.Float64bits(1))
	header := len(b)
	b = appendCounts(b, s.Counts)
	binary.BigEndian.PutUint32(b[4:], uint32(len(b)-header))
	e.plain = b

	e.packed.Reset()
	e.packed.Write(make([]byte, 8))
	if e.zlib == nil {
		e.zlib = zlib.NewWriter(&e.packed)
	} else {
		e.zlib.Reset(&e.packed)
	}
	if _, err := e.zlib.Write(b); err != nil {
		return "", fmt.Errorf("compressing a histogram: %w", err)
	}
	if err := e.zlib.Close(); err != nil {
		return "", fmt.Errorf("compressing a histogram: %w", err)
	}
	out := e.packed.Bytes()
	binary.BigEndian.PutUint32(out, v2CompressedCookie)
	binary.BigEndian.PutUint32(out[4:], uint32(len(out)-8))
	return base64.StdEncoding.EncodeToString(out), nil
}

// appendCounts writes counts up to the last that is not zero, in ZigZag LEB128;
// a negative number is a run of zeroes.
func appendCounts(b []byte, counts []int64) []byte {
	for len(counts) > 0 && counts[len(counts)-1] == 0 {
		counts = counts[:len(counts)-1]
	}
	for i := 0; i < len(counts); {
		if counts[i] != 0 {
			b = binary.AppendVarint(b, counts[i])
			i++
			continue
		}
		run := i
		for i < len(counts) && counts[i] == 0 {
			i++
		}
		if n := int64(i - run); n > 1 {
			b = binary.AppendVarint(b, -n)
		} else {
			b = binary.AppendVarint(b, 0)
		}
	}
	return b
}

// summary renders a histogram; a nil one is empty.
func (e *encoder) summary(h *hdrhistogram.Histogram) (result.Latency, error) {
	l := result.Latency{Unit: "us"}
	if h == nil || h.TotalCount() == 0 {
		return l, nil
	}
	hdr, err := e.encode(h)
	if err != nil {
		return l, err
	}
	quantile := func(q float64) float64 { return float64(h.ValueAtQuantile(q)) }
	l.Count, l.Mean, l.HDR = uint64(h.TotalCount()), h.Mean(), hdr
	l.P50, l.P90, l.P99, l.P999, l.Max = quantile(50), quantile(90), quantile(99), quantile(99.9), float64(h.Max())
	return l, nil
}
