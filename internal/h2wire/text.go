package h2wire

import (
	"bytes"
)

// hopByHop tells whether a field says something about a connection of HTTP/1.1, and has no
// place in HTTP/2.
func hopByHop(name []byte) bool {
	switch string(name) {
	case "connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade":
		return true
	}
	return false
}

// lower appends name in lower case.
func lower(dst, name []byte) []byte {
	for _, c := range name {
		if c >= 'A' && c <= 'Z' {
			c |= 0x20
		}
		dst = append(dst, c)
	}
	return dst
}

var (
	lineEnd = []byte("\r\n")
	colon   = []byte(":")
	space   = []byte(" ")

	nameMethod, nameScheme, nameAuthority = []byte(":method"), []byte(":scheme"), []byte(":authority")
	namePath, nameStatus                  = []byte(":path"), []byte(":status")
)

// nextLine takes a line off a head, without its end.
func nextLine(head []byte) (line, rest []byte) {
	line, rest, _ = bytes.Cut(head, lineEnd)
	return line, rest
}

// AppendRequest appends the field block of a request whose head is text of HTTP/1.1, up to
// and with the empty line. Its Host, wherever it stands, is the authority.
func AppendRequest(dst, head, scheme []byte) []byte {
	line, fields := nextLine(head)
	method, rest, _ := bytes.Cut(line, space)
	path, _, _ := bytes.Cut(rest, space)
	dst = AppendField(dst, nameMethod, method)
	dst = AppendField(dst, nameScheme, scheme)
	for rest := fields; len(rest) > 0; {
		if line, rest = nextLine(rest); len(line) > 5 && line[4] == ':' && isName(line[:4], "host") {
			dst = AppendField(dst, nameAuthority, bytes.TrimLeft(line[5:], " \t"))
			break
		}
	}
	return appendFields(AppendField(dst, namePath, path), fields, true)
}

// AppendAnswer appends the field block of an answer, likewise.
func AppendAnswer(dst, head []byte) []byte {
	line, fields := nextLine(head)
	_, rest, _ := bytes.Cut(line, space)
	status, _, _ := bytes.Cut(rest, space)
	return appendFields(AppendField(dst, nameStatus, status), fields, false)
}

// AppendTrailers appends the field block of trailers.
func AppendTrailers(dst, fields []byte) []byte { return appendFields(dst, fields, false) }

func isName(p []byte, name string) bool {
	return len(p) == len(name) && bytes.EqualFold(p, []byte(name))
}

// appendFields appends the fields of a head, those aside that have no place in HTTP/2.
func appendFields(dst, fields []byte, request bool) []byte {
	var short [64]byte
	for len(fields) > 0 {
		var line []byte
		if line, fields = nextLine(fields); len(line) == 0 {
			break
		}
		name, value, _ := bytes.Cut(line, colon)
		name = lower(short[:0], name)
		if hopByHop(name) || request && string(name) == "host" {
			continue
		}
		dst = AppendField(dst, name, bytes.Trim(value, " \t"))
	}
	return dst
}

// Fault says what is wrong with a message whose block could be decoded.
type Fault string

const (
	faultCase   Fault = "a field name with a capital or another character that it may not have"
	faultValue  Fault = "a field value with a control character"
	faultHop    Fault = "a field of HTTP/1.1 connections"
	faultPseudo Fault = "pseudo-header fields that are unknown, missing, given twice or late"
	faultStatus Fault = "an invalid status"
)

// validName tells whether a name is one of HTTP/2.
func validName(name []byte) bool {
	for _, c := range name {
		if c <= ' ' || c >= 0x7f || c >= 'A' && c <= 'Z' || c == ':' {
			return false
		}
	}
	return len(name) > 0
}

func validValue(v []byte) bool {
	for _, c := range v {
		if c == '\r' || c == '\n' || c == 0 {
			return false
		}
	}
	return true
}

