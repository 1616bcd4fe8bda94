package runner

import (
	"slices"
	"strings"
	"testing"
	"time"

	"bench/internal/proc"
	"bench/internal/result"
	"bench/scenarios/capacity"
	"bench/scenarios/document"
	"bench/scenarios/format"
)

const trialScenario = `version: 1
name: trial
proxy:
  driver: haproxy
  config: |
    global
        stats socket {{.Stats}} mode 600 level admin
    frontend web
        bind {{bind "web"}}
backends:
  - {name: web}
load:
  - name: clients
    arrival: closed
    target: proxy/web
    timeout: 3s
    phases:
      - {name: whole, for: 5s}
  - name: others
    target: proxy/web
    phases:
      - {name: warm, rate: 10/s, for: 1s, measure: false}
      - {name: steady, rate: 20/s, for: 4s, burst: 5}
      - {name: ramp, rate: 20..50/s, for: 4s}
      - {name: end, rate: 90/s, for: 4s, measure: false}
abuse:
  - {name: idlers, kind: idle, target: proxy/web, connections: 5, for: 1s, at: 1s}
events:
  - {at: 2s, do: proxy.reload}
steadyState: "errors < 1%"
objectives:
  - "failed == 0"
`

func openTrials(t *testing.T, load string, objectives ...string) (*Trials, error) {
	t.Helper()
	doc, err := document.Parse("trial.yaml", []byte(trialScenario), document.Options{})
	if err != nil {
		t.Fatal(err)
	}
	tr := &Trials{o: TrialOptions{Document: doc, Load: load, Objectives: objectives}, base: doc.Cells[0].Scenario}
	i := slices.IndexFunc(tr.base.Load, func(l format.Load) bool { return l.Name == load })
	tr.load = &tr.base.Load[i]
	tr.judges, err = tr.parse()
	return tr, err
}

func TestScenarioOfATrial(t *testing.T) {
	tr, err := openTrials(t, "clients", "response.p99 < 20ms")
	if err != nil {
		t.Fatal(err)
	}
	s := tr.scenario(400, 4)
	if len(s.Events)+len(s.Abuse) > 0 || s.SteadyState != "" || len(s.Objectives) != 1 {
		t.Errorf("events %v, abuse %v, steady state %q, objectives %v", s.Events, s.Abuse, s.SteadyState, s.Objectives)
	}
	if len(tr.base.Events) != 1 || len(tr.base.Load[0].Phases) != 1 {
		t.Error("the scenario itself was changed")
	}
	clients, others := s.Load[0], s.Load[1]
	if clients.Arrival != "constant" || len(clients.Phases) != 2 {
		t.Fatalf("%+v", clients)
	}
	for i, want := range []struct {
		name     string
		length   time.Duration
		measured bool
	}{{phaseWarmUp, time.Second, false}, {phaseTrial, 4 * time.Second, true}} {
		for l, rate := range map[*format.Load]float64{&clients: 400, &others: 50} {
			p := l.Phases[i]
			if p.Name != want.name || p.For.D() != want.length || p.Measure != want.measured || *p.Rate != (format.Rate{From: rate, To: rate}) {
				t.Errorf("load %s: %+v", l.Name, p)
			}
		}
	}
	notes := strings.Join(tr.LeftOut(), "\n")
	for _, want := range []string{"1 event of the scenario left out", "1 set of clients that misbehave", "load clients is a closed loop", "load others goes on beside it, at 50.0/s"} {
		if !strings.Contains(notes, want) {
			t.Errorf("no %q in:\n%s", want, notes)
		}
	}
}

