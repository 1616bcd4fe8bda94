package syntax

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// kind is what a token is.
type kind uint8

const (
	end kind = iota // of the text
	name
	number
	text
	symbol // a keyword or an operator
)

// token is one token. For numbers str is what the compiler reads, for texts the content.
type token struct {
	kind kind
	str  string
	line int
}

// Error is a mistake in a script.
type Error struct{ msg string }

func (e *Error) Error() string { return e.msg }

var keywords = map[string]bool{
	"and": true, "break": true, "do": true, "else": true, "elseif": true, "end": true, "false": true, "for": true, "function": true, "goto": true, "if": true,
	"in": true, "local": true, "nil": true, "not": true, "or": true, "repeat": true, "return": true, "then": true, "true": true, "until": true, "while": true,
}

// symbols are the operators and signs, the longer ones first.
var symbols = []string{"...", "<<", ">>", "//", "==", "~=", "<=", ">=", "::", "..", "+", "-", "*", "/", "%", "^", "#", "&", "~", "|", "<", ">", "=", "(", ")", "{", "}", "[", "]", ";", ":", ",", "."}

// lexer cuts a text into tokens.
type lexer struct {
	chunk string
	src   string
	at    int
	line  int
}

// fail gives up, with a mistake in a line.
func (x *lexer) fail(line int, format string, a ...any) {
	panic(&Error{fmt.Sprintf("%s:%d: %s", x.chunk, line, fmt.Sprintf(format, a...))})
}

// peek is the byte so many behind the next one, 0 beyond the end.
func (x *lexer) peek(n int) byte {
	if x.at+n < len(x.src) {
		return x.src[x.at+n]
	}
	return 0
}

// blank skips spaces and comments.
func (x *lexer) blank() {
	for x.at < len(x.src) {
		switch c := x.src[x.at]; {
		case c == '\n':
			x.line++
			x.at++
		case c == ' ' || c >= '\t' && c <= '\r':
			x.at++
		case c == '-' && x.peek(1) == '-':
			x.at += 2
			if level, ok := x.longBracket(); ok {
				x.long(level, "comment")
				continue
			}
			for x.at < len(x.src) && x.src[x.at] != '\n' {
				x.at++
			}
		default:
			return
		}
	}
}

// next takes a token.
func (x *lexer) next() token {
	x.blank()
	t := token{line: x.line}
	if x.at >= len(x.src) {
		return t
	}
	c := x.src[x.at]
	switch {
	case isLetter(c):
		start := x.at
		for x.at < len(x.src) && (isLetter(x.src[x.at]) || isDigit(x.src[x.at])) {
			x.at++
		}
		t.str = x.src[start:x.at]
		t.kind = name
		if keywords[t.str] {
			t.kind = symbol
		}
		return t
	case isDigit(c) || c == '.' && isDigit(x.peek(1)):
		t.kind, t.str = number, x.number()
		return t
	case c == '"' || c == '\'':
		t.kind, t.str = text, x.quoted(c)
		return t
	case c == '[':
		if level, ok := x.longBracket(); ok {
			t.kind, t.str = text, x.long(level, "string")
			return t
		}
	}
	for _, s := range symbols {
		if strings.HasPrefix(x.src[x.at:], s) {
			x.at += len(s)
			t.kind, t.str = symbol, s
			return t
		}
	}
	x.fail(x.line, "unexpected symbol near '%s'", x.src[x.at:x.at+1])
	return t
}

// number reads one and writes it as the compiler understands it.
func (x *lexer) number() string {
	start := x.at
	hex := x.src[x.at] == '0' && x.peek(1)|0x20 == 'x'
	for x.at < len(x.src) {
		c := x.src[x.at]
		if (c == '+' || c == '-') && x.at > start {
			if before := x.src[x.at-1] | 0x20; before == 'p' && hex || before == 'e' && !hex {
				x.at++
				continue
			}
		}
		if !isLetter(c) && !isDigit(c) && c != '.' {
			break
		}
		x.at++
	}
	s := x.src[start:x.at]
	n, ok := Number(s)
	if !ok {
		x.fail(x.line, "malformed number near '%s'", s)
	}
	return strconv.FormatFloat(n, 'g', -1, 64)
}

// Number reads a numeral as scripts write it.
func Number(s string) (float64, bool) {
	s = strings.Trim(s, " \t\n\r\v\f")
	digits := strings.TrimLeft(s, "+-")
	if len(s)-len(digits) > 1 || strings.ContainsAny(s, "_iInN") {
		return 0, false
	}
	if len(digits) < 2 || digits[0] != '0' || digits[1]|0x20 != 'x' {
		n, err := strconv.ParseFloat(s, 64)
		return n, err == nil || n > 1 || n < -1 // what is out of range is infinite
	}
	if !strings.ContainsAny(digits, ".pP") {
		// Whole numbers wrap around, as integers of 64 bits do.
		var n uint64
		if len(digits) == 2 {
			return 0, false
		}
		for _, c := range []byte(digits[2:]) {
			v, ok := hexValue(c)
			if !ok {
				return 0, false
			}
			n = n<<4 | uint64(v)
		}
		if s[0] == '-' {
			return -float64(int64(n)), true
		}
		return float64(int64(n)), true
	}
	if !strings.ContainsAny(s, "pP") {
		s += "p0"
	}
	n, err := strconv.ParseFloat(s, 64)
	return n, err == nil
}

