package capacity

import (
	"bytes"
	"fmt"
	"strings"

	"bench/internal/result"
	"bench/reports/internal/markdown"
	"bench/reports/series"
)

// Markdown is the summary as a comment on a change; picture is the file name of the
// chart, "" without one.
func Markdown(r *result.Capacity, picture string) ([]byte, error) {
	var out bytes.Buffer
	m := markdown.Writer{W: &out}
	esc := func(s string) string { return markdown.Escape(series.OneLine(s)) }
	m.Line("## %s capacity of %s", esc(r.Verdict), esc(r.Scenario))
	if r.Reason != "" {
		m.Line("\n**%s**", esc(r.Reason))
	}
	m.Line("\n%s, load %s, seed %d; %s.", esc(Subject(&r.CapacityPoint)), esc(r.Load), r.Seed, esc(Objectives(r)))
	if picture != "" {
		m.Line("\n![Latency against rate](%s)", picture)
	}
	m.Table(esc(pointsHead(r)), "capacity", "limited by", "trials")
	for i, p := range Searches(r) {
		m.Row(PointName(r, i), Found(p), Limit(p), fmt.Sprint(len(p.Trials)))
	}
	for i, p := range Searches(r) {
		if p.LimitedBy == nil {
			continue
		}
		m.Line("\n<details><summary>%s: why %s</summary>\n", esc(PointName(r, i)), esc(p.LimitedBy.What))
		for _, e := range p.LimitedBy.Evidence {
			m.Line("- %s", esc(e))
		}
		m.Line("\n</details>")
	}
	for _, text := range append(Law(r), Need(r)...) {
		m.Line("\n%s.", esc(upper(text)))
	}
	for _, w := range r.Warnings {
		m.Line("\n- note: %s", esc(w))
	}
	return out.Bytes(), m.Err
}

// pointsHead is what tells the searches apart.
func pointsHead(r *result.Capacity) string {
	switch {
	case r.Axis != "":
		return series.OneLine(r.Axis)
	case len(r.Points) > 0:
		return "search"
	}
	return "proxy"
}

// PointName is what search i is called where there are several, and the proxy where there
// is one.
func PointName(r *result.Capacity, i int) string {
	switch {
	case r.Axis != "":
		return series.OneLine(r.Points[i].Value)
	case len(r.Points) > 0:
		return fmt.Sprint(i + 1)
	}
	return Subject(&r.CapacityPoint)
}

func upper(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}
