package runner

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"bench/internal/result"
	"bench/reports"
	"bench/scenarios/document"
	"bench/scenarios/driver"
	"bench/scenarios/format"
)

func TestVerdictOfCell(t *testing.T) {
	objective := func(verdict string) result.Objective {
		return result.Objective{Expr: "x == 0", Verdict: verdict, Reason: "why"}
	}
	whole := result.Doubt{Concerns: result.ConcernsRun, Text: "not done", Remedy: "do it"}
	times := result.Doubt{Concerns: result.ConcernsTimes, Text: "why", Remedy: "stop them"}
	for _, c := range []struct {
		name       string
		objectives []string
		doubts     []result.Doubt
		word, why  string
	}{
		{"nothing wanted", nil, nil, result.Pass, ""},
		{"all hold", []string{result.Pass, result.Pass}, nil, result.Pass, ""},
		{"one broken", []string{result.Pass, result.Fail}, nil, result.Fail, "1 of 2 limits broken: x == 0"},
		{"one unknown", []string{result.Pass, result.Unclear}, nil, result.Unclear, "x == 0: why"},
		{"broken outweighs unknown", []string{result.Unclear, result.Fail}, nil, result.Fail, "1 of 2 limits broken: x == 0"},
		{"one undecided", []string{result.Pass, result.Invalid}, nil, result.Invalid, "why (could not be decided: x == 0)"},
		{
			"one undecided, with a remedy",
			[]string{result.Invalid, result.Unclear},
			[]result.Doubt{times},
			result.Invalid, "why: stop them (could not be decided: x == 0)",
		},
		{"what is certain outweighs what is not", []string{result.Invalid, result.Fail}, []result.Doubt{times}, result.Fail, "1 of 2 limits broken: x == 0"},
		{"a doubt that changes no limit", []string{result.Pass}, []result.Doubt{times}, result.Pass, ""},
		{"a doubt without limits", nil, []result.Doubt{times}, result.Pass, ""},
		{"not what was asked for", []string{result.Fail}, []result.Doubt{times, whole}, result.Invalid, "not done: do it"},
		{"not what was asked for, without limits", nil, []result.Doubt{whole}, result.Invalid, "not done: do it"},
	} {
		cell := &result.Cell{Trust: result.Trust{Doubts: c.doubts}}
		for _, v := range c.objectives {
			cell.Objectives = append(cell.Objectives, objective(v))
		}
		if word, why := verdict(cell); word != c.word || why != c.why {
			t.Errorf("%s: %s %q, want %s %q", c.name, word, why, c.word, c.why)
		}
	}
}

func TestVerdictOfRun(t *testing.T) {
	cells := func(words ...string) []*result.Cell {
		var all []*result.Cell
		for i, w := range words {
			all = append(all, &result.Cell{Name: string(rune('a' + i)), Verdict: w, Reason: "why"})
		}
		return all
	}
	for _, c := range []struct {
		cells  []*result.Cell
		err    error
		word   string
		code   int
		reason string
	}{
		{cells(result.Pass, result.Pass), nil, result.Pass, 0, ""},
		{cells(result.Fail), nil, result.Fail, 1, "why"},
		{cells(result.Pass, result.Fail), nil, result.Fail, 1, "b: why"},
		{cells(result.Invalid, result.Fail), nil, result.Fail, 1, "b: why"},
		{cells(result.Unclear, result.Invalid), nil, result.Invalid, 4, "b: why"},
		{cells(result.Unclear, result.Pass), nil, result.Unclear, 4, "a: why"},
		{cells(result.Pass), context.Canceled, result.Partial, 130, "interrupted"},
		{
			cells(result.Pass), fail(exitProxy, &driver.ExitError{Driver: "x", State: "gone", Output: "bad\nworse"}), result.Partial, 5,
			"the proxy (x) ended unexpectedly: gone",
		},
		{cells(result.Pass), fail(exitUnclear, errors.New("unsteady")), result.Invalid, 4, "unsteady"},
		{cells(result.Pass), errors.New("strange"), result.Partial, 6, "strange"},
	} {
		run := &result.Run{Cells: c.cells}
		conclude(run, c.err)
		if run.Verdict != c.word || run.ExitCode != c.code || run.Reason != c.reason {
			t.Errorf("%v: %s %d %q, want %s %d %q", c.err, run.Verdict, run.ExitCode, run.Reason, c.word, c.code, c.reason)
		}
	}
}

func TestCode(t *testing.T) {
	for _, c := range []struct {
		err  error
		want int
	}{
		{nil, 0},
		{context.Canceled, 130},
		{errors.Join(context.Canceled, nil), 130},
		{errors.New("x"), 6},
		{fail(exitProxy, errors.New("x")), 5},
		{fail(exitLost, fail(exitUsage, errors.New("inner"))), 2},
		{fail(exitLost, context.Canceled), 130},
		// A proxy that crashed is no less crashed for being interrupted after.
		{errors.Join(fail(exitProxy, errors.New("x")), context.Canceled), 5},
	} {
		if got := Code(c.err); got != c.want {
			t.Errorf("%v: %d, want %d", c.err, got, c.want)
		}
	}
	if fail(exitLost, nil) != nil {
		t.Error("no error became one")
	}
}

