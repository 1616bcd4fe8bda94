package sample

import (
	"bytes"
	"fmt"
	"strings"
	"time"

	"bench/proxy/txn"
)

// moreConvs choose, date and join (configuration manual, section 7.3.1).
func moreConvs() []Conv {
	str := txn.Str
	clock := func(name, doc string, in func() *time.Location) Conv {
		return Conv{Row: Row{Name: name, Usage: "(<format>[,<offset>])", params: "s|i", Doc: doc}, In: txn.Int, Out: str, fn: func(c *Context, a []Arg, v *txn.Value) bool {
			t := time.Unix(int64(v.Lo)+a[1].Int, 0).In(in())
			v.Kind = txn.Str
			return c.keep(v, appendTime(c.spare(), string(a[0].Str), t))
		}}
	}
	return []Conv{
		{Row: Row{Name: "add_item", Usage: "(<delimiter>[,<variable>][,<suffix>])", params: "s|Vs", check: checkItem, Doc: "The text, and behind it a delimiter, a variable, a suffix; no delimiter where there is nothing on one of its sides."}, In: str, Out: str, fn: convItem},
		{Row: Row{Name: "language", Usage: "(<languages>[,<default>])", params: "s|s", Doc: "The best of the languages, which semicolons separate, that a field Accept-Language lists."}, In: str, Out: str, fn: convLanguage},
		clock("ltime", "A time since 1970 in a format of strftime(3), in local time.", func() *time.Location { return time.Local }),
		clock("utime", "A time since 1970 in a format of strftime(3), in UTC.", func() *time.Location { return gmt }),
		{Row: Row{Name: "nbsrv", Doc: "Servers that take requests of the backend with that name."}, In: str, Out: txn.Int, fn: func(c *Context, _ []Arg, v *txn.Value) bool {
			farm := c.Txn.Stream.Farm()
			b := farm.BackendNamed(v.B)
			if b < 0 {
				return false
			}
			v.SetInt(int64(farm.Usable(b)))
			return true
		}},
		{Row: Row{Name: "srv_queue", Doc: "Streams that wait for the server with that name, [backend/]server."}, In: str, Out: txn.Int, fn: func(c *Context, _ []Arg, v *txn.Value) bool {
			farm := c.Txn.Stream.Farm()
			name, b := v.B, c.Txn.Stream.Backend()
			if of, server, ok := bytes.Cut(name, []byte("/")); ok {
				name, b = server, farm.BackendNamed(of)
			}
			if b < 0 || !farm.HasServer(b, string(name)) {
				return false
			}
			v.SetInt(farm.ServerFigure(txn.ServerQueue, b, string(name)))
			return true
		}},
	}
}

func checkItem(env *Env, a []Arg) error {
	if err := checkConcat(env, a); err != nil {
		return err
	}
	if !a[1].set && (!a[2].set || len(a[2].Str) == 0) {
		return fmt.Errorf("a variable or a suffix is missing")
	}
	return nil
}

func convItem(c *Context, a []Arg, v *txn.Value) bool {
	var middle []byte
	if a[1].set {
		if x, ok := c.variable(&a[1]); ok {
			if !c.Cast(&x, txn.Str) {
				return false
			}
			middle = x.B
		}
	}
	b := append(c.spare(), v.B...)
	if len(v.B) > 0 && len(middle)+len(a[2].Str) > 0 {
		b = append(b, a[0].Str...)
	}
	return c.keep(v, append(append(b, middle...), a[2].Str...))
}

// convLanguage takes the language with the highest quality (RFC 9110, section 12.5.4): of
// those that are listed, the first of the best ones.
func convLanguage(c *Context, a []Arg, v *txn.Value) bool {
	best, most := []byte(nil), 0
	for rest := v.B; len(rest) > 0; {
		item, more, _ := bytes.Cut(rest, comma)
		rest = more
		tag, params, _ := bytes.Cut(item, []byte(";"))
		tag = trim(tag)
		q := 1000
		if params = trim(params); len(params) > 0 {
			value, ok := bytes.CutPrefix(params, []byte("q="))
			if !ok {
				continue
			}
			q = quality(value)
		}
		if q <= most {
			continue
		}
		if found := choose(a[0].Str, tag); found != nil {
			best, most = found, q
		}
	}
	if best == nil {
		if !a[1].set {
			return false
		}
		best = a[1].Str
	}
	v.SetStr(best)
	return true
}

