package cli

import (
	"strings"
	"testing"
	"time"
)

func TestWait(t *testing.T) {
	e := newFake()
	busy := e.backends[0].Servers[2].(*fakeServer) // in maintenance
	busy.state.Sessions = 1
	s, path := start(t, e, Options{}, Access{Level: AdminLevel})
	for line, want := range map[string]string{
		"wait": waitHelp, "wait -h": waitHelp, "wait -h srv-removable be/s1": waitHelp, "wait 5 -h": waitHelp,
		"wait 1": "Done.\n", "wait 2ms": "Done.\n", "wait 1500us": "Done.\n",
		"wait 0": "Invalid delay: see 'wait -h'.\n", "wait x": "Invalid delay: see 'wait -h'.\n", "wait x what": "Invalid delay: see 'wait -h'.\n", "wait -1": "Invalid delay: see 'wait -h'.\n", "wait 25h": "Invalid delay: see 'wait -h'.\n",
		"wait 5 what": "Unknown condition: see 'wait -h'.\n", "wait 5 srv-removable": "Require 'backend/server'.\n", "wait 5 srv-removable be": "Require 'backend/server'.\n",
		"wait 5 srv-removable be/nobody": "No such server.\n", "wait 5 srv-removable nobody/x": "No such backend.\n",
		"wait 5 srv-removable be/s3": "Wait delay expired.\n", "wait 1m srv-removable be/s1": "Only servers in maintenance mode can be deleted.\n", "wait 1m srv-removable be/s5": "Done.\n",
	} {
		if got := strings.TrimSuffix(ask(t, path, line), "\n"); got != want {
			t.Errorf("%s: %q, want %q", line, got, want)
		}
	}
	for _, st := range []ServerState{{Sessions: 1}, {Queued: 1}, {Used: 1}, {Idle: 1}} {
		if !st.Occupied() {
			t.Errorf("%+v is not occupied", st)
		}
	}
	// A service that is closed does not wait for those who do.
	c := dial(t, path)
	_, _ = c.Write([]byte("show version; wait 1h\n"))
	_ = readFor(c, 50*time.Millisecond)
	// Who may not delete servers need not wait for that.
	_, path = start(t, e, Options{}, Access{Level: Operator})
	if got := ask(t, path, "wait 1"); got != "Permission denied\n\n" {
		t.Errorf("an operator: %q", got)
	}
	closed := make(chan struct{})
	go func() { s.Close(); close(closed) }()
	select {
	case <-closed:
	case <-time.After(10 * time.Second):
		t.Error("the service waits")
	}
}