// quietCell is a cell whose run was in order.
func quietCell(t *testing.T) *cell {
	t.Helper()
	watch, err := newStepWatch()
	if err != nil {
		t.Fatal(err)
	}
	return &cell{
		scenario: &format.Scenario{}, record: &result.Cell{Name: "run"}, watch: watch, usage: newUsage(nil),
		history: &history{}, upstreams: newUpstreams(), live: silent{}, clock: monotonic{}, failed: make(chan error, 1),
	}
}

// silent shows nothing.
type silent struct{}

func (silent) Begin(reports.Plan)       {}
func (silent) Phase(result.Phase)       {}
func (silent) Interval(result.Interval) {}
func (silent) Event(result.Event, bool) {}
func (silent) Sample(result.Sample)     {}
func (silent) Message(string)           {}
func (silent) End(*result.Cell)         {}
func (silent) Progress(result.Progress) {}
func (silent) Close()                   {}

func TestTrust(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*cell)
		want   string // in the only problem; "" for none
	}{
		{"in order", func(*cell) {}, ""},
		{"late", func(c *cell) { c.record.Loads[0].Lag = result.Latency{Count: 1000, P99: 2000} }, "late"},
		{"out of ports", func(c *cell) {
			c.record.Loads[0].FailuresByCause = map[string]uint64{result.CauseLocal: 3}
		}, "could not start 3 requests: out of ports, descriptors or memory here"},
		{"clock set", func(c *cell) { c.watch.offset -= int64(time.Second) }, ""},
		{"event missed", func(c *cell) {
			c.record.Events = []result.Event{{ID: 4, Kind: "backend.stall", Detail: "gone"}}
		}, "event 4 backend.stall was not carried out: gone"},
		{"busy origin", func(c *cell) {
			u := c.usage
			u.began, u.last = time.Unix(0, 0), time.Unix(10, 0)
			u.first[7], u.now[7], u.roles[7] = 0, 9.5, roleOrigin
		}, "an origin used 95"},
		{"busy driver", func(c *cell) {
			u := c.usage
			u.began, u.last = time.Unix(0, 0), time.Unix(10, 0)
			u.first[7], u.now[7], u.roles[7] = 1, 10, roleDriver
		}, "a load used 90"},
	} {
		t.Run(c.name, func(t *testing.T) {
			cell := quietCell(t)
			l := result.Load{Name: "a", Arrival: "constant"}
			l.Requests, l.Completed = 5000, 5000
			l.Response = result.Latency{Count: 5000, P99: 10_000}
			l.Lag = result.Latency{Count: 5000, P99: 10}
			cell.record.Loads = []result.Load{l}
			c.change(cell)
			got := cell.trust(nil).Doubts
			if c.want == "" && len(got) > 0 || c.want != "" && (len(got) != 1 || !strings.Contains(got[0].Text, c.want)) {
				t.Errorf("doubts %q, want %q", got, c.want)
			}
		})
	}
}

// Who was kept from running, and by whom, is told with a remedy.
func TestStarvation(t *testing.T) {
	waited := func(proxy, origin float64) []result.Starved {
		return []result.Starved{{Role: roleAbuse, Share: 1}, {Role: roleOrigin, Share: origin}, {Role: roleProxy, Share: proxy}}
	}
	for _, c := range []struct {
		name          string
		proxy, origin float64
		foreign       float64
		text, remedy  string
	}{
		{"quiet", 0.01, 0.04, 0.01, "", ""},
		{"others beside, which had to wait", 0.01, 0.09, 0.9, "", ""},
		{"others", 0.34, 0.04, 0.9, "other programs used 90.0 % of the processors: the proxy was ready to run but had to wait for 34.0 % of the time", "stop other programs"},
		{"others, origin", 0.01, 0.11, 0.5, "an origin was ready to run but had to wait for 11.0 %", "--cpus"},
		{"the run alone", 0.02, 0.29, 0.05, "", ""},
		{"the run alone, too much", 0.02, 0.31, 0.05, "kept each other from the processors", "lower rates"},
	} {
		got := starvation(waited(c.proxy, c.origin), c.foreign)
		if c.text == "" {
			if len(got) > 0 {
				t.Errorf("%s: %q", c.name, got)
			}
			continue
		}
		if len(got) != 1 || got[0].Concerns != result.ConcernsTimes ||
			!strings.Contains(strings.ReplaceAll(got[0].Text, "\u202f", " "), c.text) || !strings.Contains(got[0].Remedy, c.remedy) {
			t.Errorf("%s: %q, want %q and %q", c.name, got, c.text, c.remedy)
		}
	}
}

