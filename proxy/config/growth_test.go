package config

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
)

// farms is a configuration of so many backends, each with an ACL and a line that chooses it.
func farms(n int) string {
	var front, back strings.Builder
	front.WriteString("defaults\n  mode http\n  timeout client 5s\n  timeout server 5s\n  timeout connect 5s\nfrontend f\n  bind 127.0.0.1:8080\n")
	for i := range n {
		fmt.Fprintf(&front, "  acl h%d hdr(host) -i h%d.example.com\n  use_backend b%d if h%d\n", i, i, i, i)
		fmt.Fprintf(&back, "backend b%d\n  balance leastconn\n  http-request set-header X-Farm b%d\n  server s 127.0.0.1:80 check inter 2s\n", i, i)
	}
	return front.String() + back.String()
}

// What loading allocates is the measure of its work: it grows as the configuration does.
func TestLoadingGrowsLinearly(t *testing.T) {
	allocations := func(n int) uint64 {
		text := farms(n)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		load(t, text)
		runtime.ReadMemStats(&after)
		return after.Mallocs - before.Mallocs
	}
	allocations(10) // tables are made once
	few, many := allocations(500), allocations(2000)
	if many > few*9/2 {
		t.Errorf("%d allocations for 500 backends, %d for 2000", few, many)
	}
	if each := many / 2000; each > 400 {
		t.Errorf("%d allocations for a backend", each)
	}
	t.Logf("%d allocations for a backend", many/2000)
}
