package reports

import (
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"time"

	"bench/internal/hdr"
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
	var enc hdr.Encoder
	for _, a := range r.Cells {
		tag := ""
		if len(r.Cells) > 1 {
			tag = "Tag=" + hlogTag(a.Name) + ","
		}
		for i := 0; i < len(a.Slots); {
			step := a.Slots[i].StartUs / stepUs
			var parts []hdr.Dist
			first, last := a.Slots[i].StartUs, int64(0)
			for ; i < len(a.Slots) && a.Slots[i].StartUs/stepUs == step; i++ {
				parts = append(parts, a.Slots[i].OK)
				last = a.Slots[i].StartUs + a.Slots[i].LengthUs
			}
			d := hdr.Merge(parts...)
			if len(d) == 0 {
				continue
			}
			text, err := enc.EncodeDist(d)
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
