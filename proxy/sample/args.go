package sample

import (
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"bench/internal/tlsio"
	"bench/proxy/auth"
	"bench/proxy/message"
	"bench/proxy/pattern"
	"bench/proxy/regex"
	"bench/proxy/script"
	"bench/proxy/table"
	"bench/proxy/txn"
)

// Arg is one argument of a fetch or converter, read and resolved.
type Arg struct {
	Str []byte
	Int int64
	ID  message.HeaderID // of a name of a field
	IP  netip.Addr
	// Server is the name of a server in its backend, whose index is Int.
	Server string
	Re     *regex.Regexp
	Var    Var
	// hi and lo are the halves of a mask of IPv6.
	hi, lo uint64
	table  *mapArg
	users  *auth.List
	// limit is the length of a capture's slot.
	limit  int
	path   []pathStep // in JSON
	fields []uint64   // of Protocol Buffers
	key    any        // to verify signatures with
	// isVar: a variable stands for the text.
	isVar bool
	// set: the argument was given.
	set bool
}

// Var is a variable by its slot.
type Var struct {
	Scope txn.Scope
	Slot  int
	// Process is the variable if it is one of the process, which has neither.
	Process *txn.SharedVar
	limits  *txn.Limits
}

// SetAtStart sets a variable of the process before there are threads. It counts also for
// limits that are read later.
func (v Var) SetAtStart(to *txn.Value) { v.limits.SetShared(v.Process, to) }

// Row is what fetches and converters have in common: how they are written.
type Row struct {
	Name string
	// Usage is the syntax of the arguments, for messages and the manual.
	Usage string
	// params has a letter for each argument; those behind | may be left out.
	//   s text, i integer, h name of a field, c name of a cookie, v variable,
	//   r expression, m mask of IPv4 or IPv6 or a length, a address,
	//   n integer or variable, V variable or nothing, b backend, f frontend,
	//   S backend/server, k number of a counter, t stick table, u list of users
	params string
	// check looks at the arguments as a whole and may change them.
	check func(*Env, []Arg) error
	Doc   string
}

// Env is what an expression is compiled for.
type Env struct {
	// Names gives slots to variables.
	Names *txn.Names
	// At are the steps at which the expression may be evaluated, Where names them in
	// messages.
	At    txn.Steps
	Where string
	// ReqCaptures and ResCaptures are the lengths of the captures declared so far; to
	// write to one beyond is an error.
	ReqCaptures, ResCaptures []int
	// Counters is the number of counters that can track entries of stick tables.
	Counters int
	// Later is called with the names of proxies and servers that can only be resolved
	// when all are known. It is nil where such names cannot be used.
	Later func(Reference)
	// Lists are the lists of patterns of the configuration; nil: they belong to nothing
	// but what uses them.
	Lists *pattern.Lists
	// Scripts is what scripts have registered; nil: there are none.
	Scripts script.Registry
	// Rated becomes true where an expression asks how often something happens.
	Rated *bool
	// Locals becomes true where a format asks for our addresses towards servers.
	Locals *bool
	// Sink finds a ring, or one of stdout and stderr, by its name: txn.Farm.Report writes to
	// it by that number. It is nil where nothing can be written.
	Sink func(name string) (number int, ok bool)
	// Tracing is what expressions ask about handshakes.
	Tracing *tlsio.Tracing
	// Warn reports what is accepted and does not do what it seems to; nil: nobody wants to
	// know.
	Warn func(msg string)
	// File and Line are where the text stands, for descriptions of lists.
	File string
	Line int
	// off is where the text at hand begins, for references.
	off int
}

// Patterns are the lists of patterns to use.
func (env *Env) Patterns() *pattern.Lists {
	if env.Lists == nil {
		env.Lists = &pattern.Lists{}
	}
	return env.Lists
}

// Location says where the text stands, to follow a description.
func (env *Env) Location() string { return fmt.Sprintf(" file '%s' line %d", env.File, env.Line) }

// Reference is a proxy or server that an expression names.
type Reference struct {
	Arg      *Arg // Int becomes the index of the proxy or table, Server the name of the server
	Frontend bool
	Server   bool
	Table    bool
	Users    bool   // it is a list of users, to be given to SetUsers
	Name     string // "": the table of the section at hand
	// Fits says what is wrong with a table; nil: nothing can be.
	Fits func(*table.Spec) error
	Off  int // in the text of the expression
}

// SetUsers makes a list the one that the argument names.
func (a *Arg) SetUsers(l *auth.List) { a.users = l }

// Error is a mistake in an expression.
type Error struct {
	Off int // where in its text, from 0
	Msg string
}

