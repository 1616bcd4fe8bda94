package compare

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"bench/internal/result"
	"bench/reports"
	"bench/scenarios/document"
	"bench/scenarios/driver"
	"bench/scenarios/gate"
	"bench/scenarios/measures"
	"bench/scenarios/runner"
)

// text is a scenario with one load; MORE stands for further keys.
const text = `version: 1
name: fake
seed: 7
vars: {slow: "1"}
proxy:
  config: |
    frontend web
        bind {{bind "web"}}
backends: [{name: web}]
load:
  - name: clients
    target: proxy/web
    phases: [{name: steady, rate: 1000/s, for: 10s}]
objectives: ["failed == 0"]
`

// fake runs nothing: what a run came to is made up.
type fake struct {
	t     *testing.T
	runs  []fakeRun
	noise *rand.Rand
	// of gives what a run measures; by default each side the same, with noise.
	of func(r *fakeRun) fakeOutcome
}

// fakeRun is a run that was asked for.
type fakeRun struct {
	dir, side, cell string
	seed            uint64
	number          int // from 1
}

type fakeOutcome struct {
	err     error
	foreign float64
	doubt   string
	factor  float64 // of every time, 0 is 1
	failed  float64
	verdict string
}

func (f *fake) run(ctx context.Context, doc *document.Document, dir string, _ []string, _ reports.Live) (*result.Run, error) {
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	r := fakeRun{dir: filepath.Base(dir), seed: doc.Cells[0].Scenario.Seed, cell: doc.Cells[0].Name, number: len(f.runs) + 1}
	r.side = Base
	if strings.HasSuffix(dir, "-"+New) {
		r.side = New
	}
	f.runs = append(f.runs, r)
	o := f.outcome(&f.runs[len(f.runs)-1])
	run := &result.Run{Verdict: o.verdict, Cells: []*result.Cell{{
		Name: r.cell, Proxy: result.Proxy{Driver: "builtin", Version: "1.0"},
		Trust: result.Trust{ForeignCPU: o.foreign},
	}}}
	if run.Verdict == "" {
		run.Verdict = result.Pass
	}
	if o.doubt != "" {
		run.Cells[0].Trust.Doubts = []result.Doubt{{Concerns: o.doubt, Text: "a doubt about " + o.doubt}}
	}
	if o.err != nil {
		run.Verdict = result.Partial
	}
	return run, o.err
}

func (f *fake) outcome(r *fakeRun) fakeOutcome {
	if f.of == nil {
		return fakeOutcome{}
	}
	return f.of(r)
}

func (f *fake) read(dir string, _ []measures.Asked) (*measures.Run, error) {
	i := slices.IndexFunc(f.runs, func(r fakeRun) bool { return r.dir == filepath.Base(dir) })
	o := f.outcome(&f.runs[i])
	factor := o.factor
	if factor == 0 {
		factor = 1
	}
	about := func(v float64) float64 { return v * factor * (1 + 0.01*f.noise.NormFloat64()) }
	ratio := func(name string, v float64) measures.Measure {
		return measures.Measure{Name: name, Unit: "us", Value: about(v), Known: true}
	}
	return &measures.Run{Dir: dir, Record: &result.Run{}, Measures: []measures.Measure{
		ratio(result.MeasureP50, 200), ratio(result.MeasureP99, 900), ratio(result.MeasureCPU, 40),
		{Name: result.MeasureFailed, Unit: "1", Kind: measures.Count, Value: o.failed, Known: true, Of: 10_000},
		{Name: result.MeasureP999, Unit: "us", Why: "9 000 responses; it takes 10 000"},
		ratio(result.MeasureMemory, 1<<20),
	}}, nil
}

// told gathers what is told of a comparison.
type told struct {
	again    []string
	standing []Left
}

func (*told) Begin(Step) reports.Live                 { return nil }
func (*told) End(Step, result.ComparedRun)            {}
func (n *told) Again(_ Step, why string)              { n.again = append(n.again, why) }
func (n *told) Standing(_ *result.Comparison, l Left) { n.standing = append(n.standing, l) }

