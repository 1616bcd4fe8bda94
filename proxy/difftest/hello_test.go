package difftest

import (
	"crypto/tls"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"bench/internal/testpeer"
)

// passed is what a client sends to a proxy that only looks on, in pieces.
type passed struct {
	name   string
	pieces []string
}

// recordedHello is the first thing that a client of crypto/tls says.
func recordedHello(change func(*tls.Config)) string {
	cfg := &tls.Config{ServerName: "site.test", InsecureSkipVerify: true} //nolint:gosec // nobody is there
	change(cfg)
	here, there := net.Pipe()
	defer here.Close()
	go func() { _ = tls.Client(there, cfg).Handshake() }()
	head := make([]byte, 5)
	_, _ = io.ReadFull(here, head)
	body := make([]byte, binary.BigEndian.Uint16(head[3:]))
	_, _ = io.ReadFull(here, body)
	return string(head) + string(body)
}

// inRecords is a hello whose message goes over several records, of n bytes each.
func inRecords(hello string, n int) string {
	var b strings.Builder
	for body := hello[5:]; body != ""; {
		size := min(n, len(body))
		b.WriteString(hello[:3])
		b.WriteString(string([]byte{byte(size >> 8), byte(size)}))
		b.WriteString(body[:size])
		body = body[size:]
	}
	return b.String()
}

// helloVariants are good hellos, whole, cut and fragmented. Of damaged ones the reference
// makes what lies behind them.
func helloVariants() (list []passed) {
	full := recordedHello(func(c *tls.Config) { c.NextProtos = []string{"h2", "http/1.1"} })
	add := func(name string, pieces ...string) { list = append(list, passed{name, pieces}) }
	add("whole", full)
	add("1.2", recordedHello(func(c *tls.Config) { c.MaxVersion = tls.VersionTLS12 }))
	add("no name, no tickets", recordedHello(func(c *tls.Config) { c.ServerName, c.SessionTicketsDisabled = "", true }))
	add("made by hand", hello)
	add("with a ticket", withExtension("\x00\x23\x00\x03abc"))
	add("without one", withExtension("\x00\x23\x00\x00"))
	add("groups", withExtension("\x00\x0a\x00\x04\x00\x02\x00\x1d"))
	add("several names of protocols", withExtension("\x00\x10\x00\x05\x00\x03\x02h2"))
	add("a name of another kind", withExtension("\x00\x00\x00\x06\x00\x04\x01\x00\x01x"))
	add("followed by more", full+"more")
	add("not TLS", "GET / HTTP/1.0\r\n\r\n")
	add("nothing")
	for at := 1; at < len(hello); at += 9 {
		add(fmt.Sprintf("in two at %d", at), hello[:at], hello[at:])
		if at < 50 { // behind that the reference reads what others have left in its memory
			add(fmt.Sprintf("cut at %d", at), hello[:at])
			add(fmt.Sprintf("records of %d", at), inRecords(hello, at))
		}
	}
	return list
}

// withExtension is a hello with one extension.
func withExtension(x string) string {
	body := "\x03\x03" + strings.Repeat("r", 32) + "\x00\x00\x02\x13\x01\x01\x00" + string([]byte{0, byte(len(x))}) + x
	n := len(body)
	return "\x16\x03\x01" + string([]byte{0, byte(n + 4)}) + "\x01\x00" + string([]byte{0, byte(n)}) + body
}

const lookOn = `global
    nbthread 1
    log stdout format raw local0
defaults
    mode tcp
    timeout connect 1s
    timeout client 5s
    timeout server 5s
    retries 0
frontend ready
    mode http
    bind fd@4
    monitor-uri /ready
frontend fe
    log global
    log-format "seen %cp type=%[var(sess.t)] sni=%[var(sess.s)] ver=%[var(sess.v)] alpn=%[var(sess.a)] groups=%[var(sess.g)] ticket=%[var(sess.k)]"
    bind fd@3
    tcp-request inspect-delay 4s
    tcp-request content reject if { req.ssl_hello_type 99 }
    tcp-request content set-var(sess.t) req.ssl_hello_type
    tcp-request content set-var(sess.s) req.ssl_sni
    tcp-request content set-var(sess.v) req.ssl_ver
    tcp-request content set-var(sess.a) req.ssl_alpn
    tcp-request content set-var(sess.g) req.ssl_ec_ext
    tcp-request content set-var(sess.k) req.ssl_st_ext
    default_backend none
backend none
    server s 127.0.0.1:1
`

// seen plays the variants through a proxy, and returns what it has seen of each.
func seen(t *testing.T, s *subject, conf string, list []passed) []string {
	r, err := s.start(t.TempDir(), conf, 0)
	if err != nil {
		t.Error(err)
		return nil
	}
	ports := make([]string, len(list))
	var running sync.WaitGroup
	places := make(chan struct{}, 8)
	for i, v := range list {
		running.Go(func() {
			places <- struct{}{}
			defer func() { <-places }()
			conn, err := net.Dial("tcp", r.addr)
			if err != nil {
				t.Error(err)
				return
			}
			defer conn.Close()
			_ = conn.SetDeadline(time.Now().Add(20 * time.Second))
			_, ports[i], _ = net.SplitHostPort(conn.LocalAddr().String())
			for j, piece := range v.pieces {
				if j > 0 {
					time.Sleep(30 * time.Millisecond)
				}
				_, _ = io.WriteString(conn, piece)
			}
			_ = conn.(*net.TCPConn).CloseWrite()
			_, _ = io.Copy(io.Discard, conn)
		})
	}
	running.Wait()
	lines := map[string]string{}
	for end := time.Now().Add(10 * time.Second); len(lines) < len(list) && time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		for line := range strings.Lines(r.output.String()) {
			if rest, ok := strings.CutPrefix(line, "seen "); ok && strings.HasSuffix(line, "\n") {
				port, said, _ := strings.Cut(rest, " ")
				lines[port] = strings.TrimSpace(said)
			}
		}
	}
	if err := r.stop(); err != nil {
		t.Error(err)
	}
	result := make([]string, len(list))
	for i := range list {
		result[i] = lines[ports[i]]
	}
	return result
}

// seenAlike fails if a proxy sees anything else in the variants than the reference.
func seenAlike(t *testing.T, conf string, list []passed) {
	t.Helper()
	var theirs, ours []string
	engine := &subject{"builtin", []string{build(t), "proxy"}}
	reference := &subject{"haproxy", []string{testpeer.Need(t, "haproxy")}}
	var both sync.WaitGroup
	both.Go(func() { theirs = seen(t, reference, conf, list) })
	both.Go(func() { ours = seen(t, engine, conf, list) })
	both.Wait()
	if t.Failed() {
		return
	}
	for i, v := range list {
		if theirs[i] != ours[i] {
			t.Errorf("%s:\nhaproxy: %s\nbuiltin: %s\n%q", v.name, theirs[i], ours[i], v.pieces)
		}
	}
}

// What a proxy that passes TLS on sees of hellos is what the reference sees, however they are cut
// and fragmented.
func TestHellos(t *testing.T) { seenAlike(t, lookOn, helloVariants()) }
