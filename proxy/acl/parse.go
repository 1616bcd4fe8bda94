package acl

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"bench/internal/nearest"
	"bench/proxy/pattern"
	"bench/proxy/sample"
	"bench/proxy/txn"
)

// Error is a mistake in the words of an ACL or a condition.
type Error struct {
	Word int // index of the word
	Off  int // where in it, from 0
	Msg  string
}

func (e *Error) Error() string { return e.Msg }

func fail(word, off int, format string, a ...any) error {
	return &Error{word, off, fmt.Sprintf(format, a...)}
}

// derived are the fetches that have names of their own together with a method, such as
// path_beg.
var derived = []string{"base", "cook", "hdr", "path", "scook", "shdr", "url", "urlp"}

// suffixes of such names.
var suffixes = map[string]pattern.Method{
	"_beg": pattern.Beg, "_dir": pattern.Dir, "_dom": pattern.Dom, "_end": pattern.End, "_len": pattern.Len, "_reg": pattern.Reg, "_sub": pattern.Sub,
}

// Derived lists the names that join a fetch and a method.
func Derived() []string {
	var names []string
	for _, d := range derived {
		for s := range suffixes {
			names = append(names, d+s)
		}
	}
	slices.Sort(names)
	return names
}

// split takes such a name apart: the expression without the method, and the method.
func split(expr string) (string, pattern.Method, bool) {
	end := strings.IndexAny(expr, "(,")
	if end < 0 {
		end = len(expr)
	}
	if i := strings.LastIndexByte(expr[:end], '_'); i > 0 && slices.Contains(derived, expr[:i]) {
		if m, ok := suffixes[expr[i:end]]; ok {
			return expr[:i] + expr[end:], m, true
		}
	}
	return expr, 0, false
}

// ParseTest reads a test: an expression, flags, and patterns.
func ParseTest(words []string, env *sample.Env) (*Test, error) {
	if len(words) == 0 {
		return nil, fail(0, 0, "a sample to test is missing")
	}
	text, method, joined := split(words[0])
	e, _, err := sample.CompileWords([]string{text}, env) // no more of them: those behind it are patterns
	if err != nil {
		off, msg := 0, err.Error()
		if se, ok := errors.AsType[*sample.Error](err); ok {
			off = se.Off
		}
		return nil, fail(0, min(off, len(words[0])), "%s", msg)
	}
	f := flagSet{method: method, named: joined, words: words, id: -1, env: env}
	at, err := f.read(1)
	if err != nil {
		return nil, err
	}
	dotted := !f.named && dottedVersions(e)
	if !f.named {
		ok := false
		if f.method, ok = pattern.Default(e.Out()); !ok {
			return nil, fail(0, 0, "'%s' may be of any kind: say by '-m' how to compare it", words[0])
		}
	}
	if !sample.Castable(e.Out(), f.method.Input()) {
		return nil, fail(0, 0, "'%s' is of kind %s, which '-m %s' cannot compare", words[0], e.Out(), f.method)
	}
	if len(words) == 1 && f.method.TakesPatterns() {
		env.Remark("there are no patterns to compare '%s' with, so that it never matches: '-m found' tells whether there is a value, and '--' says that none are meant", words[0])
	}
	set, err := f.set(words[0], at, dotted)
	if err != nil {
		return nil, err
	}
	return newTest(e, f.method, set), nil
}

// dottedVersions reports whether patterns of an expression are versions such as 3.1.
func dottedVersions(e *sample.Expr) bool {
	return e.Fetch() == "req.ssl_ver" && !strings.Contains(e.String(), ",")
}

// integers makes integers of versions, and of ranges with a colon or a hyphen between: the
// part before the dot counts 65536.
func integers(versions []string) []string {
	all := make([]string, len(versions))
	for i, v := range versions {
		all[i] = v
		sep := strings.IndexAny(v, ":-")
		if sep < 0 {
			all[i] = integer(v)
		} else if strings.Contains(v, ".") {
			all[i] = integer(v[:sep]) + ":" + integer(v[sep+1:])
		}
	}
	return all
}

func integer(version string) string {
	major, minor, ok := strings.Cut(version, ".")
	a, err1 := strconv.Atoi(major)
	b, err2 := strconv.Atoi(minor)
	if !ok || err1 != nil || err2 != nil {
		return version
	}
	return strconv.Itoa(a<<16 + b)
}

