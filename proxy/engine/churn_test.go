package engine_test

import (
	"bufio"
	"context"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// churn is how many servers come and go in TestServersComeAndGoUnderLoad. "make churn"
// runs it with 100,000.
var churn = flag.Int("churn", quick, "servers that come and go")

// quick is how many are enough for a test among others.
const quick = 60

// console is an interactive connection to the runtime API.
type console struct {
	t testing.TB
	c net.Conn
	r *bufio.Reader
}

func newConsole(t testing.TB, path string) *console {
	t.Helper()
	c, err := net.Dial("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	k := &console{t: t, c: c, r: bufio.NewReader(c)}
	k.say("prompt")
	return k
}

// say gives a command and returns the answer without the prompt.
func (k *console) say(format string, args ...any) string {
	k.t.Helper()
	_ = k.c.SetDeadline(time.Now().Add(20 * time.Second))
	if _, err := fmt.Fprintf(k.c, format+"\n", args...); err != nil {
		k.t.Fatal(err)
	}
	var answer strings.Builder
	for {
		b, err := k.r.ReadByte()
		if err != nil {
			k.t.Fatal(err)
		}
		answer.WriteByte(b)
		if strings.HasSuffix(answer.String(), "\n> ") {
			return strings.TrimRight(strings.TrimSuffix(answer.String(), "> "), "\n")
		}
	}
}

const churnConfig = `
global
    stats socket %[1]s/stats mode 600 level admin
    nbthread 2
    maxconn 200
defaults
    mode http
    timeout client 20s
    timeout server 20s
    timeout connect 5s
    http-reuse always
frontend fe
    bind unix@%[1]s/fe
    default_backend be
backend be
    option httpchk GET /check
    server fixed %[2]s
`

// load sends requests until stop is closed, over connections that are kept and over
// new ones. Each that is not answered as it should be is reported.
func load(t *testing.T, path string, stop chan struct{}) (requests func() int64, wait func()) {
	var n atomic.Int64
	var clients sync.WaitGroup
	pace := 2 * time.Millisecond
	if *churn > quick {
		pace = 10 * time.Millisecond // for as long as it takes
	}
	for i := range 4 {
		clients.Go(func() {
			client := &http.Client{Timeout: 20 * time.Second, Transport: &http.Transport{
				DisableKeepAlives: i%2 == 0,
				DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
					return (&net.Dialer{}).DialContext(ctx, "unix", path)
				},
			}}
			defer client.CloseIdleConnections()
			for k := 0; ; k++ {
				select {
				case <-stop:
					return
				default:
				}
				want := strings.Repeat("x", k%3*20_000+1)
				resp, err := client.Post("http://a/", "text/plain", strings.NewReader(want))
				if err != nil {
					t.Errorf("client %d, request %d: %v", i, k, err)
					return
				}
				got, err := io.ReadAll(resp.Body)
				resp.Body.Close()
				if err != nil || resp.StatusCode != 200 || string(got) != want {
					t.Errorf("client %d, request %d: status %d, %d bytes, %v", i, k, resp.StatusCode, len(got), err)
					return
				}
				n.Add(1)
				time.Sleep(pace) // or nobody else gets a processor
			}
		})
	}
	return n.Load, clients.Wait
}

// echo answers requests with their body, and counts those that are no checks.
func echo(t *testing.T) (addr string, hits *atomic.Int64) {
	hits = new(atomic.Int64)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/check" {
			hits.Add(1)
		}
		body, _ := io.ReadAll(r.Body) // all of it: what comes after the answer began is not read
		_, _ = w.Write(body)
	}))
	t.Cleanup(srv.Close)
	return strings.TrimPrefix(srv.URL, "http://"), hits
}

// resident is the memory of the process in bytes, after what is not used was freed.
func resident(t *testing.T) (heap, rss int64) {
	t.Helper()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	statm, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		t.Fatal(err)
	}
	pages, err := strconv.ParseInt(strings.Fields(string(statm))[1], 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return int64(m.HeapAlloc), pages * int64(os.Getpagesize())
}

// Servers come, serve and go by the thousand while there is traffic: no request fails,
// and nothing of them is left.
func TestServersComeAndGoUnderLoad(t *testing.T) {
	fixed, _ := echo(t)
	changing, hits := echo(t)
	dir := t.TempDir()
	startConfig(t, fmt.Sprintf(churnConfig, dir, fixed))
	k := newConsole(t, filepath.Join(dir, "stats"))
	stop := make(chan struct{})
	requests, wait := load(t, filepath.Join(dir, "fe"), stop)
	defer func() { wait() }()
	defer close(stop)

	refused := 0
	var heap, rss int64
	for i := range *churn {
		if i > 0 && i%max(*churn/10, quick) == 0 {
			h, r := resident(t)
			if heap == 0 {
				heap, rss = h, r
			}
			t.Logf("%d servers and %d requests so far, %d deletions refused: heap %d KiB, resident %d KiB", i, requests(), refused, h>>10, r>>10)
		}
		name := fmt.Sprintf("be/s%d", i%7)
		options, commands := "check inter 20ms pool-max-conn 5", []string{"enable health ", "enable server "}
		if i%3 == 0 {
			options, commands = "enabled", nil
		}
		if got := k.say("add server %s %s weight %d %s", name, changing, 1+i%5, options); got != "New server registered." {
			t.Fatalf("added %d: %s", i, got)
		}
		for _, command := range commands {
			if got := k.say("%s", command+name); got != "" {
				t.Fatalf("%s%s: %s", command, name, got)
			}
		}
		if i%10 < 2 { // it really serves
			for before := hits.Load(); hits.Load() == before && !t.Failed(); {
				time.Sleep(100 * time.Microsecond)
			}
		}
		k.say("disable server %s", name)
		for try := 0; ; try++ {
			got := k.say("del server %s", name)
			if got == "Server deleted." {
				break
			}
			if refused++; got != "Server still has connections attached to it, cannot remove it." || try > 20_000 {
				t.Fatalf("deleted %d: %s", i, got)
			}
			time.Sleep(100 * time.Microsecond)
		}
		if t.Failed() {
			return
		}
	}
	if *churn > quick {
		h, r := resident(t)
		t.Logf("%d servers, %d requests, of these %d by servers that came and went; %d deletions refused", *churn, requests(), hits.Load(), refused)
		t.Logf("heap %d KiB before, %d KiB after; resident %d KiB before, %d KiB after", heap>>10, h>>10, rss>>10, r>>10)
		const margin = 4 << 20
		if h > heap+margin || r > rss+4*margin {
			t.Error("memory grows with servers that are gone")
		}
	}
	if hits.Load() == 0 {
		t.Error("no server that came served anything")
	}
	if got := k.say("show servers state be"); strings.Count(got, "\n") != 2 {
		t.Errorf("left are\n%s", got)
	}
}
