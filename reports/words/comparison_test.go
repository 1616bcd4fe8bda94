package words

import (
	"testing"

	"bench/internal/result"
)

func TestChangeInterval(t *testing.T) {
	p := func(v float64) *float64 { return &v }
	for _, c := range []struct {
		low, high *float64
		want      string
	}{
		{p(-4), p(0.3), "-4 .. +0.3"},
		{nil, p(0.3), ".. +0.3"},
		{nil, nil, "-"},
		{p(-100), p(815930), "-100 .. > +1\u202f000"},
	} {
		if got := ChangeInterval(&result.ComparedMeasure{Known: true, Unit: "us", Low: c.low, High: c.high}); got != c.want {
			t.Errorf("%q, want %q", got, c.want)
		}
	}
}
