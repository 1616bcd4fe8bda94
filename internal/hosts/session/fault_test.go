package session_test

import (
	"context"
	"os"
	"os/exec"
	"strings"
	"testing"

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
