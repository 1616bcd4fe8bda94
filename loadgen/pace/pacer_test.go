package pace

import (
	"math"
	"slices"
	"testing"
	"time"

	"bench/loadgen/internal/loadtest"
	"bench/loadgen/workload"
)

func drain(p Pacer) (at []int64) {
	for {
		t, ok := p.Next()
		if !ok {
			return at
		}
		at = append(at, t)
	}
}

func TestConstantCountIsTheIntegral(t *testing.T) {
	for _, c := range []struct {
		name     string
		from, to float64
		length   time.Duration
	}{
		{"one", 1, 1, time.Second},
		{"plain", 2000, 2000, 20 * time.Second},
		{"fraction", 333.3, 333.3, 7 * time.Second},
		{"slow", 0.3, 0.3, 10 * time.Second},
		{"none", 0, 0, time.Second},
		{"up from zero", 0, 2000, 2 * time.Second},
		{"down to zero", 5000, 0, 3 * time.Second},
		{"up", 100, 10_000, 1500 * time.Millisecond},
		{"down", 10_000, 100, 1500 * time.Millisecond},
		{"almost flat", 1000, 1000.0001, time.Minute},
		{"long", 50_000, 50_000, 100 * time.Second},
	} {
		t.Run(c.name, func(t *testing.T) {
			at := drain(NewConstant(Shape{From: c.from, To: c.to, Length: c.length}))
			want := (c.from + c.to) / 2 * c.length.Seconds()
			if d := math.Abs(float64(len(at)) - want); d > 1 {
				t.Errorf("%d starts, the integral is %.3f", len(at), want)
			}
			if !slices.IsSorted(at) {
				t.Error("starts are not in order")
			}
			if len(at) > 0 && (at[0] < 0 || at[len(at)-1] > int64(c.length)) {
				t.Errorf("starts from %d to %d lie outside the phase of %d ns", at[0], at[len(at)-1], c.length)
			}
			// At every start the count so far is the integral so far, ±1.
			a := (c.to - c.from) / c.length.Seconds()
			for k, ns := range at {
				s := float64(ns) / 1e9
				if n := c.from*s + a*s*s/2; math.Abs(n-float64(k)) > 1 {
					t.Fatalf("start %d at %.9f s, where the integral is %.3f", k, s, n)
				}
			}
		})
	}
}

// starts reads a schedule to its end.
func starts(s schedule) (at []int64) {
	for {
		next, ok := s.next()
		if !ok {
			return at
		}
		at = append(at, next.at)
	}
}

// stepsIntegral is the number of requests due by t seconds under a rate that goes
// in steps.
func stepsIntegral(s *Shape, t float64) (n float64) {
	width := s.Length.Seconds() / float64(s.Steps)
	for i := range s.Steps {
		rate := s.From + (s.To-s.From)*float64(i)/float64(s.Steps-1)
		n += rate * max(0, min(width, t-float64(i)*width))
	}
	return n
}

func TestStepsFollowTheStaircase(t *testing.T) {
	for _, s := range []Shape{
		{From: 100, To: 1000, Length: 5 * time.Second, Steps: 10},
		{From: 1000, To: 0, Length: 3 * time.Second, Steps: 4},
		{From: 0, To: 333, Length: 7 * time.Second, Steps: 2},
		{From: 5, To: 5, Length: time.Second, Steps: 100},
		{From: 0, To: 10_000, Length: time.Second, Steps: 1000},
	} {
		at := drain(NewConstant(s))
		if want := stepsIntegral(&s, s.Length.Seconds()); math.Abs(float64(len(at))-want) > 1 {
			t.Errorf("%+v: %d starts, the integral is %.3f", s, len(at), want)
		}
		if !slices.IsSorted(at) {
			t.Errorf("%+v: starts are not in order", s)
		}
		for k, ns := range at {
			if n := stepsIntegral(&s, float64(ns)/1e9); math.Abs(n-float64(k)) > 1 {
				t.Fatalf("%+v: start %d at %d ns, where the integral is %.3f", s, k, ns, n)
			}
		}
	}
}

func TestPoissonStepsFollowTheStaircase(t *testing.T) {
	for seed := range uint64(5) {
		s := Shape{From: 100, To: 1900, Length: 10 * time.Second, Steps: 7}
		at := drain(NewPoisson(s, seed, 1))
		x := make([]float64, len(at))
		for i, ns := range at {
			x[i] = float64(ns) / 1e9
		}
		total := stepsIntegral(&s, 10)
		if d := loadtest.KSDistance(x, func(v float64) float64 { return stepsIntegral(&s, v) / total }); d > loadtest.KSLimit(len(x)) {
			t.Errorf("seed %d: distance %.5f of %d starts, limit %.5f", seed, d, len(x), loadtest.KSLimit(len(x)))
		}
	}
}

