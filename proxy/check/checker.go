package check

import (
	"crypto/tls"
	"math/rand/v2"
	"strings"
	"time"

	"bench/internal/loop"
	"bench/internal/sock"
	"bench/internal/tlsio"
	"bench/proxy/h1"
	"bench/proxy/socks"
	"bench/proxy/spec"
	"bench/proxy/txn"
)

// Config is how one server is checked.
type Config struct {
	Check *spec.Check // nil: plain connection
	// Agent: it is not the server that is asked but its agent.
	Agent *Agent
	// Inter, FastInter and DownInter are the times from the end of a check to the
	// next one, of a stable, a changing and a down server; 0 falls back to Inter.
	Inter, FastInter, DownInter time.Duration
	Rise, Fall                  int
	Init                        spec.InitState
	// Connect is "timeout connect", Timeout is "timeout check"; 0 if unset.
	Connect, Timeout time.Duration
	Source           *spec.Source
	Namespace        *sock.Namespace // of connections, nil for that of the process
	// TLS is what the next check is secured by; nil: they are in clear.
	TLS func() *tls.Config
	// Secure makes the same for a rule that connects over TLS.
	Secure func(*spec.CheckConnect) (func() *tls.Config, error)
	// HTTP2: checks that speak HTTP speak HTTP/2; else they do where TLS agrees on it.
	HTTP2 bool
	// Handshakes runs the handshakes of the loop; needed with TLS.
	Handshakes *tlsio.Queue
	// Proxy is the header of the PROXY protocol that checks begin with, nil for none.
	Proxy *spec.ProxyHeader
	// Socks is the SOCKS4 proxy of the server, nil for none; BySocks: checks go by it, too.
	Socks   *sock.Addr
	BySocks bool
	// Spread varies the interval by up to so many percent, either way.
	Spread int
	// State is what requests say of the server's state; nil: nothing.
	State func() string
	// Sample evaluates expressions in rules, for the stream that Probe makes of the checker.
	Sample Sampler
	Probe  func(Probe) txn.Stream
	// Environment is what a command is told, its arguments and its environment.
	Environment func() (args, env []string)
}

// Listener hears of the checks of one server. It is called on the loop.
type Listener interface {
	// Checked is called after each check.
	Checked(r Result, h Health)
	// Changed is called after that when the check brought the server up or
	// down.
	Changed(up bool, r Result)
}

// Checker checks one server, on one loop. Its methods may be called on that
// loop only.
type Checker struct {
	cfg     Config
	l       *loop.Loop
	to      Listener
	addr    sock.Addr
	health  Health
	lim     h1.Limits
	timer   loop.Timer
	running bool  // between checks or within one
	busy    bool  // within one
	due     int64 // of the next check that would come, when it was paused; 0: it never was
	began   int64
	script  *script
	talk    dialogue
	run     *command // of an external check that is under way
	stream  txn.Stream

	// Of the connection at hand.

	fd    int // -1: there is none
	link  *connection
	wired bool // connected
	// socks is what leads the connection to the server, nil if nothing has to.
	socks *socks.Handshake
	hup   bool
	tls   *tlsio.Conn // nil: in clear
	http2 *http2      // nil: it is not spoken
}

// New makes a checker. Errors are in the expectations of the check.
func New(cfg Config, l *loop.Loop, addr sock.Addr, to Listener) (*Checker, error) {
	if cfg.Inter <= 0 {
		cfg.Inter = 2 * time.Second
	}
	c := &Checker{l: l, to: to, addr: addr, health: NewHealth(cfg.Rise, cfg.Fall, cfg.Init), fd: -1, lim: h1.DefaultLimits()}
	c.lim.MaxHead, c.lim.Relaxed = maxAnswer, true
	var err error
	if cfg.Agent != nil {
		c.script = cfg.Agent.script()
	} else if c.script, err = newScript(&cfg); err != nil {
		return nil, err
	}
	c.script.chain()
	c.cfg = cfg
	if cfg.Probe != nil {
		c.stream = cfg.Probe(c)
	}
	return c, nil
}

// Start begins checking after the delay, which spreads the checks of many
// servers.
func (c *Checker) Start(delay time.Duration) {
	if c.running {
		return
	}
	c.running = true
	c.l.SetTimer(&c.timer, c.l.Now()+int64(delay), c)
}

// Stop ends checking; one that is under way is dropped.
func (c *Checker) Stop() {
	c.running = false
	c.l.StopTimer(&c.timer)
	c.drop()
}

// Pause is Stop for what Resume lets go on in the beat that it had.
func (c *Checker) Pause() {
	if !c.running {
		return
	}
	c.due = c.timer.When()
	if c.busy {
		c.due = c.l.Now() + int64(c.cfg.Inter)
	}
	c.Stop()
}

