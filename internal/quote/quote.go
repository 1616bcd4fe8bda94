// Package quote reads bytes written as text. What the bytes are for may not enter.
package quote

import (
	"fmt"
	"strconv"
	"unicode/utf8"
)

// Unquote reads text with the escapes of a Go string, in double quotes or
// without; quotes keep the spaces at its ends.
func Unquote(text string) ([]byte, error) {
	const want = `want escapes as in \r\n, \x00 and \\`
	if len(text) >= 2 && text[0] == '"' {
		s, err := strconv.Unquote(text)
		if err != nil {
			return nil, fmt.Errorf("invalid text %s: %s", text, want)
		}
		return []byte(s), nil
	}
	var out []byte
	for rest := text; rest != ""; {
		r, wide, tail, err := strconv.UnquoteChar(rest, 0)
		if err != nil {
			return nil, fmt.Errorf("invalid text %s: %s", text, want)
		}
		if wide {
			out = utf8.AppendRune(out, r)
		} else {
			out = append(out, byte(r))
		}
		rest = tail
	}
	return out, nil
}
