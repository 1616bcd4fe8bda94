package engine_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"bench/internal/poller"
	"bench/internal/sock"
	"bench/internal/testpeer"
	"bench/internal/testserver"
	"bench/proxy/engine"
	"bench/proxy/spec"
)

// upstream is an HTTP origin that answers every request with its name.
func upstream(t *testing.T, name string) string {
	t.Helper()
	return testserver.TCP(t, testserver.Saying(name))
}

func parse(t *testing.T, s string) sock.Addr {
	t.Helper()
	a, err := sock.Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// running is an engine with two threads, two servers and a stats socket.
type running struct {
	*engine.Engine
	addr, stats string
}

func startEngine(t *testing.T, poller string) *running {
	t.Helper()
	p := &spec.Proxy{
		Name: "px", ID: 2, Caps: spec.Frontend | spec.Backend, Mode: spec.ModeHTTP, Retries: 3, RetryOn: spec.RetryConnFailure, Balance: "roundrobin",
		Timeouts: spec.Timeouts{Client: 5 * time.Second, Server: 5 * time.Second, Connect: time.Second},
		Binds:    []*spec.Bind{{Addr: parse(t, "127.0.0.1:0"), FD: -1, ID: 1, Text: "127.0.0.1:0"}},
	}
	for i := range 2 {
		p.Servers = append(p.Servers, &spec.Server{
			ID: i + 1, Name: fmt.Sprintf("s%d", i+1), Addr: parse(t, upstream(t, fmt.Sprintf("origin-%d", i+1))), Weight: 1,
			Check: true, Inter: 100 * time.Millisecond, Rise: 2, Fall: 2, PoolMaxConn: -1, MaxReuse: -1, PoolPurgeDelay: 5 * time.Second,
		})
	}
	r := &running{stats: filepath.Join(t.TempDir(), "stats.sock")}
	cfg := &spec.Config{Proxies: []*spec.Proxy{p}}
	cfg.Global = spec.Global{NbThread: 2, Stats: []*spec.Bind{{Addr: parse(t, r.stats), FD: -1, Text: r.stats, Level: spec.LevelAdmin}}}
	cfg.Global.Tune = spec.Tune{BufSize: 16384, MaxRewrite: 1024, MaxAccept: 100, HTTPMaxHdr: 101, HTTPLogURILen: 1024, PoolHighFDRatio: 25}
	e, err := engine.New(cfg, engine.Options{Poller: poller, Version: "test"})
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(e.Bind(), e.Publish()); err != nil {
		t.Fatal(err)
	}
	if err := e.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { e.HardStop(); <-e.Done() })
	for _, l := range e.Listeners() {
		if !l.Stats {
			a, _ := sock.LocalAddr(l.FD)
			r.addr = a.String()
		}
	}
	r.Engine = e
	return r
}

// ask sends one command to the stats socket.
func (r *running) ask(t *testing.T, cmd string) string {
	t.Helper()
	c, err := net.Dial("unix", r.stats)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(5 * time.Second))
	fmt.Fprintln(c, cmd)
	b, err := io.ReadAll(c)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// column reads a value of "show stat".
func column(t *testing.T, csv, row, name string) string {
	t.Helper()
	lines := strings.Split(strings.TrimSpace(csv), "\n")
	head := strings.Split(strings.TrimPrefix(lines[0], "# "), ",")
	for _, l := range lines[1:] {
		f := strings.Split(l, ",")
		for i, h := range head {
			if h == name && f[1] == row {
				return f[i]
			}
		}
	}
	t.Fatalf("no %s of %s in %s", name, row, csv)
	return ""
}

// get does one request on a new connection and returns the body.
func get(t *testing.T, addr string) string {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(5 * time.Second))
	fmt.Fprint(c, "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
	b, err := io.ReadAll(c)
	if err != nil {
		t.Fatal(err)
	}
	_, body, _ := strings.Cut(string(b), "\r\n\r\n")
	return body
}

