package difftest

import (
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/miekg/dns"

	"bench/internal/testpeer"
)

// nameServer is a name server whose records, and manners, a test changes.
type nameServer struct {
	addr string

	mu      sync.Mutex
	records map[string][]string // by type and name, as "A web.test."
	extra   []string            // additional records of all answers
	rcode   map[string]int      // by name
	manner  string              // what is wrong with answers
}

// bothKinds takes one port for UDP and for TCP.
func bothKinds(t *testing.T) (net.PacketConn, net.Listener) {
	t.Helper()
	for try := 0; ; try++ {
		l, err := net.Listen("tcp4", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		pc, err := net.ListenPacket("udp4", l.Addr().String())
		if err == nil {
			return pc, l
		}
		_ = l.Close()
		if try == 20 {
			t.Fatal(err)
		}
	}
}

func newNameServer(t *testing.T) *nameServer {
	t.Helper()
	pc, l := bothKinds(t)
	s := &nameServer{addr: pc.LocalAddr().String(), records: map[string][]string{}, rcode: map[string]int{}}
	for _, d := range []*dns.Server{{PacketConn: pc, Handler: s}, {Listener: l, Handler: s}} {
		started := make(chan struct{})
		d.NotifyStartedFunc = func() { close(started) }
		var serving sync.WaitGroup
		serving.Go(func() { _ = d.ActivateAndServe() })
		<-started
		t.Cleanup(func() { _ = d.Shutdown(); serving.Wait() })
	}
	return s
}

// set changes the records: lines of a zone, names without a dot being below "test.".
func (s *nameServer) set(manner string, lines ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.manner, s.records, s.rcode, s.extra = manner, map[string][]string{}, map[string]int{}, nil
	for _, l := range lines {
		f := strings.Fields(l)
		name := f[0] + ".test."
		switch f[1] {
		case "extra":
			s.extra = append(s.extra, name+" 1 IN "+strings.Join(f[2:], " "))
		case "rcode":
			s.rcode[name] = dns.StringToRcode[f[2]]
		default:
			s.records[f[1]+" "+name] = append(s.records[f[1]+" "+name], name+" 1 IN "+strings.Join(f[1:], " "))
		}
	}
}

// ServeDNS implements dns.Handler.
func (s *nameServer) ServeDNS(w dns.ResponseWriter, q *dns.Msg) {
	s.mu.Lock()
	defer s.mu.Unlock()
	m := new(dns.Msg)
	m.SetReply(q)
	name := q.Question[0].Name
	lower := strings.ToLower(name)
	kind := dns.TypeToString[q.Question[0].Qtype]
	known := false
	for k := range s.records {
		known = known || strings.HasSuffix(k, " "+lower)
	}
	if !known {
		m.Rcode = dns.RcodeNameError
	}
	if rcode, ok := s.rcode[lower]; ok {
		m.Rcode = rcode
	}
	for depth := range 5 {
		for _, text := range s.records[kind+" "+lower] {
			if r, err := dns.NewRR(text); err == nil {
				m.Answer = append(m.Answer, r)
			}
		}
		alias := s.records["CNAME "+lower]
		if len(alias) == 0 || depth == 4 {
			break
		}
		r, _ := dns.NewRR(alias[0])
		m.Answer = append(m.Answer, r)
		lower = r.(*dns.CNAME).Target
	}
	for _, text := range s.extra {
		if r, err := dns.NewRR(text); err == nil {
			m.Extra = append(m.Extra, r)
		}
	}
	switch s.manner {
	case "silent":
		return
	case "truncated":
		m.Truncated = true
	case "wrong id":
		m.Id++
	case "wrong name":
		m.Question[0].Name = "other.test."
	case "no question":
		m.Question = nil
	case "not an answer":
		m.Response = false
	case "late":
		time.Sleep(120 * time.Millisecond)
	case "half":
		if b, err := m.Pack(); err == nil {
			_, _ = w.Write(b[:len(b)/2])
		}
		return
	}
	_ = w.WriteMsg(m)
}

const namesConf = `global
    nbthread 1
    maxconn 100
    stats socket DIR/stats level admin
resolvers r
    nameserver one NS
    timeout resolve 60ms
    timeout retry 60ms
    resolve_retries 1
    hold nx 150ms
    hold timeout 150ms
    hold refused 150ms
    hold other 150ms
    hold obsolete 0s
resolvers tcp
    nameserver one tcp@NS
    timeout resolve 60ms
    timeout retry 60ms
    resolve_retries 1
    hold nx 0s
    hold timeout 0s
    hold refused 0s
    hold other 0s
    accepted_payload_size 4096
resolvers now
    nameserver one NS
    timeout resolve 60ms
    timeout retry 60ms
    resolve_retries 1
    hold nx 0s
    hold timeout 0s
    hold refused 0s
    hold other 0s
    accepted_payload_size 4096
defaults
    mode http
    timeout connect 1s
    timeout client 3s
    timeout server 3s
    default-server init-addr none
frontend ready
    bind fd@4
    bind fd@3
    monitor-uri /ready
backend held
    server s1 web.test:81 resolvers r
backend web
    server s1 web.test:81 resolvers now
    server s2 web.test:81 resolvers now
    server s3 web.test:82 resolvers now init-addr 127.0.0.77
backend four
    server s1 web.test:81 resolvers now resolve-prefer ipv4
    server s2 web.test:81 resolvers now resolve-prefer ipv4 resolve-opts allow-dup-ip
    server s3 web.test:81 resolvers now resolve-prefer ipv4 resolve-opts allow-dup-ip resolve-net 127.0.1.0/24,127.0.2.0/24
backend over-tcp
    server s1 web.test:81 resolvers tcp
backend service
    server s1 _http._tcp.test resolvers now resolve-prefer ipv4
    server s2 _http._tcp.test resolvers now resolve-prefer ipv4
    server s3 _http._tcp.test resolvers now resolve-prefer ipv4
backend filled
    server-template s 1-4 _http._tcp.test resolvers now resolve-prefer ipv4
backend spread
    server-template s 3 web.test:81 resolvers now resolve-prefer ipv4
backend light
    server s1 _http._tcp.test resolvers now resolve-prefer ipv4 resolve-opts ignore-weight
`

// nameSteps are what the name server says, one thing after the other, and what the
// addresses, ports, weights of servers and the reasons of their maintenance are then. A line
// that begins with a "set" is a command, whose answer is compared as well.
var nameSteps = []struct {
	name   string
	manner string
	lines  []string
}{
	{"nothing is known", "", nil},
	{"one address", "", []string{"web A 127.0.0.1"}},
	{"three addresses", "", []string{"web A 127.0.0.1", "web A 127.0.0.2", "web A 127.0.1.3"}},
	{"one of them goes", "", []string{"web A 127.0.0.2", "web A 127.0.1.3"}},
	{"both kinds", "", []string{"web A 127.0.0.2", "web AAAA ::5"}},
	{"addresses by another name", "", []string{"web CNAME other.test.", "other A 127.0.0.9"}},
	{"back to one", "", []string{"web A 127.0.0.1"}},
	{"other names", "", []string{"web A 127.0.0.1", "second A 127.0.0.41", "set server web/s1 fqdn second.test", "set server web/s2 fqdn a/b", "set server web/s2 fqdn a..b", "set server service/s1 fqdn x.test", "set server over-tcp/s1 fqdn second.test"}},
	{"more other names", "", []string{"web A 127.0.0.1", "second A 127.0.0.41", "second A 127.0.0.42", "set server web/s3 fqdn second.test", "set server web/s2 fqdn nowhere.test"}},
	{"the names of before", "", []string{"web A 127.0.0.1", "second A 127.0.0.41", "set server web/s1 fqdn web.test", "set server web/s1 fqdn web.test", "set server web/s2 fqdn web.test", "set server web/s3 fqdn web.test", "set server over-tcp/s1 fqdn web.test"}},
	{"late", "late", []string{"web A 127.0.0.1"}},
	{"truncated", "truncated", []string{"web A 127.0.0.1"}},
	{"good again", "", []string{"web A 127.0.0.1"}},
	{"wrong number", "wrong id", []string{"web A 127.0.0.66"}},
	{"good once more", "", []string{"web A 127.0.0.1"}},
	{"another name", "wrong name", []string{"web A 127.0.0.66"}},
	{"refused", "", []string{"web rcode REFUSED"}},
	{"silent", "silent", []string{"web A 127.0.0.1"}},
	{"a service", "", []string{"web A 127.0.0.1", "_http._tcp SRV 0 1 8001 n1.test.", "_http._tcp SRV 0 256 8002 n2.test.", "n1 A 127.0.0.21", "n2 A 127.0.0.22"}},
	{"a service with other weights", "", []string{"web A 127.0.0.1", "_http._tcp SRV 0 65535 8001 n1.test.", "_http._tcp SRV 0 257 8002 n2.test.", "n1 A 127.0.0.21", "n2 A 127.0.0.22"}},
	{"a host of the service moves", "", []string{"web A 127.0.0.1", "_http._tcp SRV 0 65535 8001 n1.test.", "_http._tcp SRV 0 257 8002 n2.test.", "n1 A 127.0.0.31", "n2 A 127.0.0.22"}},
	{"two hosts of the service on one machine", "", []string{"web A 127.0.0.1", "_http._tcp SRV 0 65535 8001 n1.test.", "_http._tcp SRV 0 257 8003 n4.test.", "n1 A 127.0.0.31", "n4 A 127.0.0.31"}},
	{"both with addresses", "", []string{"web A 127.0.0.1", "_http._tcp SRV 0 1 8004 n5.test.", "_http._tcp SRV 0 1 8005 n6.test.", "n5 extra A 127.0.0.32", "n6 extra A 127.0.0.32", "n5 A 127.0.0.32", "n6 A 127.0.0.32"}},
	{"a service with addresses", "", []string{"web A 127.0.0.1", "_http._tcp SRV 0 1 8001 n3.test.", "n3 extra A 127.0.0.23", "n3 A 127.0.0.23"}},
	{"no service", "", []string{"web A 127.0.0.1"}},
}

// serverStates are what the runtime API says of servers: address, port, weight, and
// whether they wait for an address.
func serverStates(socket string) string {
	text := askTables(socket, "show servers state")
	var out []string
	for line := range strings.Lines(text) {
		f := strings.Fields(line)
		if len(f) < 20 || f[0] == "#" {
			continue
		}
		const waits = 0x20 // for an address
		admin, _ := strconv.Atoi(f[6])
		server := f[1] + "/" + f[3]
		if slices.Contains([]string{"service", "filled", "spread"}, f[1]) {
			server = f[1] // which server stands for which host is chance there
		}
		switch {
		case admin&waits != 0:
			out = append(out, server+" waits")
		case f[1] == "light", f[1] == "over-tcp":
			// So is which of several it goes to when it has lost what it had.
			out = append(out, fmt.Sprintf("%s has an address, weight %s", server, f[7]))
		default:
			out = append(out, fmt.Sprintf("%s %s:%s weight %s", server, f[4], f[18], f[7]))
		}
	}
	slices.Sort(out)
	return strings.Join(out, "\n")
}

func isCommand(line string) bool { return strings.HasPrefix(line, "set ") }

// TestNames compares where servers go whose names are looked up with the reference, which
// asks the same name server.
func TestNames(t *testing.T) {
	ns := newNameServer(t)
	subjects := []*subject{{"haproxy", []string{testpeer.Need(t, "haproxy")}}, {"builtin", []string{build(t), "proxy"}}}
	var sockets [2]string
	for i, s := range subjects {
		dir := t.TempDir()
		sockets[i] = dir + "/stats"
		r, err := s.start(dir, strings.NewReplacer("DIR", dir, "NS", ns.addr).Replace(namesConf), 0)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = r.stop() })
	}
	for _, step := range nameSteps {
		records := slices.DeleteFunc(slices.Clone(step.lines), isCommand)
		ns.set(step.manner, records...)
		for _, l := range step.lines {
			if !isCommand(l) {
				continue
			}
			if want, got := askTables(sockets[0], l), askTables(sockets[1], l); strings.TrimSpace(want) != strings.TrimSpace(got) {
				t.Errorf("%s: %q, the reference says %q", l, got, want)
			}
		}
		// Long enough for several questions, and for all that is held.
		deadline := time.Now().Add(4 * time.Second)
		time.Sleep(400 * time.Millisecond)
		want, got := serverStates(sockets[0]), serverStates(sockets[1])
		for stable := 0; time.Now().Before(deadline) && stable < 3; {
			time.Sleep(40 * time.Millisecond)
			w, g := serverStates(sockets[0]), serverStates(sockets[1])
			if w == want && g == got && w == g {
				stable++
			} else {
				stable = 0
			}
			want, got = w, g
		}
		if want != got {
			t.Errorf("%s:\n--- haproxy\n%s\n--- builtin\n%s", step.name, want, got)
		}
	}
	if t.Failed() {
		t.Logf("%s\n%s", askTables(sockets[0], "show resolvers"), askTables(sockets[1], "show resolvers"))
	}
}
