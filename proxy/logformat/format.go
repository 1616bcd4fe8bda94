// Package logformat compiles the layouts of log lines and of texts in rules, and
// writes them: text, aliases such as %ci, and sample expressions such as %[src].
package logformat

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"

	"bench/proxy/sample"
	"bench/proxy/txn"
)

// Standard formats, as the equivalents of the options that select them
// (configuration manual, sections 8.2.1 to 8.2.3).
const (
	HTTPSFormat   = HTTPFormat + ` %[fc_err]/%[ssl_fc_err,hex]/%[ssl_c_err]/%[ssl_c_ca_err]/%[ssl_fc_is_resumed] %[ssl_fc_sni]/%sslv/%sslc`
	HTTPFormat    = `%ci:%cp [%tr] %ft %b/%s %TR/%Tw/%Tc/%Tr/%Ta %ST %B %CC %CS %tsc %ac/%fc/%bc/%sc/%rc %sq/%bq %hr %hs %{+Q}r`
	TCPFormat     = `%ci:%cp [%t] %ft %b/%s %Tw/%Tc/%Tt %B %ts %ac/%fc/%bc/%sc/%rc %sq/%bq`
	CLFFormat     = `%{+Q}o %{-Q}ci - - [%trg] %r %ST %B "" "" %cp %ms %ft %b %s %TR %Tw %Tc %Tr %Ta %tsc %ac %fc %bc %sc %rc %sq %bq %CC %CS %hrl %hsl`
	ConnectFormat = `Connect %peers (%f/%mode)`
)

// flags change how a value is written.
type flags uint8

const (
	quote  flags = 1 << iota // Q: in double quotes
	hex                      // X: numbers and addresses in hexadecimal
	escape                   // E: backslash before " \ ]
	bare                     // -M: nothing, and no "-", for what is empty
)

// op appends one piece: a value, then literal text, then a separator, each if there
// is one.
type op struct {
	fn    func(*Writer, *txn.Record, flags)
	expr  *sample.Expr
	flags flags
	gap   bool // a space, unless there is one already
	text  string
}

// Format is a compiled format. It is immutable and may be shared.
type Format struct {
	text    string
	ops     []op
	log     bool
	raw     bool   // what samples give is written as it is
	aliases bool   // has any
	ofHTTP  string // an alias that needs HTTP
	at      txn.Steps
}

// Alias is a named value of formats.
type Alias struct {
	Name string // without the percent sign
	Fn   func(*Writer, *txn.Record, flags)
	Doc  string
}

// Aliases are the table.
func Aliases() []Alias { return aliases }

// Error is a mistake in a format.
type Error struct {
	Off int // in the text of the format, from 0
	Err error
}

func (e *Error) Error() string {
	return fmt.Sprintf("%v (column %d of the format)", e.Err, e.Off+1)
}

func (e *Error) Unwrap() error { return e.Err }

// CompileLog translates the layout of a log line: text, "%%", "%alias",
// "%{+Q,-X,+E}alias" and "%[expression]". Runs of spaces become one, and none is
// written beside a value that left nothing. What is empty is written as "-".
func CompileLog(text string, env *sample.Env) (*Format, error) {
	return compile(text, env, true)
}

// CompileText translates a text of a rule. Spaces are taken as they are, and what is
// empty leaves nothing.
func CompileText(text string, env *sample.Env) (*Format, error) {
	return compile(text, env, false)
}

// CompileRaw translates what a health check says: as CompileText, but what samples give
// may be any bytes, and quotes that are asked for are written.
func CompileRaw(text string, env *sample.Env) (*Format, error) {
	f, err := compile(text, env, false)
	if err == nil {
		f.raw = true
	}
	return f, err
}

// MustLog compiles a standard format.
func MustLog(text string) *Format {
	f, err := CompileLog(text, &sample.Env{At: txn.At(txn.StepLog)})
	if err != nil {
		panic("logformat: " + err.Error()) // a mistake in the constants above
	}
	return f
}