// set makes the set of patterns of all files, and of the words from at on.
func (f *flagSet) set(name string, at int, dotted bool) (*pattern.Set, error) {
	var lists []*pattern.List
	lists = append(lists, f.files...)
	own := f.words[at:]
	if dotted {
		own = integers(own)
	}
	var from []int
	if f.method == pattern.Int || f.method == pattern.Len {
		var err error
		if own, from, err = pattern.Ranges(own); err != nil {
			return nil, f.misread(err, at, nil)
		}
	}
	inline := pattern.NewList(own)
	fetch := name
	if i := strings.IndexAny(name, "(,"); i >= 0 {
		fetch = name[:i]
	}
	inline.Used("acl '" + fetch + "'" + f.env.Location())
	if err := f.env.Patterns().Add(inline, f.id); err != nil {
		return nil, fail(f.idAt, 0, "%v", err)
	}
	for _, l := range f.files {
		l.Used("acl at" + f.env.Location())
	}
	set, err := pattern.NewSet(f.method, f.fold, append(lists, inline)...)
	if err != nil {
		return nil, f.misread(err, at, from)
	}
	return set, nil
}

// misread finds the word of a pattern that cannot be one; from are the indices of words
// that patterns are made of.
func (f *flagSet) misread(err error, at int, from []int) error {
	word := at
	if pe, ok := errors.AsType[*pattern.Error](err); ok {
		switch {
		case pe.List != nil && pe.List.File != "":
			return fail(f.fileAt[slices.Index(f.files, pe.List)], 0, "line %d of the file: %v", pe.List.Line(pe.Index), err)
		case from != nil:
			word = at + from[pe.Index]
		default:
			word = at + pe.Index
		}
	}
	return fail(word, 0, "%v", err)
}

// flagSet is what stands between the expression and the patterns.
type flagSet struct {
	words   []string
	env     *sample.Env
	method  pattern.Method
	named   bool // the method was
	fold    bool
	columns bool // files are read as maps
	id      int  // for the list of patterns on the line, -1: any
	idAt    int  // the word that says so
	files   []*pattern.List
	fileAt  []int // their words
}

// read reads flags from a word on and returns where the patterns begin.
func (f *flagSet) read(at int) (int, error) {
	for at < len(f.words) && strings.HasPrefix(f.words[at], "-") {
		w := f.words[at]
		if w == "--" {
			return at + 1, nil
		}
		if len(w) > 1 && (w[1] >= '0' && w[1] <= '9') {
			return at, nil // a number
		}
		switch w {
		case "-i":
			f.fold = true
		case "-n":
			// Names are never looked up.
		case "-M":
			f.columns = true
		case "-m", "-f", "-u":
			if at+1 >= len(f.words) {
				return at, fail(at, len(w), "'%s' needs a word after it", w)
			}
			at++
			if err := f.option(w, at); err != nil {
				return at, err
			}
		default:
			return at, fail(at, 0, "unknown flag '%s': want -i, -m, -f, -M, -n, -u, or -- before patterns that begin with a dash", w)
		}
		at++
	}
	return at, nil
}

func (f *flagSet) option(flag string, at int) error {
	w := f.words[at]
	if flag == "-m" {
		m, ok := pattern.ByName(w)
		if !ok {
			msg := fmt.Sprintf("unknown method '%s': want one of %s", w, strings.Join(pattern.Methods(), ", "))
			if near := nearest.Word(w, pattern.Methods()); near != "" {
				msg += "; did you mean '" + near + "'?"
			}
			return fail(at, 0, "%s", msg)
		}
		f.method, f.named = m, true
		return nil
	}
	if flag == "-u" {
		n, err := strconv.Atoi(w)
		if err != nil || n < 0 {
			return fail(at, 0, "'-u' expects a number that is not below 0, not '%s'", w)
		}
		f.id, f.idAt = n, at
		return nil
	}
	l := f.env.Patterns().File(w)
	if err := f.env.Patterns().Load(l, f.columns); err != nil {
		return fail(at, 0, "%v", err)
	}
	f.files, f.fileAt = append(f.files, l), append(f.fileAt, at)
	return nil
}

// Lookup finds the ACLs that a condition names.
type Lookup struct {
	Named map[string]*ACL
	Env   *sample.Env
}

// ParseCond reads a condition; words begins with "if" or "unless".
func (l *Lookup) ParseCond(words []string) (*Cond, error) {
	c := &Cond{text: text(words)}
	negated, empty := false, true
	for i := 1; i < len(words); {
		w := words[i]
		bare := strings.TrimLeft(w, "!")
		if (len(w)-len(bare))%2 == 1 {
			negated = !negated
		}
		switch {
		case bare == "":
			i++
			continue
		case strings.EqualFold(bare, "or") || bare == "||":
			if empty || negated {
				l.Env.Remark("the condition has no ACL before '%s', which is passed over", bare)
			}
			if !empty {
				c.or()
			}
			negated, empty = false, true
			i++
			continue
		}
		var a *ACL
		var err error
		next := i + 1
		if bare == "{" {
			a, next, err = l.anonymous(words, i)
		} else {
			a, err = l.find(bare, i, len(w)-len(bare))
		}
		if err != nil {
			return nil, err
		}
		c.add(a, negated)
		negated, empty = false, false
		i = next
	}
	if empty || negated {
		l.Env.Remark("an ACL is missing after '%s'", words[len(words)-1])
	}
	c.settle()
	if words[0] == "unless" {
		c.negate()
	}
	return c, nil
}

