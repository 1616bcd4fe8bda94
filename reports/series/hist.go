// Package series holds the truth rules of the reports, once for every surface:
// how histograms merge, when a percentile may be shown, how slices become
// columns, which time belongs to an event, and when a system has recovered. It
// reads a result folder into these terms. Only arithmetic and reading may
// enter; no text layout, no markup, no terminal.
package series

import (
	"cmp"
	"compress/zlib"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"

	"bench/internal/result"
)

// Point is a value in microseconds and how often it was seen.
type Point struct {
	Value uint32
	Count uint32
}

// Dist is a distribution of latencies: distinct values, ascending. Values are
// the upper ends of HdrHistogram's buckets, so that percentiles read the same
// as those the load generator states.
type Dist []Point

// N is the number of samples.
func (d Dist) N() uint64 {
	var n uint64
	for _, p := range d {
		n += uint64(p.Count)
	}
	return n
}

// Max is the greatest value, 0 without samples.
func (d Dist) Max() float64 {
	if len(d) == 0 {
		return 0
	}
	return float64(d[len(d)-1].Value)
}

// Quantile is the value at q (0 to 1) by HdrHistogram's rank rule, 0 without
// samples. It does not ask whether there are enough of them: see Enough.
func (d Dist) Quantile(q float64) float64 {
	rank := quantileRank(q, d.N())
	for _, p := range d {
		if uint64(p.Count) >= rank {
			return float64(p.Value)
		}
		rank -= uint64(p.Count)
	}
	return d.Max()
}

// quantileRank is the 1-based rank of the sample at quantile q among n.
func quantileRank(q float64, n uint64) uint64 {
	return min(max(uint64(q*float64(n)+0.5), 1), max(n, 1))
}

// Above counts the samples greater than the limit.
func (d Dist) Above(us float64) uint64 {
	var n uint64
	for _, p := range slices.Backward(d) {
		if float64(p.Value) <= us {
			break
		}
		n += uint64(p.Count)
	}
	return n
}

// Merge adds distributions up. It is the only way to a longer column or phase:
// percentiles are never averaged.
func Merge(parts ...Dist) Dist {
	var all Dist
	filled := 0
	for _, p := range parts {
		if len(p) > 0 {
			filled++
		}
		all = append(all, p...)
	}
	if filled < 2 {
		return all
	}
	slices.SortFunc(all, func(a, b Point) int { return cmp.Compare(a.Value, b.Value) })
	out := all[:0]
	for _, p := range all {
		if n := len(out); n > 0 && out[n-1].Value == p.Value {
			out[n-1].Count += p.Count
		} else {
			out = append(out, p)
		}
	}
	return slices.Clip(out)
}

// EnoughForTable tells whether n samples carry percentile q in a table.
func EnoughForTable(q float64, n uint64) bool { return result.Enough(q, n) }

// EnoughForLine tells whether n samples carry percentile q as a point of a
// line: at least three must lie beyond it.
func EnoughForLine(q float64, n uint64) bool { return float64(n) >= math.Round(3/(1-q)) }

// Decoder reads HdrHistogram's V2 compressed encoding into a Dist. A decoded
// library histogram holds every possible bucket, 200 kB for a few dozen
// samples; an hour has 36,000 of them. The zero value is ready for use, by one
// goroutine at a time.
type Decoder struct {
	raw     []byte
	inflate io.ReadCloser
	payload []byte
}

const (
	cookieCompressed = 0x1c849304
	cookiePlain      = 0x1c849303
	cookieMask       = 0xf0
	hdrHeader        = 40
	maxPayload       = 1 << 20
)

var errShort = errors.New("histogram is cut short")

