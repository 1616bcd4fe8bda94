package engine_test

import (
	"io"
	"net"
	"net/http"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"bench/internal/testpeer"
)

// The exporter that Debian has beside HAProxy reads the same of the engine as of the
// reference.
func TestExporterOfDebian(t *testing.T) {
	bin := testpeer.Need(t, "prometheus-haproxy-exporter")
	p := startPair(t, conversationConfig)
	want, got := scraped(t, bin, p.theirs), scraped(t, bin, p.ours)
	for name := range want {
		if !got[name] {
			t.Errorf("%s is missing", name)
		}
	}
	for name := range got {
		if !want[name] {
			t.Errorf("%s is not there with the reference", name)
		}
	}
	if len(got) < 50 {
		t.Errorf("only %d series", len(got))
	}
}

// scraped are the series that the exporter makes of what a stats socket says.
func scraped(t *testing.T, bin, dir string) map[string]bool {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	_ = l.Close()
	testpeer.Start(t, exec.Command(bin, "--web.listen-address="+addr, "--haproxy.scrape-uri=unix:"+filepath.Join(dir, "stats")))
	for range 1000 {
		resp, err := http.Get("http://" + addr + "/metrics")
		if err != nil {
			time.Sleep(10 * time.Millisecond)
			continue
		}
		text, err := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if err != nil {
			t.Fatal(err)
		}
		series := map[string]bool{}
		for line := range strings.Lines(string(text)) {
			name := line[:max(strings.LastIndexByte(line, ' '), 0)]
			if strings.HasPrefix(name, "haproxy_") && !strings.HasPrefix(name, "haproxy_version_info") {
				series[name] = true
			}
			if strings.HasPrefix(line, "haproxy_up ") && line != "haproxy_up 1\n" {
				t.Errorf("%s: %s", dir, line)
			}
		}
		return series
	}
	t.Fatal("the exporter does not answer")
	return nil
}
