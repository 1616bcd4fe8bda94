package session_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"bench/chaos"
	"bench/chaos/port"
	"bench/internal/confine"
	"bench/internal/hosts/clock"
	"bench/internal/hosts/hub"
	"bench/internal/hosts/member"
	"bench/internal/hosts/session"
	"bench/internal/hosts/wire"
	"bench/internal/loop"
	"bench/internal/proc"
	"bench/internal/testpeer"
)

// patience bounds every wait: machines that run tests may be slow.
const patience = 60 * time.Second

// Started again, the test is what runs start on hosts.
func TestMain(m *testing.M) {
	args := os.Args[1:]
	switch {
	case len(args) > 0 && args[0] == "guard":
		if err := proc.Guard(os.Stdin, func(journal string) error { _, err := chaos.Recover(journal); return err }); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	case len(args) == 2 && args[0] == "agent" && args[1] == "port":
		if err := port.Serve(os.Stdin, os.Stdout, nil); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	case len(args) > 3 && args[0] == "agent" && args[1] == "confined":
		i := 2
		for ; strings.HasPrefix(args[i], "--may="); i++ {
			args[i] = strings.TrimPrefix(args[i], "--may=")
		}
		fmt.Fprintln(os.Stderr, confine.Exec(args[i], args[2:i], args[i+1:]))
		os.Exit(1)
	case len(args) > 1 && args[0] == "join":
		joinMain(args[1], args[2], args[3])
	case len(args) > 2 && args[0] == "agent":
		os.Exit(program(args[2:]))
	}
	os.Exit(m.Run())
}

// joinMain is a host in a process of its own.
func joinMain(address, name, dir string) {
	a, err := wire.ParseAddress(address)
	if err == nil {
		err = member.Join(context.Background(), hostOptions(a, name, dir, loop.Nanotime))
	}
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

func hostOptions(a *wire.Address, name, dir string, clock func() int64) member.Options {
	return member.Options{
		Hub: a, Name: name, Allow: []string{wire.RoleLoad}, Self: []string{os.Args[0]}, Dir: dir,
		Note: func(line string) { fmt.Fprintln(os.Stderr, name, line) }, Clock: clock,
	}
}

// program is what hosts start in these tests.
func program(args []string) int {
	switch args[0] {
	case "cat":
		if _, err := io.Copy(os.Stdout, os.Stdin); err != nil {
			return 1
		}
		fmt.Fprintln(os.Stderr, "the end")
		return 3
	case "count": // lines with numbers
		n, err := strconv.Atoi(args[1])
		if err != nil {
			return 1
		}
		out := bufio.NewWriter(os.Stdout)
		pause, err := time.ParseDuration(args[2])
		if err != nil {
			return 1
		}
		for i := range n {
			fmt.Fprintln(out, i)
			if pause > 0 {
				if out.Flush() != nil {
					return 1
				}
				time.Sleep(pause)
			}
		}
		if out.Flush() != nil {
			return 1
		}
	case "sleep":
		fmt.Println("ready")
		time.Sleep(time.Hour)
	case "file":
		text, err := os.ReadFile(args[1])
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		fmt.Print(string(text))
	case "write":
		if err := os.WriteFile(args[1], []byte("x"), 0o600); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
	case "run":
		if out, err := exec.Command(args[1], args[2:]...).CombinedOutput(); err != nil {
			fmt.Fprintln(os.Stderr, err, string(out))
			return 1
		}
	case "echo": // on a socket
		l, err := net.Listen("unix", args[1])
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		fmt.Println("ready")
		for {
			c, err := l.Accept()
			if err != nil {
				return 1
			}
			go func() {
				_, _ = io.Copy(c, c)
				_ = c.Close()
			}()
		}
	}
	return 0
}

// world is a hub, hosts in this process, and a session with all of them.
type world struct {
	t       *testing.T
	hub     *hub.Hub
	store   string // of the hub
	relay   *relay // between the hosts and the hub
	session *session.Session
	group   *proc.Group
}

func newWorld(t *testing.T, clock func() int64, names ...string) *world {
	t.Helper()
	w := &world{t: t, store: t.TempDir()}
	var err error
	if w.hub, err = hub.Start(hub.Options{Listen: "127.0.0.1:0", Store: w.store}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = w.hub.Close() })
	w.relay = newRelay(t, w.hub.Listens())
	ctx, cancel := context.WithCancel(context.Background())
	var joined sync.WaitGroup
	t.Cleanup(func() { cancel(); joined.Wait() })
	for _, name := range names {
		dir := t.TempDir()
		joined.Go(func() {
			if err := member.Join(ctx, hostOptions(w.hub.JoinAddress(w.relay.addr), name, dir, clock)); err != nil {
				t.Errorf("host %s: %v", name, err)
			}
		})
	}
	w.open()
	w.take(names...)
	return w
}

