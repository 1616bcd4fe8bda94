package worker

import (
	"crypto/tls"
	"io"
	"net"
	"strings"
	"testing"

	"bench/backends/mysqlorigin"
	"bench/backends/origintest"
	"bench/internal/mysqlwire"
	"bench/internal/result"
	"bench/loadgen/mysql"
	"bench/loadgen/workload"
)

// A load asks an origin for TLS on every connection and logs in there; one that does not
// trust the certificate, or is not offered TLS, says nothing.
func TestMySQLAsksForTLS(t *testing.T) {
	id, other := newIdentity(t), newIdentity(t)
	one := int64(1)
	origin := func(cfg *tls.Config) string {
		kind, err := mysqlorigin.NewConfig(mysqlorigin.Options{User: "app", Password: "secret", Plugin: mysqlorigin.CachingSHA2, TLS: cfg})
		if err != nil {
			t.Fatal(err)
		}
		addr := origintest.Serve(t, kind)
		return addr.String()
	}
	secured, plain := origin(&tls.Config{Certificates: []tls.Certificate{id.own}, MinVersion: tls.VersionTLS12}), origin(nil)
	for _, c := range []struct {
		name, addr, ca string
		failure        string // "": none
	}{
		{"good", secured, id.ca, ""},
		{"distrusted", secured, other.ca, "TLS: "},
		{"in clear", plain, id.ca, "handshake: the server does not offer TLS"},
	} {
		spec := mysqlLoad(c.addr, mysql.Spec{Connect: []string{"SELECT 1"}, Statements: []mysql.Statement{{Query: "SELECT {{seq}}", Expect: mysql.ExpectResult{Rows: &one}}}})
		spec.Phases[0].LengthUs = 100_000
		spec.Connections.RequestsPerConnection = 2
		spec.TLS = &workload.TLS{Name: identityName, CA: c.ca}
		got, l := load(t, spec)
		p := got.Phases[0]
		if c.failure != "" {
			if got.FailuresByCause[result.CauseConnect] != got.Requests || !strings.HasPrefix(l.failures[0].Detail, c.failure) || p.Handshakes > 0 {
				t.Errorf("%s: %v, %+v", c.name, got.FailuresByCause, l.failures[0])
			}
			continue
		}
		if got.Failed > 0 || got.Requests == 0 || p.Handshakes != p.ConnsOpened || p.Resumed == 0 {
			t.Errorf("%s: %d handshakes, %d resumed, on %d connections, failures %v", c.name, p.Handshakes, p.Resumed, p.ConnsOpened, got.FailuresByCause)
		}
	}
}

// Whatever a server, or somebody between, says in clear where TLS was asked for is not
// taken for its answer.
func TestMySQLTakesNothingInClearBehindTLS(t *testing.T) {
	g := mysqlwire.Greeting{Version: "8.0", Plugin: mysqlwire.NativePassword, Capabilities: mysqlwire.Protocol41 | mysqlwire.SecureConnection | mysqlwire.PluginAuth | mysqlwire.TLS}
	for i := range g.Salt {
		g.Salt[i] = byte('a' + i)
	}
	ok := mysqlwire.AppendOK(nil, 2, 0, 0, mysqlwire.StatusAutocommit)
	for name, c := range map[string]struct{ first, then, want string }{
		"with the greeting": {string(g.Append(nil, 0)) + string(ok), "", "handshake: data in clear, where TLS was asked for"},
		"behind it":         {string(g.Append(nil, 0)), string(ok), "TLS: "},
	} {
		t.Run(name, func(t *testing.T) {
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { l.Close() })
			go func() {
				for {
					conn, err := l.Accept()
					if err != nil {
						return
					}
					_, _ = io.WriteString(conn, c.first)
					if c.then != "" {
						_, _ = io.ReadFull(conn, make([]byte, mysqlwire.HeaderSize+32))
						_, _ = io.WriteString(conn, c.then)
					}
					_, _ = io.Copy(io.Discard, conn)
					conn.Close()
				}
			}()
			spec := mysqlLoad(l.Addr().String(), mysql.Spec{})
			spec.Phases[0].LengthUs = 20_000
			spec.TLS = &workload.TLS{Name: identityName}
			got, seen := load(t, spec)
			if got.Requests == 0 || got.FailuresByCause[result.CauseConnect] != got.Requests || !strings.HasPrefix(seen.failures[0].Detail, c.want) {
				t.Errorf("%d requests, %v, %+v", got.Requests, got.FailuresByCause, seen.failures)
			}
		})
	}
}
