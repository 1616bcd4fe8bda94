package proxy

import (
	"fmt"

	"bench/proxy/log"
	"bench/proxy/server"
)

// announce tells operators that a server changed state, and a backend that
// lost its last server.
func (e *Engine) announce(s *server.Server, why string) {
	b := s.Backend
	active, backup, _ := b.Count()
	level := log.Notice
	word := "UP"
	switch {
	case s.Admin() == server.Maint:
		word = "in maintenance"
		level = log.Warning
	case s.Health() == server.Down:
		word = "DOWN"
		level = log.Alert
	case s.Admin() == server.Drain:
		word = "draining"
	case s.Health() == server.Stopping:
		word = "stopping"
	}
	text := fmt.Sprintf("Server %s/%s is %s, reason: %s. %d active and %d backup servers left. %d sessions active, %d waiting in queue.",
		b.Spec.Name, s.Spec.Name, word, why, active, backup, s.Cur.Load(), b.Queued.Load())
	e.proxyMessage(b.Spec.Index, level, text)
	if active+backup == 0 {
		e.proxyMessage(b.Spec.Index, log.Emergency, fmt.Sprintf("proxy %s has no server available!", b.Spec.Name))
	}
}
