package config

import (
	"fmt"
	"strings"
)

// maxWords is the longest line in words; the language allows 64.
const maxWords = 64

// word is one argument of a line after quotes, escapes and variables.
type word struct {
	text string
	col  int // from 1, of its first byte in the line
}

// lexError is a line that cannot be cut into words.
type lexError struct {
	col int
	msg string
}

func (e *lexError) Error() string { return fmt.Sprintf("%s at position %d", e.msg, e.col) }

// lexer cuts one line. The rules (configuration manual, section 2.2):
//
//   - blanks separate words, # starts a comment, both unless quoted or escaped
//   - '...' is taken as it is
//   - "..." keeps blanks, # and ', and expands $NAME, ${NAME}, ${NAME-default}
//     and ${NAME[*]}, the last one cut into words at blanks
//   - \ outside '...' makes blank # \ ' " $ plain, and \n \r \t \xNN stand for
//     one byte; before anything else it is itself
type lexer struct {
	in     string
	i      int
	env    *lookup
	words  []word
	buf    strings.Builder
	open   bool // a word has begun
	start  int  // where
	dquote int  // column of the open double quote, 0: none
}

// Word is one argument of a line after quotes, escapes and variables.
type Word struct {
	Text string
	Col  int // from 1
}

// Words cuts a line of a configuration as the parser does, without a comment.
func Words(text string, vars map[string]string) ([]Word, error) {
	words, err := cut(text, &lookup{vars: vars})
	if err != nil {
		return nil, err
	}
	all := make([]Word, len(words))
	for i, w := range words {
		all[i] = Word{w.text, w.col}
	}
	return all, nil
}

// cut returns the words of a line without its line end.
func cut(line string, env *lookup) ([]word, error) {
	l := lexer{in: line, env: env}
	for l.i < len(l.in) {
		c := l.in[l.i]
		switch {
		case c == '"':
			l.begin()
			if l.dquote > 0 {
				l.dquote = 0
			} else {
				l.dquote = l.i + 1
			}
			l.i++
		case c == '\'' && l.dquote == 0:
			if err := l.strong(); err != nil {
				return nil, err
			}
		case c == '\\':
			if err := l.escape(); err != nil {
				return nil, err
			}
		case c == '$' && l.dquote > 0:
			if err := l.variable(); err != nil {
				return nil, err
			}
		case l.dquote > 0:
			l.put(c)
		case c == '#':
			l.end()
			return l.words, nil
		case isBlank(c):
			l.end()
			l.i++
		default:
			l.put(c)
		}
	}
	if l.dquote > 0 {
		return nil, &lexError{l.dquote, "unmatched quote"}
	}
	l.end()
	return l.words, nil
}

func isBlank(c byte) bool { return c == ' ' || c >= '\t' && c <= '\r' }

func (l *lexer) begin() {
	if !l.open {
		l.open, l.start = true, l.i+1
	}
}

func (l *lexer) put(c byte) {
	l.begin()
	l.buf.WriteByte(c)
	l.i++
}

func (l *lexer) end() {
	if !l.open {
		return
	}
	l.words = append(l.words, word{l.buf.String(), l.start})
	l.buf.Reset()
	l.open = false
}

// strong takes '...'.
func (l *lexer) strong() error {
	l.begin()
	n := strings.IndexByte(l.in[l.i+1:], '\'')
	if n < 0 {
		return &lexError{l.i + 1, "unmatched quote"}
	}
	l.buf.WriteString(l.in[l.i+1 : l.i+1+n])
	l.i += n + 2
	return nil
}

// escape takes a backslash and what follows.
func (l *lexer) escape() error {
	l.begin()
	if l.i+1 >= len(l.in) {
		l.put('\\')
		return nil
	}
	c := l.in[l.i+1]
	if c == '$' && l.dquote == 0 { // where it means nothing anyway, as in "^/a\$"
		l.put('\\')
		return nil
	}
	switch c {
	case ' ', '\\', '#', '\'', '"', '$', '\t':
	case 'n':
		c = '\n'
	case 'r':
		c = '\r'
	case 't':
		c = '\t'
	case 'x':
		hi, lo := -1, -1
		if l.i+3 < len(l.in) {
			hi, lo = unhex(l.in[l.i+2]), unhex(l.in[l.i+3])
		}
		if hi < 0 || lo < 0 {
			return &lexError{l.i + 1, "truncated or invalid hexadecimal sequence"}
		}
		l.buf.WriteByte(byte(hi<<4 | lo))
		l.i += 4
		return nil
	default:
		l.put('\\')
		return nil
	}
	l.buf.WriteByte(c)
	l.i += 2
	return nil
}

func unhex(c byte) int {
	switch {
	case c >= '0' && c <= '9':
		return int(c - '0')
	case c|0x20 >= 'a' && c|0x20 <= 'f':
		return int(c|0x20-'a') + 10
	}
	return -1
}

// variable takes $NAME or ${NAME...} within double quotes.
func (l *lexer) variable() error {
	l.begin()
	v, err := parseVariable(l.in, l.i)
	if err != nil {
		return err
	}
	l.i = v.end
	value, ok := l.env.get(v.name)
	if !ok {
		value = v.fallback
	}
	if !v.list {
		l.buf.WriteString(value)
		return nil
	}
	for i, part := range strings.Fields(value) {
		if i > 0 {
			start := l.start
			l.end()
			l.open, l.start = true, start
		}
		l.buf.WriteString(part)
	}
	return nil
}

// variable is a reference to an environment variable.
type variable struct {
	name     string
	fallback string
	list     bool
	end      int // offset just after it
}

// parseVariable reads the reference that begins with the $ at s[at].
func parseVariable(s string, at int) (variable, error) {
	i := at + 1
	brace := i < len(s) && s[i] == '{'
	if brace {
		i++
	}
	from := i
	if i < len(s) && s[i] == '.' {
		i++
	}
	if i >= len(s) || !isNameStart(s[i]) {
		return variable{}, &lexError{i + 1, "forbidden first character of an environment variable's name"}
	}
	for i < len(s) && (isNameStart(s[i]) || s[i] >= '0' && s[i] <= '9') {
		i++
	}
	v := variable{name: s[from:i], end: i}
	if !brace {
		return v, nil
	}
	if strings.HasPrefix(s[i:], "[*]") {
		v.list = true
		i += len("[*]")
	}
	if i < len(s) && s[i] == '-' {
		n := strings.IndexByte(s[i:], '}')
		if n < 0 {
			return variable{}, &lexError{at + 2, "unmatched brace of an environment variable's name"}
		}
		v.fallback = s[i+1 : i+n]
		i += n
	}
	if i >= len(s) || s[i] != '}' {
		return variable{}, &lexError{at + 2, "unmatched brace of an environment variable's name"}
	}
	v.end = i + 1
	return v, nil
}

func isNameStart(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' || c == '_' }

// expandAddress replaces the variables of an address written without quotes.
func expandAddress(s string, env *lookup) (string, error) {
	if !strings.Contains(s, "$") {
		return s, nil
	}
	var b strings.Builder
	for i := 0; i < len(s); {
		if s[i] != '$' {
			b.WriteByte(s[i])
			i++
			continue
		}
		v, err := parseVariable(s, i)
		if err != nil {
			return "", err
		}
		value, ok := env.get(v.name)
		if !ok {
			value = v.fallback
		}
		b.WriteString(value)
		i = v.end
	}
	return b.String(), nil
}
