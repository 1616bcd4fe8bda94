package sample

import (
	"fmt"
	"strconv"

	"bench/proxy/txn"
)

// distccFetches read messages of distcc: tokens of four letters, each with a number of
// eight hexadecimal digits, some of which say how many bytes follow (distcc, "protocol
// version 1 and 2").
func distccFetches() []Fetch {
	row := func(name, doc string, out txn.Kind, get func(v *txn.Value, param uint64, body []byte) bool) Fetch {
		return Fetch{Row: Row{Name: name, Usage: "(<token>[,<number>])", params: "s|i", check: checkDistcc, Doc: doc}, Out: out, At: buffered, fn: func(c *Context, a []Arg, v *txn.Value) bool {
			param, body, ok := c.distcc(string(a[0].Str), a[1].Int)
			return ok && get(v, param, body)
		}}
	}
	return []Fetch{
		row("distcc_param", "The number behind the given token of a message of distcc, by default of the first one.", txn.Int, func(v *txn.Value, param uint64, _ []byte) bool {
			v.SetInt(int64(param))
			return true
		}),
		row("distcc_body", "The bytes behind the given token of a message of distcc, by default of the first one.", txn.Bin, func(v *txn.Value, _ uint64, body []byte) bool {
			v.Kind, v.B = txn.Bin, body
			return true
		}),
	}
}

// distccToken is the length of a token.
const distccToken = 4

func checkDistcc(_ *Env, a []Arg) error {
	if len(a[0].Str) != distccToken {
		return fmt.Errorf("'%s' is not a token of distcc: want four letters", a[0].Str)
	}
	if !a[1].set {
		a[1].Int = 1
	}
	if a[1].Int < 1 {
		return fmt.Errorf("tokens are counted from 1")
	}
	return nil
}

// distccBodies are the tokens whose numbers say how many bytes follow.
var distccBodies = map[string]bool{"ARGV": true, "DOTI": true, "DOTO": true, "SERR": true, "SOUT": true}

// distcc finds a token in what has come.
func (c *Context) distcc(token string, number int64) (param uint64, body []byte, ok bool) {
	const head = distccToken + 8
	for b := c.Txn.Content; ; {
		if len(b) < head {
			c.Unknown = !c.ended()
			return 0, nil, false
		}
		name := b[:distccToken]
		param, err := strconv.ParseUint(string(b[distccToken:head]), 16, 32)
		if err != nil {
			return 0, nil, false
		}
		b = b[head:]
		size := uint64(0)
		if distccBodies[string(name)] {
			size = param
		}
		if string(name) == token {
			if number--; number == 0 {
				if uint64(len(b)) < size {
					body, c.Unknown = b, !c.ended()
					return param, body, true
				}
				return param, b[:size], true
			}
		}
		if uint64(len(b)) < size {
			c.Unknown = !c.ended()
			return 0, nil, false
		}
		b = b[size:]
	}
}
