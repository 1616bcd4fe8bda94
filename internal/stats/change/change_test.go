package change

import (
	"flag"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

var times = flag.Int("times", 1, "how many times as many series to draw, for the figures of docs/METHODOLOGY.md")

// energy is the statistic of one split by its definition.
func energy(x, y []float64) float64 {
	n, m := float64(len(x)), float64(len(y))
	pairs := func(a []float64) (sum float64) {
		for i := range a {
			for j := range i {
				sum += math.Abs(a[i] - a[j])
			}
		}
		return sum
	}
	between := 0.0
	for _, a := range x {
		for _, b := range y {
			between += math.Abs(a - b)
		}
	}
	return n * m / (n + m) * (2*between/(n*m) - pairs(x)/(n*(n-1)/2) - pairs(y)/(m*(m-1)/2))
}

// The split found fast is the one found by trying all.
func TestSplitAgainstDefinition(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		values := rapid.SliceOfN(rapid.OneOf(rapid.Float64Range(1e6, 1e6+10), rapid.Float64Range(-5, 5), rapid.Map(rapid.IntRange(0, 3), func(n int) float64 { return float64(n) })), LeastValues, 40).Draw(t, "values")
		n := len(values)
		s := newSeries(values)
		g := s.segment(0, n)
		most, of := 0.0, make(map[int]float64) // the greatest energy of each place
		try := func(at int, x, y []float64) {
			q := energy(x, y)
			of[at] = max(of[at], q)
			most = max(most, q)
		}
		for at := LeastSegment; at <= n-LeastSegment; at++ {
			for end := at + LeastSegment; end <= n; end++ {
				if end == n || n-end >= LeastSegment {
					try(at, values[:at], values[at:end])
				}
			}
			for begin := 0; begin <= at-LeastSegment; begin++ {
				if begin == 0 || begin >= LeastSegment {
					try(at, values[begin:at], values[at:])
				}
			}
		}
		tolerance := 1e-9 * (slices.Max(values) - slices.Min(values)) * float64(n)
		if math.Abs(g.most-most) > tolerance {
			t.Fatalf("energy %v at %d, by definition at most %v", g.most, g.at, most)
		}
		if most > tolerance && math.Abs(of[g.at]-most) > tolerance {
			t.Fatalf("split at %d, where the energy is %v and not %v", g.at, of[g.at], most)
		}
	})
}

// level is what values lie around, for so many runs.
type level struct {
	runs int
	at   float64
}

// noise of runs, in logarithms: each follows the one before it by phi.
func noise(r *rand.Rand, n int, cv, phi float64) []float64 {
	all := make([]float64, n)
	last := r.NormFloat64()
	for i := range all {
		if i > 0 {
			last = phi*last + math.Sqrt(1-phi*phi)*r.NormFloat64()
		}
		all[i] = cv * last
		if r.Float64() < 0.03 { // a run that something else disturbed
			all[i] += math.Abs(r.NormFloat64()) * 0.2
		}
	}
	return all
}

func draw(seed uint64, cv, phi float64, levels ...level) []float64 {
	n := 0
	for _, l := range levels {
		n += l.runs
	}
	off := noise(rand.New(rand.NewPCG(seed, 7)), n, cv, phi)
	var all []float64
	for _, l := range levels {
		for range l.runs {
			all = append(all, l.at*math.Exp(off[len(all)]))
		}
	}
	return all
}

func mustFind(t *testing.T, values []float64) []Point {
	t.Helper()
	points, err := Find(values)
	if err != nil {
		t.Fatal(err)
	}
	return points
}

