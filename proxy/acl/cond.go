package acl

import (
	"strings"

	"bench/proxy/sample"
)

// Cond is a condition: ACLs, negated or not, all of which must hold, or else all of
// the next group. It is immutable and may be shared.
type Cond struct {
	text  string
	ops   []op
	group int // the first operation of the last group, while it is being made
	// unless: what ends the condition has been turned over.
	unless bool
}

// op is one ACL of a condition with where to go on: an index of an operation, or one
// of the two ends.
type op struct {
	acl     *ACL
	negated bool
	last    bool // of its group
	yes, no int
}

// The ends of a condition.
const (
	holds = -1
	fails = -2
)

// add adds an ACL to the last group.
func (c *Cond) add(a *ACL, negated bool) {
	if n := len(c.ops); n > c.group {
		c.ops[n-1].yes = n
	}
	c.ops = append(c.ops, op{acl: a, negated: negated, yes: holds, no: fails})
}

// or begins another group: that is where those before go on that do not hold.
func (c *Cond) or() {
	for i := c.group; i < len(c.ops); i++ {
		c.ops[i].no = len(c.ops)
	}
	c.close()
	c.group = len(c.ops)
}

// close ends the last group.
func (c *Cond) close() {
	if n := len(c.ops); n > c.group {
		c.ops[n-1].last = true
	}
}

// settle ends the making: an "or" at the end has nothing behind it, and a condition
// without ACLs never holds.
func (c *Cond) settle() {
	c.close()
	if c.group == len(c.ops) {
		for i := range c.ops {
			if c.ops[i].no == len(c.ops) {
				c.ops[i].no = fails
			}
		}
	}
	if len(c.ops) == 0 {
		c.ops = append(c.ops, op{acl: &ACL{}, last: true, yes: holds, no: fails})
	}
}

// negate turns the condition over: "unless".
func (c *Cond) negate() {
	c.unless = !c.unless
	turn := map[int]int{holds: fails, fails: holds}
	for i := range c.ops {
		o := &c.ops[i]
		if to, end := turn[o.yes]; end {
			o.yes = to
		}
		if to, end := turn[o.no]; end {
			o.no = to
		}
	}
}

// String is the condition as written, with "if" or "unless".
func (c *Cond) String() string { return c.text }

// ACLs are those of the condition, in order.
func (c *Cond) ACLs() []*ACL {
	all := make([]*ACL, len(c.ops))
	for i := range c.ops {
		all[i] = c.ops[i].acl
	}
	return all
}

// Eval evaluates the condition. nil holds always.
func (c *Cond) Eval(x *sample.Context) Result {
	if c == nil {
		return Yes
	}
	for at := 0; ; {
		o := &c.ops[at]
		switch r := o.acl.match(x); {
		case r == Maybe:
			return c.evalUnsure(x, at)
		case (r == Yes) != o.negated:
			at = o.yes
		default:
			at = o.no
		}
		if at < 0 {
			return result(at == holds)
		}
	}
}

func result(yes bool) Result {
	if yes {
		return Yes
	}
	return No
}

// evalUnsure goes on at an ACL that cannot be decided yet: what the others say may decide
// all the same. The groups before it have failed, and what stands before it in its own one
// holds. Each ACL is asked once at most, in order, as in the reference: some of them count.
func (c *Cond) evalUnsure(x *sample.Context, at int) Result {
	group, all := Maybe, No
	for {
		for group != No && !c.ops[at].last {
			at++
			group = min(group, c.ops[at].result(x))
		}
		for !c.ops[at].last {
			at++
		}
		all = max(all, group)
		if at++; all == Yes || at == len(c.ops) {
			break
		}
		group = c.ops[at].result(x)
	}
	if c.unless {
		return Yes - all
	}
	return all
}

// result is what the ACL says, negated or not.
func (o *op) result(x *sample.Context) Result {
	r := o.acl.match(x)
	if o.negated {
		return Yes - r
	}
	return r
}

// text joins the words of a condition.
func text(words []string) string { return strings.Join(words, " ") }
