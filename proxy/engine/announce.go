package engine

import (
	"fmt"
	"os"
	"strings"

	"bench/proxy/check"
	"bench/proxy/log"
	"bench/proxy/mail"
	"bench/proxy/server"
	"bench/proxy/state"
)

// The texts are those monitoring tools look for in the logs of the reference.

// because is how messages give a reason, "" for none.
func because(why string) string {
	if why == "" {
		return ""
	}
	return ", reason: " + why
}

// announceHealth tells operators that checks, the runtime API or another server changed
// the state of a server; how says which.
func (e *Engine) announceHealth(s *server.Server, how string, requeued int) {
	what := "is UP"
	switch s.Health() {
	case state.Down:
		e.mail(s, log.Alert, e.serverMessage(s, log.Alert, "is DOWN"+how, requeued))
		return
	case state.Stopping:
		what = "is stopping"
	case state.Up:
	}
	active, backup, _ := s.Backend.Count()
	text := fmt.Sprintf("%s %s%s. %d active and %d backup servers online.%s %d sessions requeued, %d total in queue.",
		title(s), what, how, active, backup, onBackup(active, backup), requeued, s.Queued.Load())
	e.proxyMessage(s.Backend.Spec.Index, log.Notice, text)
	if s.Health() == state.Up {
		e.mail(s, log.Notice, text)
	}
	e.announceEmpty(s.Backend)
}

// preparePost makes what sends mail about the servers of each proxy.
func (e *Engine) preparePost() {
	host, _ := os.Hostname()
	e.post = make([]*mail.Post, len(e.cfg.Proxies))
	for i, p := range e.cfg.Proxies {
		if p.Mail != nil {
			e.post[i] = mail.New(p.Mail, host)
		}
	}
}

// mail tells by mail what befell a server, if that is wanted.
func (e *Engine) mail(s *server.Server, level log.Level, text string) {
	e.post[s.Backend.Spec.Index].Send(int(level), text)
}

// announceCheck reports a check as "option log-health-checks" asks for: how it went,
// and how many checks of how many the server is away from the other state. who is
// "Health" or "Agent".
func (e *Engine) announceCheck(who string, s *server.Server, r check.Result, h check.Health) {
	kind := ""
	if s.Spec.Backup {
		kind = "backup "
	}
	outcome := "failed"
	switch {
	case r.Status == check.L7OKC:
		outcome = "conditionally succeeded"
	case r.Status.OK():
		outcome = "succeeded"
	}
	if r.Remark != "" {
		r.Output = r.Remark
	}
	cur, of, state := h.Cur, h.Rise, "DOWN"
	if h.Up() {
		cur, of, state = h.Cur-h.Rise+1, h.Fall, "UP"
		if s.Weight() == 0 {
			state = "DRAIN"
		}
	}
	text := fmt.Sprintf("%s check for %sserver %s/%s %s, reason: %s, status: %d/%d %s.",
		who, kind, s.Backend.Spec.Name, s.Spec.Name, outcome, reason(r), cur, of, state)
	e.proxyMessage(s.Backend.Spec.Index, log.Notice, text)
	e.mail(s, log.Info, text)
}

// title names a server in messages.
func title(s *server.Server) string {
	kind := "Server"
	if s.Spec.Backup {
		kind = "Backup Server"
	}
	return fmt.Sprintf("%s %s/%s", kind, s.Backend.Spec.Name, s.Spec.Name)
}

// serverMessage reports a server that gets no new sessions, with what is left,
// and a backend that lost its last server by it. It returns what was said of the server.
func (e *Engine) serverMessage(s *server.Server, level log.Level, what string, requeued int) (text string) {
	p := s.Backend.Spec
	active, backup, _ := s.Backend.Count()
	text = fmt.Sprintf("%s %s. %d active and %d backup servers left.%s %d sessions active, %d requeued, %d remaining in queue.",
		title(s), what, active, backup, onBackup(active, backup), s.Cur.Load(), requeued, s.Queued.Load())
	e.proxyMessage(p.Index, level, text)
	e.announceEmpty(s.Backend)
	return text
}

func onBackup(active, backup int) string {
	if active == 0 && backup > 0 {
		return " Running on backup."
	}
	return ""
}

// reason says why a check changed the state of a server.
func reason(r check.Result) string {
	text := r.Status.Describe()
	if r.Coded() {
		text += fmt.Sprintf(", code: %d", r.Code)
	}
	if r.Output != "" {
		text += `, info: "` + escaped(r.Output) + `"`
	}
	if r.Duration < 0 {
		return text // nobody has checked
	}
	return text + fmt.Sprintf(", check duration: %dms", r.Duration.Milliseconds())
}

// escaped writes what has no place in a line, or between quotes, by its number.
func escaped(s string) string {
	var b strings.Builder
	for i := range len(s) {
		if c := s[i]; c < ' ' || c > '~' || c == '"' {
			fmt.Fprintf(&b, "<%02X>", c)
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}
