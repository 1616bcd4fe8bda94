package page

import (
	"fmt"
	"html/template"
	"strconv"
	"strings"

	"bench/internal/result"
	"bench/internal/units"
	"bench/reports/series"
	"bench/reports/words"
)

// view is what the template prints.
type view struct {
	CSP       string
	Style     template.CSS
	Script    template.JS
	Title     string
	Verdict   verdict
	Scenario  string
	Facts     []string
	Reason    string
	Cards     []card
	MoreCards []card
	Trust     []fact
	Problems  []string
	// MoreProblems are those beyond the first few.
	MoreProblems []string
	Matrix       *matrixView
	Cells        []*cellView
	Provenance   []fact
	Folded       []fact
	Warnings     []string
	Downloads    []download
	Tool         string
}

// Breaks are the pieces of a card's name between which a line may be broken.
func (c card) Breaks() []string { return strings.SplitAfter(c.Name, ".") }

// verdict is a word and the class that colours its edge.
type verdict struct{ Word, Class string }

func verdictOf(word string) verdict {
	switch word {
	case result.Pass:
		return verdict{word, "pass"}
	case result.Fail:
		return verdict{word, "fail"}
	case result.Invalid, result.Partial, result.Unclear:
		return verdict{word, "unsure"}
	case "":
		return verdict{"UNCLEAR", "unsure"}
	default:
		return verdict{word, "unsure"}
	}
}

// fact is a name and a value, both prose.
type fact struct{ Name, Value string }

// card is one limit.
type card struct {
	Verdict verdict
	Name    string
	Wanted  string
	Got     string
	Within  string // how well it is known
	Worst   string
	Reason  string
	// Cell names the one that is shown, and Tally counts them all by verdict,
	// where there are several.
	Cell, Tally string
}

// cellView is one cell: its head, and the sections that have something to say.
type cellView struct {
	ID, Name string
	Verdict  verdict
	Reason   string
	Latency  *plot // the matrix shows it too; nil: nothing was recorded
	Sections []drawn
}

// cellBuilder gathers what the drawing of one cell needs.
type cellBuilder struct {
	*series.Analysis
	id   string
	axis axis
	main *plot // of latency; nil: nothing was recorded
}

func newCell(index int, a *series.Analysis) *cellView {
	b := &cellBuilder{Analysis: a, id: "c" + strconv.Itoa(index), axis: axis{a.StartUs(), a.EndUs}}
	if b.axis.end <= b.axis.start {
		b.axis.end = b.axis.start + 1_000_000
	}
	if len(a.Raw) > 0 {
		b.main = b.latency()
	}
	v := &cellView{ID: b.id, Name: a.Name, Verdict: verdictOf(a.Verdict), Reason: a.Reason, Latency: b.main}
	for _, s := range sections() {
		if of := s.view(b); of != nil {
			v.Sections = append(v.Sections, drawn{s.name, of})
		}
	}
	return v
}

// cellFacts are the words behind the scenario's name.
func cellFacts(a *series.Analysis) []string {
	var facts []string
	if p := strings.TrimSpace(a.Proxy.Driver + " " + a.Proxy.Version); p != "" {
		facts = append(facts, series.OneLine(p))
	}
	facts = append(facts, words.Length(a.Phases, a.LengthUs))
	if l := words.Load(a.Loads); l != "" {
		facts = append(facts, l)
	}
	return facts
}

// cards shows each limit once, with the cell in which it fared worst.
func cards(cells []*series.Analysis) []card {
	records := make([]*result.Cell, len(cells))
	for i, a := range cells {
		records[i] = a.Cell.Cell
	}
	var out []card
	for _, l := range series.Limits(records) {
		o := &l.Worst
		c := card{
			Verdict: verdictOf(o.Verdict), Name: words.Objective(o), Wanted: words.Wanted(o), Got: words.Got(o), Within: words.KnownTo(o),
			Worst: words.Worst(l.Cell.Events, series.Zero(l.Cell.Phases), o), Reason: series.OneLine(o.Reason),
		}
		if len(cells) > 1 {
			c.Cell = fmt.Sprintf("worst of %d: %s", l.Cells(), series.OneLine(l.Cell.Name))
			c.Tally = words.Tally(l.Verdicts)
		}
		out = append(out, c)
	}
	return out
}

// trust is the line that reports whether to believe the rest.
func trust(d *series.Data, cells []*series.Analysis) []fact {
	var lag, driver, proxy, origin, foreign float64
	var dropped, samples uint64
	same := len(cells) > 0
	for _, a := range cells {
		t := &a.Trust
		lag, driver = max(lag, t.LagP99Us), max(driver, t.DriverCPU)
		proxy, origin, foreign = max(proxy, t.ProxyCPU), max(origin, t.OriginCPU), max(foreign, t.ForeignCPU)
		dropped += t.Dropped
		same = same && t.SameHost
		for i := range a.Loads {
			samples += a.Loads[i].Requests
		}
	}
	host := "no"
	if same {
		host = "yes: absolute numbers are low, use comparisons"
	}
	late := units.None // too few requests for a p99
	if lag > 0 {
		late = units.Latency(lag)
	}
	facts := []fact{
		{"driver lag p99", late},
		{"dropped starts", units.Count(dropped)},
		{"CPU", "driver " + units.Percent(driver) + ", proxy " + units.Percent(proxy) + ", origin " + units.Percent(origin) + ", others " + units.Percent(foreign)},
		{"samples", units.Count(samples)},
	}
	if machine := machineText(d.Env); machine != "" {
		facts = append(facts, fact{"host", machine})
	}
	return append(facts, fact{"same host", host})
}

// machineText is host name and kernel.
func machineText(env map[string]any) string {
	var parts []string
	for _, key := range []string{"host", "hostname", "kernel"} {
		if s, ok := env[key].(string); ok && s != "" {
			parts = append(parts, series.OneLine(s))
		}
	}
	return strings.Join(parts, ", ")
}
