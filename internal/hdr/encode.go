package hdr

import (
	"bytes"
	"compress/zlib"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"math"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// Constants of the V2 format: cookies, of which some bits say the size of words, and
// the length of the header.
const (
	cookiePlain      = 0x1c849303
	cookieCompressed = 0x1c849304
	cookieMask       = 0xf0
	cookieWord       = 0x10
	headerSize       = 40
)

// longHalf is half of the buckets of one unit each in a histogram of LongDigits.
const longHalf = 1024

// Encoder writes histograms in the V2 compressed form of HdrHistogram. It does what
// Histogram.Encode does, but keeps its compressor, whose tables of more than half a
// megabyte would otherwise be made anew ten times a second and keep the garbage
// collector busy beside the measurement. Its zero value is ready for use, by one
// goroutine at a time.
type Encoder struct {
	plain  []byte
	next   int64 // the bucket after the last one written
	packed bytes.Buffer
	zlib   *zlib.Writer
}

// Encode returns base64, or "" for a histogram that is nil or empty.
func (e *Encoder) Encode(h *hdrhistogram.Histogram) (string, error) {
	if h == nil || h.TotalCount() == 0 {
		return "", nil
	}
	s := h.Export()
	e.begin(int(s.SignificantFigures), s.LowestTrackableValue, s.HighestTrackableValue)
	for i, n := range s.Counts {
		if n != 0 {
			e.put(int64(i), n)
		}
	}
	return e.finish()
}

// EncodeDist is Encode for a distribution, as a histogram of LongDigits. Filling the
// 200 kB of one for each line of a log would cost more than all the rest of a report.
func (e *Encoder) EncodeDist(d Dist) (string, error) {
	e.begin(LongDigits, 1, LongestUs)
	for i := 0; i < len(d); {
		bucket := longBucket(int64(d[i].Value))
		n := int64(0)
		for ; i < len(d) && longBucket(int64(d[i].Value)) == bucket; i++ {
			n += int64(d[i].Count)
		}
		e.put(bucket, n)
	}
	return e.finish()
}

// longBucket is the bucket of a value: one for each up to 2*longHalf, then longHalf to
// every doubling.
func longBucket(v int64) int64 {
	v = min(v, LongestUs)
	octave := 0
	for v>>octave >= 2*longHalf {
		octave++
	}
	if octave == 0 {
		return v
	}
	return int64(octave)*longHalf + v>>octave
}

// begin writes the header: cookie, length of the counts, which finish fills in,
// normalizing index offset, digits, bounds, conversion ratio.
func (e *Encoder) begin(digits int, lowest, highest int64) {
	b := binary.BigEndian.AppendUint32(e.plain[:0], cookiePlain|cookieWord)
	b = binary.BigEndian.AppendUint32(b, 0)
	b = binary.BigEndian.AppendUint32(b, 0)
	b = binary.BigEndian.AppendUint32(b, uint32(digits))
	b = binary.BigEndian.AppendUint64(b, uint64(lowest))
	b = binary.BigEndian.AppendUint64(b, uint64(highest))
	e.plain = binary.BigEndian.AppendUint64(b, math.Float64bits(1))
	e.next = 0
}

// put writes the count of a bucket, and the empty ones before it: a zero, or a
// negative number for a run of them.
func (e *Encoder) put(bucket, n int64) {
	switch gap := bucket - e.next; {
	case gap == 1:
		e.plain = appendZigzag(e.plain, 0)
	case gap > 1:
		e.plain = appendZigzag(e.plain, -gap)
	}
	e.plain = appendZigzag(e.plain, n)
	e.next = bucket + 1
}

// finish compresses what has been written.
func (e *Encoder) finish() (string, error) {
	binary.BigEndian.PutUint32(e.plain[4:], uint32(len(e.plain)-headerSize))
	e.packed.Reset()
	e.packed.Write(make([]byte, 8))
	if e.zlib == nil {
		e.zlib = zlib.NewWriter(&e.packed)
	} else {
		e.zlib.Reset(&e.packed)
	}
	if _, err := e.zlib.Write(e.plain); err != nil {
		return "", fmt.Errorf("compressing a histogram: %w", err)
	}
	if err := e.zlib.Close(); err != nil {
		return "", fmt.Errorf("compressing a histogram: %w", err)
	}
	out := e.packed.Bytes()
	binary.BigEndian.PutUint32(out, cookieCompressed|cookieWord)
	binary.BigEndian.PutUint32(out[4:], uint32(len(out)-8))
	return base64.StdEncoding.EncodeToString(out), nil
}

// appendZigzag writes one number of the LEB128-64b9B code: seven bits a byte, the
// ninth byte whole.
func appendZigzag(b []byte, v int64) []byte {
	u := uint64(v<<1) ^ uint64(v>>63)
	for range 8 {
		if u < 0x80 {
			return append(b, byte(u))
		}
		b = append(b, byte(u)|0x80)
		u >>= 7
	}
	return append(b, byte(u))
}
