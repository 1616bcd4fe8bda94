package capacity

import (
	"context"
	"errors"
	"flag"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"bench/internal/result"
)

var searches = flag.Int("searches", 60, "simulated searches of each model")

// queue is a system of servers that take requests in the order in which they come.
type queue struct {
	servers int
	service float64 // seconds
	random  bool    // exponential service times
	poisson bool    // arrivals; else evenly spaced
	limit   float64 // on the p99, in seconds
}

// lab simulates trials of a queue, with a capacity that differs between trials.
type lab struct {
	queue
	rng    *rand.Rand
	cv     float64 // of the capacity between trials
	stalls float64 // share of trials in which everything stands still for a while
	// busy is the share of trials in which the machine does something else, too, and so may
	// be what breaks them. It is in those with a stall.
	busy    float64
	wasBusy map[*Outcome]bool
	fixed   float64 // seconds of each trial beside its length
	spent   float64
	trials  int
	invalid func(n int) string
	// weak is the rate beyond which the generator gives out; 0 is none.
	weak float64
}

// sample is what a simulated trial has measured, carried by Record.Response.HDR's place.
type sample struct {
	response []float64
	profile  *Profile
}

type simulated struct {
	*lab
	measured map[*Outcome]*sample
}

func newSimulated(l *lab) *simulated { return &simulated{l, map[*Outcome]*sample{}} }

func (s *simulated) Elapsed() float64 { return s.spent }

func (s *simulated) Trial(ctx context.Context, rate, seconds float64) (*Outcome, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s.trials++
	s.spent += seconds + WarmUp(seconds) + s.fixed
	o := &Outcome{Record: result.Trial{Rate: rate, Seconds: seconds}}
	if s.invalid != nil {
		o.Record.Invalid = s.invalid(s.trials)
	}
	if s.weak > 0 && rate > s.weak {
		o.Saturated = "a load used 99 % of its core"
	}
	stall := s.stalls > 0 && s.rng.Float64() < s.stalls
	if s.busy > 0 {
		if s.wasBusy == nil {
			s.wasBusy = map[*Outcome]bool{}
		}
		s.wasBusy[o] = stall || s.rng.Float64() < s.busy
		o.Disturbed = s.wasBusy[o]
	}
	m, good := s.run(s.rng, rate, seconds, math.Exp(s.cv*s.rng.NormFloat64()), stall)
	o.Record.Got = float64(good) / seconds
	s.measured[o] = m
	return o, nil
}

// run simulates one trial; speed multiplies that of the servers.
func (q *queue) run(rng *rand.Rand, rate, seconds, speed float64, stall bool) (*sample, int) {
	warm := WarmUp(seconds)
	free := make([]float64, q.servers)
	m := &sample{profile: &Profile{Seconds: seconds}}
	good := 0
	at, step := 0.0, 1/rate
	stalled := warm + rng.Float64()*seconds
	for at < warm+seconds {
		first := 0
		for i := range free {
			if free[i] < free[first] {
				first = i
			}
		}
		service := q.service
		if q.random {
			service *= rng.ExpFloat64()
		}
		begin := max(at, free[first])
		if stall && begin > stalled && begin < stalled+0.1 {
			begin = stalled + 0.1
		}
		end := begin + service/speed
		free[first] = end
		if end >= warm && end < warm+seconds {
			good++
		}
		if at >= warm {
			m.response = append(m.response, end-at)
			part := min(parts-1, int((at-warm)/seconds*parts))
			m.profile.Count[part]++
			m.profile.Sum[part] += end - at
		}
		if q.poisson {
			at += rng.ExpFloat64() * step
		} else {
			at += step
		}
	}
	return m, good
}

func p99(all []float64) float64 {
	slices.Sort(all)
	return all[min(len(all)-1, int(0.99*float64(len(all))))]
}

func (s *simulated) Judge(all []*Outcome) Judgement {
	j := s.asMeasured(all)
	if !j.Held && slices.ContainsFunc(all, func(o *Outcome) bool { return s.wasBusy[o] }) {
		j.Doubt, j.AsMeasured = "the machine was busy", true
	}
	return j
}

