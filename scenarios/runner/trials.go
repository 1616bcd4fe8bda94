package runner

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"time"

	"bench/chaos"
	"bench/internal/hosts/wire"
	"bench/internal/proc"
	"bench/internal/result"
	"bench/internal/units"
	"bench/loadgen/certify"
	"bench/reports"
	"bench/scenarios/capacity"
	"bench/scenarios/document"
	"bench/scenarios/format"
)

// TrialOptions are those of a search for the capacity.
type TrialOptions struct {
	// Document has one combination of the matrix.
	Document *document.Document
	// Load is the name of the one whose rate is searched; the others keep theirs.
	Load string
	// Objectives that must hold.
	Objectives []string
	// KeepDisturbed counts trials that did not hold while other programs used the
	// processors: a machine that is never quiet has no others.
	KeepDisturbed bool
	// Out is the folder of what the trials measure; it must be empty or not exist. It is
	// one of `bench run`, a cell for each trial.
	Out     string
	Self    []string // as of Options
	Command string
	Tool    result.Tool
	// Hub is as of Options. Where a load gives out whose machines are chosen by labels, one
	// more of them takes part in it.
	Hub *wire.Address
}

// Trials carries out trials of one scenario, each by itself: with a proxy, origins and
// loads of its own, started afresh. What a trial at too high a rate leaves behind
// (queues, connections, memory) is gone before the next, and how processes come to lie in
// memory differs between trials of a rate instead of being the same in all of them. It
// implements capacity.Lab.
type Trials struct {
	o       TrialOptions
	base    *format.Scenario
	load    *format.Load
	judges  *capacity.Judges
	journal *chaos.Journal
	group   *proc.Group
	dir     *folder
	allowed []int
	ports   *ports
	run     *result.Run
	began   time.Time
	// again reports that the last trial did not count.
	again bool
	// more is how many machines the load has beyond those of the scenario.
	more int
}

// OpenTrials prepares a search. An error about the scenario or the objectives is a
// *Error with the exit code of usage.
func OpenTrials(o TrialOptions) (t *Trials, err error) {
	base := o.Document.Cells[0].Scenario
	i := slices.IndexFunc(base.Load, func(l format.Load) bool { return l.Name == o.Load })
	if i < 0 {
		return nil, fail(exitUsage, fmt.Errorf("there is no load %q", o.Load))
	}
	t = &Trials{o: o, base: base, load: &base.Load[i], began: time.Now(), ports: newPorts()}
	if t.judges, err = t.parse(); err != nil {
		return nil, fail(exitUsage, err)
	}
	if t.allowed, err = allowedCPUs(); err != nil {
		return nil, fail(exitLost, err)
	}
	if t.dir, err = newFolder(o.Out, false); err != nil {
		return nil, fail(exitUsage, err)
	}
	sum := sha256.Sum256(o.Document.Resolved)
	t.run = &result.Run{
		Version: 1, Tool: o.Tool, Command: o.Command, Dir: t.dir.dir,
		Scenario: base.Name, Text: string(o.Document.Resolved), Hash: hex.EncodeToString(sum[:]),
		Seed: base.Seed, StartedAt: t.began.Format(time.RFC3339Nano),
		Axes: []result.Axis{{Name: "trial"}}, Cells: []*result.Cell{}, Warnings: slices.Clone(o.Document.Warnings),
		Files: map[string]string{
			"scenario": fileScenario, "env": fileEnv, "timeline": fileTimeline,
			"events": fileEvents, "counters": fileCounters, "errors": fileErrors,
			"html": "report.html", "md": "report.md", "junit": "junit.xml", "hlog": "hist.hlog", "csv": "seconds.csv",
		},
	}
	if t.journal, t.group, err = safety(o.Self); err != nil {
		return nil, fail(exitLost, errors.Join(err, t.dir.remove()))
	}
	err = errors.Join(t.dir.write(fileScenario, o.Document.Resolved), t.dir.json(fileEnv, ReadEnvironment()))
	if err != nil {
		return nil, fail(exitLost, errors.Join(err, t.Close()))
	}
	return t, nil
}

