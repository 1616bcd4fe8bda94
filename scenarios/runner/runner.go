// Package runner runs scenarios: it starts origins, proxy and loads as
// processes of their own, does what the scenario plans when it is due, watches
// and samples everything, and judges the result. It draws nothing and renders
// nothing; package reports does.
package runner

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"bench/chaos"
	"bench/internal/hosts/session"
	"bench/internal/hosts/wire"
	"bench/internal/proc"
	"bench/internal/result"
	"bench/reports"
	"bench/scenarios/document"
	"bench/scenarios/driver"
	"bench/scenarios/format"
)

// Exit codes of a run, as testers and CI read them.
const (
	exitPass        = 0
	exitFail        = 1
	exitUsage       = 2
	exitUnclear     = 4
	exitProxy       = 5
	exitLost        = 6
	exitInterrupted = 130
)

// Error ends a run before its verdict; Code is the exit code it means.
type Error struct {
	Code int
	Err  error
}

func (e *Error) Error() string { return e.Err.Error() }
func (e *Error) Unwrap() error { return e.Err }

// OriginError is an origin that ended when it should not have.
type OriginError struct{ Name, State, Output string }

func (e *OriginError) Error() string {
	return fmt.Sprintf("origin %s ended unexpectedly (%s): %s", e.Name, e.State, e.Output)
}

// lostError is a machine, or the hub, that was lost.
type lostError struct{ error }

func (e lostError) Unwrap() error { return e.error }

// Lost reports that a run ended because a machine of it was lost: on others it can be made
// again.
func Lost(err error) bool {
	var lost lostError
	return errors.As(err, &lost)
}

func fail(code int, err error) error {
	if err == nil {
		return nil
	}
	var known *Error
	if errors.As(err, &known) || errors.Is(err, context.Canceled) {
		return err
	}
	return &Error{code, err}
}

// proxyFailed is fail for what a proxy could not do, unless that was for want of room on a
// disk, or because the machine that it was to run on did not carry out an order.
func proxyFailed(err error) error {
	if full(err) || session.NotCarriedOut(err) {
		return fail(exitLost, err)
	}
	return fail(exitProxy, err)
}

// interrupted reports that a run ended because its user wanted it to.
func interrupted(err error) bool {
	var known *Error
	return errors.Is(err, context.Canceled) && !errors.As(err, &known)
}

// interruptedReason stands in the record of such a run.
const interruptedReason = "interrupted"

// Code is the exit code that an error of Run means.
func Code(err error) int {
	var known *Error
	switch {
	case err == nil:
		return exitPass
	case interrupted(err):
		return exitInterrupted
	case errors.As(err, &known):
		return known.Code
	}
	return exitLost
}

// Options of a run.
type Options struct {
	Document *document.Document
	Out      string // result folder; must be empty or not exist
	// Fresh makes a folder that did not exist: Out, or Out and a number.
	Fresh bool
	// Self is the command of this program, which is started again for
	// origins, loads, the built-in proxy and the guard.
	Self    []string
	Live    reports.Live
	Command string // for the record
	Label   string // for the record: what the user calls the run
	Tool    result.Tool
	// Hub is where the machines of the scenario's hosts have joined; nil has everything on
	// this one.
	Hub *wire.Address
	// Only names the machines that the run may use; none is all.
	Only []string
	// FreshProgram starts a copy of the proxy's program that was made for the run: where
	// the kernel puts its pages is then drawn anew for each run.
	FreshProgram bool
}

