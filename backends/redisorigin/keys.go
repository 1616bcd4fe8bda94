package redisorigin

import (
	"bytes"
	"math"
	"strconv"

	"bench/internal/resp"
)

func del(k *call) {
	n := int64(0)
	for i := range k.args[1:] {
		if e := k.get(i + 1); e != nil {
			k.db().remove(k.args[i+1], e)
			n++
		}
	}
	k.integer(n)
}

func exists(k *call) {
	n := int64(0)
	for i := range k.args[1:] {
		if k.get(i+1) != nil {
			n++
		}
	}
	k.integer(n)
}

func typeOf(k *call) {
	if k.get(1) == nil {
		k.out = resp.AppendSimple(k.out, "none")
		return
	}
	k.out = resp.AppendSimple(k.out, "string")
}

// expire is EXPIRE, PEXPIRE, EXPIREAT and PEXPIREAT, with NX, XX, GT or LT.
func expire(k *call) {
	n, ok := k.number(k.args[2])
	if !ok {
		return
	}
	now := k.s.r.now()
	scale, from := int64(1000), now
	if k.args[0][0]|0x20 == 'p' {
		scale = 1
	}
	if last := k.args[0][len(k.args[0])-1]; last|0x20 == 't' {
		from = 0
	}
	if n > (math.MaxInt64-from)/scale || n < math.MinInt64/scale {
		k.fail("ERR invalid expire time in '" + printable(bytes.ToLower(k.args[0])) + "' command")
		return
	}
	at := from + n*scale
	wanted, ok := k.expiryWanted(at)
	if !ok {
		return
	}
	e := k.get(1)
	if e == nil || !wanted(e) {
		k.integer(0)
		return
	}
	if at > now {
		k.db().expire(k.args[1], e, at)
	} else {
		k.db().remove(k.args[1], e)
	}
	k.integer(1)
}

// expiryWanted reads the condition under which a key's end is to be changed: the
// key has none (NX) or has one (XX), and the new one is later (GT) or sooner (LT).
func (k *call) expiryWanted(at int64) (wanted func(*entry) bool, ok bool) {
	wanted = func(*entry) bool { return true }
	switch {
	case len(k.args) == 3:
		return wanted, true
	case len(k.args) > 4:
		k.fail(errSyntax) // NX goes with no other, and GT and LT exclude each other
		return nil, false
	case is(k.args[3], "NX"):
		wanted = func(e *entry) bool { return e.expiry == 0 }
	case is(k.args[3], "XX"):
		wanted = func(e *entry) bool { return e.expiry != 0 }
	case is(k.args[3], "GT"): // no end is later than any
		wanted = func(e *entry) bool { return e.expiry != 0 && at > e.expiry }
	case is(k.args[3], "LT"):
		wanted = func(e *entry) bool { return e.expiry == 0 || at < e.expiry }
	default:
		k.fail("ERR Unsupported option " + printable(k.args[3]))
		return nil, false
	}
	return wanted, true
}

// ttl is TTL and PTTL.
func ttl(k *call) { k.end(k.s.r.now(), "PTTL") }

// expireTime is EXPIRETIME and PEXPIRETIME.
func expireTime(k *call) { k.end(0, "PEXPIRETIME") }

// end says when a key expires, counted from a time, in seconds or, for the command
// precise, in milliseconds: -1 for a key that does not expire, -2 for none.
func (k *call) end(from int64, precise string) {
	e := k.get(1)
	switch {
	case e == nil:
		k.integer(-2)
	case e.expiry == 0:
		k.integer(-1)
	case len(k.args[0]) == len(precise):
		k.integer(e.expiry - from)
	default:
		k.integer((e.expiry - from + 500) / 1000)
	}
}

// rename is RENAME and RENAMENX; the new name takes the expiry over.
func rename(k *call) {
	e, onlyNew := k.get(1), len(k.args[0]) == len("RENAMENX")
	other := k.get(2)
	switch {
	case e == nil:
		k.fail("ERR no such key")
	case onlyNew && other != nil:
		k.integer(0)
	default:
		if e != other {
			d, value, expiry := k.db(), e.value, e.expiry
			d.remove(k.args[1], e)
			d.put(k.args[2], value, expiry)
		}
		if onlyNew {
			k.integer(1)
		} else {
			k.ok()
		}
	}
}

// randomKey leaves the choice to the order in which maps give their keys.
func randomKey(k *call) {
	for key := range k.db().live(k.s.r.now()) {
		k.out = resp.AppendBulk(k.out, key)
		return
	}
	k.null()
}