// appendLine appends one field as a line.
func appendLine(dst, name, value []byte) ([]byte, Fault) {
	switch {
	case !validName(name):
		return dst, faultCase
	case !validValue(value):
		return dst, faultValue
	case hopByHop(name):
		return dst, faultHop
	}
	dst = append(append(dst, name...), ": "...)
	return append(append(dst, value...), lineEnd...), ""
}

// AppendAnswerText decodes the block of an answer and appends its head as text of HTTP/1.1.
func (d *Decoder) AppendAnswerText(dst, block []byte) (text []byte, fault Fault, err error) {
	d.Begin(block)
	start, status := len(dst), false
	for {
		name, value, ok, err := d.Next()
		if err != nil || !ok {
			if err == nil && !status && fault == "" {
				fault = faultPseudo
			}
			return append(dst, lineEnd...), fault, err
		}
		switch {
		case fault != "": // the rest is only for the table
		case len(name) > 0 && name[0] == ':':
			if status || len(dst) > start || string(name) != ":status" {
				fault = faultPseudo
			} else if len(value) != 3 || !validValue(value) {
				fault = faultStatus
			}
			status = true
			dst = append(append(append(dst, "HTTP/1.1 "...), value...), " \r\n"...)
		case !status:
			fault = faultPseudo
		default:
			dst, fault = appendLine(dst, name, value)
		}
	}
}

// AppendTrailersText decodes the block of trailers and appends them as lines.
func (d *Decoder) AppendTrailersText(dst, block []byte) (text []byte, fault Fault, err error) {
	d.Begin(block)
	for {
		name, value, ok, err := d.Next()
		if err != nil || !ok {
			return dst, fault, err
		}
		if fault == "" {
			dst, fault = appendLine(dst, name, value)
		}
	}
}

// AppendRequestText decodes the block of a request and appends its head as text of
// HTTP/1.1, without the empty line. The authority becomes Host. line is memory that is
// used.
func (d *Decoder) AppendRequestText(dst, block []byte, line *[4][]byte) (text []byte, fault Fault, err error) {
	d.Begin(block)
	for i := range line {
		line[i] = line[i][:0]
	}
	seen, regular, start := 0, false, len(dst)
	for {
		name, value, ok, err := d.Next()
		if err != nil {
			return dst, fault, err
		}
		pseudo := ok && len(name) > 0 && name[0] == ':'
		if !pseudo && !regular && fault == "" {
			regular = true
			if dst, fault = appendRequestLine(dst, line, seen); fault != "" {
				dst = dst[:start]
			}
		}
		if !ok {
			return dst, fault, nil
		}
		switch i := pseudoOf(name); {
		case fault != "":
		case !pseudo:
			if string(name) == "host" && len(line[pseudoAuthority]) > 0 {
				continue
			}
			dst, fault = appendLine(dst, name, value)
		case regular, i < 0, seen&(1<<i) != 0, !validValue(value):
			fault = faultPseudo
		default:
			seen |= 1 << i
			line[i] = append(line[i], value...)
		}
	}
}

const (
	pseudoMethod = iota
	pseudoScheme
	pseudoAuthority
	pseudoPath
)

// pseudoOf is which pseudo-header field of requests a name is, -1 for none.
func pseudoOf(name []byte) int {
	switch string(name) {
	case ":method":
		return pseudoMethod
	case ":scheme":
		return pseudoScheme
	case ":authority":
		return pseudoAuthority
	case ":path":
		return pseudoPath
	}
	return -1
}

// appendRequestLine appends the request line and Host.
func appendRequestLine(dst []byte, line *[4][]byte, seen int) ([]byte, Fault) {
	method, path := line[pseudoMethod], line[pseudoPath]
	if len(method) == 0 || len(path) == 0 || seen&(1<<pseudoScheme) == 0 || bytes.ContainsRune(method, ' ') || bytes.ContainsRune(path, ' ') {
		return dst, faultPseudo
	}
	dst = append(append(dst, method...), ' ')
	dst = append(append(dst, path...), " HTTP/1.1\r\n"...)
	if a := line[pseudoAuthority]; len(a) > 0 {
		dst = append(append(append(dst, "host: "...), a...), lineEnd...)
	}
	return dst, ""
}
