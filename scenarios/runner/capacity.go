package runner

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"bench/internal/hosts/wire"
	"bench/internal/result"
	"bench/internal/stats/scaling"
	"bench/scenarios/capacity"
	"bench/scenarios/document"
	"bench/scenarios/format"
)

// CapacityOptions are those of a search for the capacity.
type CapacityOptions struct {
	// Documents have one combination of the matrix each: one document for every value of
	// the axis, or one without an axis.
	Documents []*document.Document
	Axis      string   // "" is none
	Values    []string // of the axis
	// Repeat is how often the capacity is searched at each value.
	Repeat int
	// Load, Objectives, KeepDisturbed, Self, Command and Tool are as of TrialOptions.
	Load          string
	Objectives    []string
	KeepDisturbed bool
	Self          []string
	Command       string
	Tool          result.Tool
	// Hub is as of Options.
	Hub *wire.Address
	// Out is the folder below which each search keeps what its trials measured.
	Out string
	// Search has the bounds of the rates, the precision and the time of one search.
	Search capacity.Options
	// Need is the rate of the question how many it takes; 0 is none.
	Need float64
	Live CapacityLive
}

// CapacityLive is told how a search goes.
type CapacityLive interface {
	// Search begins with the value of the axis, "" without one, and what is searched.
	Search(value string, objectives, notes []string)
	// Trial begins, at a rate, for so many seconds.
	Trial(rate, seconds float64)
	// Tried says what a trial came to.
	Tried(p *capacity.Progress)
}

// Capacity searches the highest rate at which objectives hold, at every value of an
// axis. The record holds what was found also where the error says why the search ended
// early; it is nil where no trial was made.
func Capacity(ctx context.Context, o CapacityOptions) (*result.Capacity, error) {
	base := o.Documents[0].Cells[0].Scenario
	r := &result.Capacity{
		Version: 1, Tool: o.Tool, Command: o.Command, StartedAt: time.Now().Format(time.RFC3339Nano),
		Scenario: base.Name, Seed: base.Seed, Load: o.Load, Precision: o.Search.Precision, Axis: o.Axis,
	}
	err := searchAll(ctx, &o, r)
	if len(r.Points) == 0 {
		return nil, err
	}
	r.EndedAt = time.Now().Format(time.RFC3339Nano)
	r.CapacityPoint = r.Points[0]
	if o.Axis == "" {
		if o.Repeat > 1 {
			r.CapacityPoint = middle(r.Points)
		} else {
			r.Points = nil
		}
	}
	judge(r, err)
	answer(r, &o)
	return r, err
}

// NewOut makes the folder of a search or of a comparison, which must be empty or not
// exist; a fresh one takes a number behind its name where it does.
func NewOut(dir string, fresh bool) (string, error) {
	if fresh {
		d := &folder{dir: dir}
		err := d.makeFresh()
		return d.dir, err
	}
	if entries, err := os.ReadDir(dir); err == nil && len(entries) > 0 {
		return "", fmt.Errorf("result folder: %s is not empty; choose another with -o", dir)
	}
	return dir, os.MkdirAll(dir, 0o755)
}

// middle is the search with the median capacity: of an even number the lower of both.
func middle(all []result.CapacityPoint) result.CapacityPoint {
	known := slices.DeleteFunc(slices.Clone(all), func(p result.CapacityPoint) bool { return !p.Known })
	if len(known) == 0 {
		return all[0]
	}
	slices.SortStableFunc(known, func(a, b result.CapacityPoint) int { return cmp.Compare(a.Rate, b.Rate) })
	return known[(len(known)-1)/2]
}

// at says which of several searches a note is about; "" of a single one.
func (o *CapacityOptions) at(value string) string {
	if o.Axis == "" {
		return ""
	}
	return o.Axis + "=" + value + ": "
}

// searchAll makes the searches, the repetitions outermost: what drifts on the machine
// meets all values alike.
func searchAll(ctx context.Context, o *CapacityOptions, r *result.Capacity) error {
	for round := range max(1, o.Repeat) {
		for i, doc := range o.Documents {
			value, name := "", "trials"
			if o.Axis != "" {
				value = o.Values[i]
				name += "-" + strconv.Itoa(i+1)
			}
			if o.Repeat > 1 {
				name += "-" + strconv.Itoa(round+1)
			}
			t, err := OpenTrials(TrialOptions{
				Document: doc, Load: o.Load, Objectives: o.Objectives, Out: filepath.Join(o.Out, name),
				KeepDisturbed: o.KeepDisturbed, Self: o.Self, Command: o.Command, Tool: o.Tool, Hub: o.Hub,
			})
			if err != nil {
				return err
			}
			if r.Objectives == nil {
				r.Objectives, r.Limits, r.Text, r.Hash = t.Objectives(), t.judges.Planned(), t.run.Text, t.run.Hash
				r.Warnings = slices.Concat(doc.Warnings, t.LeftOut())
			}
			p, err := search(ctx, o, t, value)
			if text := t.grown(); text != "" {
				r.Warnings = append(r.Warnings, text)
			}
			if p != nil {
				r.Points = append(r.Points, *p)
				if p.Doubt != "" {
					r.Warnings = append(r.Warnings, o.at(value)+p.Doubt)
				}
			}
			if err := errors.Join(err, t.Close()); err != nil {
				return err
			}
		}
	}
	return nil
}

