package page

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"

	"bench/internal/result"
	"bench/internal/units"
	"bench/reports/series"
	"bench/reports/words"
)

// bands are phases, faults, moments and late intervals laid over every plot.
func (b *cellBuilder) bands() []band {
	var out []band
	add := func(class string, from, to int64, text string) {
		from, to = max(from, b.axis.start), min(to, b.axis.end)
		if to < from {
			return
		}
		left := b.axis.percent(from)
		out = append(out, band{Class: class, Left: left, Width: round3(b.axis.percent(to) - left), From: from, To: to, Text: text})
	}
	for _, p := range b.Phases {
		if !p.Measured {
			add("idle", p.StartUs, p.StartUs+p.LengthUs, "")
		} else if p.StartUs > b.axis.start {
			add("edge", p.StartUs, p.StartUs, "")
		}
	}
	for i := range b.Events {
		e := &b.Events[i]
		from, to := eventSpan(e)
		switch {
		case !e.Applied || e.Class == "seen":
		case e.Class == "moment":
			add("moment", from, from, "")
		default:
			add("fault", from, to, "")
		}
	}
	said := math.Inf(-1)
	for _, l := range mergeSpans(b.Trust.Late) {
		// The words stand where they fit, on a telephone too; the pattern and the
		// legend tell the rest.
		text, left := "", b.axis.percent(l.StartUs)
		if wide := b.axis.percent(l.EndUs) - left; wide > 10 && left <= 100-lateWords && left-said >= lateWords {
			text, said = "driver late", left
		}
		add("late", l.StartUs, l.EndUs, text)
	}
	return out
}

// lateWords is the room for "driver late" in percent of the narrowest plot.
const lateWords = 35

// mergeSpans joins spans that touch or overlap: several loads are late together.
func mergeSpans(spans []result.Span) []result.Span {
	sorted := slices.Clone(spans)
	slices.SortFunc(sorted, func(a, b result.Span) int { return cmp.Compare(a.StartUs, b.StartUs) })
	var out []result.Span
	for _, s := range sorted {
		if n := len(out); n > 0 && s.StartUs <= out[n-1].EndUs {
			out[n-1].EndUs = max(out[n-1].EndUs, s.EndUs)
		} else {
			out = append(out, s)
		}
	}
	return out
}

// ribbon is the strip of phases and events above the plots.
type ribbon struct {
	Phases []band
	Rows   []ribbonRow
	Bars   []band // drains of old processes, bodies of faults
}

// ribbonRow holds the chips of one kind, for a wide and for a narrow plot.
type ribbonRow struct {
	Name         string
	Wide, Narrow []chip
	Bars         []band
}

// chip is the number of an event, or of several that would touch.
type chip struct {
	At    float64
	Text  string
	Class string
	Title string
	Href  string
}

// Plot widths in pixels for which chips are merged.
const (
	widePixels   = 900
	narrowPixels = 240
)

func (b *cellBuilder) ribbon() ribbon {
	var r ribbon
	for _, p := range b.Phases {
		left, right := b.axis.percent(p.StartUs), b.axis.percent(p.StartUs+p.LengthUs)
		class := "phase"
		if !p.Measured {
			class = "phase idle"
		}
		switch {
		case right-left < 5:
			class += " slim"
		case right-left < 25:
			class += " brief"
		}
		r.Phases = append(r.Phases, band{Class: class, Left: left, Width: round3(right - left), From: p.StartUs, To: p.StartUs + p.LengthUs, Text: series.OneLine(p.Name)})
	}
	var made, seen []*result.Event
	for i := range b.Events {
		if e := &b.Events[i]; e.Class == "seen" {
			seen = append(seen, e)
		} else {
			made = append(made, e)
		}
	}
	if len(made) > 0 {
		row := ribbonRow{Name: "made", Wide: b.chips(made, widePixels), Narrow: b.chips(made, narrowPixels)}
		for _, e := range made {
			from, to := eventSpan(e)
			if end := max(e.DrainEndUs, to); e.Class == "moment" && end > from {
				left := b.axis.percent(from)
				row.Bars = append(row.Bars, band{Class: "drain", Left: left, Width: round3(b.axis.percent(end) - left), From: from, To: end})
			} else if to > from {
				left := b.axis.percent(from)
				row.Bars = append(row.Bars, band{Class: "fault", Left: left, Width: round3(b.axis.percent(to) - left), From: from, To: to})
			}
		}
		r.Rows = append(r.Rows, row)
	}
	if len(seen) > 0 {
		r.Rows = append(r.Rows, ribbonRow{Name: "seen", Wide: b.chips(seen, widePixels), Narrow: b.chips(seen, narrowPixels)})
	}
	return r
}

