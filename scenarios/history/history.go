// Package history follows measures over many recorded runs: which runs may be held
// against each other, what their values are, by themselves or in proportion to a
// reference measured in the same run, and where they take another level. It runs
// nothing and shows nothing.
package history

import (
	"cmp"
	"fmt"
	"path"
	"slices"
	"strings"
	"time"

	"bench/internal/result"
	"bench/internal/units"
	"bench/scenarios/measures"
)

// Options say what of the runs is followed.
type Options struct {
	// Reference is the cell by which those beside it in the matrix are divided: keys
	// are axes of the matrix, or proxy.driver. Empty: values stay as measured.
	Reference []Setting
	// Measures are names, patterns with * in them, or metrics of objectives; empty:
	// those of all loads together.
	Measures []string
	// AnyHost takes hosts with the same processors for one.
	AnyHost bool
}

// Setting is a key and its value.
type Setting struct{ Key, Value string }

// ParseSettings reads "K=V,K=V".
func ParseSettings(text string) ([]Setting, error) {
	var all []Setting
	for part := range strings.SplitSeq(text, ",") {
		key, value, ok := strings.Cut(strings.TrimSpace(part), "=")
		if !ok || key == "" || value == "" {
			return nil, fmt.Errorf("%q: a reference is written KEY=VALUE, such as driver=haproxy", part)
		}
		all = append(all, Setting{key, value})
	}
	return all, nil
}

// run is a run with what history wants of it.
type run struct {
	*measures.Run
	start time.Time
	cells []*cell
}

// Read follows measures over all runs in some folders, and in the folders within
// them.
func Read(dirs []string, o Options) (*result.History, error) {
	found, err := find(dirs)
	if err != nil {
		return nil, err
	}
	h := &result.History{Version: 1, Reference: settingsText(o.Reference), Groups: []result.HistoryGroup{}}
	var runs []*run
	for _, dir := range found {
		r, err := read(dir)
		switch {
		case err != nil:
			h.LeftOut = append(h.LeftOut, result.HistoryLeftOut{Dir: dir, Reason: "it cannot be read: " + err.Error()})
		case len(r.cells) == 0:
			h.LeftOut = append(h.LeftOut, result.HistoryLeftOut{Dir: dir, Verdict: r.Record.Verdict, Reason: cmp.Or(r.Record.Reason, "nothing was measured")})
		default:
			runs = append(runs, r)
		}
	}
	if err := ask(runs, o.Measures); err != nil {
		return nil, err
	}
	slices.SortStableFunc(runs, func(a, b *run) int { return a.start.Compare(b.start) })
	var faults []error
	for _, g := range groups(runs, o.AnyHost) {
		made, err := g.follow(o)
		h.Groups = append(h.Groups, made)
		if err != nil {
			faults = append(faults, err)
		}
	}
	if len(faults) > 0 && len(faults) == len(h.Groups) {
		return nil, faults[len(faults)-1]
	}
	h.Warnings = notes(h)
	if hosts := hostNames(runs); o.AnyHost && len(hosts) > 1 {
		h.Warnings = append(h.Warnings, fmt.Sprintf("the runs are of %s hosts, which are taken for one where their processors are the same: a change may be one of hosts", units.Count(uint64(len(hosts)))))
	}
	for _, f := range faults {
		h.Warnings = append(h.Warnings, f.Error())
	}
	return h, nil
}

