package backends_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"io"
	"net"
	"os/exec"
	"strings"
	"testing"
	"time"

	"bench/backends/mysqlorigin"
	"bench/internal/mysqlwire"
	"bench/internal/testpeer"
)

// A driver that wants TLS gets it, one that does not is served in clear, and both
// authenticate, whatever the plugin; nobody gets TLS where it is not offered.
func TestMySQLOverTLS(t *testing.T) {
	for _, plugin := range []string{mysqlorigin.Native, mysqlorigin.CachingSHA2} {
		r := startMySQL(t, mysqlorigin.Options{User: "app", Password: "secret", Plugin: plugin, TLS: secret(t)})
		for _, c := range []struct {
			dsn  string
			good bool
		}{
			{"app:secret@ADDR/?tls=skip-verify", true}, // with the password itself, which is not in the cache yet
			{"app:secret@ADDR/?tls=skip-verify", true},
			{"app:wrong@ADDR/?tls=skip-verify", false},
			{"app:secret@ADDR/", true},
			{"app:secret@ADDR/?tls=true", false}, // nobody knows who has signed the certificate
		} {
			if err := r.open(c.dsn).PingContext(t.Context()); (err == nil) != c.good {
				t.Errorf("%s, %s: %v", plugin, c.dsn, err)
			}
		}
	}
	r := startMySQL(t, mysqlorigin.Options{})
	if err := r.open("app@ADDR/?tls=skip-verify").PingContext(t.Context()); err == nil {
		t.Error("an origin without a certificate speaks TLS")
	}
}

func TestMySQLClientOverTLS(t *testing.T) {
	client := testpeer.Need(t, "mariadb")
	r := startMySQL(t, mysqlorigin.Options{User: "app", Password: "secret", Answers: answers(t), TLS: secret(t)})
	host, port, _ := net.SplitHostPort(r.addr[0])
	for _, versions := range []string{"TLSv1.2", "TLSv1.3"} {
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		out, err := exec.CommandContext(ctx, client, "--no-defaults", "--ssl", "--skip-ssl-verify-server-cert", "--tls-version="+versions, "-h"+host, "-P"+port,
			"-uapp", "-psecret", "-e", `\s`, "-e", "SELECT c FROM sbtest1 WHERE id=7").CombinedOutput()
		if err != nil || !strings.Contains(string(out), "Cipher in use is ") || !strings.Contains(string(out), "some text") {
			t.Errorf("%s: %v: %s", versions, err, out)
		}
	}
}

// cutConn writes in two pieces, the second of which comes when the first has arrived, or
// keeps what is written until it is told to go on.
type cutConn struct {
	net.Conn
	kept []byte
	keep bool
	at   int // where the next is cut; 0: nowhere
}

func (c *cutConn) Write(p []byte) (int, error) {
	c.kept = append(c.kept, p...)
	if c.keep {
		return len(p), nil
	}
	all := c.kept
	c.kept = nil
	if c.at > 0 && c.at < len(all) {
		if _, err := c.Conn.Write(all[:c.at]); err != nil {
			return 0, err
		}
		time.Sleep(time.Millisecond) // whether it arrives alone decides nothing
		all = all[c.at:]
	}
	_, err := c.Conn.Write(all)
	return len(p), err
}

// tlsRequest is a client's wish for TLS.
func tlsRequest() []byte {
	return mysqlwire.AppendTLSRequest(nil, 1, &mysqlwire.Login{Capabilities: mysqlwire.Protocol41 | mysqlwire.SecureConnection | mysqlwire.TLS})
}

// greet connects and reads the greeting.
func (r *rig) greet() net.Conn {
	r.t.Helper()
	c := r.dial()
	head := make([]byte, mysqlwire.HeaderSize)
	if _, err := io.ReadFull(c, head); err != nil {
		r.t.Fatal(err)
	}
	if _, err := io.CopyN(io.Discard, c, int64(head[0])); err != nil {
		r.t.Fatal(err)
	}
	return c
}

// The wish for TLS and the first flight of it may come as one, cut anywhere.
func TestMySQLUpgradeInPieces(t *testing.T) {
	r := startMySQL(t, mysqlorigin.Options{TLS: secret(t)})
	for at := range len(tlsRequest()) + 20 {
		c := &cutConn{Conn: r.greet(), keep: true, at: at}
		_, _ = c.Write(tlsRequest())
		c.keep = false
		s := tls.Client(c, &tls.Config{InsecureSkipVerify: true}) //nolint:gosec // the test's own
		login := mysqlwire.AppendLogin(nil, 2, &mysqlwire.Login{Capabilities: mysqlwire.Protocol41 | mysqlwire.SecureConnection | mysqlwire.TLS, User: []byte("any")})
		if _, err := s.Write(append(login, mysqlwire.AppendCommand(nil, mysqlwire.ComPing, nil)...)); err != nil {
			t.Fatalf("cut at %d: %v", at, err)
		}
		got := make([]byte, 22) // the OK of the login, and that of the ping
		if _, err := io.ReadFull(s, got); err != nil || got[4] != 0 || got[15] != 0 {
			t.Fatalf("cut at %d: %q, %v", at, got, err)
		}
		c.Close()
	}
}

// What comes in clear behind the wish for TLS is not taken for what TLS protects, nor is a
// second wish granted, and clients that go away meanwhile leave nothing.
func TestMySQLUpgradeAbused(t *testing.T) {
	r := startMySQL(t, mysqlorigin.Options{TLS: secret(t)})
	c := r.greet()
	login := mysqlwire.AppendLogin(nil, 2, &mysqlwire.Login{Capabilities: mysqlwire.Protocol41 | mysqlwire.SecureConnection, User: []byte("any")})
	if _, err := c.Write(append(tlsRequest(), login...)); err != nil {
		t.Fatal(err)
	}
	if got, _ := io.ReadAll(c); bytes.Contains(got, []byte{0, 0, 0, 2, 0}) || len(got) > 0 && got[0] != 21 {
		t.Errorf("answered in clear: %q", got)
	}
	c = r.greet()
	if _, err := c.Write(tlsRequest()); err != nil {
		t.Fatal(err)
	}
	s := tls.Client(c, &tls.Config{InsecureSkipVerify: true}) //nolint:gosec // the test's own
	if _, err := s.Write(tlsRequest()); err != nil {
		t.Fatal(err)
	}
	if got, _ := io.ReadAll(s); !bytes.Contains(got, []byte("Malformed")) {
		t.Errorf("TLS within TLS: %q", got)
	}
	for n := range len(tlsRequest()) + 10 {
		c := r.greet()
		_, _ = c.Write(append(tlsRequest(), "\x16\x03\x01\x01\x00\x01\x00\x00\xfc\x03"...)[:n])
		c.Close()
	}
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		n, err := r.control.Counters(t.Context())
		if err == nil && n.Replicas[0].Connections.Active == 0 {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("connections are left: %+v, %v", n, err)
		}
	}
}
