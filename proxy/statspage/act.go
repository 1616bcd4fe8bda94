package statspage

import (
	"errors"
	"net/url"
	"slices"
	"strings"

	"bench/proxy/cli"
	"bench/proxy/state"
)

// What became of an action, as the reference's answers have it.
const (
	statusDenied  = "DENY"
	statusDone    = "DONE"
	statusInvalid = "ERRP"
	statusTooLong = "EXCD"
	statusNothing = "NONE"
	statusPart    = "PART"
	statusUnknown = "UNKN"
)

// statusText is a status in words, "" for what is none.
func statusText(status string) string {
	switch status {
	case statusDenied:
		return "Action denied."
	case statusDone:
		return "Action processed successfully."
	case statusInvalid:
		return "Action not processed because of invalid parameters: the action may be unknown, or the backend or servers may not exist."
	case statusTooLong:
		return "Action not processed: the buffer could not store all the data. Select fewer servers at a time."
	case statusNothing:
		return "Nothing has changed."
	case statusPart:
		return "Action partially processed: some servers were not changed, or do not exist."
	case statusUnknown:
		return "Unexpected result."
	}
	return ""
}

// action changes a server, and reports whether it did.
type action struct {
	name, label string // without a label: an older form
	do          func(s cli.Server, st *cli.ServerState) bool
}

// actions are those of the form, in its order, then older forms of them.
func actions() []action {
	always := func(do func(cli.Server)) func(cli.Server, *cli.ServerState) bool {
		return func(s cli.Server, _ *cli.ServerState) bool { do(s); return true }
	}
	admin := func(a state.Admin) func(cli.Server, *cli.ServerState) bool {
		return always(func(s cli.Server) { s.SetAdmin(a) })
	}
	health := func(h state.Health) func(cli.Server, *cli.ServerState) bool {
		return always(func(s cli.Server) { s.SetHealth(h) })
	}
	checks := func(on bool) func(cli.Server, *cli.ServerState) bool {
		return func(s cli.Server, st *cli.ServerState) bool {
			if st.HasCheck {
				s.EnableCheck(on)
			}
			return st.HasCheck
		}
	}
	// order gives one order, or takes it back, and leaves the others as they are.
	order := func(what state.Orders, on bool, why string) func(cli.Server, *cli.ServerState) bool {
		return func(s cli.Server, st *cli.ServerState) bool {
			if (st.Own&what != 0) == on {
				return false
			}
			s.Order(what, on, why)
			return true
		}
	}
	agent := func(do func(cli.Server)) func(cli.Server, *cli.ServerState) bool {
		return func(s cli.Server, st *cli.ServerState) bool {
			if st.HasAgent {
				do(s)
			}
			return st.HasAgent
		}
	}
	return []action{
		{"ready", "Set state to READY", admin(state.Ready)},
		{"drain", "Set state to DRAIN", admin(state.Drain)},
		{"maint", "Set state to MAINT", admin(state.Maint)},
		{"dhlth", "Health: disable checks", checks(false)},
		{"ehlth", "Health: enable checks", checks(true)},
		{"hrunn", "Health: force UP", health(state.Up)},
		{"hnolb", "Health: force NOLB", health(state.Stopping)},
		{"hdown", "Health: force DOWN", health(state.Down)},
		{"dagent", "Agent: disable checks", agent(func(s cli.Server) { s.EnableAgent(false) })},
		{"eagent", "Agent: enable checks", agent(func(s cli.Server) { s.EnableAgent(true) })},
		{"arunn", "Agent: force UP", agent(func(s cli.Server) { s.SetAgentHealth(true) })},
		{"adown", "Agent: force DOWN", agent(func(s cli.Server) { s.SetAgentHealth(false) })},
		{"shutdown", "Kill sessions", always(func(s cli.Server) { s.ShutdownSessions() })},
		{"disable", "", order(state.OrderMaint, true, "'disable' on stats page")},
		{"enable", "", order(state.OrderMaint, false, "")},
		{"stop", "", order(state.OrderDrain, true, "'stop' on stats page")},
		{"start", "", order(state.OrderDrain, false, "")},
	}
}

// longestPair is the longest name with its value that a form may have.
const longestPair = 2047

// act carries out what a form asks for and says what became of it.
func (v *visit) act() string {
	switch {
	case !v.Admin || v.foreign():
		return statusDenied
	case !v.Complete:
		return statusTooLong
	}
	var backend, name *string
	var servers []string
	// Read from the end, as the reference does: the last word on backend and action
	// counts, and what stands before a pair that cannot be decoded does not.
	pairs := strings.Split(string(v.Content), "&")
	for _, pair := range slices.Backward(pairs) {
		if len(pair) > longestPair {
			return statusInvalid
		}
		key, value, _ := strings.Cut(pair, "=")
		key, err1 := url.QueryUnescape(key)
		value, err2 := url.QueryUnescape(value)
		if err1 != nil || err2 != nil {
			break
		}
		switch {
		case key == "b" && backend == nil:
			backend = &value
		case key == "action" && name == nil:
			name = &value
		case key == "s":
			servers = append(servers, value)
		}
	}
	slices.Reverse(servers)
	return v.apply(backend, name, servers)
}

// apply carries an action out on servers; what was not said is nil.
func (v *visit) apply(backend, name *string, servers []string) string {
	var chosen *action
	for _, a := range actions() {
		if name != nil && a.name == *name {
			chosen = &a
		}
	}
	switch {
	case backend != nil && !v.backendExists(*backend), name != nil && chosen == nil:
		return statusInvalid
	case backend == nil || chosen == nil || len(servers) == 0:
		return statusNothing
	}
	total, altered := 0, 0
	for _, s := range servers {
		h, err := v.engine.Server(*backend, s)
		if err != nil {
			total++
			continue
		}
		st := h.State()
		if chosen.do(h, &st) {
			total++
			altered++
		}
	}
	switch {
	case total == 0:
		return statusNothing
	case altered == 0:
		return statusInvalid
	case altered < total:
		return statusPart
	}
	return statusDone
}

// foreign tells whether a browser has sent the form from another page: the reference's
// other clients say nothing about that.
func (v *visit) foreign() bool {
	if site := v.Get("sec-fetch-site"); site != nil {
		return string(site) != "same-origin" && string(site) != "none"
	}
	origin := string(v.Get("origin"))
	if origin == "" {
		return false
	}
	_, host, ok := strings.Cut(origin, "://")
	return !ok || !strings.EqualFold(host, string(v.Host()))
}

// backendExists looks a backend up by its name or number.
func (v *visit) backendExists(name string) bool {
	_, err := v.engine.Server(name, "")
	return !errors.Is(err, cli.ErrNoBackend)
}
