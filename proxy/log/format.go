package log

import (
	"fmt"
	"slices"
	"strings"
)

// Standard formats, as the equivalents of the options that select them
// (configuration manual, sections 8.2.1 to 8.2.3).
const (
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
)

// op appends one piece of a line: a value, then literal text, then a separator,
// each if there is one.
type op struct {
	fn    func(*line, *Record, flags)
	flags flags
	gap   bool // a space, unless there is one already
	text  string
}

// Format is a compiled log format. It is immutable and may be shared.
type Format struct{ ops []op }

// Alias is a named value of log formats.
type Alias struct {
	Name string // without the percent sign
	Fn   func(*line, *Record, flags)
	Doc  string
}

// Compile translates a log format: text, "%%", "%alias" and "%{+Q,-X,+E}alias".
// Runs of spaces become one, and none is written beside a value that left
// nothing. Errors name the column, from 1.
func Compile(text string) (*Format, error) {
	f := &Format{}
	var global flags
	for i := 0; i < len(text); {
		switch c := text[i]; {
		case c == ' ':
			for i < len(text) && text[i] == ' ' {
				i++
			}
			f.separator()
		case c != '%':
			j := i
			for j < len(text) && text[j] != '%' && text[j] != ' ' {
				j++
			}
			f.literal(text[i:j])
			i = j
		case strings.HasPrefix(text[i:], "%%"):
			f.literal("%")
			i += 2
		default:
			n, o, err := parseAlias(text[i:], &global)
			if err != nil {
				return nil, fmt.Errorf("column %d of the log format: %w", i+1, err)
			}
			if o.fn != nil {
				f.ops = append(f.ops, o)
			}
			i += n
		}
	}
	return f, nil
}

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

// parseAlias reads "%alias" or "%{flags}alias" at the start of s and returns
// its length. "%o" changes the flags of everything that follows it.
func parseAlias(s string, global *flags) (int, op, error) {
	fl, i := *global, 1
	if strings.HasPrefix(s, "%{") {
		end := strings.IndexByte(s, '}')
		if end < 0 {
			return 0, op{}, fmt.Errorf("%q has no closing brace", s)
		}
		for arg := range strings.SplitSeq(s[2:end], ",") {
			if err := fl.apply(arg); err != nil {
				return 0, op{}, err
			}
		}
		i = end + 1
	}
	j := i
	for j < len(s) && (s[j] >= 'a' && s[j] <= 'z' || s[j] >= 'A' && s[j] <= 'Z') {
		j++
	}
	if i == j && strings.HasPrefix(s[i:], "[") {
		return 0, op{}, fmt.Errorf("sample expressions such as %q are not supported: want an alias such as %%ci", s[:min(len(s), i+8)])
	}
	if s[i:j] == "o" {
		*global = fl
		return j, op{}, nil
	}
	// An alias ends where letters end or, as "%Tsx" shows, where no longer name
	// matches: the longest known name wins.
	for end := j; end > i; end-- {
		if k := slices.IndexFunc(aliases, func(a Alias) bool { return a.Name == s[i:end] }); k >= 0 {
			return end, op{fn: aliases[k].Fn, flags: fl}, nil
		}
	}
	return 0, op{}, fmt.Errorf("no log format alias begins with %q: %%%% writes a percent sign", "%"+s[i:j])
}

func (f *flags) apply(arg string) error {
	if len(arg) == 2 && (arg[0] == '+' || arg[0] == '-') {
		if k := strings.IndexByte("QXE", arg[1]); k >= 0 {
			if arg[0] == '+' {
				*f |= 1 << k
			} else {
				*f &^= 1 << k
			}
			return nil
		}
	}
	return fmt.Errorf("%q is no flag: want + or - followed by Q, X or E", arg)
}

// append writes the record as a line of text, without header and line end.
func (f *Format) append(l *line, r *Record) {
	l.gap = true // no separator at the start
	for i := range f.ops {
		o := &f.ops[i]
		if o.fn != nil {
			n := len(l.b)
			o.fn(l, r, o.flags)
			if len(l.b) > n {
				l.gap = false
			}
		}
		switch len(o.text) {
		case 0:
		case 1:
			l.b = append(l.b, o.text[0])
			l.gap = false
		default:
			l.b = append(l.b, o.text...)
			l.gap = false
		}
		if o.gap && !l.gap {
			l.b = append(l.b, ' ')
			l.gap = true
		}
	}
}
