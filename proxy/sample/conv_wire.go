package sample

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"bench/proxy/txn"
)

// wireConvs read messages of other protocols (configuration manual, section 7.3.1).
func wireConvs() []Conv {
	bin := txn.Bin
	return []Conv{
		{Row: Row{Name: "protobuf", Usage: "(<field>[,<type>])", params: "s|s", check: checkProtobuf, Doc: "A field, such as 48.59.1, of a message in Protocol Buffers: its bytes, or a number of one of the types of that language."}, In: bin, Out: txn.None, fn: func(c *Context, a []Arg, v *txn.Value) bool { return c.protobuf(v.B, a, v) }},
		{Row: Row{Name: "ungrpc", Usage: "(<field>[,<type>])", params: "s|s", check: checkProtobuf, Doc: "As protobuf, of the first message of a gRPC stream."}, In: bin, Out: txn.None, fn: func(c *Context, a []Arg, v *txn.Value) bool {
			const header = 5 // compressed or not, length
			if len(v.B) <= header || v.B[0] != 0 {
				return false
			}
			n := int(binary.BigEndian.Uint32(v.B[1:]))
			return c.protobuf(v.B[header:min(header+n, len(v.B))], a, v)
		}},
		{Row: Row{Name: "fix_is_valid", Doc: "Whether it is a valid message of FIX."}, In: bin, Out: txn.Bool, fn: func(c *Context, _ []Arg, v *txn.Value) bool {
			known, valid := fixValid(v.B)
			v.SetBool(valid)
			c.Unknown = !known && !c.ended()
			return known || valid
		}},
		{Row: Row{Name: "fix_tag_value", Usage: "(<tag>)", params: "s", check: checkFIXTag, Doc: "The value of a field of a message of FIX, by its number or one of BeginString, BodyLength, MsgType, SenderCompID, TargetCompID and CheckSum."}, In: bin, Out: bin, fn: func(_ *Context, a []Arg, v *txn.Value) bool {
			for rest := v.B; ; {
				tag, value, more, ok := fixField(rest)
				if !ok {
					return false
				}
				if tag == int(a[0].Int) {
					v.B = value
					return true
				}
				rest = more
			}
		}},
	}
}

// wireTypes are the types of Protocol Buffers by how they are sent.
var wireTypes = map[string]byte{
	"int32": 0, "int64": 0, "uint32": 0, "uint64": 0, "sint32": 0, "sint64": 0, "bool": 0, "enum": 0,
	"fixed64": 1, "sfixed64": 1, "double": 1, "fixed32": 5, "sfixed32": 5, "float": 5,
}

func checkProtobuf(_ *Env, a []Arg) error {
	for part := range strings.SplitSeq(string(a[0].Str), ".") {
		n, err := strconv.ParseUint(part, 10, 29)
		if err != nil || n == 0 {
			return fmt.Errorf("'%s' is not a field: want numbers with dots between, such as 48.59.1", a[0].Str)
		}
		a[0].fields = append(a[0].fields, n)
	}
	if a[1].set {
		if _, ok := wireTypes[string(a[1].Str)]; !ok {
			return fmt.Errorf("type '%s' is unknown", a[1].Str)
		}
	}
	return nil
}

// protobuf finds a field of a message (protobuf.dev/programming-guides/encoding).
func (c *Context) protobuf(b []byte, a []Arg, v *txn.Value) bool {
	for depth, want := range a[0].fields {
		last := depth == len(a[0].fields)-1
		for {
			key, n := binary.Uvarint(b)
			if n <= 0 {
				return false
			}
			b = b[n:]
			value, size, ok := wireValue(byte(key&7), b)
			if !ok {
				return false
			}
			if key>>3 != want {
				b = b[size:]
				continue
			}
			if last {
				return c.wireResult(byte(key&7), value, a, v)
			}
			if key&7 != 2 {
				return false
			}
			b = value
			break
		}
	}
	return false
}

// wireValue is the value at the beginning of b, and how long it is.
func wireValue(kind byte, b []byte) (value []byte, size int, ok bool) {
	switch kind {
	case 0:
		_, size = binary.Uvarint(b)
		if size <= 0 {
			return nil, 0, false
		}
		return b[:size], size, true
	case 1:
		size = 8
	case 5:
		size = 4
	case 2:
		n, m := binary.Uvarint(b)
		if m <= 0 || n > uint64(len(b)-m) {
			return nil, 0, false
		}
		return b[m : m+int(n)], m + int(n), true
	default:
		return nil, 0, false
	}
	if len(b) < size {
		return nil, 0, false
	}
	return b[:size], size, true
}