// Run carries out a scenario and writes its result folder. The record it
// returns is what run.json holds; it is nil when nothing was measured, and then
// there is no result folder either. The error, if any, is why the run ended early; the record's ExitCode is the
// one to exit with. When ctx ends, everything is undone, and what was measured
// so far is written with the verdict PARTIAL.
func Run(ctx context.Context, o Options) (run *result.Run, err error) {
	started := time.Now()
	doc := o.Document
	dir, err := newFolder(o.Out, o.Fresh)
	if err != nil {
		return nil, fail(exitUsage, err)
	}
	sum := sha256.Sum256(doc.Resolved)
	run = &result.Run{
		Version: 1, Tool: o.Tool, Command: o.Command, Label: o.Label, Dir: dir.dir,
		Scenario: doc.Cells[0].Scenario.Name, Text: string(doc.Resolved), Hash: hex.EncodeToString(sum[:]),
		Seed: doc.Cells[0].Scenario.Seed, StartedAt: started.Format(time.RFC3339Nano),
		Axes: doc.Axes, Cells: []*result.Cell{}, Warnings: slices.Clone(doc.Warnings),
		Files: map[string]string{
			"scenario": fileScenario, "env": fileEnv, "timeline": fileTimeline,
			"events": fileEvents, "counters": fileCounters, "errors": fileErrors,
			// Rendered from the above by package reports.
			"html": "report.html", "md": "report.md", "junit": "junit.xml", "hlog": "hist.hlog", "csv": "seconds.csv",
			"openmetrics": "metrics.om", "benchstat": "bench.txt", "badge": "badge.svg",
		},
	}
	journal, group, err := safety(o.Self)
	if err != nil {
		return nil, fail(exitLost, errors.Join(err, dir.remove()))
	}
	// A panic undoes everything, too; the deferred calls may be the second ones.
	defer func() { err = errors.Join(err, group.Close(), journal.Close()) }()

	err = errors.Join(
		dir.write(fileScenario, doc.Resolved),
		dir.json(fileEnv, ReadEnvironment()),
	)
	if err != nil {
		err = fail(exitLost, err)
	} else {
		err = runCells(ctx, o, journal, group, dir, run)
	}
	// Everything is undone before anything is written: an impatient second
	// interrupt finds nothing left to leave behind.
	left := fail(exitLost, errors.Join(group.Close(), journal.Close()))
	err = withLeft(err, left)
	if err != nil && !dir.holds(fileTimeline) && !slices.ContainsFunc(run.Cells, func(c *result.Cell) bool { return len(c.Loads) > 0 }) {
		return nil, errors.Join(err, dir.remove())
	}
	conclude(run, err)
	run.EndedAt = time.Now().Format(time.RFC3339Nano)
	if closed := fail(exitLost, errors.Join(dir.close(), dir.json(fileRun, run))); closed != nil {
		err = errors.Join(err, closed)
		run.ExitCode = exitLost
	}
	if full(err) {
		err = fmt.Errorf("%w\n%s", err, dir.kept())
	}
	return run, err
}

// withLeft adds to the reason for which a run ended what could not be undone. That it was
// interrupted is no reason to say nothing of it.
func withLeft(err, left error) error {
	if left != nil && interrupted(err) {
		return fmt.Errorf("%s; %w", interruptedReason, left)
	}
	return errors.Join(err, left)
}

// safety undoes what runs that are gone have left behind, and makes what undoes
// this one, whatever ends it.
func safety(self []string) (*chaos.Journal, *proc.Group, error) {
	if _, err := chaos.Reap(); err != nil {
		return nil, nil, fmt.Errorf("what an earlier run has left behind cannot be undone: %w", err)
	}
	journal, err := chaos.OpenJournal()
	if err != nil {
		return nil, nil, err
	}
	group, err := proc.NewGroup(proc.Options{
		Guard: append(slices.Clone(self), "guard"), Journal: journal.Path(),
		Note: func(mark, dir string) error {
			_, err := journal.Plan(chaos.Undo{Mark: mark, Dir: dir})
			return err
		},
	})
	if err != nil {
		return nil, nil, errors.Join(err, journal.Close())
	}
	return journal, group, nil
}

// maker makes the cells of a run.
type maker struct {
	o       Options
	journal *chaos.Journal
	group   *proc.Group
	dir     *folder
	ports   *ports
	allowed []int
}

// cell is combination number i, before it has run.
func (m *maker) cell(i int) *cell {
	of := &m.o.Document.Cells[i]
	return &cell{
		scenario: of.Scenario, self: m.o.Self, journal: m.journal, group: m.group, out: m.dir, live: m.o.Live,
		ports: m.ports, allowed: m.allowed, clock: monotonic{}, fresh: m.o.FreshProgram, build: m.o.Tool.Build(), hub: m.o.Hub, only: m.o.Only, index: i, count: len(m.o.Document.Cells),
		record: &result.Cell{
			Name: of.Name, Vars: maps.Clone(of.Vars),
			Events: []result.Event{}, Objectives: []result.Objective{}, Loads: []result.Load{},
		},
	}
}

func scenariosOf(doc *document.Document) []*format.Scenario {
	var all []*format.Scenario
	for i := range doc.Cells {
		all = append(all, doc.Cells[i].Scenario)
	}
	return all
}

// runCells runs the combinations of the matrix: one after another, or side by side where
// there are machines for several.
func runCells(ctx context.Context, o Options, journal *chaos.Journal, group *proc.Group, dir *folder, run *result.Run) error {
	allowed, err := allowedCPUs()
	if err != nil {
		return fail(exitLost, err)
	}
	m := &maker{o: o, journal: journal, group: group, dir: dir, ports: newPorts(), allowed: allowed}
	var tasks []int
	for i := range o.Document.Cells {
		why := Obstacle(&o.Document.Cells[i])
		if why == "" {
			tasks = append(tasks, i)
			continue
		}
		run.LeftOut = append(run.LeftOut, result.LeftOut{
			Name: o.Document.Cells[i].Name, Vars: maps.Clone(o.Document.Cells[i].Vars), Reason: why,
		})
		run.Warnings = append(run.Warnings, o.Document.Cells[i].Name+" left out: "+why)
	}
	if len(tasks) == 0 {
		return fail(exitUsage, fmt.Errorf("no combination of the matrix can be run here; %s: %s", run.LeftOut[0].Name, run.LeftOut[0].Reason))
	}
	if sets, err := Sets(ctx, o.Hub, scenariosOf(o.Document), len(tasks)); err != nil {
		return err
	} else if len(sets) > 0 {
		return m.runSpread(ctx, run, tasks, len(sets))
	}
	for _, i := range tasks {
		c := m.cell(i)
		c.keep = func(events []result.Event) error { return dir.json(fileRun, unfinished(run, c, events)) }
		if err := c.keep([]result.Event{}); err != nil {
			return fail(exitLost, err)
		}
		err := c.run(ctx)
		run.Cells = append(run.Cells, c.record)
		if err != nil {
			return err
		}
	}
	return nil
}

