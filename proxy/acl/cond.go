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
}

// op is one ACL of a condition with where to go on: an index of an operation, or one
// of the two ends.
type op struct {
	acl     *ACL
	negated bool
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
	c.group = len(c.ops)
}

// settle ends the making: an "or" at the end has nothing behind it, and a condition
// without ACLs never holds.
func (c *Cond) settle() {
	if c.group == len(c.ops) {
		for i := range c.ops {
			if c.ops[i].no == len(c.ops) {
				c.ops[i].no = fails
			}
		}
	}
	if len(c.ops) == 0 {
		c.ops = append(c.ops, op{acl: &ACL{}, yes: holds, no: fails})
	}
}

// negate turns the condition over: "unless".
func (c *Cond) negate() {
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
			return c.evalUnsure(x)
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

// evalUnsure evaluates with three results, once it is clear that one of the ACLs
// cannot be decided yet: what the others say may decide all the same. It follows both
// ways from such an ACL; if they end alike, that is the result.
func (c *Cond) evalUnsure(x *sample.Context) Result { return c.from(x, 0) }

func (c *Cond) from(x *sample.Context, at int) Result {
	for at >= 0 {
		o := &c.ops[at]
		switch r := o.acl.match(x); {
		case r == Maybe:
			yes, no := c.from(x, o.yes), c.from(x, o.no)
			if yes == no {
				return yes
			}
			return Maybe
		case (r == Yes) != o.negated:
			at = o.yes
		default:
			at = o.no
		}
	}
	return result(at == holds)
}

// text joins the words of a condition.
func text(words []string) string { return strings.Join(words, " ") }