// Each start of a phase is due before its end: what is due then is counted in the
// phase that follows, or in none.
func TestStartsAreWithinThePhase(t *testing.T) {
	for _, s := range []Shape{
		{From: 0, To: 777, Length: 3 * time.Second}, // 1165.5 requests
		{From: 0.5, To: 0.5, Length: time.Second},
		{From: 10, To: 1001, Steps: 7, Length: 3 * time.Second},
		{From: 500, To: 500, Burst: 30, Length: 2 * time.Second},
		{From: 500, To: 500, Burst: 5000, Length: 2 * time.Second},
	} {
		for _, p := range []Pacer{NewConstant(s), NewPoisson(s, 1, 0)} {
			for i, at := range drain(p) {
				if at < 0 || at >= s.Length.Nanoseconds() {
					t.Errorf("%+v: start %d at %d ns", s, i, at)
				}
			}
		}
	}
}

func TestBursts(t *testing.T) {
	at := drain(NewConstant(Shape{From: 1000, To: 1000, Length: time.Second, Burst: 30}))
	if len(at) != 1000 {
		t.Fatalf("%d starts, want 1000", len(at))
	}
	for k, ns := range at {
		want := int64(k/30*30_000_000 + 15_000_000)
		if k >= 990 {
			want = 995_000_000 // half of the ten that are left
		}
		if ns != want {
			t.Fatalf("start %d at %d ns, want %d", k, ns, want)
		}
	}
	at = drain(NewPoisson(Shape{From: 5000, To: 5000, Length: 20 * time.Second, Burst: 10}, 3, 0))
	if len(at)%10 != 0 || math.Abs(float64(len(at))-100_000) > 4.5*10*math.Sqrt(10_000) {
		t.Errorf("%d starts in bursts of ten, want about 100,000", len(at))
	}
	var gaps []float64
	for i := 10; i < len(at); i += 10 {
		if at[i-1] != at[i-10] {
			t.Fatalf("the burst before %d is not at one time", i)
		}
		gaps = append(gaps, float64(at[i]-at[i-10])/1e9)
	}
	slices.Sort(gaps)
	if d := loadtest.KSDistance(gaps, func(x float64) float64 { return 1 - math.Exp(-500*x) }); d > loadtest.KSLimit(len(gaps)) {
		t.Errorf("gaps between bursts: distance %.5f, limit %.5f", d, loadtest.KSLimit(len(gaps)))
	}
}

// The parts of a shared load are its schedule, each start once.
func TestSharesMakeUpTheSchedule(t *testing.T) {
	for _, arrival := range []workload.Arrival{workload.Constant, workload.Poisson} {
		spec := &workload.Spec{Arrival: arrival, Seed: 5, Phases: []workload.Phase{
			{From: 0, To: 700, LengthUs: 1e6}, {From: 100, To: 900, Steps: 4, LengthUs: 1e6}, {From: 50, To: 50, Burst: 7, LengthUs: 1e6},
		}}
		whole := starts(newSchedule(spec, nil))
		for _, of := range []int{1, 2, 3, 16} {
			got := make([]int64, len(whole))
			n := 0
			for i := range of {
				spec.Share = workload.Share{Index: i, Of: of}
				for o := NewOpenLoop(spec, nil, 1000); o.Peek() != Never; {
					at := o.Peek()
					seq, _ := o.Pop()
					got[seq] = at - 1000
					n++
				}
			}
			if n != len(whole) || !slices.Equal(got, whole) {
				t.Errorf("%s: %d parts have %d starts of %d, or other ones", arrival, of, n, len(whole))
			}
		}
	}
	users := 0
	for i := range 7 {
		users += workload.Share{Index: i, Of: 7}.Part(100)
	}
	if users != 100 || (workload.Share{Index: 3, Of: 7}).Part(0) != 0 {
		t.Errorf("%d connections of 100 in 7 parts", users)
	}
}

