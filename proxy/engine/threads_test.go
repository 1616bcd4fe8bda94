package engine

import (
	"errors"
	"net"
	"reflect"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"bench/internal/sock"
	"bench/internal/testpeer"
	"bench/proxy/config"
	"bench/proxy/spec"
)

// serve runs the engine on a configuration and returns the addresses of its
// listeners.
func serve(t *testing.T, text string) (*Engine, []string) {
	t.Helper()
	for strings.Contains(text, "127.0.0.1:0") { // no port is left to chance in a configuration
		text = strings.Replace(text, "127.0.0.1:0", testpeer.FreeAddr(t), 1)
	}
	cfg, diags := config.Load([]config.Source{{Name: "cfg", Text: []byte(text)}}, config.SystemEnv("2.6.12"))
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	e, err := New(cfg, Options{Version: "test"})
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(e.Bind(), e.Publish(), e.Start()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { e.HardStop(); <-e.Done() })
	var addrs []string
	for _, l := range e.listeners {
		addrs = append(addrs, l.Addr.String())
	}
	return e, addrs
}

const threadsDefaults = `
defaults
    mode http
    timeout client 10s
    timeout server 10s
    timeout connect 1s
frontend fe
`

// clientsOf counts the client connections of each thread.
func clientsOf(e *Engine) []uint64 {
	counts := make([]uint64, len(e.threads))
	for i, t := range e.threads {
		t.Loop.Call(func() { counts[i] = t.Process.Conns })
	}
	return counts
}

// flood opens n connections and keeps them until the test ends.
func flood(t *testing.T, e *Engine, n int, addrs ...string) []uint64 {
	t.Helper()
	before := clientsOf(e)
	for i := range n {
		c, err := net.Dial("tcp", addrs[i%len(addrs)])
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
	}
	var got []uint64
	for end := time.Now().Add(5 * time.Second); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		got = clientsOf(e)
		sum := uint64(0)
		for i := range got {
			got[i] -= before[i]
			sum += got[i]
		}
		if sum == uint64(n) {
			return got
		}
	}
	t.Fatalf("only %v of %d connections were accepted", got, n)
	return nil
}

// TestFloodIsSharedFairly: however the kernel wakes the threads, none has many
// more connections than another.
func TestFloodIsSharedFairly(t *testing.T) {
	e, addrs := serve(t, "global\n nbthread 3"+threadsDefaults+"    bind 127.0.0.1:0\n")
	for i, n := range flood(t, e, 600, addrs...) {
		if n < 170 || n > 230 {
			t.Errorf("thread %d has %d of 600 connections", i+1, n)
		}
	}
}

// TestBindThreads: only the threads named listen, on as many sockets as ordered.
func TestBindThreads(t *testing.T) {
	e, addrs := serve(t, "global\n nbthread 3"+threadsDefaults+`    bind 127.0.0.1:0 thread 2
    bind 127.0.0.1:0 thread 1/3- thread 1
`)
	if got := flood(t, e, 30, addrs[0]); !reflect.DeepEqual(got, []uint64{0, 30, 0}) {
		t.Errorf("thread 2 alone: %v", got)
	}
	if got := flood(t, e, 60, addrs[1]); got[1] != 0 || got[0] == 0 || got[2] == 0 {
		t.Errorf("threads 1 and 3: %v", got)
	}
}

// TestShards: the sockets of a line share its address and its threads.
func TestShards(t *testing.T) {
	addr := testpeer.FreeAddr(t)
	e, addrs := serve(t, "global\n nbthread 2"+threadsDefaults+"    bind "+addr+" shards by-thread\n    option socket-stats\n")
	if len(addrs) != 2 || addrs[0] != addr || addrs[1] != addr {
		t.Fatalf("listening on %v", addrs)
	}
	got := flood(t, e, 200, addr)
	if got[0] < 50 || got[1] < 50 {
		t.Errorf("the kernel's shares: %v", got)
	}
	listeners := 0
	for row := range e.Rows(false) {
		if strings.HasPrefix(row.Name, "sock-") {
			listeners++
			if row.Sessions.Cur != 200 {
				t.Errorf("%s has %d sessions", row.Name, row.Sessions.Cur)
			}
		}
	}
	if listeners != 1 {
		t.Errorf("%d lines of listeners, want 1", listeners)
	}
}

func TestShares(t *testing.T) {
	tcp, err := sock.Parse("127.0.0.1:1")
	if err != nil {
		t.Fatal(err)
	}
	unixAddr, err := sock.Parse("unix@/x")
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		bind spec.Bind
		want [][]int
	}{
		{spec.Bind{Addr: tcp, FD: -1}, [][]int{{1, 2, 3, 4}}},
		{spec.Bind{Addr: tcp, FD: -1, Shards: spec.ByThread}, [][]int{{1}, {2}, {3}, {4}}},
		{spec.Bind{Addr: tcp, FD: -1, Shards: 2}, [][]int{{1, 2}, {3, 4}}},
		{spec.Bind{Addr: tcp, FD: -1, Shards: 64}, [][]int{{1}, {2}, {3}, {4}}},
		{spec.Bind{Addr: tcp, FD: -1, Shards: 2, Threads: []int{4, 2, 9}}, [][]int{{2}, {4}}},
		{spec.Bind{Addr: unixAddr, FD: -1, Shards: 2}, [][]int{{1, 2, 3, 4}}},
		{spec.Bind{Addr: tcp, FD: 3, Shards: 2}, [][]int{{1, 2, 3, 4}}},
	} {
		if got := shares(&tt.bind, 4); !reflect.DeepEqual(got, tt.want) {
			t.Errorf("shards %d, threads %v: %v, want %v", tt.bind.Shards, tt.bind.Threads, got, tt.want)
		}
	}
}

// TestCPUMap reads back from the kernel where the threads may run.
func TestCPUMap(t *testing.T) {
	var allowed unix.CPUSet
	if err := unix.SchedGetaffinity(0, &allowed); err != nil || allowed.Count() < 2 || !allowed.IsSet(0) || !allowed.IsSet(1) {
		t.Skip("CPUs 0 and 1 are needed")
	}
	for text, want := range map[string][]int{
		"cpu-map 1/1 1\n cpu-map 1/2 0":        {1, 0},
		"cpu-map auto:1/1-2 0-1":               {0, 1},
		"cpu-map 1 0\n cpu-map 1/2 1":          {0, 1},
		"cpu-map 1/all 1\n cpu-map 2/all 0":    {1, 1},
		"cpu-map 1/1- 0\n cpu-map 1/even 4000": {0, -1},
	} {
		t.Run(text, func(t *testing.T) {
			e, _ := serve(t, "global\n nbthread 2\n "+text+threadsDefaults+"    bind 127.0.0.1:0\n")
			for i, th := range e.threads {
				var set unix.CPUSet
				th.Loop.Call(func() { _ = unix.SchedGetaffinity(0, &set) })
				switch {
				case want[i] < 0 && set.Count() < 2:
					t.Errorf("thread %d is bound, although its CPU is not there", i+1)
				case want[i] >= 0 && (set.Count() != 1 || !set.IsSet(want[i])):
					t.Errorf("thread %d may run on %d CPUs, want CPU %d alone", i+1, set.Count(), want[i])
				}
			}
		})
	}
}
