package compare

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"bench/internal/result"
	"bench/scenarios/document"
	"bench/scenarios/format"
	"bench/scenarios/gate"
	"bench/scenarios/measures"
)

// RecordedOptions are those of a comparison of runs that were made earlier.
type RecordedOptions struct {
	// Base and New are result folders, or folders of them.
	Base, New string
	// MinEffect and Alpha take the place of the defaults; nil leaves them.
	MinEffect, Alpha *float64
	Force            bool
	// KeepDisturbed counts runs that other programs disturbed.
	KeepDisturbed bool
	Command       string // for the record
	Tool          result.Tool
	Now           func() time.Time
}

// recorded is a comparison of earlier runs under way.
type recorded struct {
	o         *RecordedOptions
	record    *result.Comparison
	base, new []*measures.Run
	values    values
	disturbed bool // a run was left out because of others
}

// Recorded holds runs that were made earlier against each other. An error is one of the
// folders; that the runs cannot be compared stands in the record.
func Recorded(o RecordedOptions) (*result.Comparison, error) {
	r := &recorded{o: &o}
	began := o.Now().Format(time.RFC3339Nano)
	bases, news, both, err := sides(o.Base, o.New)
	if err != nil {
		return nil, err
	}
	var unreadable, ofNew []string
	if r.base, unreadable, err = readAll(bases, nil); err != nil {
		return nil, err
	}
	first := r.base[0].Record
	section, asked := sectionOf(first)
	r.values.asked = section.Measures
	if len(asked) > 0 {
		if r.base, unreadable, err = readAll(bases, asked); err != nil {
			return nil, err
		}
	}
	if r.new, ofNew, err = readAll(news, asked); err != nil {
		return nil, err
	}
	r.record = &result.Comparison{
		Version: 1, Tool: o.Tool, Command: o.Command, StartedAt: began, Scenario: first.Scenario, Seed: first.Seed,
		MinEffect: orDefault(o.MinEffect, float64(section.MinEffect)), Alpha: orDefault(o.Alpha, section.Alpha), Method: "fixed",
		Base: recordedSide(o.Base, r.base), New: recordedSide(o.New, r.new),
		Measures: []result.ComparedMeasure{}, Runs: []result.ComparedRun{},
	}
	if err := r.compare(); err != nil {
		return nil, err
	}
	r.record.Warnings = slices.Concat(both, unreadable, ofNew, r.record.Warnings)
	r.record.EndedAt = o.Now().Format(time.RFC3339Nano)
	return r.record, nil
}

// sectionOf is how the scenario of a run wants it compared, and the metrics of objectives
// among its measures. One that cannot be read any longer, because a file of it is gone,
// leaves the defaults.
func sectionOf(run *result.Run) (*format.Compare, []measures.Asked) {
	c := &format.Compare{MinEffect: gate.DefaultMinEffect, Alpha: gate.DefaultAlpha}
	doc, err := document.Parse("scenario", []byte(run.Text), document.Options{})
	if err != nil || doc.Cells[0].Scenario.Compare == nil {
		return c, nil
	}
	c = doc.Cells[0].Scenario.Compare
	return c, asked(doc.Cells[0].Scenario, c.Measures)
}

func orDefault(v *float64, otherwise float64) float64 {
	if v == nil {
		return otherwise
	}
	return *v
}

func recordedSide(dir string, runs []*measures.Run) result.ComparisonSide {
	s := result.ComparisonSide{Dir: dir}
	if cells := runs[0].Record.Cells; len(cells) > 0 {
		s.Proxy = cells[0].Proxy
	}
	s.Label = called(&s)
	if label := runs[0].Record.Label; label != "" && !slices.ContainsFunc(runs, func(r *measures.Run) bool { return r.Record.Label != label }) {
		s.Label = label // all runs were called so
	}
	return s
}

