package difftest

import (
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"bench/internal/testpeer"
	"bench/internal/testserver"
)

// portOf is the port of an address.
func portOf(t *testing.T, addr string) int {
	t.Helper()
	a, err := netip.ParseAddrPort(addr)
	if err != nil {
		t.Fatal(err)
	}
	return int(a.Port())
}

// Clients that others have written get on with the engine.
func TestClientsOfHTTP2(t *testing.T) {
	curl, h2load := testpeer.Need(t, "curl"), testpeer.Need(t, "h2load")
	addr := testserver.HTTP(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.Header().Set("Trailer", "X-End")
		fmt.Fprintf(w, "%s %s %d", r.Method, r.URL, len(body))
		w.Header().Set("X-End", "yes")
	})
	port := portOf(t, addr)
	s := &subject{"builtin", []string{build(t), "proxy"}}
	r, err := s.start(t.TempDir(), fmt.Sprintf(`defaults
    mode http
    timeout connect 5s
    timeout client 5s
    timeout server 5s
frontend ready
    bind fd@4
    monitor-uri /ready
frontend fe
    bind fd@3
    default_backend be
backend be
    server s1 127.0.0.1:%d
`, port), port)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := r.stop(); err != nil {
			t.Error(err)
		}
	}()
	ask := func(args ...string) string {
		t.Helper()
		cmd := exec.Command(curl, append([]string{"-s", "--max-time", "20", "--http2-prior-knowledge", "-w", " %{http_code} %{http_version}"}, args...)...)
		cmd.Stdin = strings.NewReader(strings.Repeat("x", 200_000))
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("curl %q: %v", args, err)
		}
		return string(out)
	}
	url := "http://" + r.addr
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{url + "/a?b"}, "GET /a?b 0 200 2"},
		{[]string{"-d", "abc", url + "/a"}, "POST /a 3 200 2"},
		{[]string{"-T", "-", url + "/up"}, "PUT /up 200000 200 2"},
		{[]string{"-T", "-", "-H", "Expect: 100-continue", url + "/up"}, "PUT /up 200000 200 2"},
	} {
		if got := ask(c.args...); got != c.want {
			t.Errorf("curl %q: %q, want %q", c.args, got, c.want)
		}
	}
	out, err := exec.Command(h2load, "-n", "3000", "-c", "10", "-m", "30", "-T", "20", "-N", "20", url+"/").CombinedOutput()
	if err != nil {
		t.Fatalf("h2load: %v\n%s", err, out)
	}
	if !regexp.MustCompile(`3000 done, 3000 succeeded, 0 failed, 0 errored, 0 timeout`).Match(out) {
		t.Errorf("h2load says:\n%s", out)
	}
}
