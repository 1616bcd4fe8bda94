package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"bench/internal/hosts/hub"
	"bench/internal/hosts/member"
	"bench/internal/hosts/session"
	"bench/internal/hosts/wire"
	"bench/internal/loop"
)

// hubCmd is the server in the middle of runs on several machines, and what belongs to it.
type hubCmd struct {
	Serve hubServeCmd `cmd:"" default:"withargs" help:"Be the server; what bench hub does."`
	Token hubTokenCmd `cmd:"" help:"Make a token for one host, or for runs, beside those of the hub, which may be running."`
}

// hubTokenCmd makes a token.
type hubTokenCmd struct {
	Name  string        `placeholder:"NAME" xor:"what" required:"" help:"Name of the host that is to join by it: no other may then, and nobody by this name with another token."`
	Runs  bool          `xor:"what" required:"" help:"A token for runs."`
	TTL   time.Duration `name:"ttl" default:"720h" placeholder:"TIME" help:"How long it is good; 0 is for ever."`
	At    string        `placeholder:"HOST:PORT" help:"Address by which the hub is reached, if not the one that it said."`
	Store string        `placeholder:"DIR" help:"As of bench hub."`
}

// Run prints what to type.
func (c *hubTokenCmd) Run(std *streams) error {
	a, err := hub.NewToken(hub.TokenOptions{Store: storeOf(c.Store), Host: c.Name, Lifetime: c.TTL, At: c.At})
	if err != nil {
		return &exitError{exitUsage, err}
	}
	if c.Name != "" {
		fmt.Fprintf(std.out, "bench join '%s' --name %s\n", a, c.Name)
	} else {
		fmt.Fprintf(std.out, "bench run SCENARIO --hub '%s'\n", a)
	}
	return nil
}

// storeOf is the directory of a hub.
func storeOf(dir string) string {
	if dir == "" {
		return filepath.Join(stateDir(), "hub")
	}
	return dir
}

// hubServeCmd is the server.
type hubServeCmd struct {
	Listen  string        `default:"0.0.0.0:4222" placeholder:"ADDR" help:"Address to listen on."`
	At      string        `placeholder:"HOST:PORT" help:"Address by which the other machines reach this one, if not the one that leads outside."`
	Store   string        `placeholder:"DIR" help:"Directory of keys and streams; $XDG_STATE_HOME/bench/hub if not given."`
	Expires time.Duration `default:"720h" placeholder:"TIME" help:"How long tokens are good that are made now; 0 is for ever."`
}

// Help says what the hub is and whom it lets in.
func (*hubServeCmd) Help() string {
	return `Prints what to type on the other machines. Whoever has the first line may offer itself
as a host and nothing else; whoever has the second may start processes on all hosts, as
far as each allows it. Keys and certificate are made at the first start and kept; tokens
that have expired are made anew at the next.`
}

func (c *hubServeCmd) Run(std *streams) error {
	c.Store = storeOf(c.Store)
	var mu sync.Mutex
	h, err := hub.Start(hub.Options{Listen: c.Listen, Store: c.Store, Lifetime: c.Expires, Note: func(line string) {
		mu.Lock()
		defer mu.Unlock()
		fmt.Fprintln(std.err, "bench:", line)
	}})
	if err != nil {
		return &exitError{exitLost, err}
	}
	at := c.At
	if at == "" {
		at = reachable(h.Listens())
	}
	if err := h.Reached(at); err != nil {
		return &exitError{exitLost, errors.Join(err, h.Close())}
	}
	ctx, stop := untilSignal()
	defer stop()
	fmt.Fprintf(std.out, "On each machine that is to work:\n  bench join '%s' --name NAME\n", h.JoinAddress(at))
	fmt.Fprintf(std.out, "To run a scenario on them:\n  bench run SCENARIO --hub '%s'\n", h.RunAddress(at))
	<-ctx.Done()
	return h.Close()
}

// stateDir is where programs of this user keep what is to last.
func stateDir() string {
	if dir := os.Getenv("XDG_STATE_HOME"); dir != "" {
		return filepath.Join(dir, "bench")
	}
	if home, err := os.UserHomeDir(); err == nil {
		return filepath.Join(home, ".local", "state", "bench")
	}
	return filepath.Join(os.TempDir(), fmt.Sprintf("bench-%d", os.Getuid()))
}

// reachable is an address to type for one that is listened on: where that is every
// address of the machine, the one by which it reaches others.
func reachable(listens string) string {
	host, port, err := net.SplitHostPort(listens)
	if err != nil {
		return listens
	}
	if ip := net.ParseIP(host); ip == nil || !ip.IsUnspecified() {
		return listens
	}
	// Nothing is sent: the kernel only chooses a route to an address that is nobody's.
	for _, anywhere := range []string{"192.0.2.1:9", "[2001:db8::1]:9"} {
		c, err := net.Dial("udp", anywhere)
		if err != nil {
			continue
		}
		defer c.Close()
		if own, ok := c.LocalAddr().(*net.UDPAddr); ok {
			return net.JoinHostPort(own.IP.String(), port)
		}
	}
	return net.JoinHostPort("127.0.0.1", port)
}

