package cli

import (
	"fmt"
	"os"
	"strings"

	"bench/proxy/logformat"
	"bench/proxy/sample"
	"bench/proxy/txn"
)

func variableCommands() []Command {
	return []Command{
		{Words: "get var", Args: "<name>", Level: Operator, Help: "show a variable of the process", Fn: getVar},
		{Words: "set var", Args: "<name> [fmt|expr] {<fmt>|<expr>}", Level: Operator, Experimental: true, Help: "set a variable of the process from an expression or a format", Fn: setVar},
	}
}

// valueSize bounds the text of a variable that is shown.
const valueSize = 16 << 10

func getVar(r *request) error {
	if r.arg(0) == "" {
		return r.fail("Missing process-wide variable identifier.")
	}
	var v txn.Value
	if name, ok := strings.CutPrefix(r.arg(0), "proc."); ok {
		if s := r.s.engine.Variables().Process.Find(name); s != nil {
			v = s.Get()
		}
	}
	if v.Kind == txn.None {
		return r.fail("Variable not found.")
	}
	text := fmt.Sprintf("%s: type=%s value=", r.arg(0), typeName(v.Kind))
	if !sample.NewContext(valueSize, 0).Cast(&v, txn.Str) {
		return r.brief(sevInfo, text+"undisplayable")
	}
	shown := []byte(text + "<")
	for _, c := range v.B {
		if c < ' ' || c > '~' {
			c = '.'
		}
		shown = append(shown, c)
	}
	return r.brief(sevInfo, string(shown)+">")
}

// typeName is what the reference calls a kind of values.
func typeName(k txn.Kind) string {
	switch k {
	case txn.Bool:
		return "bool"
	case txn.Bin:
		return "bin"
	case txn.Method:
		return "meth"
	case txn.Int, txn.IPv4, txn.Address, txn.IPv6, txn.Str, txn.None, txn.NumKinds:
	}
	return kindName(k)
}

func setVar(r *request) error {
	name, kind, text := r.arg(0), "expr", r.arg(1)
	switch {
	case name == "":
		return r.fail("Missing process-wide variable identifier.")
	case text == "":
		return r.fail("Missing either 'expr', 'fmt' or expression.")
	}
	if r.arg(2) != "" {
		kind, text = r.arg(1), r.arg(2)
	}
	if kind != "expr" && kind != "fmt" {
		return r.brief(sevError, "'set var': arg type must be either 'expr' or 'fmt' but got '"+kind+"'.")
	}
	own, refusal := processVar(name)
	if refusal != "" {
		return r.brief(sevError, refusal)
	}
	run, err := r.s.compile(kind, text)
	if err != nil {
		return r.brief(sevError, err.Error())
	}
	var v txn.Value
	r.s.engine.Evaluate(func(c *sample.Context) {
		if x := run(c); x != nil {
			r.s.engine.Variables().Process.Declare(own).Set(x)
			v = *x
		}
	})
	if v.Kind == txn.None {
		return r.fail("'set var': the expression has no value.")
	}
	return nil
}

// processVar is the name of a variable of the process without its scope, or why it is
// none.
func processVar(name string) (own, refusal string) {
	scope, own, _ := strings.Cut(name, ".")
	switch scope {
	case "proc", "sess", "txn", "req", "res", "check":
	default:
		own = ""
	}
	if own == "" {
		return "", fmt.Sprintf("invalid variable name '%s'. A variable name must be start by its scope. The scope can be 'proc', 'sess', 'txn', 'req', 'res' or 'check'", name)
	}
	for i := range len(own) {
		if c := own[i]; c|0x20 < 'a' || c|0x20 > 'z' {
			if (c < '0' || c > '9') && c != '_' && c != '.' {
				return "", fmt.Sprintf("invalid syntax at char '%s)'", own[i:])
			}
		}
	}
	if scope != "proc" {
		return "", fmt.Sprintf("'set var': cannot set variable '%s', only scope 'proc' is permitted here.", name)
	}
	return own, ""
}

// compile makes a program of an expression or a format that belongs to no transaction.
func (s *Service) compile(kind, text string) (func(*sample.Context) *txn.Value, error) {
	s.compiling.Lock()
	defer s.compiling.Unlock()
	env := &sample.Env{Names: s.engine.Variables(), At: txn.At(txn.StepProcess), Where: txn.StepProcess.String(), Lists: s.engine.Patterns()}
	if kind == "expr" {
		e, err := sample.Compile(text, env)
		if err == nil {
			err = env.Check(e)
		}
		if err != nil {
			return nil, err
		}
		return e.Eval, nil
	}
	f, err := logformat.CompileText(text, env)
	if err != nil {
		return nil, err
	}
	w := &logformat.Writer{PID: os.Getpid()}
	return func(c *sample.Context) *txn.Value {
		v := &txn.Value{}
		v.SetStr(f.Append(nil, w, c))
		return v
	}, nil
}