func (e *Error) Error() string { return e.Msg }

func fail(off int, format string, a ...any) error {
	return &Error{off, fmt.Sprintf(format, a...)}
}

// splitArgs cuts what stands in parentheses into arguments: at commas, unless quoted
// or escaped. It returns what follows the parenthesis.
func splitArgs(text string, from int) (args []string, offs []int, end int, err error) {
	var b strings.Builder
	start := from
	for i := from; i < len(text); i++ {
		switch c := text[i]; c {
		case ')':
			return append(args, b.String()), append(offs, start), i + 1, nil
		case ',':
			args, offs = append(args, b.String()), append(offs, start)
			b.Reset()
			start = i + 1
		case '\'', '"':
			j := i + 1
			for j < len(text) && text[j] != c {
				if c == '"' && text[j] == '\\' && j+1 < len(text) && strings.IndexByte(`\"'`, text[j+1]) >= 0 {
					j++
				}
				b.WriteByte(text[j])
				j++
			}
			if j >= len(text) {
				return nil, nil, 0, fail(i, "unmatched quote in '%s'", text)
			}
			i = j
		case '\\':
			if i+1 < len(text) && strings.IndexByte(`\,()'" `, text[i+1]) >= 0 {
				i++
			}
			b.WriteByte(text[i])
		default:
			b.WriteByte(c)
		}
	}
	return nil, nil, 0, fail(from, "no ')' ends the arguments of '%s'", text)
}

// read reads the arguments of a row.
func (r *Row) read(env *Env, texts []string, offs []int, at int) ([]Arg, error) {
	must, may, _ := strings.Cut(r.params, "|")
	kinds := must + may
	nameless := len(texts) > 0 && texts[0] == "" && strings.HasPrefix(r.params, "|h") // of any field
	if len(texts) == 1 && texts[0] == "" {
		texts = nil
	}
	if len(texts) < len(must) {
		return nil, fail(at, "'%s' needs arguments: want %s%s", r.Name, r.Name, r.Usage)
	}
	if len(texts) > len(kinds) {
		if kinds == "" {
			return nil, fail(offs[0], "'%s' has no arguments", r.Name)
		}
		return nil, fail(offs[len(kinds)], "too many arguments of '%s': want %s%s", r.Name, r.Name, r.Usage)
	}
	args := make([]Arg, len(kinds))
	for i, t := range texts {
		if t == "" && i >= len(must) && kinds[i] != 's' {
			continue // left out
		}
		args[i].set = true
		if err := args[i].read(kinds[i], t, env, offs[i]); err != nil {
			if e, ok := errors.AsType[*Error](err); ok {
				return nil, e
			}
			return nil, fail(offs[i], "argument %d of '%s': %v", i+1, r.Name, err)
		}
	}
	if nameless {
		args[0].set = true
	}
	if r.check != nil {
		if err := r.check(env, args); err != nil {
			return nil, fail(at, "'%s': %v", r.Name, err)
		}
	}
	return args, nil
}

func (a *Arg) read(kind byte, t string, env *Env, off int) (err error) {
	a.Str = []byte(t)
	switch kind {
	case 's':
	case 'c':
		if t == "" {
			return fmt.Errorf("a name of a cookie is missing")
		}
	case 'h':
		message.Lower(a.Str)
		a.ID = message.Lookup(a.Str)
	case 'i':
		n, err := strconv.ParseInt(t, 10, 64)
		if err != nil && !errors.Is(err, strconv.ErrRange) {
			return fmt.Errorf("want an integer, not '%s'", t)
		}
		a.Int = n // what is out of range is the bound
	case 'n':
		return a.readOperand(t, env)
	case 'T':
		if scope, _, ok := strings.Cut(t, "."); ok {
			if a.isVar = isScope(scope); a.isVar {
				a.Var, err = env.Variable(t)
			}
		}
		return err
	case 'V':
		if t == "" {
			return nil
		}
		a.Var, err = env.Variable(t)
		return err
	case 'v':
		a.Var, err = env.Variable(t)
		return err
	case 'r':
		// Flags may follow: the row's check compiles it.
	case 'm':
		return a.readMask(t)
	case 'a':
		if a.IP, err = netip.ParseAddr(t); err != nil {
			return fmt.Errorf("want an address, not '%s'", t)
		}
	case 'k':
		a.Int, err = strconv.ParseInt(t, 10, 64)
		if err != nil || a.Int < 0 || a.Int >= int64(env.Counters) {
			return fmt.Errorf("want the number of a counter, from 0 to %d, not '%s'", env.Counters-1, t)
		}
	case 't':
		return env.table(a, t, off, nil)
	case 'b', 'f', 'S', 'u':
		if env.Later == nil {
			return fmt.Errorf("'%s' cannot be named here", t)
		}
		env.Later(Reference{Arg: a, Frontend: kind == 'f', Server: kind == 'S', Users: kind == 'u', Name: t, Off: env.off + off})
	}
	return nil
}