// parse reads the objectives as they are judged in a trial.
func (t *Trials) parse() (*capacity.Judges, error) {
	j := &capacity.Judges{Timeout: t.load.Timeout.D().Seconds()}
	s := t.scenario(1, 1)
	counted := false
	for i, o := range s.Judged() {
		e, _, err := s.ParseObjective(o)
		if err != nil {
			return nil, fmt.Errorf("objective %q: %w", o.Expr, err)
		}
		if why := s.Undecidable(e); why != "" {
			return nil, fmt.Errorf("objective %q: this can never be decided: %s", o.Expr, why)
		}
		if e.EasierWithLoad() {
			return nil, fmt.Errorf("objective %q: a higher rate makes it hold rather than breaks it, so there is no highest rate at which it does: it takes an upper limit, as in response.p99 < 20ms", o.Expr)
		}
		counted = counted || i < len(t.o.Objectives) && e.CountsFailures()
		j.Objectives = append(j.Objectives, capacity.NewObjective(e))
	}
	if !counted {
		e, _, err := s.ParseObjective(format.Objective{Expr: capacity.Implied})
		if err != nil {
			return nil, err
		}
		j.Objectives = slices.Insert(j.Objectives, len(t.o.Objectives), capacity.NewObjective(e))
	}
	return j, nil
}

// Objectives are those that are judged, with what is implied.
func (t *Trials) Objectives() []string {
	var all []string
	for _, o := range t.judges.Objectives {
		all = append(all, o.Text())
	}
	return all
}

// Length of a trial at a rate, in seconds.
func (t *Trials) Length(rate float64) float64 { return capacity.Length(rate, t.judges.Objectives) }

// Judge implements capacity.Lab.
func (t *Trials) Judge(all []*capacity.Outcome) capacity.Judgement { return t.judges.Judge(all) }

// Elapsed implements capacity.Lab.
func (t *Trials) Elapsed() float64 { return time.Since(t.began).Seconds() }

// Proxy is the proxy of the last trial.
func (t *Trials) Proxy() result.Proxy {
	for _, c := range slices.Backward(t.run.Cells) {
		if c.Proxy.Driver != "" {
			return c.Proxy
		}
	}
	return result.Proxy{Driver: t.base.Proxy.Driver}
}

// Names of the phases of a trial.
const (
	phaseWarmUp = "warmup"
	phaseTrial  = "trial"
)

// trialReadings is the time between two readings of the proxy's counters.
const trialReadings = 100 * time.Millisecond

// scenario is that of a trial: nothing happens in it, the load that is searched goes at
// one rate, and the others at the highest of theirs that is measured.
func (t *Trials) scenario(rate, seconds float64) *format.Scenario {
	s := *t.base
	s.Events, s.Abuse, s.SteadyState, s.Objectives = nil, nil, "", nil
	for _, text := range t.o.Objectives {
		s.Objectives = append(s.Objectives, format.Objective{Expr: text})
	}
	s.Proxy.Stats.Every = format.Duration(trialReadings)
	if grown := t.withMore(0); grown != nil {
		s.Hosts = grown.Hosts
	}
	warm := time.Duration(capacity.WarmUp(seconds) * float64(time.Second))
	length := time.Duration(seconds * float64(time.Second))
	s.Load = slices.Clone(s.Load)
	for i := range s.Load {
		l := &s.Load[i]
		p := format.SteadyPhase(l)
		if l.Name == t.o.Load {
			p.Rate = &format.Rate{From: rate, To: rate}
			if l.Arrival == "closed" {
				l.Arrival = "constant" // a closed loop has no rate
			}
		}
		p.Steps = 1
		before := p
		before.Name, before.For, before.Measure = phaseWarmUp, format.Duration(warm), false
		p.Name, p.For, p.Measure = phaseTrial, format.Duration(length), true
		l.Phases = []format.Phase{before, p}
	}
	return &s
}

// A trial that is made again waits until others leave the processors alone, but not for
// long: a machine may always be as busy.
const (
	calmStep = 250 * time.Millisecond
	calmMost = 5 * time.Second
)

// calm waits until the processors are idle but for what is tolerated.
func (t *Trials) calm(ctx context.Context) {
	idle, err := proc.IdleCPU(t.allowed)
	for end := time.Now().Add(calmMost); err == nil && time.Now().Before(end); {
		began := time.Now()
		select {
		case <-ctx.Done():
			return
		case <-time.After(calmStep):
		}
		var now float64
		now, err = proc.IdleCPU(t.allowed)
		if now-idle >= (1-noisyShare)*time.Since(began).Seconds()*float64(len(t.allowed)) {
			return
		}
		idle = now
	}
}

// restlessShare of the processors used by others is more than a quiet machine has, although
// a trial may count.
const restlessShare = 0.04

// Trial implements capacity.Lab. A trial in which the load gave out is made again with one
// more machine for it, as long as there are any.
func (t *Trials) Trial(ctx context.Context, rate, seconds float64) (*capacity.Outcome, error) {
	for {
		o, err := t.trial(ctx, rate, seconds)
		if err != nil || o.Saturated == "" || o.Record.Invalid != "" || t.judges.Judge([]*capacity.Outcome{o}).Held {
			return o, err
		}
		if more, err := t.another(ctx); err != nil || !more {
			return o, err
		}
		t.more++
	}
}

