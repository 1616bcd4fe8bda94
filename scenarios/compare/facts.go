package compare

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"bench/internal/result"
	"bench/internal/units"
	"bench/scenarios/document"
	"bench/scenarios/measures"
)

// fact is something of which both sides should have the same.
type fact struct {
	name     string
	value    string
	decisive bool
}

// machineFacts are those of the machine, in the order they are shown.
var machineFacts = []struct{ key, name string }{
	{"hostname", "host"},
	{"cpuModel", "cpu"},
	{"cpus", "processors"},
	{"allowedCPUs", "allowed processors"},
	{"kernel", "kernel"},
	{"arch", "architecture"},
	{"governor", "governor"},
	{"memoryKiB", "memory, KiB"},
	{"clockSource", "clock source"},
}

// machine are the facts of the machine of a run.
func machine(r *measures.Run) (all []fact) {
	add := func(name string, value any) {
		if value == nil {
			return
		}
		text, ok := value.(string)
		if !ok {
			raw, err := json.Marshal(value)
			if err != nil {
				return // what came from JSON goes back
			}
			text = string(raw)
		}
		all = append(all, fact{name: name, value: text})
	}
	for _, f := range machineFacts {
		add(f.name, r.Env[f.key])
	}
	for _, table := range []struct{ key, name string }{{"limits", "limit "}, {"sysctls", "sysctl "}} {
		values, _ := r.Env[table.key].(map[string]any)
		for _, key := range slices.Sorted(maps.Keys(values)) {
			add(table.name+key, values[key])
		}
	}
	return all
}

// proxies are what each combination of the matrix ran.
func proxies(r *measures.Run) (all []fact) {
	for _, c := range r.Record.Cells {
		all = append(all, fact{name: "proxy", value: strings.TrimSpace(c.Proxy.Driver + " " + c.Proxy.Version)})
	}
	return all
}

// builds are the builds of these programs; those of two kinds of proxies have nothing in
// common.
func builds(r *measures.Run) (all []fact) {
	for _, c := range r.Record.Cells {
		all = append(all, fact{name: "proxy build", value: build(&c.Proxy)})
	}
	return all
}

// build tells builds of one version apart.
func build(p *result.Proxy) string {
	var parts []string
	for line := range strings.SplitSeq(p.Build, "\n") {
		if line = strings.TrimSpace(line); line != "" {
			parts = append(parts, line)
		}
	}
	if p.ProgramHash != "" {
		parts = append(parts, "sha256 "+p.ProgramHash[:min(12, len(p.ProgramHash))])
	}
	return strings.Join(parts, "\n")
}

// workFacts are what was asked of the proxy: a difference in them makes two runs ones
// of another thing.
func workFacts(r *measures.Run) (all []fact, err error) {
	all = append(all, fact{"scenario", r.Record.Scenario, true})
	for _, c := range r.Record.Cells {
		for i := range c.Loads {
			all = append(all, fact{"loop of load " + c.Loads[i].Name, loop(c.Loads[i].Arrival), true})
		}
		all = append(all, fact{"length", units.Latency(float64(c.LengthUs)), true})
	}
	sections, err := document.Sections([]byte(r.Record.Text))
	if err != nil {
		return nil, fmt.Errorf("%s: the scenario in its run.json cannot be read: %w", r.Dir, err)
	}
	for i := range sections {
		s := &sections[i]
		switch {
		case s.Key == "name", s.Key == "seed", s.Key == "description", s.Key == "compare":
		case s.Key == "proxy":
			all = append(all, fact{name: "settings of the proxy", value: s.Text})
		default:
			all = append(all, fact{"scenario, " + s.Key, s.Text, s.Work()})
		}
	}
	return all, nil
}

// loop is the kind of a load's loop.
func loop(arrival string) string {
	if arrival == "closed" {
		return "closed"
	}
	return "open"
}

// byName gathers the values of each fact over some runs.
type byName struct {
	order    []string
	values   map[string][]string
	decisive map[string]bool
}

func (b *byName) add(all []fact) {
	if b.values == nil {
		b.values, b.decisive = map[string][]string{}, map[string]bool{}
	}
	for _, f := range all {
		if !slices.Contains(b.order, f.name) {
			b.order = append(b.order, f.name)
		}
		if !slices.Contains(b.values[f.name], f.value) {
			b.values[f.name] = append(b.values[f.name], f.value)
		}
		b.decisive[f.name] = b.decisive[f.name] || f.decisive
	}
}