// compare fills in the record.
func (r *recorded) compare() error {
	c := r.record
	if c.Base.Label == c.New.Label {
		c.Base.Label, c.New.Label = withDir(&c.Base), withDir(&c.New)
	}
	if err := r.facts(); err != nil {
		return err
	}
	if why := decisive(c.Differs); why != "" && !r.o.Force {
		c.Verdict, c.ExitCode = result.NotComparable, exitUnclear
		c.Reason = "the runs did not do the same work: they differ in " + why + "; --force compares them all the same"
		r.runs(func(*measures.Run) string { return "" })
		return nil
	}
	base, other := r.usable(r.base), r.usable(r.new)
	r.runs(r.leftOut)
	if len(base) == 0 || len(other) == 0 {
		c.Verdict, c.Reason, c.ExitCode = result.Invalid, "no run of one side can be trusted: "+r.why(), exitUnclear
		if r.disturbed {
			c.Reason += "; --keep-disturbed counts runs that other programs disturbed"
		}
		return nil
	}
	c.Interleaved = interleaved(base, other)
	judge := r.apart
	if c.Interleaved {
		judge = r.pairs
	}
	err := judge(base, other)
	if n, why := kept(slices.Concat(base, other)); n > 0 {
		c.Warnings = append(c.Warnings, fmt.Sprintf("%d of %d runs were disturbed and count all the same; the last one: %s", n, len(base)+len(other), why))
	}
	return err
}

func withDir(s *result.ComparisonSide) string { return strings.TrimSpace(s.Label + " (" + s.Dir + ")") }

// facts notes in what the sides differ.
func (r *recorded) facts() error {
	var b, n byName
	alike := drivers(r.base[0]) == drivers(r.new[0])
	for _, side := range []struct {
		runs []*measures.Run
		to   *byName
	}{{r.base, &b}, {r.new, &n}} {
		for _, run := range side.runs {
			work, err := workFacts(run)
			if err != nil {
				return err
			}
			side.to.add(slices.Concat(work, machine(run), proxies(run)))
			if alike {
				side.to.add(builds(run))
			}
		}
	}
	r.record.Differs = append([]result.ComparisonFact{}, differences(&b, &n)...)
	for _, f := range []struct {
		name string
		of   *byName
	}{{Base, &b}, {New, &n}} {
		for _, name := range f.of.order {
			if len(f.of.values[name]) > 1 && f.of.decisive[name] {
				return fmt.Errorf("the runs of side %s did not do the same work: they differ in %s", f.name, name)
			}
		}
	}
	return nil
}

// leftOut is why a recorded run does not count, "" if it does. What others took from it
// is known, and nothing can be made again.
func (r *recorded) leftOut(run *measures.Run) string {
	if run.Record.Verdict == result.Partial {
		return cmp.Or(run.Record.Reason, "the run is incomplete")
	}
	why, faulty := disturbed(run.Record)
	switch {
	case why == "" || faulty:
		return why
	case r.o.KeepDisturbed:
		return ""
	}
	r.disturbed = true
	return why
}

// kept counts the runs that count although they were disturbed.
func kept(runs []*measures.Run) (n int, why string) {
	for _, run := range runs {
		if text, _ := disturbed(run.Record); text != "" {
			n, why = n+1, text
		}
	}
	return n, why
}

func (r *recorded) usable(runs []*measures.Run) []*measures.Run {
	return slices.DeleteFunc(slices.Clone(runs), func(m *measures.Run) bool { return r.leftOut(m) != "" })
}

func (r *recorded) why() string {
	for _, run := range r.record.Runs {
		if run.LeftOut {
			return run.Reason
		}
	}
	return "there is none"
}

// runs lists the runs in the order they were made.
func (r *recorded) runs(left func(*measures.Run) string) {
	add := func(side string, runs []*measures.Run) {
		for i, run := range runs {
			why := left(run)
			r.record.Runs = append(r.record.Runs, result.ComparedRun{
				Pair: i + 1, Side: side, Dir: run.Dir, Verdict: run.Record.Verdict, Reason: cmp.Or(why, run.Record.Reason), LeftOut: why != "",
			})
		}
	}
	add(Base, r.base)
	add(New, r.new)
	began := map[string]time.Time{}
	for _, run := range slices.Concat(r.base, r.new) {
		began[run.Dir] = started(run)
	}
	slices.SortStableFunc(r.record.Runs, func(a, b result.ComparedRun) int { return began[a.Dir].Compare(began[b.Dir]) })
}

func started(run *measures.Run) time.Time {
	at, err := time.Parse(time.RFC3339Nano, run.Record.StartedAt)
	if err != nil {
		return time.Time{}
	}
	return at
}

