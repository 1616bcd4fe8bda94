package config

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"bench/internal/nearest"
	"bench/proxy/sample"
	"bench/proxy/spec"
	"bench/proxy/table"
	"bench/proxy/txn"
)

// tableKeywords are stick tables, and the lines by which clients keep to a server
// (configuration manual, sections 4.2 and 11).
func tableKeywords() []keyword {
	const (
		cond = " [table <table>] [{ if | unless } <condition>]"
		args = "type { ip | ipv6 | integer | string [len <length>] | binary [len <length>] } size <size> [expire <time>] [nopurge] [peers <section>] [srvkey { name | addr }] [store <data>[,<data>...]]"
	)
	stick := func(what, doc string, s spec.Stick) keyword {
		return keyword{name: "stick " + what, args: "<expression>" + cond, scope: inBack, doc: doc, read: func(l *line) { readStick(l, s) }}
	}
	return []keyword{
		{name: "stick-table", args: args, scope: inFront | inBack, strict: true, doc: "A table of keys, with what is counted of them.", read: readStickTable},
		stick("on", "Send requests with a known key to the server that the table says, and learn the server of others.", spec.Stick{Match: true, Store: true}),
		stick("match", "Send requests with a known key to the server that the table says.", spec.Stick{Match: true}),
		stick("store-request", "Learn the server of requests by a key.", spec.Stick{Store: true}),
		stick("store-response", "Learn the server of responses by a key.", spec.Stick{Store: true, Response: true}),
		tuneNumber("peers.max-updates-at-once", 1, math.MaxInt32, "Entries of stick tables that are sent to a peer in a row.", func(t *spec.Tune) *int { return &t.PeerUpdates }),
		tuneNumber("stick-counters", 1, table.MaxArray, "Counters that can track entries of stick tables at a time.", func(t *spec.Tune) *int { return &t.StickCounters }),
	}
}

func readStickTable(l *line) {
	if l.sect.table != nil {
		l.fail(l.head, "'%s' has a stick table already, on line %d", l.sect.name, l.sect.tablePos.Line)
		return
	}
	if t, ok := l.table(l.sect.name, l.args); ok {
		l.sect.table, l.sect.tablePos = t, l.pos
	}
}

// table reads the words of a table.
func (l *line) table(name string, words []word) (*table.Spec, bool) {
	r := tableReader{line: l, rest: words, spec: table.Spec{Name: name}}
	for len(r.rest) > 0 {
		w := r.take()
		read, ok := tableWords()[w.text]
		if !ok {
			names := make([]string, 0, len(tableWords()))
			for n := range tableWords() {
				names = append(names, n)
			}
			l.report(Alert, w, nearest.Word(w.text, names), "'%s' does not know '%s': want type, size, expire, nopurge, peers, srvkey or store", l.kw.name, w.text)
			return nil, false
		}
		if !read(&r, w) {
			return nil, false
		}
	}
	switch {
	case !r.typed:
		l.missing("a type, as 'type ip'")
	case r.spec.Size == 0:
		l.missing("a size, as 'size 100k'")
	default:
		return &r.spec, r.arrays()
	}
	return nil, false
}

// tableReader reads the words of a table.
type tableReader struct {
	*line
	rest  []word
	spec  table.Spec
	typed bool
}

func (r *tableReader) take() word {
	w := r.rest[0]
	r.rest = r.rest[1:]
	return w
}

// value takes what follows a word.
func (r *tableReader) value(of word, what string) (word, bool) {
	if len(r.rest) == 0 {
		r.missing(what + " after '" + of.text + "'")
		return word{}, false
	}
	return r.take(), true
}

// tableWords read what they begin.
func tableWords() map[string]func(*tableReader, word) bool {
	return map[string]func(*tableReader, word) bool{
		"type": (*tableReader).readType, "size": (*tableReader).readSize, "expire": (*tableReader).readExpire,
		"srvkey": (*tableReader).readServerKey, "store": (*tableReader).readStore,
		"peers":   (*tableReader).readPeers,
		"nopurge": func(r *tableReader, _ word) bool { r.spec.NoPurge = true; return true },
	}
}

