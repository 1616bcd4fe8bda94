package syntax

import (
	"fmt"

	"github.com/yuin/gopher-lua/ast"
)

// parser makes the tree of a script.
type parser struct {
	lex   *lexer
	tok   token  // the next one
	after *token // the one behind it, if it was looked at
	fn    function
	depth int
	// parenthesized is the last variable that stood in parentheses, which nothing can be
	// assigned to.
	parenthesized ast.Expr
}

// function is the one whose body is read.
type function struct {
	varargs bool
	loops   int
}

func (p *parser) take() {
	if p.after != nil {
		p.tok, p.after = *p.after, nil
		return
	}
	p.tok = p.lex.next()
}

// ahead is the token behind the next one.
func (p *parser) ahead() token {
	if p.after == nil {
		t := p.lex.next()
		p.after = &t
	}
	return *p.after
}

func (p *parser) is(s string) bool { return p.tok.kind == symbol && p.tok.str == s }

func (p *parser) accept(s string) bool {
	if !p.is(s) {
		return false
	}
	p.take()
	return true
}

func (p *parser) want(s string) {
	if !p.accept(s) {
		p.unexpected(fmt.Sprintf("'%s' expected", s))
	}
}

// close takes what ends something that began in a line.
func (p *parser) close(s, opening string, line int) {
	switch {
	case p.accept(s):
	case line == p.tok.line:
		p.unexpected(fmt.Sprintf("'%s' expected", s))
	default:
		p.unexpected(fmt.Sprintf("'%s' expected (to close '%s' at line %d)", s, opening, line))
	}
}

func (p *parser) name() string {
	if p.tok.kind != name {
		p.unexpected("<name> expected")
	}
	s := p.tok.str
	p.take()
	return s
}

func (p *parser) fail(msg string) { p.lex.fail(p.tok.line, "%s", msg) }

// unexpected reports the next token.
func (p *parser) unexpected(msg string) {
	near := p.tok.str
	if p.tok.kind == end {
		near = "<eof>"
	}
	p.fail(fmt.Sprintf("%s near '%s'", msg, near))
}

func (p *parser) enter() {
	if p.depth++; p.depth > maxDepth {
		p.fail("chunk has too many syntax levels")
	}
}

func (p *parser) leave() { p.depth-- }

// block takes statements up to what ends them.
func (p *parser) block(main bool) []ast.Stmt {
	p.enter()
	defer p.leave()
	if main {
		p.fn = function{varargs: true}
	}
	list := []ast.Stmt{}
	for !p.blockEnds() {
		if p.is("return") {
			return append(list, p.returns())
		}
		if s := p.statement(); s != nil {
			list = append(list, s)
		}
	}
	return list
}

func (p *parser) blockEnds() bool {
	return p.tok.kind == end || p.is("end") || p.is("else") || p.is("elseif") || p.is("until")
}

func (p *parser) returns() ast.Stmt {
	line := p.tok.line
	p.take()
	r := at(line, &ast.ReturnStmt{})
	if !p.blockEnds() && !p.is(";") {
		r.Exprs = p.exprs()
	}
	p.accept(";")
	if !p.blockEnds() {
		p.unexpected("'<eof>' expected")
	}
	return r
}

// statement takes one; nil for an empty one.
func (p *parser) statement() ast.Stmt {
	line := p.tok.line
	if p.tok.kind == symbol {
		switch p.tok.str {
		case ";":
			p.take()
			return nil
		case "if":
			return p.ifs()
		case "while":
			p.take()
			cond := p.expr()
			p.want("do")
			s := at(line, &ast.WhileStmt{Condition: cond, Stmts: p.loop()})
			p.closing(s, "while", line)
			return s
		case "do":
			p.take()
			s := at(line, &ast.DoBlockStmt{Stmts: p.block(false)})
			p.closing(s, "do", line)
			return s
		case "for":
			return p.fors()
		case "repeat":
			p.take()
			body := p.loop()
			p.close("until", "repeat", line)
			last := p.tok.line
			s := at(line, &ast.RepeatStmt{Stmts: body, Condition: p.expr()})
			s.SetLastLine(last)
			return s
		case "function":
			return p.functions()
		case "local":
			p.take()
			return p.locals(line)
		case "::":
			p.take()
			s := at(line, &ast.LabelStmt{Name: p.name()})
			p.want("::")
			return s
		case "break":
			p.take()
			if p.fn.loops == 0 {
				p.lex.fail(line, "<break> at line %d not inside a loop near '%s'", line, p.tok.str)
			}
			return at(line, &ast.BreakStmt{})
		case "goto":
			p.take()
			return at(line, &ast.GotoStmt{Label: p.name()})
		}
	}
	return p.exprStatement()
}

// loop takes the body of one.
func (p *parser) loop() []ast.Stmt {
	p.fn.loops++
	body := p.block(false)
	p.fn.loops--
	return body
}