// chips puts a number at the begin of each event and merges those that would
// touch in a plot of the given width.
func (b *cellBuilder) chips(events []*result.Event, pixels float64) []chip {
	type group struct {
		events []*result.Event
		at     float64
	}
	text := func(g *group) string {
		if len(g.events) == 1 {
			return strconv.Itoa(g.events[0].ID)
		}
		return strconv.Itoa(g.events[0].ID) + "-" + strconv.Itoa(g.events[len(g.events)-1].ID)
	}
	size := func(g *group) float64 { return max(26, 8*float64(len(text(g)))+20) * 100 / pixels }
	var groups []*group
	for _, e := range events {
		from, _ := eventSpan(e)
		g := &group{[]*result.Event{e}, b.axis.percent(from)}
		for len(groups) > 0 {
			last := groups[len(groups)-1]
			if g.at-last.at >= (size(last)+size(g))/2 {
				break
			}
			g.events = append(append([]*result.Event(nil), last.events...), g.events...)
			first, _ := eventSpan(g.events[0])
			final, _ := eventSpan(g.events[len(g.events)-1])
			g.at = (b.axis.percent(first) + b.axis.percent(final)) / 2
			groups = groups[:len(groups)-1]
		}
		groups = append(groups, g)
	}
	var out []chip
	for _, g := range groups {
		first, _ := eventSpan(g.events[0])
		_, last := eventSpan(g.events[len(g.events)-1])
		c := chip{At: g.at, Text: text(g), Class: chipClass(g.events), Title: chipTitle(g.events), Href: b.zoomLink(first, last)}
		half := size(g) / 2
		c.At = round3(min(max(c.At, half-1), 101-half))
		out = append(out, c)
	}
	return out
}

// chipClass is the class all events of a chip share, "fault" when they differ.
func chipClass(events []*result.Event) string {
	class := ""
	for _, e := range events {
		c := e.Class
		if !e.Applied {
			c = "missed"
		}
		if class != "" && class != c {
			return "fault"
		}
		class = c
	}
	return class
}

func chipTitle(events []*result.Event) string {
	if len(events) > 1 {
		return fmt.Sprintf("events %d to %d: zoom", events[0].ID, events[len(events)-1].ID)
	}
	e := events[0]
	text := fmt.Sprintf("event %d, %s %s", e.ID, series.OneLine(e.Kind), series.OneLine(e.Target))
	if !e.Applied {
		text += ", not applied"
	}
	return cutText(text, 120)
}

// cutText bounds a text that stands where there is no room for more.
func cutText(s string, most int) string {
	r := []rune(s)
	if len(r) <= most {
		return s
	}
	return string(r[:most-1]) + "…"
}

// zoomLink is the fragment that shows a stretch with some room around it, in
// milliseconds from zero.
func (b *cellBuilder) zoomLink(from, to int64) string {
	room := max((to-from)/2, 4_000_000)
	from, to = max(from-room, b.axis.start), min(to+room, b.axis.end)
	return fmt.Sprintf("#%s=%d..%d", b.id, (from-b.ZeroUs)/1000, (to-b.ZeroUs)/1000)
}