// interleaved reports whether runs make pairs: one of each side, then again one of each
// side, in either order.
func interleaved(base, other []*measures.Run) bool {
	if len(base) != len(other) || len(base) < 2 {
		return false
	}
	for i := 1; i < len(base); i++ {
		last := latest(started(base[i-1]), started(other[i-1]))
		if !started(base[i]).After(last) || !started(other[i]).After(last) {
			return false
		}
	}
	return true
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// cells are the combinations of the matrix that both runs have.
func cells(base, other *measures.Run) (names []string) {
	for _, m := range base.Measures {
		if !slices.Contains(names, m.Cell) && slices.ContainsFunc(other.Measures, func(o measures.Measure) bool { return o.Cell == m.Cell }) {
			names = append(names, m.Cell)
		}
	}
	return names
}

// pairs judges runs that alternated, by the rules for a fixed number of pairs.
func (r *recorded) pairs(base, other []*measures.Run) error {
	for i := range base {
		for _, cell := range cells(base[i], other[i]) {
			r.values.add(base[i].OfCell(cell), other[i].OfCell(cell), cell)
		}
		r.values.end()
	}
	c := r.record
	p := &procedure{record: c, values: r.values, made: len(base), plan: &Plan{
		pairs: len(base), minEffect: c.MinEffect, alpha: c.Alpha, asked: r.values.asked,
		base: &side{name: Base}, new: &side{name: New},
	}}
	err := p.open()
	if refused, ok := errors.AsType[*RefusedError](err); ok {
		c.Verdict, c.Reason, c.ExitCode = refused.Verdict, refused.Reason, exitUnclear
		return nil
	}
	if err != nil {
		return err
	}
	for i := range base {
		p.gate.Add(p.gatePair(i))
	}
	c.Pairs = len(base)
	p.measures()
	c.Verdict, c.Reason, c.ExitCode = p.verdict()
	c.Warnings = append(p.plan.warnings, "no coin decided which run of a pair went first: what comes and goes in the rhythm of the pairs is taken for a difference")
	return nil
}

// sides are the folders of the runs of both sides. A run may not be held against
// itself: what lies in both is one of the new side, which both tells.
func sides(base, other string) (bases, news, both []string, err error) {
	if bases, err = folders(base); err != nil {
		return nil, nil, nil, err
	}
	if news, err = folders(other); err != nil {
		return nil, nil, nil, err
	}
	bases = slices.DeleteFunc(bases, func(b string) bool {
		twice := slices.ContainsFunc(news, func(n string) bool { return same(b, n) })
		if twice {
			both = append(both, b+" is not one of the base's runs, because it is one of the new side")
		}
		return twice
	})
	if len(bases) == 0 {
		return nil, nil, nil, fmt.Errorf("%s has no other runs than %s: nothing is left to compare with", base, other)
	}
	return bases, news, both, nil
}

func same(a, b string) bool {
	x, err := os.Stat(a)
	if err != nil {
		return false
	}
	y, err := os.Stat(b)
	return err == nil && os.SameFile(x, y)
}

// folders are the result folders that a name stands for: it is one itself, or holds some.
func folders(dir string) (all []string, err error) {
	info, err := os.Stat(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("%s: there is no such folder", dir)
	case err != nil:
		return nil, err
	case !info.IsDir():
		return nil, fmt.Errorf("%s is a file, and recorded runs are folders; to run a scenario, say by --base and --new what is compared", dir)
	case exists(filepath.Join(dir, result.ComparisonFile)):
		return nil, fmt.Errorf("%s is the folder of a comparison, which holds the runs of both sides; its verdict stands in %s", dir, result.ComparisonFile)
	case exists(filepath.Join(dir, "run.json")):
		return []string{dir}, nil
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		if at := filepath.Join(dir, e.Name()); exists(filepath.Join(at, "run.json")) {
			all = append(all, at)
		}
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("%s: no run.json, and no folder in it has one: this is neither a result folder nor a folder of them", dir)
	}
	return all, nil
}

// readAll reads the runs of some folders, sorted by when they were made. Of several, those
// that cannot be read are only named.
func readAll(folders []string, asked []measures.Asked) (all []*measures.Run, unreadable []string, err error) {
	var faults []error
	for _, at := range folders {
		run, err := measures.Read(at, asked)
		if err == nil && started(run).IsZero() {
			err = fmt.Errorf("%s: its record does not say when it started", at)
		}
		if err != nil {
			faults = append(faults, err)
			unreadable = append(unreadable, "left out, it cannot be read: "+err.Error())
			continue
		}
		all = append(all, run)
	}
	if len(all) == 0 {
		return nil, nil, errors.Join(faults...)
	}
	slices.SortStableFunc(all, func(a, b *measures.Run) int { return started(a).Compare(started(b)) })
	return all, unreadable, nil
}

// exists reports whether there is something at a path: there is not below a file, either.
func exists(path string) bool {
	_, err := os.Stat(path)
	return !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, syscall.ENOTDIR)
}
