package difftest

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"bench/internal/testpeer"
)

// timesConf has checks at intervals that differ by more than what is tolerated.
const timesConf = `global
    log 127.0.0.1:%d local0
    nbthread 1
    maxconn 200
%s
defaults
    log global
    mode http
    timeout connect 2s
    timeout client 2s
    timeout server 2s
    option log-health-checks
    default-server inter 1400ms fastinter 1s downinter 1800ms rise 2 fall 3
frontend ready
    bind fd@4
    bind fd@3
    monitor-uri /ready
`

// timedFor is how long checks are watched.
const timedFor = 12 * time.Second

// manner is what a server does with a check.
type manner struct {
	after  time.Duration // until it answers
	answer string        // "": never
}

// timedKind is a server that is checked. Each manner is for one check, the last one for all
// that follow.
type timedKind struct {
	name, lines, server string
	manners             []manner
	// gone is from when on nobody listens, in checks, and back for how long; 0: for good.
	gone int
	back time.Duration
	deaf bool // connections are not even made
}

const (
	fine      = "HTTP/1.0 200 OK\r\n\r\n"
	broken503 = "HTTP/1.0 503 No\r\n\r\n"
)

func timedKinds() []timedKind {
	const get = "option httpchk GET /\n"
	// Where connecting has a higher limit than the check behind it, HAProxy 2.6 sees that time
	// is up at the former only.
	const limits = "timeout connect 1s\ntimeout check 1s"
	well, bad := manner{answer: fine}, manner{answer: broken503}
	return []timedKind{
		{name: "well", lines: get, manners: []manner{well}},
		{name: "slow", lines: get, manners: []manner{{after: ms(600), answer: fine}}},
		{name: "slow-and-bad", lines: get, manners: []manner{well, {after: ms(500), answer: broken503}}},
		{name: "silent", lines: get + limits, manners: []manner{well, {}}},
		{name: "silent-no-limit", lines: get, manners: []manner{well, {}}},
		{name: "slow-too-long", lines: get + limits, manners: []manner{well, {after: ms(1500), answer: fine}}},
		{name: "fails-and-returns", lines: get, manners: []manner{well, well, bad, bad, bad, bad, well}},
		{name: "flickers", lines: get, manners: []manner{well, bad, well, bad, bad, well}},
		{name: "refuses"},
		{name: "gone-and-back", lines: get, gone: 2, back: ms(4400), manners: []manner{well}},
		{name: "deaf", lines: "timeout connect 1200ms\ntimeout check 5s", deaf: true},
		{name: "deaf-no-limit", deaf: true},
		{name: "both", server: "check inter 1100ms agent-check agent-port PORT agent-inter 3s", lines: get, manners: []manner{well}},
		{name: "agent", server: "agent-check agent-port PORT agent-inter 1200ms", manners: []manner{{answer: "up\n"}, {answer: "down\n"}, {answer: "up\n"}, {after: ms(400), answer: "up\n"}}},
		{name: "rises-slowly", server: "check inter 1s fastinter 1500ms rise 3", lines: get, manners: []manner{bad, well}},
	}
}

// timedOrigin is a server that notes when it was asked.
type timedOrigin struct {
	timedKind
	addr string

	mu    sync.Mutex
	l     net.Listener
	ended bool
	asked []time.Time
}

func newTimedOrigin(t *testing.T, k timedKind) *timedOrigin {
	t.Helper()
	o := &timedOrigin{timedKind: k, addr: testpeer.FreeAddr(t)}
	switch {
	case k.deaf:
		o.addr = deafAddr(t)
	case k.gone > 0 || len(k.manners) > 0:
		if err := o.listen(); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() {
		o.mu.Lock()
		defer o.mu.Unlock()
		if o.ended = true; o.l != nil {
			_ = o.l.Close()
		}
	})
	return o
}

