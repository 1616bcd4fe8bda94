package difftest

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"bench/internal/testpeer"
	"bench/internal/tlsio"
)

// helloAsking is a hello of TLS 1.2 whose extension for names has this content.
func helloAsking(extension string) string {
	return helloWith(recordedHello(func(c *tls.Config) { aes128(c); c.ServerName = "" }), true, 0, extension)
}

// listed is the content of an extension with one name.
func listed(name string) string {
	entry := string(binary.BigEndian.AppendUint16([]byte{0}, uint16(len(name)))) + name
	return string(binary.BigEndian.AppendUint16(nil, uint16(len(entry)))) + entry
}

// answerToHello is the certificate that a server shows, or the alert that it says.
func answerToHello(addr, hello string) string {
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		return err.Error()
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(3 * time.Second))
	_, _ = io.WriteString(conn, hello)
	var messages []byte
	for head := make([]byte, 5); ; {
		if _, err := io.ReadFull(conn, head); err != nil {
			return "closed"
		}
		body := make([]byte, binary.BigEndian.Uint16(head[3:]))
		if _, err := io.ReadFull(conn, body); err != nil {
			return "closed"
		}
		if head[0] == 21 {
			return "alert " + tls.AlertError(body[1]).Error()
		}
		messages = append(messages, body...)
		for r := (tlsio.Reader{B: messages}); len(r.B) > 4; {
			kind, size := r.Byte(), r.Take(3)
			message := r.Take(int(size[0])<<16 | int(size[1])<<8 | int(size[2]))
			if r.Bad || kind != 11 {
				continue
			}
			first := tlsio.Reader{B: message[3:]}
			size = first.Take(3)
			c, err := x509.ParseCertificate(first.Take(int(size[1])<<8 | int(size[2])))
			if err != nil {
				return err.Error()
			}
			return c.Subject.CommonName
		}
	}
}

// Which certificate clients get by the name they ask for, which may be anything.
func TestServerNamesLikeReference(t *testing.T) {
	long := strings.Repeat("a", 300)
	// crypto/tls takes what is no name for an error before anybody is asked.
	const undecoded = "alert tls: error decoding message"
	names := []struct {
		name, extension string
		differs, strict string // what the engine does instead, and with "strict-sni"
	}{
		{name: "known", extension: listed("site.test")},
		{name: "upper case", extension: listed("SITE.Test")},
		{name: "of a wildcard", extension: listed("x.wild.test")},
		{name: "unknown", extension: listed("unknown.test")},
		{name: "ends with a dot", extension: listed("site.test."), differs: undecoded, strict: undecoded},
		{name: "unknown, ends with a dot", extension: listed("unknown.test."), differs: undecoded, strict: undecoded},
		{name: "a dot", extension: listed("."), differs: undecoded, strict: undecoded},
		{name: "address", extension: listed("127.0.0.1")},
		{name: "address of IPv6", extension: listed("::1")},
		{name: "with a port", extension: listed("site.test:443")},
		{name: "with an underscore", extension: listed("a_b.wild.test")},
		{name: "with blanks", extension: listed(" site.test ")},
		{name: "with NUL", extension: listed("site.test\x00")},
		{name: "255 bytes", extension: listed(long[:245] + ".wild.test")},
		{name: "256 bytes", extension: listed(long[:246] + ".wild.test")},
		{name: "300 bytes", extension: listed(long)},
		{name: "empty name", extension: listed(""), differs: undecoded, strict: undecoded},
		{name: "empty list", extension: "\x00\x00", differs: undecoded, strict: undecoded},
		{name: "empty extension", extension: "", differs: undecoded, strict: undecoded},
		{name: "another kind of name", extension: "\x00\x0c\x01\x00\x09site.test", differs: "rsa.example"},
		{name: "another kind first", extension: "\x00\x0f\x01\x00\x00\x00\x00\x09site.test", differs: undecoded, strict: undecoded},
		{name: "two names", extension: "\x00\x18\x00\x00\x09site.test\x00\x00\x09dual.test"},
		{name: "the same name twice", extension: "\x00\x18\x00\x00\x09site.test\x00\x00\x09site.test"},
		{name: "list longer than it is", extension: "\x00\x0d\x00\x00\x09site.test", differs: undecoded, strict: undecoded},
		{name: "more behind the list", extension: "\x00\x0c\x00\x00\x09site.testx", differs: undecoded, strict: undecoded},
		{name: "name longer than it is", extension: "\x00\x0c\x00\x00\x0asite.test", differs: undecoded, strict: undecoded},
	}
	certs := t.TempDir()
	makeFiles(t, certs)
	subjects := []*subject{{"haproxy", []string{testpeer.Need(t, "haproxy")}}, {"builtin", []string{build(t), "proxy"}}}
	for _, strict := range []bool{false, true} {
		answers := make([][]string, len(subjects))
		var all sync.WaitGroup
		for i, s := range subjects {
			all.Go(func() {
				options := "crt " + certs + "/rsa crt " + certs + "/site crt " + certs + "/dual"
				if strict {
					options += " strict-sni"
				}
				r, err := s.start(t.TempDir(), fmt.Sprintf("defaults\n    mode http\n    timeout client 5s\n    timeout connect 1s\n    timeout server 1s\nfrontend ready\n    bind fd@4\n    monitor-uri /ready\nfrontend fe\n    bind fd@3 ssl %s\n    http-request return status 200\n", options), 0)
				if err != nil {
					t.Error(err)
					return
				}
				for _, n := range names {
					answers[i] = append(answers[i], answerToHello(r.addr, helloAsking(n.extension)))
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
		for i, n := range names {
			want, got, differs := answers[0][i], answers[1][i], n.differs
			if strict {
				differs = n.strict
			}
			switch {
			case differs == "" && got != want, differs != "" && got != differs:
				t.Errorf("%s, strict %v:\n\thaproxy: %s\n\tbuiltin: %s", n.name, strict, want, got)
			case differs != "" && got == want:
				t.Errorf("%s, strict %v: no longer differs: %s", n.name, strict, got)
			}
		}
	}
}