func TestObjectivesOfATrial(t *testing.T) {
	for _, c := range []struct {
		given []string
		want  string
	}{
		{[]string{"response.p99 < 20ms"}, "response.p99 < 20ms, errors < 1%, integrity.mismatch == 0"},
		{[]string{"response.p99 < 20ms", "clients.failed == 0"}, "response.p99 < 20ms, clients.failed == 0, integrity.mismatch == 0"},
		{[]string{"all.p99 < 1s"}, "all.p99 < 1s, integrity.mismatch == 0"},
	} {
		tr, err := openTrials(t, "others", c.given...)
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(tr.Objectives(), ", "); got != c.want {
			t.Errorf("%q: %s", c.given, got)
		}
	}
	if tr, _ := openTrials(t, "others", "response.p99.9 < 500ms"); tr.Length(100) != 27 { // 2,500 of them, and four times their root
		t.Errorf("p99.9 at 100/s: %v s", tr.Length(100))
	}
	if _, err := openTrials(t, "others", "recovery < 1s"); err == nil || !strings.Contains(err.Error(), "can never be decided") {
		t.Errorf("%v", err)
	}
}

func TestThreadShares(t *testing.T) {
	ids := []proc.Thread{{PID: 7, TID: 7}, {PID: 7, TID: 8}, {PID: 7, TID: 9}}
	first := map[proc.Thread]proc.Scheduled{ids[0]: {Ran: 1}, ids[1]: {Ran: 5, Waited: 1}}
	last := map[proc.Thread]proc.Scheduled{ids[0]: {Ran: 1.01}, ids[1]: {Ran: 6, Waited: 1.5}, ids[2]: {Ran: 1.8}}
	names := map[proc.Thread]string{ids[1]: "haproxy", ids[2]: "haproxy"}
	all, worked := threadShares(first, last, names, 2)
	want := []capacity.Thread{{Name: "haproxy 2", Ran: 0.9}, {Name: "haproxy 1", Ran: 0.5, Waited: 0.25}}
	if !slices.Equal(all, want) || worked < 1.40 || worked > 1.41 {
		t.Errorf("%+v, %v", all, worked)
	}
}

func TestSetsMaxConn(t *testing.T) {
	for config, want := range map[string]bool{
		"global\n  maxconn 100\n":                          true,
		"global\n  nbthread 1\ndefaults\n  maxconn 100\n":  false,
		"frontend x\n  maxconn 10\nglobal\n  maxconn 10\n": true,
		"": false,
	} {
		if got := setsMaxConn(config); got != want {
			t.Errorf("%q: %v", config, got)
		}
	}
}

// Doubts of a trial are sorted by whose doing they are.
func TestDoubtsOfATrial(t *testing.T) {
	load := func() result.Load {
		l := result.Load{Name: "clients", Arrival: "constant", DurationSeconds: 2, BusyShare: 0.95}
		return l
	}
	c := &cell{record: &result.Cell{Loads: []result.Load{load()}, Phases: []result.Phase{{Name: phaseTrial, LengthUs: 2e6, Measured: true}}}}
	d := c.trialDoubts(false)
	if !strings.Contains(d.saturated, "was busy 95.0 %") || d.disturbed != "" || len(d.kept) != 0 {
		t.Errorf("a generator at its end: %+v", d)
	}
	c.record.Trust.ForeignCPU = 0.4
	d = c.trialDoubts(false)
	if d.saturated != "" || !strings.Contains(d.disturbed, "40.0 %") || len(d.kept) != 1 || !d.starved() {
		t.Errorf("on a busy machine: %+v", d)
	}
	c.record.Loads[0].BusyShare = 0.1
	c.record.Loads[0].Host = &result.LoadHost{WaitedSeconds: 0.1}
	c.waits = make([]result.Wait, 100)
	if d = c.trialDoubts(false); !strings.Contains(d.disturbed, "40.0 %") || d.starved() {
		t.Errorf("others that were in nobody's way: %+v", d)
	}
	c.record.Trust, c.waits = result.Trust{}, nil
	if d = c.trialDoubts(false); d.saturated != "" || d.disturbed != "" || len(d.kept) != 1 {
		t.Errorf("nobody watched: %+v", d)
	}
	c.record.Trust, c.waits = result.Trust{Starved: []result.Starved{{Role: roleProxy, Share: 0.4}}}, make([]result.Wait, 100)
	if d = c.trialDoubts(false); !strings.Contains(d.saturated, "the proxy was ready to run but had to wait for 40.0 %") {
		t.Errorf("a machine that is too small: %+v", d)
	}
	if d = c.trialDoubts(true); d.saturated != "" {
		t.Errorf("a proxy that its quota holds back: %+v", d)
	}
	c.record.Trust.Starved = append(c.record.Trust.Starved, result.Starved{Role: roleOrigin, Share: 0.5})
	if d = c.trialDoubts(true); !strings.Contains(d.saturated, "an origin was ready") || strings.Contains(d.saturated, "the proxy") {
		t.Errorf("and an origin that the machine does: %+v", d)
	}
}

