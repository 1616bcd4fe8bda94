package process_test

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"bench/internal/testpeer"
	"bench/internal/testserver"
)

// site is a running origin and the configuration of a proxy in front of it.
type site struct {
	dir        string
	httpAddr   string
	tcpAddr    string
	stats      string
	config     string
	output     string // of the proxies
	pidfile    string
	started    []*exec.Cmd
	masterAddr string
}

func newSite(t *testing.T) *site {
	t.Helper()
	dir := t.TempDir()
	s := &site{
		dir: dir, httpAddr: testpeer.FreeAddr(t), tcpAddr: testpeer.FreeAddr(t), stats: filepath.Join(dir, "stats"),
		config: filepath.Join(dir, "cfg"), output: filepath.Join(dir, "output"), pidfile: filepath.Join(dir, "pid"),
		masterAddr: filepath.Join(dir, "master"),
	}
	server := testserver.TCP(t, testserver.Saying("hello"))
	s.write(t, fmt.Sprintf(`global
  stats socket %s level admin expose-fd listeners
  nbthread 2
  hard-stop-after 10s
defaults
  timeout client 10s
  timeout server 10s
  timeout connect 5s
listen web
  mode http
  bind %s
  stats uri /stats
  server s1 %s
listen raw
  mode tcp
  bind %s
  server s1 %s
`, s.stats, s.httpAddr, server, s.tcpAddr, server))
	t.Cleanup(func() {
		if pid, err := s.pid(); err == nil {
			_ = syscall.Kill(pid, syscall.SIGTERM)
		}
		for _, c := range s.started {
			_ = c.Process.Kill()
			_ = c.Wait()
		}
		s.nothingLeft(t)
		if t.Failed() {
			out, _ := os.ReadFile(s.output)
			t.Logf("the proxies said:\n%s", out)
		}
	})
	return s
}