// Resume begins with the next check that would have come, if nobody had paused it.
func (c *Checker) Resume() {
	wait := int64(0)
	if c.due > 0 {
		wait = c.due - c.l.Now()
		if inter := int64(c.cfg.Inter); wait < 0 {
			wait = (wait%inter + inter) % inter
		}
	}
	c.Start(time.Duration(wait))
}

// Distrust makes traffic that has met too many errors count for the server's health.
func (c *Checker) Distrust(then spec.OnError, why string) {
	c.hasten()
	h := &c.health
	switch then {
	case spec.OnErrorFastInter:
		return
	case spec.OnErrorSuddenDeath:
		h.Cur = min(h.Cur, h.Rise+1)
	case spec.OnErrorMarkDown:
		h.Cur = min(h.Cur, h.Rise)
	case spec.OnErrorFailCheck:
	}
	r := Result{Status: Hana, Output: why, Duration: -1}
	changed := h.Bad()
	c.to.Checked(r, *h)
	if changed {
		c.to.Changed(false, r)
	}
}

// hasten makes the next check come after the time between checks of a server whose
// state changes, if it would come later.
func (c *Checker) hasten() {
	if c.running && !c.busy && c.cfg.FastInter > 0 {
		c.l.SetTimer(&c.timer, min(c.timer.When(), c.l.Now()+int64(c.cfg.FastInter)), c)
	}
}

// SetAddr checks another address from the next check on.
func (c *Checker) SetAddr(a sock.Addr) { c.addr = a }

// Health is the present state of the counting.
func (c *Checker) Health() Health { return c.health }

// Force puts the server up or down without a check.
func (c *Checker) Force(up bool) { c.health.Force(up) }

// Restore goes on where the counting of a former process has ended.
func (c *Checker) Restore(cur int) {
	c.health.Cur = min(max(cur, 0), c.health.Rise+c.health.Fall-1)
}

// Reset begins to count anew, as at the start.
func (c *Checker) Reset() { c.health = NewHealth(c.cfg.Rise, c.cfg.Fall, c.cfg.Init) }

// InProgress tells whether a check is under way.
func (c *Checker) InProgress() bool { return c.busy }

// Expired implements loop.TimerHandler.
func (c *Checker) Expired(*loop.Timer) {
	switch {
	case !c.busy:
		c.begin()
	case c.run != nil:
		c.finish(Result{Status: ProcTOut})
	case c.socks.Begun() && c.link.tls != nil:
		c.finish(Result{Status: L6TOut, Output: c.where()})
	case c.socks.Begun():
		c.finish(Result{Status: L7TOut, Output: c.where()})
	case !c.wired:
		c.finish(Result{Status: L4TOut, Output: c.where()})
	case c.tls != nil && c.tls.Info() == nil:
		c.finish(Result{Status: L6TOut, Output: c.where()})
	default:
		status := L7TOut
		if st := c.current(); st.late != Unknown {
			status = st.late
		}
		c.finish(Result{Status: status, Output: c.where()})
	}
}

// begin starts one check.
func (c *Checker) begin() {
	c.busy, c.began = true, c.l.Now()
	c.talk.reset()
	c.talk.up = c.health.Up()
	if c.cfg.Check != nil && c.cfg.Check.Kind == spec.CheckExternal {
		c.execute()
		return
	}
	c.play()
}

// finish counts the outcome, reports it, and plans the next check.
func (c *Checker) finish(r Result) {
	if c.talk.coded && r.Coded() {
		r.Code = c.talk.code
	}
	r.Output, _, _ = strings.Cut(r.Output, "\x00")
	c.drop()
	r.Duration = c.since()
	up, changed := r.Status.OK(), false
	switch {
	case r.Status == Checked:
	case up:
		changed = c.health.Good()
	case c.cfg.Agent == nil, r.Status == L7Sts: // an agent that cannot be asked changes nothing
		changed = c.health.Bad()
	}
	c.to.Checked(r, c.health)
	if changed {
		c.to.Changed(up, r)
	}
	if c.running {
		c.l.SetTimer(&c.timer, c.l.Now()+int64(c.interval()), c)
	}
}

// drop ends a check that is under way.
func (c *Checker) drop() {
	c.busy = false
	c.hangUp()
	if c.run != nil {
		c.run.kill()
		c.run = nil
	}
}

// interval is the time to the next check.
func (c *Checker) interval() time.Duration {
	d := c.health.Interval(c.cfg.Inter, c.cfg.FastInter, c.cfg.DownInter)
	if c.cfg.Spread > 0 {
		part := float64(d) * float64(c.cfg.Spread) / 100
		d += time.Duration(part * (2*rand.Float64() - 1))
	}
	return d
}
