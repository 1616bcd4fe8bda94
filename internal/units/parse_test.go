package units

import (
	"testing"
	"time"
)

func TestParseDuration(t *testing.T) {
	for _, c := range []struct {
		text string
		want time.Duration
		err  string
	}{
		{"500ms", 500 * time.Millisecond, ""},
		{"1.5s", 1500 * time.Millisecond, ""},
		{"1m30s", 90 * time.Second, ""},
		{"250us", 250 * time.Microsecond, ""},
		{"250µs", 250 * time.Microsecond, ""},
		{"2d", 48 * time.Hour, ""},
		{"0", 0, ""},
		{"-1s", -time.Second, ""},
		{"+2s", 2 * time.Second, ""},
		{"10 ms", 10 * time.Millisecond, ""},
		{"5", 0, `"5" has no unit: write 5s, or use another unit: us, ms, m, h or d`},
		{"5x", 0, `"5x" has the unknown unit "x": use us ms s m h d`},
		{"soon", 0, `"soon" is not a duration like 500ms or 1.5s`},
		{"", 0, "is empty"},
		{"-", 0, `"-" is not a duration like 500ms or 1.5s`},
		{"1.2.3s", 0, `"1.2.3s" is not a duration like 500ms or 1.5s`},
		{"999999999d", 0, `"999999999d" is longer than 292 years`},
	} {
		got, err := ParseDuration(c.text)
		if got != c.want || message(err) != c.err {
			t.Errorf("ParseDuration(%q) = %v, %v; want %v, %s", c.text, got, err, c.want, c.err)
		}
	}
}

func TestParseSize(t *testing.T) {
	for _, c := range []struct {
		text string
		want int64
		err  string
	}{
		{"512", 512, ""},
		{"1KiB", 1024, ""},
		{"1k", 1024, ""},
		{"1kB", 1000, ""},
		{"1.5MiB", 3 << 19, ""},
		{"2GB", 2e9, ""},
		{"0", 0, ""},
		{"1.5", 0, `"1.5" is not a whole number of bytes`},
		{"1XB", 0, `"1XB" has the unknown unit "XB": use B kB KiB MB MiB GB GiB`},
		{"big", 0, `"big" is not a size like 512, 1KiB or 2MB`},
		{"9999999GiB", 0, `"9999999GiB" is larger than a pebibyte`},
		{"", 0, "is empty"},
	} {
		got, err := ParseSize(c.text)
		if got != c.want || message(err) != c.err {
			t.Errorf("ParseSize(%q) = %v, %v; want %v, %s", c.text, got, err, c.want, c.err)
		}
	}
}

func TestParseRateRange(t *testing.T) {
	for _, c := range []struct {
		text     string
		from, to float64
		err      string
	}{
		{"2000/s", 2000, 2000, ""},
		{"2k/s", 2000, 2000, ""},
		{"0..2000/s", 0, 2000, ""},
		{"10/s..20/s", 10, 20, ""},
		{"120/m", 2, 2, ""},
		{"0.5/s", 0.5, 0.5, ""},
		{"2000", 0, 0, `"2000" has no unit of time: write 2000/s`},
		{"fast", 0, 0, `"fast" is not a rate like 2000/s`},
		{"x..2000/s", 0, 0, `"x..2000/s" is not a ramp like 0..2000/s`},
		{"5/y", 0, 0, `"5/y" is per "y": use /s, /m or /h`},
		{"5q/s", 0, 0, `"5q/s" is not a rate like 2000/s or 2k/s`},
		{"", 0, 0, "is empty"},
	} {
		from, to, err := ParseRateRange(c.text)
		if from != c.from || to != c.to || message(err) != c.err {
			t.Errorf("ParseRateRange(%q) = %v, %v, %v; want %v, %v, %s", c.text, from, to, err, c.from, c.to, c.err)
		}
	}
}

func message(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
