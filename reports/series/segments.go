package series

import (
	"strconv"
	"strings"

	"bench/internal/hdr"
	"bench/internal/result"
)

// Segment is a named part of the measured time: before, in, between and after
// the faults. Segments do not overlap.
type Segment struct {
	Name     string
	Spans    []result.Span
	LengthUs int64
	Offered  uint64
	Good     uint64 // ended well within it; OK are those due in it
	Errors   Errors
	OK       hdr.Dist
	Service  hdr.Dist
}

// maxFaults bounds the segments: windows beyond it share one.
const maxFaults = 4

// MostlyFailed reports that more than half of what was wanted failed. A
// percentile of the rest would describe the lucky ones only.
func (s *Segment) MostlyFailed() bool {
	errs := s.Errors.Total()
	return 2*errs > errs+s.OK.N()
}

// Shown is percentile q of the segment, and whether there are enough samples
// to show it.
func (s *Segment) Shown(q float64) (us float64, ok bool) {
	if s.MostlyFailed() || !result.Enough(q, s.OK.N()) {
		return 0, false
	}
	return s.OK.Quantile(q), true
}

// Segments splits the measured time by the windows: one segment to each fault,
// one to all windows that hold moments alone (reloads, restarts), and what
// lies before, between and after. A cell without windows is one segment.
func (c *Cell) Segments(windows []Window) []Segment {
	names := segmentNames(windows)
	b := segmentBuilder{cell: c, index: make(map[string]int), parts: make(map[string][2][]hdr.Dist)}
	w := 0
	for i := range c.Slots {
		s := c.MeasuredPart(&c.Slots[i])
		if s == nil {
			continue
		}
		for w < len(windows) && windows[w].UntilUs <= s.StartUs {
			w++
		}
		name := "after"
		switch {
		case len(windows) == 0:
			name = "measured"
		case w < len(windows) && s.StartUs+s.LengthUs > windows[w].BeginUs:
			name = names[w]
		case w == 0:
			name = "base line"
		case w < len(windows):
			name = "between"
		}
		b.add(name, s)
	}
	return b.finish()
}

// segmentNames names each window's segment.
func segmentNames(windows []Window) []string {
	names := make([]string, len(windows))
	faults, moments := 0, 0
	for i := range windows {
		if hasFault(&windows[i]) {
			faults++
		} else {
			moments++
		}
	}
	seen := 0
	for i := range windows {
		switch {
		case hasFault(&windows[i]):
			seen++
			if faults > maxFaults && seen >= maxFaults {
				names[i] = "other faults"
			} else {
				names[i] = "fault " + Numbers(windows[i].Events)
			}
		case moments > 1:
			names[i] = "at " + kindsOf(windows) + "s"
		default:
			names[i] = "at " + kindsOf(windows) + " " + Numbers(windows[i].Events)
		}
	}
	return names
}

func hasFault(w *Window) bool {
	for _, e := range w.Events {
		if e.Class == "fault" {
			return true
		}
	}
	return false
}

// kindsOf is the one kind all moments share ("reload"), or "event".
func kindsOf(windows []Window) string {
	kind := ""
	for i := range windows {
		for _, e := range windows[i].Events {
			if hasFault(&windows[i]) {
				continue
			}
			_, short, _ := strings.Cut(e.Kind, ".")
			if kind != "" && short != kind {
				return "event"
			}
			kind = short
		}
	}
	if kind == "" {
		return "event"
	}
	return kind
}

// Numbers prints the numbers of events: "4", "3-7".
func Numbers(events []result.Event) string {
	if len(events) == 0 {
		return ""
	}
	first, last := events[0].ID, events[0].ID
	for _, e := range events {
		first, last = min(first, e.ID), max(last, e.ID)
	}
	if first == last {
		return strconv.Itoa(first)
	}
	return strconv.Itoa(first) + "-" + strconv.Itoa(last)
}

type segmentBuilder struct {
	cell  *Cell
	list  []Segment
	index map[string]int
	parts map[string][2][]hdr.Dist
}

func (b *segmentBuilder) add(name string, s *Slot) {
	i, ok := b.index[name]
	if !ok {
		i = len(b.list)
		b.index[name] = i
		b.list = append(b.list, Segment{Name: name})
	}
	g := &b.list[i]
	end := s.StartUs + s.LengthUs
	if n := len(g.Spans); n > 0 && g.Spans[n-1].EndUs == s.StartUs {
		g.Spans[n-1].EndUs = end
	} else {
		g.Spans = append(g.Spans, result.Span{StartUs: s.StartUs, EndUs: end})
	}
	g.LengthUs += s.LengthUs
	g.Offered += s.Offered
	g.Good += s.Good
	g.Errors.Add(&s.Errors)
	p := b.parts[name]
	b.parts[name] = [2][]hdr.Dist{append(p[0], s.OK), append(p[1], s.Service)}
}

func (b *segmentBuilder) finish() []Segment {
	for i := range b.list {
		g := &b.list[i]
		g.OK = hdr.Merge(b.parts[g.Name][0]...)
		g.Service = hdr.Merge(b.parts[g.Name][1]...)
	}
	return b.list
}