func persist(k *call) {
	e := k.get(1)
	if e == nil || e.expiry == 0 {
		k.integer(0)
		return
	}
	k.db().expire(k.args[1], e, 0)
	k.integer(1)
}

func keys(k *call) {
	pattern := string(k.args[1])
	k.list(func(key string) bool { return matches(pattern, key) })
}

// list answers with the keys that are wanted.
func (k *call) list(wanted func(string) bool) {
	var found []string
	for key := range k.db().live(k.s.r.now()) {
		if wanted(key) {
			found = append(found, key)
		}
	}
	k.out = resp.AppendArray(k.out, len(found))
	for _, key := range found {
		k.out = resp.AppendBulk(k.out, key)
	}
}

// scan is SCAN cursor [MATCH pattern] [COUNT n] [TYPE type]; all keys come in
// one turn, with the cursor 0 that says so.
func scan(k *call) {
	if _, err := strconv.ParseUint(string(k.args[1]), 10, 64); err != nil {
		k.fail("ERR invalid cursor")
		return
	}
	pattern, none := "*", false
	for rest := k.args[2:]; len(rest) > 0; rest = rest[2:] {
		switch {
		case len(rest) == 1:
			k.fail(errSyntax)
			return
		case is(rest[0], "MATCH"):
			pattern = string(rest[1])
		case is(rest[0], "TYPE"):
			none = !is(rest[1], "STRING")
		case is(rest[0], "COUNT"):
			n, ok := k.number(rest[1])
			if ok && n < 1 {
				k.fail(errSyntax)
			}
			if !ok || n < 1 {
				return
			}
		default:
			k.fail(errSyntax)
			return
		}
	}
	k.out = resp.AppendArray(k.out, 2)
	k.out = resp.AppendBulk(k.out, "0")
	k.list(func(key string) bool { return !none && matches(pattern, key) })
}

func dbSize(k *call) { k.integer(int64(len(k.db().keys))) }

func flushDB(k *call) {
	if !k.flushes() {
		return
	}
	k.db().flush()
	k.ok()
}

// flushes reads how a flush is to be done, which makes no difference here, or fails.
func (k *call) flushes() bool {
	if len(k.args) == 1 || len(k.args) == 2 && (is(k.args[1], "ASYNC") || is(k.args[1], "SYNC")) {
		return true
	}
	k.fail(errSyntax)
	return false
}

func flushAll(k *call) {
	if !k.flushes() {
		return
	}
	for i := range k.s.r.dbs {
		k.s.r.dbs[i].flush()
	}
	k.ok()
}

// matches compares with a pattern of *, ?, [a-c], [^a] and \x. It goes back to
// the last star only, so that its cost is at most the product of the lengths.
func matches(pattern, s string) bool {
	star, from := -1, 0
	p, i := 0, 0
	for i < len(s) {
		if p < len(pattern) && pattern[p] == '*' {
			star, from = p, i
			p++
			continue
		}
		if next, ok := matchOne(pattern, p, s[i]); ok {
			p, i = next, i+1
			continue
		}
		if star < 0 {
			return false
		}
		from++
		p, i = star+1, from
	}
	for p < len(pattern) && pattern[p] == '*' {
		p++
	}
	return p == len(pattern)
}

// matchOne compares one character and returns where the pattern goes on.
func matchOne(pattern string, p int, c byte) (next int, ok bool) {
	if p == len(pattern) {
		return p, false
	}
	switch pattern[p] {
	case '?':
		return p + 1, true
	case '[':
		return matchClass(pattern, p+1, c)
	case '\\':
		if p+1 < len(pattern) {
			p++
		}
	}
	return p + 1, pattern[p] == c
}

func matchClass(pattern string, p int, c byte) (next int, ok bool) {
	not := p < len(pattern) && pattern[p] == '^'
	if not {
		p++
	}
	for ; p < len(pattern) && pattern[p] != ']'; p++ {
		if pattern[p] == '\\' && p+1 < len(pattern) {
			p++
		}
		low, high := pattern[p], pattern[p]
		if p+2 < len(pattern) && pattern[p+1] == '-' && pattern[p+2] != ']' {
			high = pattern[p+2]
			p += 2
		}
		ok = ok || min(low, high) <= c && c <= max(low, high)
	}
	return min(p+1, len(pattern)), ok != not
}
