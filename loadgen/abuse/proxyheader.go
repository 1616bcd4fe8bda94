package abuse

import (
	"bytes"
	"encoding/binary"
	"fmt"
)

// signature begins a header of version 2.
const signature = "\r\n\r\n\x00\r\nQUIT\n"

// version2 is a binary header: version and command, family and transport, and
// as much behind them as length says, or as there is where length is negative.
func version2(command, family byte, body []byte, length int) []byte {
	if length < 0 {
		length = len(body)
	}
	head := append([]byte(signature), command, family)
	head = binary.BigEndian.AppendUint16(head, uint16(length))
	return append(head, body...)
}

// proxyHeaderVariants are headers of the PROXY protocol in front of a good
// request, from the specification's sections 2.1 and 2.2. The good ones spoof
// an address (192.0.2.0/24 is for documentation).
func proxyHeaderVariants(s *settings) []variant {
	request := s.get()
	v1 := func(line string) []byte { return append([]byte(line+"\r\n"), request...) }
	v2 := func(header []byte) []byte { return append(header, request...) }
	tcp4 := []byte{192, 0, 2, 1, 192, 0, 2, 2, 0x04, 0x57, 0, 80}
	const good = "PROXY TCP4 192.0.2.1 192.0.2.2 1111 80"
	huge := bytes.Repeat([]byte("x"), 1<<16-1)
	return []variant{
		{name: "none", data: request},
		{name: "v1-good", data: v1(good)},
		{name: "v1-unknown", data: v1("PROXY UNKNOWN")},
		{name: "v1-twice", data: v1(good + "\r\n" + good)},
		{name: "v1-bad-family", data: v1("PROXY TCP5 192.0.2.1 192.0.2.2 1111 80")},
		{name: "v1-bad-address", data: v1("PROXY TCP4 192.0.2.999 192.0.2.2 1111 80")},
		{name: "v1-bad-port", data: v1("PROXY TCP4 192.0.2.1 192.0.2.2 70000 80")},
		{name: "v1-no-ports", data: v1("PROXY TCP4 192.0.2.1 192.0.2.2")},
		{name: "v1-lower-case", data: v1("proxy TCP4 192.0.2.1 192.0.2.2 1111 80")},
		{name: "v1-too-long", data: v1(fmt.Sprintf("%s %0200d", good, 0))},
		{name: "v1-cut", data: []byte(good), partial: true},
		{name: "v2-good", data: v2(version2(0x21, 0x11, tcp4, -1))},
		{name: "v2-local", data: v2(version2(0x20, 0x00, nil, -1))},
		{name: "v2-bad-version", data: v2(version2(0x31, 0x11, tcp4, -1))},
		{name: "v2-bad-command", data: v2(version2(0x2f, 0x11, tcp4, -1))},
		{name: "v2-bad-family", data: v2(version2(0x21, 0x91, tcp4, -1))},
		{name: "v2-short-address", data: v2(version2(0x21, 0x11, tcp4[:4], -1))},
		{name: "v2-bad-extension", data: v2(version2(0x21, 0x11, append(bytes.Clone(tcp4), 0x01, 0xff, 0xff), -1))},
		{name: "v2-huge", data: v2(version2(0x21, 0x11, append(bytes.Clone(tcp4), huge[len(tcp4):]...), -1))},
		{name: "v2-cut", data: version2(0x21, 0x11, tcp4[:4], len(tcp4)), partial: true},
	}
}

func proxyHeaderNames(s *settings) []string { return namesOf(proxyHeaderVariants(s)) }

func proxyHeaderPlans(s *settings) []plan { return variantPlans(proxyHeaderVariants(s)) }
