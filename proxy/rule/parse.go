package rule

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"bench/internal/nearest"
	"bench/proxy/acl"
	"bench/proxy/logformat"
	"bench/proxy/message"
	"bench/proxy/sample"
	"bench/proxy/script"
	"bench/proxy/txn"
)

// Action is one row: an action of rules.
type Action struct {
	Name string
	// Usage is the syntax of what follows the name, for messages and the manual.
	Usage  string
	Places Places
	// final: nothing after it in the list is reached if it has no condition.
	final bool
	parse func(*Parser, *Rule) error
	run   func(*Runner, *Rule) txn.Verdict
	Doc   string
}

// Actions are the table, in the order of the manual.
func Actions() []Action { return actions }

var actions = slices.Concat(deciding(), expecting(), editing(), keeping(), addressing(), listing(), tracking(), caching(), resolving())

// Parser reads the words of one rule.
type Parser struct {
	Place Place
	// Section is the name of the proxy that the rule belongs to.
	Section string
	// Backend: the proxy has servers, or may have.
	Backend bool
	// Words are those behind the keyword: an action, its arguments, a condition.
	Words  []string
	Lookup *acl.Lookup
	// Duration and Size read a time, and a number of bytes, as the language does
	// elsewhere.
	Duration func(string) (time.Duration, error)
	Size     func(string) (int64, error)
	// Warn reports what is accepted and has no effect; nil: nobody wants to know.
	Warn func(msg string)
	// AddCapture declares a capture of the request of so many bytes, and returns its
	// slot; nil where there can be none.
	AddCapture func(length int) int

	// Page makes an answer of the text of a file; nil where there can be none.
	Page func(text []byte) (*Page, error)
	// ErrorFiles finds the answer of an "http-errors" section, which need not be known
	// yet, with a status: it is set, or stays the standard one; nil where none can be named.
	ErrorFiles func(section string, status int, set func(*Page))
	// Cache finds a cache, which need not be known yet, and sets its index; nil where none
	// can be named.
	Cache func(name string, set func(index int))
	// Resolvers does the same for a "resolvers" section.
	Resolvers func(name string, set func(index int))

	literal bool // destinations of redirects have no expressions
	at      int  // the next word
}

// Error is a mistake in the words of a rule.
type Error = acl.Error

func (p *Parser) env() *sample.Env { return p.Lookup.Env }

// fail reports a mistake about the word before the next one.
func (p *Parser) fail(format string, a ...any) error {
	return &Error{Word: max(p.at-1, 0), Msg: fmt.Sprintf(format, a...)}
}

// more reports whether another argument follows.
func (p *Parser) more() bool {
	return p.at < len(p.Words) && p.Words[p.at] != "if" && p.Words[p.at] != "unless"
}

// word takes the next argument.
func (p *Parser) word(what string) (string, error) {
	if !p.more() {
		last := len(p.Words) - 1
		if p.at < len(p.Words) {
			return "", &Error{Word: p.at, Msg: fmt.Sprintf("%s is missing before '%s'", what, p.Words[p.at])}
		}
		if last < 0 {
			return "", &Error{Msg: what + " is missing"}
		}
		return "", &Error{Word: last, Off: len(p.Words[last]), Msg: fmt.Sprintf("%s is missing after '%s'", what, p.Words[last])}
	}
	p.at++
	return p.Words[p.at-1], nil
}

// optional takes the next argument if it is one of the words.
func (p *Parser) optional(words ...string) string {
	if p.more() && slices.Contains(words, p.Words[p.at]) {
		p.at++
		return p.Words[p.at-1]
	}
	return ""
}

// Parse reads a rule: all words.
func (p *Parser) Parse() (*Rule, error) {
	if len(p.Words) == 0 {
		return nil, &Error{Msg: "an action is missing"}
	}
	name, inside, _ := strings.Cut(p.Words[0], "(")
	act := find(name, p.Place)
	if act == nil {
		act = p.scriptAction(name)
	}
	if act == nil || name == trackPrefix {
		return nil, p.unknown(name)
	}
	r := &Rule{text: strings.Join(p.Words, " "), file: p.env().File, line: p.env().Line, act: act}
	if _, takes := inParentheses[act.Name]; !takes && inside != "" {
		return nil, &Error{Off: len(name), Msg: fmt.Sprintf("action '%s' has nothing in parentheses", name)}
	}
	p.at = 1
	if err := act.parse(p, r); err != nil {
		return nil, err
	}
	if r.moot {
		r.act = &Action{Name: act.Name, Usage: act.Usage, run: func(*Runner, *Rule) txn.Verdict { return txn.Next }}
	}
	if p.at == len(p.Words) {
		return r, nil
	}
	if p.more() {
		p.at++
		return nil, p.fail("unexpected word '%s': want %s", p.Words[p.at-1], strings.TrimSpace(p.Place.String()+" "+act.Name+" "+act.Usage+" [{ if | unless } <condition>]"))
	}
	return r, p.cond(r)
}

// cond reads the condition at the end.
func (p *Parser) cond(r *Rule) (err error) {
	if r.cond, err = p.Lookup.ParseCond(p.Words[p.at:]); err != nil {
		if e, ok := errors.AsType[*acl.Error](err); ok {
			e.Word += p.at
		}
	}
	return err
}

// Final reports whether no rule after it is reached.
func (r *Rule) Final() bool { return r.act.final && r.cond == nil }

