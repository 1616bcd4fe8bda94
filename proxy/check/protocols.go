package check

import (
	"bytes"
	"encoding/binary"
	"regexp"
	"strconv"
	"time"

	"bench/proxy/spec"
)

// protocolSteps is what is said to servers of a protocol, and what they must answer.
func protocolSteps(c *spec.Check) []step {
	steps := stepsOf(c)
	for i := range steps {
		steps[i].number = i + 1
	}
	return steps
}

func stepsOf(c *spec.Check) []step {
	switch c.Kind {
	case spec.CheckRedis:
		return redisSteps()
	case spec.CheckMySQL:
		return mysqlSteps(c)
	case spec.CheckPgSQL:
		return pgsqlSteps(c)
	case spec.CheckSMTP:
		return smtpSteps(c)
	case spec.CheckLDAP:
		return ldapSteps()
	case spec.CheckTLSHello:
		return tlsHelloSteps()
	case spec.CheckSPOP:
		return spopSteps()
	case spec.CheckTCP, spec.CheckHTTP, spec.CheckExternal:
	}
	return nil
}

// kindly is how a connection is made that the server sees closed, not reset.
func kindly() step {
	return step{connect: &connection{CheckConnect: spec.CheckConnect{Default: true, Linger: true}}}
}

// says is a step that says always the same.
func says(text string) step { return step{say: speech([]byte(text))} }

// awaits waits for so many bytes before look decides.
func awaits(least int, look func(in []byte) reading) step {
	return step{expect: func(d *dialogue) reading {
		if len(d.in) < least && !d.ended {
			return reading{wait: true}
		}
		return look(d.in)
	}}
}

// line is the first line of an answer from some byte on.
func line(in []byte, from int) string {
	text := bytes.TrimLeft(in[min(from, len(in)):], " ")
	if from == 0 {
		text = in
	}
	if i := bytes.IndexAny(text, "\r\n"); i >= 0 {
		text = text[:i]
	}
	return string(text)
}

// redisSteps: the server answers a PING.
func redisSteps() []step {
	pong := []byte("+PONG\r\n")
	return []step{
		says("*1\r\n$4\r\nPING\r\n"),
		{failed: L7Sts, expect: func(d *dialogue) reading {
			switch {
			case bytes.Contains(d.in, pong):
				return reading{text: "Redis server is ok"}
			case !d.ended:
				return reading{wait: true}
			}
			return fails(L7Sts, line(d.in, 0))
		}},
	}
}

// tlsHelloSteps: the server answers the greeting of a client of SSL 3.0, by a greeting of
// its own or by a complaint.
func tlsHelloSteps() []step {
	st := awaits(5, func(in []byte) reading {
		if len(in) > 0 && (in[0] == 0x15 || in[0] == 0x16) {
			return reading{}
		}
		return fails(L6Rsp, "")
	})
	st.ok, st.failed, st.late = L6OK, L6Rsp, L6TOut
	return []step{{say: func(*Checker) ([]byte, bool) { return tlsHello(time.Now()), true }}, st}
}

// tlsHello is the greeting: a record with a handshake message, which offers many suites
// and no compression.
func tlsHello(now time.Time) []byte {
	var suites []byte
	for _, known := range [][2]uint16{{0x01, 0x1b}, {0x2f, 0x3a}} {
		for id := known[0]; id <= known[1]; id++ {
			suites = binary.BigEndian.AppendUint16(suites, id)
		}
	}
	body := []byte{3, 0}
	body = binary.BigEndian.AppendUint32(body, uint32(now.Unix()))
	body = append(body, "HAPROXYSSLCHK\nHAPROXYSSLCHK\n"...)
	body = append(body, 0) // no session
	body = binary.BigEndian.AppendUint16(body, uint16(len(suites)))
	body = append(append(body, suites...), 1, 0)
	b := []byte{0x16, 3, 0}
	b = binary.BigEndian.AppendUint16(b, uint16(len(body)+4))
	b = append(b, 1, 0)
	b = binary.BigEndian.AppendUint16(b, uint16(len(body)))
	return append(b, body...)
}

// reply expects a line of a mail server, or several. patient: it may come in parts.
func reply(re *regexp.Regexp, status Status, from int, patient bool) step {
	return step{failed: status, expect: func(d *dialogue) reading {
		good := re.Match(d.in)
		if !d.ended && (len(d.in) < 4 || !good && patient) {
			return reading{wait: true}
		}
		if from > 0 { // the first expectation looks at the form only
			d.code, d.coded = 0, true
			if len(d.in) >= 3 {
				d.code, _ = strconv.Atoi(string(d.in[:3]))
			}
		}
		text := line(d.in, from)
		if good {
			return reading{text: text}
		}
		return fails(status, text)
	}}
}

