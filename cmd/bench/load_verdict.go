package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"bench/internal/result"
	"bench/internal/units"
	"bench/loadgen/certify"
	"bench/reports"
	"bench/reports/words"
	"bench/scenarios/objective"
)

// loadOutcome is what a load writes as JSON: its figures, and what they come to.
type loadOutcome struct {
	Version int         `json:"version"` // of this record: 1
	Tool    result.Tool `json:"tool"`
	// Verdict is a word where there is something to judge: limits, or that nothing
	// was answered, or that the run was cut short.
	Verdict  string `json:"verdict,omitempty"`
	ExitCode int    `json:"exitCode"`
	// Valid reports that the generator vouches for all figures.
	Valid bool `json:"valid"`
	// Reasons say why the verdict is not PASS, and what the generator does not
	// vouch for.
	Reasons []string           `json:"reasons"`
	Limits  []result.Objective `json:"limits,omitempty"`
	*result.Load
}

// readLimits reads the limits of the command line. Who asks for a check of integrity
// asks for one that can fail, unless a limit says what may differ.
func (c *loadCmd) readLimits() (all []*objective.Expr, err error) {
	texts := c.Limit
	said := func(text string) bool { return strings.Contains(text, "integrity.") }
	if c.Integrity && !slices.ContainsFunc(texts, said) {
		texts = append(slices.Clone(texts), objective.Intact)
	}
	var errs flagErrors
	for _, text := range texts {
		e, err := objective.Parse(text, objective.Names{})
		var fault *objective.SyntaxError
		switch {
		case errors.As(err, &fault):
			err = fmt.Errorf("%q, character %d: %w", text, fault.Col, err)
		case err == nil && e.NeedsScenario() != "":
			err = fmt.Errorf("%q: %s is known to scenarios only, see bench run", text, e.NeedsScenario())
		}
		errs.add("limit", err)
		all = append(all, e)
	}
	return all, errors.Join(errs...)
}

// judge fills in the outcome of a load that has ended; err is what ended it early.
func (o *loadOutcome) judge(limits []*objective.Expr, intervals []result.Interval, err error) {
	doubts := certify.Doubts(o.Load)
	data := &objective.Data{Loads: []result.Load{*o.Load}, Intervals: intervals, Doubts: doubts}
	for i := range o.Phases {
		p := &o.Phases[i]
		data.Phases = append(data.Phases, result.Phase{Name: p.Name, StartUs: p.StartUs, LengthUs: p.LengthUs, Measured: p.Measured})
	}
	count := map[string]int{}
	first := map[string]*result.Objective{}
	for _, e := range limits {
		l := objective.Evaluate(e, nil, data)
		o.Limits = append(o.Limits, l)
		if count[l.Verdict]++; first[l.Verdict] == nil {
			first[l.Verdict] = &l
		}
	}
	say := func(word string, code int, format string, args ...any) {
		o.Verdict, o.ExitCode = word, code
		o.Reasons = append(o.Reasons, fmt.Sprintf(format, args...))
	}
	o.Reasons = []string{}
	switch {
	case errors.Is(err, context.Canceled):
		say(result.Partial, exitInterrupted, "interrupted")
	case err != nil:
		say(result.Partial, exitLost, "%v", err)
	case o.Requests == 0:
		say(result.Fail, exitFail, "not one request was due in this time")
	case o.Completed == 0:
		say(result.Fail, exitFail, "no request was answered successfully")
	case count[result.Fail] > 0:
		say(result.Fail, exitFail, "%d of %d limits broken, the first: %s", count[result.Fail], len(limits), first[result.Fail].Expr)
	case count[result.Invalid] > 0:
		say(result.Invalid, exitUnclear, "%s: %s", first[result.Invalid].Expr, first[result.Invalid].Reason)
	case count[result.Unclear] > 0:
		say(result.Unclear, exitUnclear, "%s: %s", first[result.Unclear].Expr, first[result.Unclear].Reason)
	case len(limits) > 0:
		o.Verdict = result.Pass
	}
	o.Valid = len(doubts) == 0 && err == nil
	for _, d := range doubts {
		o.Reasons = append(o.Reasons, d.Text)
	}
}

// err is the outcome as that of a command.
func (o *loadOutcome) err() error {
	if o.ExitCode == exitPass {
		return nil
	}
	return &exitError{o.ExitCode, errors.New(o.Reasons[0])}
}

// printLimits writes a line for each limit.
func (o *loadOutcome) printLimits(out io.Writer, ascii bool) error {
	var w strings.Builder
	for i := range o.Limits {
		l := &o.Limits[i]
		text := l.Expr + ": " + words.Got(l)
		if l.Reason != "" {
			text += ", " + l.Reason
		}
		w.WriteString(units.Wrap(fmt.Sprintf("%-9s", l.Verdict), text, 80))
	}
	text := w.String()
	if ascii {
		text = units.ASCII(text)
	}
	_, err := io.WriteString(out, text)
	return err
}

// run is the outcome as the record of a run, of which JUnit is a view.
func (o *loadOutcome) run(began time.Time) *result.Run {
	r := &result.Run{
		Version: 1, Tool: o.Tool, Scenario: "load", StartedAt: began.Format(time.RFC3339Nano), Verdict: o.Verdict, ExitCode: o.ExitCode,
	}
	if o.ExitCode == exitPass {
		r.Verdict = result.Pass
	} else {
		r.Reason = o.Reasons[0]
	}
	r.Cells = []*result.Cell{{
		Name: o.Target, Verdict: r.Verdict, Reason: r.Reason, LengthUs: int64(o.DurationSeconds * 1e6), Loads: []result.Load{*o.Load}, Objectives: o.Limits,
	}}
	return r
}

// writeJUnit writes the outcome as JUnit XML, if it is wanted.
func (o *loadOutcome) writeJUnit(w io.WriteCloser, began time.Time) error {
	if w == nil {
		return nil
	}
	if err := errors.Join(reports.JUnit(w, o.run(began)), w.Close()); err != nil {
		return fmt.Errorf("writing JUnit XML: %w", err)
	}
	return nil
}
