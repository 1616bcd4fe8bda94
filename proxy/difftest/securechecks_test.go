package difftest

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"io"
	"maps"
	"net"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"bench/internal/testpeer"
	"bench/internal/testserver"
)

// secureKinds are checks that speak TLS, by option or by rule.
func secureKinds() []checkKind {
	const tcp, get = "option tcp-check\n", "option httpchk GET /x\n"
	const ask = "tcp-check send ping\\r\\n\ntcp-check expect string pong"
	return []checkKind{
		{name: "rule", lines: tcp + "tcp-check connect ssl\n" + ask},
		{name: "rule-bare", lines: tcp + "tcp-check connect ssl"},
		{name: "rule-name", lines: tcp + "tcp-check connect ssl sni a.test alpn http/1.1 comment why\ntcp-check send name\\r\\n\ntcp-check expect string \"a.test http/1.1\""},
		{name: "rule-twice", lines: tcp + "tcp-check connect ssl\n" + ask + "\ntcp-check connect ssl linger\n" + ask},
		{name: "rule-clear-then", lines: tcp + "tcp-check connect\ntcp-check connect ssl\n" + ask},
		{name: "rule-then-clear", lines: tcp + "tcp-check connect ssl\n" + ask + "\ntcp-check connect\n" + ask},
		{name: "rule-default", lines: tcp + "tcp-check connect default\n" + ask, server: "check check-ssl verify none"},
		{name: "rule-verifies", lines: tcp + "tcp-check connect ssl sni a.test\n" + ask, server: "check ssl verify required ca-file CA"},
		{name: "http-rule", lines: get + "http-check connect ssl\nhttp-check send uri /y ver HTTP/1.1 hdr Host a\nhttp-check expect status 200"},
		{name: "http-rule-name", lines: get + "http-check connect ssl sni a.test alpn http/1.1 comment why\nhttp-check send uri /y\nhttp-check expect string a.test"},
		{name: "http-rule-twice", lines: get + "http-check connect ssl\nhttp-check send uri /1\nhttp-check expect status 200\nhttp-check connect ssl\nhttp-check send uri /2\nhttp-check expect rstatus ^2"},
		{name: "option", lines: get + "http-check expect status 200", server: "check check-ssl verify none"},
		{name: "option-name", lines: get + "http-check expect string a.test", server: "check check-ssl verify none check-sni a.test check-alpn http/1.1"},
		{name: "server", lines: get, server: "check ssl verify required ca-file CA check-sni a.test"},
		{name: "verifyhost", lines: tcp + "tcp-check connect ssl\n" + ask, server: "check ssl verify required ca-file CA verifyhost a.test"},
		{name: "plain", server: "check check-ssl verify none"},
		{name: "redis", lines: "option redis-check", server: "check check-ssl verify none"},
	}
}

