package cli

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

func sessionCommands() []Command {
	return []Command{
		{Words: "show sess", Args: "[id]", Level: Operator, Help: "list the sessions, or tell all of one", Fn: showSess},
		{Words: "show errors", Args: "[<px>] [request|response]", Level: Operator, Help: "show the last invalid messages", Fn: showErrors},
		{Words: "shutdown session", Args: "[id]", Level: AdminLevel, Help: "end one session", Fn: shutdownSession},
	}
}

// sessionID reads an id as "show sess" prints it.
func sessionID(s string) (uint64, bool) {
	n, err := strconv.ParseUint(strings.TrimPrefix(s, "0x"), 16, 64)
	return n, err == nil && n != 0
}

func orNone(s, none string) string {
	if s == "" {
		return none
	}
	return s
}

func showSess(r *request) error {
	now := time.Now()
	list := r.s.engine.Sessions()
	want := r.arg(0)
	id, isID := sessionID(want)
	if strings.HasPrefix(want, "0x") && !isID {
		return r.fail("Session not found.")
	}
	// Words other than an id or "all" list the sessions, as without any.
	switch {
	case want == "all" || strings.HasPrefix(want, "0x"):
		found := false
		for i := range list {
			if want != "all" && list[i].ID != id {
				continue
			}
			found = true
			if err := r.sessionDetails(&list[i], now); err != nil {
				return err
			}
		}
		if !found && want != "all" {
			return r.fail("Session not found.")
		}
		return nil
	}
	for i := range list {
		s := &list[i]
		_, err := fmt.Fprintf(r.w, "0x%x: proto=%s src=%s fe=%s be=%s srv=%s ts=%02d age=%s in=%d out=%d state=%s fd=[%d,%d] exp=%s rc=%d\n",
			s.ID, s.Proto, s.Source, s.Frontend, orNone(s.Backend, "<NONE>"), orNone(s.Server, "<none>"),
			s.Thread, age(now.Sub(s.Started)), s.BytesIn, s.BytesOut, orNone(s.RequestState, "-"),
			s.ClientFD, s.ServerFD, expiry(s.Expires), s.Retries)
		if err != nil {
			return err
		}
	}
	return nil
}

func (r *request) sessionDetails(s *Session, now time.Time) error {
	mode := "tcp"
	if s.HTTP {
		mode = "http"
	}
	_, err := fmt.Fprintf(r.w, `0x%x: [%s] proto=%s source=%s
  thread=%d, conn_retries=%d, exp=%s age=%s state=%s
  frontend=%s (mode=%s)
  backend=%s
  server=%s addr=%s
  fd=[%d,%d] in=%d out=%d
`, s.ID, s.Started.Format("02/Jan/2006:15:04:05.000000"), s.Proto, s.Source,
		s.Thread, s.Retries, orNone(expiry(s.Expires), "<NEVER>"), age(now.Sub(s.Started)), orNone(s.RequestState, "-"),
		s.Frontend, mode, orNone(s.Backend, "<NONE>"), orNone(s.Server, "<NONE>"), orNone(s.ServerAddr, "<NONE>"),
		s.ClientFD, s.ServerFD, s.BytesIn, s.BytesOut)
	return err
}

// age writes a duration by its two highest units: 3s, 1m2s, 2h5m, 1d3h.
func age(d time.Duration) string {
	s := int64(max(0, d) / time.Second)
	switch {
	case s < 60:
		return fmt.Sprintf("%ds", s)
	case s < 3600:
		return fmt.Sprintf("%dm%ds", s/60, s%60)
	case s < 86400:
		return fmt.Sprintf("%dh%dm", s/3600, s/60%60)
	}
	return fmt.Sprintf("%dd%dh", s/86400, s/3600%24)
}

func expiry(d time.Duration) string {
	if d <= 0 {
		return ""
	}
	return age(d)
}

func shutdownSession(r *request) error {
	id, ok := sessionID(r.arg(0))
	if !ok || !strings.HasPrefix(r.arg(0), "0x") {
		return r.fail("Session pointer expected (use 'show sess').")
	}
	if !r.s.engine.ShutdownSession(id) {
		return r.fail("No such session (use 'show sess').")
	}
	return nil
}

func showErrors(r *request) error {
	list, total := r.s.engine.Errors()
	only := -1
	if want := r.arg(0); want != "" && want != "-1" {
		id, ok := r.proxyID(want)
		if !ok {
			return r.fail("No such proxy.")
		}
		only = id
	}
	const date = "02/Jan/2006:15:04:05.000"
	fmt.Fprintf(r.w, "Total events captured on [%s] : %d\n", time.Now().Format(date), total)
	for i := range list {
		e := &list[i]
		if only != -1 && e.FrontendID != only && e.BackendID != only ||
			r.arg(1) == "request" && e.Response || r.arg(1) == "response" && !e.Response {
			continue
		}
		kind, owner, id := "request", "frontend "+e.Frontend, e.FrontendID
		if e.Response {
			kind, owner, id = "response", "backend "+e.Backend, e.BackendID
		}
		fmt.Fprintf(r.w, " \n[%s] %s (#%d): invalid %s\n", e.When.Format(date), owner, id, kind)
		if e.Response {
			fmt.Fprintf(r.w, "  frontend %s (#%d)", e.Frontend, e.FrontendID)
		} else {
			fmt.Fprintf(r.w, "  backend %s (#%d)", orNone(e.Backend, "<NONE>"), e.BackendID)
		}
		fmt.Fprintf(r.w, ", server %s (#%d), event #%d, src %s\n", orNone(e.Server, "<NONE>"), serverNumber(e), e.ID, e.Source)
		fmt.Fprintf(r.w, "  len %d, error at position %d, state %s :\n  \n", len(e.Data), e.Pos, orNone(e.State, "-"))
		if _, err := r.w.WriteString(dump(e.Data)); err != nil {
			return err
		}
	}
	return nil
}

func serverNumber(e *CapturedError) int {
	if e.Server == "" {
		return -1
	}
	return e.ServerID
}

// dumpWidth is the number of characters of message text on a line of a dump.
const dumpWidth = 70

// dump shows a message line by line with offsets; lines that begin within a
// line of the message are marked with a plus sign.
func dump(p []byte) string {
	var b strings.Builder
	for i := 0; i < len(p); {
		mark := " "
		if i > 0 && p[i-1] != '\n' {
			mark = "+"
		}
		fmt.Fprintf(&b, "  %05d%s ", i, mark)
		for width := 0; i < len(p); {
			c := visible(p[i])
			if width += len(c); width > dumpWidth {
				break
			}
			b.WriteString(c)
			i++
			if p[i-1] == '\n' {
				break
			}
		}
		b.WriteByte('\n')
	}
	return b.String()
}

func visible(c byte) string {
	switch {
	case c == '\n':
		return `\n`
	case c == '\r':
		return `\r`
	case c == '\t':
		return `\t`
	case c == '\\':
		return `\\`
	case c < ' ' || c > '~':
		return fmt.Sprintf(`\x%02X`, c)
	}
	return string(rune(c))
}
