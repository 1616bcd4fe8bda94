package difftest

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"bench/internal/testpeer"
	"bench/internal/testserver"
)

// askingConf has rules that look names up. Where there is no address to find the section is
// the hasty one, as the reference takes its time to say so; elsewhere a busy machine has time.
const askingConf = `global
    nbthread 2
    maxconn 200
resolvers dns
    nameserver one NS
    timeout retry 20s
    resolve_retries 3
    accepted_payload_size 4096
resolvers tcp
    nameserver one tcp@NS
    timeout retry 20s
    resolve_retries 3
resolvers hasty
    nameserver one NS
    timeout retry 50ms
    resolve_retries 2
defaults
    mode http
    timeout connect 30s
    timeout client 1m
    timeout server 1m
frontend ready
    bind fd@4
    monitor-uri /ready
frontend fe
    bind fd@3
    http-request set-var(txn.name) path,field(3,/),url_dec
    http-request set-var(txn.ip) str(before) if { path_beg /kept }
    http-request do-resolve(txn.ip,dns,ipv4) var(txn.name) if { path_beg /four/ /kept/ /onwards/ }
    http-request do-resolve(txn.ip,dns,ipv6) var(txn.name) if { path_beg /six/ }
    http-request do-resolve(txn.ip,dns) var(txn.name) if { path_beg /any/ }
    http-request do-resolve(txn.ip,tcp,ipv4) var(txn.name) if { path_beg /tcp/ }
    http-request do-resolve(txn.ip,hasty,ipv4) var(txn.name) if { path_beg /hasty/ /kept-hasty/ }
    http-request do-resolve(txn.ip,dns,ipv4) var(txn.nothing) if { path_beg /nothing/ }
    http-request do-resolve(txn.no,dns,ipv4) var(txn.name) if { path_beg /twice/ }
    http-request do-resolve(txn.ip,dns,ipv4) var(txn.name),regsub(web,other) if { path_beg /twice/ }
    http-request set-dst var(txn.ip) if { path_beg /onwards/ }
    use_backend onwards if { path_beg /onwards/ }
    http-request return status 200 content-type text/plain lf-string "%[var(txn.ip)] %[var(txn.no)] %[var(txn.ip),ipmask(24)] %[method]" unless { path_beg /onwards/ }
frontend early
    bind fd@5
    tcp-request inspect-delay 30s
    tcp-request content do-resolve(sess.ip,dns,ipv4) path,field(3,/) if { path_beg /early/ }
    tcp-request content do-resolve(sess.ip,hasty,ipv4) path,field(3,/) if { path_beg /soon/ }
    http-request return status 200 content-type text/plain lf-string "%[var(sess.ip)]"
frontend at-once
    bind fd@6
    tcp-request content do-resolve(sess.ip,dns,ipv4) str(slow.test)
    http-request return status 200 content-type text/plain lf-string "%[var(sess.ip)]"
frontend short
    bind fd@7
    tcp-request inspect-delay 100ms
    tcp-request content do-resolve(sess.ip,dns,ipv4) str(silent.test)
    http-request return status 200 content-type text/plain lf-string "%[var(sess.ip)]"
listen bytes
    bind fd@8
    mode tcp
    tcp-request inspect-delay 30s
    tcp-request content do-resolve(sess.ip,dns,ipv4) str(web.test)
    tcp-request content set-dst var(sess.ip)
    tcp-request content reject unless { var(sess.ip) -m found }
    server s 0.0.0.0:PORT
backend onwards
    server s 0.0.0.0:PORT
`

