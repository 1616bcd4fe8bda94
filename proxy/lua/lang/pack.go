package lang

import (
	"encoding/binary"
	"math"
	"strings"

	lua "github.com/yuin/gopher-lua"
)

// packer walks through a format of "string.pack".
type packer struct {
	l      *lua.LState
	format string
	little bool
	align  int // the greatest alignment
}

// field is one item of a format: what it is (i, u, f, d, s, z, c, x, or 0 for none), its size,
// and how many bytes of padding come before it.
type field struct {
	kind      byte
	size, pad int
}

// size takes a number that follows an option.
func (p *packer) size(standard int) int {
	n, given := 0, false
	for p.format != "" && isNumeral(p.format[0]) && n < maxText {
		n, given = n*10+int(p.format[0]-'0'), true
		p.format = p.format[1:]
	}
	if !given {
		return standard
	}
	return n
}

// intSize is size for the size of an integer.
func (p *packer) intSize(standard int) int {
	n := p.size(standard)
	if n < 1 || n > 16 {
		p.l.RaiseError("integral size (%d) out of limits [1,16]", n)
	}
	return n
}

// option takes the next item, at an offset of the result.
func (p *packer) option(at int) field {
	f := p.read()
	unit := f.size
	switch f.kind {
	case 'X':
		next := p.read()
		unit = next.size
		f = field{}
		if unit == 0 || next.kind == 'c' {
			p.l.ArgError(1, "invalid next option for option 'X'")
		}
	case 'i', 'u', 'f', 's':
	default:
		return f
	}
	unit = min(unit, p.align)
	if unit > 1 {
		if unit&(unit-1) != 0 {
			p.l.ArgError(1, "format asks for alignment not power of 2")
		}
		f.pad = (unit - at&(unit-1)) & (unit - 1)
	}
	return f
}

func (p *packer) read() field {
	if p.format == "" {
		return field{}
	}
	c := p.format[0]
	p.format = p.format[1:]
	switch c {
	case 'b':
		return field{kind: 'i', size: 1}
	case 'B':
		return field{kind: 'u', size: 1}
	case 'h':
		return field{kind: 'i', size: 2}
	case 'H':
		return field{kind: 'u', size: 2}
	case 'i':
		return field{kind: 'i', size: p.intSize(4)}
	case 'I':
		return field{kind: 'u', size: p.intSize(4)}
	case 'l', 'j':
		return field{kind: 'i', size: 8}
	case 'L', 'J', 'T':
		return field{kind: 'u', size: 8}
	case 'f':
		return field{kind: 'f', size: 4}
	case 'd', 'n':
		return field{kind: 'f', size: 8}
	case 's':
		return field{kind: 's', size: p.intSize(8)}
	case 'c':
		n := p.size(-1)
		if n < 0 {
			p.l.RaiseError("missing size for format option 'c'")
		}
		return field{kind: 'c', size: n}
	case 'z', 'X':
		return field{kind: c}
	case 'x':
		return field{kind: 'x', size: 1}
	case '<', '=':
		p.little = true
	case '>':
		p.little = false
	case '!':
		p.align = p.intSize(8)
	case ' ':
	default:
		p.l.RaiseError("invalid format option '%c'", c)
	}
	return field{}
}

// put writes an integer.
func (p *packer) put(b []byte, n int64, size int) []byte {
	at := len(b)
	for i := range size {
		v := byte(n >> 63)
		if i < 8 {
			v = byte(n >> (8 * i))
		}
		b = append(b, v)
	}
	if !p.little {
		for i, j := at, len(b)-1; i < j; i, j = i+1, j-1 {
			b[i], b[j] = b[j], b[i]
		}
	}
	return b
}

// get reads one.
func (p *packer) get(s string, signed bool) int64 {
	var v uint64
	size := len(s)
	for i := range size {
		c := s[i]
		if p.little {
			c = s[size-1-i]
		}
		if size > 8 && i < size-8 {
			if c != 0 && (c != 0xff || !signed) {
				p.l.RaiseError("%d-byte integer does not fit into Lua Integer", size)
			}
			continue
		}
		v = v<<8 | uint64(c)
	}
	if signed && size < 8 {
		gap := uint(64 - 8*size)
		return int64(v<<gap) >> gap
	}
	return int64(v)
}

