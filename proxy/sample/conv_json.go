package sample

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"bench/proxy/txn"
)

// jsonConvs write JSON and read it (configuration manual, section 7.3.1).
func jsonConvs() []Conv {
	return []Conv{
		{Row: Row{Name: "json", Usage: "([<input>])", params: "|s", check: checkJSONInput, Doc: "The text as part of a string of JSON; the input is ascii (default), utf8, utf8s, utf8p or utf8ps: p takes codes that are longer than need be, s leaves out what is no character."}, In: txn.Str, Out: txn.Str, fn: convJSON},
		{Row: Row{Name: "json_query", Usage: "(<path>[,int])", params: "s|s", check: checkQuery(0, 1), Doc: "The value at a path such as $.a.b[0] of a JSON text."}, In: txn.Str, Out: txn.None, fn: func(c *Context, a []Arg, v *txn.Value) bool { return c.query(a[0].path, a[1].Int != 0, v) }},
		{Row: Row{Name: "jwt_header_query", Usage: "([<path>[,int]])", params: "|ss", check: checkQuery(0, 1), Doc: "The header of a JSON Web Token, or the value at a path of it."}, In: txn.Str, Out: txn.None, fn: func(c *Context, a []Arg, v *txn.Value) bool { return c.tokenPart(0, a, v) }},
		{Row: Row{Name: "jwt_payload_query", Usage: "([<path>[,int]])", params: "|ss", check: checkQuery(0, 1), Doc: "The payload of a JSON Web Token, or the value at a path of it."}, In: txn.Str, Out: txn.None, fn: func(c *Context, a []Arg, v *txn.Value) bool { return c.tokenPart(1, a, v) }},
		{Row: Row{Name: "jwt_verify", Usage: "(<algorithm>,<key>)", params: "TT", check: checkJWT, Doc: "1 if the signature of a JSON Web Token is right, 0 if it is not, below 0 where it cannot be checked; the key is a secret, or a file with a public key."}, In: txn.Str, Out: txn.Int, fn: convJWTVerify},
	}
}

// jsonInputs are how texts are read: codes longer than need be, and what to do with what
// is no character.
var jsonInputs = map[string]int64{"ascii": 0, "utf8": 1, "utf8s": 1 | jsonSkip, "utf8p": 1 | jsonLong, "utf8ps": 1 | jsonSkip | jsonLong}

const (
	jsonSkip = 2
	jsonLong = 4
)

func checkJSONInput(_ *Env, a []Arg) error {
	if !a[0].set {
		return nil
	}
	how, ok := jsonInputs[string(a[0].Str)]
	if !ok {
		return fmt.Errorf("input '%s' is unknown: want ascii, utf8, utf8s, utf8p or utf8ps", a[0].Str)
	}
	a[0].Int = how
	return nil
}

func convJSON(c *Context, a []Arg, v *txn.Value) bool {
	how := a[0].Int
	b := c.spare()
	for rest := v.B; len(rest) > 0; {
		r, n, ok := rune(rest[0]), 1, true
		if how != 0 {
			r, n, ok = decodeUTF8(rest, how&jsonLong != 0)
		}
		rest = rest[n:]
		switch {
		case !ok && how&jsonSkip == 0:
			return false
		case !ok:
		case r == '"', r == '\\', r == '/':
			b = append(b, '\\', byte(r))
		case r >= 0x20 && r < 0x7f:
			b = append(b, byte(r))
		case r == '\b':
			b = append(b, '\\', 'b')
		case r == '\f':
			b = append(b, '\\', 'f')
		case r == '\r':
			b = append(b, '\\', 'r')
		case r == '\n':
			b = append(b, '\\', 'n')
		case r == '\t':
			b = append(b, '\\', 't')
		case r > 0xffff:
			if how&jsonSkip == 0 {
				return false
			}
		default:
			b = fmt.Appendf(b, "\\u%04x", r)
		}
	}
	return c.keep(v, b)
}

// decodeUTF8 reads a character; long takes one whose code is longer than need be.
func decodeUTF8(b []byte, long bool) (r rune, n int, ok bool) {
	r, n = utf8.DecodeRune(b)
	if r != utf8.RuneError || n > 1 {
		return r, n, true
	}
	size := 0
	switch x := b[0]; {
	case x&0xe0 == 0xc0:
		r, size = rune(x&0x1f), 2
	case x&0xf0 == 0xe0:
		r, size = rune(x&0x0f), 3
	case x&0xf8 == 0xf0:
		r, size = rune(x&0x07), 4
	default:
		return 0, 1, false
	}
	for n = 1; n < size && n < len(b) && b[n]&0xc0 == 0x80; n++ {
		r = r<<6 | rune(b[n]&0x3f)
	}
	if n < size {
		return 0, n, false
	}
	short := [5]rune{2: 0x80, 3: 0x800, 4: 0x10000}[size] > r
	return r, n, short && long
}

