package engine_test

import (
	"bufio"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"bench/internal/owned"
	"bench/internal/testserver"
)

// listing is how long requests are compared with and without somebody who lists servers.
// "make listing" does so for a minute.
var listing = flag.Duration("listing", 0, "time to compare requests beside listings with others")

// manyServers is how many there are to list: fewer where the race detector makes each
// take ten times as long.
func manyServers() int {
	if owned.On {
		return 1_000
	}
	return 10_000
}

// All servers are listed, each once, while requests flow and are answered. With -listing, how
// long these take is told apart by whether servers were being listed: windows of a quarter
// of a second take turns, so that both have the same machine.
func TestManyServersAreListed(t *testing.T) {
	many := manyServers()
	origin := testserver.HTTP(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "yes") })
	dir := t.TempDir()
	var text strings.Builder
	fmt.Fprintf(&text, `
global
    stats socket %[1]s/stats mode 600 level admin
    nbthread 1
    maxconn 100
defaults
    mode http
    timeout client 30s
    timeout server 30s
    timeout connect 10s
frontend fe
    bind unix@%[1]s/fe
    default_backend be
backend be
    server s1 %[2]s
backend many
`, dir, origin)
	for i := range many {
		fmt.Fprintf(&text, "    server s%d 127.0.0.1:1\n", i)
	}
	startConfig(t, text.String())
	var list, done, stop atomic.Bool
	listings := make(chan int)
	go func() {
		n := 0
		defer func() { listings <- n }()
		for ; !stop.Load(); time.Sleep(time.Millisecond) {
			if !list.Load() {
				continue
			}
			command := []string{"show stat", "show servers state", "show servers conn"}[n%3]
			got := ask(t, filepath.Join(dir, "stats"), command)
			if lines := strings.Count(got, "\n"); lines < many || lines > many+9 {
				t.Errorf("%s has %d lines", command, lines)
			}
			n++
			done.Store(n >= 3)
		}
	}()
	c, err := net.Dial("unix", filepath.Join(dir, "fe"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	r := bufio.NewReader(c)
	var took [2][]time.Duration // without and with
	for start := time.Now(); time.Since(start) < *listing || !done.Load(); time.Sleep(time.Millisecond) {
		window := int(time.Since(start)/(250*time.Millisecond)) % 2
		if *listing == 0 {
			window = 1
		}
		list.Store(window == 1)
		_ = c.SetDeadline(time.Now().Add(30 * time.Second))
		began := time.Now()
		_, _ = io.WriteString(c, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
		resp, err := http.ReadResponse(r, nil)
		if err != nil || resp.StatusCode != 200 {
			t.Fatal(resp, err)
		}
		_, _ = io.Copy(io.Discard, resp.Body)
		took[window] = append(took[window], time.Since(began))
	}
	stop.Store(true)
	n := <-listings
	if *listing == 0 {
		return
	}
	for w, name := range []string{"without", "with"} {
		slices.Sort(took[w])
		at := func(q float64) time.Duration { return took[w][int(q*float64(len(took[w])))] }
		t.Logf("%s listings: %d requests, p50 %v, p90 %v, p99 %v", name, len(took[w]), at(.5), at(.9), at(.99))
	}
	t.Logf("%d listings of %d servers", n, many)
}