// What is called a change where there is none.
func TestFalseAlarms(t *testing.T) {
	for _, c := range []struct {
		runs, trials int
		cv, phi      float64
		most         float64
	}{
		{30, 100, 0.02, 0, 0.04},
		{100, 40, 0.02, 0, 0.04},
		{30, 100, 0.02, 0.8, 0.15},
		{100, 30, 0.02, 0.8, 0.15},
	} {
		alarms := 0
		c.trials *= *times
		for seed := range uint64(c.trials) {
			if len(mustFind(t, draw(seed, c.cv, c.phi, level{c.runs, 100}))) > 0 {
				alarms++
			}
		}
		t.Logf("%d runs, dependence %v: %d of %d", c.runs, c.phi, alarms, c.trials)
		if float64(alarms) > c.most*float64(c.trials) {
			t.Errorf("%d runs, dependence %v: a change in %d of %d series without one", c.runs, c.phi, alarms, c.trials)
		}
	}
}

// What is found of steps, and where.
func TestStepsAreFound(t *testing.T) {
	for _, c := range []struct {
		step        float64
		after       int
		phi         float64
		least, near float64 // shares: found, and of these at most two runs off
	}{
		{1.05, 12, 0, 0.8, 0.9},
		{1.10, 5, 0, 0.9, 0.95},
		{0.90, 5, 0, 0.9, 0.95},
		{1.10, 12, 0.4, 0.85, 0.9},
	} {
		trials := 50 * *times
		found, near := 0, 0
		for seed := range uint64(trials) {
			points := mustFind(t, draw(seed, 0.02, c.phi, level{40, 100}, level{c.after, 100 * c.step}))
			if i := slices.IndexFunc(points, func(p Point) bool { return (p.After > p.Before) == (c.step > 1) && p.Index >= 30 }); i >= 0 {
				found++
				if d := points[i].Index - 40; d >= -2 && d <= 2 {
					near++
				}
			}
		}
		t.Logf("step %v after %d runs, dependence %v: %d of %d, %d near", c.step, c.after, c.phi, found, trials, near)
		if float64(found) < c.least*float64(trials) || float64(near) < c.near*float64(found) {
			t.Errorf("step %v after %d runs, dependence %v: %d of %d found, %d at its place", c.step, c.after, c.phi, found, trials, near)
		}
	}
}

// Short series show great steps, though nothing is known of how much their values depend
// on each other.
func TestStepsOfShortSeries(t *testing.T) {
	const trials = 60
	found := 0
	for seed := range uint64(trials) {
		if p := mustFind(t, draw(seed, 0.15, 0, level{7, 100}, level{7, 200})); len(p) == 1 && p[0].Index >= 6 && p[0].Index <= 8 {
			found++
		}
	}
	if found < trials*9/10 {
		t.Errorf("%d of %d found", found, trials)
	}
}

func TestKnownSeries(t *testing.T) {
	flat := func(n int, at float64) (all []float64) {
		for i := range n {
			all = append(all, at*(1+0.001*float64(i%3)))
		}
		return all
	}
	for _, c := range []struct {
		name   string
		values []float64
		want   []int
	}{
		{"all the same", slices.Repeat([]float64{5}, 40), nil},
		{"nothing but zeros", make([]float64, 40), nil},
		{"a step", slices.Concat(flat(20, 100), flat(20, 110)), []int{20}},
		{"there and back", slices.Concat(flat(20, 100), flat(20, 110), flat(20, 100)), []int{20, 40}},
		{"three steps", slices.Concat(flat(20, 100), flat(20, 110), flat(20, 90), flat(20, 130)), []int{20, 40, 60}},
		{"as short as can be", slices.Concat(flat(5, 100), flat(5, 150)), []int{5}},
		{"too small to matter", slices.Concat(flat(20, 100), flat(20, 101.5)), nil},
		{"just large enough", slices.Concat(flat(20, 100), flat(20, 103)), []int{20}},
		{"one outlier", slices.Concat(flat(20, 100), []float64{500}, flat(20, 100)), nil},
		{"two of another level", slices.Concat(flat(30, 100), flat(2, 120)), nil},
		{"from nothing", slices.Concat(make([]float64, 20), flat(20, 3)), []int{20}},
		{"small steps that add up", slices.Concat(flat(20, 100), flat(20, 101.5), flat(20, 103.5)), []int{40}},
	} {
		points := mustFind(t, c.values)
		var got []int
		for _, p := range points {
			got = append(got, p.Index)
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: changes at %v, want %v", c.name, got, c.want)
		}
	}
	p := mustFind(t, slices.Concat(flat(21, 100), flat(21, 110)))[0]
	if p.Before != 100.1 || math.Abs(p.After-110.11) > 1e-9 || p.P < 0.005 || p.P > 0.01 || math.Abs(p.Share()-0.1) > 1e-9 {
		t.Errorf("%+v, share %v", p, p.Share())
	}
}

