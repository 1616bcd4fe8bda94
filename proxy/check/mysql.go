package check

import (
	"encoding/binary"
	"strings"

	"bench/proxy/spec"
)

// mysqlSteps: the server greets, and lets the user in if there is one. The login is sent
// at once, whatever the greeting will be.
func mysqlSteps(c *spec.Check) []step {
	greeting := step{expect: func(d *dialogue) reading {
		r, _ := mysqlPacket(d, 0)
		return r
	}}
	if c.User == "" {
		return []step{kindly(), greeting}
	}
	return []step{kindly(), says(string(mysqlLogin(c))), greeting, {expect: func(d *dialogue) reading {
		_, size := mysqlPacket(d, 0)
		r, _ := mysqlPacket(d, size)
		return r
	}}}
}

// mysqlLogin is who the user is, without a password, and that it leaves.
func mysqlLogin(c *spec.Check) []byte {
	var body []byte
	if c.OldUser {
		body = append(body, 0, 0x80, 0, 0, 1) // its way of logging in; size of packets
		body = append(append(body, c.User...), 0, 0)
	} else {
		body = append(body, 0x00, 0x82, 0, 0) // the protocol of version 4.1, its way of logging in
		body = append(body, 0, 0x80, 0, 1)    // size of packets
		body = append(body, 33)               // UTF-8
		body = append(body, make([]byte, 23)...)
		body = append(append(body, c.User...), 0, 0)
	}
	b := binary.LittleEndian.AppendUint32(nil, uint32(len(body))|1<<24) // it is the second packet
	b = append(b, body...)
	return append(b, 1, 0, 0, 0, 1) // a packet that says QUIT
}

// mysqlPacket reads the packet that begins at some byte. size is up to its end.
func mysqlPacket(d *dialogue, from int) (r reading, size int) {
	in := d.in[min(from, len(d.in)):]
	size = -1
	if len(in) >= 4 {
		size = 4 + int(in[0]) + int(in[1])<<8 + int(in[2])<<16
	}
	switch {
	case (size < 0 || len(in) < size) && !d.ended:
		return reading{wait: true}, size
	case size < 0 || len(in) < size:
		return fails(L7Rsp, ""), size
	}
	p := in[4:size]
	if len(p) == 0 || p[0] != 0xff {
		return reading{remark: mysqlVersion(d.in)}, size
	}
	if len(p) >= 3 {
		d.code, d.coded = int(binary.LittleEndian.Uint16(p[1:])), true
	}
	return fails(L7Sts, string(p[min(3, len(p)):])), size
}

// mysqlVersion is the version that a greeting says, behind the one of the protocol.
func mysqlVersion(greeting []byte) string {
	text, _, _ := strings.Cut(string(greeting[min(5, len(greeting)):]), "\x00")
	return text
}
