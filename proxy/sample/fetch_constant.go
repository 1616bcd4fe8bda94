package sample

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"os"
	"time"

	"bench/proxy/message"
	"bench/proxy/txn"
)

// constantFetches are values that no transaction changes (configuration manual,
// sections 7.3.2 and 7.3.7).
func constantFetches() []Fetch {
	return []Fetch{
		{Row: Row{Name: "always_false", Doc: "False."}, Out: txn.Bool, At: anywhere, fn: func(_ *Context, _ []Arg, v *txn.Value) bool { v.SetBool(false); return true }},
		{Row: Row{Name: "always_true", Doc: "True."}, Out: txn.Bool, At: anywhere, fn: func(_ *Context, _ []Arg, v *txn.Value) bool { v.SetBool(true); return true }},
		{Row: Row{Name: "bool", Usage: "(<value>)", params: "s", check: checkBool, Doc: "A boolean: true, false, 1 or 0."}, Out: txn.Bool, At: anywhere, fn: func(_ *Context, a []Arg, v *txn.Value) bool { v.SetBool(a[0].Int != 0); return true }},
		{Row: Row{Name: "int", Usage: "(<integer>)", params: "i", Doc: "An integer."}, Out: txn.Int, At: anywhere, fn: func(_ *Context, a []Arg, v *txn.Value) bool { v.SetInt(a[0].Int); return true }},
		{Row: Row{Name: "str", Usage: "([<text>])", params: "|s", Doc: "A text."}, Out: txn.Str, At: anywhere, fn: func(_ *Context, a []Arg, v *txn.Value) bool { v.SetStr(a[0].Str); return true }},
		{Row: Row{Name: "bin", Usage: "(<hex>)", params: "s", check: checkBin, Doc: "Bytes, in hexadecimal digits."}, Out: txn.Bin, At: anywhere, fn: func(_ *Context, a []Arg, v *txn.Value) bool {
			v.Kind, v.B = txn.Bin, a[0].Str
			return true
		}},
		{Row: Row{Name: "ipv4", Usage: "(<address>)", params: "a", check: checkIP(4), Doc: "An IPv4 address."}, Out: txn.IPv4, At: anywhere, fn: func(_ *Context, a []Arg, v *txn.Value) bool { return v.SetIP(a[0].IP) }},
		{Row: Row{Name: "ipv6", Usage: "(<address>)", params: "a", check: checkIP(16), Doc: "An IPv6 address."}, Out: txn.IPv6, At: anywhere, fn: func(_ *Context, a []Arg, v *txn.Value) bool {
			b := a[0].IP.As16()
			v.Kind, v.Hi, v.Lo = txn.IPv6, binary.BigEndian.Uint64(b[:8]), binary.BigEndian.Uint64(b[8:])
			return true
		}},
		{Row: Row{Name: "meth", Usage: "(<method>)", params: "s", Doc: "A method."}, Out: txn.Method, At: anywhere, fn: func(_ *Context, a []Arg, v *txn.Value) bool {
			v.Kind, v.B, v.Lo = txn.Method, a[0].Str, uint64(message.LookupMethod(a[0].Str))
			return true
		}},
		{Row: Row{Name: "env", Usage: "(<name>)", params: "s", check: checkEnv, Doc: "An environment variable, as it was at the start."}, Out: txn.Str, At: anywhere, fn: func(_ *Context, a []Arg, v *txn.Value) bool {
			v.SetStr(a[0].Str)
			return a[0].Int != 0
		}},
		{Row: Row{Name: "hostname", check: nil, Doc: "Name of this host."}, Out: txn.Str, At: anywhere, fn: func(c *Context, _ []Arg, v *txn.Value) bool { return c.text(v, hostname) }},
		{Row: Row{Name: "date", Usage: "([<offset>[,<unit>]])", params: "|is", check: checkUnit, Doc: "Time since 1970: in s (default), ms or us."}, Out: txn.Int, At: anywhere, fn: fetchDate},
		{Row: Row{Name: "rand", Usage: "([<range>])", params: "|i", check: checkRange, Doc: "A random number from 0 to below the range, by default to 2^32."}, Out: txn.Int, At: anywhere, fn: func(c *Context, a []Arg, v *txn.Value) bool {
			if a[0].set {
				v.SetInt(c.rand.Int64N(a[0].Int))
			} else {
				v.SetInt(int64(c.rand.Uint32()))
			}
			return true
		}},
		{Row: Row{Name: "uuid", Usage: "([<version>])", params: "|i", check: checkUUID, Doc: "A random UUID (version 4)."}, Out: txn.Str, At: anywhere, fn: fetchUUID},
		{Row: Row{Name: "proc", Doc: "Number of the process among those of the configuration: 1."}, Out: txn.Int, At: anywhere, fn: func(_ *Context, _ []Arg, v *txn.Value) bool { v.SetInt(1); return true }},
		{Row: Row{Name: "nbproc", Doc: "Number of processes: 1."}, Out: txn.Int, At: anywhere, fn: func(_ *Context, _ []Arg, v *txn.Value) bool { v.SetInt(1); return true }},
	}
}

