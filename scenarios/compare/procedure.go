package compare

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"bench/internal/result"
	"bench/internal/stats"
	"bench/scenarios/gate"
	"bench/scenarios/measures"
	"bench/scenarios/runner"
)

// procedure is a live comparison under way.
type procedure struct {
	plan   *Plan
	carry  carrier
	now    func() time.Time
	record *result.Comparison
	values values
	gate   *gate.Gate // nil until the first pair has told what can be known
	gated  []*column  // in the order of the gate's measures, then of what it counts
	begun  time.Time
	// made are the pairs that were carried out, whether they count or not.
	made            int
	leftOut, redone int    // pairs
	whyLeftOut      string // of the last one
	others          bool   // it is the doing of other programs
	disturbed       int    // pairs that count all the same
	whyDisturbed    string
	crashes         [2]int // runs of base and new
	crash           [2]string
	pairsAfterCrash int
	baseCrashed     int // pairs in which only the base's proxy crashed
	within          bool
	last            time.Duration // what the last pair took
	// mu guards the record and the progress where pairs are made side by side, which
	// beside says.
	mu     sync.Mutex
	beside bool
}

// Run carries the comparison out. The record is nil only if nothing could be begun; the
// error, if any, is why it ended early, and the record's ExitCode the one to exit with.
// When ctx ends, everything is undone, and the record is PARTIAL.
func (p *Plan) Run(ctx context.Context) (*result.Comparison, error) {
	if err := p.empty(); err != nil {
		return nil, err
	}
	c := &procedure{plan: p, carry: p.carrier(), now: time.Now}
	return c.compare(ctx)
}

func (p *Plan) carrier() carrier {
	return &processes{self: p.o.Self, command: p.o.Command, tool: p.o.Tool, hub: p.o.Hub}
}

// empty makes the folder of the comparison, which has to be empty.
func (p *Plan) empty() error {
	if err := os.MkdirAll(p.o.Out, 0o755); err != nil {
		return fmt.Errorf("folder of the comparison: %w", err)
	}
	entries, err := os.ReadDir(p.o.Out)
	if err != nil {
		return fmt.Errorf("folder of the comparison: %w", err)
	}
	if len(entries) > 0 {
		return fmt.Errorf("folder of the comparison: %s is not empty; choose another with -o", p.o.Out)
	}
	return nil
}

// begin makes the record.
func (p *procedure) begin() {
	o, first := &p.plan.o, p.plan.base.doc.Cells[0].Scenario
	p.begun = p.now()
	method := "sequential"
	if p.plan.pairs > 0 {
		method = "fixed"
	}
	p.record = &result.Comparison{
		Version: 1, Tool: o.Tool, Command: o.Command, StartedAt: p.begun.Format(time.RFC3339Nano),
		Scenario: first.Name, Seed: p.plan.seed, Interleaved: true,
		MinEffect: p.plan.minEffect, Alpha: p.plan.alpha, Method: method,
		Base: result.ComparisonSide{Settings: inWords(p.plan.base.settings)},
		New:  result.ComparisonSide{Settings: inWords(p.plan.new.settings)},
		Runs: []result.ComparedRun{}, Measures: []result.ComparedMeasure{},
	}
	p.values.asked = p.plan.asked
}

// compare makes pairs until enough is known.
func (p *procedure) compare(ctx context.Context) (*result.Comparison, error) {
	p.begin()
	err := p.plan.refuseLoops()
	if err == nil {
		err = p.refuseFloor()
	}
	if err == nil {
		err = p.pairUp(ctx)
	}
	p.conclude(ctx, err)
	p.record.EndedAt = p.now().Format(time.RFC3339Nano)
	if saved := p.save(); saved != nil {
		err = errors.Join(err, saved)
		p.record.ExitCode = max(p.record.ExitCode, exitLost)
	}
	if _, refused := errors.AsType[*RefusedError](err); refused {
		err = nil // the record says it
	}
	return p.record, err
}

