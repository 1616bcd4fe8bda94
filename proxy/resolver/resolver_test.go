package resolver_test

import (
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/miekg/dns"

	"bench/internal/loop"
	"bench/internal/sock"
	"bench/proxy/resolver"
	"bench/proxy/spec"
)

// answerer is a name server by a function: what it returns is sent as it is.
type answerer func(q *dns.Msg, n int) [][]byte

// serve answers over UDP, or over TCP in pieces of a few bytes.
func (f answerer) serve(t *testing.T, tcp bool) sock.Addr {
	t.Helper()
	var asked atomic.Int64
	answer := func(b []byte) [][]byte {
		q := new(dns.Msg)
		if q.Unpack(b) != nil {
			t.Error("a question that cannot be read")
			return nil
		}
		return f(q, int(asked.Add(1)))
	}
	var serving sync.WaitGroup
	var addr string
	if tcp {
		l, err := net.Listen("tcp4", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		addr = l.Addr().String()
		serving.Go(func() {
			for {
				c, err := l.Accept()
				if err != nil {
					return
				}
				serving.Go(func() {
					defer c.Close()
					_ = c.SetDeadline(time.Now().Add(5 * time.Second))
					var size [2]byte
					for {
						if _, err := io.ReadFull(c, size[:]); err != nil {
							return
						}
						b := make([]byte, binary.BigEndian.Uint16(size[:]))
						if _, err := io.ReadFull(c, b); err != nil {
							return
						}
						for _, m := range answer(b) {
							if m == nil {
								return
							}
							for piece := range slices.Chunk(append(binary.BigEndian.AppendUint16(nil, uint16(len(m))), m...), 25) {
								_, _ = c.Write(piece)
								time.Sleep(time.Millisecond)
							}
						}
					}
				})
			}
		})
		t.Cleanup(func() { _ = l.Close(); serving.Wait() })
	} else {
		pc, err := net.ListenPacket("udp4", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		addr = pc.LocalAddr().String()
		serving.Go(func() {
			var b [4096]byte
			for {
				n, from, err := pc.ReadFrom(b[:])
				if err != nil {
					return
				}
				for _, m := range answer(b[:n]) {
					_, _ = pc.WriteTo(m, from)
				}
			}
		})
		t.Cleanup(func() { _ = pc.Close(); serving.Wait() })
	}
	a, err := sock.Parse(addr)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// reply is a message with records, in the form of a zone.
func reply(q *dns.Msg, records ...string) []byte {
	m := new(dns.Msg)
	m.SetReply(q)
	for _, text := range records {
		r, err := dns.NewRR(text)
		if err != nil {
			panic(err)
		}
		if r.Header().Rrtype == q.Question[0].Qtype || r.Header().Rrtype == dns.TypeCNAME {
			m.Answer = append(m.Answer, r)
		} else {
			m.Extra = append(m.Extra, r)
		}
	}
	b, err := m.Pack()
	if err != nil {
		panic(err)
	}
	return b
}

func code(q *dns.Msg, rcode int) []byte {
	m := new(dns.Msg)
	m.SetRcode(q, rcode)
	b, _ := m.Pack()
	return b
}

const retry = 200 * time.Millisecond

// ask looks up with name servers, and returns the counters of the first.
func ask(t *testing.T, tcp bool, q resolver.Question, servers ...answerer) (resolver.Answer, *resolver.Counters) {
	t.Helper()
	l, err := loop.New("", 64)
	if err != nil {
		t.Fatal(err)
	}
	s := &spec.Resolvers{Name: "r", PayloadSize: 512, Retries: 2, Retry: retry}
	for i, f := range servers {
		s.Nameservers = append(s.Nameservers, spec.Nameserver{Name: fmt.Sprintf("n%d", i), Addr: f.serve(t, tcp), TCP: tcp})
	}
	r := resolver.New(s, l)
	got := make(chan resolver.Answer, 1)
	var running sync.WaitGroup
	running.Go(func() { _ = l.Run() })
	t.Cleanup(func() { l.Stop(); running.Wait(); r.Close() })
	r.Post(q, func(a resolver.Answer) { got <- a })
	select {
	case a := <-got:
		return a, r.Counters(0)
	case <-time.After(5 * time.Second):
		t.Fatal("no answer")
		return resolver.Answer{}, nil
	}
}

func always(b func(q *dns.Msg) []byte) answerer {
	return func(q *dns.Msg, _ int) [][]byte { return [][]byte{b(q)} }
}

func good(q *dns.Msg) []byte {
	return reply(q, "web.test. 1 IN A 127.0.0.1", "web.test. 1 IN AAAA ::1")
}

// silent says nothing.
func silent(*dns.Msg, int) [][]byte { return nil }

func TestAnswers(t *testing.T) {
	ip := func(texts ...string) (list []netip.Addr) {
		for _, text := range texts {
			list = append(list, netip.MustParseAddr(text))
		}
		return list
	}
	mutated := func(change func(*dns.Msg)) answerer {
		return always(func(q *dns.Msg) []byte {
			m := new(dns.Msg)
			_ = m.Unpack(good(q))
			change(m)
			b, _ := m.Pack()
			return b
		})
	}
	for _, c := range []struct {
		name    string
		servers []answerer
		v4      bool
		want    []netip.Addr
		status  resolver.Status
		counts  func(*resolver.Counters) uint64 // of the first, to be above 0
	}{
		{name: "IPv6 first", servers: []answerer{always(good)}, want: ip("::1"), counts: func(c *resolver.Counters) uint64 { return c.Valid.Load() }},
		{name: "IPv4 preferred", servers: []answerer{always(good)}, v4: true, want: ip("127.0.0.1")},
		{name: "the other kind", servers: []answerer{always(func(q *dns.Msg) []byte { return reply(q, "web.test. 1 IN A 127.0.0.1", "web.test. 1 IN A 127.0.0.2") })}, want: ip("127.0.0.1", "127.0.0.2"), counts: func(c *resolver.Counters) uint64 { return c.Empty.Load() }},
		{name: "no such name", servers: []answerer{always(func(q *dns.Msg) []byte { return code(q, dns.RcodeNameError) })}, status: resolver.NX, counts: func(c *resolver.Counters) uint64 { return c.NX.Load() }},
		{name: "refused", servers: []answerer{always(func(q *dns.Msg) []byte { return code(q, dns.RcodeRefused) })}, status: resolver.Refused, counts: func(c *resolver.Counters) uint64 { return c.Refused.Load() }},
		{name: "failed", servers: []answerer{always(func(q *dns.Msg) []byte { return code(q, dns.RcodeServerFailure) })}, status: resolver.Other, counts: func(c *resolver.Counters) uint64 { return c.Other.Load() }},
		{name: "silent", servers: []answerer{silent}, status: resolver.Timeout, counts: func(c *resolver.Counters) uint64 { return c.Timeout.Load() }},
		{name: "silent at first", servers: []answerer{func(q *dns.Msg, n int) [][]byte {
			if n == 1 {
				return nil
			}
			return [][]byte{good(q)}
		}}, want: ip("::1")},
		{name: "truncated", servers: []answerer{mutated(func(m *dns.Msg) { m.Truncated = true })}, status: resolver.Other, counts: func(c *resolver.Counters) uint64 { return c.Truncated.Load() }},
		{name: "wrong number", servers: []answerer{mutated(func(m *dns.Msg) { m.Id++ })}, status: resolver.Timeout, counts: func(c *resolver.Counters) uint64 { return c.Outdated.Load() }},
		{name: "a question", servers: []answerer{mutated(func(m *dns.Msg) { m.Response = false })}, status: resolver.Other, counts: func(c *resolver.Counters) uint64 { return c.Invalid.Load() }},
		{name: "of another name", servers: []answerer{mutated(func(m *dns.Msg) { m.Question[0].Name = "else.test." })}, status: resolver.Other, counts: func(c *resolver.Counters) uint64 { return c.Invalid.Load() }},
		{name: "records of another name", servers: []answerer{mutated(func(m *dns.Msg) { m.Answer[0].Header().Name = "else.test." })}, status: resolver.Other, counts: func(c *resolver.Counters) uint64 { return c.Invalid.Load() }},
		{name: "a gap between names", servers: []answerer{always(func(q *dns.Msg) []byte {
			return reply(q, "web.test. 1 IN CNAME a.test.", "b.test. 1 IN A 127.0.0.1", "b.test. 1 IN AAAA ::7")
		})}, status: resolver.Other, counts: func(c *resolver.Counters) uint64 { return c.CNAMEErrors.Load() }},
		{name: "more records announced than come", servers: []answerer{always(func(q *dns.Msg) []byte {
			b := good(q)
			b[7] = 3
			return b
		})}, status: resolver.Other, counts: func(c *resolver.Counters) uint64 { return c.Invalid.Load() }},
		{name: "broken behind the answers", servers: []answerer{always(func(q *dns.Msg) []byte {
			b := reply(q, "web.test. 1 IN AAAA ::1")
			b[11] = 3
			return append(b, 1, 2, 3)
		})}, want: ip("::1")},
		{name: "late", servers: []answerer{func(q *dns.Msg, n int) [][]byte {
			if n > 1 {
				return nil
			}
			time.Sleep(retry * 3 / 2)
			return [][]byte{good(q)}
		}}, want: ip("::1")},
		{name: "without the question", servers: []answerer{mutated(func(m *dns.Msg) { m.Question = nil })}, status: resolver.Other, counts: func(c *resolver.Counters) uint64 { return c.Invalid.Load() }},
		{name: "broken", servers: []answerer{always(func(q *dns.Msg) []byte { return good(q)[:20] })}, status: resolver.Other, counts: func(c *resolver.Counters) uint64 { return c.Invalid.Load() }},
		{name: "too short", servers: []answerer{always(func(q *dns.Msg) []byte { return good(q)[:3] })}, status: resolver.Other, counts: func(c *resolver.Counters) uint64 { return c.Invalid.Load() }},
		{name: "too large", servers: []answerer{always(func(q *dns.Msg) []byte {
			var all []string
			for i := range 60 {
				all = append(all, fmt.Sprintf("web.test. 1 IN AAAA ::%x", i+1))
			}
			return reply(q, all...)
		})}, status: resolver.Timeout, counts: func(c *resolver.Counters) uint64 { return c.TooBig.Load() }},
		{name: "by another name", servers: []answerer{always(func(q *dns.Msg) []byte {
			return reply(q, "web.test. 1 IN CNAME a.test.", "a.test. 1 IN CNAME b.test.", "b.test. 1 IN AAAA ::7")
		})}, want: ip("::7"), counts: func(c *resolver.Counters) uint64 { return c.CNAME.Load() }},
		{name: "by a name that leads nowhere", servers: []answerer{always(func(q *dns.Msg) []byte { return reply(q, "web.test. 1 IN CNAME a.test.") })}, status: resolver.Other, counts: func(c *resolver.Counters) uint64 { return c.CNAMEErrors.Load() }},
		{name: "twice", servers: []answerer{func(q *dns.Msg, _ int) [][]byte { return [][]byte{good(q), good(q)} }}, want: ip("::1"), counts: func(c *resolver.Counters) uint64 { return c.Outdated.Load() }},
		{name: "bad twice, and another is good", servers: []answerer{func(q *dns.Msg, _ int) [][]byte { return [][]byte{code(q, 3), code(q, 3)} }, func(q *dns.Msg, _ int) [][]byte { time.Sleep(retry / 4); return [][]byte{good(q)} }}, want: ip("::1")},
		{name: "one is silent", servers: []answerer{silent, always(good)}, want: ip("::1")},
		{name: "all are bad", servers: []answerer{always(func(q *dns.Msg) []byte { return code(q, 3) }), func(q *dns.Msg, _ int) [][]byte { time.Sleep(retry / 6); return [][]byte{code(q, 5)} }}, status: resolver.Refused},
	} {
		for _, tcp := range []bool{false, true} {
			if tcp && (c.name == "too large" || strings.HasPrefix(c.name, "bad twice") || c.name == "all are bad") {
				continue // of datagrams, or a matter of time that pieces would change
			}
			t.Run(fmt.Sprintf("%s, tcp %v", c.name, tcp), func(t *testing.T) {
				t.Parallel()
				a, counters := ask(t, tcp, resolver.Question{Name: "web.test", PreferIPv4: c.v4}, c.servers...)
				if a.Status != c.status || !slices.Equal(a.Addrs, c.want) {
					t.Errorf("%s %v, want %s %v", a.Status, a.Addrs, c.status, c.want)
				}
				for wait := 0; c.counts != nil && c.counts(counters) == 0; wait++ {
					if wait == 1000 {
						t.Fatal("not counted")
					}
					time.Sleep(2 * time.Millisecond) // it comes late
				}
			})
		}
	}
}

// A name server that answers, but never well, is asked as often as it is to be, and no sooner
// than one that is silent.
func TestTries(t *testing.T) {
	began := time.Now()
	a, c := ask(t, false, resolver.Question{Name: "web.test"}, always(func(q *dns.Msg) []byte { return code(q, dns.RcodeServerFailure) }))
	if took := time.Since(began); a.Status != resolver.Other || c.Sent.Load() != 4 || took < retry {
		t.Errorf("%s after %d questions in %v", a.Status, c.Sent.Load(), took)
	}
	a, c = ask(t, false, resolver.Question{Name: "web.test"}, silent)
	if a.Status != resolver.Timeout || c.Sent.Load() != 2 {
		t.Errorf("%s after %d questions", a.Status, c.Sent.Load())
	}
}

// The records of a service, with the addresses that come with them.
func TestService(t *testing.T) {
	a, _ := ask(t, false, resolver.Question{Name: "_http._tcp.test", Service: true}, always(func(q *dns.Msg) []byte {
		return reply(q, "_http._tcp.test. 1 IN SRV 5 10 8001 One.test.", "_http._tcp.test. 1 IN SRV 5 65535 8002 two.test.", "one.test. 1 IN A 127.0.0.5", "one.test. 1 IN AAAA ::5", "three.test. 1 IN A 127.0.0.6")
	}))
	if a.Status != resolver.Valid || len(a.Services) != 2 {
		t.Fatalf("%+v", a)
	}
	one, two := a.Services[0], a.Services[1]
	if one.Host != "one.test" || one.Port != 8001 || one.Weight != 10 || one.Priority != 5 || len(one.Addrs) != 2 {
		t.Errorf("%+v", one)
	}
	if two.Host != "two.test" || two.Weight != 65535 || len(two.Addrs) != 0 {
		t.Errorf("%+v", two)
	}
}

// What there is of the records of a service is used, and a service that is at no host is none.
func TestHalfAService(t *testing.T) {
	for _, c := range []struct {
		record    string
		truncated bool
		want      resolver.Status
	}{
		{"_http._tcp.test. 1 IN SRV 5 10 8001 one.test.", true, resolver.Valid},
		{"_http._tcp.test. 1 IN SRV 0 0 80 .", false, resolver.Other},
	} {
		a, _ := ask(t, false, resolver.Question{Name: "_http._tcp.test", Service: true}, always(func(q *dns.Msg) []byte {
			m := new(dns.Msg)
			_ = m.Unpack(reply(q, c.record))
			m.Truncated = c.truncated
			b, _ := m.Pack()
			return b
		}))
		if a.Status != c.want {
			t.Errorf("%s: %s, want %s", c.record, a.Status, c.want)
		}
	}
}

// A connection to a name server that ends is opened again for the next question.
func TestConnectionEnds(t *testing.T) {
	a, c := ask(t, true, resolver.Question{Name: "web.test"}, func(q *dns.Msg, n int) [][]byte {
		if n == 1 {
			return [][]byte{nil} // hangs up
		}
		return [][]byte{good(q)}
	})
	if a.Status != resolver.Valid || c.Sent.Load() != 2 {
		t.Errorf("%+v, %d sent", a, c.Sent.Load())
	}
}

// What has come of a message when the connection ends is not put in front of the next one.
func TestConnectionEndsWithin(t *testing.T) {
	conns := make(chan net.Conn, 10)
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var serving sync.WaitGroup
	serving.Go(func() {
		for n := 0; ; n++ {
			c, err := l.Accept()
			if err != nil {
				return
			}
			conns <- c
			var b [514]byte
			if _, err := io.ReadFull(c, b[:2]); err != nil {
				continue
			}
			size := 2 + int(binary.BigEndian.Uint16(b[:]))
			q := new(dns.Msg)
			if _, err := io.ReadFull(c, b[2:size]); err != nil || q.Unpack(b[2:size]) != nil {
				continue
			}
			m := good(q)
			m = append(binary.BigEndian.AppendUint16(nil, uint16(len(m))), m...)
			if n == 0 {
				m = m[:len(m)/2]
			}
			_, _ = c.Write(m)
			if n == 0 {
				_ = c.Close()
			}
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		serving.Wait()
		close(conns)
		for c := range conns {
			_ = c.Close()
		}
	})
	a, err := sock.Parse(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	r, _ := running(t, &spec.Resolvers{Retry: retry, Retries: 2}, spec.Nameserver{Addr: a, TCP: true})
	got := make(chan resolver.Answer, 1)
	r.Post(resolver.Question{Name: "web.test"}, func(a resolver.Answer) { got <- a })
	if a := <-got; a.Status != resolver.Valid {
		t.Errorf("%+v", a)
	}
}

// A name that cannot be asked for is answered at once.
func TestBadName(t *testing.T) {
	a, _ := ask(t, false, resolver.Question{Name: strings.Repeat("x", 80) + ".test"}, always(good))
	if a.Status != resolver.Other {
		t.Errorf("%+v", a)
	}
}
