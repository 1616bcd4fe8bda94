package cli

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"bench/proxy/spec"
	"bench/proxy/state"
)

func serverCommands() []Command {
	return []Command{
		{Words: "show backend", Help: "list the backends", Fn: showBackend},
		{Words: "show servers state", Args: "[<backend>]", Help: "dump the state of servers", Fn: showServersState},
		{Words: "show servers conn", Args: "[<backend>]", Help: "dump the connections of servers", Fn: showServersConn},
		{Words: "get weight", Args: "<bk>/<srv>", Help: "report the weight of a server", Fn: getWeight},
		{Words: "set weight", Args: "<bk>/<srv>", Level: AdminLevel, Help: "change the weight of a server (older form of 'set server')", Fn: setWeight},
		{Words: "set server", Args: "<bk>/<srv> [opts]", Level: AdminLevel, Help: "change the state, weight or address of a server", Fn: setServer},
		{Words: "set maxconn server", Args: "<bk>/<srv>", Level: AdminLevel, Help: "change the maxconn of a server", Fn: setMaxConnServer},
		{Words: "enable server", Args: "<bk>/<srv>", Level: AdminLevel, Help: "end maintenance (older form of 'set server')", Fn: setAdmin(state.Ready)},
		{Words: "disable server", Args: "<bk>/<srv>", Level: AdminLevel, Help: "begin maintenance (older form of 'set server')", Fn: setAdmin(state.Maint)},
		{Words: "enable health", Args: "<bk>/<srv>", Level: AdminLevel, Help: "resume the health checks of a server", Fn: enableHealth},
		{Words: "disable health", Args: "<bk>/<srv>", Level: AdminLevel, Help: "suspend the health checks of a server", Fn: disableHealth},
		{Words: "enable agent", Args: "<bk>/<srv>", Level: AdminLevel, Help: "resume the agent checks of a server", Fn: enableAgent},
		{Words: "disable agent", Args: "<bk>/<srv>", Level: AdminLevel, Help: "suspend the agent checks of a server", Fn: disableAgent},
		{Words: "shutdown sessions server", Args: "<bk>/<srv>", Level: AdminLevel, Help: "end the sessions of a server", Fn: shutdownServer},
	}
}

// server finds the server that the first argument names. Without one it says
// why and returns nil.
func (r *request) server() (Server, error) {
	bk, name, ok := r.serverNames()
	if !ok {
		return nil, r.fail(noNames)
	}
	s, err := r.s.engine.Server(bk, name)
	if err != nil {
		return nil, r.refuse(err)
	}
	return s, nil
}

// usedServer is server for commands that change something: of a proxy that is disabled or
// was stopped nothing can be changed.
func (r *request) usedServer() (Server, error) {
	s, err := r.server()
	if s == nil || !s.State().Off {
		return s, err
	}
	return nil, r.fail("Proxy is disabled.")
}

// backends are those that an optional argument names, by name or number.
// Without a match it says so and returns nil.
func (r *request) backends() ([]Backend, error) {
	list := r.s.engine.Backends()
	if r.arg(0) == "" {
		return list, nil
	}
	for _, b := range list {
		if b.Name == r.arg(0) || strconv.Itoa(b.ID) == r.arg(0) {
			return []Backend{b}, nil
		}
	}
	return nil, r.fail("Can't find backend.")
}

func showBackend(r *request) error {
	fmt.Fprintln(r.w, "# name")
	for _, b := range r.s.engine.Backends() {
		if _, err := fmt.Fprintln(r.w, b.Name); err != nil {
			return err
		}
	}
	return nil
}

func getWeight(r *request) error {
	if len(r.arg(0)) > 1 && r.arg(0)[0] == '/' {
		return r.fail("No such backend.") // only here is an empty name looked up
	}
	s, err := r.server()
	if s == nil {
		return err
	}
	st := s.State()
	_, err = fmt.Fprintf(r.w, "%d (initial %d)\n", st.Weight, st.InitialWeight)
	return err
}

func setWeight(r *request) error {
	s, err := r.usedServer()
	if s == nil {
		return err
	}
	return r.changeWeight(s, r.arg(1))
}