func (w *world) open() {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	var err error
	w.session, err = session.Open(ctx, session.Options{Hub: w.hub.RunAddress(w.relay.addr), Self: []string{os.Args[0]}})
	if err != nil {
		w.t.Fatal(err)
	}
	if w.group, err = proc.NewGroup(proc.Options{}); err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() {
		if err := w.group.Close(); err != nil {
			w.t.Error(err)
		}
		if err := w.session.Close(); err != nil {
			w.t.Error(err)
		}
	})
}

// take waits for hosts and takes them.
func (w *world) take(names ...string) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	for _, name := range names {
		for {
			found, err := w.session.Look(ctx, 200*time.Millisecond)
			if err != nil {
				w.t.Fatal(err)
			}
			i := -1
			for j := range found {
				if found[j].Name == name {
					i = j
				}
			}
			if i < 0 {
				if ctx.Err() != nil {
					w.t.Fatalf("host %s does not join", name)
				}
				continue
			}
			if _, err := w.session.Take(ctx, found[i]); err != nil {
				w.t.Fatal(err)
			}
			break
		}
	}
}

func (w *world) start(s proc.Spec, words ...string) *proc.Process {
	w.t.Helper()
	if s.On == nil {
		s.On = w.session.Hosts()[0]
	}
	s.Name = words[0]
	s.Args = append([]string{os.Args[0], "agent", "load"}, words...)
	p, err := w.group.Start(s)
	if err != nil {
		w.t.Fatal(err)
	}
	return p
}

func wait(t *testing.T, what string, done <-chan struct{}) {
	t.Helper()
	select {
	case <-done:
	case <-time.After(patience):
		t.Fatalf("%s does not come", what)
	}
}

// text is a writer that tests may wait on.
type text struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *text) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *text) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !holds(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("in vain: %s", what)
		}
	}
}

// relay passes connections on and can cut, hold up or refuse them.
type relay struct {
	addr string
	to   string
	mu   sync.Mutex
	live map[net.Conn]bool
	deaf bool
	late time.Duration // of everything, each way
}

func newRelay(t *testing.T, to string) *relay {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	r := &relay{addr: l.Addr().String(), to: to, live: map[net.Conn]bool{}}
	go func() {
		for {
			a, err := l.Accept()
			if err != nil {
				return
			}
			go r.pass(a)
		}
	}()
	return r
}

func (r *relay) pass(a net.Conn) {
	b, err := net.Dial("tcp", r.to)
	if err != nil {
		_ = a.Close()
		return
	}
	r.mu.Lock()
	r.live[a], r.live[b] = true, true
	r.mu.Unlock()
	var both sync.WaitGroup
	for _, way := range [][2]net.Conn{{a, b}, {b, a}} {
		line := make(chan parcel, 10_000)
		both.Go(func() {
			for p := range line {
				time.Sleep(time.Until(p.due))
				_, _ = way[0].Write(p.data)
			}
			_ = a.Close()
			_ = b.Close()
		})
		both.Go(func() {
			_, _ = io.Copy(gate{r, line}, way[1])
			close(line)
		})
	}
	both.Wait()
	r.mu.Lock()
	delete(r.live, a)
	delete(r.live, b)
	r.mu.Unlock()
}

// parcel is something on its way, until it is due.
type parcel struct {
	data []byte
	due  time.Time
}

// gate drops what it is to pass on while the relay is deaf.
type gate struct {
	r    *relay
	line chan<- parcel
}

