package engine_test

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"bench/internal/testpeer"
)

// The stats sockets are listed with the family of their addresses, as the reference
// does, however they were written.
func TestSocketsAreListedAsTheReferences(t *testing.T) {
	config := func(dir string) string {
		return fmt.Sprintf(`global
    stats socket %[1]s/stats level admin
    stats socket unix@%[1]s/other mode 600 level user
    stats socket abns@bench-%[2]d-%[3]s
    stats socket 127.0.0.1:%[4]s level user
    stats socket ipv4@127.0.0.2:%[4]s
    stats socket [::1]:%[4]s
    stats socket *:%[5]s
defaults
    mode http
    timeout client 1s
frontend fe
    bind unix@%[1]s/fe
`, dir, os.Getpid(), filepath.Base(dir), testpeer.FreePort(t), testpeer.FreePort(t))
	}
	theirs, ours := t.TempDir(), t.TempDir()
	startReference(t, config(theirs))
	startConfig(t, config(ours))
	var answers [2]string
	for i, dir := range []string{theirs, ours} {
		waitForSocket(t, filepath.Join(dir, "fe"))
		text := ask(t, filepath.Join(dir, "stats"), "show cli sockets")
		text = regexp.MustCompile(`:\d{3,} `).ReplaceAllString(text, ":PORT ")
		text = strings.ReplaceAll(text, dir, "DIR")
		answers[i] = regexp.MustCompile(`abns@\S+`).ReplaceAllString(text, "abns@NAME")
	}
	if answers[0] != answers[1] {
		t.Errorf("got\n%s\nthe reference says\n%s", answers[1], answers[0])
	}
}

// waitForSocket returns once somebody listens on a unix socket.
func waitForSocket(t *testing.T, path string) {
	t.Helper()
	for range 500 {
		if c, err := net.Dial("unix", path); err == nil {
			_ = c.Close()
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatalf("nobody listens on %s", path)
}

// An IPv4 client of an IPv6 socket has a mapped address wherever it is named, and is no
// member of IPv4 networks, as in the reference.
func TestMappedClientsAreTheReferences(t *testing.T) {
	origin := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "%q", r.Header["X-Forwarded-For"])
	}))
	defer origin.Close()
	for _, except := range []string{"", "except 127.0.0.0/8", "except ::1"} {
		var seen [2]string
		for i, start := range []func(string){func(text string) { startReference(t, text) }, func(text string) { startConfig(t, text) }} {
			logs, dir, port := logSocket(t), t.TempDir(), testpeer.FreePort(t)
			start(fmt.Sprintf(`global
    log %s local0
defaults
    mode http
    timeout connect 1s
    timeout client 1s
    timeout server 1s
frontend fe
    bind :::%s v4v6
    bind unix@%s/fe
    log global
    log-format "client=%%ci %%fi"
    option forwardfor %s
    default_backend be
backend be
    server s1 %s
`, logs.LocalAddr(), port, dir, except, strings.TrimPrefix(origin.URL, "http://")))
			waitForSocket(t, filepath.Join(dir, "fe"))
			for _, host := range []string{"127.0.0.1", "[::1]"} {
				resp, err := http.Get("http://" + host + ":" + port + "/")
				if err != nil {
					t.Fatal(err)
				}
				b, err := io.ReadAll(resp.Body)
				resp.Body.Close()
				if err != nil {
					t.Fatal(err)
				}
				seen[i] += string(b) + "\n"
			}
			var lines []string // in no certain order: two clients, two threads
			b := make([]byte, 4096)
			for {
				_ = logs.SetReadDeadline(time.Now().Add(200 * time.Millisecond))
				n, _, err := logs.ReadFrom(b)
				if err != nil {
					break
				}
				if _, line, ok := strings.Cut(string(b[:n]), "client=:"); ok {
					lines = append(lines, line)
				}
			}
			slices.Sort(lines)
			seen[i] += strings.Join(lines, "\n")
		}
		if seen[0] != seen[1] {
			t.Errorf("forwardfor %s: got\n%s\nthe reference\n%s", except, seen[1], seen[0])
		}
	}
}

// A server that is where the client meant to go is another one for every address that
// clients come to: none gets an answer over a connection that another one has left.
func TestConnectionsToServersThatFollowTheirClients(t *testing.T) {
	origin, err := net.Listen("tcp", "0.0.0.0:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, r.Context().Value(http.LocalAddrContextKey))
	})}
	go func() { _ = server.Serve(origin) }()
	defer server.Close()
	at := fmt.Sprint(origin.Addr().(*net.TCPAddr).Port)
	port := testpeer.FreePort(t)
	startConfig(t, fmt.Sprintf(`global
    nbthread 1
defaults
    mode http
    timeout connect 1s
    timeout client 5s
    timeout server 5s
    http-reuse always
listen fe
    bind 0.0.0.0:%s
    server s1 0.0.0.0:%s
`, port, at))
	for range 2 {
		for _, host := range []string{"127.0.0.1", "127.0.0.2", "127.0.0.3"} {
			resp, err := http.Get("http://" + net.JoinHostPort(host, port)) // kept open
			if err != nil {
				t.Fatal(err)
			}
			body, err := io.ReadAll(resp.Body)
			_ = resp.Body.Close()
			if want := net.JoinHostPort(host, at); err != nil || string(body) != want {
				t.Errorf("a client of %s was answered at %s (%v), want %s", host, body, err, want)
			}
		}
	}
	http.DefaultClient.CloseIdleConnections()
}