// changeWeight sets a weight, absolute or as a percentage of the initial one.
func (r *request) changeWeight(s Server, text string) error {
	if text == "" {
		return r.fail("Require <weight> or <weight%>.")
	}
	st := s.State()
	n, problem := ParseWeight(text, st.InitialWeight, st.FixedWeight)
	if problem != "" {
		return r.complain(problem)
	}
	s.SetWeight(n)
	return nil
}

// ParseWeight reads a weight, absolute or as a percentage of the initial one; fixed:
// the algorithm takes all of that or nothing.
func ParseWeight(text string, initial int, fixed bool) (n int, problem string) {
	n, rest := leadingNumber(text)
	switch {
	case rest == text:
		return 0, "Empty weight string empty or preceded by garbage"
	case rest == "%" && n < 0:
		return 0, "Relative weight must be positive."
	case rest == "%":
		// As many times the least weight is the greatest.
		n = min(min(n, 100*spec.MaxWeight)*initial/100, spec.MaxWeight)
	case n < 0 || n > spec.MaxWeight:
		return 0, "Absolute weight can only be between 0 and 256 inclusive."
	case rest != "":
		return 0, "Trailing garbage in weight string"
	}
	if fixed && n != 0 && n != initial {
		return 0, "Backend is using a static LB algorithm and only accepts weights '0%' and '100%'."
	}
	return n, ""
}

func setMaxConnServer(r *request) error {
	s, err := r.usedServer()
	if s == nil {
		return err
	}
	if r.arg(1) == "" {
		return r.fail("Require <maxconn>.")
	}
	n, problem := ParseMaxConn(r.arg(1))
	if problem != "" {
		return r.complain(problem)
	}
	s.SetMaxConn(n)
	return nil
}

// ParseMaxConn reads a limit of connections.
func ParseMaxConn(text string) (n int, problem string) {
	n, rest := leadingNumber(text)
	switch {
	case rest == text || rest == "" && n < 0:
		return 0, "maxconn string empty or preceded by garbage"
	case rest != "":
		return 0, "Trailing garbage in maxconn string"
	}
	return min(n, math.MaxInt32), ""
}

// leadingNumber is the number that a text begins with, and what follows it: all of the text
// where it begins with none. One that is out of range is the greatest, or the least.
func leadingNumber(text string) (n int, rest string) {
	digits := strings.TrimLeft(text, "-+")
	sign := text[:len(text)-len(digits)]
	end := 0
	for end < len(digits) && digits[end] >= '0' && digits[end] <= '9' {
		end++
	}
	if len(sign) > 1 || end == 0 {
		return 0, text
	}
	n, _ = strconv.Atoi(sign + digits[:end]) // which is the bound where it is out of range
	return n, digits[end:]
}

func setAdmin(a state.Admin) func(*request) error {
	return func(r *request) error {
		s, err := r.usedServer()
		if s == nil {
			return err
		}
		s.SetAdmin(a)
		return nil
	}
}

func enableHealth(r *request) error {
	s, err := r.usedServer()
	if s == nil {
		return err
	}
	if !s.State().HasCheck {
		return r.fail("Health check was not configured on this server, cannot enable.")
	}
	s.EnableCheck(true)
	return nil
}

func disableHealth(r *request) error {
	s, err := r.usedServer()
	if s == nil {
		return err
	}
	if s.State().HasCheck {
		s.EnableCheck(false)
	}
	return nil
}

func enableAgent(r *request) error {
	s, err := r.usedServer()
	if s == nil {
		return err
	}
	if !s.State().HasAgent {
		return r.fail("Agent was not configured on this server, cannot enable.")
	}
	s.EnableAgent(true)
	return nil
}

func disableAgent(r *request) error {
	s, err := r.usedServer()
	if s == nil {
		return err
	}
	s.EnableAgent(false)
	return nil
}

func shutdownServer(r *request) error {
	s, err := r.usedServer()
	if s == nil {
		return err
	}
	s.ShutdownSessions()
	return nil
}
