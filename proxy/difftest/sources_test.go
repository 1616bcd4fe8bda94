package difftest

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"bench/internal/testpeer"

	"golang.org/x/sys/unix"
)

// sourceCase is about where connections to servers come from, as the servers see it.
type sourceCase struct {
	name                      string
	frontend, backend, server string
	tcp                       bool
	clients                   []sourceClient
}

// sourceClient is a client's connection, which stays open until the end.
type sourceClient struct {
	from   string   // address of the loopback
	fields []string // a request with each of them, "" for none
}

func sourceCases() []sourceCase {
	one := []sourceClient{{"127.0.0.50", []string{"", ""}}, {"127.0.0.51", []string{"", ""}}, {"127.0.0.50", []string{"", ""}}}
	ip := func(from string, values ...string) sourceClient {
		c := sourceClient{from: from}
		for _, v := range values {
			if v != "" {
				v = "X-IP: " + v
			}
			c.fields = append(c.fields, v)
		}
		return c
	}
	cases := []sourceCase{
		{name: "own", backend: "source 127.0.0.9", clients: one},
		{name: "client", backend: "source 0.0.0.0 usesrc client", clients: one},
		{name: "an address", backend: "source 127.0.0.9 usesrc 127.0.0.77", clients: one},
		{name: "server before backend", backend: "source 127.0.0.9 usesrc clientip", server: "source 127.0.0.8 usesrc 127.0.0.78", clients: one},
		{name: "own of a server, backend has clientip", backend: "source 127.0.0.9 usesrc clientip", server: "source 127.0.0.8", clients: one},
		{name: "range of ports", server: "source 127.0.0.8:20000-20100 usesrc clientip", clients: one},
		{name: "interface and clientip", backend: "source 127.0.0.9 interface lo usesrc clientip", clients: one},
		{name: "clientip and interface", backend: "source 127.0.0.9 usesrc clientip interface lo", clients: one},
		{name: "rules have said who the client is", frontend: "http-request set-src req.hdr_ip(x-ip)", backend: "source 0.0.0.0 usesrc clientip", clients: []sourceClient{ip("127.0.0.50", "127.0.0.60", "127.0.0.61", "127.0.0.60", "127.0.0.60"), ip("127.0.0.51", "127.0.0.60")}},
		{name: "field", backend: "source 127.0.0.9 usesrc hdr_ip(x-ip)", clients: []sourceClient{
			ip("127.0.0.50", "127.0.0.60", "127.0.0.60", "127.0.0.61", "127.0.0.60", "127.0.0.61"), ip("127.0.0.51", "127.0.0.60", "127.0.0.62, 127.0.0.63"),
		}},
		{name: "field, none", backend: "source 127.0.0.9 usesrc hdr_ip(x-ip)", clients: []sourceClient{ip("127.0.0.50", "")}},
		{name: "field, no address", backend: "source 127.0.0.9 usesrc hdr_ip(x-ip)", clients: []sourceClient{ip("127.0.0.50", "hello"), ip("127.0.0.51", "hello", "0.0.0.0")}},
		{name: "field, IPv6", backend: "source 127.0.0.9 usesrc hdr_ip(x-ip)", clients: []sourceClient{ip("127.0.0.50", "::1")}},
		{name: "field, first", backend: "source 127.0.0.9 usesrc hdr_ip(x-ip,1)", clients: []sourceClient{ip("127.0.0.50", "127.0.0.62, 127.0.0.63")}},
		{name: "field, one before the last", backend: "source 127.0.0.9 usesrc hdr_ip(X-IP,-2)", clients: []sourceClient{ip("127.0.0.50", "127.0.0.62, 127.0.0.63"), ip("127.0.0.50", "127.0.0.62")}},
		{name: "field, number 0", backend: "source 127.0.0.9 usesrc hdr_ip(x-ip,0)", clients: []sourceClient{ip("127.0.0.50", "127.0.0.62")}},
		{name: "tcp, clientip", tcp: true, backend: "source 127.0.0.9 usesrc clientip", clients: []sourceClient{{"127.0.0.50", []string{""}}, {"127.0.0.51", []string{""}}}},
		{name: "tcp, client", tcp: true, backend: "source 127.0.0.9 usesrc client", clients: []sourceClient{{"127.0.0.50", []string{""}}}},
		{name: "tcp, field", tcp: true, backend: "source 127.0.0.9 usesrc hdr_ip(x-ip)", clients: []sourceClient{{"127.0.0.50", []string{""}}}},
		{name: "send-proxy", server: "send-proxy", clients: one},
		{name: "send-proxy, rules have said who the client is", frontend: "http-request set-src req.hdr_ip(x-ip)", server: "send-proxy", clients: []sourceClient{ip("127.0.0.50", "10.0.0.1", "10.0.0.1", "10.0.0.2", "10.0.0.1"), ip("127.0.0.51", "10.0.0.1")}},
		{name: "send-proxy and field", backend: "source 127.0.0.9 usesrc hdr_ip(x-ip)", server: "send-proxy", clients: []sourceClient{ip("127.0.0.50", "127.0.0.60", "127.0.0.60", "127.0.0.61")}},
	}
	for _, reuse := range []string{"never", "safe", "aggressive", "always"} {
		cases = append(cases, sourceCase{name: "clientip, http-reuse " + reuse, backend: "source 127.0.0.9 usesrc clientip\n    http-reuse " + reuse, clients: one})
	}
	return cases
}

