package main

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"slices"
	"strings"
)

// mutant is one small mistake.
type mutant struct {
	id   int
	file string
	line int
	what string // the code and what it becomes
}

// key names a mutant by its text, for the list of those that are explained.
func (m *mutant) key() string { return m.file + ": " + m.what }

// edit replaces a stretch of the source.
type edit struct {
	from, to int
	text     string
}

// mutator makes the mutants of one file.
type mutator struct {
	fset    *token.FileSet
	src     []byte
	name    string
	next    *int
	mutants []mutant
	edits   []edit
}

// mutate returns the source of a file with all its mutants, each behind its switch.
func mutate(name string, src []byte, next *int) (out []byte, all []mutant, err error) {
	fset := token.NewFileSet()
	f, err := parser.ParseFile(fset, name, src, parser.ParseComments)
	if err != nil {
		return nil, nil, err
	}
	m := &mutator{fset: fset, src: src, name: name, next: next}
	for _, d := range f.Decls {
		if fn, ok := d.(*ast.FuncDecl); ok && fn.Body != nil {
			m.block(fn.Body.List)
		}
	}
	return apply(src, m.edits), m.mutants, nil
}

// apply carries edits out. Those within others are already in their text.
func apply(src []byte, edits []edit) []byte {
	slices.SortStableFunc(edits, func(a, b edit) int { return a.from - b.from })
	var b bytes.Buffer
	at := 0
	for _, e := range edits {
		b.Write(src[at:e.from])
		b.WriteString(e.text)
		at = e.to
	}
	b.Write(src[at:])
	return b.Bytes()
}

func (m *mutator) offset(p token.Pos) int { return m.fset.Position(p).Offset }

func (m *mutator) text(n ast.Node) string { return string(m.src[m.offset(n.Pos()):m.offset(n.End())]) }

// add notes a mutant and returns its switch.
func (m *mutator) add(at ast.Node, was, is string) string {
	*m.next++
	short := func(s string) string {
		s = strings.Join(strings.Fields(s), " ")
		return s[:min(len(s), 90)]
	}
	m.mutants = append(m.mutants, mutant{*m.next, m.name, m.fset.Position(at.Pos()).Line, short(was) + " => " + short(is)})
	return fmt.Sprintf("mutantOn(%d)", *m.next)
}

// block mutates statements.
func (m *mutator) block(list []ast.Stmt) {
	for _, s := range list {
		m.statement(s)
	}
}

// statement mutates one statement: it is left out, or its conditions change.
func (m *mutator) statement(s ast.Stmt) {
	switch s := s.(type) {
	case *ast.ExprStmt:
		if call, ok := s.X.(*ast.CallExpr); ok && isPanic(call) {
			return
		}
		m.leaveOut(s)
	case *ast.IncDecStmt:
		m.leaveOut(s)
	case *ast.AssignStmt:
		if s.Tok != token.DEFINE {
			m.leaveOut(s)
		}
	case *ast.IfStmt:
		m.condition(s.Cond)
		m.block(s.Body.List)
		if s.Else != nil {
			m.statement(s.Else)
		}
	case *ast.ForStmt:
		if s.Cond != nil {
			m.inner(s.Cond) // a loop that never ends is found out by patience only
		}
		m.block(s.Body.List)
	case *ast.RangeStmt:
		m.block(s.Body.List)
	case *ast.BlockStmt:
		m.block(s.List)
	case *ast.LabeledStmt:
		if _, loop := s.Stmt.(*ast.ForStmt); loop {
			m.statement(s.Stmt)
		}
	case *ast.SwitchStmt:
		for _, c := range s.Body.List {
			clause := c.(*ast.CaseClause)
			if s.Tag == nil {
				for _, e := range clause.List {
					m.condition(e)
				}
			}
			m.block(clause.Body)
		}
	case *ast.TypeSwitchStmt:
		for _, c := range s.Body.List {
			m.block(c.(*ast.CaseClause).Body)
		}
	case *ast.SelectStmt:
		for _, c := range s.Body.List {
			m.block(c.(*ast.CommClause).Body)
		}
	case *ast.ReturnStmt:
		for _, e := range s.Results {
			if isCondition(e) {
				m.condition(e)
			}
		}
	}
}

func isPanic(c *ast.CallExpr) bool {
	id, ok := c.Fun.(*ast.Ident)
	return ok && id.Name == "panic"
}