// Variables that hold what lets one into a hub.
const (
	joinVariable = "BENCH_JOIN"
	hubVariable  = "BENCH_HUB"
)

// joinCmd offers this machine to a hub.
type joinCmd struct {
	Hub     string            `arg:"" env:"BENCH_JOIN" help:"What the hub printed, or @FILE that holds it: what stands on a command line can be seen by all users of a machine."`
	Name    string            `placeholder:"NAME" help:"Name by which scenarios know the machine; its host name if not given."`
	Label   map[string]string `placeholder:"KEY=VALUE" help:"Label by which scenarios may choose it; may be repeated."`
	Allow   []string          `default:"load,backend,proxy" enum:"load,backend,proxy" help:"What it takes on: load, backend, proxy."`
	Exec    []string          `placeholder:"PATH" help:"A program besides this one that it starts as a proxy, such as /usr/sbin/haproxy; may be repeated."`
	Address string            `placeholder:"IP" help:"Address by which the other machines reach it, if not the one that leads to the hub."`
	State   string            `placeholder:"DIR" help:"Directory of the lock that keeps a machine from joining twice."`
}

func (c *joinCmd) Run(std *streams) error {
	address, err := wire.ParseAddress(c.Hub)
	if err != nil {
		return &exitError{exitUsage, err}
	}
	if err := os.Unsetenv(joinVariable); err != nil { // what is started here need not know it
		return err
	}
	if c.Name == "" {
		name, err := os.Hostname()
		if err != nil {
			return err
		}
		c.Name, _, _ = strings.Cut(name, ".")
	}
	if err := wire.CheckName(c.Name); err != nil {
		return &exitError{exitUsage, err}
	}
	for _, path := range c.Exec {
		if !filepath.IsAbs(path) {
			return &exitError{exitUsage, fmt.Errorf("--exec %s: programs are named by their whole path", path)}
		}
		if _, err := os.Stat(path); err != nil {
			return &exitError{exitUsage, fmt.Errorf("--exec: %w", err)}
		}
	}
	if c.State == "" {
		c.State = filepath.Join(os.TempDir(), fmt.Sprintf("bench-join-%d", os.Getuid()))
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	ctx, stop := untilSignal()
	defer stop()
	own := tool()
	var mu sync.Mutex
	err = member.Join(ctx, member.Options{
		Hub: address, Name: c.Name, Labels: c.Label, Allow: c.Allow, Exec: c.Exec, Address: c.Address,
		Self: []string{self}, Tool: own.Build(), Dir: c.State, Clock: loop.Nanotime,
		Note: func(line string) {
			mu.Lock()
			defer mu.Unlock()
			fmt.Fprintln(std.out, line)
		},
	})
	switch {
	case err == nil:
		return nil
	case errors.Is(err, wire.ErrExpired), errors.Is(err, member.ErrJoined):
		return &exitError{exitUsage, err}
	}
	return &exitError{exitLost, err}
}

// hostsCmd lists who has joined.
type hostsCmd struct {
	Hub string `arg:"" env:"BENCH_HUB" help:"What the hub printed for runs, or @FILE that holds it."`
}

// lookTime is how long hosts have to answer.
const lookTime = time.Second

func (c *hostsCmd) Run(std *streams) error {
	address, err := wire.ParseAddress(c.Hub)
	if err != nil {
		return &exitError{exitUsage, err}
	}
	ctx, stop := untilSignal()
	defer stop()
	self, err := os.Executable()
	if err != nil {
		return err
	}
	s, err := session.Open(ctx, session.Options{Hub: address, Self: []string{self}})
	if err != nil {
		return &exitError{exitLost, err}
	}
	found, err := s.Look(ctx, lookTime)
	if err != nil {
		return &exitError{exitLost, errors.Join(err, s.Close())}
	}
	if len(found) == 0 {
		fmt.Fprintln(std.out, "no host has joined")
	}
	for i := range found {
		fmt.Fprintln(std.out, hostLine(ctx, s, &found[i]))
	}
	return s.Close()
}

func hostLine(ctx context.Context, s *session.Session, h *wire.Hello) string {
	var labels []string
	for _, key := range slices.Sorted(maps.Keys(h.Labels)) {
		labels = append(labels, key+"="+h.Labels[key])
	}
	state := "free"
	if h.Run != "" {
		state = "busy with run " + h.Run
	}
	clock := "clock not known"
	if c, err := s.Inspect(ctx, *h); err == nil {
		clock = fmt.Sprintf("clock %+.3f ms, known to ±%.3f ms", float64(c.Offset)/1e6, float64(c.Bound)/1e6)
	}
	allow := strings.Join(append(append([]string{}, h.Allow...), h.Exec...), ",")
	line := fmt.Sprintf("%-16s %-15s %3d CPUs  Linux %s  bench %s  %s  allows %s  %s", h.Name, h.Address, h.CPUs, h.Kernel, h.Tool, clock, allow, state)
	if !h.Packets {
		line += "  without the rights for faults of packets"
	}
	if len(labels) > 0 {
		line += "  " + strings.Join(labels, ",")
	}
	return line
}
