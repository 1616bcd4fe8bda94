package engine_test

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"bench/internal/testpeer"
	"bench/internal/testserver"
	"bench/proxy/config"
	"bench/proxy/engine"
	"bench/proxy/log"
)

// lifeConfig has proxies of each kind. Nothing but the last command stops those of them
// that somebody uses.
const lifeConfig = `
global
    stats socket %[1]s/stats mode 600 level admin
    log %[2]s local0
    hard-stop-after 2s
    nbthread 1
    maxconn 100
defaults
    log global
    option tcplog
    timeout client 1m
    timeout server 1m
    timeout connect 10s
frontend fe
    mode http
    bind unix@%[1]s/fe
    default_backend b
frontend off
    disabled
    bind unix@%[1]s/off
backend b
    mode http
    server s1 127.0.0.1:1
listen both
    bind unix@%[1]s/both
    log-tag mine
    server s1 127.0.0.1:1
listen tcp
    bind unix@%[1]s/tcp
    server s1 %[3]s
backend lone
    server s1 127.0.0.1:1
backend none
    server s1 127.0.0.1:1 disabled
`

// life is what is done to a proxy, command by command or by signals, and the end of the
// last line that it says about it in its logs.
var life = []struct{ do, until string }{
	{"disable frontend fe", "Paused frontend fe."},
	{"disable frontend fe", ""},
	{"enable frontend fe", "Resumed frontend fe."},
	{"disable server both/s1", "proxy both has no server available!"},
	{"disable frontend both", "Paused proxy both."},
	{"enable frontend both", "Resumed proxy both."},
	{"shutdown frontend both", "BE: 0)."},
	{"set weight b/s1 0", "backend b has no server available!"},
	{"set weight b/s1 1", ""},
	{"disable server b/s1", "backend b has no server available!"},
	{"enable server b/s1", "(leaving forced maintenance)."},
	{"set server b/s1 state drain", "backend b has no server available!"},
	{"disable server b/s1", "remaining in queue."},
	{"enable server b/s1", "(leaving forced maintenance)."},
	{"set server lone/s1 health down", "backend lone has no server available!"},
	{"set server lone/s1 health stopping", "total in queue."},
	{"set server lone/s1 health up", "total in queue."},
	{"set server none/s1 state drain", "drain mode."},
	{"set server none/s1 state ready", "(leaving forced drain)."},
	{"TTOU", "Paused proxy tcp."},
	{"TTIN", "Resumed proxy tcp."},
	{"USR1", "Proxy tcp hard-stopped (1 remaining conns will be closed)."},
}

// lines are the messages of a proxy: those of its logs, which come one by one, and those on
// its console.
type lines struct {
	mu      sync.Mutex
	logged  []string
	console []string
}

// ofNobody is what only one of both has: the reference's own proxies, and its end.
var ofNobody = regexp.MustCompile(`HTTPCLIENT|GLOBAL|resisted to hard-stop|haproxy version|path to executable| tcp tcp/s1 `)

func (l *lines) add(to *[]string, text string) {
	text = strings.TrimSpace(text)
	if text == "" || ofNobody.MatchString(text) {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	*to = append(*to, text)
}

// receive takes what is logged until the socket is closed.
func (l *lines) receive(pc net.PacketConn) {
	head := regexp.MustCompile(`^(<\d+>)\w+ +\d+ [\d:]+ (\w+)\[\d+\]: `)
	b := make([]byte, 4096)
	for {
		n, _, err := pc.ReadFrom(b)
		if err != nil {
			return
		}
		l.add(&l.logged, head.ReplaceAllString(string(b[:n]), "$1 $2: "))
	}
}

// live does to a proxy what there is to do, by its socket and by signal.
func live(t *testing.T, dir string, l *lines, signal func(string)) {
	t.Helper()
	var c net.Conn
	waitFor(t, "a connection", func() (ok bool) {
		var err error
		c, err = net.Dial("unix", filepath.Join(dir, "tcp"))
		return err == nil
	})
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(time.Minute))
	if _, err := io.ReadFull(c, make([]byte, len("hello"))); err != nil { // it has a session
		t.Fatal(err)
	}
	for _, step := range life {
		l.mu.Lock()
		before := len(l.logged)
		l.mu.Unlock()
		if strings.ToUpper(step.do) == step.do {
			signal(step.do)
		} else {
			ask(t, filepath.Join(dir, "stats"), step.do)
		}
		waitFor(t, step.do, func() bool { return step.until == "" || l.has(&l.logged, before, step.until) })
	}
	waitFor(t, "the last line of the console", func() bool { return l.has(&l.console, 0, life[len(life)-1].until) })
}

