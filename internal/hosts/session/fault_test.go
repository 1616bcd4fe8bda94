package session_test

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"bench/chaos/port"
	"bench/internal/hosts/session"
	"bench/internal/hosts/wire"
	"bench/internal/loop"
	"bench/internal/proc"
	"bench/internal/result"
)

// A fault acts on the host, is told of by it, and ends with the run, whoever is lost.
func TestFaultElsewhere(t *testing.T) {
	t.Parallel()
	w := newWorld(t, loop.Nanotime)
	host := w.hostProcess("gen1")
	h := w.session.Hosts()[0]
	out := &text{}
	p := w.start(proc.Spec{Stdout: out}, "sleep")
	eventually(t, "a process", func() bool { return out.String() != "" })
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	for _, pid := range []int{host.Process.Pid, os.Getpid(), 1, 0, -1} {
		f := h.Fault(&wire.Fault{Kind: wire.FaultStop, PIDs: []int{pid}})
		if err := f.Begin(ctx, nil); err == nil || !strings.Contains(err.Error(), "is not of this run") {
			t.Errorf("process %d: %v", pid, err)
		}
	}
	for _, order := range []wire.Fault{{Kind: wire.FaultStop}, {Kind: "other", PIDs: []int{p.PID()}}} {
		if err := h.Fault(&order).Begin(ctx, nil); err == nil {
			t.Errorf("%+v is done", order)
		}
	}
	stop := &wire.Fault{Kind: wire.FaultStop, PIDs: []int{p.PID()}}
	f := h.Fault(stop)
	if err := f.Begin(ctx, nil); err != nil {
		t.Fatal(err)
	}
	if !proc.Stopped(p.PID()) {
		t.Error("the process is not stopped")
	}
	cert, err := f.End()
	if err != nil || cert == nil || !cert.Gone || cert.Verdict == result.Mismatch {
		t.Errorf("%+v, %v", cert, err)
	}
	if proc.Stopped(p.PID()) {
		t.Error("the process is stopped still")
	}
	if _, err := f.End(); err == nil {
		t.Error("a fault that is over ends once more")
	}
	// One that acts when the host is killed is gone with the process.
	if err := h.Fault(stop).Begin(ctx, nil); err != nil {
		t.Fatal(err)
	}
	killHost(t, w, host)
	eventually(t, "the end of the process there", func() bool { return gone(p.PID()) })
}

func killHost(t *testing.T, w *world, host *exec.Cmd) {
	t.Helper()
	if err := host.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	wait(t, "the loss", w.session.Lost())
}

// A stopped process goes on when its run is over for the runner only.
func TestFaultOfLostRunner(t *testing.T) {
	t.Parallel()
	w := newWorld(t, loop.Nanotime)
	w.hostProcess("gen1")
	out := &text{}
	p := w.start(proc.Spec{Stdout: out}, "sleep")
	eventually(t, "a process", func() bool { return out.String() != "" })
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := w.session.Hosts()[0].Fault(&wire.Fault{Kind: wire.FaultStop, PIDs: []int{p.PID()}}).Begin(ctx, nil); err != nil {
		t.Fatal(err)
	}
	session.Vanish(w.session)
	eventually(t, "the end of the process there", func() bool { return gone(p.PID()) })
}

// What happens to packets of a port of the run is over when the run is, or the host.
func TestFaultOfAPort(t *testing.T) {
	t.Parallel()
	if err := port.Allowed(); err != nil {
		t.Skip(err)
	}
	for name, end := range map[string]func(w *world, host *exec.Cmd, f *session.Fault){
		"in time": func(w *world, _ *exec.Cmd, f *session.Fault) {
			cert, err := f.End()
			if err != nil || cert == nil || !cert.Gone || cert.Verdict != result.Confirmed {
				w.t.Errorf("%+v, %v", cert, err)
			}
			if err := w.session.Close(); err != nil {
				w.t.Error(err)
			}
		},
		"lost runner": func(w *world, _ *exec.Cmd, _ *session.Fault) {
			session.Vanish(w.session)
			wait(w.t, "the loss", w.session.Lost())
		},
		"killed host": func(w *world, host *exec.Cmd, _ *session.Fault) { killHost(w.t, w, host) },
		"stopped host": func(w *world, host *exec.Cmd, _ *session.Fault) {
			if err := host.Process.Signal(syscall.SIGSTOP); err != nil {
				w.t.Fatal(err)
			}
			w.t.Cleanup(func() { _ = host.Process.Signal(syscall.SIGCONT) })
			wait(w.t, "the loss", w.session.Lost())
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, loop.Nanotime)
			host := w.hostProcess("gen1")
			h := w.session.Hosts()[0]
			ctx, cancel := context.WithTimeout(context.Background(), patience)
			defer cancel()
			given, err := h.Port(ctx)
			if err != nil {
				t.Fatal(err)
			}
			addr := net.JoinHostPort(h.Address(), strconv.Itoa(given))
			l, err := net.Listen("tcp", addr)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = l.Close() })
			f := h.Fault(&wire.Fault{Kind: wire.FaultPort, Port: fmt.Appendf(nil, `{"kind":"packets","server":%q,"packets":{"id":"x","match":{},"drop":true}}`, addr)})
			if err := f.Begin(ctx, nil); err != nil {
				t.Fatal(err)
			}
			if c, err := net.DialTimeout("tcp", addr, 200*time.Millisecond); err == nil {
				_ = c.Close()
				t.Fatal("a connection is made")
			}
			end(w, host, f)
			eventually(t, "a connection", func() bool {
				c, err := net.DialTimeout("tcp", addr, time.Second)
				if err == nil {
					_ = c.Close()
				}
				return err == nil
			})
		})
	}
}
