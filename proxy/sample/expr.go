package sample

import (
	"errors"
	"slices"
	"strings"

	"bench/internal/nearest"
	"bench/proxy/message"
	"bench/proxy/script"
	"bench/proxy/txn"
)

// Fetch is one row: a value of the transaction.
type Fetch struct {
	Row
	Out txn.Kind
	// At are the steps at which there can be a value.
	At txn.Steps
	// http: only where HTTP is spoken.
	http bool
	// quick, if not opCall, is an operation of the evaluator's own for this fetch.
	quick opcode
	fn    func(*Context, []Arg, *txn.Value) bool
}

// Conv is one row: a converter.
type Conv struct {
	Row
	In, Out txn.Kind
	fn      func(*Context, []Arg, *txn.Value) bool
	// out is the kind for these arguments, where it depends on them or on what comes
	// in; nil: Out.
	out func(in txn.Kind) txn.Kind
}

// opcode says what an operation does.
type opcode uint8

const (
	opCall opcode = iota // a fetch or converter by its function
	opCast               // to another kind
	opPath               // fetches that are so frequent that a call is saved
	opMethod
	opHeader // the last value of a field with an ID
	opSrc
)

// op is one operation of a program.
type op struct {
	code opcode
	to   txn.Kind // opCast
	id   message.HeaderID
	fn   func(*Context, []Arg, *txn.Value) bool
	args []Arg
}

// Expr is a compiled expression: a fetch and converters. It is immutable and may be
// shared.
type Expr struct {
	text string
	ops  []op
	out  txn.Kind
	at   txn.Steps
	name string // of the fetch
	http bool
}

// HTTP reports whether there can be a value only where HTTP is spoken.
func (e *Expr) HTTP() bool { return e.http }

// String is the expression as written.
func (e *Expr) String() string { return e.text }

// Out is the kind of the values.
func (e *Expr) Out() txn.Kind { return e.out }

// At are the steps at which there can be a value.
func (e *Expr) At() txn.Steps { return e.at }

// Plain reports whether the expression is a fetch without converters that the
// evaluator knows itself, and its name.
func (e *Expr) Plain() (string, bool) {
	return e.name, len(e.ops) == 1 && e.ops[0].code != opCall
}

// Fetch is the name of the fetch.
func (e *Expr) Fetch() string { return e.name }

// Compile translates an expression: "fetch(args),converter(args)...".
func Compile(text string, env *Env) (*Expr, error) {
	e, end, err := parse(text, env)
	if err != nil {
		return nil, err
	}
	if end < len(text) {
		return nil, fail(end, "'%s' after the expression '%s' is not understood: converters follow a comma", text[end:], text[:end])
	}
	return e, nil
}

// CompileWords is Compile for an expression that may go on in the words after the first:
// those that begin with the name of a converter belong to it, with or without a comma
// before them. It returns how many words it takes. Where one of them is mistaken it is the
// last of so many, and the offset of the error refers to it.
func CompileWords(words []string, env *Env) (*Expr, int, error) {
	n := 1
	for n < len(words) && env.continues(words[n]) {
		n++
	}
	text := strings.TrimRight(words[0], ",")
	if n > 1 {
		text = strings.Join(words[:n], ",")
	}
	e, err := Compile(text, env)
	if x, ok := errors.AsType[*Error](err); ok {
		off, at := x.Off, 0
		for at < n-1 && off > len(words[at]) {
			off -= len(words[at]) + 1
			at++
		}
		return nil, at + 1, &Error{Off: min(off, len(words[at])), Msg: x.Msg}
	}
	return e, n, err
}

// continues reports whether a word goes on with the expression before it.
func (env *Env) continues(word string) bool {
	name := word[:nameEnd(word, 0)]
	return FindConv(name) != nil || env.scriptConv(name) != nil
}

// CompilePrefix is Compile for an expression in the middle of a text: it returns
// where the expression ends.
func CompilePrefix(text string, env *Env) (*Expr, int, error) { return parse(text, env) }