// pathStep is one step of a path in JSON: a name, or an index.
type pathStep struct {
	name  string
	index int // -1: a name
}

func checkQuery(path, kind int) func(*Env, []Arg) error {
	return func(_ *Env, a []Arg) (err error) {
		if a[path].set && len(a[path].Str) > 0 {
			if a[path].path, err = parsePath(string(a[path].Str)); err != nil {
				return err
			}
		}
		if !a[kind].set {
			return nil
		}
		if string(a[kind].Str) != "int" {
			return fmt.Errorf("type '%s' is unknown: want int", a[kind].Str)
		}
		a[kind].Int = 1
		return nil
	}
}

// parsePath reads "$.name.name[0]"; a backslash makes a dot or bracket part of a name.
func parsePath(p string) ([]pathStep, error) {
	rest, ok := strings.CutPrefix(p, "$")
	if !ok {
		return nil, fmt.Errorf("path '%s' does not begin with $", p)
	}
	steps := []pathStep{}
	for rest != "" {
		switch rest[0] {
		case '.':
			var name strings.Builder
			i := 1
			for ; i < len(rest) && rest[i] != '.' && rest[i] != '['; i++ {
				if rest[i] == '\\' && i+1 < len(rest) {
					i++
				}
				name.WriteByte(rest[i])
			}
			if name.Len() == 0 {
				return nil, fmt.Errorf("a name is missing in path '%s'", p)
			}
			steps, rest = append(steps, pathStep{name.String(), -1}), rest[i:]
		case '[':
			number, more, ok := strings.Cut(rest[1:], "]")
			n, err := strconv.Atoi(number)
			if !ok || err != nil || n < 0 {
				return nil, fmt.Errorf("path '%s' has an invalid index: want one such as [0]", p)
			}
			steps, rest = append(steps, pathStep{"", n}), more
		default:
			return nil, fmt.Errorf("path '%s' is not understood from '%s' on: want .name or [0]", p, rest)
		}
	}
	return steps, nil
}

// query makes the value what stands at a path of the JSON text that it holds.
func (c *Context) query(path []pathStep, whole bool, v *txn.Value) bool {
	text, ok := find(json.RawMessage(v.B), path)
	if !ok || len(text) == 0 {
		return false
	}
	switch text[0] {
	case '"':
		var s string
		if json.Unmarshal(text, &s) != nil {
			return false
		}
		v.Kind = txn.Str
		return c.keep(v, append(c.spare(), s...))
	case 't', 'f':
		v.SetBool(text[0] == 't')
		return true
	case '[', '{', 'n':
		return false
	}
	if whole {
		v.SetInt(leadingInt(text))
		return true
	}
	f, err := strconv.ParseFloat(string(text), 64)
	if err != nil {
		return false
	}
	v.Kind = txn.Str
	return c.keep(v, strconv.AppendFloat(c.spare(), f, 'g', 6, 64))
}

// find goes down a path.
func find(text json.RawMessage, path []pathStep) (json.RawMessage, bool) {
	for _, step := range path {
		if step.index < 0 {
			var object map[string]json.RawMessage
			if json.Unmarshal(text, &object) != nil {
				return nil, false
			}
			var ok bool
			if text, ok = object[step.name]; !ok {
				return nil, false
			}
			continue
		}
		var list []json.RawMessage
		if json.Unmarshal(text, &list) != nil || step.index >= len(list) {
			return nil, false
		}
		text = list[step.index]
	}
	text = bytes.TrimSpace(text)
	return text, json.Valid(text)
}

// tokenPart decodes a part of a JSON Web Token (RFC 7519), and looks into it.
func (c *Context) tokenPart(n int, a []Arg, v *txn.Value) bool {
	parts := bytes.SplitN(v.B, []byte("."), 3)
	if len(parts) < 2 {
		return false
	}
	part := parts[n]
	b := c.alloc(base64.RawURLEncoding.DecodedLen(len(part)))
	if b == nil && len(part) > 0 {
		return false
	}
	m, err := base64.RawURLEncoding.Decode(b, part)
	if err != nil {
		return false
	}
	v.SetStr(b[:m])
	return a[0].path == nil || c.query(a[0].path, a[1].Int != 0, v)
}