// One machine with a load, and three that share it with two threads each, have the same set of
// intended starts.
func TestMachinesAndThreadsMakeUpTheSchedule(t *testing.T) {
	for _, arrival := range []workload.Arrival{workload.Constant, workload.Poisson} {
		spec := &workload.Spec{Arrival: arrival, Seed: 11, Threads: 2, Phases: []workload.Phase{
			{From: 0, To: 900, LengthUs: 2e6}, {From: 333, To: 333, LengthUs: 3e6}, {From: 900, To: 0, LengthUs: 2e6},
		}}
		intended := func(machines int) (all []int64) {
			for _, part := range spec.Split(machines) {
				for i := range spec.Threads {
					for o := NewOpenLoop(part.Part(i), nil, 0); o.Peek() != Never; {
						all = append(all, o.Peek())
						o.Pop()
					}
				}
			}
			slices.Sort(all)
			return all
		}
		one, three := intended(1), intended(3)
		if len(one) < 2000 || !slices.Equal(one, three) {
			t.Errorf("%s: one machine has %d starts, three have %d, or other ones", arrival, len(one), len(three))
		}
	}
}

func TestConstantGapsAreEven(t *testing.T) {
	at := drain(NewConstant(Shape{From: 2000, To: 2000, Length: 5 * time.Second}))
	for i := 1; i < len(at); i++ {
		if gap := at[i] - at[i-1]; gap < 499_999 || gap > 500_001 {
			t.Fatalf("gap %d is %d ns, want 500,000", i, gap)
		}
	}
}

func TestPoissonGapsAreExponential(t *testing.T) {
	const rate = 1000.0
	for seed := range uint64(5) {
		at := drain(NewPoisson(Shape{From: rate, To: rate, Length: 20 * time.Second}, seed, 0))
		gaps := make([]float64, 0, len(at))
		last := int64(0)
		for _, ns := range at {
			gaps = append(gaps, float64(ns-last)/1e9)
			last = ns
		}
		slices.Sort(gaps)
		d := loadtest.KSDistance(gaps, func(x float64) float64 { return 1 - math.Exp(-rate*x) })
		if d > loadtest.KSLimit(len(gaps)) {
			t.Errorf("seed %d: distance %.5f of %d gaps, limit %.5f", seed, d, len(gaps), loadtest.KSLimit(len(gaps)))
		}
		if d := math.Abs(float64(len(at)) - rate*20); d > 4.5*math.Sqrt(rate*20) {
			t.Errorf("seed %d: %d starts, want 20,000 within 4.5 deviations", seed, len(at))
		}
	}
}

func TestPoissonRampFollowsTheRate(t *testing.T) {
	const length = 10.0
	for seed := range uint64(5) {
		at := drain(NewPoisson(Shape{From: 100, To: 3900, Length: length * time.Second}, seed, 3))
		x := make([]float64, len(at))
		for i, ns := range at {
			x[i] = float64(ns) / 1e9
		}
		// Given their number, the starts are independent draws from the rate.
		d := loadtest.KSDistance(x, func(s float64) float64 { return (100*s + 380*s*s/2) / 20_000 })
		if d > loadtest.KSLimit(len(x)) {
			t.Errorf("seed %d: distance %.5f of %d starts, limit %.5f", seed, d, len(x), loadtest.KSLimit(len(x)))
		}
	}
}

func TestPoissonIsReproducible(t *testing.T) {
	a := drain(NewPoisson(Shape{From: 500, To: 500, Length: time.Second}, 7, 1))
	if b := drain(NewPoisson(Shape{From: 500, To: 500, Length: time.Second}, 7, 1)); !slices.Equal(a, b) {
		t.Error("the same seed and stream gave other starts")
	}
	if b := drain(NewPoisson(Shape{From: 500, To: 500, Length: time.Second}, 7, 2)); slices.Equal(a, b) {
		t.Error("another stream gave the same starts")
	}
}

func TestScheduleChainsPhases(t *testing.T) {
	spec := &workload.Spec{Arrival: workload.Constant, Phases: []workload.Phase{
		{Name: "up", From: 0, To: 1000, LengthUs: 1e6},
		{Name: "pause", LengthUs: 5e5},
		{Name: "flat", From: 1000, To: 1000, LengthUs: 1e6},
	}}
	at := starts(newSchedule(spec, nil))
	if len(at) != 500+1000 {
		t.Fatalf("%d starts, want 1500", len(at))
	}
	if at[499] > 1e9 || at[500] != 1_500_500_000 || at[1499] != 2_499_500_000 {
		t.Errorf("starts around the seams: %d %d %d", at[499], at[500], at[1499])
	}
}
