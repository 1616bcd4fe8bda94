package page

import (
	"math"
	"slices"
	"testing"

	"bench/internal/units"
	"bench/reports/series"
)

func TestTimeTicks(t *testing.T) {
	for _, c := range []struct {
		start, end, zero int64
		want             []string
	}{
		{0, 42e6, 2e6, []string{"0:00", "0:05", "0:10", "0:15", "0:20", "0:25", "0:30", "0:35", "0:40"}},
		{0, 3602e6, 2e6, []string{"0:00", "10:00", "20:00", "30:00", "40:00", "50:00", "1:00:00"}},
		{0, 1e6, 0, []string{"0:00.0", "0:00.1", "0:00.2", "0:00.3", "0:00.4", "0:00.5", "0:00.6", "0:00.7", "0:00.8", "0:00.9", "0:01.0"}},
		{0, 12e6, 10e6, []string{"-0:10", "-0:08", "-0:06", "-0:04", "-0:02", "0:00", "0:02"}},
	} {
		var got []string
		for _, k := range (axis{c.start, c.end}).ticks(c.zero) {
			got = append(got, k.Text)
			if k.At < 0 || k.At > 100 {
				t.Errorf("a tick at %v %%", k.At)
			}
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%v: %q", c, got)
		}
	}
}

func TestLinearScale(t *testing.T) {
	for _, c := range []struct{ greatest, top float64 }{{300, 300}, {301, 400}, {0, 1}, {1303, 1500}, {0.05, 0.06}, {7, 7.5}} {
		if s := newLinScale(c.greatest, units.NumberTick); math.Abs(s.top-c.top) > 1e-9 || s.y(c.greatest) < 0 {
			t.Errorf("up to %v: top %v, want %v", c.greatest, s.top, c.top)
		}
	}
}

func TestStepsBreakAtGaps(t *testing.T) {
	a, s := axis{0, 100}, logScale{0, 4}
	got := stepsPath([]series.Step{{StartUs: 0, EndUs: 10, Value: 100}, {StartUs: 10, EndUs: 20, Value: 10}, {StartUs: 50, EndUs: 60, Value: 10}}, a, s)
	if want := "M0 500h1000v250h1000M5000 750h1000"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

func TestLabelsAreSpread(t *testing.T) {
	got := spread([]label{{At: 50}, {At: 51}, {At: 99}, {At: 100}}, 160)
	for i, want := range []float64{50, 60, 90, 100} {
		if math.Abs(got[i].At-want) > 1e-9 {
			t.Errorf("%v", got)
		}
	}
}

func TestErrorLayersKeepFiveClasses(t *testing.T) {
	var e series.Errors
	for c := range 7 {
		e[c] = uint64(10 - c)
	}
	layers, names := errorLayers(&e)
	if len(layers) != 5 || names[4] != "other" || len(layers[4]) != 3 {
		t.Errorf("%v %q", layers, names)
	}
	e = series.Errors{}
	e[series.Reset] = 3
	if layers, names = errorLayers(&e); len(layers) != 1 || names[0] != "reset" {
		t.Errorf("%v %q", layers, names)
	}
}
