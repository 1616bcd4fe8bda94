package config

import (
	"errors"
	"math"
	"slices"
	"strconv"
	"strings"

	"bench/internal/nearest"
	"bench/proxy/balance"
	"bench/proxy/sample"
	"bench/proxy/spec"
	"bench/proxy/txn"
)

// algorithms are the balance algorithms that the engine has.
func algorithms() []string {
	var names []string
	for _, a := range balance.Algorithms() {
		names = append(names, string(a.Name))
	}
	return names
}

// balanceDraft is a "balance" line: the algorithm and its arguments.
type balanceDraft struct {
	name  spec.Balance
	draws int
	hash  spec.Hash // as far as it is about the key
}

func balanceKeywords() []keyword {
	const scope = inDefaults | inBack
	return []keyword{
		{name: "balance", args: "[<algorithm> [<argument>...]]", scope: scope, doc: "Algorithm that chooses the server; roundrobin if none is named.", read: readBalance},
		{name: "hash-type", args: "{ map-based | consistent } [{ sdbm | djb2 | wt6 | crc32 | none } [avalanche]]", scope: scope, doc: "How algorithms that hash find a server: a place in a list, or the nearest on a circle; and their hash function.", read: readHashType},
		{name: "hash-balance-factor", args: "<number>", scope: scope, doc: "With consistent hashing and random: percentage of the average load above which the next server is taken; 0: none.", read: func(l *line) {
			if w, ok := l.one("a percentage"); ok {
				switch n, ok := l.integer(w, 0, math.MaxInt32); {
				case !ok:
				case n > 0 && n <= 100:
					l.fail(w, "'hash-balance-factor' expects a percentage above 100, or 0, not '%s'", w.text)
				default:
					l.sect.settings.hashFactor.put(n, l.pos)
				}
			}
		}},
	}
}

func readBalance(l *line) {
	if len(l.args) == 0 {
		l.sect.settings.balance.put(balanceDraft{name: spec.RoundRobin}, l.pos)
		return
	}
	w := l.args[0]
	name, arg, parenthesised := strings.Cut(w.text, "(")
	switch {
	case !slices.Contains(algorithms(), name) && l.p.inventory.has("balance", name):
		l.fail(w, "balance algorithm '%s' is not supported: use %s", name, strings.Join(algorithms(), ", "))
		return
	case !slices.Contains(algorithms(), name):
		l.report(Alert, w, nearest.Word(name, l.p.inventory.lists["balance"]), "unknown balance algorithm '%s'", w.text)
		return
	}
	if parenthesised {
		if !strings.HasSuffix(arg, ")") {
			l.fail(w, "'balance': a closing parenthesis is missing in '%s'", w.text)
			return
		}
		arg = arg[:len(arg)-1]
	}
	d := balanceDraft{name: spec.Balance(name)}
	ok := true
	switch d.name {
	case spec.Random:
		d.draws = 2
		if parenthesised {
			n, err := strconv.ParseUint(arg, 10, 31)
			if ok = err == nil && n > 0; !ok {
				l.fail(w, "'balance random' expects a number of draws, at least 1, not '%s'", arg)
			}
			d.draws = int(n)
		}
		ok = ok && l.arity(1, 1, "")
	case spec.ByURI:
		ok = l.uriHash(&d.hash)
	case spec.ByParam:
		ok = l.paramHash(&d.hash)
	case spec.ByHeader:
		if ok = arg != ""; !ok {
			l.fail(w, "'balance hdr' expects the name of a header field in parentheses, as in 'hdr(user-agent)'")
			break
		}
		if ok = l.arity(1, 2, ""); ok && len(l.args) == 2 {
			if d.hash.DomainOnly = l.args[1].text == "use_domain_only"; !d.hash.DomainOnly {
				l.unknown(l.args[1], "argument", []string{"use_domain_only"})
				return
			}
		}
		ok = ok && l.hashExpr(&d.hash, w, "req.hdr("+arg+",1)")
	case spec.ByRDP:
		if arg == "" {
			arg = "mstshash"
		}
		ok = l.arity(1, 1, "") && l.hashExpr(&d.hash, w, "req.rdp_cookie("+arg+")")
	case spec.ByExpr:
		ok = l.arity(2, 2, "a sample") && l.hashExpr(&d.hash, l.args[1], l.args[1].text)
	case spec.RoundRobin, spec.StaticRR, spec.LeastConn, spec.First, spec.BySource:
		if len(l.args) > 1 {
			l.warn(l.args[1], "'%s' is ignored after 'balance %s'", l.args[1].text, name)
		}
		if parenthesised {
			l.fail(w, "balance algorithm '%s' has no argument in parentheses", name)
			return
		}
	}
	if ok {
		l.sect.settings.balance.put(d, l.pos)
	}
}

