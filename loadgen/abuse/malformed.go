package abuse

import (
	"bytes"
	"strings"
)

// malformedVariants are requests that a server has to refuse; the comments name
// the sections of RFC 9112 (and 9110) that say so.
func malformedVariants(s *settings) []variant {
	host := "Host: " + s.host + "\r\n"
	line := "GET " + s.path + " HTTP/1.1\r\n"
	get := func(fields string) []byte { return []byte(line + host + fields + "\r\n") }
	post := func(fields, body string) []byte {
		return []byte("POST " + s.path + " HTTP/1.1\r\n" + host + fields + "\r\n" + body)
	}
	chunked := "Transfer-Encoding: chunked\r\n"
	return []variant{
		// The request line (3).
		{name: "no-target", data: []byte("GET HTTP/1.1\r\n" + host + "\r\n")},
		{name: "space-in-target", data: []byte("GET " + s.path + "?a b HTTP/1.1\r\n" + host + "\r\n")},
		{name: "bad-method", data: []byte("G(E)T " + s.path + " HTTP/1.1\r\n" + host + "\r\n")},
		{name: "bad-version", data: []byte("GET " + s.path + " HTTP/1.x\r\n" + host + "\r\n")},
		{name: "lower-case-version", data: []byte("GET " + s.path + " http/1.1\r\n" + host + "\r\n")},
		{name: "control-in-target", data: []byte("GET " + s.path + "\x01 HTTP/1.1\r\n" + host + "\r\n")},
		{name: "relative-target", data: []byte("GET index.html HTTP/1.1\r\n" + host + "\r\n")},
		// Host (3.2).
		{name: "no-host", data: []byte(line + "\r\n")},
		{name: "two-hosts", data: []byte(line + host + "Host: another.example\r\n\r\n")},
		// Field lines (5, and 5.5 of RFC 9110).
		{name: "space-before-colon", data: get("X-Field : 1\r\n")},
		{name: "no-colon", data: get("X-Field\r\n")},
		{name: "empty-name", data: get(": 1\r\n")},
		{name: "bad-name", data: get("X(Field): 1\r\n")},
		{name: "null-in-value", data: get("X-Field: a\x00b\r\n")},
		{name: "bare-cr", data: get("X-Field: a\rb\r\n")},
		{name: "first-line-folded", data: []byte(line + " folded: 1\r\n" + host + "\r\n")}, // 2.2
		// Framing (6).
		{name: "length-negative", data: post("Content-Length: -1\r\n", "x")},
		{name: "length-signed", data: post("Content-Length: +1\r\n", "x")},
		{name: "length-hexadecimal", data: post("Content-Length: 0x1\r\n", "x")},
		{name: "length-empty", data: post("Content-Length: \r\n", "")},
		{name: "length-twice", data: post("Content-Length: 1\r\nContent-Length: 2\r\n", "xy")},
		{name: "length-overflow", data: post("Content-Length: 99999999999999999999999\r\n", "x")},
		{name: "chunked-not-last", data: post("Transfer-Encoding: chunked, gzip\r\n", "0\r\n\r\n")},
		{name: "coding-unknown", data: post("Transfer-Encoding: chonked\r\n", "0\r\n\r\n")},
		{name: "chunk-size-bad", data: post(chunked, "xyz\r\n\r\n")},
		{name: "chunk-size-overflow", data: post(chunked, "fffffffffffffffff\r\nx\r\n0\r\n\r\n")},
		{name: "chunk-too-long", data: post(chunked, "1\r\nxyz\r\n0\r\n\r\n")},
	}
}

func malformedNames(s *settings) []string { return namesOf(malformedVariants(s)) }

func malformedPlans(s *settings) []plan { return variantPlans(malformedVariants(s)) }

// oversizedVariants are heads of the size asked for, sound but for it.
func oversizedVariants(s *settings) []variant {
	size := int(or(s.size, defaultOversize))
	host := "Host: " + s.host + "\r\n"
	long := func(n int) string { return strings.Repeat("a", max(1, n)) }
	const field = "X-Field: one of very many\r\n"
	return []variant{
		{name: "long-target", data: []byte("GET " + s.path + "?" + long(size) + " HTTP/1.1\r\n" + host + "\r\n")},
		{name: "long-method", data: []byte(strings.Repeat("A", size) + " " + s.path + " HTTP/1.1\r\n" + host + "\r\n")},
		{name: "long-value", data: []byte("GET " + s.path + " HTTP/1.1\r\n" + host + "X-Long: " + long(size) + "\r\n\r\n")},
		{name: "long-name", data: []byte("GET " + s.path + " HTTP/1.1\r\n" + host + long(size) + ": 1\r\n\r\n")},
		{name: "many-fields", data: []byte("GET " + s.path + " HTTP/1.1\r\n" + host + strings.Repeat(field, max(1, size/len(field))) + "\r\n")},
		{name: "many-cookies", data: slicesOf(
			[]byte("GET "+s.path+" HTTP/1.1\r\n"+host+"Cookie: "), bytes.Repeat([]byte("a=b; "), max(1, size/5)), []byte("c=d\r\n\r\n"),
		)},
		{name: "long-trailer", data: []byte("POST " + s.path + " HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked\r\n\r\n0\r\nX-Trailer: " + long(size) + "\r\n\r\n")},
		{name: "long-chunk-extension", data: []byte("POST " + s.path + " HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked\r\n\r\n1;" + long(size) + "\r\nx\r\n0\r\n\r\n")},
	}
}

func oversizedNames(s *settings) []string { return namesOf(oversizedVariants(s)) }

func oversizedPlans(s *settings) []plan { return variantPlans(oversizedVariants(s)) }