// anonymous reads a test in braces.
func (l *Lookup) anonymous(words []string, at int) (*ACL, int, error) {
	end := at + 1
	for end < len(words) && words[end] != "}" {
		end++
	}
	if end == len(words) {
		return nil, 0, fail(at, 0, "no '}' ends the ACL that begins with '{': both need blanks around them")
	}
	t, err := ParseTest(words[at+1:end], l.Env)
	if err != nil {
		if e, ok := errors.AsType[*Error](err); ok {
			e.Word += at + 1
		}
		return nil, 0, err
	}
	return &ACL{tests: []*Test{t}}, end + 1, nil
}

// find finds a named ACL, or one of those that always exist.
func (l *Lookup) find(name string, word, off int) (*ACL, error) {
	if a := l.Named[name]; a != nil {
		return a, nil
	}
	for _, p := range predefined {
		if p.name != name {
			continue
		}
		a := &ACL{Name: name}
		for _, words := range p.tests {
			t, err := ParseTest(strings.Fields(words), l.Env)
			if err != nil {
				return nil, fail(word, off, "ACL '%s': %v", name, err)
			}
			a.Add(t)
		}
		return a, nil
	}
	names := PredefinedNames()
	for n := range l.Named {
		names = append(names, n)
	}
	slices.Sort(names)
	msg := fmt.Sprintf("there is no ACL '%s'", name)
	if near := nearest.Word(name, names); near != "" {
		msg += "; did you mean '" + near + "'?"
	}
	return nil, fail(word, off, "%s", msg)
}

// predefined are the ACLs that always exist (configuration manual, section 7.4).
var predefined = []struct {
	name  string
	tests []string
}{
	{"FALSE", []string{"always_false"}},
	{"HTTP", []string{"req.proto_http"}},
	{"HTTP_1.0", []string{"req.ver 1.0"}},
	{"HTTP_1.1", []string{"req.ver 1.1"}},
	{"HTTP_2.0", []string{"req.ver 2.0"}},
	{"HTTP_CONTENT", []string{"req.hdr_val(content-length) gt 0"}},
	{"HTTP_URL_ABS", []string{"url_reg ^[^/:]*://"}},
	{"HTTP_URL_SLASH", []string{"url_beg /"}},
	{"HTTP_URL_STAR", []string{"url *"}},
	{"LOCALHOST", []string{"src 127.0.0.1/8 ::1"}},
	{"METH_CONNECT", []string{"method CONNECT"}},
	{"METH_DELETE", []string{"method DELETE"}},
	{"METH_GET", []string{"method GET HEAD"}},
	{"METH_HEAD", []string{"method HEAD"}},
	{"METH_OPTIONS", []string{"method OPTIONS"}},
	{"METH_POST", []string{"method POST"}},
	{"METH_PUT", []string{"method PUT"}},
	{"METH_TRACE", []string{"method TRACE"}},
	{"RDP_COOKIE", []string{"req.rdp_cookie_cnt gt 0"}},
	{"REQ_CONTENT", []string{"req.len gt 0"}},
	{"TRUE", []string{"always_true"}},
	{"WAIT_END", []string{"wait_end"}},
}

// PredefinedNames lists the ACLs that always exist.
func PredefinedNames() []string {
	names := make([]string, len(predefined))
	for i, p := range predefined {
		names[i] = p.name
	}
	return names
}

// HTTP reports whether a condition has a test that needs HTTP, and its sample.
func (c *Cond) HTTP() (*sample.Expr, bool) {
	if c == nil {
		return nil, false
	}
	for i := range c.ops {
		for _, t := range c.ops[i].acl.tests {
			if t.expr.HTTP() {
				return t.expr, true
			}
		}
	}
	return nil, false
}

// Conflict returns the first ACL of a condition that can never hold at the steps, nil
// if there is none.
func (c *Cond) Conflict(at txn.Steps) *ACL {
	for i := range c.ops {
		if a := c.ops[i].acl; len(a.tests) > 0 && a.At()&at == 0 {
			return a
		}
	}
	return nil
}
