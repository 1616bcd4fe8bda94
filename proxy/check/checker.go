package check

import (
	"crypto/tls"
	"math/rand/v2"
	"syscall"
	"time"

	"bench/internal/loop"
	"bench/internal/poller"
	"bench/internal/sock"
	"bench/internal/tlsio"
	"bench/proxy/h1"
	"bench/proxy/spec"
)

// Config is how one server is checked.
type Config struct {
	Check *spec.Check // nil: plain connection
	// Inter, FastInter and DownInter are the times from the end of a check to the
	// next one, of a stable, a changing and a down server; 0 falls back to Inter.
	Inter, FastInter, DownInter time.Duration
	Rise, Fall                  int
	// Connect is "timeout connect", Timeout is "timeout check"; 0 if unset.
	Connect, Timeout time.Duration
	Source           *spec.Source
	// TLS is what the next check is secured by; nil: they are in clear.
	TLS func() *tls.Config
	// Handshakes runs the handshakes of the loop; needed with TLS.
	Handshakes *tlsio.Queue
	// Proxy is the header of the PROXY protocol that checks begin with, nil for none.
	Proxy *spec.ProxyHeader
	// Spread varies the interval by up to so many percent, either way.
	Spread int
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
	prog    *program
	l       *loop.Loop
	to      Listener
	addr    sock.Addr
	health  Health
	lim     h1.Limits
	timer   loop.Timer
	running bool // between checks or within one
	fd      int  // -1: no check under way
	began   int64
	wired   bool // connected
	hup     bool
	tls     *tlsio.Conn // nil: in clear
	sent    int
	answer  answer
	script  *script // of a TCP check with rules; nil: none
	talk    dialogue
}

