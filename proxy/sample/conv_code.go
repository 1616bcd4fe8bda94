package sample

import (
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"fmt"

	"bench/proxy/txn"
)

// codeConvs encode and decode (configuration manual, section 7.3.1).
func codeConvs() []Conv {
	str, bin := txn.Str, txn.Bin
	encode := func(e *base64.Encoding) func(*Context, []Arg, *txn.Value) bool {
		return func(c *Context, _ []Arg, v *txn.Value) bool {
			b := c.alloc(e.EncodedLen(len(v.B)))
			if b == nil && len(v.B) > 0 {
				return false
			}
			e.Encode(b, v.B)
			v.SetStr(b)
			return true
		}
	}
	decode := func(e *base64.Encoding) func(*Context, []Arg, *txn.Value) bool {
		return func(c *Context, _ []Arg, v *txn.Value) bool {
			b := c.alloc(e.DecodedLen(len(v.B)))
			if b == nil && len(v.B) > 0 {
				return false
			}
			n, err := e.Decode(b, v.B)
			v.Kind, v.B = txn.Bin, b[:n]
			return err == nil
		}
	}
	return []Conv{
		{Row: Row{Name: "base64", Doc: "The bytes in base64."}, In: bin, Out: str, fn: encode(base64.StdEncoding)},
		{Row: Row{Name: "b64dec", Doc: "What base64 stands for."}, In: str, Out: bin, fn: decode(base64.StdEncoding)},
		{Row: Row{Name: "ub64enc", Doc: "The bytes in base64 for URLs, without padding."}, In: bin, Out: str, fn: encode(base64.RawURLEncoding)},
		{Row: Row{Name: "ub64dec", Doc: "What base64 for URLs stands for."}, In: str, Out: bin, fn: decode(base64.RawURLEncoding)},
		{Row: Row{Name: "hex", Doc: "The bytes in upper-case hexadecimal digits."}, In: bin, Out: str, fn: convHex},
		{Row: Row{Name: "hex2i", Doc: "The number that hexadecimal digits stand for."}, In: str, Out: txn.Int, fn: convHex2i},
		{Row: Row{Name: "url_dec", Usage: "([<in_form>])", params: "|i", Doc: "The text with %XX decoded, and + as a space behind a question mark or, with 1, anywhere."}, In: str, Out: str, fn: convURLDecode},
		{Row: Row{Name: "url_enc", Usage: "([<type>])", params: "|s", check: checkURLEncode, Doc: "The text with %XX for all that a part of a query cannot hold."}, In: str, Out: str, fn: convURLEncode},
		{Row: Row{Name: "sha1", Doc: "The SHA-1 digest."}, In: bin, Out: bin, fn: func(c *Context, _ []Arg, v *txn.Value) bool {
			d := sha1.Sum(v.B) //nolint:gosec // what the language offers
			return c.keep(v, append(c.spare(), d[:]...))
		}},
		{Row: Row{Name: "sha2", Usage: "([<bits>])", params: "|i", check: checkBits, Doc: "The SHA-2 digest of 224, 256 (default), 384 or 512 bits."}, In: bin, Out: bin, fn: convSHA2},
	}
}

const upperHex = "0123456789ABCDEF"

func convHex(c *Context, _ []Arg, v *txn.Value) bool {
	b := c.spare()
	for _, x := range v.B {
		b = append(b, upperHex[x>>4], upperHex[x&15])
	}
	v.Kind = txn.Str
	return c.keep(v, b)
}

func convHex2i(_ *Context, _ []Arg, v *txn.Value) bool {
	n := uint64(0)
	for _, c := range v.B {
		d, ok := unhex(c)
		if !ok {
			return false
		}
		n = n<<4 | uint64(d)
	}
	v.SetInt(int64(n))
	return true
}

func unhex(c byte) (byte, bool) {
	switch {
	case c >= '0' && c <= '9':
		return c - '0', true
	case c|0x20 >= 'a' && c|0x20 <= 'f':
		return c | 0x20 - 'a' + 10, true
	}
	return 0, false
}

// convURLDecode leaves sequences that are not valid as they are and ends at a byte
// that cannot be, as the reference does.
func convURLDecode(c *Context, a []Arg, v *txn.Value) bool {
	b := c.spare()
	form := a[0].Int != 0
	for i := 0; i < len(v.B); i++ {
		switch x := v.B[i]; {
		case x == '+' && form:
			b = append(b, ' ')
		case x == '?':
			form = true
			b = append(b, x)
		case x == '%':
			if i+2 >= len(v.B) {
				return false
			}
			hi, ok1 := unhex(v.B[i+1])
			lo, ok2 := unhex(v.B[i+2])
			if !ok1 || !ok2 {
				return false
			}
			b = append(b, hi<<4|lo)
			i += 2
		default:
			b = append(b, x)
		}
	}
	return c.keep(v, b)
}

func checkURLEncode(_ *Env, a []Arg) error {
	if a[0].set && string(a[0].Str) != "query" {
		return fmt.Errorf("type '%s' is unknown: want query", a[0].Str)
	}
	return nil
}

func convURLEncode(c *Context, _ []Arg, v *txn.Value) bool {
	b := c.spare()
	for _, x := range v.B {
		switch {
		case x|0x20 >= 'a' && x|0x20 <= 'z', x >= '0' && x <= '9', x == '-', x == '.', x == '_', x == '~':
			b = append(b, x)
		default:
			b = append(b, '%', upperHex[x>>4], upperHex[x&15])
		}
	}
	return c.keep(v, b)
}

func checkBits(_ *Env, a []Arg) error {
	if !a[0].set {
		a[0].Int = 256
	}
	switch a[0].Int {
	case 224, 256, 384, 512:
		return nil
	}
	return fmt.Errorf("%d bits are not one of 224, 256, 384 and 512", a[0].Int)
}

func convSHA2(c *Context, a []Arg, v *txn.Value) bool {
	b := c.spare()
	switch a[0].Int {
	case 224:
		d := sha256.Sum224(v.B)
		b = append(b, d[:]...)
	case 384:
		d := sha512.Sum384(v.B)
		b = append(b, d[:]...)
	case 512:
		d := sha512.Sum512(v.B)
		b = append(b, d[:]...)
	default:
		d := sha256.Sum256(v.B)
		b = append(b, d[:]...)
	}
	return c.keep(v, b)
}
