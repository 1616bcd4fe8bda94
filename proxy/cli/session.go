package cli

import (
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"
)

func connCommands() []Command {
	return []Command{
		{Words: "help", Args: "[<command>]", Help: "list matching or all commands", Fn: func(r *request) error { return r.message(sevInfo, r.s.table.Help(r.args, r.expert)) }},
		{Words: "prompt", Help: "switch the interactive mode on or off", Fn: func(r *request) error { r.prompt = !r.prompt; return nil }},
		{Words: "quit", Help: "disconnect", Fn: func(r *request) error { r.quit = true; return nil }},
		{Words: "show cli level", Help: "show the level of this connection", Fn: func(r *request) error { return r.info(r.access.Level.String()) }},
		{Words: "show cli sockets", Help: "list the stats sockets", Fn: showSockets},
		{Words: "user", Help: "lower the level of this connection to user", Fn: lower(User)},
		{Words: "operator", Level: Operator, Help: "lower the level of this connection to operator", Fn: lower(Operator)},
		{Words: "set timeout", Args: "[cli] <delay>", Help: "change the timeout of this connection", Fn: setTimeout},
		{Words: "set severity-output", Args: "[none|number|string]", Help: "show the severity of answers", Fn: setSeverity},
		{Words: "expert-mode", Args: "[on|off]", Level: AdminLevel, Hidden: true, Help: "allow commands for experts", Fn: mode("expert-mode", func(c *conn) *bool { return &c.expert })},
		{Words: "experimental-mode", Args: "[on|off]", Level: AdminLevel, Hidden: true, Help: "allow experimental commands", Fn: mode("experimental-mode", func(c *conn) *bool { return &c.experimental })},
		{Words: "_getsocks", Level: AdminLevel, Hidden: true, Help: "pass the listeners on", Fn: getSocks},
	}
}

func lower(to Level) func(*request) error {
	return func(r *request) error {
		r.access.Level = min(r.access.Level, to)
		r.expert, r.experimental = false, false
		return nil
	}
}

func showSockets(r *request) error {
	fmt.Fprintln(r.w, "# socket lvl processes")
	for _, s := range r.s.engine.Sockets() {
		if _, err := fmt.Fprintf(r.w, "%s %s all\n", s.Addr, s.Level); err != nil {
			return err
		}
	}
	return nil
}

// setTimeout takes seconds, or a number with a unit.
func setTimeout(r *request) error {
	if r.arg(0) != "cli" {
		return r.fail("'set timeout' only supports 'cli'.")
	}
	if r.arg(1) == "" {
		return r.fail("Expects an integer value.")
	}
	d, ok := duration(r.arg(1))
	if !ok {
		return r.fail("Invalid timeout value.")
	}
	r.timeout = d
	return nil
}

func duration(s string) (time.Duration, bool) {
	units := []struct {
		suffix string
		unit   time.Duration
	}{{"us", time.Microsecond}, {"ms", time.Millisecond}, {"s", time.Second}, {"m", time.Minute}, {"h", time.Hour}, {"d", 24 * time.Hour}, {"", time.Second}}
	for _, u := range units {
		if digits, ok := strings.CutSuffix(s, u.suffix); ok {
			n, err := strconv.ParseInt(digits, 10, 32)
			d := time.Duration(n) * u.unit
			return d, err == nil && n > 0 && d/u.unit == time.Duration(n)
		}
	}
	return 0, false
}

func setSeverity(r *request) error {
	styles := map[string]severityStyle{"none": severityNone, "number": severityNumber, "string": severityString}
	style, ok := styles[r.arg(0)]
	if !ok {
		return r.fail("one of 'none', 'number', 'string' is a required argument")
	}
	r.severity = style
	return nil
}

// mode shows or changes a switch of the connection.
func mode(name string, of func(*conn) *bool) func(*request) error {
	return func(r *request) error {
		v := of(r.conn)
		switch r.arg(0) {
		case "":
			state := "OFF"
			if *v {
				state = "ON"
			}
			return r.info(name + " is " + state)
		case "on":
			*v = true
		default:
			*v = false
		}
		return nil
	}
}

// getSocks passes the listeners to the process at the other end and ends the
// connection: it belongs to the transfer from then on.
func getSocks(r *request) error {
	r.quit = true
	u, ok := r.nc.(*net.UnixConn)
	if !ok || !r.access.ExposeFDs {
		return nil
	}
	if err := r.w.Flush(); err != nil {
		return err
	}
	// The transfer is a dialogue of its own with a bounded number of steps.
	_ = u.SetDeadline(time.Now().Add(r.timeout))
	return r.s.engine.SendListeners(u)
}