// eventGroup is a window of the events table: its events share what came of them.
type eventGroup struct {
	Rows     []eventRow
	Effect   string
	Errors   string
	Peak     string
	Max      string
	Recovery string
	Lost     string
	Href     string
	Plain    string // instead of all the above
}

type eventRow struct {
	No                       int
	Kind, Target, At, Lasted string
	Class                    string
	Detail                   string
}

func (b *cellBuilder) eventGroups() []eventGroup {
	window := make(map[int]*series.Window)
	for i := range b.Windows {
		for _, e := range b.Windows[i].Events {
			window[e.ID] = &b.Windows[i]
		}
	}
	var out []eventGroup
	done := make(map[*series.Window]int)
	for i := range b.Events {
		e := &b.Events[i]
		row := b.eventRow(e)
		w := window[e.ID]
		switch {
		case !e.Applied:
			out = append(out, eventGroup{Rows: []eventRow{row}, Plain: "NOT APPLIED"})
		case e.Class == "seen" || w == nil:
			out = append(out, eventGroup{Rows: []eventRow{row}, Plain: "seen, not made"})
		default:
			at, ok := done[w]
			if !ok {
				at = len(out)
				done[w] = at
				out = append(out, b.windowGroup(w))
			}
			out[at].Rows = append(out[at].Rows, row)
		}
	}
	return out
}

func (b *cellBuilder) eventRow(e *result.Event) eventRow {
	from, to := eventSpan(e)
	row := eventRow{
		No: e.ID, Kind: series.OneLine(e.Kind), Target: cutText(series.OneLine(e.Target), 80), At: units.Clock(from - b.ZeroUs), Lasted: units.None,
		Class: e.Class, Detail: cutText(series.OneLine(e.Detail), 160),
	}
	if e.Certificate != nil {
		row.Detail = cutText(words.Certificate(e.Certificate), 240)
	}
	if !e.Applied {
		row.Class = "missed"
	}
	if to > from {
		row.Lasted = units.Latency(float64(to - from))
	}
	return row
}

func (b *cellBuilder) windowGroup(w *series.Window) eventGroup {
	g := eventGroup{
		Errors: words.Errors(&w.Errors, 3), Lost: units.Count(w.Unanswered), Effect: "none", Peak: units.None, Max: units.None,
		Recovery: words.Recovery(w), Href: b.zoomLink(w.BeginUs, w.UntilUs),
	}
	if w.EffectUs >= 0 {
		g.Effect = "≤ " + units.Latency(float64(w.EffectUs-w.BeginUs))
	}
	if w.PeakP99 > 0 {
		g.Peak = units.Latency(w.PeakP99)
	}
	if len(w.OK) > 0 {
		g.Max = units.Latency(w.OK.Max())
	}
	return g
}

// attribution explains the events table.
func (b *cellBuilder) attribution() string {
	well := "no errors"
	if !math.IsInf(b.Base.SlowUs, 1) {
		well += " and a p99 of at most " + units.Latency(b.Base.SlowUs) + " (the greater of twice the base line"
		if b.Base.P99 > 0 {
			well += " of " + units.Latency(b.Base.P99)
		} else {
			well += ", unknown here,"
		}
		well += " and the limit"
		if b.Limit > 0 {
			well += " of " + units.Latency(b.Limit)
		} else {
			well += ", not set"
		}
		well += ")"
	}
	return "An event is answerable for the time from its beginning to the recovery, at least one second and never beyond the next event. " +
		"Recovery is the first moment after the end of the fault from which there were " + well +
		" for 3 s on end, or until the next event if that came sooner. Events that began before the recovery from the last share their figures. " +
		"First effect is the end of the first 100 ms with an error or with more slow responses than that allows. " +
		"Peak p99 is the highest step of the p99 line in that time, which needs 300 samples a step; max is exact. Lost counts failed requests that got no whole answer."
}
