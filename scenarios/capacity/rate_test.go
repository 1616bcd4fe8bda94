package capacity

import (
	"context"
	"strings"
	"testing"

	"bench/internal/result"
)

// moody is a lab on a machine that always does something else, too: whatever breaks may
// have been broken by that. Above its capacity everything breaks, below it the trials
// that stall do.
type moody struct {
	capacity float64
	stalls   map[int]bool // by number of trial
	n        int
	held     map[*Outcome]bool
}

func (m *moody) Elapsed() float64 { return 0 }

func (m *moody) Trial(_ context.Context, rate, seconds float64) (*Outcome, error) {
	if m.held == nil {
		m.held = map[*Outcome]bool{}
	}
	m.n++
	o := &Outcome{Record: result.Trial{Rate: rate, Seconds: seconds, Got: rate}, Disturbed: true}
	m.held[o] = rate < m.capacity && !m.stalls[m.n]
	return o, nil
}

// Judge merges trials as their histograms are: one that stalled breaks up to four.
func (m *moody) Judge(all []*Outcome) Judgement {
	broken := 0
	for _, o := range all {
		if !m.held[o] {
			broken++
		}
	}
	if broken == 0 || len(all)/broken > 4 {
		return Judgement{Held: true}
	}
	return Judgement{Broken: []string{"it"}, Doubt: "the machine was busy", AsMeasured: true}
}

// A rate whose trials all broke on a busy machine is too much when so many of them have
// not broken by chance, and the outcome says what it rests on.
func TestBrokenAllTheSame(t *testing.T) {
	m := &moody{capacity: 390}
	f, err := Search(t.Context(), m, options(0.02))
	if err != nil || f.Ended != Precise || f.Low > 390 || f.High < 390 {
		t.Fatalf("%v, ended %d, %q, %v .. %v", err, f.Ended, f.Why, f.Low, f.High)
	}
	if !strings.Contains(f.Doubt, "is too much rests on 4 of 4 trials") || f.Point().Doubt != f.Doubt {
		t.Errorf("rests on %q", f.Doubt)
	}
	for _, o := range f.Trials {
		if !o.Record.Held && (o.Record.Doubt == "" || o.Record.Invalid != "") {
			t.Errorf("trial %d: %+v", o.Record.Number, o.Record)
		}
	}
	// Two trials held at lower rates: one in four may break by chance, three in a row in
	// 1.6 % of all cases.
	for i, want := range []float64{100, 200, 400, 400, 400} {
		if got := f.Trials[i].Record.Rate; got != want {
			t.Errorf("trial %d at %v/s, want %v", i+1, got, want)
		}
	}
	if next := f.Trials[5].Record.Rate; next == 400 {
		t.Error("a fourth trial at 400/s in a row")
	}
}

// Where nothing held so far, chance may be anything, but not for ever.
func TestBrokenFromTheBeginning(t *testing.T) {
	o := options(0.02)
	o.From = 400
	f, err := Search(t.Context(), &moody{capacity: 390}, o)
	if err != nil || f.Ended != Below || len(f.Trials) != 5 {
		t.Fatalf("%v, ended %d, %q, %d trials", err, f.Ended, f.Why, len(f.Trials))
	}
}

// A stall on a busy machine is made up for by further trials.
func TestStallsAreMadeUpFor(t *testing.T) {
	for stall := 1; stall <= 20; stall++ {
		f, err := Search(t.Context(), &moody{capacity: 390, stalls: map[int]bool{stall: true}}, options(0.02))
		if err != nil || f.Ended != Precise || f.Low > 390 || f.High < 390 {
			t.Errorf("stall in trial %d: %v, ended %d, %q, %v .. %v", stall, err, f.Ended, f.Why, f.Low, f.High)
		}
	}
}

// What is surely broken by one objective is not in doubt for another.
func TestSurelyBroken(t *testing.T) {
	j := judges(t, "response.p99 < 20ms", "errors < 1%")
	busy := outcome(t, 0, map[int64]int{10_000: 900, 30_000: 100})
	busy.Measured.Waits = []result.Wait{{FromUs: 0, ToUs: 2_000_000, ProxyUs: 100_000}}
	if got := j.Judge([]*Outcome{busy}); got.Held || got.Doubt == "" || !got.AsMeasured {
		t.Errorf("on a busy machine: %+v", got)
	}
	busy.Measured.Loads[0].Requests += 100
	busy.Measured.Loads[0].Failed += 100
	if got := j.Judge([]*Outcome{busy}); got.Held || got.Doubt != "" || got.AsMeasured || len(got.Broken) != 2 {
		t.Errorf("with failures: %+v", got)
	}
}