// uriHash reads the arguments of "balance uri".
func (l *line) uriHash(h *spec.Hash) bool {
	for rest := l.args[1:]; len(rest) > 0; {
		switch rest[0].text {
		case "whole":
			h.Whole = true
		case "path-only":
			h.PathOnly = true
		case "len", "depth":
			if len(rest) < 2 {
				l.missing("a number after '" + rest[0].text + "'")
				return false
			}
			n, ok := l.integer(rest[1], 1, math.MaxInt32-1)
			if !ok {
				return false
			}
			if rest[0].text == "len" {
				h.Len = n
			} else {
				h.Slashes = n + 1
			}
			rest = rest[1:]
		default:
			l.unknown(rest[0], "argument", []string{"whole", "len", "depth", "path-only"})
			return false
		}
		rest = rest[1:]
	}
	return true
}

// paramHash reads the arguments of "balance url_param". The body of POST requests is
// looked at in any case, as in the reference.
func (l *line) paramHash(h *spec.Hash) bool {
	if !l.arity(2, 4, "the name of a parameter") {
		return false
	}
	h.Name = l.args[1].text
	if len(l.args) > 2 && l.args[2].text != "check_post" {
		l.unknown(l.args[2], "argument", []string{"check_post"})
		return false
	}
	if len(l.args) > 3 {
		l.warn(l.args[3], "the size after 'check_post' has no effect: all of the body is looked at that a buffer holds")
	}
	return true
}

// hashExpr compiles the sample to be hashed.
func (l *line) hashExpr(h *spec.Hash, w word, text string) bool {
	e, err := sample.Compile(text, l.sampleEnv(txn.At(txn.StepBackend)|txn.At(txn.StepContent), "load balancing"))
	if err != nil {
		if x, ok := errors.AsType[*sample.Error](err); ok && text == w.text {
			w.col += x.Off
		}
		l.fail(w, "'balance': %v", err)
		return false
	}
	if !sample.Castable(e.Out(), txn.Bin) {
		l.warn(w, "'balance hash' of '%s' is round robin: it is %s, which is not hashed; convert it to a string", text, e.Out())
	}
	h.Expr = e
	return true
}

// hashType is a "hash-type" line.
type hashType struct {
	consistent bool
	function   spec.HashFunction
	avalanche  bool
}

// hashFunctions are the functions by name.
var hashFunctions = map[string]spec.HashFunction{
	"sdbm": spec.SDBM, "djb2": spec.DJB2, "wt6": spec.WT6, "crc32": spec.CRC32, "none": spec.NoFunction,
}

func readHashType(l *line) {
	if !l.arity(1, 3, "'map-based' or 'consistent'") {
		return
	}
	var t hashType
	switch w := l.args[0]; w.text {
	case "map-based":
	case "consistent":
		t.consistent = true
		t.avalanche = len(l.args) == 1
	default:
		l.unknown(w, "method", []string{"map-based", "consistent"})
		return
	}
	if len(l.args) > 1 {
		f, known := hashFunctions[l.args[1].text]
		if !known {
			l.unknown(l.args[1], "hash function", []string{"sdbm", "djb2", "wt6", "crc32", "none"})
			return
		}
		t.function = f
	}
	if len(l.args) > 2 {
		if l.args[2].text != "avalanche" {
			l.unknown(l.args[2], "modifier", []string{"avalanche"})
			return
		}
		t.avalanche = true
	}
	l.sect.settings.hashType.put(t, l.pos)
}

// balancing makes the algorithm of a backend of what was read.
func (p *parser) balancing(s *section, px *spec.Proxy) {
	set := &s.settings
	b := set.balance.or(balanceDraft{name: spec.RoundRobin})
	if px.Mode != spec.ModeHTTP {
		switch b.name {
		case spec.ByURI, spec.ByParam, spec.ByHeader:
			p.warning(s, set.balance.pos, "'balance %s' of '%s' is roundrobin: it needs 'mode http'", b.name, px.Name)
			b = balanceDraft{name: spec.RoundRobin}
		case spec.RoundRobin, spec.StaticRR, spec.LeastConn, spec.First, spec.Random, spec.BySource, spec.ByRDP, spec.ByExpr:
		}
	}
	px.Balance, px.Draws, px.Hash = b.name, b.draws, b.hash
	if b.name.Hashes() {
		t := set.hashType.val
		px.Hash.Consistent, px.Hash.Function, px.Hash.Avalanche = t.consistent, t.function, t.avalanche
	}
	if px.Hash.Consistent || b.name == spec.Random {
		px.Hash.Factor = set.hashFactor.val
	}
}
