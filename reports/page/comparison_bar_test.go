package page

import (
	"testing"

	"bench/internal/result"
)

// An estimate beyond the axis is an arrow instead of a dot, and its interval is left out
// where all of it lies there.
func TestChangeBarBeyondTheAxis(t *testing.T) {
	p := func(v float64) *float64 { return &v }
	at := func(v float64) float64 { return 50 + 50*min(max(v/20, -1), 1) }
	for _, c := range []struct {
		change    float64
		low, high *float64
		want      changeBar
	}{
		{152, p(150), p(154), changeBar{Dot: 100, Left: 100, CutRight: true, Beyond: true, Class: "hollow"}},
		{152, nil, nil, changeBar{Dot: 100, CutRight: true, Beyond: true, Class: "hollow"}},
		{-30, p(-50), p(-10), changeBar{Dot: 0, Left: 0, Width: 25, Bounds: true, CutLeft: true, Beyond: true, Class: "hollow"}},
		{10, p(0), p(50), changeBar{Dot: 75, Left: 50, Width: 50, Bounds: true, CutRight: true, Class: "hollow"}},
	} {
		m := result.ComparedMeasure{Known: true, Unit: "B", ChangePercent: c.change, Low: c.low, High: c.high, Verdict: result.Shown}
		if got := newChangeBar(&m, 20, at); *got != c.want {
			t.Errorf("%v: %+v, want %+v", c.change, *got, c.want)
		}
	}
}
