package session_test

import (
	"context"
	"net"
	"os"
	"strconv"
	"sync"
	"testing"
	"time"

	"bench/internal/hosts/hub"
	"bench/internal/hosts/member"
	"bench/internal/hosts/session"
	"bench/internal/loop"
	"bench/internal/proc"
)

// A hub and hosts on IPv6 are as others are.
func TestIPv6(t *testing.T) {
	t.Parallel()
	h, err := hub.Start(hub.Options{Listen: "[::1]:0", Store: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = h.Close() })
	if host, _, err := net.SplitHostPort(h.Listens()); err != nil || host != "::1" {
		t.Errorf("it listens on %s", h.Listens())
	}
	ctx, cancel := context.WithCancel(context.Background())
	var ended sync.WaitGroup
	t.Cleanup(func() { cancel(); ended.Wait() })
	dir := t.TempDir()
	ended.Go(func() {
		if err := member.Join(ctx, hostOptions(h.JoinAddress(h.Listens()), "gen1", dir, loop.Nanotime)); err != nil {
			t.Error(err)
		}
	})
	w := &world{t: t, hub: h}
	if w.session, err = session.Open(ctx, session.Options{Hub: h.RunAddress(h.Listens()), Self: []string{os.Args[0]}}); err != nil {
		t.Fatal(err)
	}
	if w.group, err = proc.NewGroup(proc.Options{}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = w.group.Close(); _ = w.session.Close() })
	w.take("gen1")
	host := w.session.Hosts()[0]
	if host.Address() != "::1" {
		t.Errorf("the host is at %s", host.Address())
	}
	limit, done := context.WithTimeout(ctx, patience)
	defer done()
	port, err := host.Port(limit)
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", net.JoinHostPort("::1", strconv.Itoa(port)))
	if err != nil {
		t.Fatal(err)
	}
	_ = l.Close()
	out := &text{}
	p := w.start(proc.Spec{Stdin: []byte("hello\n"), Stdout: out}, "cat")
	wait(t, "the end", p.Done())
	if out.String() != "hello\n" {
		t.Errorf("%q", out.String())
	}
	if now := loop.Nanotime(); host.CompareClock(limit) != nil || host.Clocks(now, now).Bound > time.Second {
		t.Error("its clock is not known")
	}
}
