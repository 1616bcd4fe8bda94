package units

import (
	"math"
	"testing"
)

func TestLatency(t *testing.T) {
	for _, c := range []struct {
		us   float64
		want string
	}{
		{0, "0 µs"},
		{0.5, "0.50 µs"},
		{5, "5.00 µs"},
		{20, "20.0 µs"},
		{224, "224 µs"},
		{999.4, "999 µs"},
		{999.6, "1.00 ms"},
		{1150, "1.15 ms"},
		{99_960, "100 ms"},
		{999_600, "1.00 s"},
		{2_680_000, "2.68 s"},
		{61e6, "61.0 s"},
		{3600e6, "3\u202f600 s"},
		{-1500, "-1.50 ms"},
		{math.NaN(), "-"},
		{math.Inf(1), "-"},
	} {
		if got := Latency(c.us); got != c.want {
			t.Errorf("Latency(%v) = %q, want %q", c.us, got, c.want)
		}
	}
}

func TestCompactLatency(t *testing.T) {
	for _, c := range []struct {
		us   float64
		want string
	}{{231, "231us"}, {1900, "1.9ms"}, {20, "20us"}, {0, "0us"}, {3e6, "3s"}, {100_000, "100ms"}, {math.NaN(), "-"}} {
		if got := CompactLatency(c.us); got != c.want {
			t.Errorf("CompactLatency(%v) = %q, want %q", c.us, got, c.want)
		}
	}
}

func TestPlainFigures(t *testing.T) {
	for _, c := range []struct{ got, want string }{
		{Count(0), "0"},
		{Count(971), "971"},
		{Count(2971), "2\u202f971"},
		{Count(1234567), "1\u202f234\u202f567"},
		{Rate(0), "0"},
		{Rate(11.81), "11.8"},
		{Rate(300), "300"},
		{Rate(2000), "2\u202f000"},
		{Rate(0.05), "0.050"},
		{Percent(0.0941), "9.41 %"},
		{Percent(0), "0 %"},
		{Change(0), "0"},
		{Change(-0.04), "0"},
		{Change(-2.2), "-2.2"},
		{Change(0.31), "+0.3"},
		{Change(3), "+3"},
		{Change(9.96), "+10"},
		{Change(-14.4), "-14"},
		{Change(12345.6), "+12\u202f346"},
		{Change(math.Inf(1)), "-"},
		{Percent(1), "100 %"},
		{Percent(0.31), "31.0 %"},
		{Percent(math.NaN()), "-"},
		{Number(math.Inf(-1)), "-"},
		{Number(-12.34), "-12.3"},
		{Bytes(0), "0 B"},
		{Bytes(512), "512 B"},
		{Bytes(98_304), "98.3 kB"},
		{Bytes(1.5e6), "1.50 MB"},
		{Clock(22_250_000), "0:22.2"},
		{Clock(3_605_000_000), "1:00:05.0"},
		{Clock(-1_500_000), "-0:01.5"},
		{Clock(0), "0:00.0"},
		{Clock(9_999_999), "0:09.9"},
		{Clock(-1), "-0:00.1"},
		{ClockSeconds(22_250_000), "0:22"},
		{ClockSeconds(-1_500_000), "-0:02"},
		{ASCII("2\u202f971 at 5.00 µs"), "2 971 at 5.00 us"},
	} {
		if c.got != c.want {
			t.Errorf("got %q, want %q", c.got, c.want)
		}
	}
}

func TestBetween(t *testing.T) {
	for want, n := range map[string][3]uint64{
		"about 1\u202f200": {1200, 0, 0}, "about 8": {8, 8, 8}, "40 to 1\u202f200": {79, 40, 1200}, "600 or more": {2000, 600, 0},
	} {
		if got := Between(n[0], n[1], n[2]); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
