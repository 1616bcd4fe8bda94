package reports

import (
	"bytes"
	"compress/zlib"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"time"

	"bench/reports/series"
)

// writeHlog writes an HdrHistogram interval log, format version 1.3: one line
// for every stretch of stepUs in which something ended well, tagged with the
// cell when there are several. Times are seconds from the start of the run,
// values microseconds, the maximum in milliseconds.
func writeHlog(w io.Writer, r *Report, stepUs int64) error {
	run := r.Data.Run
	fmt.Fprintf(w, "#[Logged with bench %s]\n#[Histogram log format version 1.3]\n", series.OneLine(run.Tool.Version))
	if start, err := time.Parse(time.RFC3339Nano, run.StartedAt); err == nil {
		fmt.Fprintf(w, "#[StartTime: %d.%03d (seconds since epoch), %s]\n", start.Unix(), start.Nanosecond()/1e6, start.UTC().Format(time.RFC3339))
		fmt.Fprintf(w, "#[BaseTime: %d.%03d (seconds since epoch)]\n", start.Unix(), start.Nanosecond()/1e6)
	}
	fmt.Fprintf(w, "#[Values are microseconds of OK responses, from the intended start]\n")
	fmt.Fprintf(w, "%s\n", `"StartTimestamp","Interval_Length","Interval_Max","Interval_Compressed_Histogram"`)
	for _, a := range r.Cells {
		tag := ""
		if len(r.Cells) > 1 {
			tag = "Tag=" + hlogTag(a.Name) + ","
		}
		for i := 0; i < len(a.Slots); {
			step := a.Slots[i].StartUs / stepUs
			var parts []series.Dist
			first, last := a.Slots[i].StartUs, int64(0)
			for ; i < len(a.Slots) && a.Slots[i].StartUs/stepUs == step; i++ {
				parts = append(parts, a.Slots[i].OK)
				last = a.Slots[i].StartUs + a.Slots[i].LengthUs
			}
			d := series.Merge(parts...)
			if len(d) == 0 {
				continue
			}
			text, err := encodeHDR(d)
			if err != nil {
				return err
			}
			if _, err := fmt.Fprintf(w, "%s%s,%s,%s,%s\n", tag, decimal(first, 6), decimal(last-first, 6), decimal(int64(d.Max()), 3), text); err != nil {
				return err
			}
		}
	}
	return nil
}

// hlogTag keeps what a tag may hold: no comma, space or line end.
func hlogTag(s string) string {
	return strings.Map(func(r rune) rune {
		if r == ',' || r <= ' ' {
			return ';'
		}
		return r
	}, series.OneLine(s))
}

// decimal prints n as a number with the given digits behind the point.
func decimal(n int64, digits int) string {
	size := int64(math.Pow10(digits))
	fraction := strconv.FormatInt(n%size, 10)
	return strconv.FormatInt(n/size, 10) + "." + strings.Repeat("0", digits-len(fraction)) + fraction
}

// Geometry of the histograms written: 1 µs to an hour at three digits.
const (
	hdrDigits  = 3
	hdrHalf    = 1024
	hdrHighest = 3_600_000_000
)

// encodeHDR writes HdrHistogram's V2 compressed encoding. A distribution is
// sparse; filling the library's 200 kB array for each line would cost more than
// all the rest of the report.
func encodeHDR(d series.Dist) (string, error) {
	var counts []byte
	next := int64(0)
	for i := 0; i < len(d); {
		index := hdrIndex(int64(d[i].Value))
		n := int64(0)
		for ; i < len(d) && hdrIndex(int64(d[i].Value)) == index; i++ {
			n += int64(d[i].Count)
		}
		switch gap := index - next; {
		case gap == 1:
			counts = appendZigzag(counts, 0)
		case gap > 1:
			counts = appendZigzag(counts, -gap)
		}
		counts = appendZigzag(counts, n)
		next = index + 1
	}
	plain := binary.BigEndian.AppendUint32(nil, 0x1c849313)
	plain = binary.BigEndian.AppendUint32(plain, uint32(len(counts)))
	plain = binary.BigEndian.AppendUint32(plain, 0) // normalizing index offset
	plain = binary.BigEndian.AppendUint32(plain, hdrDigits)
	plain = binary.BigEndian.AppendUint64(plain, 1)
	plain = binary.BigEndian.AppendUint64(plain, hdrHighest)
	plain = binary.BigEndian.AppendUint64(plain, math.Float64bits(1))
	plain = append(plain, counts...)
	var packed bytes.Buffer
	z := zlib.NewWriter(&packed)
	if _, err := z.Write(plain); err != nil {
		return "", err
	}
	if err := z.Close(); err != nil {
		return "", err
	}
	out := binary.BigEndian.AppendUint32(nil, 0x1c849314)
	out = binary.BigEndian.AppendUint32(out, uint32(packed.Len()))
	return base64.StdEncoding.EncodeToString(append(out, packed.Bytes()...)), nil
}

// hdrIndex is the bucket of a value: one each up to 2*hdrHalf, then hdrHalf to
// every doubling.
func hdrIndex(v int64) int64 {
	v = min(v, hdrHighest)
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
