package hdr

import (
	"compress/zlib"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
)

// Decoder reads HdrHistogram's V2 compressed encoding into a Dist. A decoded
// library histogram holds every possible bucket, 200 kB for a few dozen
// samples; an hour has 36,000 of them. The zero value is ready for use, by one
// goroutine at a time.
type Decoder struct {
	raw     []byte
	inflate io.ReadCloser
	payload []byte
}

// maxPayload bounds what a histogram inflates to.
const maxPayload = 1 << 20

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
	if len(b) < headerSize {
		return nil, errShort
	}
	if binary.BigEndian.Uint32(b)&^cookieMask != cookiePlain {
		return nil, fmt.Errorf("histogram: cookie %#x is not that of the V2 encoding", binary.BigEndian.Uint32(b))
	}
	length := int(binary.BigEndian.Uint32(b[4:]))
	digits := int(binary.BigEndian.Uint32(b[12:]))
	lowest := int64(binary.BigEndian.Uint64(b[16:]))
	if length != len(b)-headerSize || digits > 5 {
		return nil, fmt.Errorf("histogram: header says %d bytes of counts at %d digits, %d follow", length, digits, len(b)-headerSize)
	}
	unit := int(math.Log2(float64(max(lowest, 1))))
	half := int64(1) << (int(math.Ceil(math.Log2(2*math.Pow10(digits)))) - 1)
	d := make(Dist, 0, min(length, 64))
	index := int64(0)
	for b = b[headerSize:]; len(b) > 0; {
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
