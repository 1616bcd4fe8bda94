package format

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Condition compares a column of one line of the proxy's "show stat" with a
// value:
//
//	condition = proxy "/" server column op value .
//	op        = "==" | "!=" | "<" | "<=" | ">" | ">=" .
//
// The server is FRONTEND or BACKEND for the lines of a proxy itself. Equality
// is of words, the order of numbers. The column status holds its first word
// alone: UP, not UP 1/3.
type Condition struct {
	Text                      string
	Proxy, Server, Column, Op string
	Value                     string
	number                    float64
}

// ParseCondition reads a condition.
func ParseCondition(text string) (Condition, error) {
	words := strings.Fields(text)
	if len(words) != 4 {
		return Condition{}, fmt.Errorf("a condition is written PROXY/SERVER COLUMN OP VALUE, as in: web/web.1 status == DOWN")
	}
	c := Condition{Text: text, Column: words[1], Op: words[2], Value: words[3]}
	var ok bool
	if c.Proxy, c.Server, ok = strings.Cut(words[0], "/"); !ok || c.Proxy == "" || c.Server == "" {
		return c, fmt.Errorf("%q is not a row of the proxy's counters: write PROXY/SERVER, as in web/FRONTEND", words[0])
	}
	operators := []string{"==", "!=", "<", "<=", ">", ">="}
	if !slices.Contains(operators, c.Op) {
		return c, fmt.Errorf("%q is not a comparison; known are %s", c.Op, strings.Join(operators, " "))
	}
	if c.Op != "==" && c.Op != "!=" {
		n, err := strconv.ParseFloat(c.Value, 64)
		if err != nil {
			return c, fmt.Errorf("%s compares numbers, and %q is not a number", c.Op, c.Value)
		}
		c.number = n
	}
	return c, nil
}

// Holds reports whether the condition holds of the text of its column.
func (c Condition) Holds(text string) bool {
	if c.Column == "status" {
		text, _, _ = strings.Cut(text, " ")
	}
	switch c.Op {
	case "==":
		return text == c.Value
	case "!=":
		return text != c.Value
	}
	n, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return false // an empty column is no number
	}
	switch c.Op {
	case "<":
		return n < c.number
	case "<=":
		return n <= c.number
	case ">":
		return n > c.number
	}
	return n >= c.number
}
