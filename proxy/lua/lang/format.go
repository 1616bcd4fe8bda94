package lang

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	lua "github.com/yuin/gopher-lua"
)

// textFormat is "string.format".
func textFormat(l *lua.LState) int {
	f := checkText(l, 1)
	var b strings.Builder
	arg := 1
	for i := 0; i < len(f); i++ {
		if f[i] != '%' {
			b.WriteByte(f[i])
			continue
		}
		if i++; i < len(f) && f[i] == '%' {
			b.WriteByte('%')
			continue
		}
		start := i
		for i < len(f) && strings.IndexByte("-+ #0", f[i]) >= 0 {
			i++
		}
		for i < len(f) && (isNumeral(f[i]) || f[i] == '.') {
			i++
		}
		if i >= len(f) || i-start > 8 {
			l.RaiseError("invalid conversion '%%%s' to 'format'", f[start:])
		}
		arg++
		b.WriteString(convert(l, f[start:i], f[i], arg))
	}
	l.Push(lua.LString(b.String()))
	return 1
}

// convert writes one argument.
func convert(l *lua.LState, spec string, verb byte, arg int) string {
	switch verb {
	case 'd', 'i':
		return fmt.Sprintf("%"+integerSpec(spec)+"d", whole(l, arg))
	case 'u':
		return fmt.Sprintf("%"+spec+"d", uint64(whole(l, arg)))
	case 'c':
		return padded(string([]byte{byte(whole(l, arg))}), spec)
	case 'o', 'x', 'X':
		return fmt.Sprintf("%"+integerSpec(spec)+string(verb), uint64(whole(l, arg)))
	case 'e', 'E', 'f', 'F', 'g', 'G':
		n := float64(l.CheckNumber(arg))
		if math.IsInf(n, 0) || math.IsNaN(n) {
			return padded(strings.TrimPrefix(number(n), "+"), strings.TrimLeft(spec, "0"))
		}
		if !strings.Contains(spec, ".") {
			spec += ".6"
		}
		return fmt.Sprintf("%"+spec+string(verb), n)
	case 'a', 'A':
		s := strconv.FormatFloat(float64(l.CheckNumber(arg)), 'x', -1, 64)
		if verb == 'A' {
			s = strings.ToUpper(s)
		}
		return padded(s, spec)
	case 's':
		v := l.CheckAny(arg)
		s := Text(v)
		if _, ok := v.(lua.LNumber); !ok {
			s = l.ToStringMeta(v).String()
		}
		return padded(s, spec)
	case 'q':
		return quoted(l.CheckAny(arg))
	}
	l.RaiseError("invalid option '%%%s%c' to 'format'", spec, verb)
	return ""
}

// integerSpec is a specification for integers: with a precision, zeros do not fill the
// width.
func integerSpec(spec string) string {
	if strings.Contains(spec, ".") {
		flags := strings.TrimLeft(spec, "-+ #0")
		return strings.ReplaceAll(spec[:len(spec)-len(flags)], "0", "") + flags
	}
	return spec
}

// whole takes an argument that has to be an integer.
func whole(l *lua.LState, arg int) int64 {
	v := toNumber(l.Get(arg))
	n, ok := v.(lua.LNumber)
	if !ok {
		l.TypeError(arg, lua.LTNumber)
	}
	i, ok := integer(float64(n))
	if !ok {
		l.ArgError(arg, "number has no integer representation")
	}
	return i
}

// integer converts a number that is one.
func integer(n float64) (int64, bool) {
	if n != math.Trunc(n) || math.IsInf(n, 0) {
		return 0, false
	}
	if n == 1<<63 { // the greatest integer, as near as a number gets
		return math.MaxInt64, true
	}
	if n < -(1<<63) || n > 1<<63 {
		return 0, false
	}
	return int64(n), true
}

// padded cuts a text to a precision and fills it up to a width.
func padded(s, spec string) string {
	left := strings.HasPrefix(spec, "-")
	spec = strings.TrimLeft(spec, "-+ #0")
	width, precision, cut := strings.Cut(spec, ".")
	if cut {
		n, _ := strconv.Atoi(precision)
		s = s[:min(len(s), n)]
	}
	n, _ := strconv.Atoi(width)
	fill := strings.Repeat(" ", max(n-len(s), 0))
	if left {
		return s + fill
	}
	return fill + s
}

// quoted writes a value so that a script reads it.
func quoted(v lua.LValue) string {
	s, ok := v.(lua.LString)
	if !ok {
		return Text(v)
	}
	b := []byte{'"'}
	for i := range len(s) {
		switch c := s[i]; {
		case c == '"' || c == '\\' || c == '\n':
			b = append(b, '\\', c)
		case c == '\r':
			b = append(b, "\\13"...)
		case c == 0:
			if i+1 < len(s) && isNumeral(s[i+1]) {
				b = append(b, "\\000"...)
			} else {
				b = append(b, "\\0"...)
			}
		case c < ' ' || c == 127:
			if i+1 < len(s) && isNumeral(s[i+1]) {
				b = fmt.Appendf(b, "\\%03d", c)
			} else {
				b = fmt.Appendf(b, "\\%d", c)
			}
		default:
			b = append(b, c)
		}
	}
	return string(append(b, '"'))
}
