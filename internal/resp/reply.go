package resp

import "strconv"

// Version is the version of the protocol a client has asked for.
type Version uint8

// Versions.
const (
	V2 Version = 2
	V3 Version = 3
)

var crlf = []byte("\r\n")

// AppendSimple appends a simple string, which has no line breaks.
func AppendSimple(b []byte, s string) []byte {
	b = append(b, '+')
	b = append(b, s...)
	return append(b, crlf...)
}

// AppendError appends an error: a code in capitals and a text, without line
// breaks.
func AppendError(b []byte, s string) []byte {
	b = append(b, '-')
	b = append(b, s...)
	return append(b, crlf...)
}

// AppendInt appends an integer.
func AppendInt(b []byte, n int64) []byte { return appendLength(b, ':', n) }

// AppendBulk appends a bulk string.
func AppendBulk[T []byte | string](b []byte, s T) []byte {
	b = appendLength(b, '$', int64(len(s)))
	b = append(b, s...)
	return append(b, crlf...)
}

// AppendArray begins an array of n replies.
func AppendArray(b []byte, n int) []byte { return appendLength(b, '*', int64(n)) }

// AppendMap begins a map of n pairs of replies; in version 2 an array of them.
func (v Version) AppendMap(b []byte, n int) []byte {
	if v == V3 {
		return appendLength(b, '%', int64(n))
	}
	return appendLength(b, '*', int64(2*n))
}

// AppendNull appends the absence of a value.
func (v Version) AppendNull(b []byte) []byte {
	if v == V3 {
		return append(b, "_\r\n"...)
	}
	return append(b, "$-1\r\n"...)
}

// AppendText appends text for people; version 3 says so.
func (v Version) AppendText(b []byte, s string) []byte {
	if v != V3 {
		return AppendBulk(b, s)
	}
	b = appendLength(b, '=', int64(len(s)+4))
	b = append(b, "txt:"...)
	b = append(b, s...)
	return append(b, crlf...)
}

func appendLength(b []byte, kind byte, n int64) []byte {
	b = append(b, kind)
	b = strconv.AppendInt(b, n, 10)
	return append(b, crlf...)
}
