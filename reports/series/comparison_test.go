package series

import (
	"testing"

	"bench/internal/result"
)

// The axis holds every change that decides, and its interval as far as it means anything.
func TestChangeScale(t *testing.T) {
	p := func(v float64) *float64 { return &v }
	for _, c := range []struct {
		change    float64
		low, high *float64
		gated     bool
		want      float64
	}{
		{1, p(-2), p(4), true, 5},
		{1, p(-30), p(4), true, 50},
		{1, p(-30), p(4), false, 5},
		{-12, p(-100), p(8e5), true, 200},
		{-12, nil, p(1e15), true, 200},
		{900, p(800), p(1100), true, 1000},
		{7000, nil, nil, true, 10000},
	} {
		got := ChangeScale(&result.Comparison{MinEffect: 0.02, Measures: []result.ComparedMeasure{
			{Known: true, Unit: "us", Gated: c.gated, ChangePercent: c.change, Low: c.low, High: c.high},
		}})
		if got != c.want {
			t.Errorf("%+v: %v", c, got)
		}
	}
	// What decides has the axis, where there is some.
	memory := result.ComparedMeasure{Known: true, Unit: "B", ChangePercent: 152, Low: p(150), High: p(154)}
	for _, c := range []struct {
		gated bool
		want  float64
	}{{true, 20}, {false, 200}} {
		p99 := result.ComparedMeasure{Known: true, Unit: "us", Gated: c.gated, ChangePercent: -4, Low: p(-11), High: p(-1)}
		if got := ChangeScale(&result.Comparison{MinEffect: 0.02, Measures: []result.ComparedMeasure{p99, memory}}); got != c.want {
			t.Errorf("beside what is only shown, gated %v: %v, want %v", c.gated, got, c.want)
		}
	}
}