// differences are the facts of which the sides do not have the same, those first that
// allow no comparison.
func differences(base, other *byName) (all []result.ComparisonFact) {
	order := slices.Clone(base.order)
	for _, name := range other.order {
		if !slices.Contains(order, name) {
			order = append(order, name)
		}
	}
	for _, name := range order {
		b, n := sorted(base.values[name]), sorted(other.values[name])
		if slices.Equal(b, n) {
			continue
		}
		if base.decisive[name] || other.decisive[name] { // it is not unknown: there is none
			b, n = orNone(b), orNone(n)
		}
		b, n = excerpt(b, n)
		all = append(all, result.ComparisonFact{
			Name: name, Base: strings.Join(b, " / "), New: strings.Join(n, " / "),
			Decisive: base.decisive[name] || other.decisive[name],
		})
	}
	slices.SortStableFunc(all, func(a, b result.ComparisonFact) int {
		switch {
		case a.Decisive == b.Decisive:
			return 0
		case a.Decisive:
			return -1
		}
		return 1
	})
	return all
}

func orNone(values []string) []string {
	if len(values) == 0 {
		return []string{"none"}
	}
	return values
}

func sorted(values []string) []string {
	s := slices.Clone(values)
	slices.Sort(s)
	return s
}

// excerpt cuts long texts down to the first line in which they differ.
func excerpt(base, other []string) (b, n []string) {
	if len(base) != 1 || len(other) != 1 {
		return base, other
	}
	x, y := strings.Split(strings.TrimRight(base[0], "\n"), "\n"), strings.Split(strings.TrimRight(other[0], "\n"), "\n")
	if len(x) < 2 && len(y) < 2 {
		return base, other
	}
	line := func(all []string, i int) []string {
		if i >= len(all) {
			return []string{"(nothing more)"}
		}
		return []string{strings.TrimSpace(all[i])}
	}
	for i := 0; ; i++ {
		if l, r := line(x, i), line(y, i); l[0] != r[0] || i > max(len(x), len(y)) {
			return l, r
		}
	}
}

// decisive are the differences that allow no comparison, in words.
func decisive(all []result.ComparisonFact) string {
	var parts []string
	for _, f := range all {
		if f.Decisive {
			parts = append(parts, fmt.Sprintf("%s (%s / %s)", f.Name, f.Base, f.New))
		}
	}
	return strings.Join(parts, ", ")
}

// differs are the facts in which the sides of a live comparison differ beyond what was
// asked for: they share the machine, but their programs may be of different builds.
func (p *Plan) differs(base, other *measures.Run) []result.ComparisonFact {
	var b, n byName
	b.add(machine(base))
	n.add(machine(other))
	if drivers(base) == drivers(other) {
		b.add(builds(base))
		n.add(builds(other))
	}
	return append([]result.ComparisonFact{}, differences(&b, &n)...)
}

// drivers of the proxies of a run, in words.
func drivers(r *measures.Run) string {
	var all []string
	for _, c := range r.Record.Cells {
		all = append(all, c.Proxy.Driver)
	}
	return strings.Join(all, " ")
}

// refuseLoops refuses to compare open loops with closed ones: what a closed loop asks
// for depends on the answers.
func (p *Plan) refuseLoops() error {
	if p.o.Force {
		return nil
	}
	for _, t := range p.twins {
		base, other := p.base.doc.Cells[t.base].Scenario, p.new.doc.Cells[t.new].Scenario
		for i := range base.Load {
			for j := range other.Load {
				b, n := &base.Load[i], &other.Load[j]
				if b.Name == n.Name && loop(b.Arrival) != loop(n.Arrival) {
					return &RefusedError{result.NotComparable, fmt.Sprintf("load %s is %s on the base's side and %s on the new one, and their response times mean different things; --force compares them all the same",
						b.Name, inLoop(b.Arrival), inLoop(n.Arrival))}
				}
			}
		}
	}
	return nil
}

func inLoop(arrival string) string {
	if loop(arrival) == "open" {
		return "an open loop"
	}
	return "a closed loop"
}
