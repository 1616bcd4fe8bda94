package engine

import (
	"fmt"

	"bench/proxy/log"
	"bench/proxy/server"
	"bench/proxy/state"
)

// announceAdmin tells operators that what has been decided about a server, or the one that
// it follows, has changed; why is who says so, "" for nobody in particular.
func (e *Engine) announceAdmin(s *server.Server, was, is server.Orders, why string, requeued int) {
	before, now := was.All(), is.All()
	if why != "" {
		why = " (" + why + ")"
	}
	switch maint := state.OrderMaint; {
	case now&maint == 0 && before&maint != 0:
		e.announceReturn(s, was, is)
	case now&maint != 0 && before&maint == 0:
		if is.Own&maint == 0 {
			why += e.viaTracked(s)
		}
		e.announceMaint(s, before, why, requeued)
	case now&maint != 0:
		e.announceStay(s, was, is)
	}
	if now&state.OrderMaint == 0 {
		e.announceDrain(s, was, is, why, requeued)
	}
	e.announceEmpty(s.Backend)
}

// tell says something of a server in the logs of its proxy.
func (e *Engine) tell(s *server.Server, text string) {
	e.proxyMessage(s.Backend.Spec.Index, log.Notice, title(s)+" "+text)
}

// viaTracked names the server that s follows, "" if it follows none.
func (e *Engine) viaTracked(s *server.Server) string {
	if to := e.tracked(s); to != nil {
		return " via " + via(to)
	}
	return ""
}

// announceMaint tells that a server goes into maintenance.
func (e *Engine) announceMaint(s *server.Server, before state.Orders, how string, requeued int) {
	if s.Health() == state.Down {
		e.tell(s, "was DOWN and now enters maintenance"+how+".")
		return
	}
	level := log.Alert
	if before&state.OrderDrain != 0 {
		level = log.Notice // nobody was using it
	}
	e.serverMessage(s, level, "is going DOWN for maintenance"+how, requeued)
}

// announceReturn tells that a server has left maintenance, and by what.
func (e *Engine) announceReturn(s *server.Server, was, is server.Orders) {
	what := upOrDown(s) + "/READY"
	if is.All()&state.OrderDrain != 0 {
		what = upOrDown(s) + "/DRAIN"
	}
	switch {
	case was.Own&state.OrderMaint != 0:
		e.tell(s, "is "+what+" (leaving forced maintenance).")
	case was.Unresolved:
		e.tell(s, fmt.Sprintf("('%s') is %s (resolves again).", s.Host(), what))
	default:
		e.tell(s, "is "+what+" (leaving maintenance).")
	}
}

// announceStay tells that something else keeps a server in maintenance.
func (e *Engine) announceStay(s *server.Server, was, is server.Orders) {
	switch gone := was.Own &^ is.Own; {
	case gone&state.OrderMaint != 0:
		e.tell(s, "is leaving forced maintenance but remains in maintenance"+e.viaTracked(s)+".")
	case was.Unresolved && !is.Unresolved:
		e.tell(s, fmt.Sprintf("('%s') resolves again but remains in maintenance.", s.Host()))
	case was.Inherited&^is.Inherited&state.OrderMaint != 0:
		e.tell(s, "remains in forced maintenance.")
	}
}

// announceDrain tells of a server that is not in maintenance whether it is to get new
// sessions.
func (e *Engine) announceDrain(s *server.Server, was, is server.Orders, why string, requeued int) {
	before, now := was.All()&state.OrderDrain != 0, is.All()&state.OrderDrain != 0
	own := is.Own&state.OrderDrain != 0
	switch {
	case !before && now:
		if !own {
			why += e.viaTracked(s)
		}
		active, backup, _ := s.Backend.Count()
		text := fmt.Sprintf("enters drain state%s. %d active and %d backup servers online.%s %d sessions requeued, %d total in queue.",
			why, active, backup, onBackup(active, backup), requeued, s.Queued.Load())
		e.tell(s, text)
		e.mail(s, log.Notice, title(s)+" "+text)
	case before && !now:
		e.tell(s, "is "+upOrDown(s)+" (leaving forced drain).")
	case now && own:
		e.tell(s, "remains in forced drain mode.")
	case now:
		e.tell(s, "is leaving forced drain but remains in drain mode"+e.viaTracked(s)+".")
	}
}

func upOrDown(s *server.Server) string {
	if s.Health() == state.Down {
		return "DOWN"
	}
	return "UP"
}
