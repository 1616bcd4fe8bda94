package reports

import (
	"maps"
	"slices"
	"strconv"

	"bench/internal/units"
	"bench/reports/internal/tty"
)

// pane is what fills the rest of the screen.
func (f *liveFrame) pane(which rune) []string {
	switch which {
	case paneEvents:
		return f.eventPane()
	case paneUpstreams:
		return f.upstreamPane()
	case paneResources:
		return f.resourcePane()
	case paneHelp:
		return []string{
			"q  stop the run and report what there is", "e  events, done and to come", "u  upstreams as the proxy names their state",
			"r  processes: CPU, memory, descriptors", "?  this list; the same key again goes back", "Ctrl-C  interrupt: everything is undone, no report is promised",
		}
	default:
		var out []string
		for _, l := range f.liveState.lines {
			out = append(out, tty.Wrap(l, f.width)...)
		}
		return out
	}
}

func (f *liveFrame) eventPane() []string {
	var rows [][]string
	for i := range f.events {
		e := &f.events[i]
		state, at := "to come", e.PlannedUs
		switch {
		case e.begun && !e.Applied:
			state = "NOT APPLIED"
		case e.ended || (e.begun && (e.Class == "moment" || e.EndUs <= e.BeginUs)):
			state, at = "done", e.BeginUs
		case e.begun:
			state, at = "now", e.BeginUs
		}
		number := ""
		if e.ID > 0 {
			number = strconv.Itoa(e.ID)
		}
		rows = append(rows, []string{units.Clock(at - f.zeroUs), number, state, e.Kind, e.Target})
	}
	// What is done scrolls away first.
	for len(rows) > 6 && rows[0][2] == "done" && rows[5][2] == "done" {
		rows = rows[1:]
	}
	if len(rows) == 0 {
		return []string{"no events are planned"}
	}
	return f.safeTable([]tty.Column{{}, {Right: true}, {}, {}, {Wraps: true, Least: 12}}, rows)
}

func (f *liveFrame) upstreamPane() []string {
	if len(f.stats) == 0 {
		return []string{"the proxy's counters have not been read yet"}
	}
	var rows [][]string
	for _, r := range f.stats {
		if r.Server == "FRONTEND" || r.Server == "BACKEND" {
			continue
		}
		rows = append(rows, []string{r.Proxy + "/" + r.Server, r.Status, units.Count(r.Values["scur"]), units.Count(r.Values["stot"]), units.Count(r.Values["qcur"])})
	}
	return f.safeTable([]tty.Column{
		{Head: "server", Wraps: true, Least: 12}, {Head: "state"}, {Head: "sessions", Right: true}, {Head: "total", Right: true}, {Head: "queue", Right: true},
	}, rows)
}

func (f *liveFrame) resourcePane() []string {
	if len(f.procs) == 0 {
		return []string{"the processes have not been read yet"}
	}
	var rows [][]string
	for _, pid := range slices.Sorted(maps.Keys(f.procs)) {
		p := f.procs[pid]
		cpu := units.None
		if p.rated {
			cpu = units.Percent(p.share)
		}
		rows = append(rows, []string{p.Role, strconv.Itoa(pid), cpu, units.Bytes(float64(p.RSSBytes)), strconv.Itoa(p.FDs), strconv.Itoa(p.Threads)})
	}
	return f.safeTable([]tty.Column{
		{Head: "process", Wraps: true, Least: 12},
		{Head: "pid", Right: true},
		{Head: "cpu", Right: true},
		{Head: "memory", Right: true},
		{Head: "fds", Right: true},
		{Head: "threads", Right: true},
	}, rows)
}

// safeTable lays out texts that come from the proxy or the scenario.
func (f *liveFrame) safeTable(columns []tty.Column, rows [][]string) []string {
	for _, r := range rows {
		for i := range r {
			r[i] = f.Safe(r[i])
		}
	}
	return tty.Table(columns, rows, f.width)
}