// comparison is a comparison of a fake runner.
func comparison(t *testing.T, f *fake, change func(*Options)) (*procedure, *told) {
	t.Helper()
	dir := t.TempDir()
	path := filepath.Join(dir, "fake.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	n := &told{}
	o := Options{Scenario: path, Out: filepath.Join(dir, "out"), Progress: n, Confirm: true, New: []document.Setting{{Key: "slow", Value: "2"}}}
	if change != nil {
		change(&o)
	}
	plan, err := Prepare(o)
	if err != nil {
		t.Fatal(err)
	}
	if err := plan.empty(); err != nil {
		t.Fatal(err)
	}
	f.t, f.noise = t, rand.New(rand.NewPCG(1, plan.seed))
	at := time.Unix(0, 0)
	return &procedure{plan: plan, carry: f, now: func() time.Time { at = at.Add(time.Second); return at }}, n
}

// made carries it out.
func made(t *testing.T, f *fake, change func(*Options)) (*result.Comparison, *told) {
	t.Helper()
	p, n := comparison(t, f, change)
	c, err := p.compare(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return c, n
}

func find(t *testing.T, c *result.Comparison, name string) result.ComparedMeasure {
	t.Helper()
	i := slices.IndexFunc(c.Measures, func(m result.ComparedMeasure) bool { return m.Name == name })
	if i < 0 {
		t.Fatalf("there is no measure %s", name)
	}
	return c.Measures[i]
}

// slower makes one side slower.
func slower(side string, factor float64) func(*fakeRun) fakeOutcome {
	return func(r *fakeRun) fakeOutcome {
		if r.side == side {
			return fakeOutcome{factor: factor}
		}
		return fakeOutcome{}
	}
}

func TestSameIsNotWorse(t *testing.T) {
	c, n := made(t, &fake{}, nil)
	if c.ExitCode != 0 || c.Verdict != result.Same && c.Verdict != result.Under5 {
		t.Errorf("%s, exit code %d: %s", c.Verdict, c.ExitCode, c.Reason)
	}
	if m := find(t, c, result.MeasureMemory); m.Gated || m.Verdict != result.Shown || m.Low != nil && (*m.Low > 0 || *m.High < 0) {
		t.Errorf("memory %+v", m)
	}
	if m := find(t, c, result.MeasureP999); m.Known || m.Reason == "" {
		t.Errorf("p99.9 %+v", m)
	}
	if m := find(t, c, result.MeasureFailed); !m.Gated || m.Verdict != result.Same {
		t.Errorf("failed %+v", m)
	}
	if len(n.standing) != c.Pairs || len(c.Runs) != 2*c.Pairs {
		t.Errorf("%d pairs, %d runs, told %d times", c.Pairs, len(c.Runs), len(n.standing))
	}
	first, last := n.standing[0], n.standing[len(n.standing)-1]
	if first.AtMost == 0 || len(first.Undecided) == 0 || first.From < 5 || first.To != 0 || first.AtMostTime < first.FromTime || last.AtMost != 0 {
		t.Errorf("left at first %+v, at last %+v", first, last)
	}
}

func TestSlowerIsFoundAndConfirmed(t *testing.T) {
	for _, confirm := range []bool{true, false} {
		c, _ := made(t, &fake{of: slower(New, 1.10)}, func(o *Options) { o.Confirm = confirm })
		if c.ExitCode != exitWorse || c.Verdict != result.Slower {
			t.Fatalf("confirm %v: %s, exit code %d: %s", confirm, c.Verdict, c.ExitCode, c.Reason)
		}
		m := find(t, c, result.MeasureCPU)
		if m.ChangePercent < 8 || m.ChangePercent > 12 || len(m.BaseValues) != c.Pairs || m.Base < 39 || m.Base > 41 || m.New < 43 || m.New > 45 {
			t.Errorf("cpu %+v", m)
		}
		confirming := 0
		for _, r := range c.Runs {
			if r.Confirm {
				confirming++
				if !strings.HasPrefix(r.Dir, "confirm-") {
					t.Errorf("a run that confirms lies in %s", r.Dir)
				}
			}
		}
		if (confirming > 0) != confirm || (c.Confirmed != nil) != confirm {
			t.Errorf("confirm %v: %d runs to confirm, record %+v", confirm, confirming, c.Confirmed)
		}
		if confirm && (len(c.Confirmed.Upheld) == 0 || 2*c.Confirmed.Pairs != confirming) {
			t.Errorf("confirmed %+v by %d runs", c.Confirmed, confirming)
		}
	}
	c, _ := made(t, &fake{of: slower(Base, 1.10)}, nil)
	if c.ExitCode != 0 || c.Verdict != result.Better {
		t.Errorf("a slower base: %s, exit code %d: %s", c.Verdict, c.ExitCode, c.Reason)
	}
}

// A coin decides which side goes first, and both runs of a pair have one seed.
func TestOrderAndSeeds(t *testing.T) {
	order := func(seed uint64) (first string, seeds []uint64) {
		f := &fake{}
		made(t, f, func(o *Options) { o.Seed = &seed; o.Pairs = new(20) })
		for i := 0; i < len(f.runs); i += 2 {
			a, b := f.runs[i], f.runs[i+1]
			if a.side == b.side || a.seed != b.seed {
				t.Fatalf("runs %+v and %+v are no pair", a, b)
			}
			first += a.side[:1]
			seeds = append(seeds, a.seed)
		}
		return first, seeds
	}
	one, seeds := order(1)
	again, _ := order(1)
	other, _ := order(2)
	if one != again || one == other {
		t.Errorf("orders %s and %s of one seed, %s of another", one, again, other)
	}
	if n := strings.Count(one, "b"); n < 4 || n > 16 {
		t.Errorf("the base went first %d times in 20: %s", n, one)
	}
	if strings.Contains(one, "bnnbbnnb") && strings.Count(one, "bnnb") == 5 {
		t.Errorf("the order is fixed: %s", one)
	}
	slices.Sort(seeds)
	if len(slices.Compact(seeds)) != 20 {
		t.Error("two pairs have one seed")
	}
}

// A pair is made again for what the machine did, never for its value.
func TestMadeAgain(t *testing.T) {
	f := &fake{of: func(r *fakeRun) fakeOutcome {
		switch r.dir {
		case "pair-02-base", "pair-02-new":
			return fakeOutcome{foreign: 0.3}
		case "pair-04-new", "pair-04-base":
			return fakeOutcome{factor: 20, verdict: result.Invalid} // a limit that could not be decided
		}
		return fakeOutcome{}
	}}
	c, n := made(t, f, nil)
	if len(n.again) != 1 || !strings.Contains(n.again[0], "other programs used 30.0 %") {
		t.Fatalf("made again: %q", n.again)
	}
	left := 0
	for _, r := range c.Runs {
		if r.LeftOut {
			left++
			if r.Pair != 2 || !strings.Contains(r.Reason, "other programs") {
				t.Errorf("left out: %+v", r)
			}
		}
	}
	// The second run of a pair is not made where the first cannot count.
	if left != 1 || len(c.Runs) != 2*c.Pairs+1 {
		t.Errorf("%d runs left out of %d", left, len(c.Runs))
	}
	if !slices.ContainsFunc(f.runs, func(r fakeRun) bool { return r.dir == "pair-02-try-2-base" }) {
		t.Error("the second attempt has no folder of its own")
	}
	if c.ExitCode != 0 {
		t.Errorf("%s: %s", c.Verdict, c.Reason)
	}
}

// A pair that is made again gets a coin of its own: else what disturbs whoever goes first
// would always meet the same side.
func TestAnotherCoinForAnotherAttempt(t *testing.T) {
	f := &fake{of: func(*fakeRun) fakeOutcome { return fakeOutcome{foreign: 0.5} }}
	made(t, f, nil) // gives up after four pairs of three attempts
	orders := map[string]bool{}
	for pair := range len(f.runs) / tries {
		first := ""
		for _, r := range f.runs[pair*tries : (pair+1)*tries] {
			first += r.side[:1]
		}
		orders[first] = true
	}
	delete(orders, "bbb")
	delete(orders, "nnn")
	if len(orders) == 0 {
		t.Error("the same side went first in all attempts of each pair")
	}
}

func TestRestlessMachine(t *testing.T) {
	restless := func(*fakeRun) fakeOutcome { return fakeOutcome{foreign: 0.5} }
	f := &fake{of: restless}
	c, _ := made(t, f, nil)
	if c.Verdict != result.Invalid || c.ExitCode != exitUnclear || !strings.Contains(c.Reason, "other programs used 50.0 %") {
		t.Errorf("%s, exit code %d: %s", c.Verdict, c.ExitCode, c.Reason)
	}
	if most := (fewLeftOut + 1) * tries; len(f.runs) != most {
		t.Errorf("%d runs before giving up, want %d", len(f.runs), most)
	}
	// All the same, if so wanted.
	c, n := made(t, &fake{of: restless}, func(o *Options) { o.KeepDisturbed = true })
	if c.ExitCode != 0 || len(n.again) > 0 || !slices.ContainsFunc(c.Warnings, func(w string) bool { return strings.Contains(w, "count all the same") }) {
		t.Errorf("%s, exit code %d: %s; made again %d times, warnings %q", c.Verdict, c.ExitCode, c.Reason, len(n.again), c.Warnings)
	}
	// But never where the scenario was not carried out.
	c, _ = made(t, &fake{of: func(*fakeRun) fakeOutcome { return fakeOutcome{doubt: result.ConcernsRun} }}, func(o *Options) { o.KeepDisturbed = true })
	if c.Verdict != result.Invalid || !strings.Contains(c.Reason, "a doubt about run") {
		t.Errorf("%s: %s", c.Verdict, c.Reason)
	}
}

var crashed = &runner.Error{Code: exitProxy, Err: &driver.ExitError{Driver: "builtin", State: "signal: segmentation fault"}}

func TestCrash(t *testing.T) {
	of := func(sides ...string) func(*fakeRun) fakeOutcome {
		return func(r *fakeRun) fakeOutcome {
			if strings.HasPrefix(r.dir, "pair-03-") && slices.Contains(sides, r.side) {
				return fakeOutcome{err: crashed}
			}
			return fakeOutcome{}
		}
	}
	t.Run("new", func(t *testing.T) {
		f := &fake{of: of(New)}
		c, _ := made(t, f, nil)
		if c.Verdict != result.Worse || c.ExitCode != exitWorse || !strings.Contains(c.Reason, "crashed in 1 of 5 pairs") || !strings.Contains(c.Reason, "segmentation fault") {
			t.Errorf("%s, exit code %d: %s", c.Verdict, c.ExitCode, c.Reason)
		}
		if m := c.Measures[0]; m.Name != result.MeasureCrashes || m.Verdict != result.Worse || m.New != 1 || m.Base != 0 {
			t.Errorf("first measure %+v", m)
		}
		if c.Pairs != 4 {
			t.Errorf("%d pairs count, want those two before and two after", c.Pairs)
		}
		c, _ = made(t, &fake{of: of(New)}, func(o *Options) { o.Confirm = false })
		if c.ExitCode != exitWorse || c.Pairs != 2 {
			t.Errorf("exit code %d after %d pairs", c.ExitCode, c.Pairs)
		}
	})
	t.Run("new on a busy machine", func(t *testing.T) {
		// Where the coin lets it go first, the base's run is disturbed, but not the fact
		// that it crashed.
		c, _ := made(t, &fake{of: func(r *fakeRun) fakeOutcome {
			if r.side == New {
				return fakeOutcome{err: crashed}
			}
			return fakeOutcome{foreign: 0.5}
		}}, nil)
		if c.Verdict != result.Worse || c.ExitCode != exitWorse {
			t.Errorf("%s, exit code %d: %s", c.Verdict, c.ExitCode, c.Reason)
		}
	})
	t.Run("base", func(t *testing.T) {
		c, _ := made(t, &fake{of: of(Base)}, nil)
		if c.ExitCode != 0 || find(t, c, result.MeasureCrashes).Verdict != result.Better {
			t.Errorf("%s, exit code %d: %s", c.Verdict, c.ExitCode, c.Reason)
		}
		c, _ = made(t, &fake{of: func(r *fakeRun) fakeOutcome {
			if r.side == Base {
				return fakeOutcome{err: crashed}
			}
			return fakeOutcome{}
		}}, nil)
		if c.ExitCode != exitUnclear || !strings.Contains(c.Reason, "nothing to compare") {
			t.Errorf("a base that always crashes: %s, exit code %d: %s", c.Verdict, c.ExitCode, c.Reason)
		}
	})
	t.Run("both", func(t *testing.T) {
		c, _ := made(t, &fake{of: of(Base, New)}, nil)
		if c.ExitCode != exitUnclear || !strings.Contains(c.Reason, "both sides crash") {
			t.Errorf("%s, exit code %d: %s", c.Verdict, c.ExitCode, c.Reason)
		}
	})
	t.Run("origin", func(t *testing.T) {
		f := &fake{of: func(*fakeRun) fakeOutcome {
			return fakeOutcome{err: &runner.Error{Code: exitProxy, Err: &runner.OriginError{Name: "web.1", State: "signal: killed"}}}
		}}
		p, _ := comparison(t, f, nil)
		c, err := p.compare(context.Background())
		if err == nil || c.ExitCode != exitProxy || c.Verdict != result.Partial || len(f.runs) != 1 {
			t.Errorf("%s, exit code %d, error %v, %d runs", c.Verdict, c.ExitCode, err, len(f.runs))
		}
	})
}

func TestRefusedConfiguration(t *testing.T) {
	f := &fake{of: func(r *fakeRun) fakeOutcome {
		if r.side == New {
			return fakeOutcome{err: &runner.Error{Code: 2, Err: &driver.ConfigError{Driver: "builtin", Output: "unknown keyword"}}}
		}
		return fakeOutcome{}
	}}
	p, _ := comparison(t, f, nil)
	c, err := p.compare(context.Background())
	side, ok := errors.AsType[*SideError](err)
	if !ok || side.Side != New || c.ExitCode != 2 || Code(err) != 2 || !strings.Contains(c.Reason, "side new") {
		t.Errorf("exit code %d, reason %q, error %v", c.ExitCode, c.Reason, err)
	}
}

func TestInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	f := &fake{}
	f.of = func(r *fakeRun) fakeOutcome {
		if r.number == 5 {
			cancel()
			return fakeOutcome{err: context.Canceled}
		}
		return fakeOutcome{}
	}
	p, _ := comparison(t, f, nil)
	c, err := p.compare(ctx)
	if !errors.Is(err, context.Canceled) || c.Verdict != result.Partial || c.ExitCode != exitInterrupted || c.Reason != interruptedReason {
		t.Errorf("%s, exit code %d: %s; %v", c.Verdict, c.ExitCode, c.Reason, err)
	}
	if len(f.runs) != 5 || c.Pairs != 2 || len(find(t, c, result.MeasureP50).BaseValues) != 2 || len(c.Runs) != 5 {
		t.Errorf("%d runs made, %d pairs, %d runs in the record", len(f.runs), c.Pairs, len(c.Runs))
	}
	if text, err := os.ReadFile(filepath.Join(p.plan.o.Out, result.ComparisonFile)); err != nil || !strings.Contains(string(text), `"PARTIAL"`) {
		t.Errorf("the record is not kept: %v", err)
	}
}

func TestMoreFailures(t *testing.T) {
	c, _ := made(t, &fake{of: func(r *fakeRun) fakeOutcome {
		if r.side == New {
			return fakeOutcome{failed: 12}
		}
		return fakeOutcome{}
	}}, nil)
	m := find(t, c, result.MeasureFailed)
	if c.ExitCode != exitWorse || c.Verdict != result.Worse || m.Verdict != result.Worse || m.Base != 0 || m.New != 12*float64(c.Pairs) {
		t.Errorf("%s, exit code %d: %s; %+v", c.Verdict, c.ExitCode, c.Reason, m)
	}
}

// Each combination of the matrix is compared with its twin, one after the other.
func TestMatrix(t *testing.T) {
	f := &fake{of: func(r *fakeRun) fakeOutcome {
		if r.side == New && r.cell == "poller=poll" {
			return fakeOutcome{factor: 1.2}
		}
		return fakeOutcome{}
	}}
	c, _ := made(t, f, func(o *Options) {
		o.Set = []document.Setting{{Key: "matrix", Value: "{poller: [epoll, poll, select, io_uring]}"}, {Key: "proxy.poller", Value: "${poller}"}}
		o.Base = append(o.Base, document.Setting{Key: "proxy.driver", Value: "haproxy"})
		o.New = append(o.New, document.Setting{Key: "matrix.poller", Value: "[epoll, poll, io_uring]"})
	})
	if f.runs[0].cell != f.runs[1].cell || f.runs[0].side == f.runs[1].side {
		t.Errorf("the first runs are %+v and %+v", f.runs[0], f.runs[1])
	}
	verdicts := map[string]string{}
	for _, m := range c.Measures {
		if m.Name == result.MeasureCPU {
			verdicts[m.Cell] = m.Verdict
		}
	}
	if len(verdicts) != 2 || verdicts["poller=poll"] != result.Slower || verdicts["poller=epoll"] == result.Slower {
		t.Errorf("verdicts %v", verdicts)
	}
	if !slices.ContainsFunc(c.Warnings, func(w string) bool { return strings.Contains(w, "poller=select (base)") }) ||
		!slices.ContainsFunc(c.Warnings, func(w string) bool { return strings.HasPrefix(w, "poller=io_uring left out: HAProxy") }) {
		t.Errorf("warnings %q", c.Warnings)
	}
}

// What cannot be told at all does not decide, and that is said.
func TestUnknownGate(t *testing.T) {
	p, _ := comparison(t, &fake{}, nil)
	p.carry = without{p.carry, p.carry.read}
	c, err := p.compare(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	if m := find(t, c, result.MeasureP99); m.Gated || m.Known {
		t.Errorf("%+v", m)
	}
	if c.ExitCode != 0 || !slices.ContainsFunc(c.Warnings, func(w string) bool { return strings.Contains(w, "response.p99 does not decide") }) {
		t.Errorf("exit code %d, warnings %q", c.ExitCode, c.Warnings)
	}
}

// without is a carrier whose runs are too short for p99.
type without struct {
	carrier
	inner func(string, []measures.Asked) (*measures.Run, error)
}

func (w without) read(dir string, asked []measures.Asked) (*measures.Run, error) {
	r, err := w.inner(dir, asked)
	m := r.Lookup(result.MeasureP99)
	m.Known, m.Why = false, "too few"
	return r, err
}

func TestGatesOfTheScenario(t *testing.T) {
	asked := func(o *Options) {
		o.Set = append(o.Set, document.Setting{Key: "compare", Value: "{pairs: 12, minEffect: 3%, alpha: 0.02, measures: [memory, {name: response.p99, gate: false}]}"})
	}
	c, _ := made(t, &fake{}, asked)
	if m := find(t, c, result.MeasureMemory); !m.Gated || m.Verdict == result.Shown {
		t.Errorf("memory %+v", m)
	}
	if m := find(t, c, result.MeasureP99); m.Gated || m.Verdict != result.Shown {
		t.Errorf("p99 %+v", m)
	}
	if c.Pairs != 12 || c.Method != "fixed" || c.MinEffect != 0.03 || c.Alpha != 0.02 {
		t.Errorf("%d pairs, %s, least effect %v, alpha %v", c.Pairs, c.Method, c.MinEffect, c.Alpha)
	}
	c, _ = made(t, &fake{}, func(o *Options) { asked(o); o.Pairs = new(0); o.MinEffect = new(0.02) })
	if c.Method != "sequential" || c.MinEffect != 0.02 {
		t.Errorf("%s, least effect %v", c.Method, c.MinEffect)
	}
}

func TestTimeIsUp(t *testing.T) {
	c, n := made(t, &fake{}, func(o *Options) { o.Within = 25 * time.Second })
	if c.Verdict != result.Unclear || c.ExitCode != exitUnclear || !strings.HasPrefix(c.Reason, "the time was up") {
		t.Errorf("%s, exit code %d: %s", c.Verdict, c.ExitCode, c.Reason)
	}
	first, last := n.standing[0], n.standing[len(n.standing)-1]
	if first.AtMost > 20 || first.AtMostTime > 25*time.Second || first.TimeUp || !last.TimeUp || last.AtMost != 0 {
		t.Errorf("left at first %+v, at last %+v", first, last)
	}
}

// Where nothing is worse when the time is up, that is the verdict: what the pairs would still
// have been for is whether something is better.
func TestTimeIsUpForWhatIsBetter(t *testing.T) {
	better := func(r *fakeRun) fakeOutcome {
		if r.side == New {
			return fakeOutcome{factor: 0.9}
		}
		return fakeOutcome{}
	}
	for _, tt := range []struct {
		within  time.Duration
		verdict string
		code    int
	}{{40 * time.Second, result.Unclear, exitUnclear}, {time.Minute, "under 5 %", exitPass}, {3 * time.Minute, result.Better, exitPass}} {
		c, _ := made(t, &fake{of: better}, func(o *Options) { o.Within = tt.within })
		if c.Verdict != tt.verdict || c.ExitCode != tt.code || strings.HasPrefix(c.Reason, "the time was up") != (tt.code == exitUnclear) {
			t.Errorf("within %s: %s after %d pairs, exit code %d: %s", tt.within, c.Verdict, c.Pairs, c.ExitCode, c.Reason)
		}
	}
}

// A pair that is disturbed is not made again where that would end too late: of what takes
// three times as long as it may, somebody waits in vain.
func TestNoTimeToMakeAPairAgain(t *testing.T) {
	for _, tt := range []struct {
		within time.Duration
		runs   int
	}{{time.Second, 1}, {time.Minute, tries}} {
		f := &fake{of: func(*fakeRun) fakeOutcome { return fakeOutcome{foreign: 0.5} }}
		made(t, f, func(o *Options) { o.Within = tt.within })
		if n := len(slices.DeleteFunc(f.runs, func(r fakeRun) bool { return !strings.HasPrefix(r.dir, "pair-01-") })); n != tt.runs {
			t.Errorf("within %s the first pair took %d runs, want %d", tt.within, n, tt.runs)
		}
	}
}

// Where no pair counts, what can be done about it is said, and that the time was up.
func TestNoPairCounts(t *testing.T) {
	restless := func(*fakeRun) fakeOutcome { return fakeOutcome{foreign: 0.5} }
	for _, tt := range []struct {
		within time.Duration
		of     func(*fakeRun) fakeOutcome
		starts string
		hint   bool
	}{
		{5 * time.Second, restless, "the time was up: no pair counts; the last one because of ", true},
		{0, restless, "4 of 4 pairs could not be trusted", true},
		{0, func(*fakeRun) fakeOutcome { return fakeOutcome{doubt: result.ConcernsRun} }, "4 of 4 pairs could not be trusted", false},
	} {
		c, n := made(t, &fake{of: tt.of}, func(o *Options) { o.Within = tt.within })
		if c.ExitCode != exitUnclear || !strings.HasPrefix(c.Reason, tt.starts) || strings.HasSuffix(c.Reason, "; --keep-disturbed counts pairs that other programs disturbed") != tt.hint {
			t.Errorf("exit code %d: %s", c.ExitCode, c.Reason)
		}
		if first := n.standing[0]; tt.within == 0 && (first.From != 6 || first.To != 0 || first.AtMost != 200) {
			t.Errorf("left after a pair that does not count: %+v", first)
		}
	}
}

func TestNoiseFloor(t *testing.T) {
	p, _ := comparison(t, &fake{}, nil)
	floor, refused, err := func() (*result.NoiseFloor, string, error) {
		p.plan.pairs, p.plan.o.Confirm = gate.CalibrationPairs, false
		return p.calibrate(context.Background())
	}()
	if err != nil || refused != "" || floor.Pairs != gate.CalibrationPairs || floor.Scenario != p.plan.workHash {
		t.Fatalf("floor %+v, refused %q, %v", floor, refused, err)
	}
	sd := floor.Measures[0].SD
	if len(floor.Measures) != 3 || sd < 0.008 || sd > 0.04 {
		t.Errorf("measures %+v: two runs that differ by 1 %% each make 1.4 %%", floor.Measures)
	}

	if floor.Disturbed != 0 {
		t.Errorf("%d pairs of a quiet machine were disturbed", floor.Disturbed)
	}
	restless, _ := comparison(t, &fake{of: func(*fakeRun) fakeOutcome { return fakeOutcome{foreign: 0.5} }}, func(o *Options) { o.KeepDisturbed = true })
	restless.plan.pairs, restless.plan.o.Confirm = gate.CalibrationPairs, false
	if f, _, err := restless.calibrate(context.Background()); err != nil || f.Disturbed != gate.CalibrationPairs {
		t.Errorf("floor of a busy machine: %+v, %v", f, err)
	}

	// It is kept, and used for the same host and scenario only.
	dir := t.TempDir()
	if err := Save(filepath.Join(dir, FloorFile), floor); err != nil {
		t.Fatal(err)
	}
	if got, why, err := p.plan.ReadFloor(dir); err != nil || why != "" || got == nil || got.Measures[0].SD != sd {
		t.Errorf("%+v, %q, %v", got, why, err)
	}
	for what, change := range map[string]func(*result.NoiseFloor){
		"scenario": func(f *result.NoiseFloor) { f.Scenario = "another" },
		"kernel":   func(f *result.NoiseFloor) { f.Kernel = "another" },
		"CPU":      func(f *result.NoiseFloor) { f.CPU = "another" },
	} {
		other := *floor
		change(&other)
		if err := Save(filepath.Join(dir, FloorFile), &other); err != nil {
			t.Fatal(err)
		}
		if got, why, err := p.plan.ReadFloor(dir); err != nil || got != nil || !strings.Contains(why, "another "+what) {
			t.Errorf("%+v, %q, %v", got, why, err)
		}
	}
	if got, why, err := p.plan.ReadFloor(t.TempDir()); err != nil || got != nil || why != "" {
		t.Errorf("without one: %+v, %q, %v", got, why, err)
	}

	// A gate below it ends before its first run, and says how many pairs it would take.
	for i := range floor.Measures {
		floor.Measures[i].SD = 0.5
	}
	f := &fake{}
	c, _ := made(t, f, func(o *Options) { o.Floor = floor })
	if len(f.runs) != 0 || c.Verdict != result.Unclear || c.ExitCode != exitUnclear || !strings.Contains(c.Reason, "pairs") {
		t.Errorf("%d runs, %s, exit code %d: %s", len(f.runs), c.Verdict, c.ExitCode, c.Reason)
	}
}

func TestLoopsAreNotCompared(t *testing.T) {
	closed := func(o *Options) {
		o.New = []document.Setting{{Key: "load.clients.arrival", Value: "closed"}, {Key: "load.clients.phases", Value: "[{name: steady, for: 10s}]"}}
	}
	f := &fake{}
	c, _ := made(t, f, closed)
	if c.Verdict != result.NotComparable || c.ExitCode != exitUnclear || len(f.runs) != 0 || !strings.Contains(c.Reason, "an open loop on the base's side and a closed loop") {
		t.Errorf("%s, exit code %d after %d runs: %s", c.Verdict, c.ExitCode, len(f.runs), c.Reason)
	}
	c, _ = made(t, &fake{}, func(o *Options) { closed(o); o.Force = true })
	if c.ExitCode != 0 {
		t.Errorf("forced: %s: %s", c.Verdict, c.Reason)
	}
}

func TestParseSide(t *testing.T) {
	for in, want := range map[string]string{
		"":                              "",
		"proxy.driver=haproxy":          "proxy.driver=haproxy",
		"proxy.driver=haproxy,rate=3/s": "proxy.driver=haproxy|rate=3/s",
		"backends.web.latency=normal(1ms, 2ms),a=1":    "backends.web.latency=normal(1ms, 2ms)|a=1",
		"matrix={poller: [epoll, poll],x: [a=b]},a.b=": "matrix={poller: [epoll, poll],x: [a=b]}|a.b=",
		`proxy.args=["-x", "a,b=c"]`:                   `proxy.args=["-x", "a,b=c"]`,
		"proxy.args=[-x,a=b],n=1":                      "proxy.args=[-x,a=b]|n=1",
		"path=/a,b":                                    "path=/a,b",
	} {
		got, err := ParseSide(in)
		if err != nil || strings.Join(inWords(got), "|") != want {
			t.Errorf("%s: %v, %v", in, got, err)
		}
	}
	if _, err := ParseSide("nonsense"); err == nil {
		t.Error("a setting without a value is read")
	}
}

func TestPrepareRefuses(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	set := func(key, value string) []document.Setting { return []document.Setting{{Key: key, Value: value}} }
	for _, tt := range []struct {
		o    Options
		want string
	}{
		{Options{Scenario: "no-such-scenario"}, "no built-in scenario"},
		{Options{Scenario: path, New: set("nonsense", "1")}, "side new: "},
		{Options{Scenario: path, Base: set("nonsense", "1")}, "side base: "},
		{Options{Scenario: path, Set: set("nonsense", "1")}, "--set nonsense: no variable"},
		{Options{Scenario: path, MostPairs: 3}, "at most 3 pairs with alpha 0.01: at least 8 are needed"},
		{Options{Scenario: path, Base: set("matrix", "{a: [1, 2]}"), New: set("matrix", "{a: [3, 4]}")}, "no combination of the matrix can be compared: a=1 (base), a=2 (base), a=3 (new), a=4 (new)"},
	} {
		if _, err := Prepare(tt.o); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%+v: %v, want %q", tt.o, err, tt.want)
		}
	}
}

// A time that is told in steps can be 0, and is then not infinitely far from any other.
func TestRatioOfSteps(t *testing.T) {
	c := &column{like: measures.Measure{Step: 100_000}, base: []float64{0, 300_000}, new: []float64{1_000_000, 300_000}}
	if got := c.ratio(0); !(math.Abs(got-math.Log(11)) < 1e-9) {
		t.Errorf("ratio %v", got)
	}
	if got := c.ratio(1); got != 0 {
		t.Errorf("ratio %v", got)
	}
}

// An objective that aborts a run leaves nothing to compare, which is not exit code 1: a
// comparison has none.
func TestAbortedRun(t *testing.T) {
	p, _ := comparison(t, &fake{of: func(r *fakeRun) fakeOutcome {
		if r.side == New {
			return fakeOutcome{err: &runner.Error{Code: exitFail, Err: errors.New("aborted: failed == 0 is broken")}}
		}
		return fakeOutcome{}
	}}, nil)
	c, err := p.compare(context.Background())
	if err == nil {
		t.Error("no error")
	}
	if c.Verdict != result.Unclear || c.ExitCode != exitUnclear || c.Reason != "side new: aborted: failed == 0 is broken" {
		t.Errorf("%s, exit code %d: %s", c.Verdict, c.ExitCode, c.Reason)
	}
}