func (s *simulated) asMeasured(all []*Outcome) Judgement {
	var responses []float64
	sum := &Profile{}
	for _, o := range all {
		responses = append(responses, s.measured[o].response...)
		sum.add(s.measured[o].profile)
	}
	if got := p99(responses); got >= s.limit {
		return Judgement{Broken: []string{"response.p99 < limit"}}
	}
	if after := sum.breaksAfter(s.limit); after > 0 {
		return Judgement{Broken: []string{"would break"}, BreaksAfter: after}
	}
	return Judgement{Held: true}
}

// truth is the capacity of a queue without noise, from long trials.
func (q *queue) truth() float64 {
	rng := rand.New(rand.NewPCG(7, 7))
	top := float64(q.servers) / q.service
	low, high := top/20, top*1.2
	for high/low > 1.002 {
		mid := math.Sqrt(low * high)
		m, _ := q.run(rng, mid, 100_000/mid, 1, false)
		if p99(m.response) < q.limit {
			low = mid
		} else {
			high = mid
		}
	}
	return math.Sqrt(low * high)
}

func options(limit float64) Options {
	return Options{
		Hint: 100, Precision: 0.03, Within: 300,
		Length: func(rate float64) float64 { return Length(rate, []*Objective{{limit: limit}}) },
	}
}

// The search finds the capacity of queues: without much of a bias, with little spread, in
// bounds that hold the truth, and in the time it has.
func TestSearchFindsTheCapacityOfQueues(t *testing.T) {
	for _, c := range []struct {
		name        string
		queue       queue
		cv, stalls  float64
		busy        float64
		bias, sd    float64 // at most
		coverage    float64 // at least
		mostSeconds float64 // on average
	}{
		{"4 servers of 10 ms, even arrivals", queue{servers: 4, service: 0.010, limit: 0.020}, 0, 0, 0, 0.02, 0.005, 0.99, 130},
		{"the same, 2 % noise", queue{servers: 4, service: 0.010, limit: 0.020}, 0.02, 0, 0, 0.03, 0.025, 0.90, 160},
		{"M/D/4, 1 % noise", queue{servers: 4, service: 0.010, poisson: true, limit: 0.030}, 0.01, 0, 0, 0.02, 0.035, 0.95, 190},
		{"M/M/1, 1 % noise", queue{servers: 1, service: 0.001, random: true, poisson: true, limit: 0.020}, 0.01, 0, 0, 0.02, 0.045, 0.95, 160},
		// Near the capacity a stall of 0.1 s is made up for so slowly that it is a limit itself.
		{"4 servers, a stall in 5 % of the trials", queue{servers: 4, service: 0.010, limit: 0.050}, 0.01, 0.05, 0, 0.06, 0.09, 0.78, 160},
		// Trials on a busy machine move the outcome no further than others do.
		{"the same, 2 % noise, half of the trials on a busy machine", queue{servers: 4, service: 0.010, limit: 0.020}, 0.02, 0, 0.5, 0.03, 0.025, 0.90, 200},
		{"M/D/4, every trial on a busy machine", queue{servers: 4, service: 0.010, poisson: true, limit: 0.030}, 0.01, 0, 1, 0.02, 0.035, 0.95, 220},
		// Where a stall is seen, its trial is left out.
		{"4 servers, a busy machine and its stalls", queue{servers: 4, service: 0.010, limit: 0.050}, 0.01, 0.05, 0.5, 0.02, 0.02, 0.95, 200},
	} {
		t.Run(c.name, func(t *testing.T) {
			truth := c.queue.truth()
			var sum, squares, seconds, trials, held float64
			n := float64(*searches)
			for seed := range *searches {
				l := newSimulated(&lab{queue: c.queue, rng: rand.New(rand.NewPCG(uint64(seed), 1)), cv: c.cv, stalls: c.stalls, busy: c.busy, fixed: 1})
				f, err := Search(t.Context(), l, options(c.queue.limit))
				if err != nil {
					t.Fatal(err)
				}
				if f.Rate == 0 || f.High == 0 {
					t.Fatalf("seed %d: nothing found: %+v", seed, f)
				}
				d := math.Log(f.Rate / truth)
				sum += d
				squares += d * d
				seconds += l.spent
				trials += float64(len(f.Trials))
				if f.Low <= truth && truth <= f.High {
					held++
				}
			}
			bias := sum / n
			sd := math.Sqrt(max(0, squares/n-bias*bias))
			t.Logf("truth %.1f/s, bias %+.2f %%, standard deviation %.2f %%, bounds hold it in %.0f %%, %.1f trials, %.0f s",
				truth, 100*bias, 100*sd, 100*held/n, trials/n, seconds/n)
			if math.Abs(bias) > c.bias || sd > c.sd || held/n < c.coverage || seconds/n > c.mostSeconds {
				t.Errorf("want a bias of at most %v, a deviation of at most %v, bounds that hold in %v, %v s", c.bias, c.sd, c.coverage, c.mostSeconds)
			}
		})
	}
}