// A run that could not watch itself vouches for no time.
func TestUnwatched(t *testing.T) {
	phases := []result.Phase{{LengthUs: 5e6}, {LengthUs: 1e6, Measured: true}}
	if got := unwatched(make([]result.Wait, 20), phases); got != nil {
		t.Errorf("20 of 100 looks: %q", got)
	}
	if got := unwatched(make([]result.Wait, 19), phases); len(got) != 1 || got[0].Concerns != result.ConcernsTimes || got[0].Remedy == "" {
		t.Errorf("19 of 100 looks: %q", got)
	}
}

func TestShares(t *testing.T) {
	u := newUsage([]int{0, 1})
	u.began, u.last = time.Unix(0, 0), time.Unix(10, 0)
	u.idle = [2]float64{100, 102}
	for pid, p := range map[int]struct {
		role  string
		spent float64
	}{1: {roleDriver, 1}, 2: {roleDriver, 3}, 3: {roleProxy, 2}, 4: {roleProxy, 3}, 5: {roleOrigin, 1}} {
		u.first[pid], u.now[pid], u.roles[pid] = 5, 5+p.spent, p.role
	}
	driver, proxy, origin, foreign := u.shares()
	// Others used 18 - 10 of the 20 seconds there were.
	if driver != 0.3 || proxy != 0.5 || origin != 0.1 || foreign != 0.4 {
		t.Errorf("%v %v %v %v", driver, proxy, origin, foreign)
	}
}

func TestNear(t *testing.T) {
	c := quietCell(t)
	c.events = []*result.Event{
		{ID: 1, Kind: "proxy.reload", Applied: true, BeginUs: 1_000_000, EndUs: 1_050_000},
		{ID: 2, Kind: "backend.kill", Applied: true, BeginUs: 5_000_000, EndUs: 9_000_000},
		{ID: 3, Kind: "backend.start", BeginUs: 5_000_000, EndUs: 5_000_000},
	}
	for _, r := range []struct {
		from, to int64
		want     string
	}{
		{0, 900_000, ""},
		{900_000, 1_000_000, "1 proxy.reload"},
		{2_000_000, 2_000_000, "1 proxy.reload"},
		{2_060_000, 2_100_000, ""},
		{0, 20_000_000, "1 proxy.reload, 2 backend.kill"},
		{7_000_000, 7_000_001, "2 backend.kill"},
	} {
		if got := strings.Join(c.near(r.from, r.to), ", "); got != r.want {
			t.Errorf("%d to %d: %q, want %q", r.from, r.to, got, r.want)
		}
	}
}

func TestLoadInWords(t *testing.T) {
	s := &format.Scenario{Load: []format.Load{{Arrival: "constant", Phases: []format.Phase{{Rate: &format.Rate{From: 0, To: 200}}, {Rate: &format.Rate{From: 100, To: 50}}}}}}
	if got := loadInWords(s); got != "open loop 200/s" {
		t.Errorf("%q", got)
	}
	s.Load = append(s.Load, format.Load{Arrival: "closed", Connections: format.Connections{Pool: 8}})
	if got := loadInWords(s); got != "open loop 200/s, closed loop 8 users, 2 loads" {
		t.Errorf("%q", got)
	}
	trace := format.Load{Arrival: "trace", Phases: []format.Phase{{}}} // a phase without a rate
	s.Load = append(s.Load, trace, trace)
	if got := loadInWords(s); got != "open loop 200/s, closed loop 8 users, 2 traces, 4 loads" {
		t.Errorf("%q", got)
	}
	s.Load = []format.Load{trace}
	if got := loadInWords(s); got != "1 trace" {
		t.Errorf("%q", got)
	}
}

// What cannot be run says so for the combination of a matrix; a scenario that asks
// for nothing else is for the driver to refuse.
func TestObstacle(t *testing.T) {
	s := &format.Scenario{}
	s.Proxy.Driver, s.Proxy.Poller = "builtin", "epoll"
	for _, tt := range []struct {
		cell document.Cell
		want string
	}{
		{document.Cell{Scenario: s, Vars: map[string]string{"poller": "epoll"}}, ""},
		{document.Cell{Scenario: s, Vars: map[string]string{"poller": "x"}, Obstacle: "no such thing"}, "no such thing"},
		{document.Cell{Scenario: s}, ""},
	} {
		if got := Obstacle(&tt.cell); got != tt.want {
			t.Errorf("%+v: %q, want %q", tt.cell, got, tt.want)
		}
	}
}

// A clock that was set spoils nothing, but is reported, as are other programs.
func TestDisturbances(t *testing.T) {
	c := quietCell(t)
	if got := disturbances(c.trust(nil)); len(got) > 0 {
		t.Errorf("on a quiet machine: %q", got)
	}
	c.watch.offset -= int64(time.Second)
	trust := c.trust(nil)
	trust.ForeignCPU = 0.2
	got := disturbances(trust)
	if len(got) != 2 || got[0] != "other programs used 20.0 % of the processors" || !strings.HasPrefix(got[1], "the clock of the machine was set") {
		t.Errorf("warnings %q", got)
	}
}