// RefusedError is why two sides are not compared.
type RefusedError struct {
	Verdict string // NotComparable or Unclear
	Reason  string
}

func (e *RefusedError) Error() string { return e.Reason }

// pairUp makes one pair after the other.
func (p *procedure) pairUp(ctx context.Context) error {
	for p.wanted() {
		began := p.now()
		if err := p.pair(ctx); err != nil {
			return err
		}
		p.last = p.now().Sub(began)
		p.conclude(ctx, nil)
		if err := p.save(); err != nil {
			return err
		}
		p.progress().Standing(p.record, p.left())
	}
	return nil
}

// Bounds of what can be done about pairs that tell nothing.
const (
	// fewLeftOut pairs may be left out whatever their share is.
	fewLeftOut      = 3
	mostLeftOut     = 0.2 // of all pairs
	mostBaseCrashes = 3
	// afterCrash is how many pairs are made after the new side's proxy crashed, to see
	// whether the base's does, too.
	afterCrash = 2
)

// wanted reports whether another pair is to be made.
func (p *procedure) wanted() bool {
	switch {
	case p.untrustworthy(), p.baseCrashed >= mostBaseCrashes, p.crashes[0] > 0 && p.crashes[1] > 0:
		return false
	case p.crashes[1] > 0 && (!p.plan.o.Confirm || p.pairsAfterCrash >= afterCrash):
		return false
	case p.gate != nil && p.gate.Next().Step == gate.Done:
		return false
	}
	if p.made > 0 && p.late(p.last) {
		p.within = true
		if p.gate != nil {
			p.gate.Stop()
		}
		return false
	}
	return true
}

// late reports whether what takes so long would end after the time that the comparison may
// take.
func (p *procedure) late(took time.Duration) bool {
	limit := p.plan.o.Within
	return limit > 0 && p.now().Sub(p.begun)+took > limit
}

// untrustworthy reports whether too many pairs were left out.
func (p *procedure) untrustworthy() bool {
	return p.leftOut > fewLeftOut && float64(p.leftOut) > mostLeftOut*float64(p.made)
}

// pair makes one pair in each combination of the matrix and hands it to the gate.
func (p *procedure) pair(ctx context.Context) error {
	confirm := p.gate != nil && p.gate.Next().Step == gate.Confirm
	p.made++
	if p.crashes[1] > 0 {
		p.pairsAfterCrash++
	}
	made, err := p.makePairs(ctx, p.made, confirm)
	if err != nil {
		return err
	}
	whole, again := 0, false
	for at, o := range made {
		again = again || o.again > 0
		if p.take(o, at) {
			whole++
		}
	}
	if again {
		p.redone++
	}
	if whole == 0 {
		return nil
	}
	p.values.end()
	if p.gate == nil {
		if err := p.open(); err != nil {
			return err
		}
	}
	p.gate.Add(p.gatePair(p.values.pairs - 1))
	return nil
}

// take notes what a pair came to in one combination of the matrix, and reports whether it
// counts.
func (p *procedure) take(o *outcome, at int) bool {
	t := &p.plan.twins[at]
	switch {
	case o.leftOut != "":
		p.leftOut++
		p.whyLeftOut, p.others = o.leftOut, o.others
		return false
	case o.baseCrash != "" || o.newCrash != "":
		for i, why := range []string{o.baseCrash, o.newCrash} {
			if why != "" {
				p.crashes[i]++
				p.crash[i] = why
			}
		}
		if o.newCrash == "" {
			p.baseCrashed++
		}
		return false
	}
	if o.disturbed != "" {
		p.disturbed++
		p.whyDisturbed = o.disturbed
	}
	if p.record.Differs == nil {
		p.record.Differs = p.plan.differs(o.base, o.new)
	}
	p.values.add(o.base, o.new, t.name)
	return true
}

