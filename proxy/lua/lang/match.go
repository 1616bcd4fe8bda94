package lang

import (
	"strings"
)

// Bounds of matching, as in Lua.
const (
	maxCaptures = 32
	maxNesting  = 200
)

// What a capture's length is as long as it has none.
const (
	capOpen     = -1
	capPosition = -2
)

// capture is a part of a text that a pattern keeps.
type capture struct{ start, length int }

// matcher matches one pattern against one text. Mistakes in the pattern are raised by fail.
type matcher struct {
	src, pat string
	depth    int
	level    int
	caps     [maxCaptures]capture
	fail     func(format string, a ...any)
}

// match matches the pattern from p on at s, and returns the end of the match, -1 if there is
// none.
func (m *matcher) match(s, p int) int {
	if m.depth++; m.depth > maxNesting {
		m.fail("pattern too complex")
	}
	defer func() { m.depth-- }()
	for p < len(m.pat) {
		switch m.pat[p] {
		case '(':
			if p+1 < len(m.pat) && m.pat[p+1] == ')' {
				return m.open(s, p+2, capPosition)
			}
			return m.open(s, p+1, capOpen)
		case ')':
			return m.shut(s, p+1)
		case '$':
			if p+1 == len(m.pat) {
				if s == len(m.src) {
					return s
				}
				return -1
			}
		case '%':
			if p+1 < len(m.pat) {
				switch c := m.pat[p+1]; {
				case c == 'b':
					if s = m.balance(s, p+2); s < 0 {
						return -1
					}
					p += 4
					continue
				case c == 'f':
					ok, next := m.frontier(s, p+2)
					if !ok {
						return -1
					}
					p = next
					continue
				case isNumeral(c):
					if s = m.back(s, c); s < 0 {
						return -1
					}
					p += 2
					continue
				}
			}
		}
		ep := m.classEnd(p)
		suffix := byte(0)
		if ep < len(m.pat) {
			suffix = m.pat[ep]
		}
		switch suffix {
		case '?':
			if m.single(s, p, ep) {
				if r := m.match(s+1, ep+1); r >= 0 {
					return r
				}
			}
			p = ep + 1
		case '+':
			if !m.single(s, p, ep) {
				return -1
			}
			return m.most(s+1, p, ep)
		case '*':
			return m.most(s, p, ep)
		case '-':
			return m.least(s, p, ep)
		default:
			if !m.single(s, p, ep) {
				return -1
			}
			s, p = s+1, ep
		}
	}
	return s
}

// most takes as many characters of a class as it can, and gives back what the rest needs.
func (m *matcher) most(s, p, ep int) int {
	n := 0
	for m.single(s+n, p, ep) {
		n++
	}
	for ; n >= 0; n-- {
		if r := m.match(s+n, ep+1); r >= 0 {
			return r
		}
	}
	return -1
}

// least takes as few as it can.
func (m *matcher) least(s, p, ep int) int {
	for {
		if r := m.match(s, ep+1); r >= 0 {
			return r
		}
		if !m.single(s, p, ep) {
			return -1
		}
		s++
	}
}

func (m *matcher) open(s, p, what int) int {
	if m.level >= maxCaptures {
		m.fail("too many captures")
	}
	m.caps[m.level] = capture{s, what}
	m.level++
	r := m.match(s, p)
	if r < 0 {
		m.level--
	}
	return r
}

func (m *matcher) shut(s, p int) int {
	l := -1
	for i := m.level - 1; i >= 0; i-- {
		if m.caps[i].length == capOpen {
			l = i
			break
		}
	}
	if l < 0 {
		m.fail("invalid pattern capture")
	}
	m.caps[l].length = s - m.caps[l].start
	r := m.match(s, p)
	if r < 0 {
		m.caps[l].length = capOpen
	}
	return r
}

// back matches what a capture has matched.
func (m *matcher) back(s int, c byte) int {
	l := int(c - '1')
	if l < 0 || l >= m.level || m.caps[l].length == capOpen {
		m.fail("invalid capture index %%%d", l+1)
	}
	if m.caps[l].length < 0 {
		return -1
	}
	part := m.src[m.caps[l].start : m.caps[l].start+m.caps[l].length]
	if strings.HasPrefix(m.src[s:], part) {
		return s + len(part)
	}
	return -1
}