// closing takes the "end" of a statement.
func (p *parser) closing(s ast.Stmt, opening string, line int) {
	s.SetLastLine(p.tok.line)
	p.close("end", opening, line)
}

func (p *parser) ifs() ast.Stmt {
	first := p.tok.line
	p.take()
	cond := p.expr()
	p.want("then")
	all := at(first, &ast.IfStmt{Condition: cond, Then: p.block(false)})
	last := all
	for p.is("elseif") {
		line := p.tok.line
		p.take()
		cond := p.expr()
		p.want("then")
		next := at(line, &ast.IfStmt{Condition: cond, Then: p.block(false)})
		last.Else = []ast.Stmt{next}
		last = next
	}
	if p.accept("else") {
		last.Else = p.block(false)
	}
	p.closing(all, "if", first)
	return all
}

func (p *parser) fors() ast.Stmt {
	line := p.tok.line
	p.take()
	names := []string{p.name()}
	if p.accept("=") {
		s := at(line, &ast.NumberForStmt{Name: names[0], Init: p.expr()})
		p.want(",")
		s.Limit = p.expr()
		if p.accept(",") {
			s.Step = p.expr()
		}
		p.want("do")
		s.Stmts = p.loop()
		p.closing(s, "for", line)
		return s
	}
	for p.accept(",") {
		names = append(names, p.name())
	}
	if !p.accept("in") {
		p.unexpected("'=' or 'in' expected")
	}
	s := at(line, &ast.GenericForStmt{Names: names, Exprs: p.exprs()})
	p.want("do")
	s.Stmts = p.loop()
	p.closing(s, "for", line)
	return s
}

func (p *parser) functions() ast.Stmt {
	line := p.tok.line
	p.take()
	fn := p.variable()
	n := &ast.FuncName{}
	for p.is(".") || p.is(":") {
		method := p.is(":")
		p.take()
		line := p.tok.line
		key := p.name()
		if method {
			n.Receiver, n.Method = fn, key
			break
		}
		fn = at(line, &ast.AttrGetExpr{Object: fn, Key: at(line, &ast.StringExpr{Value: key})})
	}
	if n.Receiver == nil {
		n.Func = fn
	}
	// The compiler adds the parameter "self" of a method by itself.
	s := at(line, &ast.FuncDefStmt{Name: n, Func: p.function(line)})
	s.SetLastLine(s.Func.LastLine())
	return s
}

func (p *parser) locals(line int) ast.Stmt {
	if p.accept("function") {
		n := p.name()
		fn := p.function(line)
		s := at(line, &ast.LocalAssignStmt{Names: []string{n}, Exprs: []ast.Expr{fn}})
		s.SetLastLine(fn.LastLine())
		return s
	}
	s := at(line, &ast.LocalAssignStmt{Exprs: []ast.Expr{}})
	for {
		s.Names = append(s.Names, p.localName())
		if !p.accept(",") {
			break
		}
	}
	if p.accept("=") {
		s.Exprs = p.exprs()
	}
	if len(s.Names) == 1 && len(s.Exprs) == 1 {
		if _, ok := s.Exprs[0].(*ast.FunctionExpr); ok {
			// Without a second value the compiler takes it for a "local function", which
			// can call itself by the name.
			s.Exprs = append(s.Exprs, at(line, &ast.NilExpr{}))
		}
	}
	return s
}

// localName takes the name of a local variable. "<const>" of Lua 5.4 may follow.
func (p *parser) localName() string {
	n := p.name()
	if n == "_ENV" {
		p.fail("'_ENV' is not supported")
	}
	if p.accept("<") {
		if attr := p.name(); attr != "const" {
			p.fail(fmt.Sprintf("attribute '%s' is not supported", attr))
		}
		p.want(">")
	}
	return n
}

// exprStatement takes a call, or an assignment.
func (p *parser) exprStatement() ast.Stmt {
	line := p.tok.line
	first := p.suffixed()
	if p.is("=") || p.is(",") {
		targets := []ast.Expr{p.target(first)}
		for p.accept(",") {
			targets = append(targets, p.target(p.suffixed()))
		}
		p.want("=")
		return at(line, &ast.AssignStmt{Lhs: targets, Rhs: p.exprs()})
	}
	call, ok := first.(*ast.FuncCallExpr)
	if !ok || call.AdjustRet {
		p.unexpected("syntax error")
	}
	return at(line, &ast.FuncCallStmt{Expr: call})
}

// target checks that something can be assigned to.
func (p *parser) target(e ast.Expr) ast.Expr {
	switch e.(type) {
	case *ast.IdentExpr, *ast.AttrGetExpr:
		if e != p.parenthesized {
			return e
		}
	}
	p.unexpected("syntax error")
	return nil
}