// has tells whether one of the lines from a place on ends so.
func (l *lines) has(of *[]string, from int, end string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	list := (*of)[from:]
	return slices.ContainsFunc(list, func(s string) bool { return strings.HasSuffix(s, end) })
}

// waitFor waits until something holds.
func waitFor(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for range 4000 {
		if holds() {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
	t.Fatalf("waited in vain for: %s", what)
}

// What a proxy says of its own life, in its logs and on its console, is what the reference
// says, and when: frontends that pause, go on and stop, servers and backends that are lost,
// and the end.
func TestLifeIsToldAsByTheReference(t *testing.T) {
	bin := testpeer.Need(t, "haproxy")
	greeter := testserver.TCP(t, func(c net.Conn) {
		_, _ = io.WriteString(c, "hello")
		_, _ = io.Copy(io.Discard, c)
	})
	told := func(start func(dir, text string, l *lines) (signal func(string))) *lines {
		pc, dir, l := logSocket(t), t.TempDir(), &lines{}
		go l.receive(pc)
		signal := start(dir, fmt.Sprintf(lifeConfig, dir, pc.LocalAddr(), greeter), l)
		live(t, dir, l, signal)
		return l
	}
	want := told(func(dir, text string, l *lines) func(string) {
		file := filepath.Join(dir, "cfg")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		cmd := exec.Command(bin, "-db", "-f", file)
		console := regexp.MustCompile(`\(\d+\) : `)
		cmd.Stderr = writer(func(p []byte) {
			for s := range strings.Lines(string(p)) {
				l.add(&l.console, console.ReplaceAllString(s, ""))
			}
		})
		testpeer.Start(t, cmd)
		testpeer.Listening(t, filepath.Join(dir, "stats"))
		signals := map[string]syscall.Signal{"TTOU": syscall.SIGTTOU, "TTIN": syscall.SIGTTIN, "USR1": syscall.SIGUSR1}
		return func(name string) { _ = cmd.Process.Signal(signals[name]) }
	})
	got := told(func(_, text string, l *lines) func(string) {
		cfg, diags := config.Load([]config.Source{{Name: "cfg", Text: []byte(text)}}, config.SystemEnv("2.6.12"))
		if diags.HasErrors() {
			t.Fatal(diags)
		}
		words := map[log.Level]string{log.Alert: "[ALERT]   ", log.Warning: "[WARNING] "}
		e, err := engine.New(cfg, engine.Options{Alert: func(level log.Level, msg string) { l.add(&l.console, words[level]+" "+msg) }})
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
		signals := map[string]func(){"TTOU": e.Pause, "TTIN": e.Resume, "USR1": e.SoftStop}
		return func(name string) { signals[name]() }
	})
	for what, of := range map[string]func(*lines) []string{
		"logs":    func(l *lines) []string { return l.logged },
		"console": func(l *lines) []string { return l.console },
	} {
		got.mu.Lock()
		want.mu.Lock()
		if g, w := strings.Join(of(got), "\n"), strings.Join(of(want), "\n"); g != w {
			t.Errorf("%s\n%s", what, lineDiff(g, w))
		}
		want.mu.Unlock()
		got.mu.Unlock()
	}
}

// writer passes on what is written.
type writer func([]byte)

func (w writer) Write(p []byte) (int, error) {
	w(p)
	return len(p), nil
}
