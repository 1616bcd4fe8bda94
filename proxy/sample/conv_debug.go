package sample

import (
	"fmt"

	"bench/proxy/txn"
)

// defaultSink is where "debug" writes to by default.
const defaultSink = "buf0"

// kindWords are the kinds of values in lines of "debug".
var kindWords = [txn.NumKinds]string{txn.None: "any", txn.Bool: "bool", txn.Int: "sint", txn.Address: "addr", txn.IPv4: "ipv4", txn.IPv6: "ipv6", txn.Str: "str", txn.Bin: "bin", txn.Method: "meth"}

// debugConvs let operators look on (configuration manual, section 7.3.1).
func debugConvs() []Conv {
	return []Conv{
		{Row: Row{Name: "debug", Usage: "([<prefix>][,<destination>])", params: "|ss", check: checkDebug, Doc: "Write a line about the value to a ring, stdout or stderr, by default to the ring buf0, and go on with it."}, out: func(in txn.Kind) txn.Kind { return in }, fn: func(c *Context, a []Arg, v *txn.Value) bool {
			used := c.used
			text := *v
			shown := c.Cast(&text, txn.Str)
			line := append(append(append(c.spare(), "[debug] "...), a[0].Str...), ": type="...)
			line = append(append(line, kindWords[v.Kind]...), ' ')
			if shown {
				line = appendPrintable(append(line, '<'), text.B)
				line = append(line, '>')
			} else {
				line = append(line, "(undisplayable)"...)
			}
			c.Txn.Stream.Farm().Report(int(a[1].Int), line)
			c.used = used
			return true
		}},
	}
}

// appendPrintable appends text with dots for what is not printable.
func appendPrintable(dst, text []byte) []byte {
	for _, b := range text {
		if b < ' ' || b > '~' {
			b = '.'
		}
		dst = append(dst, b)
	}
	return dst
}

func checkDebug(env *Env, a []Arg) error {
	name := defaultSink
	if a[1].set {
		name = string(a[1].Str)
	}
	if env.Sink == nil {
		return fmt.Errorf("nothing can be written from here")
	}
	n, ok := env.Sink(name)
	if !ok {
		return fmt.Errorf("there is no ring '%s' before this line, and neither is it stdout or stderr", name)
	}
	a[1].Int = int64(n)
	return nil
}
