package engine_test

import (
	"fmt"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"
)

// startNames answers questions of one name by an address, and of a service by a host.
func startNames(t *testing.T) (addr string) {
	t.Helper()
	pc, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	started := make(chan struct{})
	s := &dns.Server{PacketConn: pc, NotifyStartedFunc: func() { close(started) }, Handler: dns.HandlerFunc(func(w dns.ResponseWriter, q *dns.Msg) {
		a := new(dns.Msg).SetReply(q)
		text := ""
		switch q.Question[0].Qtype {
		case dns.TypeA:
			text = q.Question[0].Name + " 60 A 127.0.0.9"
		case dns.TypeSRV:
			text = q.Question[0].Name + " 60 SRV 1 256 81 host.test."
		}
		if r, err := dns.NewRR(text); err == nil && r != nil {
			a.Answer = append(a.Answer, r)
		}
		_ = w.WriteMsg(a)
	})}
	go func() { _ = s.ActivateAndServe() }()
	<-started
	t.Cleanup(func() { _ = s.Shutdown() })
	return pc.LocalAddr().String()
}

// What a server had that was deleted, an address or a host of a service, is for those that
// are left.
func TestNamesOfDeletedServersAreForOthers(t *testing.T) {
	dir := t.TempDir()
	startConfig(t, fmt.Sprintf(`
global
    stats socket %[1]s/stats mode 600 level admin
    maxconn 100
resolvers r
    nameserver n %[2]s
    timeout resolve 50ms
    timeout retry 50ms
defaults
    timeout client 5s
    timeout server 5s
    timeout connect 1s
    default-server resolvers r init-addr none resolve-prefer ipv4
listen be
    bind unix@%[1]s/be
    server a name.test:80
    server b name.test:80
backend sv
    server a _http._tcp.test
    server b _http._tcp.test
`, dir, startNames(t)))
	command := func(c string) string { return strings.TrimSpace(ask(t, filepath.Join(dir, "stats"), c)) }
	has := func(backend, server string) bool {
		for l := range strings.Lines(command("show servers state " + backend)) {
			if f := strings.Fields(l); len(f) > 5 && f[3] == server {
				return f[4] == "127.0.0.9"
			}
		}
		return false
	}
	for _, backend := range []string{"be", "sv"} {
		one, other := "", ""
		for end := time.Now().Add(10 * time.Second); one == "" && time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
			switch {
			case has(backend, "a"):
				one, other = "a", "b"
			case has(backend, "b"):
				one, other = "b", "a"
			}
		}
		if one == "" || has(backend, other) {
			t.Fatalf("%s: not one of two has the address: %s", backend, command("show servers state"))
		}
		command("disable server " + backend + "/" + one)
		if got := command("del server " + backend + "/" + one); got != "Server deleted." {
			t.Fatalf("%s: %s", backend, got)
		}
		for end := time.Now().Add(10 * time.Second); !has(backend, other); time.Sleep(5 * time.Millisecond) {
			if time.Now().After(end) {
				t.Fatalf("%s: the server that is left has nothing: %s", backend, command("show servers state"))
			}
		}
	}
}
