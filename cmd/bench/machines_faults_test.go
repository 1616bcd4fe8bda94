package main

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"bench/chaos/port"
	"bench/internal/result"
)

// portFaults is what can happen to connections and packets where parts are on machines.
const portFaults = `events:
  - {at: steady+400ms, do: connections.kill, args: {only: proxy/web}}
  - {at: steady+700ms, do: connections.reset, args: {only: origin/web.1, for: 400ms}}
  - {at: steady+200ms, do: network.delay, args: {only: origin/web.1, delay: 20ms, for: 300ms}}
  - {at: steady+1200ms, do: network.loss, args: {only: proxy/web, rate: 0.2, direction: upstream, for: 300ms}}
  - {at: steady+1600ms, do: network.partition, args: {only: origin/web.2, for: 200ms}}
  - {at: steady+1900ms, do: network.reject, args: {only: proxy/web, for: 200ms}}
`

// bothWays is a network for a run on one machine, and faults that act on its wires there, and
// at ports on several machines.
const bothWays = `network: {}
events:
  - {at: steady+300ms, do: network.delay, args: {wire: back, only: origin/web.1, delay: 20ms, for: 300ms}}
  - {at: steady+1000ms, do: network.partition, args: {wire: back, only: origin/web.2, for: 200ms}}
  - {at: steady+1500ms, do: connections.reset, args: {wire: front, only: proxy/web, for: 300ms}}
`

// withMaster is the same with a HAProxy whose master starts its workers, withNginx with nginx.
func withMaster() string {
	s := strings.Replace(overMachines, "  onHost: edge\n", "  onHost: edge\n  driver: haproxy\n  reload: master\n", 1)
	return s + `events:
  - {at: steady+500ms, do: proxy.reload}
  - {at: steady+1000ms, do: proxy.reloadBroken}
`
}

func withNginx() string {
	begin, end := strings.Index(overMachines, "  config: |\n"), strings.Index(overMachines, "backends:")
	return strings.Replace(overMachines[:begin], "  onHost: edge\n", "  onHost: edge\n  driver: nginx\n", 1) + `  config: |
    worker_processes 1;
    events { worker_connections 512; }
    http {
        access_log off;
        upstream web {
            {{- range .Backends.web}}
            server {{.Addr}};
            {{- end}}
        }
        server {
            listen {{bind "web"}};
            location / {
                proxy_pass http://web;
                proxy_http_version 1.1;
                proxy_set_header Connection "";
                proxy_set_header Host $http_host;
            }
        }
    }
` + overMachines[end:] + `events:
  - {at: steady+500ms, do: proxy.reload}
  - {at: steady+1000ms, do: proxy.reloadBroken}
`
}

// onOneMachine is a trial without a hub.
const onOneMachine = "a network of one machine, on one"

// Faults of connections and packets act on the machine of the part that they name, and other
// programs are reloaded there as they are here.
func TestRunInflictsElsewhere(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	for _, try := range []struct {
		program, what, scenario string
		failures                bool
	}{
		{"", "faults of ports", overMachines + portFaults, true},
		{"", "a network of one machine, on several", overMachines + bothWays, true},
		{"", onOneMachine, overMachines + bothWays, true},
		{"haproxy", "reload of a master", withMaster(), false},
		{"nginx", "nginx", withNginx(), false},
	} {
		if try.program != "" {
			if _, err := exec.LookPath(try.program); err != nil {
				t.Logf("%s is left out: %v", try.what, err)
				continue
			}
		} else if err := port.Allowed(); err != nil || c.net == nil {
			t.Logf("%s are left out: %v", try.what, err)
			continue
		}
		args := []string{"--hub", c.run}
		if try.what == onOneMachine {
			args = nil
		}
		j := c.begin(try.scenario, args...)
		code := c.end(j)
		if code != exitPass && code != exitUnclear {
			t.Errorf("%s: exit code %d\n%s\n%s", try.what, code, j.out, j.p.Output())
			continue
		}
		cell := c.record(j).Cells[0]
		l := cell.Loads[0]
		if l.Requests == 0 || l.Completed+l.Failed != l.Requests || !try.failures && l.Failed != 0 {
			t.Errorf("%s: %d requests, %d completed, %d failed: %v", try.what, l.Requests, l.Completed, l.Failed, l.FailuresByCause)
		}
		if want := strings.Count(try.scenario, "do: "); len(cell.Events) < want {
			t.Errorf("%s: %d events of %d", try.what, len(cell.Events), want)
		}
		if left := strings.Contains(strings.Join(cell.Warnings, "\n"), "the network of the scenario is for runs on one machine"); left != (strings.Contains(try.scenario, "network: {}") && args != nil) {
			t.Errorf("%s: warnings %q", try.what, cell.Warnings)
		}
		for _, e := range cell.Events {
			if !e.Applied || e.Certificate != nil && (e.Certificate.Verdict == result.Mismatch || !e.Certificate.Gone) {
				t.Errorf("%s: event %s: %+v, %+v", try.what, e.Kind, e, e.Certificate)
			}
		}
		c.nothingLeft()
	}
	// What is impossible is refused before anything begins.
	j := c.begin(overMachines+`events: [{at: 1s, do: network.mtu, args: {only: proxy/web, bytes: 600, for: 1s}}]`, "--hub", c.run)
	if code := c.end(j); code != exitUsage || !strings.Contains(j.p.Output(), "is that of a wire") {
		t.Errorf("exit code %d: %s", code, j.p.Output())
	}
	if left, _ := filepath.Glob(j.dir); len(left) > 0 {
		t.Errorf("left behind: %q", left)
	}
}
