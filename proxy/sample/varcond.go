package sample

import (
	"fmt"
	"strings"

	"bench/internal/nearest"
	"bench/proxy/txn"
)

// VarConds are the conditions under which a variable is set (configuration manual,
// section 7.3.1, "set-var").
type VarConds uint8

// varConds are their names, the first that of bit 0.
var varConds = []string{"ifexists", "ifnotexists", "ifempty", "ifnotempty", "ifset", "ifnotset", "ifgt", "iflt"}

// ParseVarConds reads conditions by their names.
func ParseVarConds(names []string) (c VarConds, err error) {
	for _, n := range names {
		known := false
		for i, v := range varConds {
			if n == v {
				c |= 1 << i
				known = true
			}
		}
		if !known {
			msg := fmt.Sprintf("unknown condition '%s': want one of %s", n, strings.Join(varConds, ", "))
			if near := nearest.Word(n, varConds); near != "" {
				msg += "; did you mean '" + near + "'?"
			}
			return 0, fmt.Errorf("%s", msg)
		}
	}
	return c, nil
}

// Allows reports whether a variable may be set to a value.
func (c *Context) Allows(conds VarConds, to Var, v *txn.Value) bool {
	if conds == 0 {
		return true
	}
	now := c.Var(to)
	set := now.Kind != txn.None
	exists := set || to.Process != nil // which is there since the configuration was read
	text := v.Kind == txn.Str || v.Kind == txn.Bin || v.Kind == txn.Method
	empty := text && len(v.B) == 0
	numbers := now.Kind == txn.Int && v.Kind == txn.Int
	for cond, holds := range [...]bool{
		exists, !exists, empty, !empty, set, !set, // one that was forgotten does not exist
		!numbers || int64(now.Lo) > int64(v.Lo), !numbers || int64(now.Lo) < int64(v.Lo),
	} {
		if conds>>cond&1 != 0 && !holds {
			return false
		}
	}
	return true
}
