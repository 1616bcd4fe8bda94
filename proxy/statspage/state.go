package statspage

import (
	"strings"

	"bench/proxy/state"
	"bench/proxy/stats"
)

// look is how the state of a row is shown: a glyph, and the class that the reference's
// page has for it, which also colours it.
type look struct{ class, glyph string }

// isDown tells whether a server is down although nobody wants it to be.
func isDown(r *stats.Row) bool { return !r.Server.Maint && r.Server.Health == state.Down }

func lookOf(r *stats.Row) look {
	switch r.Type {
	case stats.RowFrontend:
		return look{"frontend", listenGlyph(r.State)}
	case stats.RowListener:
		return look{"socket", listenGlyph(r.State)}
	case stats.RowBackend:
		if r.Backend.Up {
			return look{"backend", "▲"}
		}
		return look{"backend", "▼"}
	case stats.RowServer:
	}
	s, c := &r.Server, &r.Server.Check
	role := "active_"
	if s.Backup {
		role = "backup_"
	}
	changing := c.Enabled && c.Health > 0 && c.Health < c.Rise+c.Fall-1
	switch {
	case s.Maint:
		return look{"maintain", "◆"}
	case s.Health == state.Down && changing && c.Health < c.Rise:
		return look{role + "going_up", "△"}
	case s.Health == state.Down:
		return look{role + "down", "▼"}
	case s.Drain:
		return look{role + "draining", "◐"}
	case s.Health == state.Stopping:
		return look{role + "nolb", "◑"}
	case !c.Enabled && s.Tracked == "":
		return look{role + "no_check", "○"}
	case changing && c.Health >= c.Rise:
		return look{role + "going_down", "▽"}
	}
	return look{role + "up", "▲"}
}

func listenGlyph(s stats.ListenState) string {
	switch s {
	case stats.Open:
		return "▲"
	case stats.Full, stats.Waiting:
		return "▽"
	case stats.Paused:
		return "◆"
	case stats.Stopped:
	}
	return "▼"
}

// word is the state in words, with how long it has been so.
func word(r *stats.Row) string {
	text := r.Status()
	switch r.Type {
	case stats.RowServer:
		if r.Server.Check.Enabled || r.Server.Maint || r.Server.Drain {
			text = age(r.Server.LastChange) + " " + text
		}
	case stats.RowBackend:
		text = age(r.Backend.LastChange) + " " + text
	case stats.RowFrontend, stats.RowListener:
	}
	return text
}

// lastCheck is what the last check came to: "L4CON in 3ms", "L7OK/200 in 12ms".
func lastCheck(c *stats.CheckState) string {
	text := c.Status
	if c.InProgress {
		text = "* " + text
	}
	if c.Code > 0 {
		text += "/" + itoa(int64(c.Code))
	}
	if c.Duration >= 0 {
		text += " in " + itoa(c.Duration) + "ms"
	}
	return strings.TrimSpace(text)
}