func (o *timedOrigin) listen() error {
	l, err := net.Listen("tcp4", o.addr)
	if err != nil {
		return err
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.ended {
		return l.Close()
	}
	o.l = l
	go o.accept(l)
	return nil
}

func (o *timedOrigin) accept(l net.Listener) {
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		o.mu.Lock()
		n := len(o.asked)
		o.asked = append(o.asked, time.Now())
		o.mu.Unlock()
		if n+1 == o.gone {
			_ = l.Close()
			time.AfterFunc(o.back, func() { _ = o.listen() })
		}
		var m manner
		if len(o.manners) > 0 {
			m = o.manners[min(n, len(o.manners)-1)]
		}
		go m.serve(c)
	}
}

func (m manner) serve(c net.Conn) {
	defer c.Close()
	if m.answer != "" {
		time.Sleep(m.after)
		_, _ = io.WriteString(c, m.answer)
	}
	_ = c.SetReadDeadline(time.Now().Add(awaitLimit))
	_, _ = io.Copy(io.Discard, c)
}

// deafAddr is an address to which connections are neither made nor refused: the queue of
// those that wait to be accepted is full.
func deafAddr(t *testing.T) string {
	t.Helper()
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(fd) })
	if err := unix.Bind(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		t.Fatal(err)
	}
	if err := unix.Listen(fd, 0); err != nil {
		t.Fatal(err)
	}
	name, err := unix.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	addr := fmt.Sprintf("127.0.0.1:%d", name.(*unix.SockaddrInet4).Port)
	c, err := net.DialTimeout("tcp4", addr, awaitLimit)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return addr
}

// timedLine is a message about a server.
type timedLine struct {
	at   time.Time
	text string
	took time.Duration // the check
}

// timedSubject is one of the proxies, with its servers and its messages.
type timedSubject struct {
	origins []*timedOrigin

	mu    sync.Mutex
	lines map[string][]timedLine
}

var (
	timedMessage = regexp.MustCompile(`(?:(?:Health|Agent) check for server|Server) (\S+)/s .*`)
	timedTook    = regexp.MustCompile(`check duration: (\d+)ms`)
)

// listen takes messages until the socket is closed.
func (s *timedSubject) listen(logs net.PacketConn) {
	var buf [65536]byte
	for {
		n, _, err := logs.ReadFrom(buf[:])
		if err != nil {
			return
		}
		m := timedMessage.FindSubmatch(bytes.TrimRight(buf[:n], "\n"))
		if m == nil {
			continue
		}
		line := timedLine{at: time.Now(), text: timedTook.ReplaceAllString(string(m[0]), "check duration: N")}
		if d := timedTook.FindSubmatch(m[0]); d != nil {
			took, _ := strconv.Atoi(string(d[1]))
			line.took = ms(took)
		}
		s.mu.Lock()
		s.lines[string(m[1])] = append(s.lines[string(m[1])], line)
		s.mu.Unlock()
	}
}

func startTimed(t *testing.T, s *subject, kinds []timedKind) *timedSubject {
	t.Helper()
	x := &timedSubject{lines: map[string][]timedLine{}}
	logs, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var listening sync.WaitGroup
	listening.Go(func() { x.listen(logs) })
	t.Cleanup(func() { _ = logs.Close(); listening.Wait() })
	conf := fmt.Sprintf(timesConf, logs.LocalAddr().(*net.UDPAddr).Port, "")
	for _, k := range kinds {
		o := newTimedOrigin(t, k)
		x.origins = append(x.origins, o)
		conf += "backend " + k.name + "\n"
		for line := range strings.SplitSeq(k.lines, "\n") {
			conf += "    " + line + "\n"
		}
		_, port, _ := net.SplitHostPort(o.addr)
		server := k.server
		if server == "" {
			server = "check"
		}
		conf += "    server s " + o.addr + " " + strings.ReplaceAll(server, "PORT", port) + "\n"
	}
	startTimedProxy(t, s, conf)
	return x
}

func startTimedProxy(t *testing.T, s *subject, conf string) {
	t.Helper()
	r, err := s.start(t.TempDir(), conf, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.stop(); err != nil {
			t.Error(err)
		}
	})
}

