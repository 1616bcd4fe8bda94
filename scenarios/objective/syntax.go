// Package objective reads and judges the expressions of a scenario:
// comparisons such as "response.p99 < 50ms" over the metrics of a run, also
// confined to windows of time. It sees records only; it measures nothing.
//
//	comparison = sum ( "==" | "!=" | "<" | "<=" | ">" | ">=" ) sum .
//	sum        = term { ( "+" | "-" ) term } .          spaces around - are needed
//	term       = factor { ( "*" | "/" ) factor } .
//	factor     = number [ unit ] | metric | "(" sum ")" .
//	unit       = "us" | "ms" | "s" | "m" | "h" | "%" | "/s" .
//	metric     = [ load "." ] name | abuse "." name .
package objective

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode"
)

// Kind is the dimension of a value.
type Kind int

// Kinds of values. A plain number goes with a count and with a share.
const (
	Number Kind = iota
	Share       // shown in percent
	Time        // microseconds
	Rate        // per second
)

// Unit is the kind as records spell it.
func (k Kind) Unit() string {
	return [...]string{"1", "%", "us", "/s"}[k]
}

func (k Kind) String() string {
	return [...]string{"a number", "a share", "a time", "a rate"}[k]
}

// SyntaxError is a fault of an expression; Col counts its characters from 1.
type SyntaxError struct {
	Col int
	Msg string
}

func (e *SyntaxError) Error() string { return e.Msg }

// Expr is a parsed comparison.
type Expr struct {
	Text        string
	Op          string
	left, right *node
	leftText    string
}

// node is an operation, a constant or a metric.
type node struct {
	op          byte // + - * /, 'n' number, 'm' metric
	left, right *node
	kind        Kind
	value       float64
	metric      *metric
	col         int
}

// Names are those that may stand before a metric.
type Names struct {
	Loads []string
	// Abuse are the names of the sets of clients that misbehave.
	Abuse []string
}

// Parse reads a comparison. An error is a *SyntaxError.
func Parse(text string, names Names) (*Expr, error) {
	p := &parser{text: []rune(text), names: names}
	e, err := p.comparison()
	if err != nil {
		return nil, err
	}
	e.Text = text
	return e, nil
}

type parser struct {
	text  []rune
	at    int
	names Names
}

func (p *parser) fault(at int, format string, args ...any) *SyntaxError {
	return &SyntaxError{Col: at + 1, Msg: fmt.Sprintf(format, args...)}
}

func (p *parser) space() {
	for p.at < len(p.text) && unicode.IsSpace(p.text[p.at]) {
		p.at++
	}
}

func (p *parser) comparison() (*Expr, error) {
	p.space()
	start := p.at
	left, err := p.sum(0)
	if err != nil {
		return nil, err
	}
	leftText := strings.TrimSpace(string(p.text[start:p.at]))
	p.space()
	opAt := p.at
	op := ""
	for _, o := range []string{"==", "!=", "<=", ">=", "<", ">"} {
		if strings.HasPrefix(string(p.text[p.at:]), o) {
			op = o
			break
		}
	}
	if op == "" {
		if p.at < len(p.text) && p.text[p.at] == '=' {
			return nil, p.fault(p.at, "a comparison for equality is ==")
		}
		return nil, p.fault(p.at, "expected a comparison: == != < <= > or >=")
	}
	p.at += len(op)
	right, err := p.sum(0)
	if err != nil {
		return nil, err
	}
	p.space()
	if p.at < len(p.text) {
		return nil, p.fault(p.at, "unexpected %q after the comparison", string(p.text[p.at:]))
	}
	if !alike(left, right) {
		return nil, p.fault(opAt, "cannot compare %s with %s", left.kind, right.kind)
	}
	if left.constant() && right.constant() {
		return nil, p.fault(start, "the comparison names no metric")
	}
	return &Expr{Op: op, left: left, right: right, leftText: leftText}, nil
}

// maxDepth bounds the nesting of parentheses.
const maxDepth = 50

func (p *parser) sum(depth int) (*node, error) {
	left, err := p.term(depth)
	for err == nil {
		p.space()
		if p.at >= len(p.text) || p.text[p.at] != '+' && p.text[p.at] != '-' {
			return left, nil
		}
		op, at := byte(p.text[p.at]), p.at
		p.at++
		var right *node
		if right, err = p.term(depth); err != nil {
			break
		}
		if !alike(left, right) {
			return nil, p.fault(at, "cannot add or subtract %s and %s", left.kind, right.kind)
		}
		left = &node{op: op, left: left, right: right, kind: max(left.kind, right.kind), col: left.col}
	}
	return nil, err
}

