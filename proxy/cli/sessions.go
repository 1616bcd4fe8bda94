package cli

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"
	"time"
)

func sessionCommands() []Command {
	return []Command{
		{Words: "show sess", Args: "[id|all|older <age>]", Level: Operator, Help: "list the sessions, or those older than that, or all details of one or each", Fn: showSess},
		{Words: "show errors", Args: "[<px>] [request|response]", Level: Operator, Help: "show the last invalid messages", Fn: showErrors},
		{Words: "shutdown session", Args: "[id]", Level: AdminLevel, Help: "end one session", Fn: shutdownSession},
	}
}

// sessionID reads an id as "show sess" prints it.
func sessionID(s string) (uint64, bool) {
	n, err := strconv.ParseUint(strings.TrimPrefix(s, "0x"), 16, 64)
	return n, err == nil && n != 0
}

// showSess lists sessions, or those that are older than a time, or tells all of one or of
// each. Other words list the sessions, as without any.
func showSess(r *request) error {
	now := time.Now()
	want := r.arg(0)
	if want == "all" {
		for s := range r.s.engine.Sessions() {
			if err := r.sessionDetails(s, now); err != nil {
				return err
			}
		}
		return nil
	}
	if id, ok := sessionPointer(want); ok {
		for s := range r.s.engine.Sessions() {
			if s.ID == id {
				return r.sessionDetails(s, now)
			}
		}
		_, err := r.w.WriteString("Session not found.\n") // without a severity, as in the reference
		return err
	}
	least := time.Duration(0)
	if want == "older" {
		d, ok := duration(r.arg(1))
		if !ok {
			return r.fail("Expects a minimum age (in seconds by default).")
		}
		least = d
	}
	for s := range r.s.engine.Sessions() {
		if now.Sub(s.Started) < least {
			continue
		}
		s = r.hideSession(s)
		_, err := fmt.Fprintf(r.w, "0x%x: proto=%s src=%s fe=%s be=%s srv=%s ts=%02d age=%s in=%d out=%d state=%s rq[rx=%s] rp[rx=%s] scf=[fd=%d] scb=[fd=%d] exp=%s rc=%d\n",
			s.ID, s.Proto, s.Source, s.Frontend, cmp.Or(s.Backend, "<NONE>"), cmp.Or(s.Server, "<none>"),
			s.Thread, age(now.Sub(s.Started)), s.BytesIn, s.BytesOut, cmp.Or(s.RequestState, "-"),
			expiry(s.ClientExpires), expiry(s.ServerExpires), s.ClientFD, s.ServerFD, expiry(s.Expires), s.Retries)
		if err != nil {
			return err
		}
	}
	return nil
}

// sessionPointer reads what names a session where other words may stand: a number but 0,
// in hexadecimal digits behind "0x", as "show sess" prints it, else in decimal ones.
func sessionPointer(s string) (uint64, bool) {
	if strings.HasPrefix(s, "0x") {
		return sessionID(s)
	}
	n, err := strconv.ParseUint(s, 10, 64)
	return n, err == nil && n != 0
}

func modeName(http bool) string {
	if http {
		return "http"
	}
	return "tcp"
}

// sessionDetails tells all that is known of a session, line by line as the reference does.
// What it has no word for is left out.
func (r *request) sessionDetails(s *Session, now time.Time) error {
	s = r.hideSession(s)
	fmt.Fprintf(r.w, "0x%x: [%s] id=%d proto=%s source=%s\n", s.ID, s.Started.Format("02/Jan/2006:15:04:05.000000"), s.ID, s.Proto, s.Source)
	fmt.Fprintf(r.w, "  state=%s, conn_retries=%d, thread=%d\n", cmp.Or(s.RequestState, "-"), s.Retries, s.Thread)
	fmt.Fprintf(r.w, "  frontend=%s (id=%d mode=%s), listener=%s (id=%d) addr=%s\n", s.Frontend, s.FrontendID, modeName(s.FrontendHTTP), cmp.Or(s.Listener, "?"), s.ListenerID, s.ListenerAddr)
	if s.Backend == "" {
		fmt.Fprintln(r.w, "  backend=<NONE> (id=-1 mode=-)")
	} else {
		fmt.Fprintf(r.w, "  backend=%s (id=%d mode=%s)\n", s.Backend, s.BackendID, modeName(s.BackendHTTP))
	}
	if s.Server == "" {
		fmt.Fprintln(r.w, "  server=<NONE> (id=-1)")
	} else {
		fmt.Fprintf(r.w, "  server=%s (id=%d) addr=%s\n", s.Server, s.ServerID, cmp.Or(s.ServerAddr, "?"))
	}
	fmt.Fprintf(r.w, "  task: exp=%s age=%s\n", never(s.Expires), age(now.Sub(s.Started)))
	mux := "PASS"
	switch {
	case s.Muxed:
		mux = "H2"
	case s.HTTP:
		mux = "H1"
	}
	if s.HTTP {
		status := -1
		if s.Status != 0 {
			status = s.Status
		}
		fmt.Fprintf(r.w, "  txn: status=%d\n", status)
	}
	fmt.Fprintf(r.w, "  scf: co0 ctrl=%s xprt=%s mux=%s fd=%d\n", s.Proto, layerName(s.ClientTLS), mux, s.ClientFD)
	if s.ServerFD >= 0 {
		mux = "PASS"
		if s.BackendHTTP {
			mux = "H1"
		}
		fmt.Fprintf(r.w, "  scb: co1 xprt=%s mux=%s fd=%d\n", layerName(s.ServerTLS), mux, s.ServerFD)
	}
	fmt.Fprintf(r.w, "  req: total=%d rex=%s\n", s.BytesIn, never(s.ClientExpires))
	_, err := fmt.Fprintf(r.w, "  res: total=%d rex=%s\n", s.BytesOut, never(s.ServerExpires))
	return err
}

// layerName is what bytes go through on their way.
func layerName(tls bool) string {
	if tls {
		return "SSL"
	}
	return "RAW"
}

// never is how long it is until a time-out, in words if there is none.
func never(d time.Duration) string { return cmp.Or(expiry(d), "<NEVER>") }

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
			fmt.Fprintf(r.w, "  backend %s (#%d)", cmp.Or(e.Backend, "<NONE>"), e.BackendID)
		}
		fmt.Fprintf(r.w, ", server %s (#%d), event #%d, src %s\n", cmp.Or(e.Server, "<NONE>"), serverNumber(e), e.ID, e.Source)
		fmt.Fprintf(r.w, "  len %d, error at position %d, state %s :\n  \n", len(e.Data), e.Pos, cmp.Or(e.State, "-"))
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
