package main

import (
	"fmt"
	"strings"
	"testing"

	"bench/backends/fault"
	"bench/internal/result"
	"bench/internal/testpeer"
	"bench/netns"
	"bench/scenarios/format"
)

// effects is a scenario in which backend web has clients and backend idle has none. The
// proxy makes no second try at a connection: it would wait for a second before it, and
// with all clients waiting no request would come meanwhile, to whatever fault is next.
const effects = `version: 1
name: effects
NETWORK
proxy:
  driver: builtin
  config: |
    global
        stats socket {{.Stats}} mode 600 level admin expose-fd listeners
    defaults
        mode http
        timeout connect 1s
        timeout client 10s
        timeout server 10s
        retries 0
    frontend web
        bind {{bind "web"}}
        default_backend web
    backend web
    {{- range .Backends.web}}
        server {{.Name}} {{.Addr}}
    {{- end}}
    backend idle
    {{- range .Backends.idle}}
        server {{.Name}} {{.Addr}}
    {{- end}}
backends:
  - {name: web, body: 8KiB}
  - {name: idle}
load:
  - name: clients
    target: proxy/web
    connections: {pool: 4, requestsPerConnection: 5}
    phases:
      - {name: steady, rate: 200/s, for: LENGTH}
events:
`

// runEffects runs the scenario with events.
func runEffects(t *testing.T, network, length, events string) *result.Run {
	t.Helper()
	b := start(t, strings.NewReplacer("NETWORK", network, "LENGTH", length).Replace(effects)+events, "")
	b.wait(t)
	return b.record(t)
}

// TestEveryFaultSaysWhetherItActed orders every fault of the table of actions at an
// origin, or at connections, that no client uses: only those may be confirmed that
// happen to a process, or that bring traffic of their own.
func TestEveryFaultSaysWhetherItActed(t *testing.T) {
	if err := netns.Allowed(); err != nil {
		t.Skip(err)
	}
	args := map[string]string{
		"name": "name: idle.1", "wire": "wire: back", "only": "only: origin/idle.1", "latency": "latency: 5ms", "bandwidth": "bandwidth: 8KiB",
		"delay": "delay: 5ms", "bytes": "bytes: 1000", "arrivals": "arrivals: 100/s", "count": "count: 20",
	}
	rates := map[string]string{"process.starve": "0.2", "network.loss": "0.2", "network.duplicate": "0.2", "network.corrupt": "0.2", "network.reorder": "0.2"}
	moved := map[string]string{ // kinds that do without clients
		"proxy.kill": result.Confirmed, "backend.kill": result.Confirmed, "process.stop": result.Confirmed,
		"connections.synFlood": result.Confirmed, "connections.halfOpen": result.Confirmed, "network.mtu": result.Confirmed,
		"process.limitMemory": result.Confirmed,
	}
	for _, a := range format.Actions() {
		if a.Class != format.ClassFault || a.Name == "backend.state" || a.Name == "backend.role" || a.Name == "backend.lag" || a.Name == "backend.limit" || a.Name == "backend.records" || fault.InTLS(a.Fault) {
			continue // those of databases, name servers and in TLS: TestRunOrdersEveryFaultOfEveryOrigin
		}
		t.Run(a.Name, func(t *testing.T) {
			t.Parallel()
			var words []string
			for _, key := range a.Needs {
				if arg := args[key]; arg != "" {
					words = append(words, arg)
				}
			}
			if rate := rates[a.Name]; rate != "" {
				words = append(words, "rate: "+rate)
			}
			if a.OnWire() && a.Name != "network.mtu" {
				words = append(words, args["only"])
			}
			if a.Name != "connections.kill" {
				words = append(words, "for: 300ms")
			}
			if a.Name == "connections.reset" {
				words = append(words, args["wire"])
			}
			run := runEffects(t, "network: {}", "1200ms", fmt.Sprintf("  - {at: steady+500ms, do: %s, args: {%s}}\n", a.Name, strings.Join(words, ", ")))
			e := run.Cells[0].Events[0]
			want := moved[a.Name]
			if want == "" {
				want = result.NoEffect
			}
			if e.Certificate == nil || e.Certificate.Verdict != want {
				t.Fatalf("certificate %+v of %+v, want %s", e.Certificate, e, want)
			}
			if unclear := run.Verdict == result.Unclear && strings.Contains(run.Reason, a.Name); want == result.NoEffect && !unclear && run.Verdict != result.Invalid {
				t.Errorf("verdict %s (%s), want UNCLEAR because of %s", run.Verdict, run.Reason, a.Name)
			}
		})
	}
}

// TestFaultsOfOriginsAct orders the same at the origin that has clients: each has
// something to act on.
func TestFaultsOfOriginsAct(t *testing.T) {
	var events strings.Builder
	kinds := []string{
		"backend.stall", "backend.fail", "backend.latency, latency: 2ms", "backend.drain", "backend.reset", "backend.truncate",
		"backend.corrupt", "backend.trickle, bytes: 4KiB, every: 1ms", "backend.bandwidth, bandwidth: 1MiB", "backend.refuse",
	}
	for i, kind := range kinds {
		name, more, _ := strings.Cut(kind, ",")
		fmt.Fprintf(&events, "  - {at: %dms, do: %s, args: {name: web.1, for: 200ms, %s}}\n", 300+350*i, name, more)
	}
	run := runEffects(t, "", "4s", events.String())
	n := 0
	for _, e := range run.Cells[0].Events {
		if e.Class != format.ClassFault {
			continue
		}
		n++
		if e.Certificate == nil || e.Certificate.Verdict != result.Confirmed {
			t.Errorf("%s: %+v, want it confirmed", e.Kind, e.Certificate)
		}
	}
	if n != len(kinds) {
		t.Errorf("%d faults, want %d", n, len(kinds))
	}
}

// A command that the proxy refuses did nothing.
func TestRefusedCommandIsNotApplied(t *testing.T) {
	t.Parallel()
	for _, driver := range []string{"builtin", "haproxy"} {
		t.Run(driver, func(t *testing.T) {
			if driver == "haproxy" {
				testpeer.Need(t, "haproxy")
			}
			b := start(t, strings.NewReplacer("NETWORK", "", "LENGTH", "2s", "driver: builtin", "driver: "+driver).Replace(effects)+`
  - {at: 1s, do: proxy.command, args: {command: disable server web/nobody}}
  - {at: 1s, do: proxy.command, args: {command: no such command}}
  - {at: 1s, do: proxy.command, args: {command: set weight idle/idle.1 10}}
  - {at: 1s, do: proxy.command, args: {command: show servers conn}}
`, "")
			b.wait(t)
			run := b.record(t)
			applied := map[string]bool{}
			for _, e := range run.Cells[0].Events {
				applied[e.Args["command"]] = e.Applied
				t.Log(e.Args["command"], e.Applied, e.Detail)
			}
			for command, want := range map[string]bool{
				"disable server web/nobody": false, "no such command": false, "set weight idle/idle.1 10": true, "show servers conn": true,
			} {
				if applied[command] != want {
					t.Errorf("%s applied: %v, want %v", command, applied[command], want)
				}
			}
			if run.Verdict != result.Invalid {
				t.Errorf("verdict %s, want INVALID", run.Verdict)
			}
		})
	}
}