// find finds the row of an action at a place.
func find(name string, at Place) *Action {
	if _, ok := tracker(name); ok {
		name = trackPrefix
	}
	for i := range actions {
		if actions[i].Name == name && actions[i].Places.Has(at) {
			return &actions[i]
		}
	}
	return nil
}

// unknownWord reports that a word is none of those that may stand there.
func (p *Parser) unknownWord(what, w string, known []string) error {
	msg := fmt.Sprintf("unknown %s '%s': want one of %s", what, w, strings.Join(known, ", "))
	if near := nearest.Word(w, known); near != "" {
		msg += "; did you mean '" + near + "'?"
	}
	return p.fail("%s", msg)
}

func (p *Parser) unknown(name string) error {
	var names []string
	elsewhere := false
	for i := range actions {
		if actions[i].Places.Has(p.Place) {
			names = append(names, actions[i].Name)
		}
		elsewhere = elsewhere || actions[i].Name == name
	}
	switch {
	case name == trackPrefix:
		return &Error{Msg: fmt.Sprintf("'%s' needs the number of a counter, as '%s0'", name, name)}
	case strings.HasPrefix(name, script.Prefix):
		return &Error{Msg: fmt.Sprintf("no script has registered an action '%s' for '%s' rules", name, p.Place)}
	case Language(p.Place, name):
		return &Error{Msg: fmt.Sprintf("'%s %s' is not supported%s", p.Place, name, refusals[name])}
	case elsewhere:
		return &Error{Msg: fmt.Sprintf("action '%s' is not possible in '%s' rules", name, p.Place)}
	}
	msg := fmt.Sprintf("unknown action '%s' of '%s' rules", name, p.Place)
	if near := nearest.Word(name, names); near != "" {
		msg += "; did you mean '" + near + "'?"
	}
	return &Error{Msg: msg}
}

// format reads a text with expressions.
func (p *Parser) format(what string) (*logformat.Format, error) {
	w, err := p.word(what)
	if err != nil {
		return nil, err
	}
	f, err := logformat.CompileText(w, p.env())
	if err != nil {
		off := 0
		if e, ok := errors.AsType[*logformat.Error](err); ok {
			off, err = e.Off, e.Err
		}
		return nil, &Error{Word: p.at - 1, Off: min(off, len(w)), Msg: err.Error()}
	}
	return f, nil
}

// expression reads a sample expression.
func (p *Parser) expression() (*sample.Expr, error) {
	if _, err := p.word("a sample expression"); err != nil {
		return nil, err
	}
	e, n, err := sample.CompileWords(p.Words[p.at-1:], p.env())
	if err == nil {
		err = p.env().Check(e)
	}
	p.at += n - 1
	if err != nil {
		off := 0
		if se, ok := errors.AsType[*sample.Error](err); ok {
			off = se.Off
		}
		return nil, &Error{Word: p.at - 1, Off: off, Msg: err.Error()}
	}
	return e, nil
}

// field reads the name of a header field into a rule.
func (p *Parser) field(r *Rule) error {
	w, err := p.word("the name of a header field")
	if err != nil {
		return err
	}
	if name, _, colon := strings.Cut(w, ":"); colon && isToken(name) && p.Warn != nil {
		// Common, and harmless: no message ever has such a field.
		p.Warn(fmt.Sprintf("'%s' is not a valid header field name, so that this does nothing: the name would be '%s'", w, name))
		r.moot, r.name = true, []byte(w)
		return nil
	}
	if !isToken(w) {
		return p.fail("'%s' is not a valid header field name", w)
	}
	r.name = []byte(w)
	message.Lower(r.name)
	r.id = message.Lookup(r.name)
	if r.id == message.ContentLength || r.id == message.TransferEncoding {
		return p.fail("rules cannot touch the field '%s': the proxy frames messages itself", w)
	}
	return nil
}

// written is field for fields that get a value.
func (p *Parser) written(r *Rule) error {
	err := p.field(r)
	if err == nil && r.id == message.Connection {
		return p.fail("rules cannot write the field '%s': the proxy decides what becomes of connections", p.Words[p.at-1])
	}
	return err
}

// integer reads a number within bounds.
func (p *Parser) integer(what string, least, most int) (int, error) {
	w, err := p.word(what)
	if err != nil {
		return 0, err
	}
	n, err := strconv.Atoi(w)
	if err != nil || n < least || n > most {
		return 0, p.fail("%s is expected, from %d to %d, not '%s'", what, least, most, w)
	}
	return n, nil
}

func (p *Parser) duration() (time.Duration, error) {
	w, err := p.word("a time")
	if err != nil {
		return 0, err
	}
	d, err := p.Duration(w)
	if err != nil {
		return 0, p.fail("%v", err)
	}
	return d, nil
}

func (p *Parser) size() (int, error) {
	w, err := p.word("a number of bytes")
	if err != nil {
		return 0, err
	}
	n, err := p.Size(w)
	if err != nil {
		return 0, p.fail("'at-least' %v", err)
	}
	return int(n), nil
}

// isToken reports whether s can name a header field (RFC 9110, section 5.6.2).
func isToken(s string) bool {
	for i := range len(s) {
		c := s[i]
		if (c|0x20 < 'a' || c|0x20 > 'z') && (c < '0' || c > '9') && strings.IndexByte("!#$%&'*+-.^_`|~", c) < 0 {
			return false
		}
	}
	return s != ""
}
