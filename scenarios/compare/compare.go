// Package compare finds out whether one thing is worse than another: two proxies, two
// builds, two configurations, two values of a variable. Live, it runs a scenario with
// both, in pairs of fresh processes of which a coin decides which goes first, until
// package gate has seen enough; recorded, it holds the folders of earlier runs against
// each other. The statistics are those of package gate, the figures those of package
// measures; nothing is rendered here.
package compare

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"bench/internal/hosts/wire"
	"bench/internal/result"
	"bench/scenarios"
	"bench/scenarios/document"
	"bench/scenarios/format"
	"bench/scenarios/gate"
	"bench/scenarios/measures"
	"bench/scenarios/runner"
)

// Sides, as records name them.
const (
	Base = "base"
	New  = "new"
)

// Exit codes of comparisons, and of the runs that they are made of.
const (
	exitPass        = 0
	exitFail        = 1 // of a run: an objective that aborts it is broken
	exitWorse       = 3
	exitUnclear     = 4
	exitProxy       = 5
	exitInterrupted = 130
)

// interruptedReason stands in the record of what its user ended.
const interruptedReason = "interrupted"

// Options of a live comparison.
type Options struct {
	Scenario string // file, or name of a built-in scenario
	// Set are the settings of both sides, Base and New those of one.
	Set, Base, New []document.Setting
	// Seed of the coin and of the runs; the scenario's if it is nil. Each pair has a seed
	// of its own, which follows from it.
	Seed    *uint64
	Shorten float64
	// Pairs, MinEffect and Alpha take the place of what the scenario says; nil leaves it.
	// No pairs are as many as it takes.
	Pairs            *int
	MinEffect, Alpha *float64
	// MostPairs bounds a comparison without a number of pairs, and each confirmation; 0
	// is the default of package gate.
	MostPairs int
	// Within bounds the time, 0 does not: no pair but the first is begun that would end
	// later, and none is made again then.
	Within time.Duration
	// Confirm repeats what looks worse with fresh pairs before it is called worse.
	Confirm bool
	// KeepDisturbed counts pairs that other programs disturbed, instead of making them
	// again: chance then hits both sides alike, and more pairs are needed.
	KeepDisturbed bool
	// Force compares where the sides do not have the same to do.
	Force bool
	// OneSided ends as soon as nothing is worse.
	OneSided bool
	// Floor is the noise floor of this host, nil if it is not known.
	Floor *result.NoiseFloor
	// Out is the folder of the comparison, which gets the folders of the runs.
	Out string
	// Hub is as of runner.Options. Combinations of the matrix that are on other machines
	// altogether are compared side by side where there are machines for several.
	Hub      *wire.Address
	Self     []string // command of this program
	Command  string   // for the record
	Tool     result.Tool
	Progress Progress
}

// Plan is a comparison that can begin.
type Plan struct {
	o         Options
	base, new *side
	twins     []twin
	seed      uint64
	pairs     int // 0: as many as it takes
	minEffect float64
	alpha     float64
	asked     []format.CompareMeasure
	workHash  string
	warnings  []string
}

// side is one side of a comparison before it runs.
type side struct {
	name     string
	settings []document.Setting
	doc      *document.Document
}

// twin is a combination of the matrix on both sides, by their places among the cells.
type twin struct {
	name      string // "" without a matrix
	base, new int
}