// New makes a checker. Errors are in the expectations of the check.
func New(cfg Config, l *loop.Loop, addr sock.Addr, to Listener) (*Checker, error) {
	p, err := compile(cfg.Check)
	if err != nil {
		return nil, err
	}
	if cfg.Inter <= 0 {
		cfg.Inter = 2 * time.Second
	}
	sc, err := newScript(cfg.Check)
	if err != nil {
		return nil, err
	}
	lim := h1.DefaultLimits()
	lim.MaxHead, lim.Relaxed = maxAnswer, true
	return &Checker{cfg: cfg, prog: p, script: sc, l: l, to: to, addr: addr, health: NewHealth(cfg.Rise, cfg.Fall), fd: -1, lim: lim}, nil
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

// SetAddr checks another address from the next check on.
func (c *Checker) SetAddr(a sock.Addr) { c.addr = a }

// Health is the present state of the counting.
func (c *Checker) Health() Health { return c.health }

// Force puts the server up or down without a check.
func (c *Checker) Force(up bool) { c.health.Force(up) }

// Reset puts the server up so that the next bad check brings it down, as at the
// start.
func (c *Checker) Reset() { c.health = NewHealth(c.cfg.Rise, c.cfg.Fall) }

// InProgress tells whether a check is under way.
func (c *Checker) InProgress() bool { return c.fd >= 0 }

// Expired implements loop.TimerHandler.
func (c *Checker) Expired(*loop.Timer) {
	switch {
	case c.fd < 0:
		c.begin()
	case !c.wired:
		c.finish(Result{Status: L4TOut, Output: c.script.where(c)})
	case c.tls != nil && c.tls.Info() == nil:
		c.finish(Result{Status: L6TOut})
	default:
		c.finish(Result{Status: L7TOut, Output: c.script.where(c)})
	}
}

// begin starts one check.
func (c *Checker) begin() {
	c.began = c.l.Now()
	c.wired, c.hup, c.sent = false, false, 0
	c.answer.reset()
	c.talk.reset()
	opt := sock.ConnectOptions{NoDelay: true}
	if src := c.cfg.Source; src != nil {
		opt.Source, opt.Interface = &src.Addr, src.Interface
	}
	fd, _, errno := sock.Connect(&c.addr, &opt)
	if errno != 0 {
		c.finish(Result{Status: connectStatus(errno), Output: capital(errno.Error()) + c.script.where(c)})
		return
	}
	if err := c.l.Add(fd, poller.In|poller.Out, c); err != nil {
		sock.Close(fd)
		c.finish(Result{Status: SockErr, Output: err.Error()})
		return
	}
	c.fd = fd
	// With "timeout check" connecting has a limit of its own; without, the
	// interval covers all of the check.
	limit := c.cfg.Inter
	if c.cfg.Timeout > 0 && c.cfg.Connect > 0 {
		limit = min(limit, c.cfg.Connect)
	}
	c.l.SetTimer(&c.timer, c.began+int64(limit), c)
}

func connectStatus(errno syscall.Errno) Status {
	switch errno {
	case syscall.EMFILE, syscall.ENFILE, syscall.ENOBUFS, syscall.ENOMEM:
		return SockErr
	}
	return L4Con
}

// Ready implements loop.Handler.
func (c *Checker) Ready(ev poller.Events) {
	if c.fd < 0 {
		return
	}
	c.hup = c.hup || ev&poller.Hup != 0
	if !c.wired {
		if ev&(poller.Out|poller.Hup) == 0 {
			c.l.Rearm(c.fd, poller.In)
			return
		}
		if errno := sock.Error(c.fd); errno != 0 {
			c.finish(Result{Status: connectStatus(errno), Output: capital(errno.Error()) + c.script.where(c)})
			return
		}
		if _, errno := sock.PeerAddr(c.fd); errno != 0 {
			c.l.Rearm(c.fd, poller.Out)
			return
		}
		if !c.greet() {
			return
		}
		c.wired = true
		if c.cfg.Timeout > 0 && (c.prog != nil || c.script != nil || c.cfg.TLS != nil) {
			c.l.SetTimer(&c.timer, c.l.Now()+int64(c.cfg.Timeout), c)
		}
		if c.cfg.TLS != nil {
			c.tls = c.cfg.Handshakes.Client(c.fd, c.cfg.TLS(), c)
			c.tls.Handshake(c.hup)
			return
		}
	}
	switch {
	case c.tls != nil && c.tls.Info() == nil:
		c.tls.Handshake(c.hup)
		return
	case c.tls != nil && ev&poller.Out != 0:
		c.tls.Flush()
	}
	c.ask()
}

// Secured implements tlsio.Owner.
func (c *Checker) Secured(err error) {
	if err != nil {
		c.finish(Result{Status: L6Rsp, Output: "SSL handshake failure"})
		return
	}
	c.ask()
}

// ask sends the request and reads the answer, as far as that goes.
func (c *Checker) ask() {
	if c.script != nil {
		c.play()
		return
	}
	if c.prog == nil {
		status := L4OK
		if c.tls != nil {
			status = L6OK
		}
		r := Result{Status: status}
		if c.cfg.Check != nil && c.cfg.Check.Connect > 0 {
			r.Output = passed
		}
		c.finish(r)
		return
	}
	if c.write() {
		c.read()
	}
}

func (c *Checker) send(p []byte) (int, syscall.Errno) {
	if c.tls != nil {
		return c.tls.Send(p, nil)
	}
	return sock.Send(c.fd, p)
}

// recv reads once. more says that there may be more without waiting.
func (c *Checker) recv(p []byte) (n int, more bool, errno syscall.Errno) {
	if c.tls != nil {
		return c.tls.Recv(p, c.hup)
	}
	n, errno = sock.Recv(c.fd, p)
	return n, true, errno
}

// write sends what is left of the request and reports whether to go on.
func (c *Checker) write() bool {
	for c.sent < len(c.prog.request) {
		n, errno := c.send(c.prog.request[c.sent:])
		switch {
		case errno == syscall.EAGAIN, errno == 0 && n < len(c.prog.request)-c.sent:
			c.sent += max(n, 0)
			c.l.Rearm(c.fd, poller.Out)
			return false
		case errno != 0:
			c.finish(Result{Status: SockErr, Output: capital(errno.Error())})
			return false
		}
		c.sent += n
	}
	return true
}

func (c *Checker) read() {
	for {
		buf := c.l.Scratch()
		n, more, errno := c.recv(buf)
		switch {
		case errno == syscall.EAGAIN:
			c.l.Rearm(c.fd, poller.In)
			return
		case errno != 0:
			c.finish(Result{Status: SockErr, Output: capital(errno.Error())})
			return
		}
		c.answer.add(buf[:n], c.prog.method, &c.lim)
		if v := c.prog.judge(&c.answer, n == 0 || c.answer.full(), c.health.Up()); v.done {
			c.finish(v.r)
			return
		}
		if !more {
			c.l.Rearm(c.fd, poller.In)
			return
		}
	}
}

// finish counts the outcome, reports it, and plans the next check.
func (c *Checker) finish(r Result) {
	c.drop()
	r.Duration = time.Duration(c.l.Refresh() - c.began)
	up, changed := r.Status.OK(), false
	if up {
		changed = c.health.Good()
	} else {
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

// drop closes the connection of a check. The reset spares the server a
// connection in TIME_WAIT for every check.
func (c *Checker) drop() {
	if c.fd >= 0 {
		if c.tls != nil {
			c.tls.Release()
			c.tls = nil
		}
		sock.SetLinger0(c.fd)
		c.l.Close(c.fd)
		c.fd = -1
	}
}

// interval is the time to the next check.
func (c *Checker) interval() time.Duration {
	d := c.cfg.Inter
	switch {
	case c.health.Cur == 0 && c.cfg.DownInter > 0:
		d = c.cfg.DownInter
	case !c.health.Stable() && c.cfg.FastInter > 0:
		d = c.cfg.FastInter
	}
	if c.cfg.Spread > 0 {
		part := float64(d) * float64(c.cfg.Spread) / 100
		d += time.Duration(part * (2*rand.Float64() - 1))
	}
	return d
}

// capital begins a system error with a capital, as strerror does.
func capital(s string) string {
	if s == "" || s[0] < 'a' || s[0] > 'z' {
		return s
	}
	return string(s[0]-('a'-'A')) + s[1:]
}