func TestEngineOnEveryPoller(t *testing.T) {
	for _, m := range poller.Mechanisms() {
		t.Run(m.Name, func(t *testing.T) {
			testpeer.Poller(t, &m)
			r := startEngine(t, m.Name)
			seen := map[string]int{}
			for range 40 {
				seen[get(t, r.addr)]++
			}
			if len(seen) != 2 || seen["origin-1"]+seen["origin-2"] != 40 {
				t.Errorf("answers %v", seen)
			}
			csv := r.ask(t, "show stat")
			for row, want := range map[string]string{"FRONTEND": "40", "BACKEND": "40"} {
				if got := column(t, csv, row, "stot"); got != want {
					t.Errorf("%s stot %s, want %s", row, got, want)
				}
			}
			if got := column(t, csv, "FRONTEND", "req_tot"); got != "40" {
				t.Errorf("req_tot %s over both threads, want 40", got)
			}
			if !strings.Contains(r.ask(t, "show info"), "Nbthread: 2\n") {
				t.Error("show info does not tell two threads")
			}
		})
	}
}

func TestServerStateFromTheRuntimeAPI(t *testing.T) {
	r := startEngine(t, "")
	r.ask(t, "disable server px/s1")
	for range 10 {
		if got := get(t, r.addr); got != "origin-2" {
			t.Fatalf("answered by %s while s1 is in maintenance", got)
		}
	}
	if got := column(t, r.ask(t, "show stat"), "s1", "status"); got != "MAINT" {
		t.Errorf("status %s", got)
	}
	r.ask(t, "set server px/s2 state drain")
	if got := get(t, r.addr); !strings.Contains(got, "503") {
		t.Errorf("answer %q without any usable server", got)
	}
	r.ask(t, "enable server px/s1")
	if got := get(t, r.addr); got != "origin-1" {
		t.Errorf("answered by %s", got)
	}
}

func TestSoftStopServesTheClientAtWork(t *testing.T) {
	r := startEngine(t, "")
	c, err := net.Dial("tcp", r.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(5 * time.Second))
	br := bufio.NewReader(c)
	request := func() (head string) {
		fmt.Fprint(c, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
		for {
			line, err := br.ReadString('\n')
			if err != nil {
				t.Fatal(err)
			}
			if line == "\r\n" {
				break
			}
			head += line
		}
		_, _ = io.ReadFull(br, make([]byte, len("origin-1")))
		return head
	}
	if h := request(); strings.Contains(h, "close") {
		t.Fatalf("head %q before the stop", h)
	}
	r.SoftStop()
	if _, err := net.DialTimeout("tcp", r.addr, time.Second); err == nil {
		t.Error("a stopping engine still accepts")
	}
	if h := request(); !strings.Contains(h, "connection: close") {
		t.Errorf("head %q during the stop", h)
	}
	select {
	case <-r.Done():
	case <-time.After(3 * time.Second):
		t.Error("the engine did not end after its last client")
	}
	if err := r.Err(); err != nil {
		t.Error(err)
	}
}

func TestBindErrorNamesTheAddressAndLeavesNothing(t *testing.T) {
	busy, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer busy.Close()
	stats := filepath.Join(t.TempDir(), "stats.sock")
	p := &spec.Proxy{Name: "px", Caps: spec.Frontend, Binds: []*spec.Bind{{
		Pos: spec.Pos{File: "x.cfg", Line: 7}, Addr: parse(t, busy.Addr().String()), FD: -1,
	}}}
	cfg := &spec.Config{Proxies: []*spec.Proxy{p}}
	cfg.Global = spec.Global{NbThread: 1, Stats: []*spec.Bind{{Addr: parse(t, stats), FD: -1}}}
	cfg.Global.Tune.BufSize = 16384
	e, err := engine.New(cfg, engine.Options{})
	if err != nil {
		t.Fatal(err)
	}
	err = e.Bind()
	if err == nil || !strings.Contains(err.Error(), busy.Addr().String()) || !strings.Contains(err.Error(), "x.cfg:7") {
		t.Errorf("error %v", err)
	}
	e.Unbind()
	if files, _ := os.ReadDir(filepath.Dir(stats)); len(files) > 0 {
		t.Errorf("left behind: %v", files)
	}
}
