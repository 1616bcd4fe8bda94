package sample

import (
	"fmt"
	"slices"

	"bench/proxy/txn"
)

// convs gathers the rows of all families, in the order of the manual.
var convs = slices.Concat(
	textConvs(),
	codeConvs(),
	numberConvs(),
	hashConvs(),
	netConvs(),
	mapConvs(),
	binaryConvs(),
	moreConvs(),
	jsonConvs(),
	wireConvs(),
	mqttConvs(),
	stateConvs(),
	tableConvs(),
	debugConvs(),
)

// variable is the value of a variable that stands for an argument.
func (c *Context) variable(a *Arg) (txn.Value, bool) {
	v := c.Var(a.Var)
	return v, v.Kind != txn.None
}

// Var is the value of a variable; its kind is None if it has none.
func (c *Context) Var(of Var) txn.Value {
	if of.Process != nil {
		return of.Process.Get()
	}
	if vars := c.Txn.Variables(of.Scope); vars != nil {
		return vars.Get(of.Slot)
	}
	return txn.Value{}
}

// stateConvs put values somewhere (configuration manual, section 7.3.1).
func stateConvs() []Conv {
	same := func(in txn.Kind) txn.Kind { return in }
	capture := func(of func(*txn.Txn) *txn.Captures) func(*Context, []Arg, *txn.Value) bool {
		return func(c *Context, a []Arg, v *txn.Value) bool {
			of(c.Txn).Put(int(a[0].Int), int(a[0].limit), v.B)
			return true
		}
	}
	return []Conv{
		{Row: Row{Name: "set-var", Usage: "(<variable>[,<if>]...)", params: "v|ssss", check: checkVarConds, Doc: "Set a variable, if all of up to four conditions hold, and go on with the value. ifexists, ifset: it is set before; ifnotexists, ifnotset: it is not; ifempty, ifnotempty: the value is an empty text; ifgt, iflt: the variable is greater, or less, than the value, if both are integers."}, out: same, fn: func(c *Context, a []Arg, v *txn.Value) bool {
			if !c.Allows(VarConds(a[1].Int), a[0].Var, v) {
				return false
			}
			c.SetVar(a[0].Var, v)
			return true
		}},
		{Row: Row{Name: "unset-var", Usage: "(<variable>)", params: "v", Doc: "Forget a variable, and go on with the value."}, out: same, fn: func(c *Context, a []Arg, _ *txn.Value) bool {
			c.UnsetVar(a[0].Var)
			return true
		}},
		{Row: Row{Name: "capture-req", Usage: "(<index>)", params: "i", check: checkDeclared(false), Doc: "Keep the value in a slot of \"declare capture request\"."}, In: txn.Str, Out: txn.Str, fn: capture(func(t *txn.Txn) *txn.Captures { return &t.ReqCaptures })},
		{Row: Row{Name: "capture-res", Usage: "(<index>)", params: "i", check: checkDeclared(true), Doc: "Keep the value in a slot of \"declare capture response\"."}, In: txn.Str, Out: txn.Str, fn: capture(func(t *txn.Txn) *txn.Captures { return &t.ResCaptures })},
	}
}

func checkVarConds(_ *Env, a []Arg) error {
	var names []string
	for i := range a[1:] {
		if a[1+i].set {
			names = append(names, string(a[1+i].Str))
		}
	}
	conds, err := ParseVarConds(names)
	a[1].Int = int64(conds)
	return err
}

// checkDeclared holds that a capture's slot was declared, and notes its length.
func checkDeclared(ofResponse bool) func(*Env, []Arg) error {
	return func(env *Env, a []Arg) error {
		declared := env.ReqCaptures
		if ofResponse {
			declared = env.ResCaptures
		}
		if a[0].Int < 0 || a[0].Int >= int64(len(declared)) {
			return fmt.Errorf("capture %d is not declared: there are %d before this line", a[0].Int, len(declared))
		}
		a[0].limit = declared[a[0].Int]
		return nil
	}
}

// SetVar sets a variable.
func (c *Context) SetVar(to Var, v *txn.Value) {
	if to.Process != nil {
		if to.limits.On() {
			to.limits.SetShared(to.Process, v)
		} else {
			to.Process.Set(v)
		}
		return
	}
	vars := c.Txn.Variables(to.Scope)
	switch {
	case vars != nil:
	case to.Scope == txn.ScopeCheck:
		return
	default:
		vars = c.Txn.Stream.SessionVars()
		c.Txn.Session = vars
	}
	if to.limits.On() {
		to.limits.Set(c.Txn, to.Scope, vars, to.Slot, v)
		return
	}
	vars.Set(to.Slot, v)
}

// UnsetVar forgets a variable.
func (c *Context) UnsetVar(to Var) {
	if to.Process != nil {
		if to.limits.On() {
			to.limits.SetShared(to.Process, &txn.Value{})
		} else {
			to.Process.Unset()
		}
		return
	}
	if vars := c.Txn.Variables(to.Scope); vars != nil {
		vars.Unset(to.Slot)
	}
}