// told is a lab that says when a trial begins.
type told struct {
	*Trials
	live CapacityLive
}

func (l told) Trial(ctx context.Context, rate, seconds float64) (*capacity.Outcome, error) {
	l.live.Trial(rate, seconds)
	return l.Trials.Trial(ctx, rate, seconds)
}

// search makes one search; the point is nil where no trial came to an end.
func search(ctx context.Context, o *CapacityOptions, t *Trials, value string) (*result.CapacityPoint, error) {
	var notes []string
	for _, note := range t.LeftOut() {
		notes = append(notes, "note: "+note)
	}
	o.Live.Search(value, t.Objectives(), notes)
	options := o.Search
	options.Length, options.Tell = t.Length, o.Live.Tried
	if options.Hint == 0 {
		if rate := format.SteadyPhase(t.load).Rate; rate != nil {
			options.Hint = rate.To
		}
	}
	found, err := capacity.Search(ctx, told{t, o.Live}, options)
	if len(found.Trials) == 0 {
		if err == nil { // the first would have taken too long
			err = fail(exitUsage, fmt.Errorf("not one trial fits into the %v of the search (%s): it lasts ten times the longest limit on a time, and until a quantile has its samples",
				time.Duration(o.Search.Within*float64(time.Second)), found.Why))
		}
		return nil, err
	}
	p := found.Point()
	p.Value, p.Proxy, p.Seconds = value, t.Proxy(), t.Elapsed()
	switch {
	case interrupted(err):
		p.Verdict, p.ExitCode, p.Reason = result.Partial, exitInterrupted, interruptedReason
	case err != nil:
		p.Verdict, p.ExitCode, p.Reason = result.Partial, Code(err), firstLine(err)
	}
	return p, err
}

// judge gives the whole the gravest verdict of its searches.
func judge(r *result.Capacity, err error) {
	r.Verdict, r.ExitCode, r.Reason = r.CapacityPoint.Verdict, r.CapacityPoint.ExitCode, r.CapacityPoint.Reason
	if r.Axis == "" && r.Points != nil && r.CapacityPoint.Known && err == nil {
		return // the median counts
	}
	for _, word := range []string{result.Partial, result.Invalid, result.Unclear, result.Fail} {
		i := slices.IndexFunc(r.Points, func(p result.CapacityPoint) bool { return p.Verdict == word })
		if i >= 0 {
			p := &r.Points[i]
			r.Verdict, r.ExitCode, r.Reason = word, p.ExitCode, p.Reason
			if p.Value != "" {
				r.Reason = r.Axis + "=" + p.Value + ": " + p.Reason
			}
			return
		}
	}
}

// answer fits the law through the points, and says how many it takes.
func answer(r *result.Capacity, o *CapacityOptions) {
	if r.Axis == "" {
		if o.Need > 0 {
			r.Need, r.NeedRefused = capacity.SideBySide(o.Need, &r.CapacityPoint)
		}
		return
	}
	law, err := fitLaw(r.Points)
	if err != nil {
		r.ScalingRefused = err.Error()
		var ok bool
		if o.Need > 0 {
			if r.Need, ok = capacity.OfValues(o.Need, r.Points); !ok {
				r.NeedRefused = "none of the values that were measured carries it, and there is no law to extrapolate by: " + r.ScalingRefused
			}
		}
		return
	}
	r.Scaling = law.Record()
	if o.Need > 0 {
		if r.Need, err = law.Need(o.Need); err != nil {
			r.NeedRefused = err.Error()
		}
	}
}

// fitLaw fits the law through searches at several values of an axis.
func fitLaw(all []result.CapacityPoint) (*scaling.Law, error) {
	var points []scaling.Point
	for i := range all {
		p := &all[i]
		n, err := strconv.ParseFloat(strings.TrimSpace(p.Value), 64)
		if err != nil {
			return nil, fmt.Errorf("the values of the axis are not numbers: %q", p.Value)
		}
		limited := p.LimitedBy != nil && p.LimitedBy.What == capacity.GenLimit
		at := slices.IndexFunc(points, func(q scaling.Point) bool { return q.N == n })
		switch {
		case !p.Known && !limited:
		case at < 0:
			points = append(points, scaling.Point{N: n, Rates: []float64{max(p.Rate, 1)}, LoadLimited: limited})
		default:
			points[at].Rates = append(points[at].Rates, max(p.Rate, 1))
			points[at].LoadLimited = points[at].LoadLimited || limited
		}
	}
	return scaling.Fit(points)
}
