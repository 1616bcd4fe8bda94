package resolver_test

import (
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/miekg/dns"

	"bench/internal/loop"
	"bench/internal/sock"
	"bench/proxy/resolver"
	"bench/proxy/spec"
)

// running is a resolver with one name server, on a loop of its own.
func running(t *testing.T, s *spec.Resolvers, ns spec.Nameserver) (*resolver.Resolver, *loop.Loop) {
	t.Helper()
	l, err := loop.New("", 64)
	if err != nil {
		t.Fatal(err)
	}
	ns.Name = "n"
	s.Name, s.PayloadSize, s.Nameservers = "r", 512, []spec.Nameserver{ns}
	r := resolver.New(s, l)
	var turning sync.WaitGroup
	turning.Go(func() { _ = l.Run() })
	t.Cleanup(func() { l.Stop(); turning.Wait(); r.Close() })
	return r, l
}

// Clients that have more names looked up than questions can be told apart are told that
// there is no address, and nobody else waits for that. Servers are looked up all the same.
func TestFloodOfWishes(t *testing.T) {
	answers := answerer(func(q *dns.Msg, _ int) [][]byte {
		if q.Question[0].Name != "web.test." {
			return nil
		}
		return [][]byte{good(q)}
	})
	section := &spec.Resolvers{Retry: time.Hour}
	r, l := running(t, section, spec.Nameserver{Addr: answers.serve(t, false)})
	const wishes = 1<<16 + 100
	refused := 0
	l.Post(func() {
		for i := range wishes {
			r.Wish(resolver.Question{Name: fmt.Sprintf("n%d.test", i)}, func(a resolver.Answer) {
				if a.Status == resolver.Other {
					refused++
				}
			})
		}
		section.Retry = 100 * time.Millisecond
	})
	looked := make(chan resolver.Answer, 1)
	for try := 0; ; try++ {
		r.Post(resolver.Question{Name: "web.test"}, func(a resolver.Answer) { looked <- a })
		select {
		case a := <-looked:
			if a.Status == resolver.Timeout && try < 100 {
				continue // the question was lost in the flood
			}
			if a.Status != resolver.Valid {
				t.Errorf("of a server was found %v", a.Status)
			}
		case <-time.After(time.Minute):
			t.Fatal("the loop does not come back")
		}
		break
	}
	l.Call(func() {
		if refused < wishes/2 || refused == wishes {
			t.Errorf("%d of %d wishes were refused", refused, wishes)
		}
	})
}

// Answers that do not hold any more are not kept, however many names there were.
func TestNothingIsKeptForGood(t *testing.T) {
	answers := always(func(q *dns.Msg) []byte { return reply(q, q.Question[0].Name+" 1 IN AAAA ::1") })
	const hold = 20 * time.Millisecond
	r, l := running(t, &spec.Resolvers{Retry: time.Hour, Hold: spec.Hold{Valid: hold}}, spec.Nameserver{Addr: answers.serve(t, false)})
	for i := range 200 {
		got := make(chan resolver.Answer, 1)
		r.Post(resolver.Question{Name: fmt.Sprintf("n%d.test", i)}, func(a resolver.Answer) { got <- a })
		if a := <-got; a.Status != resolver.Valid {
			t.Fatalf("%v", a.Status)
		}
		if i%50 == 0 {
			time.Sleep(3 * hold)
		}
	}
	l.Call(func() {
		if n := r.Kept(); n >= 200 {
			t.Errorf("%d answers are kept", n)
		}
	})
}

// A name server that says any number of things that nobody asked for does not keep the
// answer from being heard.
func TestChatter(t *testing.T) {
	chatter := answerer(func(q *dns.Msg, _ int) [][]byte {
		var all [][]byte
		for range 150 {
			b := good(q)
			b[0]++ // of another question
			all = append(all, b)
		}
		return append(all, good(q))
	})
	a, c := ask(t, false, resolver.Question{Name: "web.test"}, chatter)
	if a.Status != resolver.Valid || c.Outdated.Load() == 0 {
		t.Errorf("%v, %d answers were to another question", a.Status, c.Outdated.Load())
	}
}

// Over TCP, too: a stream of empty messages is worked through, whatever its length.
func TestEmptyFrames(t *testing.T) {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	const empty = 100_000
	var serving sync.WaitGroup
	serving.Go(func() {
		c, err := l.Accept()
		if err != nil {
			return
		}
		defer c.Close()
		var b [514]byte
		if _, err = io.ReadFull(c, b[:2]); err == nil {
			_, err = io.ReadFull(c, b[2:2+binary.BigEndian.Uint16(b[:])])
		}
		q := new(dns.Msg)
		if err != nil || q.Unpack(b[2:2+binary.BigEndian.Uint16(b[:])]) != nil {
			t.Error("no question", err)
			return
		}
		answer := good(q)
		out := binary.BigEndian.AppendUint16(make([]byte, 2*empty), uint16(len(answer)))
		_, _ = c.Write(append(out, answer...))
		_, _ = c.Read(b[:])
	})
	t.Cleanup(func() { _ = l.Close(); serving.Wait() })
	addr, err := sock.Parse(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	r, _ := running(t, &spec.Resolvers{Retry: time.Hour}, spec.Nameserver{Addr: addr, TCP: true})
	got := make(chan resolver.Answer, 1)
	r.Post(resolver.Question{Name: "web.test"}, func(a resolver.Answer) { got <- a })
	select {
	case a := <-got:
		if n := r.Counters(0).Invalid.Load(); a.Status != resolver.Valid || n != empty {
			t.Errorf("%v behind %d messages that are none, want %d", a.Status, n, empty)
		}
	case <-time.After(30 * time.Second):
		t.Fatal("no answer")
	}
}
