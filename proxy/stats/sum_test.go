package stats

import (
	"reflect"
	"testing"
)

// fill sets every number to a different value and returns how many there are.
func fill(v reflect.Value, next *uint64) {
	switch v.Kind() {
	case reflect.Struct:
		for _, f := range v.Fields() {
			if f.CanSet() {
				fill(f, next)
			}
		}
	case reflect.Array:
		for i := range v.Len() {
			fill(v.Index(i), next)
		}
	case reflect.Uint64:
		*next++
		v.SetUint(*next)
	case reflect.Int64:
		*next++
		v.SetInt(int64(*next))
	default:
	}
}

// doubled checks that each exported number of sum is twice that of one.
// Maxima and times of events are not added up.
func doubled(t *testing.T, path string, one, sum reflect.Value) {
	t.Helper()
	switch one.Kind() {
	case reflect.Struct:
		for i := range one.NumField() {
			f := one.Type().Field(i)
			if f.IsExported() && f.Type != reflect.TypeFor[Rate]() && f.Type != reflect.TypeFor[Times]() && f.Name != "LastSession" {
				doubled(t, path+"."+f.Name, one.Field(i), sum.Field(i))
			}
		}
	case reflect.Array:
		for i := range one.Len() {
			doubled(t, path, one.Index(i), sum.Index(i))
		}
	case reflect.Uint64:
		if sum.Uint() != 2*one.Uint() {
			t.Errorf("%s is %d after adding %d twice", path, sum.Uint(), one.Uint())
		}
	case reflect.Int64:
		if sum.Int() != 2*one.Int() {
			t.Errorf("%s is %d after adding %d twice", path, sum.Int(), one.Int())
		}
	default:
	}
}

// A counter that is added to a set but not to its Sum would be lost silently.
func TestSumCoversEveryCounter(t *testing.T) {
	var n uint64
	check := func(name string, one, sum any, add func()) {
		fill(reflect.ValueOf(one).Elem(), &n)
		add()
		add()
		doubled(t, name, reflect.ValueOf(one).Elem(), reflect.ValueOf(sum).Elem())
	}
	var f, fs Frontend
	check("Frontend", &f, &fs, func() { fs.Sum(&f, 0) })
	var b, bs Backend
	check("Backend", &b, &bs, func() { bs.Sum(&b, 0) })
	var s, ss Server
	check("Server", &s, &ss, func() { ss.Sum(&s, 0) })
	var l, ls Listener
	check("Listener", &l, &ls, func() { ls.Sum(&l) })
	var p, ps Process
	check("Process", &p, &ps, func() { ps.Sum(&p, 0) })

	b.Latency.Note(1, 1, 1, 1)
	s.Latency.Note(1, 1, 1, 1)
	reaches(t, f, f.Totals(0))
	reaches(t, b, b.Totals(0))
	reaches(t, s, s.Totals(0))
	reaches(t, l, l.Totals())
}

// reaches checks that the totals carry every counter on to the row.
func reaches(t *testing.T, counters any, totals Totals) {
	t.Helper()
	from, to := reflect.TypeOf(counters), reflect.ValueOf(totals)
	for f := range from.Fields() {
		if f.Type == reflect.TypeFor[Rate]() || f.Name == "LastSession" {
			continue
		}
		if v := to.FieldByName(f.Name); !v.IsValid() || v.IsZero() {
			t.Errorf("%s.%s does not reach the totals", from.Name(), f.Name)
		}
	}
}

func TestResetKeepsLevels(t *testing.T) {
	var f Frontend
	f.Sessions, f.H1.OpenConns, f.H1.Conns = 5, 2, 9
	f.SessRate.Add(0, 4)
	f.Reset()
	if f.Sessions != 0 || f.H1.Conns != 0 || f.H1.OpenConns != 2 || f.SessRate.Peak() != 0 {
		t.Errorf("after Reset: %+v", f)
	}
}

