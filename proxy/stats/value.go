package stats

import (
	"bytes"
	"strconv"
)

// kind is the type of a value as "typed" output names it; kindNone is a field
// that does not apply.
type kind uint8

const (
	kindNone kind = iota
	kindU32
	kindS32
	kindU64
	kindStr
	kindFlt
)

func (k kind) String() string { return [...]string{"", "u32", "s32", "u64", "str", "flt"}[k] }

// value is one field of one row.
type value struct {
	kind kind
	n    int64
	u    uint64
	s    string
	f    float64
}

var none value

func u64(n uint64) value { return value{kind: kindU64, u: n} }

// u32 is an unsigned field; negative levels, which a sum over threads may show
// for a moment, read as 0.
func u32[T int | int64 | uint64](n T) value { return value{kind: kindU32, u: uint64(max(n, 0))} }

func s32(n int64) value   { return value{kind: kindS32, n: n} }
func flt(f float64) value { return value{kind: kindFlt, f: f} }
func str(s string) value  { return value{kind: kindStr, s: s} }

func flag(b bool) value {
	if b {
		return u32(1)
	}
	return u32(0)
}

// append writes the value as plain text.
func (v value) append(b []byte) []byte {
	switch v.kind {
	case kindU32, kindU64:
		return strconv.AppendUint(b, v.u, 10)
	case kindS32:
		return strconv.AppendInt(b, v.n, 10)
	case kindStr:
		return append(b, v.s...)
	case kindFlt:
		return appendFloat(b, v.f)
	case kindNone:
	}
	return b
}

// appendFloat writes a number with up to six decimals, without zeros at the end.
func appendFloat(b []byte, f float64) []byte {
	b = strconv.AppendFloat(b, f, 'f', 6, 64)
	return bytes.TrimSuffix(bytes.TrimRight(b, "0"), []byte("."))
}

// appendJSON writes the value as a JSON value.
func (v value) appendJSON(b []byte) []byte {
	if v.kind == kindStr {
		return appendJSONString(b, v.s)
	}
	return v.append(b)
}

// appendJSONString quotes s. Bytes outside printable ASCII, which may be any
// charset, are written as the code point of the byte.
func appendJSONString(b []byte, s string) []byte {
	const digits = "0123456789abcdef"
	b = append(b, '"')
	for i := range len(s) {
		switch c := s[i]; {
		case c == '"' || c == '\\':
			b = append(b, '\\', c)
		case c < ' ' || c > '~':
			b = append(b, '\\', 'u', '0', '0', digits[c>>4], digits[c&15])
		default:
			b = append(b, c)
		}
	}
	return append(b, '"')
}

// appendCSV writes s as a CSV field, quoted only where it must be (RFC 4180).
func appendCSV(b []byte, s string) []byte {
	quoted := false
	for i := range len(s) {
		if c := s[i]; c == '"' || c == ',' || c == '\n' || c == '\r' {
			quoted = true
			break
		}
	}
	if !quoted {
		return append(b, s...)
	}
	b = append(b, '"')
	for i := range len(s) {
		if s[i] == '"' {
			b = append(b, '"')
		}
		b = append(b, s[i])
	}
	return append(b, '"')
}

// tags are the three letters of "typed" output: what a field comes from, what
// it is, and how far it applies.
type tags string

// JSON writes the tags in words.
func (t tags) appendJSON(b []byte) []byte {
	b = append(b, `"tags":{"origin":"`...)
	b = append(b, origins[t[0]]...)
	b = append(b, `","nature":"`...)
	b = append(b, natures[t[1]]...)
	b = append(b, `","scope":"`...)
	b = append(b, scopes[t[2]]...)
	return append(b, `"}`...)
}

var (
	origins = map[byte]string{'M': "Metric", 'S': "Status", 'K': "Key", 'C': "Config", 'P': "Product"}
	natures = map[byte]string{
		'G': "Gauge", 'L': "Limit", 'm': "Min", 'M': "Max", 'R': "Rate", 'C': "Counter",
		'D': "Duration", 'A': "Age", 'T': "Time", 'N': "Name", 'O': "Output", 'a': "Avg",
	}
	scopes = map[byte]string{'C': "Cluster", 'P': "Process", 'S': "Service", 'Y': "System"}
)
