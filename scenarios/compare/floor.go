package compare

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"bench/internal/result"
	"bench/scenarios/gate"
	"bench/scenarios/measures"
	"bench/scenarios/runner"
)

// FloorFile is the record of a noise floor within the folder of a baseline.
const FloorFile = "noise-floor.json"

// Calibrate makes pairs of the base against itself and states how much they differ by
// chance. refused says why no comparison should rest on that, "" if one may. The record
// is nil where nothing could be stated.
func (p *Plan) Calibrate(ctx context.Context) (floor *result.NoiseFloor, refused string, err error) {
	if err := p.empty(); err != nil {
		return nil, "", err
	}
	p.new = &side{name: New, settings: p.base.settings, doc: p.base.doc}
	if err := p.pairUp(); err != nil {
		return nil, "", err
	}
	p.pairs, p.o.Confirm, p.o.Floor = gate.CalibrationPairs, false, nil
	c := &procedure{plan: p, carry: p.carrier(), now: time.Now}
	return c.calibrate(ctx)
}

func (p *procedure) calibrate(ctx context.Context) (*result.NoiseFloor, string, error) {
	record, err := p.compare(ctx)
	if err != nil {
		return nil, "", err
	}
	if p.gate == nil {
		return nil, record.Reason, nil
	}
	c := p.config()
	c.Pairs = 0 // what follows from the floor is how far a comparison without a number gets
	var same []gate.Pair
	for i := range p.values.pairs {
		same = append(same, p.gatePair(i))
	}
	f, err := gate.Calibrate(c, same, p.redone+p.leftOut)
	if err != nil {
		return nil, "", err
	}
	env := runner.ReadEnvironment()
	return &result.NoiseFloor{
		MeasuredAt: p.now().Format(time.RFC3339), Host: env.Hostname, CPU: env.CPUModel, Kernel: env.Kernel,
		Scenario: p.plan.workHash, Pairs: p.values.pairs, Invalid: p.redone + p.leftOut, Disturbed: p.disturbed, Measures: f.Measures,
	}, f.Refused, nil
}

// ReadFloor reads the noise floor that is kept in the folder of a baseline; nil if there
// is none. Where it is one of another CPU, kernel or scenario, why says so, and there is
// no floor either. Another host of the same kind will do, as those of CI that live for one
// job; why says that, too.
func (p *Plan) ReadFloor(baseline string) (floor *result.NoiseFloor, why string, err error) {
	text, err := os.ReadFile(filepath.Join(baseline, FloorFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, "", nil
	}
	if err != nil {
		return nil, "", err
	}
	floor = &result.NoiseFloor{}
	if err := json.Unmarshal(text, floor); err != nil {
		return nil, "", fmt.Errorf("%s: %w", filepath.Join(baseline, FloorFile), err)
	}
	env := runner.ReadEnvironment()
	for _, f := range []struct{ what, was, is string }{
		{"CPU", floor.CPU, env.CPUModel},
		{"kernel", floor.Kernel, env.Kernel},
		{"scenario", floor.Scenario, p.workHash},
	} {
		if f.was != f.is {
			return nil, fmt.Sprintf("the noise floor in %s is not used: it is of another %s: make it anew with --calibrate", baseline, f.what), nil
		}
	}
	if floor.Host != env.Hostname {
		why = fmt.Sprintf("the noise floor was measured on %s, which has the same CPU and kernel", floor.Host)
	}
	return floor, why, nil
}

// UseFloor holds the comparison to a noise floor.
func (p *Plan) UseFloor(f *result.NoiseFloor) { p.o.Floor = f }

// Into chooses the folder of the comparison, which has to be empty or not to exist.
func (p *Plan) Into(dir string) { p.o.Out = dir }

// Show says where it is told how the comparison goes on.
func (p *Plan) Show(to Progress) { p.o.Progress = to }

// Warn adds a warning to the record.
func (p *Plan) Warn(text string) { p.warnings = append(p.warnings, text) }

// refuseFloor refuses a comparison that could tell nothing, before its first pair.
func (p *procedure) refuseFloor() error {
	f := p.plan.o.Floor
	if f == nil {
		return nil
	}
	p.values.asked = p.plan.asked
	for _, m := range f.Measures {
		p.gated = append(p.gated, &column{like: measures.Measure{Name: m.Name, Kind: measures.Ratio}})
	}
	defer func() { p.gated = nil }()
	if len(p.gated) == 0 {
		return nil
	}
	g, err := gate.New(p.config())
	if err != nil {
		return err
	}
	if g.Next().Step == gate.Done {
		return &RefusedError{result.Unclear, g.Report().Reason}
	}
	return nil
}

// config is what the gate is told, of what decides.
func (p *procedure) config() gate.Config {
	c := gate.Config{
		MinEffect: p.plan.minEffect, Alpha: p.plan.alpha, Pairs: p.plan.pairs, MostPairs: p.plan.o.MostPairs,
		Confirm: p.plan.o.Confirm, OneSided: p.plan.o.OneSided,
	}
	for _, k := range p.gated {
		if k.like.Kind == measures.Count {
			c.Counted = append(c.Counted, k.name())
		} else {
			c.Measures = append(c.Measures, gate.Measure{Name: k.name(), HigherIsBetter: k.like.MoreIsBetter, NoiseSD: p.noise(k.name())})
		}
	}
	return c
}

// noise is the standard deviation of a measure by the noise floor, 0 if it is not known.
func (p *procedure) noise(name string) float64 {
	f := p.plan.o.Floor
	if f == nil {
		return 0
	}
	if i := slices.IndexFunc(f.Measures, func(m result.NoiseFloorMeasure) bool { return m.Name == name }); i >= 0 {
		return f.Measures[i].SD
	}
	return 0
}
