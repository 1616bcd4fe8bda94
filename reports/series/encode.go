package series

import (
	"bytes"
	"compress/zlib"
	"encoding/base64"
	"encoding/binary"
	"math"
)

// Geometry of the histograms an Encoder writes: 1 µs to an hour at three digits.
const (
	HDRDigits  = 3
	HDRHighest = 3_600_000_000
	hdrHalf    = 1024
)

// Encoder writes HdrHistogram's V2 compressed encoding. A distribution is
// sparse; filling the library's 200 kB array for each line of a log would cost
// more than all the rest of a report. The zero value is ready for use, by one
// goroutine at a time.
type Encoder struct {
	deflate *zlib.Writer
	packed  bytes.Buffer
	plain   []byte
}

// Encode writes a distribution. Values fall in the bucket that holds them.
func (e *Encoder) Encode(d Dist) (string, error) {
	b := append(e.plain[:0], make([]byte, hdrHeader)...)
	next := int64(0)
	for i := 0; i < len(d); {
		index := hdrIndex(int64(d[i].Value))
		n := int64(0)
		for ; i < len(d) && hdrIndex(int64(d[i].Value)) == index; i++ {
			n += int64(d[i].Count)
		}
		switch gap := index - next; {
		case gap == 1:
			b = appendZigzag(b, 0)
		case gap > 1:
			b = appendZigzag(b, -gap)
		}
		b = appendZigzag(b, n)
		next = index + 1
	}
	// The header: cookie, length of the counts, normalizing index offset,
	// digits, lowest and highest value, conversion ratio.
	binary.BigEndian.PutUint32(b, cookiePlain|0x10)
	binary.BigEndian.PutUint32(b[4:], uint32(len(b)-hdrHeader))
	binary.BigEndian.PutUint32(b[12:], HDRDigits)
	binary.BigEndian.PutUint64(b[16:], 1)
	binary.BigEndian.PutUint64(b[24:], HDRHighest)
	binary.BigEndian.PutUint64(b[32:], math.Float64bits(1))
	e.plain = b
	e.packed.Reset()
	e.packed.Write(make([]byte, 8))
	if e.deflate == nil {
		e.deflate = zlib.NewWriter(&e.packed)
	} else {
		e.deflate.Reset(&e.packed)
	}
	if _, err := e.deflate.Write(b); err != nil {
		return "", err
	}
	if err := e.deflate.Close(); err != nil {
		return "", err
	}
	out := e.packed.Bytes()
	binary.BigEndian.PutUint32(out, cookieCompressed|0x10)
	binary.BigEndian.PutUint32(out[4:], uint32(len(out)-8))
	return base64.StdEncoding.EncodeToString(out), nil
}

// hdrIndex is the bucket of a value: one each up to 2*hdrHalf, then hdrHalf to
// every doubling.
func hdrIndex(v int64) int64 {
	v = min(v, HDRHighest)
	octave := 0
	for v>>octave >= 2*hdrHalf {
		octave++
	}
	if octave == 0 {
		return v
	}
	return int64(octave)*hdrHalf + v>>octave
}

// appendZigzag writes one number of the LEB128-64b9B code.
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
