package engine_test

import (
	"path/filepath"
	"strings"
	"testing"
)

const cookieConfig = `
global
    stats socket %[1]s/stats mode 600 level admin
    nbthread 2
defaults
    mode http
    timeout client 5s
    timeout server 5s
    timeout connect 1s
frontend fe
    bind unix@%[1]s/fe
    default_backend dyn
backend dyn
    cookie C insert dynamic
    dynamic-cookie-key one
    server s1 %[2]s
`

// Cookies that are made of addresses change with what the runtime API says of them, to what
// they are with the reference.
func TestDynamicCookiesAtRunTime(t *testing.T) {
	p := startPair(t, cookieConfig, upstream(t, "x"))
	cookie := func(dir string) string {
		answer := ask(t, filepath.Join(dir, "fe"), "GET / HTTP/1.0\r\n\r")
		for line := range strings.Lines(answer) {
			if v, ok := strings.CutPrefix(strings.ToLower(line), "set-cookie: "); ok {
				return v
			}
		}
		return ""
	}
	seen := map[string]bool{}
	for _, command := range []string{
		"show version", "set dynamic-cookie-key backend dyn two", "disable dynamic-cookie backend dyn",
		"set dynamic-cookie-key backend dyn three", "enable dynamic-cookie backend dyn", "set dynamic-cookie-key backend dyn",
	} {
		p.both(t, "stats", command)
		want, got := cookie(p.theirs), cookie(p.ours)
		if got != want {
			t.Errorf("after %q: %q, the reference sends %q", command, got, want)
		}
		seen[got] = true
	}
	if len(seen) != 4 {
		t.Errorf("%d different cookies, want three and none: %v", len(seen), seen)
	}
}
