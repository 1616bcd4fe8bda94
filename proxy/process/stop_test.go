package process_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"bench/internal/testpeer"
)

// serving waits until the HTTP port answers.
func (s *site) serving(t *testing.T) {
	t.Helper()
	waitFor(t, "the proxy", func() bool {
		for _, addr := range []string{s.httpAddr, s.tcpAddr} {
			c, err := net.Dial("tcp", addr)
			if err != nil {
				return false
			}
			c.Close()
		}
		return true
	})
}

// foreground starts a proxy that stays a child of the test.
func (s *site) foreground(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	cmd := s.command(t, args...)
	if err := testpeer.Launch(cmd); err != nil {
		t.Fatal(err)
	}
	s.started = append(s.started, cmd)
	s.serving(t)
	return cmd
}

func TestStopStatuses(t *testing.T) {
	tests := []struct {
		name   string
		args   []string
		signal syscall.Signal
		want   string // the state of the process at its end
	}{
		{"soft", []string{"-db"}, syscall.SIGUSR1, "exit status 0"},
		{"terminated", []string{"-db"}, syscall.SIGTERM, "signal: terminated"},
		{"interrupted", []string{"-db"}, syscall.SIGINT, "signal: interrupt"},
		{"master soft", []string{"-W"}, syscall.SIGUSR1, "exit status 0"},
		{"master terminated", []string{"-W"}, syscall.SIGTERM, "exit status 0"},
		{"master interrupted", []string{"-W"}, syscall.SIGINT, "exit status 130"},
		{"master held in the foreground", []string{"-W", "-db"}, syscall.SIGINT, "exit status 130"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := newSite(t)
			cmd := s.foreground(t, tt.args...)
			// A proxy in the foreground listens a moment before it writes the file.
			waitFor(t, "the pid file", func() bool { pid, err := s.pid(); return err == nil && pid == cmd.Process.Pid })
			if err := cmd.Process.Signal(tt.signal); err != nil {
				t.Fatal(err)
			}
			_ = cmd.Wait()
			if got := cmd.ProcessState.String(); got != tt.want {
				t.Errorf("ended with %q, want %q", got, tt.want)
			}
			s.started = nil
		})
	}
}

// accepts reports whether all its listeners take connections.
func (s *site) accepts() bool {
	for _, addr := range []string{s.httpAddr, s.tcpAddr} {
		c, err := net.Dial("tcp", addr)
		if err != nil {
			return false
		}
		_ = c.Close()
	}
	return true
}

func TestSignalsThatEndNothing(t *testing.T) {
	s := newSite(t)
	cmd := s.foreground(t, "-db")
	for _, sig := range []syscall.Signal{syscall.SIGHUP, syscall.SIGQUIT, syscall.SIGUSR2, syscall.SIGTTOU, syscall.SIGTTIN} {
		if err := cmd.Process.Signal(sig); err != nil {
			t.Fatal(err)
		}
		switch sig {
		case syscall.SIGTTOU:
			waitFor(t, "the pause", func() bool { return !s.accepts() })
		case syscall.SIGTTIN:
			waitFor(t, "the end of the pause", s.accepts)
		default:
			time.Sleep(30 * time.Millisecond)
		}
	}
	tr := s.traffic()
	tr.settle(t)
	tr.end(t)
	for _, want := range []string{"Server web/s1 is UP", "Dumping memory usage"} {
		waitFor(t, want, func() bool {
			out, err := os.ReadFile(s.output)
			return err == nil && strings.Contains(string(out), want)
		})
	}
}

func TestStartFailures(t *testing.T) {
	for _, mode := range []string{"-db", "-D", "-W", "-W -D"} {
		t.Run(mode, func(t *testing.T) {
			s := newSite(t)
			l, err := net.Listen("tcp", s.httpAddr)
			if err != nil {
				t.Fatal(err)
			}
			defer l.Close()
			err = s.command(t, strings.Fields(mode)...).Run()
			exit, ok := errors.AsType[*exec.ExitError](err)
			if !ok || exit.ExitCode() != 1 {
				t.Errorf("ended with %v, want exit status 1", err)
			}
			out, _ := os.ReadFile(s.output)
			if !strings.Contains(string(out), s.httpAddr) || !strings.Contains(string(out), "[ALERT]") {
				t.Errorf("the address in use is not named:\n%s", out)
			}
		})
	}
}

func TestDaemonLetsGoOfItsOutput(t *testing.T) {
	s := newSite(t)
	for _, mode := range []string{"-D", "-D -W", "-D -db"} {
		cmd := s.command(t, strings.Fields(mode)...)
		cmd.Stdout, cmd.Stderr = nil, nil
		done := make(chan error, 1)
		go func() {
			// Returns when everybody has closed the pipe.
			_, err := cmd.CombinedOutput()
			done <- err
		}()
		select {
		case err := <-done:
			if err != nil {
				t.Errorf("%s: %v", mode, err)
			}
		case <-time.After(5 * time.Second):
			t.Fatalf("%s: somebody still holds the output", mode)
		}
		pid, err := s.pid()
		if err != nil {
			t.Fatal(err)
		}
		if err := syscall.Kill(pid, syscall.SIGTERM); err != nil {
			t.Errorf("%s: process %d of the pid file: %v", mode, pid, err)
		}
		s.nothingLeft(t)
	}
}