// ask measures in every run what was asked for and no run has by itself: metrics of
// objectives. It is an error where no run knows one.
func ask(runs []*run, wanted []string) error {
	for _, text := range wanted {
		has := func(r *run) bool {
			return slices.ContainsFunc(r.Measures, func(m measures.Measure) bool { return named(&m, text) })
		}
		if len(runs) == 0 || slices.ContainsFunc(runs, has) {
			continue
		}
		if strings.Contains(text, "*") {
			return fmt.Errorf("--measure %s: no run has such a measure; there are %s", text, strings.Join(known(runs), ", "))
		}
		var fault error
		for _, r := range runs {
			more, err := measures.Read(r.Dir, []measures.Asked{{Text: text}})
			if err != nil {
				fault = err
				continue
			}
			for _, m := range more.Measures {
				if named(&m, text) {
					r.Measures = append(r.Measures, m)
				}
			}
		}
		if !slices.ContainsFunc(runs, has) {
			return fmt.Errorf("--measure %s: no run has such a measure, and as a metric of objectives: %w; measures are %s", text, fault, strings.Join(known(runs), ", "))
		}
	}
	return nil
}

// known are the names of the measures of all runs.
func known(runs []*run) []string {
	var all []string
	for _, r := range runs {
		for i := range r.Measures {
			if n := r.Measures[i].Name; !slices.Contains(all, n) {
				all = append(all, n)
			}
		}
	}
	return all
}

// named reports whether a measure has a name, or fits a pattern with * in it.
func named(m *measures.Measure, pattern string) bool {
	const slash = "\x01" // which * does not stop at
	ok, err := path.Match(strings.ReplaceAll(pattern, "/", slash), strings.ReplaceAll(m.Name, "/", slash))
	return m.Name == pattern || err == nil && ok
}

// chosen reports whether a measure is to be followed.
func chosen(m *measures.Measure, names []string) bool {
	if len(names) == 0 {
		return m.Load == ""
	}
	return slices.ContainsFunc(names, func(n string) bool { return named(m, n) })
}

// settingsText writes settings as they are given.
func settingsText(all []Setting) string {
	var parts []string
	for _, s := range all {
		parts = append(parts, s.Key+"="+s.Value)
	}
	return strings.Join(parts, ",")
}

// hostNames are those of the hosts that runs were made on, each once.
func hostNames(runs []*run) []string {
	var all []string
	for _, r := range runs {
		if host, _, _, _ := r.machine(); !slices.Contains(all, host) {
			all = append(all, host)
		}
	}
	return all
}

// notes say what the reader must know of the whole.
func notes(h *result.History) []string {
	var all []string
	if len(h.Groups) > 1 {
		all = append(all, fmt.Sprintf("%s groups of runs differ in what was asked of the proxy, its driver, the host or the processor: each is shown by itself, and nothing is compared across them", units.Count(uint64(len(h.Groups)))))
	}
	if otherHosts(h.Groups) {
		all = append(all, "some groups differ in nothing but the host: --any-host takes hosts with the same processors for one, as where each job of CI has a host of its own")
	}
	if h.Reference == "" && len(h.Groups) > 0 {
		all = append(all, "values are as measured, without a reference: a change may be the machine's as well as the proxy's. "+
			"A scenario that runs another proxy beside, as in a matrix of drivers, and --reference driver=haproxy give ratios, in which what the machine does to both cancels out")
	}
	for i := range h.Groups {
		if text := settings(&h.Groups[i]); text != "" {
			all = append(all, text)
		}
	}
	return all
}

// otherHosts reports whether two groups are apart only because of their hosts.
func otherHosts(groups []result.HistoryGroup) bool {
	for i := range groups {
		for j := range i {
			a, b := &groups[i], &groups[j]
			if a.Host != b.Host && a.Scenario == b.Scenario && a.Work == b.Work && a.CPU == b.CPU && a.CPUs == b.CPUs && slices.Equal(a.Drivers, b.Drivers) {
				return true
			}
		}
	}
	return false
}

// settings says with which runs the proxy was told something else.
func settings(g *result.HistoryGroup) string {
	var at []string
	for i := 1; i < len(g.Runs); i++ {
		if g.Runs[i].Facts["settings"] != g.Runs[i-1].Facts["settings"] {
			at = append(at, g.Runs[i].Label)
		}
	}
	if len(at) == 0 {
		return ""
	}
	return "the proxy's part of the scenario (its configuration, its driver's options) changed with " + strings.Join(at, ", ")
}