func (c *Context) wireResult(kind byte, b []byte, a []Arg, v *txn.Value) bool {
	if !a[1].set {
		v.Kind, v.B = txn.Bin, b
		return true
	}
	name := string(a[1].Str)
	if wireTypes[name] != kind {
		return false
	}
	var n uint64
	if kind == 0 {
		n, _ = binary.Uvarint(b)
	}
	// As in the reference numbers are as wide as they were sent, and those with a fraction
	// lose it.
	switch name {
	case "sint32", "sint64":
		v.SetInt(int64(n>>1) ^ -int64(n&1))
	case "fixed64", "sfixed64":
		v.SetInt(int64(binary.LittleEndian.Uint64(b)))
	case "double":
		v.SetInt(int64(math.Float64frombits(binary.LittleEndian.Uint64(b))))
	case "fixed32":
		v.SetInt(int64(binary.LittleEndian.Uint32(b)))
	case "sfixed32":
		v.SetInt(int64(int32(binary.LittleEndian.Uint32(b))))
	case "float":
		v.SetInt(int64(math.Float32frombits(binary.LittleEndian.Uint32(b))))
	default:
		v.SetInt(int64(n))
	}
	return true
}

// fixTags are fields of FIX by their names.
var fixTags = map[string]int64{"BeginString": 8, "BodyLength": 9, "MsgType": 35, "SenderCompID": 49, "TargetCompID": 56, "CheckSum": 10}

func checkFIXTag(_ *Env, a []Arg) error {
	name := string(a[0].Str)
	if n, ok := fixTags[name]; ok {
		a[0].Int = n
		return nil
	}
	n, err := strconv.ParseInt(name, 10, 32)
	if err != nil || n <= 0 {
		return fmt.Errorf("'%s' is not a field of FIX: want a number or one of BeginString, BodyLength, MsgType, SenderCompID, TargetCompID and CheckSum", name)
	}
	a[0].Int = n
	return nil
}

// fixEnd ends a field of FIX.
var fixEnd = []byte{1}

// fixField is the field at the beginning of b.
func fixField(b []byte) (tag int, value, rest []byte, ok bool) {
	field, rest, ok := bytes.Cut(b, fixEnd)
	if !ok {
		return 0, nil, nil, false
	}
	number, value, ok := bytes.Cut(field, equalsSign)
	for _, c := range number {
		if c < '0' || c > '9' {
			return 0, nil, nil, false
		}
		tag = tag*10 + int(c-'0')
	}
	return tag, value, rest, ok && len(number) > 0 && len(number) < 10 && len(value) > 0
}

// fixVersions are the values that a message may begin with.
var fixVersions = []string{"FIX.4.0", "FIX.4.1", "FIX.4.2", "FIX.4.3", "FIX.4.4", "FIX.5.0", "FIXT.1.1"}

// fixValid checks a message (FIX tag=value encoding): version, length and type come
// first, the sum of all bytes before it last. known is false while more may come.
func fixValid(b []byte) (known, valid bool) {
	const least = 26 // bytes of the shortest message
	if len(b) < least {
		return false, false
	}
	if b[0] != '8' || b[1] != '=' {
		return true, false
	}
	if !bytes.Contains(b, fixEnd) {
		return len(b) > len("8=FIXT.1.1"), false
	}
	tag, value, rest, ok := fixField(b)
	if !ok || tag != 8 || !slices.Contains(fixVersions, string(value)) {
		return true, false
	}
	if !bytes.Contains(rest, fixEnd) {
		return len(rest) > 20, false
	}
	tag, value, rest, ok = fixField(rest)
	length, err := strconv.Atoi(string(value))
	if !ok || tag != 9 || err != nil || length < 0 {
		return true, false
	}
	body := rest
	const trailer = len("10=000\x01")
	if len(rest) < length+trailer {
		return false, false
	}
	if len(rest) > length+trailer {
		return true, false
	}
	for first := true; len(body)-trailer > 0; first = false {
		tag, _, more, ok := fixField(body)
		if !ok || first && tag != 35 {
			return true, false
		}
		body = more
	}
	sum := byte(0)
	for _, c := range b[:len(b)-trailer] {
		sum += c
	}
	tag, value, body, ok = fixField(body)
	n, err := strconv.Atoi(string(value))
	return true, ok && tag == 10 && len(value) == 3 && err == nil && n == int(sum) && len(body) == 0
}
