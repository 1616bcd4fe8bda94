package engine_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// movable is a proxy in front of one server that names itself in its answers.
func movable(dir, addr, reuse string) string {
	return fmt.Sprintf(`global
    stats socket %[1]s/stats mode 600 level admin
    nbthread 1
defaults
    mode http
    timeout connect 1s
    timeout client 5s
    timeout server 5s
    http-reuse %[3]s
frontend fe
    bind unix@%[1]s/fe
    default_backend be
backend be
    server s1 %[2]s
`, dir, addr, reuse)
}

// named starts an origin that answers with its name, late when asked for /slow.
func named(t *testing.T, name string) (host, port string) {
	t.Helper()
	o := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/slow" {
			time.Sleep(200 * time.Millisecond)
		}
		_, _ = io.WriteString(w, name)
	}))
	t.Cleanup(o.Close)
	host, port, err := net.SplitHostPort(strings.TrimPrefix(o.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	return host, port
}

// whoAnswers asks for two clients before a server is given another address, while it
// is, and after, and returns who answered.
func whoAnswers(t *testing.T, dir, host, port string) string {
	t.Helper()
	client := func() *http.Client {
		tr := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", filepath.Join(dir, "fe"))
		}}
		t.Cleanup(tr.CloseIdleConnections)
		return &http.Client{Transport: tr, Timeout: 5 * time.Second}
	}
	get := func(c *http.Client, path string) string {
		resp, err := c.Get("http://a" + path)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		b, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	one, other := client(), client()
	var who []string
	for range 2 {
		who = append(who, get(one, "/"), get(other, "/"))
	}
	// Two at once leave two connections: one is busy while the server moves, the other
	// one idle.
	slow := make(chan string)
	go func() { slow <- get(one, "/slow") }()
	get(other, "/slow")
	<-slow
	go func() { slow <- get(one, "/slow") }()
	time.Sleep(50 * time.Millisecond)
	ask(t, filepath.Join(dir, "stats"), fmt.Sprintf("set server be/s1 addr %s port %s", host, port))
	who = append(who, get(other, "/"), <-slow, get(one, "/"), get(other, "/"), get(client(), "/"))
	return strings.Join(who, " ")
}

// No request goes to a server's former address, over whichever connection.
func TestMovedServerIsAskedAtItsNewAddress(t *testing.T) {
	for _, reuse := range []string{"never", "safe", "aggressive", "always"} {
		host, port := named(t, "old")
		newHost, newPort := named(t, "new")
		dir := t.TempDir()
		startConfig(t, movable(dir, net.JoinHostPort(host, port), reuse))
		if got, want := whoAnswers(t, dir, newHost, newPort), "old old old old new old new new new"; got != want {
			t.Errorf("http-reuse %s: answered by %s, want %s", reuse, got, want)
		}
	}
}
