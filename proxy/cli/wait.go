package cli

import (
	"strconv"
	"time"

	"bench/internal/sock"
	"bench/proxy/state"
)

func waitCommands() []Command {
	return []Command{
		{Words: "wait", Args: "{-h|<delay>} [<condition> [<args>...]]", Level: AdminLevel, Help: "wait for a time, or until a condition holds; -h lists them", Fn: wait},
	}
}

const (
	waitHelp = `wait {-h|<delay>} [<condition> [<args>...]]
  <delay> is in milliseconds, or has a unit: us, ms, s, m, h or d.
  Without a condition the delay is waited for; else it is the longest time.
  Conditions:
    srv-removable <bk>/<srv> : the server can be deleted
`
	// longestWait bounds a delay: a connection is occupied meanwhile.
	longestWait = 24 * time.Hour
	// waitPoll is how often a condition is looked at.
	waitPoll = 20 * time.Millisecond
)

// wait is a command of later versions of the reference, for scripts that delete servers.
func wait(r *request) error {
	if r.arg(0) == "" || r.arg(0) == "-h" || r.arg(1) == "-h" {
		return r.message(sevInfo, waitHelp)
	}
	d, ok := duration(r.arg(0))
	if n, err := strconv.Atoi(r.arg(0)); err == nil {
		d, ok = time.Duration(n)*time.Millisecond, n > 0
	}
	if !ok || d > longestWait {
		return r.fail("Invalid delay: see 'wait -h'.")
	}
	if err := r.w.Flush(); err != nil { // what was answered before does not wait
		return err
	}
	switch r.arg(1) {
	case "":
		r.sleep(d)
		return r.info("Done.")
	case "srv-removable":
		r.args = r.args[2:]
		return r.untilRemovable(d)
	}
	return r.fail("Unknown condition: see 'wait -h'.")
}

// untilRemovable waits until the server that the first argument names can be deleted. It ends
// at once where waiting alone will not lead there.
func (r *request) untilRemovable(most time.Duration) error {
	backend, name, ok := r.serverNames()
	if !ok {
		return r.fail(noNames)
	}
	for end := time.Now().Add(most); ; {
		s, err := r.s.engine.Server(backend, name)
		if err != nil {
			return r.refuse(err)
		}
		switch st := s.State(); {
		case st.Named:
			return r.refuse(ErrServerNamed)
		case st.Admin != state.Maint:
			return r.refuse(ErrNotInMaintenance)
		case !st.Occupied():
			return r.info("Done.")
		case !time.Now().Before(end):
			return r.fail("Wait delay expired.")
		case !r.sleep(min(waitPoll, time.Until(end))):
			return r.fail("Interrupted.")
		}
	}
}

// goneLook is how often whoever waits looks whether anybody still waits for the answer.
const goneLook = 250 * time.Millisecond

// sleep waits. It reports false if the service was closed meanwhile, or the other side has
// gone: the place of a connection is not for those.
func (c *conn) sleep(d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	look := time.NewTicker(goneLook)
	defer look.Stop()
	for {
		select {
		case <-t.C:
			return !sock.HungUp(c.nc)
		case <-c.s.over:
			return false
		case <-look.C:
			if sock.HungUp(c.nc) {
				return false
			}
		}
	}
}