var comma = []byte{','}

// quality is a weight in thousandths.
func quality(b []byte) int {
	n, digits := 0, 0
	whole, fraction, _ := bytes.Cut(trim(b), []byte("."))
	if string(whole) == "1" {
		return 1000
	}
	for ; digits < 3; digits++ {
		n *= 10
		if digits < len(fraction) && fraction[digits] >= '0' && fraction[digits] <= '9' {
			n += int(fraction[digits] - '0')
		}
	}
	return n
}

// choose finds a tag among languages, or without its variant.
func choose(languages, tag []byte) []byte {
	base, _, variant := bytes.Cut(tag, []byte("-"))
	var plain []byte
	for rest := languages; len(rest) > 0; {
		l, more, _ := bytes.Cut(rest, []byte(";"))
		rest = more
		if bytes.Equal(l, tag) {
			return l
		}
		if variant && plain == nil && bytes.Equal(l, base) {
			plain = l
		}
	}
	return plain
}

// gmt is UTC by the name that C libraries give it.
var gmt = time.FixedZone("GMT", 0)

// appendTime writes a time in a format of strftime(3), in the C locale.
func appendTime(b []byte, format string, t time.Time) []byte {
	for i := 0; i < len(format); i++ {
		if format[i] != '%' || i+1 == len(format) {
			b = append(b, format[i])
			continue
		}
		i++
		if format[i] == 'E' || format[i] == 'O' { // as without, in this locale
			if i+1 == len(format) {
				break
			}
			i++
		}
		if layout, ok := layouts[format[i]]; ok {
			b = t.AppendFormat(b, layout)
			continue
		}
		year, week := t.ISOWeek()
		switch c := format[i]; c {
		case '%':
			b = append(b, '%')
		case 'n':
			b = append(b, '\n')
		case 't':
			b = append(b, '\t')
		case 'C':
			b = fmt.Appendf(b, "%02d", t.Year()/100)
		case 'G':
			b = fmt.Appendf(b, "%d", year)
		case 'g':
			b = fmt.Appendf(b, "%02d", year%100)
		case 'V':
			b = fmt.Appendf(b, "%02d", week)
		case 'k':
			b = fmt.Appendf(b, "%2d", t.Hour())
		case 'l':
			b = fmt.Appendf(b, "%2d", (t.Hour()+11)%12+1)
		case 'P':
			b = append(b, strings.ToLower(t.Format("PM"))...)
		case 's':
			b = fmt.Appendf(b, "%d", t.Unix())
		case 'u':
			b = fmt.Appendf(b, "%d", (int(t.Weekday())+6)%7+1)
		case 'w':
			b = fmt.Appendf(b, "%d", int(t.Weekday()))
		case 'U':
			b = fmt.Appendf(b, "%02d", (t.YearDay()-1+7-int(t.Weekday()))/7)
		case 'W':
			b = fmt.Appendf(b, "%02d", (t.YearDay()-1+7-(int(t.Weekday())+6)%7)/7)
		default:
			b = append(b, '%', c)
		}
	}
	return b
}

// layouts are the conversions that the standard library knows.
var layouts = map[byte]string{
	'a': "Mon", 'A': "Monday", 'b': "Jan", 'B': "January", 'c': "Mon Jan _2 15:04:05 2006", 'd': "02", 'D': "01/02/06", 'e': "_2",
	'F': "2006-01-02", 'h': "Jan", 'H': "15", 'I': "03", 'j': "002", 'm': "01", 'M': "04", 'p': "PM", 'r': "03:04:05 PM", 'R': "15:04",
	'S': "05", 'T': "15:04:05", 'x': "01/02/06", 'X': "15:04:05", 'y': "06", 'Y': "2006", 'z': "-0700", 'Z': "MST",
}
