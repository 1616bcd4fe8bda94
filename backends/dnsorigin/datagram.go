package dnsorigin

import (
	"fmt"
	"net"
	"net/netip"
	"time"

	"github.com/miekg/dns"

	"bench/backends/tally"
)

// datagrams are the questions that come over UDP. They are few: a goroutine reads them,
// and the loop that owns the replica answers.
type datagrams struct {
	conn    *net.UDPConn
	waiting map[*question]bool // for their latency to pass
}

// question is one on its way.
type question struct {
	text []byte
	from netip.AddrPort
	mark tally.Mark
}

// listenDatagrams opens the socket, on the port that connections come to.
func (r *replica) listenDatagrams() error {
	bound := r.Addr()
	addr := bound.AddrPort()
	if !addr.IsValid() {
		return fmt.Errorf("a name server needs an address with a port, not %s", bound.String())
	}
	conn, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(addr))
	if err != nil {
		return err
	}
	r.datagrams = datagrams{conn: conn, waiting: map[*question]bool{}}
	go r.readDatagrams()
	return nil
}

func (d *datagrams) close() {
	if d.conn != nil {
		_ = d.conn.Close() // whatever it says, it is not used any more
	}
}

// readDatagrams passes questions on until the socket is closed.
func (r *replica) readDatagrams() {
	b := make([]byte, dns.MaxMsgSize)
	for {
		n, from, err := r.datagrams.conn.ReadFromUDPAddrPort(b)
		if err != nil {
			return
		}
		q := &question{text: append([]byte(nil), b[:n]...), from: from}
		if !r.Loop().Post(func() { r.take(q) }) {
			return
		}
	}
}

// take receives a question. A port that refuses connections, or resets them, is one where
// datagrams are not answered.
func (r *replica) take(q *question) {
	f := r.Force()
	q.mark = r.Tally().Mark(nil)
	q.mark.Received()
	if f.Stalled || f.Refused || f.ResetNew {
		q.mark.Cut()
		return
	}
	latency := &r.cfg.Latency
	if f.Latency != nil {
		latency = f.Latency
	}
	d := latency.Sample(r.Rand())
	if d <= 0 {
		r.reply(q)
		return
	}
	r.datagrams.waiting[q] = true
	time.AfterFunc(d, func() {
		r.Loop().Post(func() {
			delete(r.datagrams.waiting, q)
			r.reply(q)
		})
	})
}

// reply answers by what is in force now.
func (r *replica) reply(q *question) {
	f := r.Force()
	hit := f.Failing && (f.Rate >= 1 || r.Rand().Float64() < f.Rate)
	text, status := r.answer(q.text, f.Status, hit, dns.MinMsgSize)
	if text == nil {
		r.Tally().Malformed++
		q.mark.Answered(tally.Failed)
		return
	}
	if f.Truncate {
		text = cutShort(text)
	}
	if f.Corrupt > 0 && r.Rand().Float64() < f.Corrupt {
		text[r.Rand().IntN(len(text))] ^= 0xff
	}
	if _, err := r.datagrams.conn.WriteToUDPAddrPort(text, q.from); err != nil {
		q.mark.Aborted()
		return
	}
	if f.Truncate {
		q.mark.Cut()
		return
	}
	q.mark.Answered(status)
}

// cutShort says in place of an answer that it does not fit: the client may ask for it
// over TCP.
func cutShort(text []byte) []byte {
	m := new(dns.Msg)
	if m.Unpack(text) != nil {
		return text // it was packed a moment ago
	}
	m.Answer, m.Ns, m.Extra, m.Truncated = nil, nil, nil, true
	if short, err := m.Pack(); err == nil {
		return short
	}
	return text
}

// ResetCounters implements origin.Replica.
func (r *replica) ResetCounters() {
	r.Server.ResetCounters()
	for q := range r.datagrams.waiting {
		q.mark.Received()
	}
}