// open makes the gate, when the first pair has told what can be known at all. What
// decides unless the scenario says so only decides if it can.
func (p *procedure) open() error {
	for _, m := range p.plan.asked {
		if !slices.ContainsFunc(p.values.columns, func(k *column) bool { return k.like.Name == m.Name }) {
			return fmt.Errorf("compare: no run has the measure %q", m.Name)
		}
	}
	var counts []*column
	for _, k := range p.values.columns {
		switch {
		case !k.gated:
		case len(known(k.base)) == 0 && len(known(k.new)) == 0 && !k.asked:
			k.gated = false
			p.plan.Warn(undecisive(k))
		case k.like.Kind == measures.Count:
			counts = append(counts, k)
		default:
			p.gated = append(p.gated, k)
		}
	}
	p.gated = append(p.gated, counts...)
	if len(p.gated) == 0 {
		return &RefusedError{result.Unclear, "nothing that decides is known: " + strings.Join(p.plan.warnings, "; ")}
	}
	var err error
	p.gate, err = gate.New(p.config())
	return err
}

// undecisive says why a measure does not decide that otherwise would.
func undecisive(k *column) string {
	return k.name() + " does not decide, because no run has it: " + k.why
}

// gatePair is a pair as the gate has it.
func (p *procedure) gatePair(i int) gate.Pair {
	var pair gate.Pair
	for _, k := range p.gated {
		if k.like.Kind == measures.Count {
			pair.Counts = append(pair.Counts, k.counts[i])
		} else {
			pair.Ratios = append(pair.Ratios, k.ratio(i))
		}
	}
	return pair
}

// left estimates what is still to come.
func (p *procedure) left() Left {
	if !p.wanted() {
		return Left{TimeUp: p.within}
	}
	l, made, bounded := Left{From: 1}, 0, true
	if p.gate == nil {
		l.From, bounded = stats.FirstLook, false
	} else {
		report := p.gate.Report()
		made = report.Pairs
		for _, m := range report.Measures {
			if m.Verdict != result.Undecided {
				continue
			}
			l.Undecided = append(l.Undecided, m.Name)
			bounded = bounded && m.Needed.High > 0
			l.From = max(l.From, m.Needed.Low-made, stats.FirstLook-made)
			l.To = max(l.To, m.Needed.High-made)
		}
	}
	if n := p.plan.pairs; n > 0 { // whatever they say, and as many again to confirm
		l.From, l.To, bounded = max(1, n-made), max(1, n-made), true
	}
	if !bounded {
		l.To = 0
	}
	l.AtMost = cmp.Or(p.plan.pairs, p.plan.o.MostPairs)
	if p.plan.o.Confirm {
		l.AtMost *= 2
	}
	l.AtMost = max(1, l.AtMost-made)
	each := p.now().Sub(p.begun) / time.Duration(p.made)
	if limit := p.plan.o.Within; limit > 0 && each > 0 {
		l.AtMost = min(l.AtMost, max(1, int((limit-p.now().Sub(p.begun))/each)))
	}
	l.FromTime, l.ToTime, l.AtMostTime = time.Duration(l.From)*each, time.Duration(l.To)*each, time.Duration(l.AtMost)*each
	return l
}

// progress is where it is told how the comparison goes on.
func (p *procedure) progress() Progress {
	if p.beside {
		return besides{p}
	}
	return p.plan.o.Progress
}

// save writes the record as it stands: a comparison that is killed keeps what it had.
func (p *procedure) save() error {
	return Save(filepath.Join(p.plan.o.Out, result.ComparisonFile), p.record)
}

// Save writes a record as JSON in one step.
func Save(path string, record any) error {
	text, err := json.MarshalIndent(record, "", "  ")
	if err != nil {
		return err
	}
	temp := path + ".new"
	if err := os.WriteFile(temp, append(text, '\n'), 0o644); err != nil {
		return errors.Join(err, os.Remove(temp))
	}
	return os.Rename(temp, path)
}

// Code is the exit code that an error of a comparison means.
func Code(err error) int {
	if side, ok := errors.AsType[*SideError](err); ok {
		return runner.Code(side.Err)
	}
	return runner.Code(err)
}
