package difftest

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// decoded is a response whose content was encoded, with the content as it was before: two
// programs that encode the same make different bytes of it. What cannot be read stays.
func decoded(got []byte) []byte {
	head, body, ok := strings.Cut(string(got), "\r\n\r\n")
	if !ok {
		return got
	}
	coding := ""
	var lines []string
	chunked := false
	for line := range strings.SplitSeq(head, "\r\n") {
		name, value, _ := strings.Cut(strings.ToLower(line), ": ")
		switch name {
		case "content-encoding":
			coding = value
		case "transfer-encoding":
			chunked = true
			continue
		}
		lines = append(lines, line)
	}
	if coding != "gzip" && coding != "deflate" || !chunked {
		return got
	}
	content, ok := unchunked(body)
	if !ok {
		return got
	}
	plain, kind, err := inflated(coding, content)
	if err != nil {
		return append(got, fmt.Sprintf("\n(not readable: %v)", err)...)
	}
	lines = append(lines, "was-chunked: "+kind, fmt.Sprintf("content-length: %d", len(plain)))
	return append([]byte(strings.Join(lines, "\r\n")+"\r\n\r\n"), plain...)
}

// unchunked is the content of a chunked body, false if it is not complete.
func unchunked(body string) (content []byte, ok bool) {
	for {
		size, rest, found := strings.Cut(body, "\r\n")
		n, err := strconv.ParseInt(size, 16, 32)
		if !found || err != nil || int(n)+2 > len(rest) {
			return content, false
		}
		if n == 0 {
			return content, true
		}
		content, body = append(content, rest[:n]...), rest[n+2:]
	}
}

func inflated(coding string, content []byte) (plain []byte, kind string, err error) {
	var r io.Reader
	if kind = "gzip"; coding == "gzip" {
		r, err = gzip.NewReader(bytes.NewReader(content))
	} else if r, err = zlib.NewReader(bytes.NewReader(content)); err != nil {
		r, kind, err = flate.NewReader(bytes.NewReader(content)), "raw", nil
	} else {
		kind = "zlib"
	}
	if err == nil {
		plain, err = io.ReadAll(r)
	}
	return plain, kind, err
}