// step is a lab whose rates hold below a capacity, but for the trials that lie.
type step struct {
	capacity float64
	lies     map[int]bool // by number of trial
	judged   map[*Outcome]bool
	n        int
	spent    float64
	err      error
	// doubt is the rate below which nobody knows what does not hold.
	doubt float64
}

func (s *step) Elapsed() float64 { return s.spent }

func (s *step) Trial(_ context.Context, rate, seconds float64) (*Outcome, error) {
	if s.err != nil && s.n > 5 {
		return nil, s.err
	}
	s.n++
	s.spent += seconds
	o := &Outcome{Record: result.Trial{Rate: rate, Seconds: seconds, Got: min(rate, s.capacity)}}
	if s.judged == nil {
		s.judged = map[*Outcome]bool{}
	}
	s.judged[o] = (rate < s.capacity) != s.lies[s.n]
	return o, nil
}

// Judge lets the majority decide, the rate itself in a tie.
func (s *step) Judge(all []*Outcome) Judgement {
	held := 0
	for _, o := range all {
		if s.judged[o] {
			held++
		}
	}
	if 2*held > len(all) || 2*held == len(all) && all[0].Record.Rate < s.capacity {
		return Judgement{Held: true}
	}
	j := Judgement{Broken: []string{"it"}}
	if all[0].Record.Rate < s.doubt {
		j.Doubt = "the machine was busy"
	}
	return j
}

// Whatever the capacity and the hint, the ends lie around it within the precision, each
// was measured four times, and no rate is tried for nothing.
func TestSearchEndsAroundTheCapacity(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 300 {
		s := &step{capacity: math.Exp(rng.Float64()*9 + 1)}
		o := options(0.02)
		o.Hint, o.Within, o.Precision = math.Exp(rng.Float64()*9+1), 0, 0.01+rng.Float64()*0.1
		told := 0
		o.Tell = func(p *Progress) {
			told++
			if p.Low > 0 && p.Low >= s.capacity || p.High > 0 && p.High < s.capacity || p.Left < 0 {
				t.Errorf("capacity %v: after trial %d between %v and %v, %v s left", s.capacity, p.Trial.Number, p.Low, p.High, p.Left)
			}
		}
		f, err := Search(t.Context(), s, o)
		if err != nil {
			t.Fatal(err)
		}
		low, high := f.Held[0].Record.Rate, f.Broken[0].Record.Rate
		if f.Ended != Precise || low >= s.capacity || high < s.capacity || high/low > (1+o.Precision)*1.002 {
			t.Errorf("capacity %v, hint %v, precision %v: %v .. %v, %+v", s.capacity, o.Hint, o.Precision, low, high, f.Ended)
		}
		want := enough
		if o.Length(low) >= longSeconds {
			want = longEnough
		}
		if len(f.Held) < want || len(f.Broken) < want || told != len(f.Trials) {
			t.Errorf("capacity %v: ends measured %d and %d times, %d of %d trials told", s.capacity, len(f.Held), len(f.Broken), told, len(f.Trials))
		}
		clearlyOver(t, f)
		if f.Low > s.capacity || f.High < s.capacity || f.Rate < f.Low || f.Rate > f.High {
			t.Errorf("capacity %v: %v in %v .. %v", s.capacity, f.Rate, f.Low, f.High)
		}
		if len(f.Trials) > 60 {
			t.Errorf("capacity %v from %v: %d trials", s.capacity, o.Hint, len(f.Trials))
		}
	}
}