// Orders as good as the series itself speak against a change: of the 252 orders of five and
// five there are two, and about two of the 199 that are tried.
func TestOrdersAsGoodCount(t *testing.T) {
	s := newSeries(slices.Concat(make([]float64, 5), slices.Repeat([]float64{1}, 5)))
	whole := s.segment(0, 10)
	as := 0
	for r := range orders {
		if s.energy(whole.orders, r) >= whole.most*(1-1e-9) {
			as++
		}
	}
	if got := s.chance([]*segment{whole}, whole.most); as == 0 || got != float64(1+as)/(orders+1) {
		t.Errorf("%d orders are as good: p %v", as, got)
	}
}

// Read backwards a series has the same changes, and in other units too.
func TestMirrorAndScale(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		seed := rapid.Uint64().Draw(t, "seed")
		phi := rapid.Float64Range(0, 0.8).Draw(t, "dependence")
		var levels []level
		for range rapid.IntRange(1, 3).Draw(t, "levels") {
			levels = append(levels, level{rapid.IntRange(5, 20).Draw(t, "runs"), rapid.Float64Range(80, 120).Draw(t, "level")})
		}
		values := draw(seed, 0.02, phi, levels...)
		if len(values) < LeastValues {
			t.Skip("too short")
		}
		points, err := Find(values)
		if err != nil {
			t.Fatal(err)
		}
		back := slices.Clone(values)
		slices.Reverse(back)
		mirrored, err := Find(back)
		if err != nil {
			t.Fatal(err)
		}
		// A reordering that splits as well but for rounding decides about what just counts.
		if slices.ContainsFunc(slices.Concat(points, mirrored), func(p Point) bool { return p.P == greatestP }) {
			t.Skip("hardly significant")
		}
		slices.Reverse(mirrored)
		for i := range mirrored {
			m := &mirrored[i]
			m.Index, m.Before, m.After = len(values)-m.Index, m.After, m.Before
		}
		if !slices.Equal(points, mirrored) {
			t.Fatalf("forwards %+v, backwards %+v", points, mirrored)
		}
		factor := math.Exp2(float64(rapid.IntRange(-20, 20).Draw(t, "power")))
		scaled := slices.Clone(values)
		for i := range scaled {
			scaled[i] *= factor
		}
		again, err := Find(scaled)
		if err != nil {
			t.Fatal(err)
		}
		for i := range again {
			again[i].Before /= factor
			again[i].After /= factor
		}
		if !slices.Equal(points, again) {
			t.Fatalf("as it is %+v, times %v %+v", points, factor, again)
		}
	})
}

func TestRefuses(t *testing.T) {
	for want, values := range map[string][]float64{
		"9 values; a change needs 10, 5 on either side": make([]float64, 9),
		"1 value; a change needs 10, 5 on either side":  make([]float64, 1),
		"value 3 is NaN":  {1, 2, math.NaN(), 4, 5, 6, 7, 8, 9, 10},
		"value 1 is +Inf": {math.Inf(1), 2, 3, 4, 5, 6, 7, 8, 9, 10},
	} {
		if _, err := Find(values); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}

// A thousand runs take well below a second.
func BenchmarkFind1000(b *testing.B) {
	values := draw(1, 0.02, 0.3, level{300, 100}, level{300, 105}, level{400, 98})
	for b.Loop() {
		if _, err := Find(values); err != nil {
			b.Fatal(err)
		}
	}
}