// What servers see of where connections come from. It takes privileges to come from a
// foreign address; those of the loopback do not have to be routed.
func TestSources(t *testing.T) {
	if os.Geteuid() != 0 {
		if os.Getenv("CI") == "true" {
			t.Fatal("needs root")
		}
		t.Skip("needs root")
	}
	reference := &subject{"haproxy", []string{testpeer.Need(t, "haproxy")}}
	engine := &subject{"builtin", []string{build(t), "proxy"}}
	outer := t // whose directories have no commas in their names
	for _, c := range sourceCases() {
		t.Run(c.name, func(t *testing.T) {
			want, got := c.play(t, outer.TempDir(), reference), c.play(t, outer.TempDir(), engine)
			// How many connections there are depends on how many are kept, which differs.
			if without := connectionNumber.ReplaceAllString; without(got, "") != without(want, "") {
				t.Errorf("--- haproxy\n%s--- builtin\n%s", want, got)
			}
		})
	}
}

var connectionNumber = regexp.MustCompile(`connection \d+ `)

// play is what the clients of a case get, which tells what the origin sees.
func (c *sourceCase) play(t *testing.T, dir string, s *subject) string {
	t.Helper()
	o, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer o.Close()
	logs, err := newLogSink(usualLine)
	if err != nil {
		t.Fatal(err)
	}
	go tellSources(o, c.tcp)
	frontend, backend := c.frontend, c.backend
	if c.tcp {
		frontend, backend = tcpMode+frontend, "mode tcp\n    "+backend
	}
	conf := fmt.Sprintf(base, logs.conn.LocalAddr().(*net.UDPAddr).Port, "", "", frontend, backend, o.Addr().(*net.TCPAddr).Port, " "+c.server)
	r, err := s.start(dir, strings.ReplaceAll(conf, "DIR", dir), 0)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = r.stop() }()
	var out strings.Builder
	lines := 0
	var conns []net.Conn
	for i, k := range c.clients {
		conn, err := dialFrom(k.from, r.addr)
		if err != nil {
			t.Fatal(err)
		}
		conns = append(conns, conn)
		_ = conn.SetDeadline(time.Now().Add(4 * time.Second))
		in := bufio.NewReader(conn)
		for _, field := range k.fields {
			lines++
			fmt.Fprintf(&out, "client %d %s: %s\n", i+1, field, c.ask(conn, in, field))
		}
	}
	for _, c := range conns {
		c.Close()
	}
	logs.wait(lines, 3*time.Second)
	for _, l := range logs.stop() {
		out.WriteString(normalLog(l, 0) + "\n")
	}
	return out.String()
}

// ask makes one request.
func (c *sourceCase) ask(conn net.Conn, in *bufio.Reader, field string) string {
	own := conn.LocalAddr().(*net.TCPAddr).Port
	if c.tcp {
		fmt.Fprintf(conn, "%d\n", own)
		line, err := in.ReadString('\n')
		return fmt.Sprint(strings.TrimSpace(line), err)
	}
	if field != "" {
		field += "\r\n"
	}
	fmt.Fprintf(conn, "GET / HTTP/1.1\r\nHost: a\r\nX-Port: %d\r\n%s\r\n", own, field)
	got, err := readMessage(in, false, false)
	head, body, _ := strings.Cut(string(got), "\r\n\r\n")
	status, _, _ := strings.Cut(head, "\r\n")
	if !strings.HasSuffix(status, " 200 OK") {
		body = ""
	}
	return fmt.Sprint(status, " ", body, " ", err)
}

