package series

import (
	"reflect"
	"strings"
	"unicode"
)

// maxText bounds a cleaned text; names beyond it are cut with an ellipsis.
const maxText = 64 << 10

// Text makes a string from a proxy, a configuration or a name safe to show on
// any surface: terminal control sequences, control characters and the
// characters that reorder text go; line ends and tabs stay. It does not escape
// markup: that is the renderer's part.
func Text(s string) string {
	if len(s) > maxText {
		s = strings.ToValidUTF8(s[:maxText], "") + "…"
	}
	var b strings.Builder
	for i := 0; i < len(s); {
		if s[i] == 0x1b {
			i += escapeLen(s[i:])
			continue
		}
		n := i + 1
		for n < len(s) && s[n]&0xc0 == 0x80 {
			n++
		}
		for _, r := range s[i:n] {
			if keep(r) {
				b.WriteRune(r)
			}
		}
		i = n
	}
	return b.String()
}

// keep reports whether a rune may be shown. Bidi controls, zero-width and other
// format characters are category Cf; U+FFFD stands for broken UTF-8.
func keep(r rune) bool {
	switch {
	case r == '\n' || r == '\t':
		return true
	case unicode.IsControl(r), unicode.Is(unicode.Cf, r), unicode.Is(unicode.Zl, r), unicode.Is(unicode.Zp, r), unicode.Is(unicode.Co, r):
		return false
	default:
		return true
	}
}

// escapeLen is the length of the terminal sequence s begins with: CSI up to
// its final byte, OSC and its kin up to BEL or ST, anything else two bytes.
func escapeLen(s string) int {
	if len(s) < 2 {
		return len(s)
	}
	switch s[1] {
	case '[':
		for i := 2; i < len(s); i++ {
			if s[i] >= 0x40 && s[i] <= 0x7e {
				return i + 1
			}
		}
		return len(s)
	case ']', 'P', '_', '^', 'X':
		for i := 2; i < len(s); i++ {
			if s[i] == 0x07 {
				return i + 1
			}
			if s[i] == 0x1b {
				return min(i+2, len(s))
			}
		}
		return len(s)
	default:
		return 2
	}
}

// OneLine is Text on one line: line ends and tabs become spaces.
func OneLine(s string) string {
	return strings.Join(strings.FieldsFunc(Text(s), func(r rune) bool { return r == '\n' || r == '\t' }), " ")
}

// Clean applies Text to every string that v, a pointer, leads to.
func Clean(v any) { clean(reflect.ValueOf(v)) }

func clean(v reflect.Value) {
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			clean(v.Elem())
		}
	case reflect.Interface:
		if v.IsNil() {
			return
		}
		inner := reflect.New(v.Elem().Type()).Elem()
		inner.Set(v.Elem())
		clean(inner)
		v.Set(inner)
	case reflect.Struct:
		for _, field := range v.Fields() {
			if field.CanSet() {
				clean(field)
			}
		}
	case reflect.Slice, reflect.Array:
		for i := range v.Len() {
			clean(v.Index(i))
		}
	case reflect.Map:
		cleanMap(v)
	case reflect.String:
		if s := v.String(); len(s) > 0 {
			v.SetString(Text(s))
		}
	default:
	}
}

func cleanMap(m reflect.Value) {
	if m.IsNil() {
		return
	}
	out := reflect.MakeMapWithSize(m.Type(), m.Len())
	for it := m.MapRange(); it.Next(); {
		k, e := reflect.New(m.Type().Key()).Elem(), reflect.New(m.Type().Elem()).Elem()
		k.Set(it.Key())
		e.Set(it.Value())
		clean(k)
		clean(e)
		out.SetMapIndex(k, e)
	}
	m.Set(out)
}