// killedReason stands in the record of a run that could not write a better one.
const killedReason = "incomplete: the run was killed while this was measured"

// unfinished is the record that stays if the run is killed during a cell: with the
// tables, which grow line by line, it lets a report be made of what there is.
func unfinished(run *result.Run, c *cell, events []result.Event) *result.Run {
	r := *run
	r.Cells = append(slices.Clone(run.Cells), &result.Cell{
		Name: c.record.Name, Vars: c.record.Vars, Verdict: result.Partial, Reason: killedReason,
		Phases: c.scenario.Timeline(), LengthUs: c.scenario.Length().Microseconds(), Proxy: c.record.Proxy,
		Events: events, Objectives: []result.Objective{}, Loads: []result.Load{},
	})
	r.Verdict, r.Reason, r.ExitCode = result.Partial, killedReason, exitLost
	return &r
}

// Obstacle is why a combination of a matrix is left out, "" if it can be run. Where
// nothing else is asked for, what the machine cannot do is an error of the run.
func Obstacle(c *document.Cell) string {
	if c.Obstacle != "" || len(c.Vars) == 0 || c.Scenario.Proxy.Driver != "builtin" {
		return c.Obstacle
	}
	if err := driver.CheckPoller(c.Scenario.Proxy.Poller); err != nil {
		return err.Error()
	}
	return ""
}

// conclude gives the run the verdict of its cells and its exit code.
func conclude(run *result.Run, err error) {
	run.Verdict, run.ExitCode = result.Pass, exitPass
	name := func(c *result.Cell) string {
		if len(run.Cells) == 1 {
			return c.Reason
		}
		return c.Name + ": " + c.Reason
	}
	// The gravest verdict of a cell is that of the run.
	for _, v := range []struct {
		word string
		code int
	}{{result.Fail, exitFail}, {result.Invalid, exitUnclear}, {result.Unclear, exitUnclear}} {
		i := slices.IndexFunc(run.Cells, func(c *result.Cell) bool { return c.Verdict == v.word })
		if i >= 0 {
			run.Verdict, run.ExitCode, run.Reason = v.word, v.code, name(run.Cells[i])
			break
		}
	}
	if err == nil {
		return
	}
	var known *Error
	switch {
	case interrupted(err):
		run.Verdict, run.ExitCode, run.Reason = result.Partial, exitInterrupted, interruptedReason
	case errors.As(err, &known):
		run.Verdict, run.ExitCode, run.Reason = result.Partial, known.Code, firstLine(err)
		switch known.Code {
		case exitUnclear:
			run.Verdict = result.Invalid
		case exitFail:
			run.Verdict = result.Fail
		}
	default:
		run.Verdict, run.ExitCode, run.Reason = result.Partial, exitLost, firstLine(err)
	}
}

func firstLine(err error) string {
	for i, r := range err.Error() {
		if r == '\n' {
			return err.Error()[:i]
		}
	}
	return err.Error()
}

// planned describes a cell for the live view.
func (c *cell) planned(version string) reports.Plan {
	p := reports.Plan{
		Scenario: c.scenario.Name, Cell: c.record.Name, Seed: c.scenario.Seed,
		Proxy: strings.TrimSpace(c.scenario.Proxy.Driver + " " + version), Load: loadInWords(c.scenario),
		LengthUs: c.scenario.Length().Microseconds(), Phases: c.record.Phases,
		CellIndex: c.index, CellCount: c.count,
	}
	for _, o := range c.scenario.Occurrences() {
		e := newEvent(o)
		e.BeginUs = e.PlannedUs
		e.EndUs = e.PlannedUs + o.Event.Args.For.Us()
		p.Events = append(p.Events, e)
	}
	for i := range c.scenario.Abuse {
		a := &c.scenario.Abuse[i]
		e := abuseEvent(a, c.scenario.Begin(a).Microseconds())
		e.BeginUs, e.EndUs = e.PlannedUs, e.PlannedUs+a.For.Us()
		p.Events = append(p.Events, e)
	}
	for _, o := range c.objectives {
		p.Objectives = append(p.Objectives, o.expr.Planned(o.window))
	}
	return p
}