// dialFrom connects from an address of the loopback, by a socket that lets others use its
// port.
func dialFrom(from, to string) (net.Conn, error) {
	d := net.Dialer{Timeout: awaitLimit, LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}, Control: func(_, _ string, raw syscall.RawConn) error {
		var err error
		if e := raw.Control(func(fd uintptr) { err = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_REUSEADDR, 1) }); e != nil {
			return e
		}
		return err
	}}
	return d.DialContext(context.Background(), "tcp4", to)
}

// tellSources answers each request with the number of its connection, what that has begun
// with, and the address it comes from, with "same" for the port of the client.
func tellSources(l net.Listener, tcp bool) {
	var mu sync.Mutex
	conns := 0
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		mu.Lock()
		conns++
		number := conns
		mu.Unlock()
		go func() {
			defer c.Close()
			in := bufio.NewReader(c)
			from := c.RemoteAddr().(*net.TCPAddr)
			header := ""
			if p, err := in.Peek(6); err == nil && string(p) == "PROXY " {
				line, _ := in.ReadString('\n')
				header = strings.Fields(line)[2] + " "
			}
			for {
				_ = c.SetDeadline(time.Now().Add(10 * time.Second))
				var asked string
				if tcp {
					line, err := in.ReadString('\n')
					if err != nil {
						return
					}
					asked = strings.TrimSpace(line)
				} else {
					got, err := readMessage(in, true, false)
					if err != nil {
						return
					}
					_, rest, _ := strings.Cut(strings.ToLower(string(got)), "x-port: ")
					asked, _, _ = strings.Cut(rest, "\r\n")
				}
				text := fmt.Sprintf("connection %d %sfrom %s", number, header, from.IP)
				if fmt.Sprint(from.Port) == asked {
					text += " same"
				}
				if tcp {
					text += "\n"
				} else {
					text = fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(text), text)
				}
				if _, err := io.WriteString(c, text); err != nil {
					return
				}
			}
		}()
	}
}

