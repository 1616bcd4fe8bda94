package page

import (
	"bytes"
	_ "embed"
	"fmt"
	"html/template"
	"strings"

	"bench/internal/result"
	"bench/internal/units"
	"bench/reports/capacity"
	"bench/reports/series"
)

//go:embed capacity.tmpl
var capacitySource string

//go:embed capacity.css
var capacityStyle string

// capacityView is what the page of `bench capacity` shows.
type capacityView struct {
	CSP, Title string
	Style      template.CSS
	Verdict    verdict
	Scenario   string
	Reason     string
	Facts      []string
	Cards      []capacityCard
	Notes      []string
	Axis       string
	Points     []capacityRow
	Scaling    *capacityPlot
	Law        []string
	Searches   []capacitySearch
	Downloads  []download
	Provenance []fact
	Folded     []fact
	Tool       string
}

// capacityCard is one of the answers at the top.
type capacityCard struct{ Class, Name, Got, More string }

type capacityRow struct{ Name, Found, Limit, Trials, Took string }

// capacitySearch is one search with its charts.
type capacitySearch struct {
	Title    string // "" where there is one
	Verdict  verdict
	Found    string
	Reason   string
	Limit    string
	Evidence []string
	Plots    []*capacityPlot
	Heads    []string
	Trials   []capacityTrial
}

type capacityTrial struct {
	Class string
	Cells []string
}

// Capacity draws the page of a search. It needs no script.
func Capacity(r *result.Capacity, files []Attachment) ([]byte, error) {
	t, err := template.New("capacity").Parse(capacitySource)
	if err != nil {
		return nil, err
	}
	v := newCapacityView(r)
	for _, f := range files {
		v.Downloads = append(v.Downloads, download{Name: f.Name, Title: f.Title})
	}
	var out bytes.Buffer
	if err := t.Execute(&out, v); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

func newCapacityView(r *result.Capacity) *capacityView {
	v := &capacityView{
		CSP: noScriptCSP, Style: template.CSS(styleSource + capacityStyle), Verdict: verdictOf(r.Verdict),
		Scenario: series.OneLine(r.Scenario), Reason: series.OneLine(r.Reason), Axis: series.OneLine(r.Axis),
		Tool: series.OneLine("bench " + r.Tool.Version), Law: capacity.Law(r),
	}
	v.Title = v.Verdict.Word + " capacity of " + cutText(v.Scenario, 60)
	trials, took := 0, 0.0
	for _, p := range capacity.Searches(r) {
		trials += len(p.Trials)
		took += p.Seconds
	}
	v.Facts = []string{
		capacity.Subject(&r.CapacityPoint), "load " + series.OneLine(r.Load),
		fmt.Sprintf("%d trials in %s", trials, units.ClockSeconds(int64(took*1e6))),
		"precision " + units.Percent(r.Precision), fmt.Sprintf("seed %d", r.Seed),
	}
	v.cards(r)
	for _, w := range r.Warnings {
		v.Notes = append(v.Notes, series.OneLine(w))
	}
	several := len(r.Points) > 0
	if several {
		for i, p := range capacity.Searches(r) {
			v.Points = append(v.Points, capacityRow{
				capacity.PointName(r, i), capacity.Found(p), capacity.Limit(p), fmt.Sprint(len(p.Trials)), units.ClockSeconds(int64(p.Seconds * 1e6)),
			})
		}
		v.Scaling = scalingPlot(r)
	}
	for i, p := range capacity.Searches(r) {
		s := newCapacitySearch(r, p)
		if several {
			s.Title = capacity.PointName(r, i)
			if r.Axis != "" {
				s.Title = v.Axis + " = " + s.Title
			} else {
				s.Title = "Search " + s.Title
			}
		}
		v.Searches = append(v.Searches, s)
	}
	v.provenance(r)
	return v
}

// cards are the answers: how much, what gave way, how many.
func (v *capacityView) cards(r *result.Capacity) {
	if r.Axis == "" {
		p := &r.CapacityPoint
		got, more := capacity.Found(p), ""
		if p.Known && p.High != nil {
			got, more = capacity.Rate(p.Rate), fmt.Sprintf("%s to %s", capacity.Rate(p.Low), capacity.Rate(*p.High))
		}
		v.Cards = append(v.Cards, capacityCard{v.Verdict.Class, "Capacity", got, more})
		if l := p.LimitedBy; l != nil {
			v.Cards = append(v.Cards, capacityCard{"unsure", "What gave way first", l.What, series.OneLine(l.Name)})
		}
	} else {
		best := 0
		for i := range r.Points {
			if r.Points[i].Known && r.Points[i].Rate > r.Points[best].Rate {
				best = i
			}
		}
		v.Cards = append(v.Cards, capacityCard{
			v.Verdict.Class, "Most, at " + v.Axis + " = " + capacity.PointName(r, best),
			capacity.Rate(r.Points[best].Rate), capacity.Found(&r.Points[best]),
		})
	}
	v.Cards = append(v.Cards, capacityCard{"told", "What had to hold", "", capacity.Objectives(r)})
	if need := capacity.Need(r); need != nil {
		c := capacityCard{"told", "How many it takes", "not known", strings.Join(need, "; ")}
		if n := r.Need; n != nil {
			c.Name, c.Got = "For "+capacity.Rate(n.Rate), fmt.Sprint(n.N)
		}
		v.Cards = append(v.Cards, c)
	}
}

func newCapacitySearch(r *result.Capacity, p *result.CapacityPoint) capacitySearch {
	word := p.Verdict
	if len(r.Points) == 0 {
		word = r.Verdict
	}
	s := capacitySearch{
		Verdict: verdictOf(word), Found: capacity.Found(p), Reason: series.OneLine(p.Reason), Limit: capacity.Limit(p), Heads: capacity.Heads(),
		Plots: capacityPlots(r, p),
	}
	if len(r.Points) == 0 {
		s.Reason = "" // it stands at the top
	}
	if p.LimitedBy != nil {
		for _, e := range p.LimitedBy.Evidence {
			s.Evidence = append(s.Evidence, series.OneLine(e))
		}
	}
	for i := range p.Trials {
		t := &p.Trials[i]
		s.Trials = append(s.Trials, capacityTrial{trialClass(t), capacity.Row(t)})
	}
	return s
}

// trialClass is the class of a trial in charts and tables.
func trialClass(t *result.Trial) string {
	switch {
	case t.Invalid != "":
		return "void"
	case t.Held:
		return "held"
	}
	return "broke"
}

func (v *capacityView) provenance(r *result.Capacity) {
	for _, f := range []fact{
		{"command", r.Command},
		{"started", r.StartedAt},
		{"ended", r.EndedAt},
		{"seed", fmt.Sprint(r.Seed)},
		{"scenario hash", r.Hash},
		{"tool", toolText(&r.Tool)},
		{"proxy", strings.TrimSpace(r.Proxy.Driver + " " + r.Proxy.Version)},
		{"proxy command", r.Proxy.Command},
	} {
		if f.Value = series.OneLine(f.Value); f.Value != "" {
			v.Provenance = append(v.Provenance, f)
		}
	}
	for _, f := range []fact{{"scenario as resolved", r.Text}, {"proxy configuration", r.Proxy.Config}} {
		if f.Value = series.Text(f.Value); f.Value != "" {
			v.Folded = append(v.Folded, f)
		}
	}
}
