package stream_test

import (
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"bench/internal/loop"
	"bench/internal/poller"
	"bench/internal/sock"
	"bench/proxy/acl"
	"bench/proxy/rule"
	"bench/proxy/sample"
	"bench/proxy/spec"
	"bench/proxy/txn"
)

// canned is an origin that answers whatever it reads, without allocating.
type canned struct {
	l    *loop.Loop
	fd   int
	resp []byte
}

func (c *canned) Ready(poller.Events) {
	n, errno := sock.Recv(c.fd, c.l.Scratch())
	switch {
	case errno == unix.EAGAIN:
	case errno != 0 || n == 0:
		c.l.Close(c.fd)
		return
	default:
		_, _ = sock.Send(c.fd, c.resp)
	}
	c.l.Rearm(c.fd, poller.In)
}

type cannedListener struct {
	l    *loop.Loop
	fd   int
	resp []byte
}

func (a *cannedListener) Ready(poller.Events) {
	for {
		fd, errno := sock.Accept(a.fd, nil)
		if errno != 0 {
			break
		}
		_ = a.l.Add(fd, poller.In, &canned{l: a.l, fd: fd, resp: a.resp})
	}
	a.l.Rearm(a.fd, poller.In)
}

func startCanned(b testing.TB, resp string) string {
	b.Helper()
	l, err := loop.New("", 64)
	if err != nil {
		b.Fatal(err)
	}
	addr, _ := sock.Parse("127.0.0.1:0")
	fd, err := sock.Listen(&addr, &sock.ListenOptions{NoDelay: true})
	if err != nil {
		b.Fatal(err)
	}
	if err := l.Add(fd, poller.In, &cannedListener{l, fd, []byte(resp)}); err != nil {
		b.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- l.Run() }()
	b.Cleanup(func() { l.Stop(); <-done; sock.Close(fd) })
	local, _ := sock.LocalAddr(fd)
	return local.String()
}

type discard struct{}

func (discard) Log(*txn.Record, *sample.Context)                     {}
func (discard) Failure(*txn.Record, *sample.Context, string, string) {}

// benchmarkRequests sends one request after the other through the engine. The
// allocations reported are those of the whole process: they must be 0.
func benchmarkRequests(b *testing.B, mode spec.Mode, req, resp string, rules ...*rule.List) {
	rig := newRigWith(b, mode, func(p *spec.Proxy) {
		p.ForwardFor = &spec.ForwardFor{}
		for _, l := range rules {
			p.Rules[l.Place] = l
		}
	}, discard{}, startCanned(b, resp))
	addr, _ := sock.Parse(rig.addr)
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		b.Fatal(err)
	}
	defer unix.Close(fd)
	ap := addr.AddrPort()
	if err := unix.Connect(fd, &unix.SockaddrInet4{Port: int(ap.Port()), Addr: ap.Addr().As4()}); err != nil {
		b.Fatal(err)
	}
	out, in := []byte(req), make([]byte, 64<<10)
	round := func() {
		if _, err := unix.Write(fd, out); err != nil {
			b.Fatal(err)
		}
		for got := 0; got < len(resp); {
			n, err := unix.Read(fd, in)
			if err != nil || n == 0 {
				b.Fatalf("read %d, %v", n, err)
			}
			got += n
		}
	}
	for range 100 {
		round()
	}
	b.ReportAllocs()
	b.ResetTimer()
	for range b.N {
		round()
	}
}

func BenchmarkKeepAlive(b *testing.B) {
	benchmarkRequests(b, spec.ModeHTTP,
		"GET /some/path?x=1 HTTP/1.1\r\nHost: example.org\r\nUser-Agent: bench\r\nAccept: */*\r\n\r\n",
		"HTTP/1.1 200 OK\r\ncontent-length: 128\r\ncontent-type: text/plain\r\n\r\n"+strings.Repeat("x", 128))
}

// rulesOf compiles rules.
func rulesOf(t testing.TB, place rule.Place, texts ...string) *rule.List {
	l := &rule.List{Place: place}
	names := &txn.Names{}
	for _, text := range texts {
		p := &rule.Parser{Place: place, Words: strings.Fields(text), Lookup: &acl.Lookup{Env: &sample.Env{Names: names, At: txn.Between(0, txn.StepLog), Where: "tests"}}}
		r, err := p.Parse()
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		l.Rules = append(l.Rules, r)
	}
	return l
}

// BenchmarkTwentyRules is BenchmarkKeepAlive with rules as configurations have them.
func BenchmarkTwentyRules(b *testing.B) {
	requests := rulesOf(b, rule.Request,
		"set-var(txn.host) req.hdr(host),lower,field(1,:)", "deny if { path_end .php .asp } { method POST }", "deny if { src 192.0.2.0/24 198.51.100.0/24 }", "deny unless { method GET POST HEAD }",
		"set-header X-Forwarded-Proto http", "set-header X-Client %[src]:%[src_port]", "add-header X-Via proxy", "del-header X-Debug", `replace-header User-Agent ^(be)nch$ \1`,
		`replace-path ^/some/(.*) /any/\1`, "redirect scheme https if { req.hdr(x-secure) yes }", "return status 204 if { path /ping }",
		"set-header X-App 1 if { path_beg /app1 /other1 }", "set-header X-App 2 if { path_beg /app2 /other2 }", "set-header X-App 3 if { path_reg ^/v[0-9]+/ }", "set-var(sess.n) int(1)",
	)
	responses := rulesOf(b, rule.Response, "set-header X-Host %[var(txn.host)]-%[var(sess.n)]", "del-header X-Powered-By", "set-header X-Status %[status]", "del-header X-Host", "del-header X-Status")
	if n := len(requests.Rules) + len(responses.Rules); n < 20 {
		b.Fatalf("%d rules", n)
	}
	benchmarkRequests(b, spec.ModeHTTP,
		"GET /some/path?x=1 HTTP/1.1\r\nHost: example.org\r\nUser-Agent: bench\r\nAccept: */*\r\n\r\n",
		"HTTP/1.1 200 OK\r\ncontent-length: 128\r\ncontent-type: text/plain\r\n\r\n"+strings.Repeat("x", 128), requests, responses)
}

func BenchmarkKeepAlive32K(b *testing.B) {
	benchmarkRequests(b, spec.ModeHTTP, "GET / HTTP/1.1\r\nHost: example.org\r\n\r\n",
		"HTTP/1.1 200 OK\r\ncontent-length: 32768\r\n\r\n"+strings.Repeat("x", 32768))
}

func BenchmarkTCP(b *testing.B) {
	benchmarkRequests(b, spec.ModeTCP, strings.Repeat("q", 64), strings.Repeat("x", 64))
}

// TestNoAllocationPerRequest holds the data path to it.
func TestNoAllocationPerRequest(t *testing.T) {
	for name, fn := range map[string]func(*testing.B){"http": BenchmarkKeepAlive, "rules": BenchmarkTwentyRules, "tcp": BenchmarkTCP, "http2": BenchmarkMux} {
		if r := testing.Benchmark(fn); r.N > 1000 && r.AllocsPerOp() != 0 {
			t.Errorf("%s: %d allocations per request", name, r.AllocsPerOp())
		}
	}
}