func (r *tableReader) readType(at word) bool {
	w, ok := r.value(at, "a type")
	if !ok {
		return false
	}
	t, ok := table.TypeByName(w.text)
	if !ok {
		r.report(Alert, w, nearest.Word(w.text, table.Types()), "unknown type '%s' of a stick table: want one of %s", w.text, strings.Join(table.Types(), ", "))
		return false
	}
	r.spec.Type, r.typed = t, true
	switch t {
	case table.IPv6:
		r.spec.Length = 16
	case table.String, table.Binary:
		if r.spec.Length = table.DefaultLength; t == table.String {
			r.spec.Length-- // for the zero behind it, which a length that is given does not count
		}
		if len(r.rest) > 0 && r.rest[0].text == "len" {
			w, ok := r.value(r.take(), "a length")
			if !ok {
				return false
			}
			r.spec.Length, ok = r.integer(w, 1, math.MaxInt16)
			return ok
		}
	default:
		r.spec.Length = 4
	}
	return true
}

func (r *tableReader) readSize(at word) bool {
	w, ok := r.value(at, "a size")
	if !ok {
		return false
	}
	n, err := parseSize(w.text)
	if err != nil || n == 0 {
		r.fail(w, "'size' expects a number of entries above 0, like 100k or 1m, not '%s'", w.text)
		return false
	}
	r.spec.Size = int(n)
	return true
}

func (r *tableReader) readExpire(at word) (ok bool) {
	w, ok := r.value(at, "a time")
	if ok {
		r.spec.Expire, ok = r.duration(w, time.Millisecond)
	}
	return ok
}

func (r *tableReader) readPeers(at word) bool {
	w, ok := r.value(at, "the name of a section")
	if ok {
		r.p.peerUses = append(r.p.peerUses, reference{w.text, r.at(w), r.text})
		r.spec.Peers, r.spec.SharedAs = w.text, r.spec.Name
	}
	return ok
}

func (r *tableReader) readServerKey(at word) bool {
	w, ok := r.value(at, "'name' or 'addr'")
	if !ok {
		return false
	}
	if w.text != "name" && w.text != "addr" {
		r.report(Alert, w, nearest.Word(w.text, []string{"name", "addr"}), "'srvkey' expects 'name' or 'addr', not '%s'", w.text)
		return false
	}
	r.spec.ByAddr = w.text == "addr"
	return true
}

// readStore reads types of data, separated by commas that do not stand in parentheses.
func (r *tableReader) readStore(at word) bool {
	w, ok := r.value(at, "types of data")
	if !ok {
		return false
	}
	rest := w.text
	for rest != "" {
		end, depth := 0, 0
		for end < len(rest) && (rest[end] != ',' || depth > 0) {
			switch rest[end] {
			case '(':
				depth++
			case ')':
				depth--
			}
			end++
		}
		one := rest[:end]
		rest = strings.TrimPrefix(rest[end:], ",")
		if err := r.store(one); err != nil {
			r.report(Alert, w, suggestedDatum(one), "'store' %v", err)
			return false
		}
	}
	return true
}

func suggestedDatum(text string) string {
	name, _, _ := strings.Cut(text, "(")
	if _, ok := table.DatumByName(name); ok {
		return ""
	}
	return nearest.Word(name, table.DatumNames())
}

// store reads one type of data with its arguments.
func (r *tableReader) store(text string) error {
	name, inside, given := strings.Cut(text, "(")
	d, ok := table.DatumByName(name)
	if !ok || d == table.ServerKey {
		return fmt.Errorf("does not know the type of data '%s'", name)
	}
	c := table.Column{Datum: d, N: 1}
	var args []string
	if given {
		inside, ok = strings.CutSuffix(inside, ")")
		if !ok {
			return fmt.Errorf("'%s' lacks a closing parenthesis", text)
		}
		args = strings.Split(inside, ",")
	}
	usage := name
	switch rate := d.Form() == table.Frequency; {
	case d.Array() && rate:
		usage += "(<elements>,<period>)"
	case d.Array():
		usage += "(<elements>)"
	case rate:
		usage += "(<period>)"
	}
	if want := strings.Count(usage, "<"); len(args) != want {
		return fmt.Errorf("wants '%s', not '%s'", usage, text)
	}
	if d.Array() {
		n, err := strconv.Atoi(args[0])
		if err != nil || n < 1 || n > table.MaxArray {
			return fmt.Errorf("wants 1 to %d elements of '%s', not '%s'", table.MaxArray, name, args[0])
		}
		c.N = n
	}
	if d.Form() == table.Frequency {
		p, err := parseTime(args[len(args)-1], time.Millisecond)
		if err == nil && p <= 0 {
			err = errors.New("expects a period above zero")
		}
		if err != nil {
			return fmt.Errorf("'%s': %w", name, err)
		}
		c.Period = p
	}
	if r.spec.Has(d) {
		r.warn(r.head, "'%s': type of data '%s' is stored already: this one is ignored", r.kw.name, name)
		return nil
	}
	r.spec.Add(c)
	return nil
}