func (g gate) Write(p []byte) (int, error) {
	g.r.mu.Lock()
	deaf, late := g.r.deaf, g.r.late
	g.r.mu.Unlock()
	if !deaf {
		g.line <- parcel{bytes.Clone(p), time.Now().Add(late)}
	}
	return len(p), nil
}

// slow has everything come so much later from now on, each way.
func (r *relay) slow(late time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.late = late
}

// cut resets all connections.
func (r *relay) cut() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for c := range r.live {
		_ = c.(*net.TCPConn).SetLinger(0)
		_ = c.Close()
	}
}

// partition swallows everything from now on, without a word.
func (r *relay) partition() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.deaf = true
}

func TestProcessElsewhere(t *testing.T) {
	t.Parallel()
	w := newWorld(t, loop.Nanotime, "gen1")
	out := &text{}
	p := w.start(proc.Spec{StdinPipe: true, Stdout: out}, "cat")
	want := strings.Repeat("0123456789abcdef", 100_000) // many messages
	if n, err := io.WriteString(p.Stdin, want); n != len(want) || err != nil {
		t.Fatalf("%d, %v", n, err)
	}
	if !p.Running() || p.PID() == 0 || p.Elsewhere() == nil {
		t.Error("it does not run")
	}
	if err := p.Stdin.Close(); err != nil {
		t.Fatal(err)
	}
	wait(t, "the end", p.Done())
	if out.String() != want {
		t.Errorf("%d bytes of output, not %d", len(out.String()), len(want))
	}
	if p.ExitCode() != 3 || p.State() != "exit status 3" || p.Output() != "the end" {
		t.Errorf("exit %d, %q, output %q", p.ExitCode(), p.State(), p.Output())
	}
	if err := p.Signal(syscall.SIGTERM); !errors.Is(err, os.ErrProcessDone) {
		t.Errorf("a signal after the end: %v", err)
	}
	// Without anybody who takes it, the output is with the end, as it is here.
	p = w.start(proc.Spec{Stdin: []byte("hello\n")}, "cat")
	wait(t, "the end", p.Done())
	if got := p.Output(); got != "hello\nthe end" {
		t.Errorf("output %q", got)
	}

	p = w.start(proc.Spec{Stdout: out}, "sleep")
	if err := p.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	wait(t, "the end by a signal", p.Done())
	if p.State() != "signal: terminated" || p.ExitCode() != -1 {
		t.Errorf("%q, %d", p.State(), p.ExitCode())
	}
	p = w.start(proc.Spec{StdinPipe: true}, "sleep")
	p.Kill()
	wait(t, "the end by a kill", p.Done())
	if p.State() != "signal: killed" {
		t.Errorf("%q", p.State())
	}
}

func TestWhatHostsRefuse(t *testing.T) {
	t.Parallel()
	w := newWorld(t, loop.Nanotime, "gen1")
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{os.Args[0], "proxy", "-f", "x"}, "it takes no proxy"},
		{[]string{os.Args[0], "backend", "http"}, "it takes no backend"},
		{[]string{os.Args[0], "join", "x"}, "nothing that runs start on hosts"},
		{[]string{os.Args[0], "chaos"}, "nothing that runs start on hosts"},
		{[]string{"/bin/sh", "-c", "true"}, "it takes no proxy"},
		{[]string{"agent", "load"}, "it takes no proxy"},
	} {
		_, err := w.group.Start(proc.Spec{Name: "x", Args: c.args, On: w.session.Hosts()[0]})
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: %v", c.args, err)
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	for _, path := range []string{"/run/other.sock", "../other.sock", "a/../../other.sock"} {
		if c, err := w.session.Hosts()[0].Dial(ctx, path); err == nil {
			_ = c.Close()
			t.Errorf("a connection to %s", path)
		}
	}
	// One run at a time.
	other := &world{t: t, hub: w.hub, relay: w.relay}
	other.open()
	found, err := other.session.Look(ctx, time.Second)
	if err != nil || len(found) != 1 || found[0].Run == "" {
		t.Fatalf("%+v, %v", found, err)
	}
	if _, err := other.session.Take(ctx, found[0]); !errors.Is(err, session.ErrBusy) {
		t.Errorf("a second run: %v", err)
	}
	// When the first one is over, it is free.
	if err := w.session.Close(); err != nil {
		t.Error(err)
	}
	if _, err := other.session.Take(ctx, found[0]); err != nil {
		t.Errorf("after the first run: %v", err)
	}
}

