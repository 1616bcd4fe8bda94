package difftest

import (
	"bufio"
	"crypto/tls"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"

	"bench/internal/testpeer"
)

// sayHeaders answers each request by what a header of the PROXY protocol has said behind the
// addresses.
func sayHeaders(l net.Listener) {
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		go func() {
			defer c.Close()
			const fixed, addresses = 16, 12
			head := make([]byte, fixed)
			if _, err := io.ReadFull(c, head); err != nil {
				return
			}
			rest := make([]byte, binary.BigEndian.Uint16(head[14:]))
			if _, err := io.ReadFull(c, rest); err != nil || len(rest) < addresses {
				return
			}
			said := fmt.Sprintf("%q", rest[addresses:])
			if _, err := http.ReadRequest(bufio.NewReader(c)); err != nil {
				said = "behind the header there is no request"
			}
			fmt.Fprintf(c, "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s", len(said), said)
		}()
	}
}

// What servers are told by the PROXY protocol about clients that speak TLS, whatever these say of
// themselves.
func TestPassedOnLikeReference(t *testing.T) {
	certs := t.TempDir()
	makeFiles(t, certs)
	clients := []tlsClient{
		{name: "plain", change: aes128},
		{name: "certificate", cert: "client", change: aes128},
		{name: "session with a certificate", cert: "client", change: aes128, resumes: true},
		{name: "name of 255 bytes", change: func(c *tls.Config) { aes128(c); c.ServerName = strings.Repeat("a", 255) }},
		{name: "name with a line end", change: func(c *tls.Config) { aes128(c); c.ServerName = "a\r\nGET / HTTP/1.1" }},
	}
	for _, odd := range oddNames() {
		odd.name = "certificate " + odd.name
		clients = append(clients, odd)
	}
	subjects := []*subject{{"haproxy", []string{testpeer.Need(t, "haproxy")}}, {"builtin", []string{build(t), "proxy"}}}
	got := make([][]string, len(subjects))
	var all sync.WaitGroup
	for i, s := range subjects {
		all.Go(func() {
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Error(err)
				return
			}
			defer l.Close()
			go sayHeaders(l)
			conf := fmt.Sprintf(`global
    nbthread 1
defaults
    mode http
    timeout client 5s
    timeout connect 1s
    timeout server 5s
frontend ready
    bind fd@4
    monitor-uri /ready
frontend fe
    bind fd@3 ssl crt %s/site ca-file %[1]s/ca verify optional
    default_backend be
backend be
    http-reuse never
    server s %[2]s send-proxy-v2-ssl-cn proxy-v2-options authority
`, certs, l.Addr())
			r, err := s.start(t.TempDir(), conf, 0)
			if err != nil {
				t.Error(err)
				return
			}
			var sessions tls.ClientSessionCache
			for _, c := range clients {
				if !c.resumes {
					sessions = tls.NewLRUClientSessionCache(1)
				}
				got[i] = append(got[i], c.play(r.addr, certs, sessions))
			}
			if err := r.stop(); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if t.Failed() {
		return
	}
	for i, c := range clients {
		if got[0][i] != got[1][i] {
			t.Errorf("%s:\n\thaproxy: %s\n\tbuiltin: %s", c.name, got[0][i], got[1][i])
		}
	}
}
