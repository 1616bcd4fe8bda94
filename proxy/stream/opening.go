package stream

import (
	"math"
	"slices"

	"bench/internal/sock"
	"bench/proxy/spec"
	"bench/proxy/txn"
)

// opening is one stage of a connection between its accept and its first stream, with
// the verdicts of a step: a connection that has to wait at it, for a header or a
// handshake, is asked again when the client has sent something.
type opening struct {
	name string
	run  func(*client) txn.Verdict
}

// Names of stages: the one that shakes hands, and the last one, with rules.
const (
	stageTLS     = "tls"
	stageSession = "tcp-request session"
)

// opened is the client's stage when all of them lie behind it.
const opened = math.MaxInt8

// openings are the stages that have something to do: rules about the bare connection,
// handshakes, rules about what they have led to.
func openings(f *Front) (list []opening) {
	if f.rules.Connection != nil {
		list = append(list, opening{"tcp-request connection", (*client).connectionRules})
	}
	if f.expectsCIP() {
		list = append(list, opening{cipStage, (*client).cipHeader})
	}
	if f.expectsHeader() {
		list = append(list, opening{proxyStage, (*client).proxyHeader})
	}
	if slices.ContainsFunc(f.Spec.Binds, func(b *spec.Bind) bool { return b.TLS != nil }) {
		list = append(list, opening{stageTLS, (*client).secure})
	}
	if f.rules.Session != nil {
		list = append(list, opening{stageSession, (*client).sessionRules})
	}
	return list
}

// open goes on behind a stage that has said v.
func (c *client) open(v txn.Verdict) {
	for v == txn.Next {
		if c.opening++; int(c.opening) == len(c.fe.opening) {
			c.opening = opened
			c.begin()
			return
		}
		v = c.fe.opening[c.opening].run(c)
	}
	if v != txn.Wait {
		if c.fe.opening[c.opening].name != stageSession || c.shakes() {
			sock.SetLinger0(c.FD()) // a reset, as in the reference: nothing is left to wait for
		}
		c.close()
		return
	}
	if !c.timer.Active() {
		c.expect(c.fe.Spec.Timeouts.Client)
	}
}

// shakes tells whether the connection begins with a handshake, of TLS or of what tells
// addresses.
func (c *client) shakes() bool { return c.l.TLS != nil || c.awaitsProxy() || c.awaitsCIP() }

// openAgain asks the stage that had to wait.
func (c *client) openAgain() { c.open(c.fe.opening[c.opening].run(c)) }

// connectionRules decides about a connection of which nothing is known but who it comes
// from, and where to.
func (c *client) connectionRules() txn.Verdict {
	v := c.runRules(c.fe.rules.Connection)
	if n := c.notes; n != nil {
		n.bareSrc, n.bareDst = n.src, n.dst
	}
	if v != txn.Next {
		c.fe.C.DeniedConn++
		c.t.Listeners[c.l.Index].C.DeniedConn++
	}
	return v
}

// sessionRules decides about a connection that is through with its handshakes.
func (c *client) sessionRules() txn.Verdict {
	v := c.runRules(c.fe.rules.Session)
	if v != txn.Next {
		c.fe.C.DeniedSess++
		c.t.Listeners[c.l.Index].C.DeniedSess++
	}
	return v
}

// runRules runs a list that can neither wait nor answer: what it says besides Next ends
// the connection.
func (c *client) runRules(l txn.Rules) txn.Verdict {
	x, _ := c.t.txns.get(c.t.Loop.Turns())
	x.Final, x.Stream = true, c
	if c.notes != nil {
		x.Session, x.SessionTracked = &c.notes.vars, c.notes.tracked
	}
	v := l.Run(&x.Txn, &x.out)
	if x.out.Silent {
		sock.Silence(c.FD())
	}
	if x.out.ExpectProxy {
		c.noted().expectProxy = true
	}
	if x.out.ExpectCIP {
		c.noted().expectCIP = true
	}
	c.t.putTransaction(x)
	if v != txn.Next {
		return txn.Gone
	}
	return v
}