// Whatever is cut, and however often, every line comes once and in order.
func TestCutConnections(t *testing.T) {
	t.Parallel()
	w := newWorld(t, loop.Nanotime, "gen1", "gen2")
	const lines = 1500
	type reader struct {
		p    *proc.Process
		mu   sync.Mutex
		next int
	}
	var all []*reader
	for _, h := range w.session.Hosts() {
		r := &reader{}
		r.p = w.start(proc.Spec{On: h, Stdout: &proc.LineWriter{Take: func(line []byte) {
			r.mu.Lock()
			defer r.mu.Unlock()
			if string(line) != strconv.Itoa(r.next) {
				t.Errorf("line %q where %d was due", line, r.next)
			}
			r.next++
		}}}, "count", strconv.Itoa(lines), "1ms")
		all = append(all, r)
	}
	cat := &text{}
	c := w.start(proc.Spec{StdinPipe: true, Stdout: cat}, "cat")
	var want strings.Builder
	for i := range 4 {
		w.relay.cut()
		for j := range 5 {
			line := fmt.Sprintf("%d.%d\n", i, j)
			want.WriteString(line)
			if _, err := io.WriteString(c.Stdin, line); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := c.Stdin.Close(); err != nil {
		t.Fatal(err)
	}
	wait(t, "the end of cat", c.Done())
	if cat.String() != want.String() {
		t.Errorf("%q, not %q", cat.String(), want.String())
	}
	for _, r := range all {
		wait(t, "the end", r.p.Done())
		r.mu.Lock()
		if r.next != lines || r.p.ExitCode() != 0 {
			t.Errorf("%d lines, %s", r.next, r.p.State())
		}
		r.mu.Unlock()
	}
	if err := w.session.Err(); err != nil {
		t.Error(err)
	}
}

func TestFilesAndSockets(t *testing.T) {
	t.Parallel()
	w := newWorld(t, loop.Nanotime, "gen1")
	h := w.session.Hosts()[0]
	dir := t.TempDir()
	h.Mirror(dir)
	file, socket := filepath.Join(dir, "proxy.cfg"), filepath.Join(dir, "s.sock")
	for _, want := range []string{"one", "two " + strings.Repeat("x", 600_000), ""} {
		if err := os.WriteFile(file, []byte(want), 0o600); err != nil {
			t.Fatal(err)
		}
		out := &text{}
		p := w.start(proc.Spec{Stdout: out}, "file", file)
		wait(t, "the end", p.Done())
		if out.String() != want || p.ExitCode() != 0 {
			t.Errorf("%d bytes, not %d: %s", len(out.String()), len(want), p.Output())
		}
	}
	// Paths in files are those of the host.
	if err := os.WriteFile(file, []byte("stats "+socket), 0o600); err != nil {
		t.Fatal(err)
	}
	out := &text{}
	wait(t, "the end", w.start(proc.Spec{Stdout: out}, "file", file).Done())
	if strings.Contains(out.String(), dir) || !strings.HasSuffix(out.String(), "/s.sock") {
		t.Errorf("%q", out.String())
	}

	ready := &text{}
	w.start(proc.Spec{Stdout: ready}, "echo", socket)
	eventually(t, "the socket", func() bool { return ready.String() != "" })
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	c, err := h.Dial(ctx, socket)
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if _, err := io.WriteString(c, "hello\n"); err != nil {
			t.Fatal(err)
		}
		got := make([]byte, 6)
		if _, err := io.ReadFull(c, got); err != nil || string(got) != "hello\n" {
			t.Fatalf("%q, %v", got, err)
		}
	}
	if err := c.SetDeadline(time.Now().Add(10 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("a read without an answer: %v", err)
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
	if _, err := h.Dial(ctx, filepath.Join(dir, "nobody.sock")); err == nil {
		t.Error("a connection to nobody")
	}
}

// A clock that is off and runs fast is known within the stated bound.
func TestClocksOfHosts(t *testing.T) {
	t.Parallel()
	began := loop.Nanotime()
	// A quarter of a second ahead, and 50 ppm fast.
	other := func() int64 {
		now := loop.Nanotime()
		return now + (250 * time.Millisecond).Nanoseconds() + (now-began)/20_000 // 50 ppm
	}
	w := newWorld(t, other, "gen1")
	h := w.session.Hosts()[0]
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	for range 5 {
		compared := loop.Nanotime()
		if err := h.CompareClock(ctx); err != nil {
			t.Fatal(err)
		}
		now := loop.Nanotime()
		truth := now + (250 * time.Millisecond).Nanoseconds() + (now-began)/20_000
		c := h.Clocks(now, now)
		if c.Err != nil {
			t.Fatal(c.Err)
		}
		// What it may have drifted since the comparison is not in the bound.
		c.Bound += time.Duration(float64(now-compared) * clock.MaxRate)
		if wrong := time.Duration(h.Clock(now) - truth).Abs(); wrong > c.Bound {
			t.Errorf("wrong by %v, the bound is %v", wrong, c.Bound)
		}
		if wrong := time.Duration(h.Here(truth) - now).Abs(); wrong > c.Bound {
			t.Errorf("the way back is wrong by %v, the bound is %v", wrong, c.Bound)
		}
	}
}

// hostProcess is a host in a process of its own, which can be killed and stopped.
func (w *world) hostProcess(name string) *exec.Cmd {
	w.t.Helper()
	c := exec.Command(os.Args[0], "join", w.hub.JoinAddress(w.relay.addr).String(), name, w.t.TempDir())
	said := &text{}
	c.Stderr = said
	if err := testpeer.Launch(c); err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() {
		_ = c.Process.Kill()
		_ = c.Wait()
		if w.t.Failed() {
			w.t.Log(said.String())
		}
	})
	w.take(name)
	return c
}

// gone reports whether a process has ended; one that nobody has waited for has, too.
func gone(pid int) bool {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return true
	}
	_, rest, _ := strings.Cut(string(text), ") ")
	return strings.HasPrefix(rest, "Z")
}

// Whoever is lost, and however, no process stays, and the session says who it was.
func TestLeases(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		harm func(w *world, host *exec.Cmd)
		want string
	}{
		"killed host": {func(_ *world, host *exec.Cmd) { _ = host.Process.Kill() }, "lost gen1"},
		"stopped host": {func(w *world, host *exec.Cmd) {
			_ = host.Process.Signal(syscall.SIGSTOP)
			w.t.Cleanup(func() { _ = host.Process.Signal(syscall.SIGCONT) })
		}, "lost gen1"},
		"partition": {func(w *world, _ *exec.Cmd) { w.relay.partition() }, "lost"},
		"lost hub":  {func(w *world, _ *exec.Cmd) { _ = w.hub.Close(); w.relay.cut() }, "hub"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, loop.Nanotime)
			host := w.hostProcess("gen1")
			out := &text{}
			p := w.start(proc.Spec{Stdout: out}, "sleep")
			eventually(t, "a process", func() bool { return out.String() != "" })
			c.harm(w, host)
			wait(t, "the loss", w.session.Lost())
			if err := w.session.Err(); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v", err)
			}
			wait(t, "the end", p.Done())
			if !strings.HasPrefix(p.State(), "lost: ") {
				t.Errorf("state %q", p.State())
			}
			eventually(t, "the end of the process there", func() bool { return gone(p.PID()) })
		})
	}
}

// A runner that is gone leaves no process behind on the hosts, which are free again.
func TestLostRunner(t *testing.T) {
	t.Parallel()
	w := newWorld(t, loop.Nanotime)
	w.hostProcess("gen1")
	out := &text{}
	p := w.start(proc.Spec{Stdout: out}, "sleep")
	eventually(t, "a process", func() bool { return out.String() != "" })
	session.Vanish(w.session)
	eventually(t, "the end of the process there", func() bool { return gone(p.PID()) })
	other := &world{t: t, hub: w.hub, relay: w.relay}
	other.open()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	eventually(t, "the host is free", func() bool {
		found, err := other.session.Look(ctx, 200*time.Millisecond)
		if err != nil {
			t.Fatal(err)
		}
		return len(found) == 1 && found[0].Run == ""
	})
}
