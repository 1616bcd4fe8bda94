package check

import (
	"encoding/hex"

	"bench/internal/sock"
	"bench/internal/tlsio"
	"bench/proxy/logformat"
	"bench/proxy/sample"
	"bench/proxy/spec"
	"bench/proxy/txn"
)

// Sampler evaluates expressions for a transaction that stands for a check: with the
// memory of the checker's thread, on its loop.
type Sampler func(*txn.Txn, func(*sample.Context, *logformat.Writer))

// Probe is what a check knows of its connection (as txn.Stream names it).
type Probe interface {
	ServerTLS() *tlsio.Info
	Beyond() (src, dst sock.Addr)
}

// ServerTLS implements Probe.
func (c *Checker) ServerTLS() *tlsio.Info {
	if c.tls == nil {
		return nil
	}
	return c.tls.Info()
}

// Beyond implements Probe.
func (c *Checker) Beyond() (src, dst sock.Addr) {
	if c.fd < 0 {
		return src, dst
	}
	src, _ = sock.LocalAddr(c.fd)
	dst, _ = sock.PeerAddr(c.fd)
	return src, dst
}

// evaluate calls fn with the check as the transaction.
func (c *Checker) evaluate(fn func(*sample.Context, *logformat.Writer)) {
	d := &c.talk
	t := &txn.Txn{Stream: c.stream, Final: true, ContentEnd: true, BodyEnd: true, Check: &d.vars, Session: &d.session, Content: d.in}
	if a := &d.answer; a.headed {
		t.Res, t.Status, t.Body = &a.message, a.code, a.body
	}
	c.cfg.Sample(t, fn)
}

// text is what a format gives.
func (c *Checker) text(f *logformat.Format) (out []byte) {
	if text, constant := f.Constant(); constant {
		return []byte(text)
	}
	c.evaluate(func(x *sample.Context, w *logformat.Writer) { out = f.Append(nil, w, x) })
	return out
}

// number is the number that an expression gives, if it does.
func (c *Checker) number(e *sample.Expr) (n int, ok bool) {
	c.evaluate(func(x *sample.Context, _ *logformat.Writer) {
		if v := e.EvalAs(x, txn.Int); v != nil {
			n, ok = int(int64(v.Lo)), true
		}
	})
	return n, ok
}

// change sets a variable, or forgets it.
func (c *Checker) change(v *spec.CheckVar) {
	c.evaluate(func(x *sample.Context, w *logformat.Writer) {
		var to *txn.Value
		switch {
		case v.Sample != nil:
			to = v.Sample.Eval(x)
		case v.Text != nil:
			to = &txn.Value{}
			to.SetStr(v.Text.Append(nil, w, x))
		default:
			x.UnsetVar(v.To)
		}
		if to != nil && x.Allows(v.If, v.To, to) {
			x.SetVar(v.To, to)
		}
	})
}

// judge is what is said of an answer that is not as expected. The rule may have its own
// words for it, and a number.
func (c *Checker) judge(st *step, r *reading) string {
	o, text := st.outcome, r.text
	if o == nil || r.mute {
		return text
	}
	if o.OnError != nil && !r.fixed {
		text = string(c.text(o.OnError))
	}
	c.code(o)
	return text + st.remarks()
}

// remarks is what messages add to what they say of a rule.
func (st *step) remarks() string {
	if st.comment == "" {
		return ""
	}
	return " comment: " + st.comment
}

// praise is judge for an answer with which the check ends well.
func (c *Checker) praise(st *step, r *Result) {
	if st.outcome == nil {
		return
	}
	if f := st.outcome.OnOK; f != nil {
		r.Output = string(c.text(f))
	}
	c.code(st.outcome)
}

// code takes the number that a rule wants to be told.
func (c *Checker) code(o *spec.CheckOutcome) {
	if o.Code == nil {
		return
	}
	if n, ok := c.number(o.Code); ok {
		c.talk.code, c.talk.coded = n, true
	}
}

// decisive is the last step that is not about variables.
func (c *Checker) decisive() *step {
	for i := len(c.script.steps) - 1; i > 0; i-- {
		if st := &c.script.steps[i]; st.change == nil {
			return st
		}
	}
	return &c.script.steps[0]
}

// digits are the bytes that hexadecimal digits give.
func digits(text []byte) ([]byte, bool) {
	b, err := hex.DecodeString(string(text))
	return b, err == nil
}
