package peering

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"slices"
	"testing"
	"time"

	"bench/proxy/table"
	"bench/proxy/varint"
)

// pupil is a peer by hand, which hears what it is told of the first table.
type pupil struct {
	net.Conn
	rest []byte
	last uint32
}

// greet connects to a process as its peer, which is alone in being connected.
func greet(t *testing.T, n *node, at string) *pupil {
	t.Helper()
	until(t, "alone", func() bool { return connected(n) == 0 })
	p := &pupil{Conn: dial(t, at)}
	if _, err := fmt.Fprint(p, "HAProxyS 2.1\na\nb 1 1\n"); err != nil {
		t.Fatal(err)
	}
	ok := make([]byte, 4)
	if _, err := io.ReadFull(p, ok); err != nil || string(ok) != "200\n" {
		t.Fatalf("greeted by %q, %v", ok, err)
	}
	return p
}

func (p *pupil) say(t *testing.T, b ...byte) {
	t.Helper()
	if _, err := p.Write(b); err != nil {
		t.Fatal(err)
	}
}

func (p *pupil) acknowledge(t *testing.T, id uint64, number uint32) {
	t.Helper()
	p.say(t, appendMessage(nil, acknowledge, binary.BigEndian.AppendUint32(varint.Append(nil, id), number))...)
}

// hears returns the numbers of all updates until a lesson ends, or nothing comes any more
// for a while; of so many, it waits longer.
func (p *pupil) hears(t *testing.T, wanted int) (numbers []uint32) {
	t.Helper()
	for buf := make([]byte, 4096); ; {
		for {
			m, n, err := readMessage(p.rest)
			if err != nil {
				t.Fatal(err)
			}
			if n == 0 {
				break
			}
			p.rest = p.rest[n:]
			switch {
			case m.class == classControl && (m.kind == resyncFinished || m.kind == resyncPartial):
				return numbers
			case m.class != classTable || m.kind == define:
				continue
			case m.kind == update || m.kind == timedUpdate:
				p.last = binary.BigEndian.Uint32(m.body)
			default:
				p.last++
			}
			numbers = append(numbers, p.last)
		}
		silence := patience
		if len(numbers) >= wanted {
			silence = 100 * time.Millisecond
		}
		_ = p.SetReadDeadline(time.Now().Add(silence))
		n, err := p.Read(buf)
		if err != nil {
			return numbers
		}
		p.rest = append(bytes.Clone(p.rest), buf[:n]...)
	}
}