func compile(text string, env *sample.Env, log bool) (*Format, error) {
	f := &Format{text: text, log: log, at: txn.Between(0, txn.StepLog)}
	var global flags
	for i := 0; i < len(text); {
		switch c := text[i]; {
		case c == ' ' && log:
			for i < len(text) && text[i] == ' ' {
				i++
			}
			f.separator()
		case c != '%':
			j := i
			for j < len(text) && text[j] != '%' && (text[j] != ' ' || !log) {
				j++
			}
			f.literal(text[i:j])
			i = j
		case strings.HasPrefix(text[i:], "%%"):
			f.literal("%")
			i += 2
		default:
			n, err := f.value(text[i:], &global, env)
			if err != nil {
				off := i
				if e, ok := errors.AsType[*sample.Error](err); ok {
					off += e.Off
				}
				return nil, &Error{off, err}
			}
			i += n
		}
	}
	return f, nil
}

// String is the format as written.
func (f *Format) String() string { return f.text }

// Empty reports whether nothing is ever written.
func (f *Format) Empty() bool { return len(f.ops) == 0 }

// Constant reports whether the same is always written, and what.
func (f *Format) Constant() (string, bool) {
	switch {
	case len(f.ops) == 0:
		return "", true
	case len(f.ops) == 1 && f.ops[0].fn == nil && f.ops[0].expr == nil && !f.ops[0].gap:
		return f.ops[0].text, true
	}
	return "", false
}

// HasAliases reports whether there is something that only a transaction knows.
func (f *Format) HasAliases() bool { return f.aliases }

// NeedsHTTP is an alias of the format that is about requests of HTTP, "" if there is none.
func (f *Format) NeedsHTTP() string { return f.ofHTTP }

// ofHTTP are the aliases that only proxies in mode http may have.
var ofHTTP = []string{"CC", "CS", "HM", "HP", "HPO", "HQ", "HU", "HV", "TR", "Ta", "Ti", "Tq", "Tr", "r", "tr", "trg", "trl"}

func (f *Format) literal(s string) {
	if n := len(f.ops); n > 0 && !f.ops[n-1].gap {
		f.ops[n-1].text += s
		return
	}
	f.ops = append(f.ops, op{text: s})
}

func (f *Format) separator() {
	if n := len(f.ops); n > 0 {
		f.ops[n-1].gap = true
		return
	}
	f.ops = append(f.ops, op{gap: true})
}

// value reads "%alias", "%[expression]" or either with flags at the start of s and
// returns its length. "%o" changes the flags of everything that follows it.
func (f *Format) value(s string, global *flags, env *sample.Env) (int, error) {
	fl, i := *global, 1
	if strings.HasPrefix(s, "%{") {
		end := strings.IndexByte(s, '}')
		if end < 0 {
			return 0, fmt.Errorf("%q has no closing brace", s)
		}
		for arg := range strings.SplitSeq(s[2:end], ",") {
			if !fl.apply(arg) && arg != "" {
				env.Remark("%q is not a flag of log formats, and ignored: there are Q, X, E and M behind + or -", arg)
			}
		}
		i = end + 1
	}
	if strings.HasPrefix(s[i:], "[") {
		return f.expression(s, i+1, fl, env)
	}
	j := i
	for j < len(s) && isAlnum(s[j]) {
		j++
	}
	name := s[i:j]
	switch k := slices.IndexFunc(aliases, func(a Alias) bool { return a.Name == name }); {
	case name == "o":
		*global = fl
	case k >= 0:
		f.ops = append(f.ops, op{fn: aliases[k].Fn, flags: fl})
		f.aliases = true
		if env.Locals != nil && (name == "bi" || name == "bp") {
			*env.Locals = true
		}
		if slices.Contains(ofHTTP, name) {
			f.ofHTTP = name
		}
	case name == "" && i == 1 && j < len(s) && s[j] != ' ' && s[j] != '\t':
		env.Remark("nothing stands for '%s' in log formats, so that the percent sign is left out: %%%% writes one", s[:2])
	default:
		return 0, fmt.Errorf("no log format alias %q: %%%% writes a percent sign", "%"+name)
	}
	return j, nil
}