// secureServers are servers by their manners. All speak TLS but the last ones.
func secureServers(t *testing.T, sign func(name string) string) map[string]string {
	t.Helper()
	load := func(name string) *tls.Config {
		path := sign(name)
		pair, err := tls.LoadX509KeyPair(path, path)
		if err != nil {
			t.Fatal(err)
		}
		return &tls.Config{Certificates: []tls.Certificate{pair}, NextProtos: []string{"http/1.1"}, MinVersion: tls.VersionTLS12}
	}
	speak := func(cfg *tls.Config, pong, status string, slow bool) func(net.Conn) {
		return func(c net.Conn) {
			defer c.Close()
			_ = c.SetDeadline(time.Now().Add(20 * time.Second))
			if slow {
				c = &dripping{c}
			}
			s := tls.Server(c, cfg)
			r := bufio.NewReader(s)
			for {
				line, err := r.ReadString('\n')
				if err != nil {
					return
				}
				switch word, _, _ := strings.Cut(strings.TrimSpace(line), " "); word {
				case "ping":
					_, _ = io.WriteString(s, pong)
				case "PING":
					_, _ = io.WriteString(s, "+PONG\r\n")
				case "name":
					st := s.ConnectionState()
					_, _ = io.WriteString(s, st.ServerName+" "+st.NegotiatedProtocol+"\r\n")
				case "":
					body := "for " + s.ConnectionState().ServerName
					_, _ = fmt.Fprintf(s, "HTTP/1.1 %s\r\nContent-Length: %d\r\n\r\n%s", status, len(body), body)
				}
			}
		}
	}
	good, other := load("a.test"), load("b.test")
	old := good.Clone()
	old.MaxVersion = tls.VersionTLS12
	return map[string]string{
		"well":    testserver.TCP(t, speak(good, "pong\r\n", "200 OK", false)),
		"tls12":   testserver.TCP(t, speak(old, "pong\r\n", "200 OK", false)),
		"slow":    testserver.TCP(t, speak(good, "pong\r\n", "200 OK", true)),
		"wrong":   testserver.TCP(t, speak(good, "pang\r\n", "503 No", false)),
		"foreign": testserver.TCP(t, speak(other, "pong\r\n", "200 OK", false)),
		"leaves": testserver.TCP(t, func(c net.Conn) {
			s := tls.Server(c, good)
			_ = s.Handshake()
			_, _ = s.Read(make([]byte, 1))
			_ = s.Close()
		}),
		"clear": testserver.TCP(t, func(c net.Conn) {
			_, _ = io.WriteString(c, "220 hello\r\n")
			_, _ = io.Copy(io.Discard, c)
			_ = c.Close()
		}),
		"closes": testserver.TCP(t, func(c net.Conn) { _, _ = c.Read(make([]byte, 4096)); _ = c.Close() }),
		"mute":   testserver.TCP(t, func(c net.Conn) { _, _ = io.Copy(io.Discard, c); _ = c.Close() }),
		"nobody": testpeer.Refusing(t),
	}
}

// dripping writes what is short byte by byte.
type dripping struct{ net.Conn }

func (d *dripping) Write(p []byte) (int, error) {
	if len(p) > 200 {
		return d.Conn.Write(p)
	}
	for i := range p {
		if _, err := d.Conn.Write(p[i : i+1]); err != nil {
			return i, err
		}
		time.Sleep(time.Millisecond)
	}
	return len(p), nil
}

// TestSecureChecks compares what both find of servers by checks over TLS.
func TestSecureChecks(t *testing.T) {
	if tried(t) {
		return
	}
	dir := t.TempDir()
	ca, key := makeCert(t, dir, "ca", nil, nil, nil)
	servers := secureServers(t, func(name string) string {
		makeCert(t, dir, name, []string{name}, ca, key)
		return filepath.Join(dir, name)
	})
	kinds := secureKinds()
	start := func(s *subject) *checkedBy {
		c := newCheckedBy(t)
		var conf strings.Builder
		fmt.Fprintf(&conf, checksConf, c.port())
		for _, k := range kinds {
			fmt.Fprintf(&conf, "backend %s\n", k.name)
			for line := range strings.SplitSeq(k.lines, "\n") {
				fmt.Fprintf(&conf, "    %s\n", line)
			}
			options := k.server
			if options == "" {
				options = "check verify none"
			}
			for _, name := range slices.Sorted(maps.Keys(servers)) {
				if name == "nobody" && strings.HasSuffix(k.name, "-name") {
					continue // there it is a handshake that has failed, before there was a connection
				}
				fmt.Fprintf(&conf, "    server %s %s %s\n", name, servers[name], strings.ReplaceAll(options, "CA", filepath.Join(dir, "ca")))
				c.origins[k.name+"/"+name] = nil
			}
		}
		c.start(t, s, conf.String())
		return c
	}
	sameFound(t, kinds, start(&subject{"haproxy", []string{testpeer.Need(t, "haproxy")}}), start(&subject{"builtin", []string{build(t), "proxy"}}))
}