func TestInheritedListener(t *testing.T) {
	s := newSite(t)
	l, err := net.Listen("tcp", s.httpAddr)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	f, err := l.(*net.TCPListener).File()
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	text, err := os.ReadFile(s.config)
	if err != nil {
		t.Fatal(err)
	}
	// The descriptor must keep its number through the second execution of -D.
	s.write(t, strings.Replace(string(text), "bind "+s.httpAddr, "bind fd@3", 1))
	cmd := s.command(t, "-D")
	cmd.ExtraFiles = []*os.File{f}
	if err := cmd.Run(); err != nil {
		t.Fatal(err)
	}
	l.Close()
	tr := s.traffic()
	tr.settle(t)
	tr.end(t)
}

// TestWorkerCrash: by default the death of the worker ends the master with a
// failure, so that the service manager starts it anew.
func TestWorkerCrash(t *testing.T) {
	s := newSite(t)
	cmd := s.foreground(t, "-W", "-S", s.masterAddr)
	var workers []string
	waitFor(t, "the worker", func() bool { workers = s.workers("# workers"); return len(workers) == 1 })
	for _, pid := range s.processes() {
		if pid != cmd.Process.Pid {
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
	}
	_ = cmd.Wait()
	if got := cmd.ProcessState.ExitCode(); got != 137 {
		t.Errorf("exit status %d, want 137", got)
	}
	s.started = nil
}

func TestMasterDeathEndsTheWorker(t *testing.T) {
	s := newSite(t)
	cmd := s.foreground(t, "-W")
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
	s.started = nil
	s.nothingLeft(t)
}

func terminate(pid int) { _ = syscall.Kill(pid, syscall.SIGTERM) }

// TestHardStopAfter: a client that never ends does not keep an old process.
func TestHardStopAfter(t *testing.T) {
	s := newSite(t)
	text, err := os.ReadFile(s.config)
	if err != nil {
		t.Fatal(err)
	}
	s.write(t, strings.Replace(string(text), "hard-stop-after 10s", "hard-stop-after 300ms", 1))
	cmd := s.foreground(t, "-db")
	c, err := net.Dial("tcp", s.tcpAddr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	time.Sleep(50 * time.Millisecond)
	began := time.Now()
	_ = cmd.Process.Signal(syscall.SIGUSR1)
	_ = cmd.Wait()
	s.started = nil
	if d := time.Since(began); d < 250*time.Millisecond || d > 3*time.Second {
		t.Errorf("ended after %v, want 300 ms", d)
	}
	if got := cmd.ProcessState.String(); got != "exit status 0" {
		t.Errorf("ended with %q", got)
	}
}

// TestDownloadOutlivesReload: what the old process has begun, it finishes.
func TestDownloadOutlivesReload(t *testing.T) {
	s := newSite(t)
	pid := s.daemon(t)
	c, err := net.Dial("tcp", s.tcpAddr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	r := bufio.NewReader(c)
	exchange := func() error {
		_ = c.SetDeadline(time.Now().Add(5 * time.Second))
		if _, err := c.Write([]byte("GET / HTTP/1.1\r\n\r\n")); err != nil {
			return err
		}
		_, err := response(r)
		return err
	}
	if err := exchange(); err != nil {
		t.Fatal(err)
	}
	s.daemon(t, "-sf", strconv.Itoa(pid))
	time.Sleep(100 * time.Millisecond)
	if err := exchange(); err != nil {
		t.Errorf("after the reload: %v", err)
	}
	if n := len(s.processes()); n != 2 {
		t.Errorf("%d processes while a session of the old one goes on, want 2", n)
	}
	draining := fmt.Sprintf("<dd>%d still draining</dd>", pid)
	if !strings.Contains(s.page(t), draining) {
		t.Errorf("the statistics page does not say %s", draining)
	}
	c.Close()
	waitFor(t, "the old process to leave", func() bool { return len(s.processes()) == 1 })
	if strings.Contains(s.page(t), draining) {
		t.Error("the statistics page says so of a process that has left")
	}
}

// TestStartupLogs: what there was to say about the configuration can be read later, from
// a worker as well.
func TestStartupLogs(t *testing.T) {
	s := newSite(t)
	text, err := os.ReadFile(s.config)
	if err != nil {
		t.Fatal(err)
	}
	s.write(t, string(text)+"frontend idle\n")
	for _, args := range [][]string{{"-db"}, {"-W", "-db"}} {
		cmd := s.foreground(t, args...)
		var got string
		waitFor(t, "the runtime API", func() bool { got = askSocket(s.stats, "show startup-logs"); return got != "" })
		if !strings.Contains(got, "[WARNING]") || !strings.Contains(got, "'idle' has no 'bind' line") {
			t.Errorf("%v: %q", args, got)
		}
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_ = cmd.Wait()
		s.started = nil
	}
}

// askSocket sends a command to a socket of the runtime API.
func askSocket(path, command string) string {
	c, err := net.DialTimeout("unix", path, time.Second)
	if err != nil {
		return ""
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(5 * time.Second))
	fmt.Fprintln(c, command)
	out, err := io.ReadAll(c)
	if err != nil {
		return ""
	}
	return string(out)
}