func nameEnd(text string, i int) int {
	for i < len(text) {
		c := text[i]
		if c|0x20 >= 'a' && c|0x20 <= 'z' || c >= '0' && c <= '9' || c == '_' || c == '-' || c == '.' || c == '+' {
			i++
			continue
		}
		break
	}
	return i
}

func parse(text string, env *Env) (*Expr, int, error) {
	end := nameEnd(text, 0)
	name := text[:end]
	f, given := findFetch(name)
	if f == nil {
		f = env.scriptFetch(name)
	}
	if f == nil {
		return nil, 0, unknown(0, kindFetch, name, fetchNames())
	}
	args, end, err := f.arguments(env, text, 0, end, given...)
	if err != nil {
		return nil, 0, err
	}
	e := &Expr{name: f.Name, out: f.Out, at: f.At, http: f.http}
	e.ops = append(e.ops, f.compile(args))
	loose := strings.HasPrefix(f.Name, script.Prefix) // what it is shows when it is there
	for end < len(text) && text[end] == ',' {
		start := end + 1
		for start < len(text) && text[start] == ',' {
			start++
		}
		if start == len(text) && env.off == 0 {
			end = start // a comma behind the last one
			break
		}
		end = nameEnd(text, start)
		c := FindConv(text[start:end])
		if c == nil {
			c = env.scriptConv(text[start:end])
		}
		if c == nil {
			return nil, 0, unknown(start, kindConv, text[start:end], convNames())
		}
		if args, end, err = c.arguments(env, text, start, end); err != nil {
			return nil, 0, err
		}
		if !Castable(e.out, c.In) {
			return nil, 0, fail(start, "converter '%s' cannot take the %s that comes before it", c.Name, e.out)
		}
		if c.In != txn.None && (c.In != e.out || loose) {
			e.ops = append(e.ops, op{code: opCast, to: c.In})
		}
		e.ops = append(e.ops, op{fn: c.fn, args: args})
		loose = strings.HasPrefix(c.Name, script.Prefix)
		if c.out != nil {
			e.out = c.out(e.out)
		} else {
			e.out = c.Out
		}
	}
	e.text = text[:end]
	return e, end, nil
}

// compile chooses the operation of a fetch.
func (f *Fetch) compile(args []Arg) op {
	o := op{code: f.quick, fn: f.fn, args: args}
	if f.quick == opHeader {
		if o.id = args[0].ID; o.id == message.Other || args[1].set {
			o.code = opCall
		}
	}
	return o
}

// arguments reads what stands in parentheses behind a name. given are arguments that the
// name says already.
func (r *Row) arguments(env *Env, text string, start, end int, given ...string) ([]Arg, int, error) {
	var texts []string
	var offs []int
	if end < len(text) && text[end] == '(' {
		var err error
		if texts, offs, end, err = splitArgs(text, end+1); err != nil {
			return nil, 0, err
		}
	}
	if len(given) > 0 {
		if len(texts) == 1 && texts[0] == "" {
			texts, offs = nil, nil
		}
		texts, offs = append(given, texts...), append([]int{start}, offs...)
	}
	args, err := r.read(env, texts, offs, start)
	return args, end, err
}

// unknown says whether a name is one that the language has, and these tables do not.
func unknown(off int, what, name string, known []string) error {
	if slices.Contains(Language(what), name) {
		return fail(off, "%s '%s' is not supported", what, name)
	}
	msg := "unknown " + what + " '" + name + "'"
	if near := nearest.Word(name, known); near != "" {
		msg += "; did you mean '" + near + "'?"
	}
	return fail(off, "%s", msg)
}

// Eval evaluates the expression. It returns nil if there is no value; the value is
// good until the next evaluation.
func (e *Expr) Eval(c *Context) *txn.Value {
	c.every, c.at = false, cursor{}
	return e.run(c)
}

// First is Eval for expressions whose fetch may have several values: Next gives the
// others.
func (e *Expr) First(c *Context) *txn.Value {
	c.every, c.at = true, cursor{}
	return e.run(c)
}