// table finds a table when all are known, that of the section if it has no name.
func (env *Env) table(a *Arg, name string, off int, fits func(*table.Spec) error) error {
	if env.Later == nil {
		return fmt.Errorf("stick tables cannot be named here")
	}
	env.Later(Reference{Arg: a, Table: true, Name: name, Fits: fits, Off: env.off + off})
	return nil
}

// readOperand reads an integer, or the name of a variable instead.
func (a *Arg) readOperand(t string, env *Env) (err error) {
	if a.Int, err = strconv.ParseInt(t, 10, 64); err == nil {
		return nil
	}
	if scope, _, ok := strings.Cut(t, "."); ok {
		if isScope(scope) {
			a.Str = nil
			a.Var, err = env.Variable(t)
			return err
		}
	}
	return fmt.Errorf("want an integer or a variable such as txn.name, not '%s'", t)
}

func (a *Arg) readMask(t string) error {
	if ip, err := netip.ParseAddr(t); err == nil {
		a.IP = ip
		return nil
	}
	n, err := strconv.Atoi(t)
	if err != nil || n < 0 || n > 128 {
		return fmt.Errorf("want a mask such as 255.255.255.0 or a length, not '%s'", t)
	}
	a.Int = int64(n)
	return nil
}

// scopes of variables by the word before the dot.
var scopes = map[string]txn.Scope{"sess": txn.ScopeSession, "txn": txn.ScopeTxn, "req": txn.ScopeRequest, "res": txn.ScopeResponse, "check": txn.ScopeCheck}

// isScope reports whether a word is a scope of variables.
func isScope(word string) bool {
	_, ok := scopes[word]
	return ok || word == "proc"
}

// Variable reads the name of a variable, as scope.name.
func (env *Env) Variable(t string) (Var, error) {
	scope, name, ok := strings.Cut(t, ".")
	sc, known := scopes[scope]
	known = known || scope == "proc"
	if !ok || !known || name == "" {
		want := "proc, sess, txn, req or res"
		if env.At == txn.At(txn.StepCheck) {
			want = "proc, sess or check"
		}
		return Var{}, fmt.Errorf("'%s' does not name a variable: want %s, a dot, and a name", t, want)
	}
	for i := range len(name) {
		if c := name[i]; c|0x20 < 'a' || c|0x20 > 'z' {
			if (c < '0' || c > '9') && c != '_' && c != '.' {
				return Var{}, fmt.Errorf("character '%c' is not permitted in the name of variable '%s'", c, t)
			}
		}
	}
	if sc == txn.ScopeCheck && !env.At.Has(txn.StepCheck) {
		return Var{}, fmt.Errorf("variable '%s' belongs to %s and has no value in %s", t, txn.StepCheck, env.Where)
	}
	if known && sc != txn.ScopeCheck && sc != txn.ScopeSession && scope != "proc" && env.At == txn.At(txn.StepCheck) {
		return Var{}, fmt.Errorf("variable '%s' belongs to a transaction and has no value in %s: want proc, sess or check", t, env.Where)
	}
	if scope == "proc" {
		return Var{Process: env.Names.Declare(name), limits: &env.Names.Limits}, nil
	}
	return Var{Scope: sc, Slot: env.Names.Slot(sc, name), limits: &env.Names.Limits}, nil
}

// Within is the environment of an expression that begins at an offset of a text, for
// references to be found by.
func (env *Env) Within(off int) *Env {
	inner := *env
	inner.off = env.off + off
	return &inner
}

// Remark reports what does not do what it seems to.
func (env *Env) Remark(format string, a ...any) {
	if env.Warn != nil {
		env.Warn(fmt.Sprintf(format, a...))
	}
}

// Check holds that an expression can have a value where it is evaluated.
func (env *Env) Check(e *Expr) error {
	if e.at&env.At != 0 {
		return nil
	}
	return fmt.Errorf("sample fetch '%s' has no value in %s: it belongs in %s", e.name, env.Where, e.at)
}

// Known reports whether anything names a variable.
func (env *Env) Known(t string) bool {
	scope, name, _ := strings.Cut(t, ".")
	if scope == "proc" {
		return env.Names.Process.Find(name) != nil
	}
	sc, ok := scopes[scope]
	return ok && env.Names.Has(sc, name)
}