// Both ends are measured again before each refinement: twice at a quarter, three times at
// an eighth, four times from there on.
func TestSearchMeasuresEndsAgain(t *testing.T) {
	f, err := Search(t.Context(), &step{capacity: 395}, options(0.02))
	if err != nil {
		t.Fatal(err)
	}
	var got []float64
	for _, o := range f.Trials {
		got = append(got, math.Round(10*o.Record.Rate)/10)
	}
	want := []float64{
		100, 200, 400, 282.8, 336.3, // within a quarter
		336.3, 400, 366.8, // within an eighth
		366.8, 366.8, 400, 383, // within a sixteenth
		383, 383, 383, 400, 391.4, 391.4, 391.4, 391.4,
	}
	if !slices.Equal(got, want) {
		t.Errorf("tried %v,\nwant %v", got, want)
	}
}

// clearlyOver checks that what gave way is looked for in all trials at the first rate that
// is clearly too high, where one was tried.
func clearlyOver(t *testing.T, f *Found) {
	t.Helper()
	times, over := map[float64]int{}, math.Inf(1)
	for _, o := range f.Trials {
		rate := o.Record.Rate
		if times[rate]++; rate >= clearly*f.Rate {
			over = min(over, rate)
		}
	}
	switch {
	case len(f.Over) == 0 && !math.IsInf(over, 1):
		t.Errorf("nothing is known of %v/s, which is clearly above %v/s", over, f.Rate)
	case len(f.Over) > 0 && (f.Over[0].Record.Rate != over || len(f.Over) != times[over]):
		t.Errorf("above %v/s by %d trials at %v/s, not by all %d at %v/s", f.Rate, len(f.Over), f.Over[0].Record.Rate, times[over], over)
	}
}

// One trial that lies does not move the outcome, whichever it is.
func TestSearchOutlivesALie(t *testing.T) {
	for lie := 1; lie <= 20; lie++ {
		s := &step{capacity: 395, lies: map[int]bool{lie: true}}
		f, err := Search(t.Context(), s, options(0.02))
		if err != nil {
			t.Fatal(err)
		}
		if f.Ended != Precise || math.Abs(math.Log(f.Rate/395)) > 0.03 {
			t.Errorf("trial %d lied: %v/s, %v %s", lie, f.Rate, f.Ended, f.Why)
		}
	}
}

func TestSearchEndsOtherwise(t *testing.T) {
	base := func() Options { o := options(0.02); return o }
	for _, c := range []struct {
		name string
		lab  Lab
		o    func(*Options)
		want func(*Found) bool
		code int
	}{
		{"holds at the highest rate", &step{capacity: 1e9}, func(o *Options) { o.To = 450 }, func(f *Found) bool {
			return f.Ended == AtTo && f.Low == 450 && f.High == 0 && f.Rate == 450 && len(f.Held) == enough
		}, 0},
		{"does not hold at the lowest", &step{capacity: 50}, func(o *Options) { o.From = 200 }, func(f *Found) bool {
			return f.Ended == Below && f.Rate == 0 && f.Low == 0 && f.Trials[0].Record.Rate == 200
		}, 1},
		{"holds nowhere", &step{capacity: 0}, func(o *Options) { o.Within = 0; o.Hint = 4; o.Length = func(float64) float64 { return 2 } }, func(f *Found) bool {
			return f.Ended == Below && f.Broken[0].Record.Rate == leastRate
		}, 1},
		{"the time is up", &step{capacity: 395}, func(o *Options) { o.Within = 20 }, func(f *Found) bool {
			return f.Ended == OutOfTime && f.Low > 0 && f.Low <= 395 && f.High >= 395
		}, 4},
		{"the generator gives out", newSimulated(&lab{
			queue: queue{servers: 40, service: 0.010, limit: 0.020}, rng: rand.New(rand.NewPCG(3, 3)), weak: 4000,
		}), func(o *Options) { o.Length = func(float64) float64 { return 0.2 } }, func(f *Found) bool {
			return f.Ended == Generator && f.Low >= 3000 && f.Low <= 4000 && f.High == 0
		}, 4},
		{"the machine is always busy", newSimulated(&lab{
			queue: queue{servers: 4, service: 0.010, limit: 0.020}, rng: rand.New(rand.NewPCG(3, 3)), invalid: func(int) string { return "busy" },
		}), func(*Options) {}, func(f *Found) bool {
			return f.Ended == Disturbed && len(f.Trials) == mostAgain+1 && f.Low == 0
		}, 4},
		{"nobody knows above 390/s", &step{capacity: 390, doubt: 396}, func(*Options) {}, func(f *Found) bool {
			return f.Ended == Doubtful && f.Low < 390 && f.Rate == f.Low && f.High == 400
		}, 4},
		{"the machine is busy now and then", newSimulated(&lab{
			queue: queue{servers: 4, service: 0.010, limit: 0.020}, rng: rand.New(rand.NewPCG(3, 3)),
			invalid: func(n int) string {
				if n%4 == 0 {
					return "busy"
				}
				return ""
			},
		}), func(*Options) {}, func(f *Found) bool {
			return f.Ended == Precise && math.Abs(math.Log(f.Rate/400)) < 0.04
		}, 0},
	} {
		o := base()
		c.o(&o)
		f, err := Search(t.Context(), c.lab, o)
		if err != nil || !c.want(f) {
			t.Errorf("%s: %v, ended %d, %q, %v in %v .. %v, %d trials", c.name, err, f.Ended, f.Why, f.Rate, f.Low, f.High, len(f.Trials))
		}
		if p := f.Point(); p.ExitCode != c.code || c.code != 0 && p.Reason == "" || len(p.Trials) != len(f.Trials) {
			t.Errorf("%s: exit code %d, want %d; %q", c.name, p.ExitCode, c.code, p.Reason)
		}
	}
}