// Next returns the next value after First, nil if there is none.
func (e *Expr) Next(c *Context) *txn.Value {
	if !c.more {
		return nil
	}
	return e.run(c)
}

func (e *Expr) run(c *Context) *txn.Value {
	v := &c.v
	c.used, c.more, c.Unknown = 0, false, false
	for i := range e.ops {
		o := &e.ops[i]
		ok := false
		switch o.code {
		case opCall:
			ok = o.fn(c, o.args, v)
		case opCast:
			ok = c.Cast(v, o.to)
		case opPath:
			ok = fetchPath(c, nil, v)
		case opMethod:
			ok = fetchMethod(c, nil, v)
		case opHeader:
			ok = c.header(o.id, o.args, v)
		case opSrc:
			ok = fetchSrc(c, nil, v)
		}
		if !ok {
			return nil
		}
	}
	return v
}

// EvalAs evaluates and converts the value to a kind; nil if there is none.
func (e *Expr) EvalAs(c *Context, k txn.Kind) *txn.Value {
	v := e.Eval(c)
	if v == nil || !c.Cast(v, k) {
		return nil
	}
	return v
}

// names of rows, sorted as they stand.
func fetchNames() []string {
	var names []string
	for i := range fetches {
		names = append(names, fetches[i].Name)
	}
	return names
}

func convNames() []string {
	var names []string
	for i := range convs {
		names = append(names, convs[i].Name)
	}
	return names
}

// findFetch finds a fetch by name or by one of its other names, nil if there is none, with
// the first arguments where the name says them.
func findFetch(name string) (f *Fetch, given []string) {
	if full, ok := otherNames[name]; ok {
		name = full
	}
	if full, counter, ok := numbered(name); ok {
		name, given = full, []string{counter}
	}
	for i := range fetches {
		if fetches[i].Name == name {
			return &fetches[i], given
		}
	}
	return nil, nil
}

// FindConv finds a converter by name; nil if there is none.
func FindConv(name string) *Conv {
	for i := range convs {
		if convs[i].Name == name {
			return &convs[i]
		}
	}
	return nil
}

// Fetches and Convs are the tables, for the manual and for tests.
func Fetches() []Fetch { return fetches }

// Convs are the converters.
func Convs() []Conv { return convs }

// Names that mean the same as another one.
var otherNames = map[string]string{
	"cookie": "req.cook", "cook": "req.cook", "cook_cnt": "req.cook_cnt", "cook_val": "req.cook_val",
	"scook": "res.cook", "scook_cnt": "res.cook_cnt", "scook_val": "res.cook_val",
	"shdr": "res.hdr", "shdr_cnt": "res.hdr_cnt", "shdr_ip": "res.hdr_ip", "shdr_val": "res.hdr_val",
	"req_len": "req.len", "req_ver": "req.ver", "resp_ver": "res.ver", "urlp": "url_param", "payload": "req.payload",
	"req_proto_http": "req.proto_http", "rdp_cookie": "req.rdp_cookie", "rdp_cookie_cnt": "req.rdp_cookie_cnt", "req_rdp_cookie": "req.rdp_cookie", "req_rdp_cookie_cnt": "req.rdp_cookie_cnt",
	"req_ssl_hello_type": "req.ssl_hello_type", "rep_ssl_hello_type": "res.ssl_hello_type", "req_ssl_sni": "req.ssl_sni", "req_ssl_ver": "req.ssl_ver",
}

// FullName is the name in the table of a fetch that is called so.
func FullName(name string) string {
	if full, ok := otherNames[name]; ok {
		return full
	}
	return name
}

// OtherNames are those of a fetch besides its own, sorted.
func OtherNames(of string) []string {
	var names []string
	for n, full := range otherNames {
		if full == of {
			names = append(names, n)
		}
	}
	names = append(names, numberedNames(of)...)
	slices.Sort(names)
	return names
}
