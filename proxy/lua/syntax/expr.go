package syntax

import (
	"github.com/yuin/gopher-lua/ast"
)

// node is what has a place.
type node interface{ SetLine(int) }

func at[T node](line int, n T) T {
	n.SetLine(line)
	return n
}

// binary are the operators between two operands: how tightly they bind to the left and to
// the right.
var binary = map[string][2]int{
	"or": {1, 1}, "and": {2, 2},
	"<": {3, 3}, ">": {3, 3}, "<=": {3, 3}, ">=": {3, 3}, "~=": {3, 3}, "==": {3, 3},
	"|": {4, 4}, "~": {5, 5}, "&": {6, 6}, "<<": {7, 7}, ">>": {7, 7},
	"..": {9, 8}, "+": {10, 10}, "-": {10, 10},
	"*": {11, 11}, "/": {11, 11}, "//": {11, 11}, "%": {11, 11},
	"^": {14, 13},
}

const unaryPriority = 12

// maxDepth bounds how deeply expressions and blocks may be nested.
const maxDepth = 200

// Helpers are the operators that become calls: of the function of that name in the table
// that texts are indexed with, which no script can do without.
var Helpers = []string{"//", "&", "|", "~", "<<", ">>", unaryNot}

const unaryNot = "~ "

func helper(line int, name string, operands ...ast.Expr) ast.Expr {
	fn := at(line, &ast.AttrGetExpr{Object: at(line, &ast.StringExpr{}), Key: at(line, &ast.StringExpr{Value: name})})
	return at(line, &ast.FuncCallExpr{Func: fn, Args: operands, AdjustRet: true})
}

func (p *parser) expr() ast.Expr { return p.subexpr(0) }

// subexpr takes an expression of operators that bind more tightly than the limit.
func (p *parser) subexpr(limit int) ast.Expr {
	p.enter()
	defer p.leave()
	var left ast.Expr
	line := p.tok.line
	switch {
	case p.accept("not"):
		left = at(line, &ast.UnaryNotOpExpr{Expr: p.subexpr(unaryPriority)})
	case p.accept("-"):
		left = at(line, &ast.UnaryMinusOpExpr{Expr: p.subexpr(unaryPriority)})
	case p.accept("#"):
		left = at(line, &ast.UnaryLenOpExpr{Expr: p.subexpr(unaryPriority)})
	case p.accept("~"):
		left = helper(line, unaryNot, p.subexpr(unaryPriority))
	default:
		left = p.simple()
	}
	for p.tok.kind == symbol {
		op := p.tok.str
		power, ok := binary[op]
		if !ok || power[0] <= limit {
			break
		}
		line := p.tok.line
		p.take()
		left = operation(line, op, left, p.subexpr(power[1]))
	}
	return left
}

func operation(line int, op string, l, r ast.Expr) ast.Expr {
	switch op {
	case "or", "and":
		return at(line, &ast.LogicalOpExpr{Operator: op, Lhs: l, Rhs: r})
	case "<", ">", "<=", ">=", "~=", "==":
		return at(line, &ast.RelationalOpExpr{Operator: op, Lhs: l, Rhs: r})
	case "..":
		return at(line, &ast.StringConcatOpExpr{Lhs: l, Rhs: r})
	case "//", "&", "|", "~", "<<", ">>":
		return helper(line, op, l, r)
	}
	return at(line, &ast.ArithmeticOpExpr{Operator: op, Lhs: l, Rhs: r})
}

// simple takes an expression without operators.
func (p *parser) simple() ast.Expr {
	t := p.tok
	switch t.kind {
	case number:
		p.take()
		return at(t.line, &ast.NumberExpr{Value: t.str})
	case text:
		p.take()
		return at(t.line, &ast.StringExpr{Value: t.str})
	case symbol:
		switch t.str {
		case "nil":
			p.take()
			return at(t.line, &ast.NilExpr{})
		case "true":
			p.take()
			return at(t.line, &ast.TrueExpr{})
		case "false":
			p.take()
			return at(t.line, &ast.FalseExpr{})
		case "...":
			if !p.fn.varargs {
				p.fail("cannot use '...' outside a vararg function near '...'")
			}
			p.take()
			return at(t.line, &ast.Comma3Expr{})
		case "{":
			return p.table()
		case "function":
			p.take()
			return p.function(t.line)
		}
	case end, name:
	}
	return p.suffixed()
}

