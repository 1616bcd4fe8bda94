package words

import (
	"strings"
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

// What a measure is cleared of grows with the least effect, and the explanation with it.
func TestMethodNamesWhatIsCleared(t *testing.T) {
	for _, c := range []struct {
		least float64
		want  string
	}{
		{0.02, `(least effect 2 %), and cleared ("under 5 %") once a slowdown of 5 % is`},
		{0.2, `(least effect 20 %), and cleared ("under 50 %") once a slowdown of 50 % is`},
	} {
		text := strings.Join(CompareMethod(&result.Comparison{Method: "sequential", MinEffect: c.least}), "\n")
		if !strings.Contains(text, c.want) {
			t.Errorf("%q does not say %q", text, c.want)
		}
	}
}
