package log

import (
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"bench/proxy/spec"
)

func lines(r *Ring) []string {
	var all []string
	var c Cursor
	for {
		line, ok, _ := r.Next(&c, nil)
		if !ok {
			return all
		}
		all = append(all, string(line))
	}
}

// The newest lines are there, as many as fit, whole and in order.
func TestRingKeepsTheNewest(t *testing.T) {
	for _, size := range []int{40, 41, 57, 64, 100} {
		r := NewRing(&spec.Ring{Size: size})
		var put []string
		for i := range 50 {
			text := strings.Repeat("x", i%9) + fmt.Sprint(i)
			if !r.put([][]byte{[]byte(text[:1]), []byte(text[1:])}) {
				t.Fatalf("%q does not fit in %d bytes", text, size)
			}
			put = append(put, text)
			got := lines(r)
			if len(got) == 0 || strings.Join(got, " ") != strings.Join(put[len(put)-len(got):], " ") {
				t.Fatalf("size %d after %q: %q", size, text, got)
			}
		}
		if r.put([][]byte{make([]byte, size)}) {
			t.Error("a line longer than the ring is in it")
		}
	}
}

// A reader that comes too late goes on with the oldest line there is, and one that
// waits is woken.
func TestRingReaders(t *testing.T) {
	r := NewRing(&spec.Ring{Size: 26})
	put := func(s string) { r.put([][]byte{[]byte(s)}) }
	put("first")
	var slow Cursor
	if line, ok, _ := r.Next(&slow, nil); !ok || string(line) != "first" {
		t.Fatalf("%q %v", line, ok)
	}
	_, ok, more := r.Next(&slow, nil)
	if ok {
		t.Fatal("a line out of nothing")
	}
	fresh := r.End()
	put("second")
	select {
	case <-more:
	case <-time.After(5 * time.Second):
		t.Fatal("nobody is woken")
	}
	if line, ok, _ := r.Next(&fresh, nil); !ok || string(line) != "second" {
		t.Errorf("%q %v", line, ok)
	}
	put("third is long")
	if line, ok, _ := r.Next(&slow, nil); !ok || string(line) != "third is long" {
		t.Errorf("%q %v", line, ok)
	}
}

// Lines go to the servers of a ring in either framing, and those that came while a
// server was away come later.
func TestRingForwards(t *testing.T) {
	for _, counted := range []bool{false, true} {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		s := &spec.Ring{Size: 4096, MaxLen: 1024, Format: "short", Servers: []spec.RingServer{{Addr: mustAddr(t, l.Addr().String()), OctetCount: counted}}}
		rings := NewRings([]*spec.Ring{s})
		p, err := NewPlan(&spec.Global{}, &spec.Proxy{Logs: []spec.LogTarget{{Ring: s, Level: int(Debug)}}}, rings)
		if err != nil {
			t.Fatal(err)
		}
		out := newSender(t, time.Now()).Logger(p)
		out.Message(Info, "before")
		rings.Start()
		conn, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		out.Message(Error, "after")
		want := "<6>before\n<3>after\n"
		if counted {
			want = "9 <6>before8 <3>after"
		}
		_ = conn.SetReadDeadline(time.Now().Add(5 * time.Second))
		got := make([]byte, len(want))
		for n := 0; n < len(got); {
			k, err := conn.Read(got[n:])
			if err != nil {
				t.Fatalf("%q, then %v", got[:n], err)
			}
			n += k
		}
		if string(got) != want {
			t.Errorf("%q, want %q", got, want)
		}
		rings.Stop()
		_ = conn.Close()
		_ = l.Close()
	}
}

// What is in the ring at the end still goes out.
func TestRingForwardsTheLastLines(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	s := &spec.Ring{Size: 1 << 16, MaxLen: 1024, Format: "raw", Servers: []spec.RingServer{{Addr: mustAddr(t, l.Addr().String())}}}
	rings := NewRings([]*spec.Ring{s})
	rings.Start()
	conn, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	const n = 500
	for i := range n {
		rings.Of(s).put([][]byte{fmt.Append(nil, i)})
	}
	var got strings.Builder
	var reading sync.WaitGroup
	reading.Go(func() {
		b := make([]byte, 4096)
		for {
			k, err := conn.Read(b)
			got.Write(b[:k])
			if err != nil {
				return
			}
		}
	})
	rings.Stop()
	_ = conn.SetReadDeadline(time.Now().Add(5 * time.Second))
	reading.Wait()
	_ = conn.Close()
	if all := strings.Fields(got.String()); len(all) != n || all[n-1] != fmt.Sprint(n-1) {
		t.Errorf("%d lines arrived, want %d", len(all), n)
	}
}

// Structured data stands where RFC 5424 has it.
func TestStructuredData(t *testing.T) {
	pc := listen(t, "udp", "127.0.0.1:0")
	p := plan(t, spec.Global{}, spec.LogTarget{Addr: pc.LocalAddr().String(), Format: "rfc5424", Facility: 16})
	p.data = mustFormat(t, `%{+Q,+E}o [me@1 ip=%ci st=%ST]`)
	l := newSender(t, time.Now()).Logger(p)
	l.Log(record(t), nil)
	if got := receive(t, pc); !strings.Contains(got, ` haproxy 42 - [me@1 ip="10.0.1.2" st=200] 10.0.1.2:`) {
		t.Errorf("%q", got)
	}
	l.Message(Info, "plain")
	if got := receive(t, pc); !strings.HasSuffix(got, " haproxy 42 - - plain\n") {
		t.Errorf("%q", got)
	}
}

func TestErrorFormat(t *testing.T) {
	pc := listen(t, "udp", "127.0.0.1:0")
	p := plan(t, spec.Global{}, spec.LogTarget{Addr: pc.LocalAddr().String(), Format: "raw"})
	p.failure = mustFormat(t, "failed %ci on %f")
	newSender(t, time.Now()).Logger(p).Failure(record(t), nil, "f1", "why")
	if got := receive(t, pc); got != "failed 10.0.1.2 on fe\n" {
		t.Errorf("%q", got)
	}
}
