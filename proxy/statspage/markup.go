package statspage

import (
	"io"
	"strconv"
	"time"

	"bench/internal/units"
)

// markup is a page being written. Text is escaped; what the code writes is not. It is
// given on in pieces, so that a page of any size takes little memory.
type markup struct {
	b []byte
	w io.Writer
	// err is that of the writer; nothing is written any more then.
	err error
}

const markupPiece = 8 << 10

// raw writes markup.
func (m *markup) raw(parts ...string) *markup {
	for _, s := range parts {
		m.b = append(m.b, s...)
	}
	if len(m.b) >= markupPiece {
		m.flush()
	}
	return m
}

func (m *markup) flush() {
	if m.err == nil {
		_, m.err = m.w.Write(m.b)
	}
	m.b = m.b[:0]
}

// text writes text, in the place of an element's content or of an attribute's value in
// double quotes. Characters that only change how other text looks are left out.
func (m *markup) text(s string) *markup {
	for _, r := range s {
		switch {
		case r == '&':
			m.b = append(m.b, "&amp;"...)
		case r == '<':
			m.b = append(m.b, "&lt;"...)
		case r == '>':
			m.b = append(m.b, "&gt;"...)
		case r == '"':
			m.b = append(m.b, "&#34;"...)
		case r == '\'':
			m.b = append(m.b, "&#39;"...)
		case r < ' ', r == 0x7f, r >= 0x80 && r < 0xa0, misleading(r):
			m.b = append(m.b, ' ')
		default:
			m.b = append(m.b, string(r)...)
		}
	}
	return m
}

// misleading tells whether a character changes the direction of text, or joins what is
// apart.
func misleading(r rune) bool {
	return r >= 0x200b && r <= 0x200f || r >= 0x202a && r <= 0x202e || r >= 0x2060 && r <= 0x206f || r == 0xfeff
}

// count writes a number, muted if it is 0.
func (m *markup) count(n int64) *markup {
	if n == 0 {
		return m.raw(`<td class="z">0</td>`)
	}
	return m.raw(`<td>`).number(n).raw(`</td>`)
}

func (m *markup) number(n int64) *markup {
	if n < 0 {
		return m.raw("-")
	}
	return m.raw(units.Count(uint64(n)))
}

// limit writes a limit, "-" if there is none.
func (m *markup) limit(n int64) *markup {
	if n <= 0 {
		return m.raw(`<td class="z">-</td>`)
	}
	return m.count(n)
}

// empty writes cells that have no value in this row.
func (m *markup) empty(n int) *markup {
	for range n {
		m.raw(`<td class="z"></td>`)
	}
	return m
}

// age writes a time span by its two highest units: 3s, 1m2s, 2h5m, 1d3h.
func age(seconds int64) string {
	s := max(seconds, 0)
	i := func(n int64) string { return strconv.FormatInt(n, 10) }
	switch {
	case s < 60:
		return i(s) + "s"
	case s < 3600:
		return i(s/60) + "m" + i(s%60) + "s"
	case s < 86400:
		return i(s/3600) + "h" + i(s/60%60) + "m"
	}
	return i(s/86400) + "d" + i(s/3600%24) + "h"
}

// latency writes a time as everywhere else, "-" if nothing was measured.
func latency(d time.Duration, n uint64) string {
	if n == 0 {
		return units.None
	}
	return units.Latency(float64(d) / float64(time.Microsecond))
}
