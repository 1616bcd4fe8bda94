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

// What a second look that was cut short has not decided is not cleared by it.
func TestConfirmation(t *testing.T) {
	verdicts := func(v ...string) (all []result.ComparedMeasure) {
		for i, name := range []string{"response.p99", "failed", "cpu/request"} {
			all = append(all, result.ComparedMeasure{Name: name, Verdict: v[i]})
		}
		return all
	}
	for _, c := range []struct {
		pairs             int
		suspected, upheld []string
		measures          []result.ComparedMeasure
		want              string
	}{
		{8, []string{"failed"}, []string{"failed"}, verdicts("same", result.Worse, "same"), "looked worse: failed; 8 fresh pairs upheld it"},
		{8, []string{"failed"}, nil, verdicts("same", result.Under5, "same"), "looked worse: failed; 8 fresh pairs did not uphold it"},
		{0, []string{"failed"}, nil, verdicts("same", result.Undecided, "same"), "looked worse: failed; no fresh pair was made to confirm it"},
		{1, []string{"failed"}, nil, verdicts("same", result.Undecided, "same"), "looked worse: failed; 1 fresh pair did not decide it"},
		{
			12,
			[]string{"response.p99", "failed", "cpu/request"},
			[]string{"cpu/request"},
			verdicts(result.Undecided, result.Same, result.Slower),
			"looked worse: p99, failed, cpu/request; 12 fresh pairs upheld cpu/request, did not uphold failed, did not decide p99",
		},
	} {
		got := Confirmation(&result.Comparison{Measures: c.measures, Confirmed: &result.ComparisonConfirm{Pairs: c.pairs, Measures: c.suspected, Upheld: c.upheld}})
		if got != c.want {
			t.Errorf("%q, want %q", got, c.want)
		}
	}
}