var hostname, _ = os.Hostname()

func checkBool(_ *Env, a []Arg) error {
	switch string(a[0].Str) {
	case "true", "1":
		a[0].Int = 1
	case "false", "0":
	default:
		return fmt.Errorf("want true, false, 1 or 0, not '%s'", a[0].Str)
	}
	return nil
}

func checkBin(_ *Env, a []Arg) (err error) {
	if a[0].Str, err = hex.DecodeString(string(a[0].Str)); err != nil {
		return fmt.Errorf("want an even number of hexadecimal digits")
	}
	return nil
}

func checkIP(size int) func(*Env, []Arg) error {
	return func(_ *Env, a []Arg) error {
		if len(a[0].IP.AsSlice()) != size {
			return fmt.Errorf("'%s' is an address of the other version", a[0].Str)
		}
		return nil
	}
}

func checkEnv(_ *Env, a []Arg) error {
	value, ok := os.LookupEnv(string(a[0].Str))
	a[0].Str = []byte(value)
	if ok {
		a[0].Int = 1
	}
	return nil
}

// units of date are nanoseconds.
var units = map[string]int64{"": int64(time.Second), "s": int64(time.Second), "ms": int64(time.Millisecond), "us": int64(time.Microsecond)}

func checkUnit(_ *Env, a []Arg) error {
	unit, ok := units[string(a[1].Str)]
	if !ok {
		return errUnit(a[1].Str)
	}
	a[1].Int = unit
	return nil
}

func errUnit(unit []byte) error { return fmt.Errorf("unit '%s' is unknown: want s, ms or us", unit) }

func fetchDate(_ *Context, a []Arg, v *txn.Value) bool {
	v.SetInt(time.Now().UnixNano()/a[1].Int + a[0].Int)
	return true
}

func checkRange(_ *Env, a []Arg) error {
	if a[0].set && a[0].Int < 1 {
		return fmt.Errorf("range %d holds no number: want at least 1", a[0].Int)
	}
	return nil
}

func checkUUID(_ *Env, a []Arg) error {
	if a[0].set && a[0].Int != 4 {
		return fmt.Errorf("version %d is not supported: want 4", a[0].Int)
	}
	return nil
}

func fetchUUID(c *Context, _ []Arg, v *txn.Value) bool {
	hi := c.rand.Uint64()&^0xf000 | 0x4000
	lo := c.rand.Uint64()&^(3<<62) | 2<<62
	b := c.spare()
	for i, part := range [...]struct {
		n     uint64
		width int
	}{{hi >> 32, 8}, {hi >> 16 & 0xffff, 4}, {hi & 0xffff, 4}, {lo >> 48, 4}, {lo & (1<<48 - 1), 12}} {
		if i > 0 {
			b = append(b, '-')
		}
		for shift := 4 * (part.width - 1); shift >= 0; shift -= 4 {
			b = append(b, "0123456789abcdef"[part.n>>shift&15])
		}
	}
	v.Kind = txn.Str
	return c.keep(v, b)
}