// Decode reads one base64 histogram. An empty string is an empty Dist.
func (d *Decoder) Decode(s string) (Dist, error) {
	if s == "" {
		return nil, nil
	}
	raw, err := base64.StdEncoding.AppendDecode(d.raw[:0], []byte(s))
	if err != nil {
		return nil, fmt.Errorf("histogram: %w", err)
	}
	d.raw = raw
	if len(raw) < 8 {
		return nil, errShort
	}
	if binary.BigEndian.Uint32(raw)&^cookieMask != cookieCompressed {
		return nil, fmt.Errorf("histogram: cookie %#x is not that of the V2 compressed encoding", binary.BigEndian.Uint32(raw))
	}
	if err := d.unpack(raw[8:]); err != nil {
		return nil, fmt.Errorf("histogram: %w", err)
	}
	return parseV2(d.payload)
}

// unpack inflates into d.payload.
func (d *Decoder) unpack(compressed []byte) error {
	in := strings.NewReader(string(compressed))
	if d.inflate == nil {
		z, err := zlib.NewReader(in)
		if err != nil {
			return err
		}
		d.inflate = z
	} else if err := d.inflate.(zlib.Resetter).Reset(in, nil); err != nil {
		return err
	}
	d.payload = d.payload[:0]
	for {
		d.payload = slices.Grow(d.payload, 512)
		n, err := d.inflate.Read(d.payload[len(d.payload):cap(d.payload)])
		d.payload = d.payload[:len(d.payload)+n]
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		case len(d.payload) > maxPayload:
			return fmt.Errorf("inflates to more than %d bytes", maxPayload)
		}
	}
}

// parseV2 reads the plain V2 encoding: a header of 40 bytes, then zig-zag
// LEB128 counts, negative ones being runs of empty buckets.
func parseV2(b []byte) (Dist, error) {
	if len(b) < hdrHeader {
		return nil, errShort
	}
	if binary.BigEndian.Uint32(b)&^cookieMask != cookiePlain {
		return nil, fmt.Errorf("histogram: cookie %#x is not that of the V2 encoding", binary.BigEndian.Uint32(b))
	}
	length := int(binary.BigEndian.Uint32(b[4:]))
	digits := int(binary.BigEndian.Uint32(b[12:]))
	lowest := int64(binary.BigEndian.Uint64(b[16:]))
	if length != len(b)-hdrHeader || digits > 5 {
		return nil, fmt.Errorf("histogram: header says %d bytes of counts at %d digits, %d follow", length, digits, len(b)-hdrHeader)
	}
	unit := int(math.Log2(float64(max(lowest, 1))))
	half := int64(1) << (int(math.Ceil(math.Log2(2*math.Pow10(digits)))) - 1)
	d := make(Dist, 0, min(length, 64))
	index := int64(0)
	for b = b[hdrHeader:]; len(b) > 0; {
		count, n := zigzag(b)
		if n == 0 {
			return nil, errShort
		}
		b = b[n:]
		if count < 0 {
			index -= count
		} else {
			if count > 0 {
				d = append(d, Point{bucketEnd(index, half, unit), uint32(min(count, math.MaxUint32))})
			}
			index++
		}
		if index < 0 || index > 64*half {
			return nil, fmt.Errorf("histogram: bucket %d is out of range", index)
		}
	}
	return d, nil
}

// bucketEnd is the greatest value that falls in a bucket: the first 2*half
// buckets hold one unit each, and every further half of them doubles the width.
func bucketEnd(index, half int64, unit int) uint32 {
	shift, sub := unit, index
	if index >= 2*half {
		octave := int(index/half) - 1
		shift, sub = unit+octave, index%half+half
	}
	if shift > 32 {
		return math.MaxUint32
	}
	return uint32(min((sub+1)<<shift-1, math.MaxUint32))
}

// zigzag reads one number of the LEB128-64b9B code: seven bits a byte, the
// ninth byte whole. n is 0 when b ends within it.
func zigzag(b []byte) (v int64, n int) {
	var u uint64
	for i := range min(len(b), 9) {
		c := uint64(b[i])
		if i == 8 {
			u |= c << 56
			return int64(u>>1) ^ -int64(u&1), 9
		}
		u |= (c & 0x7f) << (7 * i)
		if c&0x80 == 0 {
			return int64(u>>1) ^ -int64(u&1), i + 1
		}
	}
	return 0, 0
}
