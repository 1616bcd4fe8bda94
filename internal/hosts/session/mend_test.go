package session_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"bench/internal/confine"
	"bench/internal/hosts/clock"
	"bench/internal/hosts/hub"
	"bench/internal/hosts/member"
	"bench/internal/hosts/wire"
	"bench/internal/loop"
	"bench/internal/proc"
)

// An order that was given up before it went out holds up none that come after it.
func TestOrdersAfterOneThatWasGivenUp(t *testing.T) {
	t.Parallel()
	w := newWorld(t, loop.Nanotime, "gen1")
	h := w.session.Hosts()[0]
	gone, cancel := context.WithCancel(context.Background())
	cancel()
	for range 3 {
		if _, err := h.Usage(gone, nil); err == nil {
			t.Fatal("an answer to what was not asked")
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	began := time.Now()
	if port, err := h.Port(ctx); err != nil || port == 0 {
		t.Fatalf("port %d, %v", port, err)
	}
	if took := time.Since(began); took > patience/2 {
		t.Errorf("after %v", took)
	}
	p := w.start(proc.Spec{Stdin: []byte("x")}, "cat")
	wait(t, "the end", p.Done())
	if p.ExitCode() != 3 {
		t.Errorf("%s: %s", p.State(), p.Output())
	}
}

// Of what is written to a process nothing may be missing in the middle.
func TestMissingInput(t *testing.T) {
	t.Parallel()
	e := newEnemy(t)
	if r := e.order(wire.RunChannel, wire.Order{Op: wire.OpOpen}); r.Error != "" {
		t.Fatal(r.Error)
	}
	if r := e.order("p1", wire.Order{Op: wire.OpStart, Args: []string{"true"}, Pipe: true}); r.Error != "" {
		t.Fatal(r.Error)
	}
	e.seq["p1"]++ // one that never came
	if r := e.order("p1", wire.Order{Op: wire.OpStdin, Data: []byte("b")}); !strings.Contains(r.Error, "is missing (1 orders)") {
		t.Errorf("%+v", r)
	}
	if r := e.order("p1", wire.Order{Op: wire.OpStart, Args: []string{"true"}}); !strings.Contains(r.Error, "in use") {
		t.Errorf("two processes in one channel: %+v", r)
	}
	if r := e.order("p1", wire.Order{Op: wire.OpDial, Path: "x"}); !strings.Contains(r.Error, "in use") {
		t.Errorf("a process and a connection in one channel: %+v", r)
	}
}

// What a host refuses names the host, and processes have no other environment than its own.
func TestErrorsNameTheHost(t *testing.T) {
	t.Parallel()
	w := newWorld(t, loop.Nanotime, "gen1")
	h := w.session.Hosts()[0]
	_, err := w.group.Start(proc.Spec{Name: "x", Args: []string{"/nowhere/haproxy"}, On: h})
	if err == nil || strings.Count(err.Error(), "host gen1") != 1 {
		t.Errorf("%v", err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if _, err := h.Dial(ctx, "nobody.sock"); err == nil || strings.Count(err.Error(), "host gen1") != 1 {
		t.Errorf("%v", err)
	}
	_, err = w.group.Start(proc.Spec{Name: "x", Args: []string{"x"}, Env: []string{"LD_PRELOAD=/tmp/x.so"}, On: h})
	if err == nil || !strings.Contains(err.Error(), "environment of their host") {
		t.Errorf("%v", err)
	}
}

// joined is a host that has joined, and what it says.
func joined(t *testing.T, o member.Options) (said *text, ended <-chan error) {
	t.Helper()
	said = &text{}
	o.Note = func(line string) { _, _ = said.Write([]byte(line + "\n")) }
	ctx, cancel := context.WithCancel(context.Background())
	end := make(chan error, 1)
	var all sync.WaitGroup
	all.Go(func() { end <- member.Join(ctx, o) })
	t.Cleanup(func() {
		cancel()
		all.Wait()
		if t.Failed() {
			t.Log(said)
		}
	})
	eventually(t, "a host", func() bool { return strings.Contains(said.String(), "joined as") })
	return said, end
}

// A host whose token has expired while it was connected leaves when it has to connect again,
// and says why.
func TestTokenExpiresMeanwhile(t *testing.T) {
	t.Parallel()
	h, err := hub.Start(hub.Options{Listen: "127.0.0.1:0", Store: t.TempDir(), Lifetime: 3 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = h.Close() })
	r := newRelay(t, h.Listens())
	a := h.JoinAddress(r.addr)
	_, ended := joined(t, hostOptions(a, "gen1", t.TempDir(), loop.Nanotime))
	time.Sleep(time.Until(a.Expiry.Add(100 * time.Millisecond)))
	r.cut()
	select {
	case err := <-ended:
		if !errors.Is(err, wire.ErrExpired) {
			t.Errorf("%v", err)
		}
	case <-time.After(patience):
		t.Error("it does not leave")
	}
}

// Where another hub answers than the one that made the token, a host says so once, and goes on
// to ask.
func TestAnotherHub(t *testing.T) {
	t.Parallel()
	start := func(listen, store string) *hub.Hub {
		var h *hub.Hub
		eventually(t, "a hub", func() bool {
			var err error
			if h, err = hub.Start(hub.Options{Listen: listen, Store: store}); err != nil {
				t.Log(err)
			}
			return err == nil
		})
		return h
	}
	own := t.TempDir()
	first := start("127.0.0.1:0", own)
	listen := first.Listens()
	said, ended := joined(t, hostOptions(first.JoinAddress(listen), "gen1", t.TempDir(), loop.Nanotime))
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	second := start(listen, t.TempDir())
	eventually(t, "a word about the key", func() bool { return strings.Contains(said.String(), "its key is another one") })
	time.Sleep(time.Second) // more attempts
	if n := strings.Count(said.String(), "its key is another one"); n != 1 {
		t.Errorf("said %d times:\n%s", n, said)
	}
	if err := second.Close(); err != nil {
		t.Fatal(err)
	}
	third := start(listen, own)
	t.Cleanup(func() { _ = third.Close() })
	eventually(t, "a connection to the first one", func() bool { return strings.Contains(said.String(), "connected to the hub again") })
	select {
	case err := <-ended:
		t.Errorf("it has left: %v", err)
	default:
	}
}

// A host whose address is none does not join.
func TestAddressOfAHost(t *testing.T) {
	t.Parallel()
	w := newWorld(t, loop.Nanotime)
	o := hostOptions(w.hub.JoinAddress(w.hub.Listens()), "gen1", t.TempDir(), loop.Nanotime)
	o.Address = "px1.example"
	if err := member.Join(context.Background(), o); err == nil || !strings.Contains(err.Error(), "is no IP address") {
		t.Errorf("%v", err)
	}
	o.Address = "::ffff:127.0.0.1"
	joined(t, o)
	w.take("gen1")
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	host := w.session.Hosts()[0]
	if port, err := host.Port(ctx); err != nil || port == 0 || host.Address() != "127.0.0.1" {
		t.Errorf("%s, port %d, %v", host.Address(), port, err)
	}
	if err := w.session.Close(); err != nil { // before the host leaves
		t.Error(err)
	}
}

// What runs start of this program on a host writes in the directory of the run only, and starts
// nothing else: whatever a configuration names.
func TestProcessesAreConfined(t *testing.T) {
	t.Parallel()
	if err := confine.Possible(); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	w := newWorld(t, loop.Nanotime, "gen1")
	h := w.session.Hosts()[0]
	dir, outside := t.TempDir(), t.TempDir()
	h.Mirror(dir)
	for _, c := range []struct {
		words []string
		code  int
	}{
		{[]string{"write", filepath.Join(dir, "new")}, 0},
		{[]string{"write", filepath.Join(outside, "new")}, 1},
		{[]string{"run", "/bin/sh", "-c", "true"}, 1},
	} {
		p := w.start(proc.Spec{}, c.words...)
		wait(t, "the end", p.Done())
		if p.ExitCode() != c.code || c.code != 0 && !strings.Contains(p.Output(), "permission denied") {
			t.Errorf("%q: %s: %s", c.words, p.State(), p.Output())
		}
	}
	if _, err := os.Stat(filepath.Join(outside, "new")); err == nil {
		t.Error("a file was written outside of the run's directory")
	}
}

// A way that takes longer than the time after which an order is sent again is only slow.
func TestSlowWay(t *testing.T) {
	t.Parallel()
	w := newWorld(t, loop.Nanotime, "gen1")
	w.relay.slow(200 * time.Millisecond) // to the hub, to the host and back: 800 ms
	h := w.session.Hosts()[0]
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	began := time.Now()
	if _, err := h.Port(ctx); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(began); took < wire.AskEvery || took > patience/2 {
		t.Errorf("after %v", took)
	}
	out := &text{}
	p := w.start(proc.Spec{StdinPipe: true, Stdout: out}, "cat")
	for _, line := range []string{"one\n", "two\n"} {
		if _, err := p.Stdin.Write([]byte(line)); err != nil {
			t.Fatal(err)
		}
	}
	if err := p.Stdin.Close(); err != nil {
		t.Fatal(err)
	}
	wait(t, "the end", p.Done())
	if out.String() != "one\ntwo\n" {
		t.Errorf("%q", out.String())
	}
	if err := w.session.Err(); err != nil {
		t.Error(err)
	}
	w.relay.slow(0)
}

// A clock that was set is remembered, whatever is compared afterwards, and the clocks are known
// as far as that of each host is.
func TestClockThatWasSet(t *testing.T) {
	t.Parallel()
	var ahead atomic.Int64
	w := newWorld(t, func() int64 { return loop.Nanotime() + ahead.Load() }, "gen1", "gen2")
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	h := w.session.Hosts()[0]
	known := w.session.ClocksKnownUntil()
	if err := h.CompareClock(ctx); err != nil {
		t.Fatal(err)
	}
	if again := w.session.ClocksKnownUntil(); again >= loop.Nanotime() || again > known && known != 0 && again-known > int64(patience) {
		t.Errorf("known until %d, and %d before", again, known)
	} else if other := w.session.Hosts()[1]; other.CompareClock(ctx) != nil || w.session.ClocksKnownUntil() <= again {
		t.Errorf("known until %d still when both were compared", again)
	}
	now := loop.Nanotime()
	if c := h.Clocks(now, now); c.Err != nil {
		t.Fatal(c.Err)
	}
	ahead.Store(int64(-50 * time.Millisecond))
	for range 3 {
		if err := w.session.CompareOnce(ctx); err != nil {
			t.Fatal(err)
		}
		now = loop.Nanotime()
		for _, h := range w.session.Hosts() {
			if c := h.Clocks(now, now); !errors.Is(c.Err, clock.ErrStep) || strings.Contains(c.Err.Error(), "\n") {
				t.Errorf("host %s: %v", h.Name(), c.Err)
			}
		}
	}
}
