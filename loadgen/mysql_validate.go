package loadgen

import (
	"fmt"
	"slices"
	"strings"
)

// Bounds of statements.
const (
	maxStatement   = 1 << 20 // bytes of the text of one
	maxTransaction = 1000    // statements
	maxParams      = 1000
	maxMySQLText   = 255     // bytes of a user and of the name of a database
	maxPacketText  = 1 << 23 // bytes of a statement with its variables replaced
)

func validateMySQL(s *Spec, bad func(string, ...any)) {
	if s.Trace != nil {
		bad("protocol mysql replays no traces: only http1 does")
	}
	if s.Connections.Pipeline > 1 {
		bad("protocol mysql sends nothing ahead: want pipeline 1")
	}
	for _, p := range s.MySQL.Problems() {
		bad("%s", p.Text)
	}
	for i := range s.MySQL.Statements {
		t := &s.MySQL.Statements[i]
		in := ""
		if t.Name != "" {
			in = fmt.Sprintf("request %s: ", t.Name)
		}
		for _, p := range t.Problems() {
			bad("%s%s", in, p.Text)
		}
	}
}

// Problems tells what is wrong with m, apart from its statements taken by
// themselves.
func (m *MySQL) Problems() []Problem {
	var bad problems
	for field, text := range map[string]string{"user": m.User, "database": m.Database} {
		if len(text) > maxMySQLText || strings.ContainsRune(text, 0) {
			bad.add(field, "%s %.32q...: want at most %d bytes, none of them NUL", field, text, maxMySQLText)
		}
	}
	for i, text := range m.Connect {
		if strings.TrimSpace(text) == "" || len(text) > maxStatement {
			bad.add(fmt.Sprintf("connect[%d]", i), "connect: a statement of %d bytes: want 1 to %d", len(text), maxStatement)
		}
	}
	names := make([]string, len(m.Statements))
	for i := range m.Statements {
		names[i] = m.Statements[i].Name
	}
	bad.names("statements", names)
	if slices.ContainsFunc(m.Statements, func(s Statement) bool { return len(s.Transaction) > 0 }) {
		for i := range m.Statements {
			if q := m.Statements[i].Query; bounds(q) {
				bad.add(fmt.Sprintf("statements[%d].query", i), "query %.32q: beside requests that are transactions, none may begin or end one: want it as a transaction", q)
			}
		}
	}
	return bad
}

// bounds tells whether a statement begins or ends a transaction.
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

// Problems tells what is wrong with a statement.
func (s *Statement) Problems() []Problem {
	var bad problems
	if s.Weight < 0 || s.Weight > maxWeight {
		bad.add("weight", "weight %d: want 1 to %d", s.Weight, maxWeight)
	}
	if s.Query != "" && len(s.Transaction) > 0 {
		bad.add("transaction", "want one of query and transaction")
	}
	if s.Prepared && s.Query == "" {
		bad.add("prepared", "only a query can be prepared")
	}
	switch marks := strings.Count(s.Query, "?"); {
	case len(s.Params) > 0 && !s.Prepared:
		bad.add("params", "parameters belong to a prepared query")
	case len(s.Params) > maxParams:
		bad.add("params", "%d parameters: want at most %d", len(s.Params), maxParams)
	case s.Prepared && len(s.Params) > marks: // a mark may stand in a text
		bad.add("params", "%d parameters for %d question marks", len(s.Params), marks)
	}
	if s.Prepared && strings.Contains(s.Query, "{{") {
		bad.add("query", "a prepared query is the same each time: want its variables among params")
	} else if s.Query != "" {
		bad.statement("query", s.Query)
	}
	if len(s.Transaction) > maxTransaction {
		bad.add("transaction", "%d statements: want at most %d", len(s.Transaction), maxTransaction)
	}
	for i, text := range s.Transaction {
		bad.statement(fmt.Sprintf("transaction[%d]", i), text)
	}
	for i, text := range s.Params {
		if t, err := parseTemplate(text); err != nil {
			bad.add(fmt.Sprintf("params[%d]", i), "parameter %d: %s", i+1, err)
		} else if t.longest() > maxPacketText/int64(len(s.Params)) {
			bad.add(fmt.Sprintf("params[%d]", i), "parameter %d: with its variables too long for a packet", i+1)
		}
	}
	x := &s.Expect
	for field, n := range map[string]*int64{"rows": x.Rows, "affected": x.Affected} {
		if n != nil && *n < 0 {
			bad.add("expect."+field, "expected %s %d: want 0 or more", field, *n)
		}
	}
	if x.Error < 0 || x.Error > 1<<16-1 {
		bad.add("expect.error", "expected error %d: want the number of one", x.Error)
	}
	if x.Error != 0 && (x.Rows != nil || x.Affected != nil) {
		bad.add("expect.error", "expected error: nothing else can be expected with it")
	}
	return bad
}

// statement checks a statement that is sent as text.
func (p *problems) statement(field, text string) {
	word, _, _ := strings.Cut(strings.TrimSpace(text), " ")
	t, err := parseTemplate(text)
	switch {
	case err != nil:
		p.add(field, "statement: %s", err)
	case word == "" || len(text) > maxStatement:
		p.add(field, "a statement of %d bytes: want 1 to %d", len(text), maxStatement)
	case t.longest() > maxPacketText:
		p.add(field, "statement: with its variables too long for a packet")
	case strings.EqualFold(word, "LOAD"):
		p.add(field, "statement LOAD: files of clients are not sent")
	}
}

// longest is the greatest length of the template with its variables replaced.
func (t template) longest() (n int64) {
	const digits = 20
	for i := range t {
		switch t[i].kind {
		case constant:
			n += int64(len(t[i].text))
		case varHex, varLetters:
			n += t[i].a
		default:
			n += digits
		}
	}
	return n
}
