package rule

import (
	"fmt"
	"math"
	"net/netip"
	"strconv"
	"time"

	"bench/internal/sock"
	"bench/proxy/sample"
	"bench/proxy/txn"
)

// addressing are the actions about connections: who they are said to come from and go to,
// and how they are treated.
func addressing() []Action {
	early := in(Connection, Session, Content, Request)
	marked := in(Connection, Session, Content, Answer, Request, Response)
	queued := in(Content, Request)
	const expr = "<expression>"
	return []Action{
		{Name: "set-src", Usage: expr, Places: early, parse: parseAddress(txn.Address), run: setSource(setIP), Doc: "Use another address as the client's, in samples, logs and fields."},
		{Name: "set-src-port", Usage: expr, Places: early, parse: parseAddress(txn.Int), run: setSource(setPort), Doc: "Use another port as the client's."},
		{Name: "set-dst", Usage: expr, Places: early, parse: parseAddress(txn.Address), run: setDestination(setIP), Doc: "Use another address as the one that the client connected to; servers without an address of their own are connected to there."},
		{Name: "set-dst-port", Usage: expr, Places: early, parse: parseAddress(txn.Int), run: setDestination(setPort), Doc: "Use another port as the one that the client connected to."},
		{Name: "set-mark", Usage: "<mark>", Places: marked, parse: parseMark, run: func(x *Runner, r *Rule) txn.Verdict {
			x.Ctx.Txn.Stream.SetMark(uint32(r.number))
			return txn.Next
		}, Doc: "Mark packets to the client, for the system's firewall and routes."},
		{Name: "set-tos", Usage: "<tos>", Places: marked, parse: parseTOS, run: func(x *Runner, r *Rule) txn.Verdict {
			x.Ctx.Txn.Stream.SetTOS(uint8(r.number))
			return txn.Next
		}, Doc: "Set the type of service of packets to the client, from 0 to 255."},
		{Name: "set-nice", Usage: "<number>", Places: in(Content, Answer, Request, Response), parse: parseNice, run: func(*Runner, *Rule) txn.Verdict { return txn.Next }, Doc: "No effect, and a warning: a thread serves its streams in turn."},
		{Name: "set-priority-class", Usage: expr, Places: queued, parse: parseNumber, run: setPriority(2047, func(t *txn.Txn) *int { return &t.Class }), Doc: "Class of the request in queues, from -2047 to 2047: the lower the sooner."},
		{Name: "set-priority-offset", Usage: expr, Places: queued, parse: parseNumber, run: setPriority(524287, func(t *txn.Txn) *int { return &t.Offset }), Doc: "Milliseconds by which the request is taken to have come later, or earlier, among those of its class."},
		{Name: "set-timeout", Usage: "{ server | tunnel } { <time> | <expression> }", Places: in(Request), parse: parseTimeout, run: setTimeout, Doc: "Replace the backend's time-out for this request; the expression is in milliseconds."},
		{Name: "disable-l7-retry", Places: in(Request), parse: nothing, run: func(x *Runner, _ *Rule) txn.Verdict {
			x.Ctx.Txn.NoReplay = true
			return txn.Next
		}, Doc: "Do not send the request again if it fails once it has been sent."},
		{Name: "wait-for-handshake", Places: in(Request), parse: nothing, run: func(*Runner, *Rule) txn.Verdict { return txn.Next }, Doc: "Wait until the handshake of TLS is over, as it always is: there is no early data."},
	}
}

func nothing(*Parser, *Rule) error { return nil }

// parseAddress reads an expression that can be of a kind.
func parseAddress(k txn.Kind) func(*Parser, *Rule) error {
	return func(p *Parser, r *Rule) (err error) {
		if r.expr, err = p.expression(); err != nil {
			return err
		}
		if !sample.Castable(r.expr.Out(), k) {
			return p.fail("'%s' is of kind %s, and cannot be an %s", r.expr, r.expr.Out(), k)
		}
		return nil
	}
}

// setIP and setPort change an address; what there is of the other part stays if it can.
func setIP(x *Runner, r *Rule, a *sock.Addr) bool {
	v := r.expr.EvalAs(x.Ctx, txn.Address)
	if v == nil {
		return false
	}
	port := uint16(0)
	if a.IsValid() && !a.IsUnix() {
		port = a.AddrPort().Port()
	}
	*a = sock.FromAddrPort(netip.AddrPortFrom(v.IP(), port))
	return true
}