// A load that sent late is a doubt like a processor that was missed: the objective was
// broken as measured.
func TestBrokenByALateLoad(t *testing.T) {
	late := outcome(t, 0, map[int64]int{10_000: 900, 30_000: 100})
	late.Measured.Loads[0].Lag = late.Measured.Loads[0].Response
	if got := judges(t, "response.p99 < 20ms").Judge([]*Outcome{late}); got.Held || got.Doubt == "" || !got.AsMeasured {
		t.Errorf("%+v", got)
	}
}

// How often the machine breaks trials by chance is told by the trials that broke at rates
// which hold: half of them broken need more in a row than none of them.
func TestChanceFromLowerRates(t *testing.T) {
	outcomes := func(n int, disturbed bool) (all []*Outcome) {
		for range n {
			all = append(all, &Outcome{Disturbed: disturbed})
		}
		return all
	}
	holds := func(rate float64, trials, doubtful int) *point {
		return &point{rate: rate, trials: outcomes(trials, false), doubtful: outcomes(doubtful, true), judged: Judgement{Held: true}}
	}
	for _, c := range []struct {
		points []*point
		want   float64
	}{
		{nil, 1. / 2},
		{[]*point{holds(100, 4, 0)}, 1. / 6},
		{[]*point{holds(100, 2, 2)}, 3. / 6},
		{[]*point{holds(100, 4, 0), holds(200, 1, 3)}, 4. / 10},
		{[]*point{holds(100, 4, 0), holds(400, 1, 3), {rate: 300, undecided: true, doubtful: outcomes(2, true)}}, 1. / 6},
		{[]*point{holds(100, 4, 0), {rate: 200, doubtful: outcomes(3, true)}}, 1. / 6},
	} {
		s := &search{points: c.points}
		if disturbed, broken := s.chances(400); disturbed != c.want || broken != c.want {
			t.Errorf("%d points: disturbed %v, broken %v, want %v", len(c.points), disturbed, broken, c.want)
		}
	}
}

// blocked is a moody lab some of whose trials do not count.
type blocked struct {
	moody
	not map[int]bool // by number of trial
}

func (b *blocked) Trial(ctx context.Context, rate, seconds float64) (*Outcome, error) {
	o, err := b.moody.Trial(ctx, rate, seconds)
	if b.not[b.n] {
		o.Record.Invalid = "busy"
	}
	return o, err
}

// Trials that do not count end a search where too many of them come in a row; one that
// counts in between, although it does not decide yet, makes them begin anew.
func TestTrialsThatDoNotCountInARow(t *testing.T) {
	// Trials 1 and 2 hold. From the third on, at 400/s, all are broken in doubt.
	for _, c := range []struct {
		not  []int
		want Ended
	}{
		{[]int{3, 4, 5, 7, 8, 9, 11, 12, 13}, Precise},
		{[]int{3, 4, 5, 6, 7, 8}, Disturbed},
		{[]int{4, 5, 6, 7, 8, 9}, Disturbed},
	} {
		b := &blocked{moody{capacity: 390}, map[int]bool{}}
		for _, n := range c.not {
			b.not[n] = true
		}
		f, err := Search(t.Context(), b, options(0.02))
		if err != nil || f.Ended != c.want {
			t.Errorf("trials %v do not count: %v, ended %d, %q", c.not, err, f.Ended, f.Why)
		}
	}
}

// However often a machine breaks trials by chance, six of them decide.
func TestSixDoubtfulTrialsDecide(t *testing.T) {
	p := &point{rate: 400}
	for n := 1; n <= 6; n++ {
		p.doubtful = append(p.doubtful, &Outcome{})
		if decided := p.judge(&moody{}, 0.9, 0.9); decided != (n == 6) || p.undecided == decided || (p.despite != "") != decided {
			t.Errorf("%d trials: decided %v, %+v", n, decided, p)
		}
	}
}

// Where requests were refused, what got through says nothing about how much the system
// carries: it widens no interval.
func TestRefusedTrialsMakeNoSpread(t *testing.T) {
	trials := func(failed uint64) (all []*Outcome) {
		for _, got := range []float64{250, 300, 350} {
			all = append(all, &Outcome{Record: result.Trial{Rate: 400, Got: got, Failed: failed}})
		}
		return all
	}
	const precision = 0.03
	if got := margin(400, precision, trials(1)); got != precision/2 {
		t.Errorf("with refused requests %v, want %v", got, precision/2)
	}
	if got := margin(400, precision, trials(0)); got < 0.3 || got > 0.4 {
		t.Errorf("without %v, want half of the precision and twice the spread of a sixth", got)
	}
}
