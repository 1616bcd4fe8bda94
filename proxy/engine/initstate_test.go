package engine_test

import (
	"fmt"
	"path/filepath"
	"testing"
	"time"
)

const initStateConfig = `
global
    stats socket %[1]s/stats mode 600 level admin
defaults
    mode http
    timeout client 5s
    timeout server 5s
    timeout connect 1s
    default-server inter 2s rise 2
frontend fe
    bind unix@%[1]s/fe
    default_backend be
backend be
    default-server init-state fully-down disabled
    server unchecked %[2]s enabled
    server up %[2]s check init-state up
    server down %[2]s check init-state down
    server fully-down %[2]s check
`

// TestInitState has servers leave maintenance, and looks at them from then on, through the
// first check.
func TestInitState(t *testing.T) {
	dir := t.TempDir()
	startConfig(t, fmt.Sprintf(initStateConfig, dir, upstream(t, "a")))
	socket := filepath.Join(dir, "stats")
	state := func(server string) string {
		return cells(ask(t, socket, "show stat"))["be/"+server]["status"]
	}
	if got := state("unchecked"); got != "no check" {
		t.Errorf("unchecked is %q", got)
	}
	for _, server := range []string{"up", "down", "fully-down"} {
		ask(t, socket, "enable server be/"+server)
	}
	want := map[string]string{"up": "UP", "down": "UP", "fully-down": "DOWN 1/2"}
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline) && len(want) > 0; time.Sleep(10 * time.Millisecond) {
		for server, status := range want {
			if state(server) == status {
				delete(want, server)
			}
		}
	}
	if len(want) > 0 {
		t.Errorf("in vain: %v", want)
	}
}