// Prepare reads the scenario with the settings of both sides. An error is one of the
// scenario or of the options; one that belongs to a side is a *SideError.
func Prepare(o Options) (*Plan, error) {
	p := &Plan{o: o, base: &side{name: Base, settings: o.Base}, new: &side{name: New, settings: o.New}}
	var errBase, errNew error
	p.base.doc, errBase = p.document(p.base, o.Seed)
	p.new.doc, errNew = p.document(p.new, o.Seed)
	switch {
	case errBase != nil && errNew != nil && errBase.Error() == errNew.Error():
		return nil, errBase // whatever the sides are
	case errBase != nil:
		return nil, &SideError{Base, errBase}
	case errNew != nil:
		return nil, &SideError{New, errNew}
	}
	first := p.base.doc.Cells[0].Scenario
	p.seed = first.Seed
	if o.Seed != nil {
		p.seed = *o.Seed
	}
	c := first.Compare
	if c == nil {
		c = &format.Compare{MinEffect: gate.DefaultMinEffect, Alpha: gate.DefaultAlpha}
	}
	p.pairs, p.minEffect, p.alpha, p.asked = int(c.Pairs), float64(c.MinEffect), c.Alpha, c.Measures
	if o.Pairs != nil {
		p.pairs = *o.Pairs
	}
	if o.MinEffect != nil {
		p.minEffect = *o.MinEffect
	}
	if o.Alpha != nil {
		p.alpha = *o.Alpha
	}
	if p.o.MostPairs == 0 {
		p.o.MostPairs = gate.DefaultMostPairs
	}
	// What decides is only known after the first pair; whether the rest is sound, now.
	if _, err := gate.New(gate.Config{
		Counted: []string{result.MeasureFailed}, MinEffect: p.minEffect, Alpha: p.alpha, Pairs: p.pairs, MostPairs: p.o.MostPairs,
	}); err != nil {
		return nil, err
	}
	var err error
	if p.workHash, err = document.WorkHash(p.base.doc.Resolved); err != nil {
		return nil, err
	}
	return p, p.pairUp()
}

// document reads the scenario with the settings of a side. Pairs repeat it, so that a
// repetition of its own would only take the runs of a pair apart.
func (p *Plan) document(s *side, seed *uint64) (*document.Document, error) {
	set := slices.Concat(p.o.Set, s.settings)
	doc, err := scenarios.Find(p.o.Scenario, document.Options{Set: set, Seed: seed, Shorten: p.o.Shorten})
	if err == nil && slices.ContainsFunc(doc.Axes, func(a result.Axis) bool { return a.Name == result.RepeatAxis }) {
		set = append(set, document.Setting{Key: "repeat", Value: "1"})
		doc, err = scenarios.Find(p.o.Scenario, document.Options{Set: set, Seed: seed, Shorten: p.o.Shorten})
	}
	if err != nil {
		return nil, err
	}
	for i := range doc.Cells {
		o := doc.Cells[i].Scenario.Objectives
		for j := range o {
			// A run that ends early has nothing to compare its figures with; that the
			// limit is broken shows all the same.
			o[j].Abort = false
		}
	}
	return doc, nil
}

// Documents are the scenario as each side has it, for checks before it runs.
func (p *Plan) Documents() []*document.Document {
	return []*document.Document{p.base.doc, p.new.doc}
}

// pairUp finds for each combination of the matrix its twin on the other side. One
// combination on each side are twins, whatever they are called.
func (p *Plan) pairUp() error {
	base, other := p.base.doc.Cells, p.new.doc.Cells
	if len(base) == 1 && len(other) == 1 {
		p.twins = []twin{{}}
		return nil
	}
	var alone []string
	for i := range base {
		j := slices.IndexFunc(other, func(c document.Cell) bool { return c.Name == base[i].Name })
		if j < 0 {
			alone = append(alone, base[i].Name+" (base)")
			continue
		}
		if why := cmp.Or(runner.Obstacle(&base[i]), runner.Obstacle(&other[j])); why != "" {
			p.warnings = append(p.warnings, base[i].Name+" left out: "+why)
			continue
		}
		p.twins = append(p.twins, twin{name: base[i].Name, base: i, new: j})
	}
	for i := range other {
		if !slices.ContainsFunc(base, func(c document.Cell) bool { return c.Name == other[i].Name }) {
			alone = append(alone, other[i].Name+" (new)")
		}
	}
	if len(p.twins) == 0 {
		return fmt.Errorf("no combination of the matrix can be compared: %s", strings.Join(append(p.warnings, alone...), ", "))
	}
	if len(alone) > 0 {
		p.warnings = append(p.warnings, "left out, because the other side does not have it: "+strings.Join(alone, ", "))
	}
	return nil
}

// askedMeasures are the metrics of objectives that the scenario wants compared.
func (p *Plan) askedMeasures() []measures.Asked {
	return asked(p.base.doc.Cells[0].Scenario, p.asked)
}

func asked(s *format.Scenario, list []format.CompareMeasure) (all []measures.Asked) {
	for _, m := range list {
		if !s.StandardMeasure(m.Name) {
			all = append(all, measures.Asked{Text: m.Name})
		}
	}
	return all
}
