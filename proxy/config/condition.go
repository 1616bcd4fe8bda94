package config

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// maxConditionDepth bounds the nesting of parentheses and negations.
const maxConditionDepth = 64

// Evaluate tells whether a condition of the configuration language, as given
// to -cc, is true. Quotes and variables are those of a configuration line.
func Evaluate(expr string, env *Env) (bool, error) {
	words, err := cut(expr, &lookup{vars: env.Vars})
	if err != nil {
		return false, err
	}
	return evaluate(joinWords(words), env)
}

// evaluate takes a condition without quotes (configuration manual, section 2.4).
func evaluate(expr string, env *Env) (bool, error) {
	if strings.TrimSpace(expr) == "" {
		return false, nil
	}
	c := condition{in: expr, env: env}
	v, err := c.or(0)
	if err != nil {
		return false, err
	}
	c.blanks()
	if c.i < len(c.in) {
		return false, c.errorf("unexpected '%s' after the condition", c.in[c.i:])
	}
	return v, nil
}

// condition is a recursive-descent evaluator. Both sides of an operator are
// always read, so that errors do not depend on values.
type condition struct {
	in  string
	i   int
	env *Env
}

func (c *condition) errorf(format string, a ...any) error {
	return fmt.Errorf("invalid condition '%s': %s at position %d", c.in, fmt.Sprintf(format, a...), c.i+1)
}

func (c *condition) blanks() {
	for c.i < len(c.in) && isBlank(c.in[c.i]) {
		c.i++
	}
}

func (c *condition) accept(token string) bool {
	c.blanks()
	if !strings.HasPrefix(c.in[c.i:], token) {
		return false
	}
	c.i += len(token)
	return true
}

func (c *condition) or(depth int) (bool, error) {
	v, err := c.and(depth)
	for err == nil && c.accept("||") {
		var w bool
		w, err = c.and(depth)
		v = v || w
	}
	return v, err
}

func (c *condition) and(depth int) (bool, error) {
	v, err := c.term(depth)
	for err == nil && c.accept("&&") {
		var w bool
		w, err = c.term(depth)
		v = v && w
	}
	return v, err
}

func (c *condition) term(depth int) (bool, error) {
	if depth > maxConditionDepth {
		return false, c.errorf("nested too deeply")
	}
	if c.accept("!") {
		v, err := c.term(depth + 1)
		return !v, err
	}
	if c.accept("(") {
		v, err := c.or(depth + 1)
		if err == nil && !c.accept(")") {
			err = c.errorf("missing ')'")
		}
		return v, err
	}
	return c.atom()
}

// atom is an integer or a predicate.
func (c *condition) atom() (bool, error) {
	start := c.i
	for c.i < len(c.in) && (isNameStart(c.in[c.i]) || c.in[c.i] >= '0' && c.in[c.i] <= '9' || c.in[c.i] == '-') {
		c.i++
	}
	name := c.in[start:c.i]
	if name == "" {
		return false, c.errorf("missing condition")
	}
	if n, err := strconv.ParseInt(name, 10, 64); err == nil {
		return n != 0, nil
	}
	p := slices.IndexFunc(predicates(), func(p predicate) bool { return p.name == name })
	if p < 0 {
		c.i = start
		return false, c.errorf("unknown predicate '%s'", name)
	}
	row := predicates()[p]
	args, err := c.arguments()
	if err != nil {
		return false, err
	}
	if len(args) != row.args {
		return false, c.errorf("%s() takes %d argument(s), not %d", name, row.args, len(args))
	}
	v, err := row.eval(c.env, args)
	if err != nil {
		return false, c.errorf("%v", err)
	}
	return v, nil
}

// arguments reads "(a,b)".
func (c *condition) arguments() ([]string, error) {
	if c.i >= len(c.in) || c.in[c.i] != '(' {
		return nil, c.errorf("missing '('")
	}
	end := strings.IndexByte(c.in[c.i:], ')')
	if end < 0 {
		return nil, c.errorf("missing ')'")
	}
	text := c.in[c.i+1 : c.i+end]
	c.i += end + 1
	args := strings.Split(text, ",")
	for i := range args {
		args[i] = strings.TrimSpace(args[i])
	}
	return args, nil
}

// predicate is one row of the conditions.
type predicate struct {
	name string
	args int
	eval func(env *Env, args []string) (bool, error)
	doc  string
}

func predicates() []predicate {
	return []predicate{
		{"defined", 1, func(env *Env, a []string) (bool, error) { _, ok := env.Vars[a[0]]; return ok, nil }, "the environment variable exists"},
		{"feature", 1, func(env *Env, a []string) (bool, error) { return slices.Contains(env.Features, a[0]), nil }, "the feature is built in"},
		{"enabled", 1, func(env *Env, a []string) (bool, error) { return env.Enabled[a[0]], nil }, "the feature is on at run time"},
		{"streq", 2, func(_ *Env, a []string) (bool, error) { return a[0] == a[1], nil }, "the strings are equal"},
		{"strneq", 2, func(_ *Env, a []string) (bool, error) { return a[0] != a[1], nil }, "the strings differ"},
		{"strstr", 2, func(_ *Env, a []string) (bool, error) { return strings.Contains(a[0], a[1]), nil }, "the first string contains the second"},
		{"version_atleast", 1, func(env *Env, a []string) (bool, error) { return compareVersions(env.Version, a[0]) >= 0, nil }, "the engine's version is this one or newer"},
		{"version_before", 1, func(env *Env, a []string) (bool, error) { return compareVersions(env.Version, a[0]) < 0, nil }, "the engine's version is older"},
		{"openssl_version_atleast", 1, func(*Env, []string) (bool, error) { return false, nil }, "false: no OpenSSL is built in"},
		{"openssl_version_before", 1, func(*Env, []string) (bool, error) { return false, nil }, "false: no OpenSSL is built in"},
		{"ssllib_name_startswith", 1, func(*Env, []string) (bool, error) { return false, nil }, "false: no such library is built in"},
	}
}

// compareVersions orders versions like "2.6.12" and "2.4-dev19"; parts left
// out are zero, and a development version comes before the release.
func compareVersions(a, b string) int {
	x, y := versionParts(a), versionParts(b)
	return slices.Compare(x[:], y[:])
}

// versionParts are major, minor, patch level, and the development number, which
// is past all of them for a release.
func versionParts(v string) [4]int {
	const release = 1 << 30
	parts := [4]int{3: release}
	v, suffix, _ := strings.Cut(v, "-")
	for i, s := range strings.SplitN(v, ".", 3) {
		parts[i], _ = strconv.Atoi(s)
	}
	if dev, ok := strings.CutPrefix(suffix, "dev"); ok {
		dev, _, _ = strings.Cut(dev, "-")
		parts[3], _ = strconv.Atoi(dev)
	}
	return parts
}
