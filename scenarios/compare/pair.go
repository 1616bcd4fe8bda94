package compare

import (
	"context"
	"fmt"
	"math/rand/v2"
	"path/filepath"

	"bench/internal/hosts/wire"
	"bench/internal/result"
	"bench/reports"
	"bench/scenarios/document"
	"bench/scenarios/measures"
	"bench/scenarios/runner"
)

// tries is how often a pair is made at most.
const tries = 3

// carrier runs a scenario and reads what it measured. Tests have one that runs nothing.
type carrier interface {
	run(ctx context.Context, doc *document.Document, dir string, only []string, live reports.Live) (*result.Run, error)
	read(dir string, asked []measures.Asked) (*measures.Run, error)
}

// processes carries runs out by processes.
type processes struct {
	self    []string
	command string
	tool    result.Tool
	hub     *wire.Address
}

func (c *processes) run(ctx context.Context, doc *document.Document, dir string, only []string, live reports.Live) (*result.Run, error) {
	return runner.Run(ctx, runner.Options{
		Document: doc, Out: dir, Self: c.self, Live: live, Command: c.command, Tool: c.tool, FreshProgram: true,
		Hub: c.hub, Only: only,
	})
}

func (c *processes) read(dir string, asked []measures.Asked) (*measures.Run, error) {
	return measures.Read(dir, asked)
}

// outcome is what a pair came to in one combination of the matrix.
type outcome struct {
	base, new *measures.Run // nil of a side whose proxy crashed
	// baseCrash and newCrash say how the proxy of a side ended, "" if it served.
	baseCrash, newCrash string
	leftOut             string // why the pair does not count
	others              bool   // it is the doing of other programs, which KeepDisturbed puts up with
	again               int    // how often it was made again
	disturbed           string // what came in its way although it counts
}

// Purposes of random numbers, which keeps each of them independent of the others.
const (
	forCoin uint64 = iota + 1
	forSeed
)

// draw is a number that follows from the seed of the comparison and what it is for.
func (p *procedure) draw(purpose uint64, pair, twin, try int) uint64 {
	return rand.New(rand.NewPCG(p.plan.seed^purpose<<56, uint64(pair)<<32|uint64(twin)<<16|uint64(try))).Uint64()
}

// makePair runs both sides of one combination of the matrix, again where the machine came
// in the way and time is left. Both runs have the same seed, and the same machines where only names them.
// An error ends the comparison.
func (p *procedure) makePair(ctx context.Context, n, at int, confirm bool, only []string) (*outcome, error) {
	seed := p.draw(forSeed, n, at, 0) >> 1 // a seed of a scenario is written as a decimal number
	for try := 1; ; try++ {
		baseFirst := p.draw(forCoin, n, at, try)&1 == 0
		step := Step{Pair: n, Cell: p.plan.twins[at].name, Confirm: confirm, Try: try}
		began := p.now()
		o, err := p.try(ctx, step, at, seed, baseFirst, only)
		if err != nil {
			return nil, err
		}
		o.again = try - 1
		if o.leftOut == "" || try == tries || p.late(p.now().Sub(began)) {
			return o, nil
		}
		p.progress().Again(step, o.leftOut)
	}
}

// try runs both sides once. The second run is not made where the first cannot count.
func (p *procedure) try(ctx context.Context, step Step, at int, seed uint64, baseFirst bool, only []string) (*outcome, error) {
	o := &outcome{}
	var runs []result.ComparedRun
	defer func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.record.Runs = append(p.record.Runs, runs...)
	}()
	order := []*side{p.plan.base, p.plan.new}
	if !baseFirst {
		order[0], order[1] = order[1], order[0]
	}
	for i, s := range order {
		step.Side, step.First = s.name, i == 0
		read, run, f, why, err := p.one(ctx, step, s, at, seed, only)
		if run != nil {
			runs = append(runs, *run)
		}
		if err != nil {
			return nil, err
		}
		switch f {
		case whole, fatal: // of the latter there is an error
		case crash:
			if s.name == Base {
				o.baseCrash = why
			} else {
				o.newCrash = why
			}
		case disturbance:
			// That the other side's proxy crashed does not hang on the times of this one.
			if p.plan.o.KeepDisturbed || o.baseCrash != "" || o.newCrash != "" {
				o.disturbed = why
				break
			}
			o.leftOut, o.others = s.name+": "+why, true
		case invalid:
			o.leftOut = s.name + ": " + why
		}
		if s.name == Base {
			o.base = read
		} else {
			o.new = read
		}
		if o.leftOut != "" {
			break
		}
	}
	if o.leftOut != "" {
		for i := range runs {
			runs[i].LeftOut = true
			if runs[i].Reason == "" {
				runs[i].Reason = o.leftOut
			}
		}
	}
	return o, nil
}

// one carries out a run and takes its measures.
func (p *procedure) one(ctx context.Context, step Step, s *side, at int, seed uint64, only []string) (*measures.Run, *result.ComparedRun, fate, string, error) {
	doc, err := p.plan.document(s, &seed)
	if err != nil {
		return nil, nil, fatal, "", err
	}
	t := p.plan.twins[at]
	cell := map[string]int{Base: t.base, New: t.new}[s.name]
	doc.Cells = doc.Cells[cell : cell+1]
	step.LengthUs = doc.Cells[0].Scenario.Length().Microseconds()
	name := p.folder(step, at)
	live := p.progress().Begin(step)
	run, err := p.carry.run(ctx, doc, filepath.Join(p.plan.o.Out, name), only, live)
	f, why := judge(ctx, run, err)
	record := &result.ComparedRun{Pair: step.Pair, Side: s.name, Confirm: step.Confirm, Verdict: result.Partial, Reason: why}
	if run != nil {
		record.Dir, record.Verdict = name, run.Verdict
		p.know(s, run)
	}
	p.progress().End(step, *record)
	if f == fatal {
		if run == nil {
			record = nil
		}
		if ctx.Err() != nil {
			return nil, record, f, why, ctx.Err()
		}
		return nil, record, f, why, &SideError{s.name, err}
	}
	if f == crash || f == invalid {
		return nil, record, f, why, nil
	}
	read, err := p.carry.read(filepath.Join(p.plan.o.Out, name), p.plan.askedMeasures())
	return read, record, f, why, err
}

// folder is the name of the folder of a run.
func (p *procedure) folder(step Step, at int) string {
	name := "pair"
	if step.Confirm {
		name = "confirm"
	}
	name += fmt.Sprintf("-%02d", step.Pair)
	if len(p.plan.twins) > 1 {
		name += fmt.Sprintf("-cell-%d", at+1)
	}
	if step.Try > 1 {
		name += fmt.Sprintf("-try-%d", step.Try)
	}
	return name + "-" + step.Side
}

// SideError is why a side cannot be run at all.
type SideError struct {
	Side string
	Err  error
}

func (e *SideError) Error() string { return "side " + e.Side + ": " + e.Err.Error() }
func (e *SideError) Unwrap() error { return e.Err }

// know notes what a side turned out to be.
func (p *procedure) know(s *side, run *result.Run) {
	p.mu.Lock()
	defer p.mu.Unlock()
	to := &p.record.Base
	if s.name == New {
		to = &p.record.New
	}
	if to.Proxy.Driver == "" && len(run.Cells) > 0 && run.Cells[0].Proxy.Driver != "" {
		to.Proxy = run.Cells[0].Proxy
	}
}