func hexValue(c byte) (byte, bool) {
	switch {
	case isDigit(c):
		return c - '0', true
	case c|0x20 >= 'a' && c|0x20 <= 'f':
		return c | 0x20 - 'a' + 10, true
	}
	return 0, false
}

// longBracket looks for "[[", "[=[" and so on, and takes it.
func (x *lexer) longBracket() (level int, ok bool) {
	if x.peek(0) != '[' {
		return 0, false
	}
	for x.peek(1+level) == '=' {
		level++
	}
	if x.peek(1+level) != '[' {
		return 0, false
	}
	x.at += level + 2
	return level, true
}

// long takes what stands in long brackets.
func (x *lexer) long(level int, what string) string {
	first := x.line
	if x.peek(0) == '\r' {
		x.at++
	}
	if x.peek(0) == '\n' {
		x.at++
		x.line++
	}
	closing := "]" + strings.Repeat("=", level) + "]"
	n := strings.Index(x.src[x.at:], closing)
	if n < 0 {
		x.fail(x.line, "unfinished long %s (starting at line %d) near '<eof>'", what, first)
	}
	s := x.src[x.at : x.at+n]
	x.line += strings.Count(s, "\n")
	x.at += n + len(closing)
	return strings.ReplaceAll(s, "\r\n", "\n")
}

// quoted takes a text in quotes.
func (x *lexer) quoted(quote byte) string {
	x.at++
	var b []byte
	for {
		c := x.peek(0)
		switch {
		case x.at >= len(x.src):
			x.fail(x.line, "unfinished string near '<eof>'")
		case c == '\n':
			x.fail(x.line, "unfinished string near '%c%s'", quote, b)
		case c == quote:
			x.at++
			return string(b)
		case c == '\\':
			x.at++
			b = x.escape(b)
		default:
			b = append(b, c)
			x.at++
		}
	}
}

var escapes = map[byte]byte{'a': '\a', 'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t', 'v': '\v', '\\': '\\', '"': '"', '\'': '\''}

// escape takes what follows a backslash.
func (x *lexer) escape(b []byte) []byte {
	c := x.peek(0)
	x.at++
	if e, ok := escapes[c]; ok {
		return append(b, e)
	}
	switch {
	case c == '\n':
		x.line++
		return append(b, '\n')
	case c == 'x':
		hi, ok := hexValue(x.peek(0))
		lo, also := hexValue(x.peek(1))
		if !ok || !also {
			x.fail(x.line, "hexadecimal digit expected near '\\x'")
		}
		x.at += 2
		return append(b, hi<<4|lo)
	case c == 'z':
		for x.at < len(x.src) && strings.IndexByte(" \t\r\n\v\f", x.src[x.at]) >= 0 {
			if x.src[x.at] == '\n' {
				x.line++
			}
			x.at++
		}
		return b
	case c == 'u':
		return x.codePoint(b)
	case isDigit(c):
		n := int(c - '0')
		for i := 0; i < 2 && isDigit(x.peek(0)); i++ {
			n = n*10 + int(x.peek(0)-'0')
			x.at++
		}
		if n > 255 {
			x.fail(x.line, "decimal escape too large near '\\%d'", n)
		}
		return append(b, byte(n))
	}
	x.fail(x.line, "invalid escape sequence near '\\%c'", c)
	return b
}

// codePoint takes the braces of "\u{...}".
func (x *lexer) codePoint(b []byte) []byte {
	n := strings.IndexByte(x.src[x.at:], '}')
	if x.peek(0) != '{' || n < 2 {
		x.fail(x.line, "missing '{' or '}' near '\\u'")
	}
	r, err := strconv.ParseUint(x.src[x.at+1:x.at+n], 16, 32)
	if err != nil || r > utf8.MaxRune {
		x.fail(x.line, "UTF-8 value too large near '\\u%s'", x.src[x.at:x.at+n])
	}
	x.at += n + 1
	return AppendRune(b, rune(r))
}

// AppendRune appends a code point in UTF-8, surrogates included.
func AppendRune(b []byte, r rune) []byte {
	if r >= 0xd800 && r < 0xe000 {
		return append(b, 0xe0|byte(r>>12), 0x80|byte(r>>6)&0xbf, 0x80|byte(r)&0xbf)
	}
	return utf8.AppendRune(b, r)
}

func isLetter(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' || c == '_' }
func isDigit(c byte) bool  { return c >= '0' && c <= '9' }