func TestRateSlides(t *testing.T) {
	var r Rate
	const s = nsPerSecond
	r.Add(10*s, 100)
	if got := r.Read(10*s + s/2); got != 100 {
		t.Errorf("within the second: %d, want 100", got)
	}
	if got := r.Read(11*s + s/4); got != 75 {
		t.Errorf("a quarter into the next second: %d, want 75", got)
	}
	if got := r.Read(13 * s); got != 0 {
		t.Errorf("two seconds later: %d, want 0", got)
	}
	if got := r.Peak(); got != 100 {
		t.Errorf("peak %d, want 100", got)
	}
}

// A second that is not over counts for the peak, also of a sum over threads that share none.
func TestPeakKnowsTheSecondAtHand(t *testing.T) {
	const s = nsPerSecond
	var a, b, sum Rate
	a.Add(1*s, 3)
	a.Add(2*s, 7)
	b.Add(1*s, 5)
	b.Add(2*s, 2)
	if a.Peak() != 7 || b.Peak() != 5 {
		t.Errorf("peaks %d and %d, want 7 and 5", a.Peak(), b.Peak())
	}
	sum.Sum(&a, 2*s)
	sum.Sum(&b, 2*s)
	if got := sum.Peak(); got != 12 {
		t.Errorf("peak of both %d, want 12", got)
	}
}

// Two threads whose busy seconds differ must not add up to a peak that never was.
func TestSharedPeak(t *testing.T) {
	const s = nsPerSecond
	var p Peak
	var a, b Rate
	a.Share(&p)
	b.Share(&p)
	a.Add(1*s, 50)
	b.Add(1*s, 10)
	b.Add(2*s, 50)
	a.Add(2*s, 5)
	a.Add(3*s, 1)
	b.Add(3*s, 1)
	var sum Rate
	sum.Sum(&a, 3*s)
	sum.Sum(&b, 3*s)
	if got := sum.Peak(); got != 60 {
		t.Errorf("peak %d, want 60: the highest sum of one second", got)
	}
	a.ResetMax()
	b.ResetMax()
	sum = Rate{}
	sum.Sum(&a, 3*s)
	sum.Sum(&b, 3*s)
	if got := sum.Peak(); got != 2 {
		t.Errorf("peak %d after the reset, want the 2 of this second", got)
	}
}

func TestAverageSlides(t *testing.T) {
	var a Average
	for range 10 {
		a.Add(5)
	}
	if a.Value() != 5 {
		t.Errorf("mean %d, want 5", a.Value())
	}
	for range 20 * averageSamples {
		a.Add(100)
	}
	if v := a.Value(); v < 99 || v > 100 {
		t.Errorf("mean %d after many 100s, want 100", v)
	}
	var x, y Average
	for range 30 {
		x.Add(10)
	}
	for range 10 {
		y.Add(50)
	}
	x.Sum(&y)
	if x.Value() != 20 {
		t.Errorf("joint mean %d, want 20", x.Value())
	}
}

func BenchmarkRateAdd(b *testing.B) {
	var p Peak
	var r Rate
	r.Share(&p)
	b.ReportAllocs()
	now := int64(0)
	for b.Loop() {
		r.Add(now, 1)
		now += 1000
	}
}

// An event noted with the time of a moment ago must not wind the rate back.
func TestRateTakesLateEvents(t *testing.T) {
	const s = nsPerSecond
	var r Rate
	r.Add(10*s, 5)
	r.Add(9*s, 1)
	if got := r.Read(10 * s); got != 6 {
		t.Errorf("rate %d, want 6", got)
	}
}

func TestWhatIsTakenCountsWhenItIsUsed(t *testing.T) {
	var g Gauge
	for i, want := range []bool{true, true, false} {
		if g.TryTake(2) != want {
			t.Errorf("take %d of 2: %t", i+1, !want)
		}
	}
	g.Dec()
	if g.Load() != 1 || g.Max() != 0 {
		t.Errorf("the level is %d, the highest one %d", g.Load(), g.Max())
	}
	if g.Used(); g.Max() != 1 {
		t.Errorf("the highest level in use is %d", g.Max())
	}
}
