package redisorigin

import (
	"bytes"
	"math"
	"strconv"

	"bench/internal/resp"
)

func (k *call) db() *database { return &k.s.r.dbs[k.s.db] }

// get finds the key that is argument i.
func (k *call) get(i int) *entry { return k.db().get(k.args[i], k.s.r.now()) }

// value answers with the value of an entry, or null.
func (k *call) value(e *entry) {
	if e == nil {
		k.null()
		return
	}
	k.out = resp.AppendBulk(k.out, e.value)
}

func get(k *call) {
	e := k.get(1)
	if e == nil {
		k.s.r.misses++
	} else {
		k.s.r.hits++
	}
	k.value(e)
}

// set is SET key value [NX|XX] [GET] [EX s|PX ms|EXAT s|PXAT ms|KEEPTTL].
func set(k *call) {
	var nx, xx, old, keep bool
	var expiry int64
	now := k.s.r.now()
	for i := 3; i < len(k.args); i++ {
		a := k.args[i]
		switch {
		case is(a, "NX"):
			nx = true
		case is(a, "XX"):
			xx = true
		case is(a, "GET"):
			old = true
		case is(a, "KEEPTTL"):
			keep = true
		case i+1 < len(k.args) && expiry == 0:
			var ok bool
			if expiry, ok = k.expiry(a, k.args[i+1], now); !ok {
				return
			}
			i++
		default:
			k.fail(errSyntax)
			return
		}
	}
	if nx && xx || keep && expiry != 0 {
		k.fail(errSyntax)
		return
	}
	d := k.db()
	e := d.get(k.args[1], now)
	done := (!nx || e == nil) && (!xx || e != nil)
	if old {
		k.value(e)
	}
	if done {
		e = d.set(k.args[1], k.args[2])
		if !keep {
			d.setExpiry(e, expiry)
		}
	}
	switch {
	case old:
	case done:
		k.ok()
	default:
		k.null()
	}
}

// expiry reads EX, PX, EXAT or PXAT with its number, as milliseconds since 1970.
func (k *call) expiry(unit, number []byte, now int64) (at int64, ok bool) {
	scale, from := int64(1), int64(0)
	switch {
	case is(unit, "EX"):
		scale, from = 1000, now
	case is(unit, "PX"):
		from = now
	case is(unit, "EXAT"):
		scale = 1000
	case is(unit, "PXAT"):
	default:
		k.fail(errSyntax)
		return 0, false
	}
	n, ok := k.number(number)
	if !ok {
		return 0, false
	}
	if n <= 0 || n > (math.MaxInt64-from)/scale {
		k.fail("ERR invalid expire time in '" + printable(bytes.ToLower(k.args[0])) + "' command")
		return 0, false
	}
	return from + n*scale, true
}

// number reads a whole number as Redis writes it, without plus sign and leading
// zeros, or fails.
func (k *call) number(text []byte) (int64, bool) {
	n, err := strconv.ParseInt(string(text), 10, 64)
	digits := bytes.TrimPrefix(text, []byte("-"))
	if err != nil || text[0] == '+' || digits[0] == '0' && len(text) > 1 {
		k.fail(errNumber)
		return 0, false
	}
	return n, true
}

func setNX(k *call) {
	if k.get(1) != nil {
		k.integer(0)
		return
	}
	k.db().put(k.args[1], k.args[2], 0)
	k.integer(1)
}

// setEX is SETEX and PSETEX.
func setEX(k *call) {
	unit := []byte("EX")
	if len(k.args[0]) == len("PSETEX") {
		unit = []byte("PX")
	}
	at, ok := k.expiry(unit, k.args[2], k.s.r.now())
	if !ok {
		return
	}
	k.db().put(k.args[1], k.args[3], at)
	k.ok()
}

func getSet(k *call) {
	k.value(k.get(1))
	k.db().put(k.args[1], k.args[2], 0)
}

func getDel(k *call) {
	e := k.get(1)
	k.value(e)
	if e != nil {
		k.db().remove(k.args[1], e)
	}
}

// getEX is GETEX key [PERSIST|EX s|PX ms|EXAT s|PXAT ms].
func getEX(k *call) {
	var at int64
	change := true
	switch {
	case len(k.args) == 2:
		change = false
	case len(k.args) == 3 && is(k.args[2], "PERSIST"):
	case len(k.args) == 4:
		var ok bool
		if at, ok = k.expiry(k.args[2], k.args[3], k.s.r.now()); !ok {
			return
		}
	default:
		k.fail(errSyntax)
		return
	}
	e := k.get(1)
	k.value(e)
	if e != nil && change {
		k.db().expire(k.args[1], e, at)
	}
}

func mget(k *call) {
	k.out = resp.AppendArray(k.out, len(k.args)-1)
	for i := range k.args[1:] {
		k.value(k.get(i + 1))
	}
}

func mset(k *call) {
	if len(k.args)%2 == 0 {
		k.fail("ERR wrong number of arguments for 'mset' command")
		return
	}
	k.putAll()
	k.ok()
}

// msetNX sets all keys or none.
func msetNX(k *call) {
	if len(k.args)%2 == 0 {
		k.fail("ERR wrong number of arguments for 'msetnx' command")
		return
	}
	for i := 1; i < len(k.args); i += 2 {
		if k.get(i) != nil {
			k.integer(0)
			return
		}
	}
	k.putAll()
	k.integer(1)
}

func (k *call) putAll() {
	for i := 1; i < len(k.args); i += 2 {
		k.db().put(k.args[i], k.args[i+1], 0)
	}
}

func appendTo(k *call) {
	e := k.get(1)
	if e == nil {
		e = k.db().set(k.args[1], nil)
	}
	k.db().replace(k.args[1], e, append(e.value, k.args[2]...))
	k.integer(int64(len(e.value)))
}

func strlen(k *call) {
	n := 0
	if e := k.get(1); e != nil {
		n = len(e.value)
	}
	k.integer(int64(n))
}

// getRange is GETRANGE key start end; negative positions count from the end.
func getRange(k *call) {
	from, ok := k.number(k.args[2])
	if !ok {
		return
	}
	to, ok := k.number(k.args[3])
	if !ok {
		return
	}
	var value []byte
	if e := k.get(1); e != nil {
		value = e.value
	}
	size := int64(len(value))
	if from < 0 {
		from = max(0, size+from)
	}
	if to < 0 {
		to = max(0, size+to)
	}
	to = min(to, size-1)
	if from > to {
		value, from, to = nil, 0, -1
	}
	k.out = resp.AppendBulk(k.out, value[from:to+1])
}

// incr is INCR and INCRBY.
func incr(k *call) { k.add(1) }

// decr is DECR and DECRBY.
func decr(k *call) { k.add(-1) }

func (k *call) add(sign int64) {
	by := int64(1)
	if len(k.args) == 3 {
		var ok bool
		if by, ok = k.number(k.args[2]); !ok {
			return
		}
	}
	if by == math.MinInt64 {
		k.fail("ERR increment or decrement would overflow")
		return
	}
	by *= sign
	n, e := int64(0), k.get(1)
	if e != nil {
		var ok bool
		if n, ok = k.number(e.value); !ok {
			return
		}
	}
	if by > 0 && n > math.MaxInt64-by || by < 0 && n < math.MinInt64-by {
		k.fail("ERR increment or decrement would overflow")
		return
	}
	if e == nil {
		e = k.db().set(k.args[1], nil)
	}
	k.db().replace(k.args[1], e, strconv.AppendInt(e.value[:0], n+by, 10))
	k.integer(n + by)
}
