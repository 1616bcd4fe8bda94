package statspage

import (
	"fmt"
	"strings"
	"time"

	"bench/internal/units"
	"bench/proxy/stats"
)

// summary is the state of everything in one line.
type summary struct {
	servers, down int
	backends      []string // without a usable server
	stopped       []string // frontends that do not accept
	worst         string   // the proxy with most errors per second
	rate          float64
	ofBackend     bool
	since         time.Time
	// trouble are the proxies with something to look at.
	trouble map[string]bool
}

// summarize goes through the rows that are shown. That of a server or backend counts
// although only those are shown that are up.
func (v *visit) summarize() *summary {
	s := &summary{trouble: map[string]bool{}}
	sel := v.selection()
	sel.Up, sel.NoMaint = false, false
	for r := range v.rows(false) {
		if !sel.Takes(r) {
			continue
		}
		switch r.Type {
		case stats.RowServer:
			s.servers++
			if isDown(r) {
				s.down++
				s.trouble[r.Proxy] = true
			}
			continue
		case stats.RowBackend:
			if !r.Backend.Up {
				s.backends = append(s.backends, r.Proxy)
				s.trouble[r.Proxy] = true
			}
		case stats.RowFrontend:
			if r.State == stats.Full || r.State == stats.Stopped && !v.stopping() {
				s.stopped = append(s.stopped, r.Proxy)
				s.trouble[r.Proxy] = true
			}
		case stats.RowListener:
			continue
		}
		if h := v.history.of(keyOf(r)); h.errorsPerSecond > 0 {
			s.trouble[r.Proxy] = true
			// What a frontend answers is mostly what its backends could not.
			back := r.Type == stats.RowBackend
			if back && !s.ofBackend || back == s.ofBackend && h.errorsPerSecond > s.rate {
				s.worst, s.rate, s.since, s.ofBackend = r.Proxy, h.errorsPerSecond, h.errored, back
			}
		}
	}
	return s
}

func (v *visit) stopping() bool { return v.engine.Info().Stopping }

// well tells that there is nothing to look at.
func (s *summary) well() bool { return len(s.trouble) == 0 }

// String is the first line of the page.
func (s *summary) String() string {
	var parts []string
	if s.down > 0 {
		parts = append(parts, fmt.Sprintf("%d of %d servers DOWN", s.down, s.servers))
	}
	if len(s.backends) > 0 {
		parts = append(parts, "no server left in "+names(s.backends))
	}
	if len(s.stopped) > 0 {
		parts = append(parts, "no new connections at "+names(s.stopped))
	}
	if s.rate > 0 {
		text := "errors " + units.Rate(s.rate) + "/s in " + s.worst
		if !s.since.IsZero() {
			text += " since " + s.since.Format("15:04:05")
		}
		parts = append(parts, text)
	}
	if len(parts) == 0 {
		return "all well"
	}
	return strings.Join(parts, ", ")
}

// names lists a few of many.
func names(list []string) string {
	const most = 3
	if len(list) > most {
		return fmt.Sprintf("%s and %d more", strings.Join(list[:most], ", "), len(list)-most)
	}
	return strings.Join(list, ", ")
}
