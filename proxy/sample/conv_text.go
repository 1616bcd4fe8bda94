package sample

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"bench/proxy/message"
	"bench/proxy/regex"
	"bench/proxy/txn"
)

// textConvs cut, join and change texts (configuration manual, section 7.3.1).
func textConvs() []Conv {
	str := txn.Str
	return []Conv{
		{Row: Row{Name: "lower", Doc: "The text in lower case."}, In: str, Out: str, fn: convLower},
		{Row: Row{Name: "upper", Doc: "The text in upper case."}, In: str, Out: str, fn: func(c *Context, _ []Arg, v *txn.Value) bool {
			if !c.copied(v) {
				return false
			}
			for i, b := range v.B {
				if b-'a' < 26 {
					v.B[i] = b &^ 0x20
				}
			}
			return true
		}},
		{Row: Row{Name: "length", Doc: "Length of the text."}, In: str, Out: txn.Int, fn: func(_ *Context, _ []Arg, v *txn.Value) bool { v.SetInt(int64(len(v.B))); return true }},
		{Row: Row{Name: "concat", Usage: "([<before>][,[<variable>][,<after>]])", params: "|sVs", check: checkConcat, Doc: "The text, and behind it a text, a variable, a text."}, In: str, Out: str, fn: convConcat},
		{Row: Row{Name: "field", Usage: "(<index>,<delimiters>[,<count>])", params: "is|i", check: checkField, Doc: "The field of that number between delimiters, counted from 1, or backwards from -1."}, In: str, Out: str, fn: convField},
		{Row: Row{Name: "word", Usage: "(<index>,<delimiters>[,<count>])", params: "is|i", check: checkField, Doc: "As field, but several delimiters in a row count as one."}, In: str, Out: str, fn: convWord},
		{Row: Row{Name: "bytes", Usage: "(<offset>[,<length>])", params: "i|i", check: checkBytes, Doc: "Some of the bytes."}, In: txn.Bin, Out: txn.Bin, fn: convBytes},
		{Row: Row{Name: "ltrim", Usage: "(<characters>)", params: "s", Doc: "The text without these characters at its beginning."}, In: str, Out: str, fn: func(_ *Context, a []Arg, v *txn.Value) bool {
			for len(v.B) > 0 && bytes.IndexByte(a[0].Str, v.B[0]) >= 0 {
				v.B = v.B[1:]
			}
			return true
		}},
		{Row: Row{Name: "rtrim", Usage: "(<characters>)", params: "s", Doc: "The text without these characters at its end."}, In: str, Out: str, fn: func(_ *Context, a []Arg, v *txn.Value) bool {
			for len(v.B) > 0 && bytes.IndexByte(a[0].Str, v.B[len(v.B)-1]) >= 0 {
				v.B = v.B[:len(v.B)-1]
			}
			return true
		}},
		{Row: Row{Name: "cut_crlf", Doc: "The text up to its first line end."}, In: str, Out: str, fn: func(_ *Context, _ []Arg, v *txn.Value) bool {
			if i := bytes.IndexAny(v.B, "\r\n"); i >= 0 {
				v.B = v.B[:i]
			}
			return true
		}},
		{Row: Row{Name: "regsub", Usage: "(<regex>,<replacement>[,<flags>])", params: "rs|s", check: checkRegsub, Doc: "The text with a match replaced: the first one, or with flag g all; flag i ignores case."}, In: str, Out: str, fn: func(c *Context, a []Arg, v *txn.Value) bool {
			b, ok := a[0].Re.Replace(c.spare(), &c.Regex, v.B, a[1].Str, a[2].Int != 0)
			return !ok || c.keep(v, b)
		}},
		{Row: Row{Name: "iif", Usage: "(<true>,<false>)", params: "ss", Doc: "One of two texts: the first one if the value is true."}, In: txn.Bool, Out: str, fn: func(_ *Context, a []Arg, v *txn.Value) bool {
			if v.Lo != 0 {
				v.SetStr(a[0].Str)
			} else {
				v.SetStr(a[1].Str)
			}
			return true
		}},
		{Row: Row{Name: "strcmp", Usage: "(<variable>)", params: "v", Doc: "How the text compares with a variable: 0 for the same, below for less, above for more."}, In: str, Out: txn.Int, fn: convStrcmp},
		{Row: Row{Name: "http_date", Usage: "([<offset>[,<unit>]])", params: "|is", check: checkUnit, Doc: "A time since 1970 as a date of HTTP, with a fraction if it is in ms or us."}, In: txn.Int, Out: str, fn: func(c *Context, a []Arg, v *txn.Value) bool {
			perSecond := int64(time.Second) / a[1].Int
			n := int64(v.Lo) + a[0].Int
			t := time.Unix(n/perSecond, 0).UTC()
			b := t.AppendFormat(c.spare(), "Mon, 02 Jan 2006 15:04:05")
			if perSecond > 1 {
				b = strconv.AppendInt(append(b, '.'), n%perSecond, 10)
			}
			v.Kind = txn.Str
			return c.keep(v, append(b, " GMT"...))
		}},
	}
}

func convLower(c *Context, _ []Arg, v *txn.Value) bool {
	if !c.copied(v) {
		return false
	}
	message.Lower(v.B)
	return true
}