// trial makes one trial.
func (t *Trials) trial(ctx context.Context, rate, seconds float64) (o *capacity.Outcome, err error) {
	if t.again {
		t.calm(ctx)
	}
	defer func() { t.again = o != nil && o.Record.Invalid != "" }()
	number := len(t.run.Cells) + 1
	name := fmt.Sprintf("trial=%d", number)
	warm := int64(capacity.WarmUp(seconds) * 1e6)
	c := &cell{
		scenario: t.scenario(rate, seconds), self: t.o.Self, journal: t.journal, group: t.group, out: t.dir, live: nobody{},
		ports: t.ports, allowed: t.allowed, clock: monotonic{}, fresh: true, build: t.o.Tool.Build(), hub: t.o.Hub, index: number - 1, count: number,
		probe: &probe{fromUs: warm, toUs: warm + int64(seconds*1e6)},
		record: &result.Cell{
			Name: name, Vars: map[string]string{"trial": fmt.Sprint(number)},
			Events: []result.Event{}, Objectives: []result.Objective{}, Loads: []result.Load{},
		},
	}
	// What a search that is killed has measured can be shown all the same.
	c.keep = func(events []result.Event) error { return t.dir.json(fileRun, unfinished(t.run, c, events)) }
	if err := c.keep([]result.Event{}); err != nil {
		return nil, fail(exitLost, err)
	}
	err = c.run(ctx)
	t.run.Cells = append(t.run.Cells, c.record)
	t.run.Axes[0].Values = append(t.run.Axes[0].Values, fmt.Sprint(number))
	o = &capacity.Outcome{Record: result.Trial{Rate: rate, Seconds: seconds}}
	if Code(err) == exitUnclear {
		o.Record.Invalid = firstLine(err)
		return o, nil
	}
	if err != nil {
		return nil, err
	}
	return o, t.fill(o, c)
}

// fill reads what a trial came to.
func (t *Trials) fill(o *capacity.Outcome, c *cell) error {
	r := &o.Record
	i := slices.IndexFunc(c.record.Loads, func(l result.Load) bool { return l.Name == t.o.Load })
	if i < 0 {
		return fail(exitLost, fmt.Errorf("load %s has no outcome", t.o.Load))
	}
	l := &c.record.Loads[i]
	r.Got, r.Response, r.Failed = l.RatePerSecond, l.Response, l.Failed
	o.Seen = c.probe.seen(c, r.Rate)
	d := c.trialDoubts(o.Seen != nil && o.Seen.Quota.Holds())
	o.Saturated = d.saturated
	o.Measured = &capacity.Measured{
		Loads: c.record.Loads, Waits: c.waits, Doubts: d.kept, Conservation: c.record.Conservation, Unreported: c.record.AlteredUnreported,
	}
	o.Disturbed = t.judges.Disturbed(o.Measured) || c.record.Trust.ForeignCPU > restlessShare
	phase := c.record.Phases[slices.IndexFunc(c.record.Phases, func(p result.Phase) bool { return p.Name == phaseTrial })]
	var err error
	if o.Measured.Profile, err = capacity.NewProfile(c.intervals, t.o.Load, &phase); err != nil {
		return fail(exitLost, err)
	}
	if s := o.Seen; s != nil {
		s.Load, s.Pool = l.Name, int(t.load.Connections.Pool)
		if result.Enough(0.99, l.Service.Count) {
			s.ServiceP99, s.ResponseP99, s.ServiceMean = l.Service.P99/1e6, l.Response.P99/1e6, l.Service.Mean/1e6
		}
		s.Failures = map[string]uint64{}
		for i := range c.record.Loads {
			s.Requests += c.record.Loads[i].Requests
			for cause, n := range c.record.Loads[i].FailuresByCause {
				s.Failures[cause] += n
			}
		}
	}
	r.Invalid = t.invalid(o, &d)
	return nil
}

// invalid is why a trial does not count, "" if it does. What holds in spite of others holds
// without them; what does not may be their doing, in counts, too: a request that waits for a
// processor in a queue may be refused there.
func (t *Trials) invalid(o *capacity.Outcome, d *trialDoubts) string {
	switch own := t.judges.Judge([]*capacity.Outcome{o}); {
	case own.Held, o.Saturated != "":
	case d.disturbed != "" && !t.o.KeepDisturbed && (own.Doubt != "" || d.starved()):
		return d.disturbed
	case own.Doubt != "" && !own.AsMeasured:
		return own.Doubt
	}
	return ""
}