func setPort(x *Runner, r *Rule, a *sock.Addr) bool {
	v := r.expr.EvalAs(x.Ctx, txn.Int)
	if v == nil {
		return false
	}
	if !a.IsValid() || a.IsUnix() {
		*a = sock.FromAddrPort(netip.AddrPortFrom(netip.IPv4Unspecified(), 0))
	}
	a.SetPort(uint16(v.Lo))
	return true
}

type addressed func(*Runner, *Rule, *sock.Addr) bool

func setSource(change addressed) func(*Runner, *Rule) txn.Verdict {
	return func(x *Runner, r *Rule) txn.Verdict {
		a := x.Ctx.Txn.Stream.Source()
		if change(x, r, &a) {
			x.Ctx.Txn.Stream.SetSource(a)
		}
		return txn.Next
	}
}

func setDestination(change addressed) func(*Runner, *Rule) txn.Verdict {
	return func(x *Runner, r *Rule) txn.Verdict {
		a := x.Ctx.Txn.Stream.Destination()
		if change(x, r, &a) {
			x.Ctx.Txn.Stream.SetDestination(a)
		}
		return txn.Next
	}
}

// parseMark and parseTOS read decimal and hexadecimal numbers.
func parseMark(p *Parser, r *Rule) error { return p.unsigned(r, "a mark") }

// parseTOS reads a number of which the lower eight bits count.
func parseTOS(p *Parser, r *Rule) error {
	err := p.unsigned(r, "a type of service")
	r.number &= 0xff
	return err
}

func (p *Parser) unsigned(r *Rule, what string) error {
	w, err := p.word(what)
	if err != nil {
		return err
	}
	n, err := strconv.ParseUint(w, 0, 32)
	if err != nil {
		return p.fail("%s is expected, decimal or as 0x1f, not '%s'", what, w)
	}
	r.number = int(n)
	return nil
}

func parseNice(p *Parser, r *Rule) (err error) {
	if r.number, err = p.integer("a number", math.MinInt32, math.MaxInt32); err == nil && p.Warn != nil {
		p.Warn(fmt.Sprintf("'set-nice %d' has no effect: a thread serves its streams in turn", r.number))
	}
	return err
}

func parseNumber(p *Parser, r *Rule) error { return parseAddress(txn.Int)(p, r) }

// setPriority sets a number within bounds.
func setPriority(most int, of func(*txn.Txn) *int) func(*Runner, *Rule) txn.Verdict {
	return func(x *Runner, r *Rule) txn.Verdict {
		if v := r.expr.EvalAs(x.Ctx, txn.Int); v != nil {
			*of(x.Ctx.Txn) = int(min(max(int64(v.Lo), -int64(most)), int64(most)))
		}
		return txn.Next
	}
}

func parseTimeout(p *Parser, r *Rule) (err error) {
	if !p.Backend {
		return p.fail("'set-timeout' is for backends: it replaces their time-outs")
	}
	w, err := p.word("'server' or 'tunnel'")
	if err != nil {
		return err
	}
	switch w {
	case "server":
	case "tunnel":
		r.number = 1
	default:
		return p.fail("'set-timeout' expects 'server' or 'tunnel', not '%s'", w)
	}
	if p.more() {
		if d, err := p.Duration(p.Words[p.at]); err == nil {
			p.at++
			if r.wait = d; d <= 0 {
				return p.fail("a time above 0 is expected, not '%s'", p.Words[p.at-1])
			}
			return nil
		}
	}
	return parseNumber(p, r)
}

func setTimeout(x *Runner, r *Rule) txn.Verdict {
	d := r.wait
	if r.expr != nil {
		v := r.expr.EvalAs(x.Ctx, txn.Int)
		if v == nil || int64(v.Lo) <= 0 {
			return txn.Next
		}
		d = time.Duration(min(int64(v.Lo), int64(time.Duration(1<<62)/time.Millisecond))) * time.Millisecond
	}
	if r.number == 0 {
		x.Ctx.Txn.ServerTimeout = d
	} else {
		x.Ctx.Txn.TunnelTimeout = d
	}
	return txn.Next
}