// A trial that broke while others used the processors does not count, unless the user says
// so; the note tells what that means.
func TestDisturbedTrials(t *testing.T) {
	tr, err := openTrials(t, "others", "errors < 1%")
	if err != nil {
		t.Fatal(err)
	}
	trial := func(failed uint64) *capacity.Outcome {
		l := result.Load{Name: "others", Target: "proxy/web", DurationSeconds: 2}
		l.Requests, l.Completed, l.Failed = 1000, 1000-failed, failed
		l.Integrity = &result.Integrity{Checked: 1000 - failed}
		return &capacity.Outcome{Record: result.Trial{Rate: 500, Seconds: 2}, Measured: &capacity.Measured{
			Loads: []result.Load{l}, Doubts: []result.Doubt{{Concerns: result.ConcernsTimes, Text: "late"}}, Profile: &capacity.Profile{Seconds: 2},
		}}
	}
	d := &trialDoubts{disturbed: "other programs used 90 % of the processors", kept: trial(0).Measured.Doubts}
	for _, tt := range []struct {
		failed uint64
		keep   bool
		want   string
	}{{0, false, ""}, {500, false, d.disturbed}, {500, true, ""}} {
		tr.o.KeepDisturbed = tt.keep
		if got := tr.invalid(trial(tt.failed), d); got != tt.want {
			t.Errorf("%+v: %q; %+v", tt, got, tr.Judge([]*capacity.Outcome{trial(tt.failed)}))
		}
		if said := strings.Contains(strings.Join(tr.LeftOut(), "\n"), "the capacity may be higher"); said != tt.keep {
			t.Errorf("%+v: notes %q", tt, tr.LeftOut())
		}
	}
}

func TestMiddleSearch(t *testing.T) {
	point := func(rate float64) result.CapacityPoint { return result.CapacityPoint{Rate: rate, Known: rate > 0} }
	for _, c := range []struct {
		rates []float64
		want  float64
	}{{[]float64{3, 1, 2}, 2}, {[]float64{4, 1}, 1}, {[]float64{0, 5, 0}, 5}, {[]float64{0}, 0}} {
		var all []result.CapacityPoint
		for _, r := range c.rates {
			all = append(all, point(r))
		}
		if got := middle(all); got.Rate != c.want {
			t.Errorf("%v: %v", c.rates, got.Rate)
		}
	}
}

func TestLawNeedsNumbers(t *testing.T) {
	if _, err := fitLaw([]result.CapacityPoint{{Value: "builtin", Known: true, Rate: 5}}); err == nil || !strings.Contains(err.Error(), `not numbers: "builtin"`) {
		t.Errorf("%v", err)
	}
	var all []result.CapacityPoint
	for _, n := range []string{"1", "2", "4", "8"} {
		for k := range 3 {
			p := result.CapacityPoint{Value: n, Known: true, Rate: map[string]float64{"1": 100, "2": 195, "4": 370, "8": 660}[n] * (1 + 0.01*float64(k))}
			all = append(all, p)
		}
	}
	law, err := fitLaw(all)
	if err != nil || law.Gamma < 90 || law.Gamma > 110 {
		t.Fatalf("%+v, %v", law, err)
	}
	all[0].LimitedBy = &result.CapacityLimit{What: capacity.GenLimit}
	if _, err := fitLaw(all); err == nil || !strings.Contains(err.Error(), "the generator was the limit") {
		t.Errorf("with a generator at its end: %v", err)
	}
}
