package h2wire

// AppendField appends a field: as an index where the static table has it, and else as a
// literal that is not put into the peer's table. name is in lower case.
func AppendField(dst, name, value []byte) []byte {
	i := staticNames[string(name)]
	if i > 0 && len(value) <= longestStatic && name[0] == ':' {
		for at := i; at < len(staticTable) && staticTable[at][0] == string(name); at++ {
			if staticTable[at][1] == string(value) {
				return append(dst, 0x80|byte(at))
			}
		}
	}
	if i > 0 {
		dst = appendInteger(dst, 0, 4, i)
	} else {
		dst = append(appendInteger(append(dst, 0), 0, 7, len(name)), name...)
	}
	return append(appendInteger(dst, 0, 7, len(value)), value...)
}

// longestStatic is the length of the longest value of a pseudo-header field in the table.
const longestStatic = len("/index.html")

// appendInteger appends an integer with a prefix of that many bits, beside those of first.
func appendInteger(dst []byte, first byte, prefix uint, n int) []byte {
	top := 1<<prefix - 1
	if n < top {
		return append(dst, first|byte(n))
	}
	dst = append(dst, first|byte(top))
	for n -= top; n >= 0x80; n >>= 7 {
		dst = append(dst, byte(n)|0x80)
	}
	return append(dst, byte(n))
}
