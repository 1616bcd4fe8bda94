// Package objective reads and judges the expressions of a scenario:
// comparisons such as "response.p99 < 50ms" over the metrics of a run, also
// confined to windows of time. It sees records only; it measures nothing.
//
//	comparison = sum ( "==" | "!=" | "<" | "<=" | ">" | ">=" ) sum .
//	sum        = term { ( "+" | "-" ) term } .          spaces around - are needed
//	term       = factor { ( "*" | "/" ) factor } .
//	factor     = number [ unit ] | metric | "(" sum ")" .
//	unit       = "us" | "ms" | "s" | "m" | "h" | "%" | "/s" .
//	metric     = [ load "." ] name | abuse "." name | [ origin "." ] name .
package objective

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// Kind is the dimension of a value.
type Kind int

// Kinds of values.
const (
	Count  Kind = iota // of requests and the like; written without a unit
	Number             // written without a unit, or a ratio
	Share              // written and shown in percent
	Time               // microseconds
	Rate               // per second
)

// Unit is the kind as records spell it.
func (k Kind) Unit() string {
	return [...]string{"1", "1", "%", "us", "/s"}[k]
}

func (k Kind) String() string {
	return [...]string{"a count", "a number", "a share", "a time", "a rate"}[k]
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
	// Origins are the names of the backends, and of each replica of theirs.
	Origins []string
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
		rest := string(p.text[p.at:])
		if right.op == 'n' && slices.Contains([]string{"%", "us", "ms", "s", "m", "h", "/s"}, rest) {
			return nil, p.fault(p.at, "a unit follows its number without a space: write %s", strings.TrimSpace(string(p.text[right.col-1:p.at]))+rest)
		}
		return nil, p.fault(p.at, "unexpected %q after the comparison", rest)
	}
	if !alike(left, right) {
		return nil, p.unlike(opAt, left, right, "cannot compare %s with %s")
	}
	if err := p.decided(left, right, op); err != nil {
		return nil, err
	}
	if left.constant() && right.constant() {
		return nil, p.fault(start, "the comparison has no metric")
	}
	return &Expr{Op: op, left: left, right: right, leftText: leftText}, nil
}

// decided finds a comparison of a metric with a value that holds always, or never: it
// would judge nothing.
func (p *parser) decided(left, right *node, op string) error {
	m, n := left, right
	if left.op == 'n' {
		m, n = right, left
		op = strings.NewReplacer("<", ">", ">", "<").Replace(op)
	}
	if m.op != 'm' || n.op != 'n' {
		return nil
	}
	share, name := m.kind == Share, m.metric.name
	switch {
	case share && n.value > 1:
		return p.fault(n.col-1, "%s is a share, which is at most 100%%", name)
	case n.value == 0 && op == "<", share && n.value == 1 && op == ">":
		return p.fault(n.col-1, "the comparison never holds: %s is at %s", name, limit(n))
	case n.value == 0 && op == ">=", share && n.value == 1 && op == "<=":
		return p.fault(n.col-1, "the comparison always holds: %s is at %s", name, limit(n))
	}
	return nil
}

// limit is the end of what metrics may be that the value n lies at.
func limit(n *node) string {
	if n.value == 0 {
		return "least 0"
	}
	return "most 100%"
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
			return nil, p.unlike(at, left, right, "cannot add or subtract %s and %s")
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
		kind, ok := combined(op, left.kind, right.kind)
		if !ok {
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
	n := &node{op: 'n', kind: Number, value: value, col: at + 1}
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

// wordAt reports whether a letter or digit stands at i.
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

// combined is the kind of a product or a quotient, and whether there is one.
func combined(op byte, left, right Kind) (kind Kind, ok bool) {
	switch {
	case op == '/' && left == right:
		return Number, true
	case right == Number:
		return left, true
	case op == '*' && left == Number:
		return right, true
	case right <= Share: // so many of them, a part of it
		return left, true
	case op == '*' && left <= Share:
		return right, true
	}
	return 0, false
}

// alike reports whether two values may meet in a sum or comparison: equal kinds,
// numbers with counts, ratios with shares, and a plain 0 with everything. A number
// that was written down goes with no share: is 5 five percent, or five times all?
func alike(a, b *node) bool {
	ratio := func(a, b *node) bool { return a.kind == Number && !a.constant() && b.kind == Share }
	number := func(a, b *node) bool { return a.kind == Number && b.kind == Count }
	return a.kind == b.kind || number(a, b) || number(b, a) || ratio(a, b) || ratio(b, a) || a.plainZero() || b.plainZero()
}

// zero speaks of a constant 0, whatever its unit; plainZero is one without.
func (n *node) zero() bool      { return n.op == 'n' && n.value == 0 }
func (n *node) plainZero() bool { return n.zero() && n.kind == Number }

// unlike is the fault of two values that do not go together. Where one was written
// down, it says how to write it.
func (p *parser) unlike(at int, left, right *node, format string) *SyntaxError {
	for _, n := range [][2]*node{{left, right}, {right, left}} {
		if hint := spelled(n[0], n[1]); hint != "" {
			return p.fault(n[1].col-1, "%s is %s: %s", n[0].called(), n[0].kind, hint)
		}
	}
	return p.fault(at, format, left.kind, right.kind)
}

// called is how a message calls a value.
func (n *node) called() string {
	if n.op == 'm' {
		return n.metric.name
	}
	return "this"
}

// spelled is how a constant is written that has the unit of the value; "" if it is
// none, or no such thing can be meant.
func spelled(value, constant *node) string {
	if constant.op != 'n' {
		return ""
	}
	plain := func(v float64) string { return strconv.FormatFloat(v, 'g', 10, 64) } // 0.07*100 is a little more than 7
	number := plain(constant.value)
	switch {
	case value.kind == Count && constant.kind == Share:
		hint := "write " + plain(constant.value*100) + " without %"
		if value.op == 'm' && value.metric.base == "failed" && value.metric.cause == "" {
			hint += ", or use errors, the share of requests that failed"
		}
		return hint
	case constant.kind != Number:
		return ""
	case value.kind == Share && constant.value < 1:
		return fmt.Sprintf("write %s%%, or %s%% for %s of all", number, plain(constant.value*100), number)
	case value.kind == Share:
		return "write " + number + "%"
	case value.kind == Time:
		return "write " + number + "ms, or use another unit: us, s, m or h"
	case value.kind == Rate:
		return "write " + number + "/s"
	}
	return ""
}

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