// near tells whether two times agree within a tenth. What is much shorter than a second is
// a matter of how busy the machine is.
func near(a, b time.Duration) bool {
	diff := (a - b).Abs()
	return diff <= ms(90) || diff <= max(a, b)/10
}

// gaps are the times from each to the next one.
func gaps(at []time.Time) []time.Duration {
	var out []time.Duration
	for i := 1; i < len(at); i++ {
		out = append(out, at[i].Sub(at[i-1]).Round(time.Millisecond))
	}
	return out
}

// nearAll tells whether times agree one by one; at the end of the watch one more may have
// come here than there.
func nearAll(a, b []time.Duration) bool {
	if n := len(a) - len(b); n < -1 || n > 1 {
		return false
	}
	n := min(len(a), len(b))
	return slices.EqualFunc(a[:n], b[:n], near)
}

// compare holds one server of both against each other.
func compareTimes(t *testing.T, want, got *timedSubject, i int) {
	t.Helper()
	k := want.origins[i].timedKind
	a, b := gaps(want.origins[i].times()), gaps(got.origins[i].times())
	if len(k.manners) > 0 && (!nearAll(a, b) || len(a) < 3) {
		t.Errorf("%s: from check to check\n  haproxy %v\n  builtin %v", k.name, a, b)
	}
	say := func(s *timedSubject) (texts string, at []time.Time, took []time.Duration) {
		s.mu.Lock()
		defer s.mu.Unlock()
		for _, l := range s.lines[k.name] {
			texts += "    " + l.text + "\n"
			at, took = append(at, l.at), append(took, l.took)
		}
		return texts, at, took
	}
	wantTexts, wantAt, wantTook := say(want)
	gotTexts, gotAt, gotTook := say(got)
	fewer := min(len(wantTexts), len(gotTexts))
	if wantTexts[:fewer] != gotTexts[:fewer] || fewer == 0 {
		t.Errorf("%s:\n  haproxy\n%s  builtin\n%s", k.name, wantTexts, gotTexts)
	}
	if a, b := gaps(wantAt), gaps(gotAt); !nearAll(a, b) {
		t.Errorf("%s: from message to message\n  haproxy %v\n  builtin %v\n%s", k.name, a, b, wantTexts)
	}
	if !nearAll(wantTook, gotTook) {
		t.Errorf("%s: checks took\n  haproxy %v\n  builtin %v\n%s", k.name, wantTook, gotTook, wantTexts)
	}
}

func (o *timedOrigin) times() []time.Time {
	o.mu.Lock()
	defer o.mu.Unlock()
	return slices.Clone(o.asked)
}

// TestCheckTimes compares when both check servers, how long that takes, and when they say
// what of them, in real time, side by side, within a tenth; all intervals are a second and
// more. What comes of "spread-checks" is chance: there both are held to the manual.
func TestCheckTimes(t *testing.T) {
	if tried(t) {
		return
	}
	subjects := []*subject{{"haproxy", []string{testpeer.Need(t, "haproxy")}}, {"builtin", []string{build(t), "proxy"}}}
	kinds := timedKinds()
	var timed [2]*timedSubject
	var spread [2]func() map[string][]time.Time
	for i, s := range subjects {
		timed[i], spread[i] = startTimed(t, s, kinds), startSpread(t, s)
	}
	time.Sleep(timedFor)
	for i, s := range subjects {
		spreadAsDocumented(t, s.name, spread[i]())
	}
	for i := range kinds {
		compareTimes(t, timed[0], timed[1], i)
	}
	// The first checks are spread, in the order of the servers.
	var first [2][]time.Duration
	for i := range subjects {
		begin := timed[i].origins[0].times()[0]
		for _, o := range timed[i].origins {
			if at := o.times(); len(at) > 0 {
				first[i] = append(first[i], at[0].Sub(begin).Round(time.Millisecond))
			}
		}
	}
	if !slices.EqualFunc(first[0], first[1], near) {
		t.Errorf("first checks behind the very first one\n  haproxy %v\n  builtin %v", first[0], first[1])
	}
}