// suffixed takes a name, or an expression in parentheses, with all that follows it.
func (p *parser) suffixed() ast.Expr {
	line := p.tok.line
	var e ast.Expr
	switch {
	case p.tok.kind == name:
		e = p.variable()
	case p.accept("("):
		e = p.expr()
		p.close(")", "(", line)
		switch x := e.(type) {
		case *ast.FuncCallExpr:
			x.AdjustRet = true
		case *ast.Comma3Expr:
			x.AdjustRet = true
		case *ast.IdentExpr, *ast.AttrGetExpr:
			p.parenthesized = e
		}
	default:
		p.unexpected("unexpected symbol")
	}
	for p.tok.kind == symbol || p.tok.kind == text {
		line := p.tok.line
		switch {
		case p.tok.kind == text || p.is("(") || p.is("{"):
			e = at(line, &ast.FuncCallExpr{Func: e, Args: p.arguments()})
		case p.accept("."):
			e = at(line, &ast.AttrGetExpr{Object: e, Key: at(line, &ast.StringExpr{Value: p.name()})})
		case p.accept("["):
			key := p.expr()
			p.want("]")
			e = at(line, &ast.AttrGetExpr{Object: e, Key: key})
		case p.accept(":"):
			method := p.name()
			e = at(line, &ast.FuncCallExpr{Receiver: e, Method: method, Args: p.arguments()})
		default:
			return e
		}
	}
	return e
}

// variable takes a name as an expression.
func (p *parser) variable() ast.Expr {
	line := p.tok.line
	n := p.name()
	if n == "_ENV" {
		p.fail("'_ENV' is not supported")
	}
	return at(line, &ast.IdentExpr{Value: n})
}

// arguments takes those of a call.
func (p *parser) arguments() []ast.Expr {
	line := p.tok.line
	switch {
	case p.tok.kind == text:
		s := at(line, &ast.StringExpr{Value: p.tok.str})
		p.take()
		return []ast.Expr{s}
	case p.is("{"):
		return []ast.Expr{p.table()}
	}
	if !p.accept("(") {
		p.unexpected("function arguments expected")
	}
	if p.accept(")") {
		return []ast.Expr{}
	}
	list := p.exprs()
	p.close(")", "(", line)
	return list
}

func (p *parser) exprs() []ast.Expr {
	list := []ast.Expr{p.expr()}
	for p.accept(",") {
		list = append(list, p.expr())
	}
	return list
}

// table takes a constructor.
func (p *parser) table() ast.Expr {
	line := p.tok.line
	p.want("{")
	fields := []*ast.Field{}
	for !p.is("}") {
		f := &ast.Field{}
		switch {
		case p.accept("["):
			f.Key = p.expr()
			p.want("]")
			p.want("=")
			f.Value = p.expr()
		case p.tok.kind == name && p.ahead().str == "=" && p.ahead().kind == symbol:
			f.Key = at(p.tok.line, &ast.StringExpr{Value: p.name()})
			p.want("=")
			f.Value = p.expr()
		default:
			f.Value = p.expr()
		}
		fields = append(fields, f)
		if !p.accept(",") && !p.accept(";") {
			break
		}
	}
	p.close("}", "{", line)
	return at(line, &ast.TableExpr{Fields: fields})
}

// function takes parameters and body of one.
func (p *parser) function(line int) *ast.FunctionExpr {
	params := &ast.ParList{Names: []string{}}
	p.want("(")
	for !p.is(")") {
		if p.accept("...") {
			params.HasVargs = true
			break
		}
		params.Names = append(params.Names, p.name())
		if !p.accept(",") {
			break
		}
	}
	p.want(")")
	outer := p.fn
	p.fn = function{varargs: params.HasVargs}
	body := p.block(false)
	p.fn = outer
	last := p.tok.line
	p.close("end", "function", line)
	f := at(line, &ast.FunctionExpr{ParList: params, Stmts: body})
	f.SetLastLine(last)
	return f
}