// askingSteps are what the name server says, and what is asked for meanwhile: the listener,
// by its place, and the target.
var askingSteps = []struct {
	manner string
	lines  []string
	asks   []string
}{
	{"", []string{"web A 127.0.0.1", "web AAAA ::5", "other A 127.0.0.9", "six AAAA ::6", "alias CNAME web.test.", "failing rcode SERVFAIL", "refused rcode REFUSED"}, []string{
		"0 /four/web.test", "0 /six/web.test", "0 /any/web.test", "0 /tcp/web.test", "0 /four/WEB.Test", "0 /four/web.test.", "0 /hasty/nosuch.test", "0 /four/six.test", "0 /any/other.test", "0 /six/other.test",
		"0 /four/alias.test", "0 /hasty/failing.test", "0 /hasty/refused.test", "0 /kept/web.test", "0 /kept-hasty/nosuch.test", "0 /nothing/x", "0 /twice/web.test", "0 /hasty/", "0 /hasty/a..b", "0 /hasty/.", "0 /hasty/.test", "0 /hasty/127.0.0.1", "0 /hasty/a%20b.test", "0 /hasty/%00.test",
		"0 /hasty/" + strings.Repeat("a", 63) + ".test", "0 /hasty/" + strings.Repeat("a", 64) + ".test", "0 /hasty/" + strings.Repeat("a.", 130) + "test", "0 /onwards/web.test", "1 /early/web.test", "1 /soon/nosuch.test", "1 /early/a..b", "4 ",
	}},
	{"late", []string{"web A 127.0.0.1"}, []string{"0 /four/web.test", "0 /tcp/web.test", "0 /onwards/web.test", "1 /early/web.test", "4 "}},
	{"silent", nil, []string{"0 /hasty/web.test", "2 /", "3 /"}},
	{"half", []string{"web A 127.0.0.1"}, []string{"0 /hasty/web.test"}},
	{"truncated", []string{"web A 127.0.0.1"}, []string{"0 /hasty/web.test"}},
	{"wrong id", []string{"web A 127.0.0.1"}, []string{"0 /hasty/web.test"}},
	{"wrong name", []string{"web A 127.0.0.1"}, []string{"0 /hasty/web.test"}},
	{"no question", []string{"web A 127.0.0.1"}, []string{"0 /hasty/web.test"}},
	{"", nil, []string{"0 /hasty/web.test"}},
}

// asked sends a request in two pieces, and returns all that comes back.
func asked(addr, target string) string {
	c, err := net.Dial("tcp4", addr)
	if err != nil {
		return err.Error()
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(50 * time.Second))
	text := "POST " + target + " HTTP/1.0\r\nContent-Length: 4\r\n\r\nbody"
	_, _ = io.WriteString(c, text[:len(text)/2])
	time.Sleep(5 * time.Millisecond)
	_, _ = io.WriteString(c, text[len(text)/2:])
	got, err := io.ReadAll(c)
	return fmt.Sprintf("%q %v", got, err != nil)
}

// Rules that look names up find what the reference finds, whatever name servers say, wait
// as long, and send what they have found where it is used.
func TestDoResolve(t *testing.T) {
	ns := newNameServer(t)
	_, port, _ := net.SplitHostPort(testserver.TCP(t, func(c net.Conn) {
		defer c.Close()
		r := bufio.NewReader(c)
		for line := ""; strings.TrimRight(line, "\r\n") != "" || line == ""; {
			var err error
			if line, err = r.ReadString('\n'); err != nil {
				return
			}
		}
		_, _ = io.WriteString(c, "HTTP/1.0 200 Here\r\n\r\nreached")
	}))
	subjects := []*subject{{"haproxy", []string{testpeer.Need(t, "haproxy")}}, {"builtin", []string{build(t), "proxy"}}}
	var addrs [2][]string
	for i, s := range subjects {
		r, err := s.startWith(t.TempDir(), strings.NewReplacer("NS", ns.addr, "PORT", port).Replace(askingConf), 0, 4)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := r.stop(); err != nil {
				t.Error(err)
			}
		})
		addrs[i] = slices.Concat([]string{r.addr}, r.more)
	}
	for _, step := range askingSteps {
		ns.set(step.manner, step.lines...)
		var got [2][]string
		var all sync.WaitGroup
		for i := range subjects {
			got[i] = make([]string, len(step.asks))
			for j, ask := range step.asks {
				all.Go(func() { got[i][j] = asked(addrs[i][ask[0]-'0'], ask[2:]) })
			}
		}
		all.Wait()
		for j, ask := range step.asks {
			if got[0][j] != got[1][j] {
				t.Errorf("%s %s:\nhaproxy %s\nbuiltin %s", step.manner, ask, got[0][j], got[1][j])
			}
		}
	}
	// Clients that are gone when the answer comes, or before, cost those who come later nothing.
	ns.set("silent")
	for i := range subjects {
		for _, way := range []int{0, -1} { // reset, and closed
			c, err := net.Dial("tcp4", addrs[i][0])
			if err != nil {
				t.Fatal(err)
			}
			_, _ = io.WriteString(c, "GET /four/web.test HTTP/1.1\r\nHost: a\r\n\r\nGET /hasty/web.test HTTP/1.1\r\nHost: a\r\n\r\n")
			time.Sleep(20 * time.Millisecond)
			_ = c.(*net.TCPConn).SetLinger(way)
			_ = c.Close()
		}
	}
	ns.set("", "other A 127.0.0.9")
	for i, s := range subjects {
		if got := asked(addrs[i][0], "/four/other.test"); !strings.Contains(got, "127.0.0.9") {
			t.Errorf("%s: behind clients that are gone: %s", s.name, got)
		}
	}
}
