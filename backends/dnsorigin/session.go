package dnsorigin

import (
	"encoding/binary"

	"github.com/miekg/dns"

	"bench/backends/origin"
	"bench/backends/tally"
)

// answer makes the answer to a question, of at most size bytes, as bytes; nil to what is
// no question. It tells the status that tally.Mark.Answered is told.
func (r *replica) answer(question []byte, rcode int, hit bool, size int) (text []byte, status int) {
	q := new(dns.Msg)
	if err := q.Unpack(question); err != nil || q.Response {
		return nil, 0
	}
	m := r.records().Answer(q)
	if hit {
		m = new(dns.Msg)
		m.SetRcode(q, rcode)
		status = tally.Failed
	}
	if o := q.IsEdns0(); o != nil {
		m.SetEdns0(dns.DefaultMsgSize, false)
		size = max(size, int(o.UDPSize()))
	}
	m.Truncate(size)
	text, err := m.Pack()
	if err != nil {
		return nil, 0 // of records that were parsed there is none
	}
	return text, status
}

// session is one connection of a client that asks over TCP. Messages have their length
// before them (RFC 1035, section 4.2.2).
type session struct{ r *replica }

// Consume implements origin.Session.
func (s session) Consume(c *origin.Conn, in []byte) (n int) {
	for len(in)-n >= 2 {
		size := 2 + int(binary.BigEndian.Uint16(in[n:]))
		if len(in)-n < size || !c.Take(nil) {
			return n
		}
		rcode, hit := c.Failing()
		text, status := s.r.answer(in[n+2:n+size], rcode, hit, dns.MaxMsgSize)
		n += size
		if text == nil {
			c.Server().Tally().Malformed++
			c.Done(tally.Failed)
			c.Finish()
			return len(in)
		}
		c.SetOutput(append(binary.BigEndian.AppendUint16(c.Output(), uint16(len(text))), text...))
		c.Done(status)
	}
	return n
}

// Closed implements origin.Session.
func (session) Closed(*origin.Conn) {}