func (p *parser) term(depth int) (*node, error) {
	left, err := p.factor(depth)
	for err == nil {
		p.space()
		if p.at >= len(p.text) || p.text[p.at] != '*' && p.text[p.at] != '/' {
			return left, nil
		}
		op, at := byte(p.text[p.at]), p.at
		p.at++
		var right *node
		if right, err = p.factor(depth); err != nil {
			break
		}
		kind := Number
		switch {
		case right.kind <= Share:
			kind = max(left.kind, right.kind)
		case op == '*' && left.kind <= Share:
			kind = right.kind
		case op == '/' && left.kind == right.kind:
		default:
			return nil, p.fault(at, "cannot multiply or divide %s by %s", left.kind, right.kind)
		}
		left = &node{op: op, left: left, right: right, kind: kind, col: left.col}
	}
	return nil, err
}

func (p *parser) factor(depth int) (*node, error) {
	p.space()
	if p.at >= len(p.text) {
		return nil, p.fault(p.at, "expected a metric or a value")
	}
	at, c := p.at, p.text[p.at]
	switch {
	case c == '(':
		if depth >= maxDepth {
			return nil, p.fault(at, "parentheses are nested deeper than %d", maxDepth)
		}
		p.at++
		inner, err := p.sum(depth + 1)
		if err != nil {
			return nil, err
		}
		p.space()
		if p.at >= len(p.text) || p.text[p.at] != ')' {
			return nil, p.fault(at, "the parenthesis is not closed")
		}
		p.at++
		return inner, nil
	case c >= '0' && c <= '9' || c == '.':
		return p.number()
	case unicode.IsLetter(c) || c == '_':
		return p.name()
	}
	return nil, p.fault(at, "expected a metric or a value, not %q", string(c))
}

func (p *parser) number() (*node, error) {
	at := p.at
	for p.at < len(p.text) && (p.text[p.at] >= '0' && p.text[p.at] <= '9' || p.text[p.at] == '.') {
		p.at++
	}
	value, err := strconv.ParseFloat(string(p.text[at:p.at]), 64)
	if err != nil || math.IsInf(value, 0) {
		return nil, p.fault(at, "%q is not a number", string(p.text[at:p.at]))
	}
	unitAt := p.at
	for p.at < len(p.text) && unicode.IsLetter(p.text[p.at]) {
		p.at++
	}
	unit := string(p.text[unitAt:p.at])
	if unit == "" && p.at < len(p.text) {
		switch {
		case p.text[p.at] == '%':
			unit = "%"
			p.at++
		case strings.HasPrefix(string(p.text[p.at:]), "/s") && !p.wordAt(p.at+2):
			unit = "/s"
			p.at += 2
		}
	}
	n := &node{op: 'n', value: value, col: at + 1}
	switch unit {
	case "":
	case "%":
		n.kind, n.value = Share, value/100
	case "/s":
		n.kind = Rate
	case "us", "µs":
		n.kind = Time
	case "ms":
		n.kind, n.value = Time, value*1e3
	case "s":
		n.kind, n.value = Time, value*1e6
	case "m":
		n.kind, n.value = Time, value*60e6
	case "h":
		n.kind, n.value = Time, value*3600e6
	default:
		return nil, p.fault(unitAt, "unknown unit %q; known are us, ms, s, m, h, %% and /s", unit)
	}
	return n, nil
}

// wordAt tells whether a letter or digit stands at i.
func (p *parser) wordAt(i int) bool {
	return i < len(p.text) && (unicode.IsLetter(p.text[i]) || unicode.IsDigit(p.text[i]))
}

func (p *parser) name() (*node, error) {
	at := p.at
	for p.at < len(p.text) {
		c := p.text[p.at]
		// A dash or dot belongs to a name only within it: "a - b" subtracts.
		if !p.wordAt(p.at) && c != '_' && (c != '-' && c != '.' || !p.wordAt(p.at+1)) {
			break
		}
		p.at++
	}
	word := string(p.text[at:p.at])
	m, msg := lookup(word, p.names)
	if m == nil {
		return nil, p.fault(at, "%s", msg)
	}
	return &node{op: 'm', metric: m, kind: m.kind, col: at + 1}, nil
}

// alike tells whether two values may meet in a sum or comparison: equal
// kinds, numbers with shares, and a constant 0 with everything.
func alike(a, b *node) bool {
	return a.kind == b.kind || a.kind <= Share && b.kind <= Share || a.zero() || b.zero()
}

func (n *node) zero() bool { return n.op == 'n' && n.value == 0 }

func (n *node) constant() bool {
	return n.op == 'n' || n.op != 'm' && n.left.constant() && n.right.constant()
}

// metrics lists the metrics of a side in the order written.
func (n *node) metrics(into []*metric) []*metric {
	switch n.op {
	case 'n':
		return into
	case 'm':
		return append(into, n.metric)
	}
	return n.right.metrics(n.left.metrics(into))
}