// trialDoubts are the doubts about a trial, by whose doing they are.
type trialDoubts struct {
	kept      []result.Doubt
	saturated string // the generator, or the machine that the parts share
	disturbed string // other programs
}

// starved reports whether parts of the trial were kept from running, or from being watched.
func (d *trialDoubts) starved() bool {
	return slices.ContainsFunc(d.kept, func(d result.Doubt) bool { return d.Concerns == result.ConcernsTimes })
}

// trialDoubts sorts what the run does not vouch for. That an origin is at its end is no
// doubt about a capacity: it may be what limits it. Nor is that a proxy waits which is held
// back for its quota.
func (c *cell) trialDoubts(heldBack bool) (d trialDoubts) {
	t := &c.record.Trust
	starved := t.Starved
	if heldBack {
		starved = slices.DeleteFunc(slices.Clone(starved), func(s result.Starved) bool { return s.Role == roleProxy })
	}
	foreign := t.ForeignCPU > noisyShare
	saturate := func(text string) {
		if d.saturated == "" {
			d.saturated = text
		}
	}
	for i := range c.record.Loads {
		for _, doubt := range certify.Doubts(&c.record.Loads[i]) {
			if doubt.Concerns != result.ConcernsBounds && !foreign {
				saturate(doubt.Text)
			}
			// What a generator at its end has measured is at least as long as it was.
			if doubt.Concerns != result.ConcernsTimes || foreign {
				d.kept = append(d.kept, doubt)
			}
		}
	}
	hard := starvation(starved, t.ForeignCPU)
	if t.DriverCPU > maxDriverCPU {
		hard = append(hard, result.Doubt{
			Concerns: result.ConcernsTimes, Text: fmt.Sprintf("a load used %s of its core", units.Percent(t.DriverCPU)),
		})
	}
	if foreign {
		d.kept = append(d.kept, hard...)
	} else if len(hard) > 0 {
		saturate(hard[0].Text)
	}
	if len(d.kept) == 0 && d.saturated == "" {
		d.kept = append(d.kept, unwatched(c.waits, c.record.Phases)...)
	}
	if foreign {
		d.disturbed = fmt.Sprintf("other programs used %s of the processors", units.Percent(t.ForeignCPU))
	}
	return d
}

// LeftOut says what of the scenario is no part of the trials.
func (t *Trials) LeftOut() []string {
	var all []string
	if n := len(t.base.Events); n > 0 {
		all = append(all, fmt.Sprintf("%s of the scenario left out: a capacity is what holds while nothing else happens", plural(n, "event")))
	}
	if n := len(t.base.Abuse); n > 0 {
		all = append(all, fmt.Sprintf("%s of clients that misbehave left out, for the same reason", plural(n, "set")))
	}
	if t.load.Arrival == "closed" {
		all = append(all, fmt.Sprintf("load %s is a closed loop, which has no rate: in the trials its requests are due at a constant rate", t.load.Name))
	}
	for i := range t.base.Load {
		if l := &t.base.Load[i]; l.Name != t.o.Load {
			text := "as it is"
			if r := format.SteadyPhase(l).Rate; r != nil {
				text = "at " + units.Rate(r.To) + "/s"
			}
			all = append(all, fmt.Sprintf("load %s goes on beside it, %s", l.Name, text))
		}
	}
	if t.o.KeepDisturbed {
		all = append(all, "trials that other programs disturbed count, too: the capacity may be higher than what is found")
	}
	return all
}

func plural(n int, word string) string {
	if n == 1 {
		return "1 " + word
	}
	return fmt.Sprintf("%d %ss", n, word)
}

// Close undoes everything and writes the record of the trials.
func (t *Trials) Close() error {
	err := errors.Join(t.group.Close(), t.journal.Close())
	if len(t.run.Cells) == 0 {
		return errors.Join(err, t.dir.remove())
	}
	conclude(t.run, nil)
	t.run.EndedAt = time.Now().Format(time.RFC3339Nano)
	return errors.Join(err, t.dir.close(), t.dir.json(fileRun, t.run))
}

// nobody watches trials live: the search says what each came to.
type nobody struct{}

// Nobody watches a run.
var Nobody reports.Live = nobody{}

func (nobody) Begin(reports.Plan)       {}
func (nobody) Phase(result.Phase)       {}
func (nobody) Progress(result.Progress) {}
func (nobody) Interval(result.Interval) {}
func (nobody) Event(result.Event, bool) {}
func (nobody) Sample(result.Sample)     {}
func (nobody) Message(string)           {}
func (nobody) End(*result.Cell)         {}
func (nobody) Close()                   {}
