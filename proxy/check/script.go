package check

import (
	"crypto/tls"
	"fmt"
	"slices"
	"syscall"

	"bench/internal/poller"
	"bench/internal/sock"
	"bench/internal/syserr"
	"bench/proxy/message"
	"bench/proxy/spec"
	"bench/proxy/txn"
)

// script is a compiled check: what is done on one connection, or on several, one thing
// after the other. It begins with a connection.
type script struct {
	steps []step
	http  bool // what servers send is understood as HTTP
	// written: its rules are those of "tcp-check" lines, and messages say where it stopped.
	written bool
	on404   bool // a 404 takes the server out of balancing only
}

// step is one rule of a script. It connects, says something, expects something or sets a
// variable.
type step struct {
	number  int // as messages count the rules, from 1; 0: nobody wrote it
	comment string
	what    string // how messages call it

	connect *connection
	// say gives what is said; false: that cannot be told.
	say    func(c *Checker) ([]byte, bool)
	expect func(d *dialogue) reading
	// wants makes what is expected of samples, before anything is looked at; nil: it is known.
	wants  func(c *Checker) (failure string)
	change *spec.CheckVar

	ok, failed, late Status // what its results are called; Unknown: as usual
	outcome          *spec.CheckOutcome
	// chain is the step to go back to when more comes: the first of those in a row that
	// forbid something.
	chain  int
	negate bool
}

// connection is how a step connects.
type connection struct {
	spec.CheckConnect
	addr sock.Addr // of the agent, where one is asked; not valid: as the rule says
	tls  func() *tls.Config
}

// reading is what an expectation makes of an answer of which more may come.
type reading struct {
	wait   bool
	bad    bool
	status Status // if it is bad; the step may have another one, unless it is final
	final  bool
	text   string
	fixed  bool   // "on-error" does not change the text
	mute   bool   // and the text is all that is said
	remark string // of a good one: what messages say, and nothing else
}

func fails(status Status, text string) reading { return reading{bad: true, status: status, text: text} }

// dialogue is how far a script has got in one check.
type dialogue struct {
	step    int
	out     []byte // what is left to be sent
	saying  bool
	in      []byte         // received since something was sent last, unless it is HTTP
	answer  answer         // what it is then
	method  message.Method // of the request that it answers
	stale   bool           // what came was looked at: wait for more
	wanted  string         // what the expectation at hand looks for, if samples say so
	ended   bool           // no more will come
	text    string         // what the last expectation said
	remark  string
	code    int
	coded   bool // the answer has said code
	up      bool // the server was well before
	neutral bool // the answer changes nothing
	// vars and session are the variables of the check.
	vars, session txn.Vars
}

func (d *dialogue) reset() {
	answer := d.answer
	answer.reset()
	*d = dialogue{in: d.in[:0], answer: answer, vars: d.vars, session: d.session}
	d.vars.Reset()
	d.session.Reset()
}

// listen forgets what has come: it was no answer to what is said next.
func (d *dialogue) listen() {
	d.in, d.stale = d.in[:0], false
	d.answer.reset()
}

// passed is what is said of a check of which all rules have held.
const passed = "(tcp-check)"

// newScript compiles a check; nil is a plain connection.
func newScript(cfg *Config) (*script, error) {
	s := &script{}
	c := cfg.Check
	if c == nil {
		c = &spec.Check{}
	}
	var err error
	switch c.Kind {
	case spec.CheckTCP:
		s.written = cfg.Check != nil
		s.steps, err = writtenSteps(c, cfg)
	case spec.CheckHTTP:
		s.http, s.on404 = true, c.DisableOn404
		s.steps, err = writtenSteps(c, cfg)
	case spec.CheckRedis, spec.CheckMySQL, spec.CheckPgSQL, spec.CheckSMTP, spec.CheckLDAP, spec.CheckTLSHello, spec.CheckSPOP, spec.CheckExternal:
		s.steps = protocolSteps(c)
	}
	if err != nil {
		return nil, err
	}
	if !slices.ContainsFunc(s.steps, func(st step) bool { return st.connect != nil }) {
		s.steps = append([]step{{connect: &connection{CheckConnect: spec.CheckConnect{Default: true}}}}, s.steps...)
	}
	return s, s.secure(cfg)
}

// chain finds where expectations in a row begin anew.
func (s *script) chain() {
	for i := range s.steps {
		s.steps[i].chain = i
		for k := i - 1; k >= 0 && s.steps[i].expect != nil && s.steps[k].expect != nil; k-- {
			if s.steps[k].negate {
				s.steps[i].chain = k
			}
		}
	}
}