// leaveOut makes a statement one that is carried out unless its mutant is on.
func (m *mutator) leaveOut(s ast.Stmt) {
	text := m.text(s)
	on := m.add(s, text, "nothing")
	m.edits = append(m.edits, edit{m.offset(s.Pos()), m.offset(s.End()), "if !" + on + " { " + text + " }"})
}

// isCondition reports whether an expression is a comparison or joins some: its type is
// bool for certain.
func isCondition(e ast.Expr) bool {
	switch e := e.(type) {
	case *ast.ParenExpr:
		return isCondition(e.X)
	case *ast.UnaryExpr:
		return e.Op == token.NOT
	case *ast.BinaryExpr:
		switch e.Op {
		case token.LSS, token.LEQ, token.GTR, token.GEQ, token.EQL, token.NEQ, token.LAND, token.LOR:
			return true
		default:
		}
	}
	return false
}

// condition negates a condition as a whole, and mutates what is in it.
func (m *mutator) condition(e ast.Expr) {
	on := m.add(e, m.text(e), "not")
	m.edits = append(m.edits, edit{m.offset(e.Pos()), m.offset(e.End()), "(" + on + " != (" + m.rewritten(e) + "))"})
}

// inner mutates what is in a condition.
func (m *mutator) inner(e ast.Expr) {
	m.edits = append(m.edits, edit{m.offset(e.Pos()), m.offset(e.End()), m.rewritten(e)})
}

// rewritten is the text of a condition with the mutants of its parts.
func (m *mutator) rewritten(e ast.Expr) string {
	b, ok := e.(*ast.BinaryExpr)
	if !ok {
		if p, ok := e.(*ast.ParenExpr); ok {
			return "(" + m.rewritten(p.X) + ")"
		}
		return m.text(e)
	}
	switch b.Op {
	case token.LAND, token.LOR:
		other := token.LOR
		if b.Op == token.LOR {
			other = token.LAND
		}
		x, y := m.rewritten(b.X), m.rewritten(b.Y)
		on := m.add(b, m.text(b), b.Op.String()+" becomes "+other.String())
		// One side is evaluated at a time, as the operators do it.
		if b.Op == token.LAND {
			return fmt.Sprintf("mutantAnd(%s, (%s), func() bool { return %s })", on, x, y)
		}
		return fmt.Sprintf("mutantOr(%s, (%s), func() bool { return %s })", on, x, y)
	case token.LSS, token.LEQ, token.GTR, token.GEQ:
		other := map[token.Token]token.Token{token.LSS: token.LEQ, token.LEQ: token.LSS, token.GTR: token.GEQ, token.GEQ: token.GTR}[b.Op]
		x, y := m.text(b.X), m.text(b.Y)
		on := m.add(b, m.text(b), b.Op.String()+" becomes "+other.String())
		return fmt.Sprintf("(%[1]s && %[2]s %[3]s %[4]s || !%[1]s && %[2]s %[5]s %[4]s)", on, x, other, y, b.Op)
	default:
		return m.text(e)
	}
}

// switches is the source of what turns mutants on, and notes which are reached.
const switches = `package %s

import (
	"os"
	"strconv"
	"sync"
)

var (
	mutantChosen, _ = strconv.Atoi(os.Getenv("MUTANT"))
	mutantTrace     = os.Getenv("MUTANT_TRACE")
	mutantsSeen     [%d]bool
	mutantsMu       sync.Mutex
)

// mutantOn reports whether a mutant is the chosen one.
func mutantOn(id int) bool {
	if mutantTrace != "" {
		mutantNote(id)
	}
	return id == mutantChosen
}

func mutantNote(id int) {
	mutantsMu.Lock()
	defer mutantsMu.Unlock()
	if mutantsSeen[id] {
		return
	}
	mutantsSeen[id] = true
	if f, err := os.OpenFile(mutantTrace, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644); err == nil {
		_, _ = f.WriteString(strconv.Itoa(id) + "\n")
		_ = f.Close()
	}
}

func mutantAnd(on, x bool, y func() bool) bool {
	if on {
		return x || y()
	}
	return x && y()
}

func mutantOr(on, x bool, y func() bool) bool {
	if on {
		return x && y()
	}
	return x || y()
}
`