func isAlnum(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
}

// expression reads a sample expression up to its bracket.
func (f *Format) expression(s string, from int, fl flags, env *sample.Env) (int, error) {
	e, n, err := sample.CompilePrefix(s[from:], env.Within(from))
	if err != nil {
		if se, ok := errors.AsType[*sample.Error](err); ok {
			return 0, &sample.Error{Off: from + se.Off, Msg: se.Msg}
		}
		return 0, err
	}
	end := from + n
	if end >= len(s) || s[end] != ']' {
		return 0, &sample.Error{Off: end, Msg: fmt.Sprintf("no ']' ends the expression '%s'", e)}
	}
	if err := env.Check(e); err != nil {
		return 0, &sample.Error{Off: from, Msg: err.Error()}
	}
	f.at &= e.At()
	f.ops = append(f.ops, op{expr: e, flags: fl})
	return end + 1, nil
}

// apply sets or resets a flag, and reports whether there is such a one.
func (f *flags) apply(arg string) bool {
	if len(arg) != 2 || arg[0] != '+' && arg[0] != '-' {
		return false
	}
	if arg[1] == 'M' {
		if arg[0] == '-' {
			*f |= bare
		} else {
			*f &^= bare
		}
		return true
	}
	k := strings.IndexByte("QXE", arg[1])
	switch {
	case k < 0:
		return false
	case arg[0] == '+':
		*f |= 1 << k
	default:
		*f &^= 1 << k
	}
	return true
}

// AppendLine appends a log line, without header and line end.
func (f *Format) AppendLine(dst []byte, w *Writer, c *sample.Context, r *txn.Record) []byte {
	w.b, w.dash = dst, true
	f.run(w, c, r)
	return w.b
}

// Append appends a text of a rule. What aliases say is asked of the stream.
func (f *Format) Append(dst []byte, w *Writer, c *sample.Context) []byte {
	w.b, w.dash = dst, false
	if f.aliases {
		c.Txn.Stream.Describe(&w.rec)
		if w.rec.Status < 0 && c.Txn.Status > 0 {
			w.rec.Status = c.Txn.Status // of the answer that is being made
		}
	}
	f.run(w, c, &w.rec)
	return w.b
}

func (f *Format) run(w *Writer, c *sample.Context, r *txn.Record) {
	w.gap, w.raw = true, f.raw // no separator at the start
	for i := range f.ops {
		o := &f.ops[i]
		if n := len(w.b); o.fn != nil {
			o.fn(w, r, o.flags)
			w.gap = w.gap && len(w.b) == n
		} else if o.expr != nil {
			w.sample(o.expr.EvalAs(c, txn.Str), o.flags)
			w.gap = false // a blank follows even what was empty
		}
		switch len(o.text) {
		case 0:
		case 1:
			w.b = append(w.b, o.text[0])
			w.gap = false
		default:
			w.b = append(w.b, o.text...)
			w.gap = false
		}
		if o.gap && !w.gap {
			w.b = append(w.b, ' ')
			w.gap = true
		}
	}
}

// sample writes a value, nil for none. In texts of rules, which become parts of
// messages, control characters are written as %XX, and quotes that are asked for are
// left out, as in the reference.
func (w *Writer) sample(v *txn.Value, fl flags) {
	var b []byte
	if v != nil {
		b = v.B
	}
	if w.dash || w.raw {
		if i := bytes.IndexByte(b, 0); i >= 0 && !w.raw {
			// As in the reference a line does not show what follows a NUL.
			if b = b[:i]; i == 0 && fl&quote == 0 {
				return
			}
		}
		w.bytes(b, fl)
		return
	}
	for _, c := range b {
		switch {
		case c < ' ' && c != '\t' || c == 0x7f:
			w.b = append(w.b, '%', upperHex[c>>4], upperHex[c&15])
		case fl&escape != 0:
			w.escaped(c)
		default:
			w.b = append(w.b, c)
		}
	}
}

const upperHex = "0123456789ABCDEF"
