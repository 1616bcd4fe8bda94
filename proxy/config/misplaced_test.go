package config

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"bench/internal/testpeer"
)

// Rules out of the order in which they run are warned of where the reference does so, and in
// its words: after each two kinds, which says who comes first of those that are named.
func TestRulesOutOfOrder(t *testing.T) {
	kinds := []string{
		"tcp-request connection accept if FALSE", "tcp-request session accept if FALSE", "tcp-request content accept if FALSE", "monitor fail if FALSE",
		"http-request allow if FALSE", "redirect location / if FALSE", "use_backend b if FALSE", "use-server s if FALSE", "http-response allow if FALSE", "tcp-response content accept if FALSE",
	}
	var b strings.Builder
	b.WriteString("defaults\n  mode http\n  timeout client 1s\n  timeout server 1s\n  timeout connect 1s\nbackend b\n")
	for i, x := range kinds {
		for j, y := range kinds {
			for k, z := range kinds {
				fmt.Fprintf(&b, "listen l%d-%d-%d\n  server s 127.0.0.1:1\n  %s\n  %s\n  %s\n", i, j, k, x, y, z)
			}
		}
	}
	text := b.String()
	file := filepath.Join(t.TempDir(), "cfg")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	out, _ := exec.Command(testpeer.Need(t, "haproxy"), "-c", "-f", file).CombinedOutput() // it has no listener
	var want, got []string
	for _, m := range regexp.MustCompile(`parsing \[[^\]]*:(\d+)\] : (an? '.* processed before)`).FindAllStringSubmatch(string(out), -1) {
		want = append(want, m[1]+": "+m[2])
	}
	_, diags := load(t, text)
	for _, d := range diags {
		if strings.HasSuffix(d.Msg, "processed before") {
			got = append(got, fmt.Sprintf("%d: %s", d.Pos.Line, d.Msg))
		}
	}
	if len(want) < 100 {
		t.Fatalf("the reference has said\n%s", out)
	}
	for i := range min(len(want), len(got)) {
		if want[i] != got[i] {
			t.Fatalf("got  %s\nwant %s", got[i], want[i])
		}
	}
	if len(got) != len(want) {
		t.Errorf("%d warnings, the reference has %d", len(got), len(want))
	}
}
