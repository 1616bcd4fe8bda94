package mysql

import (
	"fmt"
	"slices"
	"strings"

	"bench/loadgen/codec"
	"bench/loadgen/template"
)

// Bounds of statements.
const (
	maxStatement   = 1 << 20 // bytes of the text of one
	maxTransaction = 1000    // statements
	maxParams      = 1000
	maxMySQLText   = 255     // bytes of a user and of the name of a database
	maxPacketText  = 1 << 23 // bytes of a statement with its variables replaced
)

// Problems says what is wrong with m, apart from its statements taken by
// themselves.
func (m *Spec) Problems() []codec.Problem {
	var bad codec.Problems
	for field, text := range map[string]string{"user": m.User, "database": m.Database} {
		if len(text) > maxMySQLText || strings.ContainsRune(text, 0) {
			bad.Add(field, "%s %.32q...: want at most %d bytes, none of them NUL", field, text, maxMySQLText)
		}
	}
	for i, text := range m.Connect {
		if strings.TrimSpace(text) == "" || len(text) > maxStatement {
			bad.Add(fmt.Sprintf("connect[%d]", i), "connect: a statement of %d bytes: want 1 to %d", len(text), maxStatement)
		}
	}
	names := make([]string, len(m.Statements))
	for i := range m.Statements {
		names[i] = m.Statements[i].Name
	}
	bad.Names("statements", names)
	if slices.ContainsFunc(m.Statements, func(s Statement) bool { return len(s.Transaction) > 0 }) {
		for i := range m.Statements {
			if q := m.Statements[i].Query; bounds(q) {
				bad.Add(fmt.Sprintf("statements[%d].query", i), "query %.32q: beside requests that are transactions, none may begin or end one: want it as a transaction", q)
			}
		}
	}
	return bad
}

// bounds reports whether a statement begins or ends a transaction.
func bounds(query string) bool {
	words := strings.Fields(strings.ToLower(strings.TrimRight(query, "; ")))
	if len(words) == 0 {
		return false
	}
	switch words[0] {
	case "begin", "commit", "rollback":
		return true
	case "start":
		return len(words) > 1 && words[1] == "transaction"
	}
	return false
}

// Problems says what is wrong with a statement.
func (s *Statement) Problems() []codec.Problem {
	var bad codec.Problems
	if s.Weight < 0 || s.Weight > codec.MaxWeight {
		bad.Add("weight", "weight %d: want 1 to %d", s.Weight, codec.MaxWeight)
	}
	if s.Query != "" && len(s.Transaction) > 0 {
		bad.Add("transaction", "want one of query and transaction")
	}
	if s.Prepared && s.Query == "" {
		bad.Add("prepared", "only a query can be prepared")
	}
	switch marks := strings.Count(s.Query, "?"); {
	case len(s.Params) > 0 && !s.Prepared:
		bad.Add("params", "parameters belong to a prepared query")
	case len(s.Params) > maxParams:
		bad.Add("params", "%d parameters: want at most %d", len(s.Params), maxParams)
	case s.Prepared && len(s.Params) > marks: // a mark may stand in a text
		bad.Add("params", "%d parameters for %d question marks", len(s.Params), marks)
	}
	if s.Prepared && strings.Contains(s.Query, "{{") {
		bad.Add("query", "a prepared query is the same each time: want its variables among params")
	} else if s.Query != "" {
		checkStatement(&bad, "query", s.Query)
	}
	if len(s.Transaction) > maxTransaction {
		bad.Add("transaction", "%d statements: want at most %d", len(s.Transaction), maxTransaction)
	}
	for i, text := range s.Transaction {
		checkStatement(&bad, fmt.Sprintf("transaction[%d]", i), text)
	}
	for i, text := range s.Params {
		if t, err := template.Parse(text); err != nil {
			bad.Add(fmt.Sprintf("params[%d]", i), "parameter %d: %s", i+1, err)
		} else if t.Longest() > maxPacketText/int64(len(s.Params)) {
			bad.Add(fmt.Sprintf("params[%d]", i), "parameter %d: with its variables too long for a packet", i+1)
		}
	}
	x := &s.Expect
	for field, n := range map[string]*int64{"rows": x.Rows, "affected": x.Affected} {
		if n != nil && *n < 0 {
			bad.Add("expect."+field, "expected %s %d: want 0 or more", field, *n)
		}
	}
	if x.Error < 0 || x.Error > 1<<16-1 {
		bad.Add("expect.error", "expected error %d: want the number of an error", x.Error)
	}
	if x.Error != 0 && (x.Rows != nil || x.Affected != nil) {
		bad.Add("expect.error", "expected error: nothing else can be expected with it")
	}
	return bad
}

// checkStatement checks a statement that is sent as text.
func checkStatement(p *codec.Problems, field, text string) {
	word, _, _ := strings.Cut(strings.TrimSpace(text), " ")
	t, err := template.Parse(text)
	switch {
	case err != nil:
		p.Add(field, "statement: %s", err)
	case word == "" || len(text) > maxStatement:
		p.Add(field, "a statement of %d bytes: want 1 to %d", len(text), maxStatement)
	case t.Longest() > maxPacketText:
		p.Add(field, "statement: with its variables too long for a packet")
	case strings.EqualFold(word, "LOAD"):
		p.Add(field, "statement LOAD: files of clients are not sent")
	}
}