// balance matches "%bxy", whose two characters are at p.
func (m *matcher) balance(s, p int) int {
	if p+1 >= len(m.pat) {
		m.fail("malformed pattern (missing arguments to '%%b')")
	}
	if s >= len(m.src) || m.src[s] != m.pat[p] {
		return -1
	}
	depth := 1
	for i := s + 1; i < len(m.src); i++ {
		switch m.src[i] {
		case m.pat[p+1]:
			if depth--; depth == 0 {
				return i + 1
			}
		case m.pat[p]:
			depth++
		}
	}
	return -1
}

// frontier matches "%f[set]", whose set is at p, and returns what follows it.
func (m *matcher) frontier(s, p int) (bool, int) {
	if p >= len(m.pat) || m.pat[p] != '[' {
		m.fail("missing '[' after '%%f' in pattern")
	}
	ep := m.classEnd(p)
	before, here := byte(0), byte(0)
	if s > 0 {
		before = m.src[s-1]
	}
	if s < len(m.src) {
		here = m.src[s]
	}
	return !m.inSet(before, p, ep-1) && m.inSet(here, p, ep-1), ep
}

// classEnd is where the class of characters ends that begins at p.
func (m *matcher) classEnd(p int) int {
	c := m.pat[p]
	p++
	switch c {
	case '%':
		if p >= len(m.pat) {
			m.fail("malformed pattern (ends with '%%')")
		}
		return p + 1
	case '[':
		if p < len(m.pat) && m.pat[p] == '^' {
			p++
		}
		for first := true; first || p >= len(m.pat) || m.pat[p] != ']'; first = false {
			if p >= len(m.pat) {
				m.fail("malformed pattern (missing ']')")
			}
			c := m.pat[p]
			p++
			if c == '%' && p < len(m.pat) {
				p++
			}
		}
		return p + 1
	}
	return p
}

// single reports whether the character at s belongs to the class from p to ep.
func (m *matcher) single(s, p, ep int) bool {
	if s >= len(m.src) {
		return false
	}
	c := m.src[s]
	switch m.pat[p] {
	case '.':
		return true
	case '%':
		return inClass(c, m.pat[p+1])
	case '[':
		return m.inSet(c, p, ep-1)
	}
	return m.pat[p] == c
}

// inSet reports whether a character belongs to the set from p, "[", to ep, "]".
func (m *matcher) inSet(c byte, p, ep int) bool {
	in := true
	if m.pat[p+1] == '^' {
		in = false
		p++
	}
	for p++; p < ep; p++ {
		switch {
		case m.pat[p] == '%':
			p++
			if inClass(c, m.pat[p]) {
				return in
			}
		case p+2 < ep && m.pat[p+1] == '-':
			if m.pat[p] <= c && c <= m.pat[p+2] {
				return in
			}
			p += 2
		case m.pat[p] == c:
			return in
		}
	}
	return !in
}

// inClass reports whether a character belongs to a class by its letter, or is what was
// escaped.
func inClass(c, class byte) bool {
	in := false
	switch class | 0x20 {
	case 'a':
		in = c|0x20 >= 'a' && c|0x20 <= 'z'
	case 'c':
		in = c < ' ' || c == 127
	case 'd':
		in = isNumeral(c)
	case 'g':
		in = c > ' ' && c < 127
	case 'l':
		in = c >= 'a' && c <= 'z'
	case 'p':
		in = c > ' ' && c < 127 && !isNumeral(c) && (c|0x20 < 'a' || c|0x20 > 'z')
	case 's':
		in = c == ' ' || c >= '\t' && c <= '\r'
	case 'u':
		in = c >= 'A' && c <= 'Z'
	case 'w':
		in = isNumeral(c) || c|0x20 >= 'a' && c|0x20 <= 'z'
	case 'x':
		in = isNumeral(c) || c|0x20 >= 'a' && c|0x20 <= 'f'
	default:
		return class == c
	}
	if class|0x20 != class { // a capital letter
		return !in
	}
	return in
}

func isNumeral(c byte) bool { return c >= '0' && c <= '9' }
