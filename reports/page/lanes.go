package page

import (
	"math"

	"bench/internal/result"
	"bench/internal/units"
	"bench/reports/series"
)

// lane is one upstream of chart C5.
type lane struct {
	Name   string
	States []laneState
	Share  string // path of the share of requests
}

type laneState struct {
	Left, Width float64
	Class, Word string
	Narrow      bool
}

// maxLanes bounds the upstreams drawn; the table holds all.
const maxLanes = 24

func (b *cellBuilder) lanes() ([]lane, *table) {
	t := &table{Head: []string{"upstream", "from", "state", "share of requests"}}
	var out []lane
	for i := range b.Upstreams {
		u := &b.Upstreams[i]
		l := lane{Name: series.OneLine(u.Proxy + "/" + u.Server), Share: b.sharePath(u.States)}
		for _, r := range b.stateRuns(u.States) {
			percent := round3(b.axis.percent(r.end) - b.axis.percent(r.from))
			l.States = append(l.States, laneState{
				Left: b.axis.percent(r.from), Width: percent, Class: stateClass(r.state), Word: stateWord(r.state, percent), Narrow: percent < 6,
			})
			share := units.None
			if r.known > 0 {
				share = units.Percent(r.share / float64(r.known))
			}
			t.Rows = append(t.Rows, []string{l.Name, units.Clock(r.from - b.ZeroUs), series.OneLine(r.state), share})
		}
		if len(out) < maxLanes {
			out = append(out, l)
		}
	}
	return out, t
}

// stateRun is a time in which an upstream's state did not change.
type stateRun struct {
	state     string
	from, end int64
	share     float64 // requests' share times the time it held, for known µs
	known     int64
}

// stateRuns joins readings that say the same. A reading's share is that of the
// time before it.
func (b *cellBuilder) stateRuns(states []result.UpstreamState) []stateRun {
	var out []stateRun
	for j, st := range states {
		from, end := max(st.AtUs, b.axis.start), b.axis.end
		if j+1 < len(states) {
			end = states[j+1].AtUs
		}
		if end < from {
			continue
		}
		if n := len(out); n == 0 || out[n-1].state != st.State {
			out = append(out, stateRun{state: st.State, from: from})
		}
		r := &out[len(out)-1]
		r.end = end
		if j+1 < len(states) {
			r.share += states[j+1].Share * float64(end-from)
			r.known += end - from
		}
	}
	return out
}

func (b *cellBuilder) sharePath(states []result.UpstreamState) string {
	var p path
	for j := 1; j < len(states); j++ {
		from, to := max(states[j-1].AtUs, b.axis.start), states[j].AtUs
		if to > from {
			p.step(b.axis.x(from), b.axis.x(to), int(math.Round(height*(1-min(max(states[j].Share, 0), 1)))))
		}
	}
	return p.String()
}

// stateWord is the state as it fits: the word, its first letter, or nothing.
func stateWord(state string, percent float64) string {
	word := series.OneLine(state)
	switch {
	case word == "" || percent < 1.5:
		return ""
	case percent < 6:
		return string([]rune(word)[:1])
	default:
		return word
	}
}

// stateClass colours a state as HAProxy names it: "UP", "UP 1/3", "DOWN".
func stateClass(state string) string {
	switch {
	case len(state) >= 2 && state[:2] == "UP", state == "OPEN", state == "no check":
		return "up"
	case len(state) >= 4 && state[:4] == "DOWN":
		return "down"
	default:
		return "maint"
	}
}