// smtpSteps: the server greets, and is pleased by the greeting that it gets.
func smtpSteps(c *spec.Check) []step {
	greeting := regexp.MustCompile(`^[0-9]{3}[ \r]`)
	ready := regexp.MustCompile(`^2[0-9]{2}[ \r]`)
	pleased := regexp.MustCompile(`^(2[0-9]{2}-[^\r]*\r\n)*2[0-9]{2}[ \r]`)
	gone := regexp.MustCompile(`^2[0-9]{2}[- \r]`)
	return []step{
		kindly(),
		reply(greeting, L7Rsp, 0, false),
		reply(ready, L7Sts, 4, false),
		says(c.Greeting + "\r\n"),
		reply(pleased, L7Sts, 4, true),
		says("QUIT\r\n"),
		reply(gone, L7Sts, 4, false),
	}
}

// pgsqlSteps: the server asks the user for a password, or for none.
func pgsqlSteps(c *spec.Check) []step {
	start := binary.BigEndian.AppendUint32(nil, uint32(4+4+len("user")+1+len(c.User)+2))
	start = append(start, 0, 3, 0, 0) // version 3.0 of the protocol
	start = append(append(start, "user\x00"...), c.User...)
	start = append(start, 0, 0)
	return []step{
		kindly(),
		says(string(start)),
		awaits(5, func(in []byte) reading {
			if len(in) > 0 && in[0] == 'E' {
				return fails(L7Rsp, string(in[min(6, len(in)):]))
			}
			return reading{}
		}),
		awaits(9, func(in []byte) reading {
			if authenticates(in) {
				return reading{text: "PostgreSQL server is ok"}
			}
			return fails(L7Sts, "PostgreSQL unknown error")
		}),
	}
}

// authenticates tells whether a server of PostgreSQL says how it wants the user to show
// who it is; 1 and 8 are no such way.
func authenticates(in []byte) bool {
	if len(in) < 9 || in[0] != 'R' || !bytes.Equal(in[1:4], []byte{0, 0, 0}) {
		return false
	}
	switch binary.BigEndian.Uint32(in[5:]) {
	case 0, 2, 3, 4, 5, 6, 7, 9, 10:
		return true
	}
	return false
}

// ldapSteps: the server lets somebody without a name in.
func ldapSteps() []step {
	return []step{
		// A message of number 1: bind by version 3, no name, no password.
		says("\x30\x0c\x02\x01\x01\x60\x07\x02\x01\x03\x04\x00\x80\x00"),
		awaits(14, func(in []byte) reading {
			if in[0] == 0x30 {
				return reading{}
			}
			return fails(L7Rsp, noLDAP)
		}),
		{expect: bound},
	}
}

const noLDAP = "Not LDAPv3 protocol"

// bound reads the answer to a bind.
func bound(d *dialogue) reading {
	size, p, ok := berLength(d.in[min(1, len(d.in)):])
	switch {
	case !ok:
		return fails(L7Rsp, noLDAP)
	case len(p) < size && !d.ended:
		return reading{wait: true}
	case len(p) < size:
		return fails(L7Rsp, "")
	}
	p, ok = bytes.CutPrefix(p, []byte("\x02\x01\x01\x61")) // message 1: an answer to a bind
	if !ok || len(p) == 0 {
		return fails(L7Rsp, noLDAP)
	}
	skip := 1
	if p[0]&0x80 != 0 {
		skip += int(p[0] & 0x7f)
	}
	p, ok = bytes.CutPrefix(p[min(skip, len(p)):], []byte("\x0a\x01"))
	if !ok || len(p) == 0 {
		return fails(L7Rsp, noLDAP)
	}
	if d.code, d.coded = int(p[0]), true; d.code != 0 {
		return fails(L7Sts, "See RFC: http://tools.ietf.org/html/rfc4511#section-4.1.9")
	}
	return reading{remark: "Success"}
}

// berLength reads the length that begins b, of one byte, or of two or four behind it.
func berLength(b []byte) (n int, rest []byte, ok bool) {
	switch {
	case len(b) == 0:
		return 0, nil, false
	case b[0]&0x80 == 0:
		return int(b[0]), b[1:], true
	case b[0] == 0x82 && len(b) >= 3:
		return int(binary.BigEndian.Uint16(b[1:])), b[3:], true
	case b[0] == 0x84 && len(b) >= 5:
		return int(binary.BigEndian.Uint32(b[1:])), b[5:], true
	}
	return 0, nil, false
}
