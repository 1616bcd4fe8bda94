package mysqlorigin

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml"

	"bench/internal/mysqlwire"
)

// Row is an Answer as people write it, in a scenario or in a file of answers.
type Row struct {
	// Query as Answer.Query.
	Query string `yaml:"query" json:"query"`
	// Columns are names, with a type behind if it is not text: "id int".
	Columns []string `yaml:"columns" json:"columns,omitempty"`
	// Rows of values; null is NULL.
	Rows [][]*string `yaml:"rows" json:"rows,omitempty"`
	// Affected is the number of rows a statement without columns changes.
	Affected uint64 `yaml:"affected" json:"affected,omitempty"`
	// InsertID is the number such a statement gave to a row.
	InsertID uint64 `yaml:"insertId" json:"insertId,omitempty"`
	// Error is a number and a message, with a state between them if it is not
	// HY000: "1213 40001 Deadlock found".
	Error string `yaml:"error" json:"error,omitempty"`
}

// Answer checks a row.
func (r *Row) Answer() (Answer, error) {
	a := Answer{Query: r.Query, Affected: r.Affected, InsertID: r.InsertID}
	for _, text := range r.Columns {
		c, err := ParseColumn(text)
		if err != nil {
			return a, err
		}
		a.Columns = append(a.Columns, c)
	}
	for _, row := range r.Rows {
		values := make([]mysqlwire.Value, len(row))
		for i, v := range row {
			if v == nil {
				values[i].Null = true
			} else {
				values[i].Text = *v
			}
		}
		a.Rows = append(a.Rows, values)
	}
	if r.Error != "" {
		code, message, _ := strings.Cut(r.Error, " ")
		n, err := strconv.Atoi(code)
		if err != nil {
			return a, fmt.Errorf("invalid error %q: want a number and a message, like 1213 40001 Deadlock found", r.Error)
		}
		a.Error = Error{Code: n, Message: message}
		if state, rest, ok := strings.Cut(message, " "); ok && isState(state) {
			a.Error.State, a.Error.Message = state, rest
		}
	}
	_, err := newAnswer(&a)
	return a, err
}

// isState reports whether a word is an SQLSTATE: five digits and capitals, the
// first of the usual classes a digit or HY.
func isState(s string) bool {
	if len(s) != 5 || s[0] > '9' && s[:2] != "HY" && s[:2] != "XA" {
		return false
	}
	for _, c := range s {
		if (c < '0' || c > '9') && (c < 'A' || c > 'Z') {
			return false
		}
	}
	return true
}

// ParseAnswers reads a file of answers, a YAML or JSON list of rows. Errors of
// the text name line and column.
func ParseAnswers(text []byte) ([]Answer, error) {
	var rows []Row
	if err := yaml.UnmarshalWithOptions(text, &rows, yaml.Strict()); err != nil {
		return nil, fmt.Errorf("%s", strings.TrimSpace(yaml.FormatError(err, false, true)))
	}
	var out []Answer
	for i := range rows {
		a, err := rows[i].Answer()
		if err != nil {
			return nil, fmt.Errorf("answer %d: %w", i+1, err)
		}
		out = append(out, a)
	}
	return out, nil
}