func (s *site) write(t *testing.T, text string) {
	t.Helper()
	if err := os.WriteFile(s.config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// command is the test binary as the proxy.
func (s *site) command(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(os.Args[0], append([]string{"-f", s.config, "-p", s.pidfile}, args...)...)
	cmd.Args[0] = "haproxy"
	out, err := os.OpenFile(s.output, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { out.Close() })
	cmd.Stdout, cmd.Stderr = out, out
	// What proves below that nothing is left behind.
	cmd.Env = append(os.Environ(), "PROXY_TEST_SITE="+s.dir, daemons().Mark())
	return cmd
}

func (s *site) pid() (int, error) {
	b, err := os.ReadFile(s.pidfile)
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(strings.TrimSpace(string(b)))
}

// processes are those of the site that are alive.
func (s *site) processes() []int {
	dirs, _ := filepath.Glob("/proc/[0-9]*")
	var pids []int
	for _, d := range dirs {
		env, err := os.ReadFile(filepath.Join(d, "environ"))
		if err == nil && bytes.Contains(env, []byte("PROXY_TEST_SITE="+s.dir)) {
			pid, _ := strconv.Atoi(filepath.Base(d))
			pids = append(pids, pid)
		}
	}
	return pids
}

func (s *site) nothingLeft(t *testing.T) {
	t.Helper()
	var pids []int
	for range 300 {
		if pids = s.processes(); len(pids) == 0 {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Errorf("processes left behind: %v", pids)
	for _, pid := range pids {
		_ = syscall.Kill(pid, syscall.SIGKILL)
	}
}

// daemon starts a proxy in the background; it serves when this returns.
func (s *site) daemon(t *testing.T, args ...string) int {
	t.Helper()
	if err := s.command(t, append([]string{"-D"}, args...)...).Run(); err != nil {
		t.Fatalf("daemon: %v", err)
	}
	pid, err := s.pid()
	if err != nil {
		t.Fatal(err)
	}
	return pid
}

func waitFor(t *testing.T, what string, cond func() bool) {
	t.Helper()
	for range 1000 {
		if cond() {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatal("timed out waiting for " + what)
}

// traffic is clients of all kinds, going on until stopped.
type traffic struct {
	stop     chan struct{}
	wg       sync.WaitGroup
	requests atomic.Int64
	mu       sync.Mutex
	failures []string
}

func (s *site) traffic() *traffic {
	tr := &traffic{stop: make(chan struct{})}
	for range 2 {
		tr.wg.Go(func() { tr.client("keep-alive", s.httpAddr, "GET / HTTP/1.1\r\nHost: x\r\n\r\n", 1<<30) })
		tr.wg.Go(func() {
			tr.client("close", s.httpAddr, "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", 1)
		})
		tr.wg.Go(func() { tr.client("tcp", s.tcpAddr, "GET / HTTP/1.1\r\n\r\n", 5) })
	}
	return tr
}

// client sends requests over connections of at most so many of them.
func (tr *traffic) client(name, addr, request string, perConn int) {
	for {
		if err := tr.connection(addr, request, perConn); err != nil {
			tr.mu.Lock()
			tr.failures = append(tr.failures, name+": "+err.Error())
			tr.mu.Unlock()
			time.Sleep(10 * time.Millisecond)
		}
		select {
		case <-tr.stop:
			return
		default:
		}
	}
}

func (tr *traffic) connection(addr, request string, perConn int) error {
	c, err := net.DialTimeout("tcp", addr, 5*time.Second)
	if err != nil {
		return err
	}
	defer c.Close()
	r := bufio.NewReader(c)
	for range perConn {
		select {
		case <-tr.stop:
			return nil
		default:
		}
		_ = c.SetDeadline(time.Now().Add(5 * time.Second))
		if _, err := io.WriteString(c, request); err != nil {
			return fmt.Errorf("write: %w", err)
		}
		last, err := response(r)
		if err != nil {
			return err
		}
		tr.requests.Add(1)
		if last {
			return nil
		}
		time.Sleep(time.Millisecond)
	}
	return nil
}

// response reads one answer and tells whether the connection ends with it.
func response(r *bufio.Reader) (last bool, err error) {
	status, err := r.ReadString('\n')
	if err != nil {
		return false, fmt.Errorf("read: %w", err)
	}
	if !strings.HasPrefix(status, "HTTP/1.1 200 ") {
		return false, errors.New("answer: " + strings.TrimSpace(status))
	}
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			return false, fmt.Errorf("read: %w", err)
		}
		line = strings.ToLower(strings.TrimSpace(line))
		if line == "" {
			break
		}
		last = last || line == "connection: close"
	}
	var body [5]byte
	if _, err := io.ReadFull(r, body[:]); err != nil || string(body[:]) != "hello" {
		return false, fmt.Errorf("body %q: %w", body, err)
	}
	return last, nil
}

// settle lets some requests pass.
func (tr *traffic) settle(t *testing.T) {
	t.Helper()
	until := tr.requests.Load() + 60
	waitFor(t, "traffic", func() bool { return tr.requests.Load() >= until })
}

func (tr *traffic) end(t *testing.T) {
	t.Helper()
	close(tr.stop)
	tr.wg.Wait()
	for i, f := range tr.failures {
		if i == 10 {
			break
		}
		t.Errorf("failed request: %s", f)
	}
	t.Logf("%d requests, %d failed", tr.requests.Load(), len(tr.failures))
}

const reloads = 6

func TestReloadBySignalLosesNothing(t *testing.T) {
	for _, handover := range []string{"-sf", "-sf -x"} {
		t.Run(handover, func(t *testing.T) {
			s := newSite(t)
			pid := s.daemon(t)
			tr := s.traffic()
			for range reloads {
				tr.settle(t)
				args := []string{"-sf", strconv.Itoa(pid)}
				if handover == "-sf -x" {
					args = append(args, "-x", s.stats)
				}
				old := pid
				pid = s.daemon(t, args...)
				if pid == old {
					t.Fatalf("the pid file still says %d", pid)
				}
			}
			tr.settle(t)
			waitFor(t, "the old processes to leave", func() bool { return len(s.processes()) == 1 })
			if got := s.processes()[0]; got != pid {
				t.Errorf("process %d is alive, the pid file says %d", got, pid)
			}
			tr.end(t)
		})
	}
}

func TestMasterReloadLosesNothing(t *testing.T) {
	s := newSite(t)
	cmd := s.command(t, "-W", "-S", s.masterAddr)
	if err := testpeer.Launch(cmd); err != nil {
		t.Fatal(err)
	}
	s.started = append(s.started, cmd)
	s.serving(t)
	tr := s.traffic()
	good, err := os.ReadFile(s.config)
	if err != nil {
		t.Fatal(err)
	}
	for i := range reloads {
		tr.settle(t)
		before := s.workers("# workers")
		if i == reloads/2 {
			// One that fails changes nothing.
			s.write(t, "nonsense\n")
			_ = cmd.Process.Signal(syscall.SIGUSR2)
			waitFor(t, "the failure", func() bool { return strings.Contains(s.ask("show proc"), "[failed: 1]") })
			if after := s.workers("# workers"); len(after) != 1 || after[0] != before[0] {
				t.Fatalf("workers %v after a failed reload, %v before", after, before)
			}
			s.write(t, string(good))
		}
		_ = cmd.Process.Signal(syscall.SIGUSR2)
		waitFor(t, "a new worker", func() bool {
			after := s.workers("# workers")
			return len(after) == 1 && after[0] != before[0]
		})
	}
	tr.settle(t)
	waitFor(t, "the old workers to leave", func() bool { return len(s.workers("# old workers")) == 0 })
	if !strings.Contains(s.ask("@1 show info"), "\nPid: "+s.workers("# workers")[0]) {
		t.Error("@1 does not reach the worker")
	}
	if page := s.page(t); !strings.Contains(page, fmt.Sprintf("<dt>Reloads</dt><dd>%d</dd>", reloads+1)) || !strings.Contains(page, "<dt>Former processes</dt><dd>none</dd>") {
		t.Errorf("the statistics page does not know of %d reloads, or of former processes", reloads+1)
	}
	tr.end(t)
	_ = cmd.Process.Signal(syscall.SIGTERM)
	if err := cmd.Wait(); err != nil {
		t.Errorf("the master ended with %v, want status 0", err)
	}
	s.started = nil
}

// page is the statistics page.
func (s *site) page(t *testing.T) string {
	t.Helper()
	resp, err := http.Get("http://" + s.httpAddr + "/stats")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// ask sends commands to the master.
func (s *site) ask(command string) string {
	c, err := net.DialTimeout("unix", s.masterAddr, time.Second)
	if err != nil {
		return ""
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(5 * time.Second))
	fmt.Fprintln(c, command)
	_ = c.(*net.UnixConn).CloseWrite()
	out, err := io.ReadAll(c)
	if err != nil {
		return ""
	}
	return string(out)
}

// workers are the pids that "show proc" lists under a heading.
func (s *site) workers(heading string) []string {
	var pids []string
	in := false
	for line := range strings.Lines(s.ask("show proc")) {
		if strings.HasPrefix(line, "#") {
			in = strings.TrimSpace(line) == heading
		} else if f := strings.Fields(line); in && len(f) > 0 {
			pids = append(pids, f[0])
		}
	}
	return pids
}