func checkConcat(_ *Env, a []Arg) error {
	if a[1].set && len(a[1].Str) == 0 {
		a[1].set = false
	}
	return nil
}

func convConcat(c *Context, a []Arg, v *txn.Value) bool {
	var middle txn.Value
	if a[1].set {
		// Its text is written before the joint begins, or the two would mix. What does not
		// become a text is left out.
		var ok bool
		if middle, ok = c.variable(&a[1]); ok && !c.Cast(&middle, txn.Str) {
			middle.Kind = txn.None
		}
	}
	b := append(append(c.spare(), v.B...), a[0].Str...)
	if middle.Kind != txn.None {
		b = append(b, middle.B...)
	}
	return c.keep(v, append(b, a[2].Str...))
}

func checkField(_ *Env, a []Arg) error {
	if a[0].Int == 0 {
		return fmt.Errorf("fields count from 1, or from -1 backwards")
	}
	if !a[2].set {
		a[2].Int = 1
	}
	if a[2].Int < 0 {
		return fmt.Errorf("a count of %d fields is below 0", a[2].Int)
	}
	if len(a[1].Str) == 0 {
		return fmt.Errorf("delimiters are missing")
	}
	return nil
}

// convField cuts at every delimiter, so that fields may be empty. A count of 0 takes
// all that follow.
func convField(_ *Context, a []Arg, v *txn.Value) bool {
	return cutFields(a, v, false)
}

// convWord takes runs of delimiters for one. A word that is not there is empty.
func convWord(_ *Context, a []Arg, v *txn.Value) bool {
	if !cutFields(a, v, true) {
		v.B = v.B[:0]
	}
	return true
}

func cutFields(a []Arg, v *txn.Value, words bool) bool {
	index, count := a[0].Int, a[2].Int
	isDelim := func(c byte) bool { return bytes.IndexByte(a[1].Str, c) >= 0 }
	b := v.B
	if index > 0 {
		from, n := 0, int64(0)
		for i := 0; i <= len(b); i++ {
			if i < len(b) && !isDelim(b[i]) {
				continue
			}
			if words && (i == from) {
				from = i + 1
				continue
			}
			if n++; n == index {
				end := len(b)
				if count > 0 {
					end = fieldsEnd(b, i, count-1, words, isDelim)
				}
				v.B = b[from:end]
				return true
			}
			from = i + 1
		}
		return false
	}
	to, n := len(b), int64(0)
	for i := len(b) - 1; i >= -1; i-- {
		if i >= 0 && !isDelim(b[i]) {
			continue
		}
		if words && i+1 == to {
			to = i
			continue
		}
		if n--; n == index {
			begin := 0
			if count > 0 {
				begin = fieldsBegin(b, i, count-1, words, isDelim)
			}
			v.B = b[begin:to]
			return true
		}
		to = i
	}
	return false
}

// fieldsEnd is where the field after more of them ends, the one before which ended at i.
func fieldsEnd(b []byte, i int, more int64, words bool, isDelim func(byte) bool) int {
	for ; more > 0 && i < len(b); more-- {
		j := i + 1
		for words && j < len(b) && isDelim(b[j]) {
			j++
		}
		for j < len(b) && !isDelim(b[j]) {
			j++
		}
		i = j
	}
	return i
}

// fieldsBegin is fieldsEnd backwards: the field at hand begins behind i.
func fieldsBegin(b []byte, i int, more int64, words bool, isDelim func(byte) bool) int {
	for ; more > 0 && i >= 0; more-- {
		j := i - 1
		for words && j >= 0 && isDelim(b[j]) {
			j--
		}
		for j >= 0 && !isDelim(b[j]) {
			j--
		}
		i = j
	}
	return i + 1
}

func checkBytes(_ *Env, a []Arg) error {
	if a[0].Int < 0 || a[1].Int < 0 {
		return fmt.Errorf("an offset or length is below 0")
	}
	return nil
}

func convBytes(_ *Context, a []Arg, v *txn.Value) bool {
	from := min(a[0].Int, int64(len(v.B)))
	v.B = v.B[from:]
	if a[1].set {
		v.B = v.B[:min(a[1].Int, int64(len(v.B)))]
	}
	return true
}

func checkRegsub(_ *Env, a []Arg) (err error) {
	if len(a[0].Str) == 0 {
		return errors.New("the expression is missing")
	}
	flags := string(a[2].Str)
	if bad := strings.Trim(flags, "gi"); bad != "" {
		return fmt.Errorf("flag '%s' is unknown: want g, i or both", bad)
	}
	a[2].Int = 0
	if strings.Contains(flags, "g") {
		a[2].Int = 1
	}
	a[0].Re, err = regex.Compile(string(a[0].Str), strings.Contains(flags, "i"))
	return err
}

func convStrcmp(c *Context, a []Arg, v *txn.Value) bool {
	with, ok := c.variable(&a[0])
	if !ok || !c.Cast(&with, txn.Str) {
		return false
	}
	v.SetInt(difference(v.B, with.B))
	return true
}

// difference is that of the first bytes that differ, or else 1 or -1 for the longer and
// the shorter text.
func difference(a, b []byte) int64 {
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return int64(a[i]) - int64(b[i])
		}
	}
	return int64(cmp.Compare(len(a), len(b)))
}