func (p *packer) order() binary.ByteOrder {
	if p.little {
		return binary.LittleEndian
	}
	return binary.BigEndian
}

func fillPack(s *State) {
	s.set("string", map[string]lua.LGFunction{"pack": textPack, "unpack": textUnpack, "packsize": textPackSize})
}

func textPack(l *lua.LState) int {
	p := packer{l: l, format: l.CheckString(1), little: true, align: 1}
	var b []byte
	arg := 1
	for p.format != "" {
		f := p.option(len(b))
		b = append(b, make([]byte, f.pad)...)
		switch f.kind {
		case 0, 'X':
			continue
		case 'x':
			b = append(b, 0)
			continue
		}
		arg++
		switch f.kind {
		case 'i', 'u':
			n := whole(l, arg)
			if bits := uint(8 * f.size); f.size < 8 {
				if f.kind == 'i' && (n < -1<<(bits-1) || n >= 1<<(bits-1)) || f.kind == 'u' && uint64(n) >= 1<<bits {
					l.ArgError(arg, "integer overflow")
				}
			}
			b = p.put(b, n, f.size)
		case 'f':
			n := float64(l.CheckNumber(arg))
			raw := make([]byte, f.size)
			if f.size == 4 {
				p.order().PutUint32(raw, math.Float32bits(float32(n)))
			} else {
				p.order().PutUint64(raw, math.Float64bits(n))
			}
			b = append(b, raw...)
		case 's':
			text := checkText(l, arg)
			if f.size < 8 && uint64(len(text)) >= 1<<(8*f.size) {
				l.ArgError(arg, "string length does not fit in given size")
			}
			b = append(p.put(b, int64(len(text)), f.size), text...)
		case 'z':
			text := checkText(l, arg)
			if strings.IndexByte(text, 0) >= 0 {
				l.ArgError(arg, "string contains zeros")
			}
			b = append(append(b, text...), 0)
		case 'c':
			text := checkText(l, arg)
			if len(text) > f.size {
				l.ArgError(arg, "string longer than given size")
			}
			b = append(append(b, text...), make([]byte, f.size-len(text))...)
		}
		if len(b) > maxText {
			l.RaiseError("resulting string too large")
		}
	}
	l.Push(lua.LString(b))
	return 1
}

func textUnpack(l *lua.LState) int {
	p := packer{l: l, format: l.CheckString(1), little: true, align: 1}
	s := checkText(l, 2)
	at := place(l, 3, 1, len(s))
	if at < 0 || at > len(s) {
		l.ArgError(3, "initial position out of string")
	}
	n := 0
	take := func(size int) string {
		if size < 0 || size > len(s)-at {
			l.ArgError(2, "data string too short")
		}
		at += size
		return s[at-size : at]
	}
	for p.format != "" {
		f := p.option(at)
		take(f.pad)
		var v lua.LValue
		switch f.kind {
		case 0, 'X':
			continue
		case 'x':
			take(1)
			continue
		case 'i':
			v = lua.LNumber(p.get(take(f.size), true))
		case 'u':
			v = lua.LNumber(p.get(take(f.size), false))
		case 'f':
			raw := []byte(take(f.size))
			if f.size == 4 {
				v = lua.LNumber(math.Float32frombits(p.order().Uint32(raw)))
			} else {
				v = lua.LNumber(math.Float64frombits(p.order().Uint64(raw)))
			}
		case 's':
			v = lua.LString(take(int(p.get(take(f.size), false))))
		case 'z':
			end := strings.IndexByte(s[at:], 0)
			if end < 0 {
				l.ArgError(2, "unfinished string for format 'z'")
			}
			v = lua.LString(take(end))
			take(1)
		case 'c':
			v = lua.LString(take(f.size))
		}
		l.Push(v)
		n++
	}
	l.Push(lua.LNumber(at + 1))
	return n + 1
}

func textPackSize(l *lua.LState) int {
	p := packer{l: l, format: l.CheckString(1), little: true, align: 1}
	n := 0
	for p.format != "" {
		f := p.option(n)
		if f.kind == 's' || f.kind == 'z' {
			l.ArgError(1, "variable-length format")
		}
		if n += f.pad + f.size; n > maxText {
			l.ArgError(1, "format result too large")
		}
	}
	l.Push(lua.LNumber(n))
	return 1
}
