// Package acl compares samples with patterns, under names or not, and combines such
// tests to conditions (configuration manual, sections 7.1 and 7.2).
package acl

import (
	"bench/proxy/pattern"
	"bench/proxy/sample"
	"bench/proxy/txn"
)

// Result is what a test or condition says.
type Result uint8

// The results.
const (
	No    Result = iota
	Maybe        // not enough has come yet to decide
	Yes
)

// Test compares the values of one expression with one set of patterns. It is immutable
// and may be shared.
type Test struct {
	expr  *sample.Expr
	set   *pattern.Set
	input txn.Kind
	quick quick
	found bool // whatever the value is
}

// quick are tests that need no register: the sample is read where it lies.
type quick uint8

const (
	slow quick = iota
	path
)

// newTest puts an expression and a set together.
func newTest(e *sample.Expr, m pattern.Method, set *pattern.Set) *Test {
	t := &Test{expr: e, set: set, input: m.Input(), found: m == pattern.Found}
	if name, ok := e.Plain(); ok && name == "path" && m.Input() == txn.Str && m != pattern.Len {
		t.quick = path
	}
	return t
}

// Expr is the expression that is tested.
func (t *Test) Expr() *sample.Expr { return t.expr }

// match tests every value of the expression.
func (t *Test) match(c *sample.Context) Result {
	if t.quick == path && c.Txn.Req != nil {
		if p := c.Txn.Req.Path(); len(p) > 0 && string(p) != "*" && t.set.MatchText(&c.Patterns, p) {
			return Yes
		}
		return No
	}
	result := No
	v := t.expr.First(c)
	for ; v != nil; v = t.expr.Next(c) {
		if t.found {
			return Yes
		}
		if c.Unknown {
			result = Maybe
		}
		if c.Cast(v, t.input) && t.set.Match(&c.Patterns, v) {
			return Yes
		}
	}
	if c.Unknown {
		return Maybe
	}
	return result
}

// ACL is one or several tests under a name, any of which will do.
type ACL struct {
	Name  string // "" for one without a name
	tests []*Test
}

// Add adds a test.
func (a *ACL) Add(t *Test) { a.tests = append(a.tests, t) }

// Tests are the tests.
func (a *ACL) Tests() []*Test { return a.tests }

// match reports whether any test succeeds.
func (a *ACL) match(c *sample.Context) Result {
	result := No
	for _, t := range a.tests {
		switch t.match(c) {
		case Yes:
			return Yes
		case Maybe:
			result = Maybe
		case No:
		}
	}
	return result
}

// At are the steps at which any test can succeed.
func (a *ACL) At() txn.Steps {
	var at txn.Steps
	for _, t := range a.tests {
		at |= t.expr.At()
	}
	return at
}