// arrays holds that a counter is not kept both by itself and as the element of an array.
func (r *tableReader) arrays() bool {
	for _, x := range []struct{ array, single table.Datum }{
		{table.GPC, table.GPC0}, {table.GPC, table.GPC1}, {table.GPCRate, table.GPC0Rate}, {table.GPCRate, table.GPC1Rate}, {table.GPT, table.GPT0},
	} {
		if r.spec.Has(x.array) && r.spec.Has(x.single) {
			r.fail(r.head, "'%s' cannot store both '%s' and '%s', which is an element of it", r.kw.name, x.array, x.single)
			return false
		}
	}
	return true
}

// readStick reads a "stick" line.
func readStick(l *line, s spec.Stick) {
	if !l.arity(1, maxWords, "a sample expression") {
		return
	}
	at, where := txn.At(txn.StepBackend), "'"+l.kw.name+"' lines"
	if s.Response {
		at = txn.At(txn.StepResponse)
	}
	if l.sect.settings.mode.or(spec.ModeTCP) == spec.ModeTCP && !s.Response {
		at |= txn.At(txn.StepContent)
	}
	env := l.sampleEnv(at, where)
	e, n, err := sample.CompileWords(texts(l.args), env)
	if err == nil {
		err = env.Check(e)
	}
	if err != nil {
		w := l.args[n-1]
		if se, ok := errors.AsType[*sample.Error](err); ok {
			w.col = min(w.col+se.Off, len(l.text)+1)
		}
		l.fail(w, "'%s': %v", l.kw.name, err)
		return
	}
	s.Key = e
	l.sect.noteHTTP(e, l.pos, l.text)
	rest := l.args[n:]
	name := ""
	if len(rest) > 0 && rest[0].text == "table" {
		if len(rest) == 1 {
			l.missing("the name of a stick table after 'table'")
			return
		}
		name, rest = rest[1].text, rest[2:]
	}
	if len(rest) > 0 {
		if w := rest[0]; w.text != "if" && w.text != "unless" {
			l.fail(w, "'%s' expects 'table', 'if' or 'unless', not '%s'", l.kw.name, w.text)
			return
		}
		var ok bool
		if s.Cond, ok = l.cond(at, where, len(l.args)-len(rest)); !ok {
			return
		}
	}
	what := l.kw.name
	s.Table, err = env.TableNamed(name, func(t *table.Spec) error {
		if !sample.Keyable(e.Out(), t) {
			return fmt.Errorf("'%s': a key of stick table '%s' cannot be made of '%s': it is of type %s", what, t.Name, e, t.Type)
		}
		t.Add(table.Column{Datum: table.ServerID, N: 1})
		t.Add(table.Column{Datum: table.ServerKey, N: 1})
		return nil
	})
	if err != nil {
		l.fail(l.head, "'%s': %v", l.kw.name, err)
		return
	}
	l.sect.sticking = append(l.sect.sticking, s)
}

// tables gathers the tables of all sections. Their names are those of their proxies.
func (p *parser) tables(cfg *spec.Config) {
	for _, s := range p.sections {
		if s.table == nil {
			continue
		}
		if o := slices.IndexFunc(cfg.Tables, func(t *table.Spec) bool { return t.Name == s.table.Name }); o >= 0 {
			p.alert(s, s.tablePos, "there are two stick tables named '%s': a frontend and a backend of one name cannot both have one", s.name)
			continue
		}
		s.table.Index = len(cfg.Tables)
		cfg.Tables = append(cfg.Tables, s.table)
	}
	for _, t := range p.others.tables {
		t.Index = len(cfg.Tables)
		cfg.Tables = append(cfg.Tables, t)
	}
	p.resolvePeers(cfg)
}

// resolveTable finds the table that an expression or a rule names.
func (p *parser) resolveTable(cfg *spec.Config, u *sampleUse, report func(suggestion, format string, a ...any)) {
	name := u.Name
	if name == "" {
		if name = u.sect.name; u.sect.table == nil {
			report("", "'%s' has no stick table: declare one, or name another section's", name)
			return
		}
	}
	i := slices.IndexFunc(cfg.Tables, func(t *table.Spec) bool { return t.Name == name })
	if i < 0 {
		names := make([]string, len(cfg.Tables))
		for i, t := range cfg.Tables {
			names[i] = t.Name
		}
		report(nearest.Word(name, names), "there is no stick table '%s'", name)
		return
	}
	u.Arg.Int = int64(i)
	if u.Fits != nil {
		if err := u.Fits(cfg.Tables[i]); err != nil {
			report("", "%v", err)
		}
	}
}
