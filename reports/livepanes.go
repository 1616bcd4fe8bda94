package reports

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"bench/internal/units"
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
		return f.liveState.lines
	}
}

func (f *liveFrame) eventPane() []string {
	var out []string
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
		out = append(out, left(units.Clock(at-f.zeroUs), 9)+right(number, 4)+"  "+left(state, 12)+left(e.Kind, 18)+e.Target)
	}
	// What is done scrolls away first.
	for len(out) > 6 && len(out) > 0 && strings.Contains(out[0], " done ") && strings.Contains(out[5], " done ") {
		out = out[1:]
	}
	if len(out) == 0 {
		return []string{"no events are planned"}
	}
	return out
}

func (f *liveFrame) upstreamPane() []string {
	if len(f.stats) == 0 {
		return []string{"the proxy's counters have not been read yet"}
	}
	out := []string{left("server", 30) + left("state", 14) + right("sessions", 10) + right("total", 12) + right("queue", 8)}
	for _, r := range f.stats {
		if r.Server == "FRONTEND" || r.Server == "BACKEND" {
			continue
		}
		out = append(out, left(r.Proxy+"/"+r.Server, 30)+left(r.Status, 14)+right(units.Count(r.Values["scur"]), 10)+right(units.Count(r.Values["stot"]), 12)+right(units.Count(r.Values["qcur"]), 8))
	}
	return out
}

func (f *liveFrame) resourcePane() []string {
	if len(f.procs) == 0 {
		return []string{"the processes have not been read yet"}
	}
	out := []string{left("process", 18) + right("pid", 8) + right("cpu", 11) + right("memory", 11) + right("fds", 8) + right("threads", 9)}
	for _, pid := range slices.Sorted(maps.Keys(f.procs)) {
		p := f.procs[pid]
		cpu := units.None
		if p.rated {
			cpu = units.Percent(p.share)
		}
		out = append(out, left(p.Role, 18)+right(strconv.Itoa(pid), 8)+right(cpu, 11)+right(units.Bytes(float64(p.RSSBytes)), 11)+right(strconv.Itoa(p.FDs), 8)+right(strconv.Itoa(p.Threads), 9))
	}
	return out
}
