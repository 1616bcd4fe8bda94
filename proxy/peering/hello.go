package peering

import (
	"bytes"
	"strconv"
	"strings"
)

// status is the answer to a greeting, or how far it is.
type status int

const (
	greetedOnly status = 101 // there is no answer yet
	succeeded   status = 200
	tryAgain    status = 300
	badProtocol status = 501
	badVersion  status = 502
	badTarget   status = 503 // the greeting is for somebody else
	badSender   status = 504 // nobody of that name is known
)

const (
	protocolName = "HAProxyS"
	majorVersion = 2
	minorVersion = 1
)

// maxHello bounds a greeting, maxStatus its answer.
const (
	maxHello  = 1024
	maxStatus = 16
)

// hello is a greeting.
type hello struct {
	minor    int
	to, from string
}

// appendHello appends a greeting.
func appendHello(dst []byte, h hello, pid int) []byte {
	dst = append(dst, protocolName+" "+strconv.Itoa(majorVersion)+"."...)
	dst = append(strconv.AppendInt(dst, int64(h.minor), 10), '\n')
	dst = append(append(dst, h.to...), '\n')
	dst = append(append(dst, h.from...), ' ')
	dst = strconv.AppendInt(dst, int64(pid), 10)
	return append(dst, " 1\n"...)
}

// readHello takes a greeting off b. Without an error, n is 0 as long as it has not come
// whole. A line that is wrong ends it at once, whatever follows.
func readHello(b []byte, local string) (h hello, n int, bad status) {
	first, rest, ok := bytes.Cut(b, newLine)
	if !ok {
		return h, 0, tooLong(b)
	}
	version, named := strings.CutPrefix(line(first), protocolName+" ")
	if !named {
		return h, 0, badProtocol
	}
	major, minor, dotted := strings.Cut(version, ".")
	if n, err := strconv.Atoi(major); err != nil || n != majorVersion || !dotted {
		return h, 0, badVersion
	}
	var err error
	if h.minor, err = strconv.Atoi(minor); err != nil || h.minor < 0 {
		return h, 0, badVersion
	}
	second, rest, ok := bytes.Cut(rest, newLine)
	if !ok {
		return h, 0, tooLong(b)
	}
	if h.to = line(second); h.to != local {
		return h, 0, badTarget
	}
	third, rest, ok := bytes.Cut(rest, newLine)
	if !ok {
		return h, 0, tooLong(b)
	}
	name, _, ok := strings.Cut(line(third), " ")
	if !ok || name == "" {
		return h, 0, badProtocol
	}
	h.from = name
	return h, len(b) - len(rest), 0
}

var newLine = []byte{'\n'}

// line is a line without what may precede its end.
func line(b []byte) string { return string(bytes.TrimSuffix(b, []byte{'\r'})) }

func tooLong(b []byte) status {
	if len(b) > maxHello {
		return badProtocol
	}
	return 0
}

// readStatus takes the answer to a greeting off b; n is 0 as long as it has not come
// whole.
func readStatus(b []byte) (st status, n int) {
	first, _, ok := bytes.Cut(b, newLine)
	if !ok {
		if len(b) > maxStatus {
			return badProtocol, len(b)
		}
		return 0, 0
	}
	// What is no number is 0, as if nothing had been answered.
	code, _ := strconv.Atoi(line(first))
	return status(code), len(first) + 1
}