// secure makes ready what connections are secured by.
func (s *script) secure(cfg *Config) (err error) {
	for i := range s.steps {
		switch k := s.steps[i].connect; {
		case k == nil:
		case k.TLS:
			k.tls, err = cfg.Secure(&k.CheckConnect)
		case k.Default:
			k.tls = cfg.TLS
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// current is the step that a check has got to.
func (c *Checker) current() *step { return &c.script.steps[min(c.talk.step, len(c.script.steps)-1)] }

// where says at which rule a check has stopped.
func (c *Checker) where() string {
	st := c.current()
	switch {
	case !c.script.written:
		return ""
	case st.number == 0:
		return " at initial connection step of tcp-check"
	}
	text := fmt.Sprintf(" at step %d of tcp-check%s", st.number, st.what)
	return text + st.aside()
}

// aside is what messages add to where a check has stopped.
func (st *step) aside() string {
	if st.comment == "" {
		return ""
	}
	return " comment: '" + st.comment + "'"
}

// play follows the script as far as that goes.
func (c *Checker) play() {
	d := &c.talk
	for d.step < len(c.script.steps) {
		st := &c.script.steps[d.step]
		switch {
		case st.connect != nil:
			c.connect(st.connect)
			return // until the connection is there
		case st.change != nil:
			c.change(st.change)
			d.step, d.code = d.step+1, 0
		case st.say != nil:
			if !c.tell(st) {
				return
			}
			d.step, d.saying, d.code = d.step+1, false, 0
		default:
			if (d.stale || !d.heard(c.script.http)) && !d.ended && !c.hear() {
				return
			}
			switch r := c.read(st); {
			case r.wait:
				d.step, d.stale = st.chain, true
			case r.bad:
				status := r.status
				if st.failed != Unknown && !r.final {
					status = st.failed
				}
				c.finish(Result{Status: status, Output: c.judge(st, &r)})
				return
			default:
				d.step, d.stale, d.text, d.remark = d.step+1, false, r.text, r.remark
			}
		}
	}
	c.pass()
}

// heard tells whether anything of an answer has come.
func (d *dialogue) heard(http bool) bool {
	if http {
		return d.answer.size > 0
	}
	return len(d.in) > 0
}

// read lets an expectation look at what has come.
func (c *Checker) read(st *step) reading {
	d := &c.talk
	if !c.script.http && d.ended && len(d.in) == 0 {
		d.code = 0
		return reading{bad: true, status: L7Rsp, mute: true, text: fmt.Sprintf("TCPCHK got an empty response at step %d", st.number) + st.aside()}
	}
	d.code = 0
	if st.wants != nil {
		if failure := st.wants(c); failure != "" {
			return reading{bad: true, status: L7Rsp, final: true, fixed: true, text: failure}
		}
	}
	return st.expect(d)
}

// pass ends a check of which everything has held.
func (c *Checker) pass() {
	d, st := &c.talk, c.decisive()
	r := Result{Status: L7OK, Output: passed}
	switch {
	case st.connect != nil:
		r.Status = L4OK
		if c.tls != nil {
			r.Status = L6OK
		}
		if st.number == 0 {
			r.Output = ""
		}
	case st.expect != nil:
		r.Output, r.Remark = d.text, d.remark
		switch {
		case c.script.on404 && d.code == 404 && d.up:
			r.Status = L7OKC
		case d.neutral:
			r.Status = Checked
		case st.ok != Unknown:
			r.Status = st.ok
		}
		c.praise(st, &r)
	}
	c.finish(r)
}

// tell says what a step says and reports whether all of it is gone.
func (c *Checker) tell(st *step) bool {
	d := &c.talk
	if !d.saying {
		var ok bool
		if d.out, ok = st.say(c); !ok {
			c.finish(Result{Status: L7Rsp, Output: fmt.Sprintf("tcp-check send : failed to build log-format string at step %d", st.number)})
			return false
		}
		d.saying = true
		d.listen()
	}
	for len(d.out) > 0 {
		n, errno := c.send(d.out)
		d.out = d.out[max(n, 0):]
		switch {
		case errno == syscall.EAGAIN, errno == 0 && len(d.out) > 0:
			c.l.Rearm(c.fd, poller.Out)
			return false
		case errno != 0:
			c.finish(Result{Status: SockErr, Output: syserr.Text(errno) + c.where()})
			return false
		}
	}
	return true
}

// hear reads what there is. It reports false if that is nothing, or the check is over.
func (c *Checker) hear() bool {
	d := &c.talk
	came := false
	for {
		buf := c.l.Scratch()
		n, more, errno := c.recv(buf)
		switch {
		case errno == syscall.EAGAIN:
			more = false
		case errno != 0 && (c.script.http || len(d.in) == 0):
			c.finish(Result{Status: SockErr, Output: syserr.Text(errno) + c.where()})
			return false
		case errno != 0, n == 0:
			d.ended = true
		default:
			came = true
			c.take(buf[:n])
		}
		switch {
		case d.ended, came && c.script.http:
			return true // HTTP is looked at piece by piece
		case !more && came:
			return true
		case !more:
			c.l.Rearm(c.fd, poller.In)
			return false
		}
	}
}

// take keeps what has come, up to a bound.
func (c *Checker) take(p []byte) {
	d := &c.talk
	if c.script.http {
		d.answer.add(p, d.method, &c.lim)
		d.ended = d.answer.full()
		return
	}
	d.in = append(d.in, p[:min(len(p), maxAnswer-len(d.in))]...)
	d.ended = len(d.in) == maxAnswer
}
