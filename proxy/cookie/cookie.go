// Package cookie goes through the cookies of messages and changes single ones, so that
// all others stay as they were written.
package cookie

import "bytes"

// Act is what becomes of a cookie.
type Act uint8

// What becomes of a cookie.
const (
	Keep Act = iota
	Drop
	Replace // its value
)

// EditRequest goes through a Cookie field and asks what becomes of each cookie. It
// appends to dst what is left of the field, and reports whether that is something
// else than before. An empty field is to be removed.
//
// As older rules have it, a comma separates cookies like a semicolon, a value may be in
// quotes, and what begins with a dollar sign belongs to the cookie before it; nothing but
// that is left of a field is not worth keeping. Blanks around an equals sign are removed.
func EditRequest(dst, field []byte, ask func(name, value []byte) (Act, []byte)) (out []byte, changed bool) {
	begin := len(dst)
	kept, cookies, dropping := false, false, false
	for rest, first := field, true; len(rest) > 0; first = false {
		part := rest
		delimiter := byte(0)
		if !first {
			delimiter, part = rest[0], rest[1:]
		}
		c := split(part)
		rest = part[c.end:]
		act, value := Keep, []byte(nil)
		switch {
		case c.attribute:
			if dropping {
				changed = true
				continue
			}
		case c.equals:
			act, value = ask(c.name, c.value)
		}
		if act == Drop {
			changed, dropping = true, true
			continue
		}
		text := part[:c.end]
		switch {
		case dropping && !kept:
			text = trimLeft(text)
		case dropping:
			dst = append(bytes.TrimRight(dst, " \t"), delimiter, ' ')
			text = trimLeft(text)
		case delimiter != 0:
			dst = append(dst, delimiter)
		}
		kept, dropping = true, false
		cookies = cookies || !c.attribute
		if c.attribute || !c.equals || act == Keep && c.tight {
			dst = append(dst, text...)
			continue
		}
		if act == Keep {
			value = c.value
		}
		changed = true
		dst = append(dst, text[:len(text)-len(trimLeft(text))]...)
		dst = append(dst, c.name...)
		dst = append(dst, '=')
		dst = append(dst, value...)
		dst = append(dst, c.behind...)
	}
	if !kept || dropping && !cookies {
		dst = dst[:begin]
	}
	return dst, changed
}

// EditResponse is the same for a Set-Cookie field, which has one cookie and its
// attributes.
func EditResponse(dst, field []byte, ask func(name, value []byte) (Act, []byte)) (out []byte, changed bool) {
	c := split(field)
	if !c.equals {
		return append(dst, field...), false
	}
	act, value := ask(c.name, c.value)
	switch {
	case act == Drop:
		return dst, true
	case act == Keep && c.tight:
		return append(dst, field...), false
	case act == Keep:
		value = c.value
	}
	dst = append(dst, c.name...)
	dst = append(dst, '=')
	dst = append(dst, value...)
	dst = append(dst, c.behind...)
	return append(dst, field[c.end:]...), true
}

// pieces are those of one cookie.
type pieces struct {
	name, value []byte
	behind      []byte // blanks between the value and the end
	end         int    // where the next delimiter is
	attribute   bool   // it begins with a dollar sign
	equals      bool   // there is an equals sign
	tight       bool   // without blanks around it
}

// split reads the cookie that a text begins with.
func split(text []byte) (c pieces) {
	begin := len(text) - len(trimLeft(text))
	i := begin
	for i < len(text) && text[i] != '=' && text[i] != ';' && text[i] != ',' {
		i++
	}
	c.name = bytes.TrimRight(text[begin:i], " \t")
	c.attribute = len(c.name) > 0 && c.name[0] == '$'
	if i == len(text) || text[i] != '=' {
		c.end = i
		return c
	}
	c.equals = true
	from := i + 1
	for from < len(text) && blank(text[from]) {
		from++
	}
	c.end = from + End(text[from:])
	c.value = bytes.TrimRight(text[from:c.end], " \t")
	c.behind = text[from+len(c.value) : c.end]
	c.tight = begin+len(c.name) == i && from == i+1
	return c
}

// End is where a cookie, or its value, ends: at a semicolon or a comma outside quotes, or
// with the field.
func End(b []byte) int {
	quoted := false
	for i := 0; i < len(b); i++ {
		switch c := b[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case !quoted && (c == ';' || c == ','):
			return i
		}
	}
	return len(b)
}

func blank(c byte) bool { return c == ' ' || c == '\t' }

func trimLeft(b []byte) []byte { return bytes.TrimLeft(b, " \t") }