// Namespaces of listeners and servers, and what both programs make of them.
func TestNamespaces(t *testing.T) {
	reference := &subject{"haproxy", []string{testpeer.Need(t, "haproxy")}}
	a, b := fmt.Sprintf("bench-a-%d", os.Getpid()), fmt.Sprintf("bench-b-%d", os.Getpid())
	inside := map[string]func(func() error) error{"": func(f func() error) error { return f() }, a: testpeer.Namespace(t, a), b: testpeer.Namespace(t, b)}
	engine := &subject{"builtin", []string{build(t), "proxy"}}
	port := testpeer.FreePort(t)
	var origins [2]net.Listener
	for i, where := range []string{"", b} {
		if err := inside[where](func() (err error) {
			origins[i], err = net.Listen("tcp4", "127.0.0.1:"+port)
			return err
		}); err != nil {
			t.Fatal(err)
		}
		defer origins[i].Close()
		go tellHeaders(origins[i], []string{"here", "b"}[i])
	}
	const conf = `global
    stats socket DIR/stats level admin
    nbthread 1
namespace_list
    namespace NSA NSB
defaults
    mode http
    timeout connect 1s
    timeout client 2s
    timeout server 2s
    retries 0
frontend ready
    bind fd@4
    monitor-uri /ready
frontend here
    bind fd@3 accept-proxy
    http-request return status 200 content-type text/plain lf-string %[nbsrv(checked)]%[nbsrv(unchecked)] if { path /up }
    use_backend %[path,field(2,/)]
frontend a
    bind 127.0.0.1:8001 namespace NSA
    use_backend %[path,field(2,/)]
frontend b
    bind 127.0.0.1:8001 namespace NSB
    use_backend %[path,field(2,/)]
backend plain
    server s 127.0.0.1:PORT
backend inb
    server s 127.0.0.1:PORT namespace NSB
backend ina
    server s 127.0.0.1:PORT namespace NSA
backend defaulted
    default-server namespace NSB
    server s 127.0.0.1:PORT
backend own
    server s 127.0.0.1:PORT namespace *
backend told
    server s 127.0.0.1:PORT namespace NSB send-proxy-v2
backend plaintold
    server s 127.0.0.1:PORT send-proxy-v2
backend checked
    server s 127.0.0.1:PORT namespace NSB check inter 100ms
backend unchecked
    server s 127.0.0.1:PORT namespace NSA check inter 100ms
`
	header := func(ns string) string {
		if ns == "-" {
			return v2
		}
		return v2sig + "\x21\x11\x00" + string(rune(12+3+len(ns))) + v2[16:] + "\x30\x00" + string(rune(len(ns))) + ns
	}
	inherited := map[*subject]string{} // what answers where "default-server" has the namespace
	play := func(s *subject) string {
		dir := t.TempDir()
		r, err := s.start(dir, strings.NewReplacer("DIR", dir, "NSA", a, "NSB", b, "PORT", port).Replace(conf), 0)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = r.stop() }()
		time.Sleep(600 * time.Millisecond) // for the checks
		var out strings.Builder
		ask := func(where, addr, prefix, path string) string {
			answer := ""
			err := inside[where](func() error {
				c, err := net.DialTimeout("tcp4", addr, awaitLimit)
				if err != nil {
					return err
				}
				defer c.Close()
				_ = c.SetDeadline(time.Now().Add(4 * time.Second))
				fmt.Fprintf(c, "%sGET %s HTTP/1.1\r\nHost: a\r\n\r\n", prefix, path)
				got, err := readMessage(bufio.NewReader(c), false, false)
				head, body, _ := strings.Cut(string(got), "\r\n\r\n")
				status, _, _ := strings.Cut(head, "\r\n")
				answer = status
				if strings.HasSuffix(status, " 200 OK") {
					answer += " " + body
				}
				return err
			})
			fmt.Fprintf(&out, "%s %s: %s %v\n", strings.ReplaceAll(strings.ReplaceAll(where, a, "A"), b, "B"), path, strings.ReplaceAll(strings.ReplaceAll(answer, a, "A"), b, "B"), err)
			_, content, _ := strings.Cut(answer, " 200 OK ")
			return content
		}
		for _, path := range []string{"/plain", "/inb", "/ina", "/own", "/told", "/plaintold"} {
			ask(a, "127.0.0.1:8001", "", path)
			ask(b, "127.0.0.1:8001", "", path)
			for _, ns := range []string{"-", a, b, "unknown"} {
				ask("", r.addr, header(ns), path)
			}
		}
		ask("", r.addr, header("-"), "/up")
		all := out.String()
		inherited[s] = ask("", r.addr, header("-"), "/defaulted")
		return all
	}
	want, got := play(reference), play(engine)
	if got != want {
		t.Errorf("--- haproxy\n%s--- builtin\n%s", want, got)
	}
	if there, here := inherited[reference], inherited[engine]; there != "here" || here != "b" {
		t.Errorf("namespace of default-server: %q there, where it is forgotten, %q here", there, here)
	}
	if !strings.Contains(got, "A /inb: HTTP/1.1 200 OK b") || !strings.Contains(got, " /up: HTTP/1.1 200 OK 10") {
		t.Errorf("not what this is about:\n%s", got)
	}
	path := filepath.Join(t.TempDir(), "none.cfg")
	for _, line := range []string{"bind 127.0.0.1:8001 namespace bench-none", "bind 127.0.0.1:8001 namespace", "server s 127.0.0.1:1 namespace bench-none"} {
		if err := os.WriteFile(path, []byte("listen l\n    mode tcp\n    "+line+"\n    timeout client 1s\n    timeout connect 1s\n    timeout server 1s\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		for _, s := range []*subject{reference, engine} {
			if code, said := checkConfig(s, path); code != 1 || !strings.Contains(said, "namespace") {
				t.Errorf("%s: %s: %d\n%s", s.name, line, code, said)
			}
		}
	}
}

// tellHeaders answers requests with what their connection has begun with.
func tellHeaders(l net.Listener, name string) {
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		go func() {
			defer c.Close()
			_ = c.SetDeadline(time.Now().Add(10 * time.Second))
			in := bufio.NewReader(c)
			header := ""
			if p, err := in.Peek(16); err == nil && string(p[:12]) == v2sig {
				rest := make([]byte, 16+int(p[14])<<8+int(p[15]))
				if _, err := io.ReadFull(in, rest); err != nil {
					return
				}
				header = fmt.Sprintf(" %q", rest[28:]) // behind the addresses
			}
			for {
				if _, err := readMessage(in, true, false); err != nil {
					return
				}
				text := name + header
				fmt.Fprintf(c, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(text), text)
			}
		}()
	}
}

// checkConfig has a program look at a configuration, and returns how it ends and what it says.
func checkConfig(s *subject, path string) (code int, said string) {
	cmd := exec.Command(s.argv[0], append(s.argv[1:len(s.argv):len(s.argv)], "-c", "-f", path)...)
	out, _ := cmd.CombinedOutput()
	return cmd.ProcessState.ExitCode(), string(out)
}