// An error of the lab ends the search with what is known.
func TestSearchKeepsWhatItKnows(t *testing.T) {
	lost := errors.New("lost")
	f, err := Search(t.Context(), &step{capacity: 395, err: lost}, options(0.02))
	if !errors.Is(err, lost) || f.Low == 0 || len(f.Trials) != 6 {
		t.Errorf("%v, %+v", err, f)
	}
}

func TestSlopeForeseesOverload(t *testing.T) {
	profile := func(of func(x float64) float64) *Profile {
		p := &Profile{Seconds: 2}
		for i := range parts {
			p.Count[i], p.Sum[i] = 50, 50*of((float64(i)+0.5)*2/parts)
		}
		return p
	}
	for _, c := range []struct {
		name string
		of   func(x float64) float64
		want float64 // seconds; 0: does not break
	}{
		{"flat", func(float64) float64 { return 0.010 }, 0},
		{"grows by 2 ms a second", func(x float64) float64 { return 0.010 + 0.002*x }, 5},
		{"grows too slowly to matter", func(x float64) float64 { return 0.010 + 0.0003*x }, 0},
		{"shrinks", func(x float64) float64 { return 0.015 - 0.002*x }, 0},
		{"goes up and down", func(x float64) float64 { return 0.010 + 0.003*math.Sin(9*x) }, 0},
	} {
		if got := profile(c.of).breaksAfter(0.020); math.Abs(got-c.want) > 0.01 {
			t.Errorf("%s: breaks after %v s, want %v", c.name, got, c.want)
		}
	}
	few := profile(func(x float64) float64 { return 0.010 + 0.002*x })
	for i := range parts - leastParts + 1 {
		few.Count[i] = 0
	}
	if got := few.breaksAfter(0.020); got != 0 {
		t.Errorf("told from %d parts: %v", leastParts-1, got)
	}
}

func TestLengthOfTrials(t *testing.T) {
	for _, c := range []struct {
		rate float64
		o    Objective
		want float64
	}{
		{10_000, Objective{}, 2},
		{10_000, Objective{limit: 0.5}, 5},
		{100, Objective{}, 10},
		// As requests come by chance, half of the trials would have too few without a margin.
		{100, Objective{needs: 1000}, 11.26},
		{1000, Objective{needs: 10_000}, 2.7},
		{20, Objective{needs: 100, limit: 0.7}, 7},
		{10, Objective{needs: 100}, 14},
		{100, Objective{needs: 2000}, 11.26},
	} {
		if got := Length(c.rate, []*Objective{&c.o}); math.Abs(got-c.want) > 0.01 {
			t.Errorf("%v/s, %+v: %v s, want %v", c.rate, c.o, got, c.want)
		}
	}
}
