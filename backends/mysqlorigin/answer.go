package mysqlorigin

import (
	"fmt"
	"strings"

	"bench/internal/mysqlwire"
)

// Answer is a row of the table of statements.
type Answer struct {
	// Query is the statement, compared without regard to case, comments and the
	// amount of space; * stands for any text, ? for a parameter.
	Query string
	// Columns and Rows make a result. Values must be what the columns' types
	// can hold.
	Columns []mysqlwire.Column
	Rows    [][]mysqlwire.Value
	// Affected and InsertID make an OK, where there are no columns.
	Affected, InsertID uint64
	// Error makes an error; its Code is not 0.
	Error Error
}

// Error is an error of MySQL.
type Error struct {
	Code    int    // 1000 to 9999
	State   string // five characters; "" is HY000
	Message string
}

const (
	anyState   = "HY000"
	maxColumns = 4096
)

// answer is an Answer with its packets ready.
type answer struct {
	*Answer
	pattern []byte // normalized
	packets [formats][]byte
}

// formats are the combinations of mysqlwire.Format, but for the status.
const formats = 4

func formatIndex(binary, noEOF bool) int {
	i := 0
	if binary {
		i |= 1
	}
	if noEOF {
		i |= 2
	}
	return i
}

func newAnswer(a *Answer) (*answer, error) {
	out := &answer{Answer: a, pattern: normalize(nil, []byte(a.Query))}
	if len(out.pattern) == 0 {
		return nil, fmt.Errorf("it has no query")
	}
	switch e := &a.Error; {
	case e.Code == 0 && (e.State != "" || e.Message != ""):
		return nil, fmt.Errorf("its error has no code: want 1000 to 9999")
	case e.Code != 0 && (e.Code < 1000 || e.Code > 9999):
		return nil, fmt.Errorf("invalid code %d of its error: want 1000 to 9999", e.Code)
	case e.State != "" && len(e.State) != 5:
		return nil, fmt.Errorf("invalid state %q of its error: want five characters", e.State)
	case e.Code != 0 && len(a.Columns) > 0:
		return nil, fmt.Errorf("it has both columns and an error")
	}
	if len(a.Columns) == 0 {
		if len(a.Rows) > 0 {
			return nil, fmt.Errorf("it has rows but no columns")
		}
		return out, nil
	}
	if len(a.Columns) > maxColumns {
		return nil, fmt.Errorf("%d columns: want at most %d", len(a.Columns), maxColumns)
	}
	for i := range formats {
		f := mysqlwire.Format{Binary: i&1 != 0, NoEOF: i&2 != 0, Status: mysqlwire.StatusAutocommit}
		var err error
		if out.packets[i], err = mysqlwire.AppendResult(nil, a.Columns, a.Rows, f); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// ParseColumn reads "name" or "name type", with type text, int, real or blob.
func ParseColumn(text string) (mysqlwire.Column, error) {
	name, word, _ := strings.Cut(strings.TrimSpace(text), " ")
	c := mysqlwire.Column{Name: name, Type: mysqlwire.Text}
	switch strings.TrimSpace(word) {
	case "", "text":
	case "int":
		c.Type = mysqlwire.Int
	case "real":
		c.Type = mysqlwire.Real
	case "blob":
		c.Type = mysqlwire.Blob
	default:
		return c, fmt.Errorf("unknown type %q of column %s: want text, int, real or blob", word, name)
	}
	if name == "" {
		return c, fmt.Errorf("a column has no name")
	}
	return c, nil
}

// find is the answer to a normalized statement, nil if there is none.
func (cfg *Config) find(text []byte) *answer {
	for _, a := range cfg.answers {
		if matches(a.pattern, text) {
			return a
		}
	}
	return nil
}

// matches compares with a pattern in which * stands for any text. It goes back
// to the last star only, so that its cost is bounded by the product of lengths.
func matches(pattern, s []byte) bool {
	star, from := -1, 0
	p, i := 0, 0
	for i < len(s) {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, from = p, i
			p++
		case p < len(pattern) && pattern[p] == s[i]:
			p, i = p+1, i+1
		case star >= 0:
			from++
			p, i = star+1, from
		default:
			return false
		}
	}
	for p < len(pattern) && pattern[p] == '*' {
		p++
	}
	return p == len(pattern)
}

// normalize appends a statement in lower case outside of quotes, without
// comments, with single spaces, and without those and semicolons at the ends.
func normalize(out, in []byte) []byte { return tidy(out, in, 0x20) }

// asWritten is normalize in the case of the statement: each byte stands where it
// stands in that.
func asWritten(in []byte) string { return string(tidy(nil, in, 0)) }

// tidy does the work of both; fold is what capitals differ by in the end.
func tidy(out, in []byte, fold byte) []byte {
	begin := len(out)
	space := false
	for i := 0; i < len(in); {
		c := in[i]
		if n := skip(in[i:]); n > 0 {
			space = true
			i += n
			continue
		}
		if space && len(out) > begin {
			out = append(out, ' ')
		}
		space = false
		if c == '\'' || c == '"' || c == '`' {
			n := quoted(in[i:])
			out = append(out, in[i:i+n]...)
			i += n
			continue
		}
		if c >= 'A' && c <= 'Z' {
			c |= fold
		}
		out = append(out, c)
		i++
	}
	for len(out) > begin && (out[len(out)-1] == ';' || out[len(out)-1] == ' ') {
		out = out[:len(out)-1]
	}
	return out
}

// skip is the length of the space or comment at the beginning of s.
func skip(s []byte) int {
	switch c := s[0]; {
	case c == ' ' || c == '\t' || c == '\r' || c == '\n':
		return 1
	case c == '/' && len(s) > 1 && s[1] == '*':
		for i := 2; i+1 < len(s); i++ {
			if s[i] == '*' && s[i+1] == '/' {
				return i + 2
			}
		}
		return len(s)
	case c == '#', c == '-' && len(s) > 2 && s[1] == '-' && s[2] <= ' ':
		for i, c := range s {
			if c == '\n' {
				return i + 1
			}
		}
		return len(s)
	}
	return 0
}

// quoted is the length of the quoted text at the beginning of s.
func quoted(s []byte) int {
	for i := 1; i < len(s); i++ {
		switch {
		case s[i] == '\\' && s[0] != '`':
			i++
		case s[i] == s[0]:
			if i+1 < len(s) && s[i+1] == s[0] { // doubled, it stands for itself
				i++
				continue
			}
			return i + 1
		}
	}
	return len(s)
}

// params counts the parameters of a normalized statement.
func params(text []byte) (n int) {
	for i := 0; i < len(text); {
		switch text[i] {
		case '?':
			n++
			i++
		case '\'', '"', '`':
			i += quoted(text[i:])
		default:
			i++
		}
	}
	return n
}