// What a peer has acknowledged it is not told again, and all the rest it is.
func TestAcknowledgements(t *testing.T) {
	n, at := alone(t)
	entries := func(from, to uint32) {
		for k := from; k <= to; k++ {
			change(n, 0, k, 1)
		}
	}
	entries(1, 10)
	for _, step := range []struct {
		what string
		want []uint32 // is told at the beginning
		does func(p *pupil)
	}{
		{"all is new", []uint32{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}, func(*pupil) {}},
		{"nothing was acknowledged", []uint32{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}, func(p *pupil) { p.acknowledge(t, 1, 4) }},
		{"four were", []uint32{5, 6, 7, 8, 9, 10}, func(p *pupil) {
			p.acknowledge(t, 1, 7)
			p.acknowledge(t, 1, 5) // it does not go back
		}},
		{"what was acknowledged before is acknowledged again", []uint32{8, 9, 10}, func(p *pupil) {
			p.acknowledge(t, 1, 99)         // it was not sent
			p.acknowledge(t, 1, 0)          // there is none such
			p.acknowledge(t, 1, 0xfffffffe) // nor this one
			p.acknowledge(t, 2, 10)         // that is another table
			p.acknowledge(t, 0, 10)         // and these are none
			p.acknowledge(t, 99, 10)
		}},
		{"nonsense was acknowledged", []uint32{8, 9, 10}, func(p *pupil) { p.acknowledge(t, 1, 9) }},
		{"all but one were", []uint32{10}, func(p *pupil) {
			p.say(t, classControl, resyncRequest)
			if got := p.hears(t, 11); len(got) != 10 {
				t.Errorf("taught %v", got)
			}
			p.acknowledge(t, 1, 10) // of a lesson
		}},
		{"a lesson was not confirmed", []uint32{10}, func(p *pupil) {
			p.say(t, classControl, resyncRequest)
			if got := p.hears(t, 11); len(got) != 10 {
				t.Errorf("taught %v", got)
			}
			p.say(t, classControl, resyncConfirm)
			if got := p.hears(t, 0); got != nil {
				t.Errorf("told %v behind a lesson", got)
			}
			n.l.Call(func() { entries(11, 12) })
			if got := p.hears(t, 2); !slices.Equal(got, []uint32{11, 12}) {
				t.Errorf("told %v of what has changed since", got)
			}
		}},
		{"a lesson was confirmed", []uint32{11, 12}, func(p *pupil) {
			n.l.Call(func() {
				entries(13, 14)
				for k := uint32(13); k <= 14; k++ {
					n.tables[0].Remove(key(n.tables[0].Spec, k))
				}
			})
			if got := p.hears(t, 0); got != nil {
				t.Errorf("told %v of what is gone", got)
			}
			p.acknowledge(t, 1, 12)
		}},
		{"all were", nil, func(*pupil) {}},
	} {
		p := greet(t, n, at)
		if got := p.hears(t, len(step.want)); !slices.Equal(got, step.want) {
			t.Errorf("%s: told %v, want %v", step.what, got, step.want)
		}
		step.does(p)
		_ = p.Close()
	}
	v, _ := n.g.View()
	for _, p := range v.Peers {
		for _, x := range p.Tables {
			if want := map[bool]uint32{true: 14}[p.Spec.Name == "b" && x.Local == 1]; x.Taken != want {
				t.Errorf("%s: %d are known to be taken of table %d, want %d", p.Spec.Name, x.Taken, x.Local, want)
			}
		}
	}
}

// Of numbers of 64 bits only half is told: what is acknowledged is the last one that ends so.
func TestAcknowledgedNumbersWrap(t *testing.T) {
	const wrap = 1 << 32
	for _, c := range []struct {
		sent, last uint64
		number     uint32
		want       uint64
	}{
		{wrap - 3, wrap + 5, 0xfffffffe, wrap - 2},
		{wrap - 3, wrap + 5, 0, wrap},
		{wrap - 3, wrap + 5, 3, wrap + 3},
		{wrap - 3, wrap + 5, 5, wrap + 9}, // and what follows it is gone
		{wrap - 3, wrap + 5, 6, wrap - 3},
		{wrap - 3, wrap + 5, 0xfffffffc, wrap - 3},
		{wrap + 3, wrap + 5, 2, wrap + 3},
		{0, 0, 1, 0},
	} {
		g := &Group{}
		p := &peer{g: g, sent: []uint64{c.sent}}
		s := &session{g: g, p: p, tables: []exchange{{last: c.last, upTo: wrap + 9}}}
		s.acknowledged(binary.BigEndian.AppendUint32(varint.Append(nil, 1), c.number))
		if p.sent[0] != c.want {
			t.Errorf("%#x of %#x, %#x at last: %#x is taken, want %#x", c.number, c.sent, c.last, p.sent[0], c.want)
		}
		// While more is to be sent, what is behind the last one is not known to be there.
		s.tables[0].pass = make([]table.Change, 1)
		p.sent[0] = c.sent
		s.acknowledged(binary.BigEndian.AppendUint32(varint.Append(nil, 1), c.number))
		if want := min(c.want, max(c.last, c.sent)); p.sent[0] != want {
			t.Errorf("%#x of %#x, %#x at last, more to send: %#x is taken, want %#x", c.number, c.sent, c.last, p.sent[0], want)
		}
	}
}
