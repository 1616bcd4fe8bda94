package page

import (
	"bytes"
	_ "embed"
	"fmt"
	"html/template"
	"strconv"
	"strings"

	"bench/internal/result"
	"bench/internal/units"
	"bench/reports/pollers"
	"bench/reports/series"
)

//go:embed pollers.tmpl
var pollersSource string

//go:embed pollers.css
var pollersStyle string

// pollersView is what the page of `bench pollers` shows.
type pollersView struct {
	CSP, Title string
	Style      template.CSS
	Facts      []string
	Problems   []string
	Measures   []pollersChoice
	Works      []pollersWork
	Obstacles  []string
	Notes      []string
	Provenance []fact
	Tool       string
}

// pollersChoice is a measure of the switch.
type pollersChoice struct {
	ID, Name string
	First    bool
}

type pollersWork struct {
	Name, Title, X string
	Heads          []string
	Measures       []pollersMeasure
}

type pollersMeasure struct {
	ID, Name string
	Rows     []pollersRow
	Plots    []*pollerPlot
}

type pollersRow struct {
	X       string
	Figures []pollers.Figure
}

// noScriptCSP allows no script.
const noScriptCSP = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"

// Pollers draws the page of a comparison of pollers. It needs no script: the switch
// of measures is a group of radio buttons.
func Pollers(r *result.Pollers) ([]byte, error) {
	t, err := template.New("pollers").Parse(pollersSource)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	if err := t.Execute(&out, newPollersView(r)); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

func newPollersView(r *result.Pollers) *pollersView {
	v := &pollersView{
		CSP: noScriptCSP, Title: "Pollers", Obstacles: pollers.Obstacles(r), Notes: pollers.Notes(r), Problems: pollers.Problems(r),
		Tool: series.OneLine("bench " + r.Tool.Version),
	}
	var choose strings.Builder
	for i, m := range pollers.Measures() {
		c := pollersChoice{ID: "m" + strconv.Itoa(i), Name: m.Name, First: i == 0}
		v.Measures = append(v.Measures, c)
		fmt.Fprintf(&choose, "body:has(#%[1]s:checked) .by:not(.by-%[1]s){display:none}", c.ID)
	}
	v.Style = template.CSS(styleSource + pollersStyle + choose.String())
	v.Facts = []string{
		units.Trim(units.Count(uint64(r.Runs))) + " runs of " + units.Trim(units.Latency(r.DurationSeconds*1e6)) + " at each point",
		"descriptors: at most " + units.Count(r.DescriptorLimit) + " in each process",
	}
	for _, m := range r.Machine {
		v.Facts = append(v.Facts, series.OneLine(m))
	}
	for i := range r.Works {
		v.Works = append(v.Works, newPollersWork(r, &r.Works[i]))
	}
	for _, f := range []fact{
		{"command", r.Command},
		{"started", r.StartedAt},
		{"ended", r.EndedAt},
		{"tool", strings.TrimSpace("bench " + r.Tool.Version + " " + r.Tool.Commit + " " + r.Tool.Go)},
	} {
		if f.Value = series.OneLine(f.Value); f.Value != "" {
			v.Provenance = append(v.Provenance, f)
		}
	}
	return v
}

func newPollersWork(r *result.Pollers, w *result.PollerWork) pollersWork {
	out := pollersWork{Name: series.OneLine(w.Name), Title: series.OneLine(w.Title), X: series.OneLine(w.X)}
	if len(w.Rows) == 0 {
		return out
	}
	for _, c := range w.Rows[0].Cells {
		out.Heads = append(out.Heads, series.OneLine(c.Contestant))
	}
	for i, m := range pollers.Measures() {
		of := pollersMeasure{ID: "m" + strconv.Itoa(i), Name: m.Name, Plots: pollerPlots(r, w, &m)}
		for j := range w.Rows {
			of.Rows = append(of.Rows, pollersRow{units.Count(uint64(w.Rows[j].X)), m.Figures(&w.Rows[j])})
		}
		out.Measures = append(out.Measures, of)
	}
	return out
}
