package impair

import (
	"bytes"
	"encoding/binary"

	"bench/chaos/frame"
)

// Slots is the largest number of impairments that act on a link at once.
const Slots = 8

// tupleKey is the two ends and the protocol of a flow, the lower end first.
type tupleKey [37]byte

// responder is the end of a flow that was called.
type responder struct {
	frame.Endpoint
	proto uint8
}

// Flow is what is remembered of a connection, or of datagrams between two ends.
type Flow struct {
	// id identifies the flow across runs: the n-th flow to an end, whatever port
	// the system gave to the other.
	id      uint64
	way     [2]way
	opening uint32 // the sequence number of the SYN
	begun   bool   // by a SYN
}

// way is one direction of a flow.
type way struct {
	index uint64 // of the next packet
	sent  uint64 // the highest number that has left
	due   int64  // when the last packet that keeps its place is sent
	base  uint32 // the sequence number of the first byte seen
	based bool
	slots [Slots]slot
}

// slot is what one impairment remembers of one direction of a flow.
type slot struct {
	epoch   uint32 // of the impairment; state of another is void
	chosen  bool   // the impairment concerns the flow
	bad     bool   // of the chain of Burst
	dead    bool   // reset
	synAcks int32
	last    float64 // the normal deviate of the last delay
}

// table finds flows. It keeps two generations: a flow that was not seen while a
// whole generation of others came is forgotten. Their space is used again, so that
// new flows cost no allocation once there were as many.
type table struct {
	now, before generation
	limit       int
	called      map[responder]uint64 // how many flows there were to an end
}

// generation is a set of flows. They lie in blocks, so that they never move.
type generation struct {
	at     map[tupleKey]int32
	blocks []*[perBlock]Flow
}

const perBlock = 256

func (g *generation) flow(i int32) *Flow { return &g.blocks[i/perBlock][i%perBlock] }

// perGeneration is the number of flows of one. Two of them take about 40 MB.
const perGeneration = 1 << 15

func newTable(limit int) *table {
	return &table{
		now: generation{at: make(map[tupleKey]int32)}, before: generation{at: make(map[tupleKey]int32)},
		limit: limit, called: make(map[responder]uint64),
	}
}

// find returns the flow of a packet, a new one if need be.
func (t *table) find(p *frame.Packet) *Flow {
	key := keyOf(p)
	var f *Flow
	if i, ok := t.now.at[key]; ok {
		f = t.now.flow(i)
	} else {
		f = t.add(key, p)
	}
	if p.Proto == frame.TCP && p.Flags&(frame.SYN|frame.ACK) == frame.SYN {
		if f.begun && f.opening != p.Seq {
			*f = Flow{} // the ports are used again
			t.begin(f, p)
		}
		f.begun, f.opening = true, p.Seq
	}
	return f
}

// add puts a flow into the generation of now: one of that before, or a new one.
func (t *table) add(key tupleKey, p *frame.Packet) *Flow {
	if len(t.now.at) >= t.limit {
		t.now, t.before = t.before, t.now
		clear(t.now.at)
	}
	i := int32(len(t.now.at))
	if int(i) == len(t.now.blocks)*perBlock {
		t.now.blocks = append(t.now.blocks, new([perBlock]Flow))
	}
	t.now.at[key] = i
	f := t.now.flow(i)
	if j, ok := t.before.at[key]; ok {
		*f = *t.before.flow(j)
		return f
	}
	*f = Flow{}
	t.begin(f, p)
	return f
}

// begin gives a flow its identity.
func (t *table) begin(f *Flow, p *frame.Packet) {
	end := responder{p.Dst, p.Proto}
	first := p.Flags & (frame.SYN | frame.ACK)
	if first == frame.SYN|frame.ACK || (first&frame.SYN == 0 && p.Src.Port < p.Dst.Port) {
		end.Endpoint = p.Src // it answers, or has the port of a service
	}
	if len(t.called) >= 2*t.limit {
		clear(t.called)
	}
	n := t.called[end]
	t.called[end] = n + 1
	h := mix(uint64(end.proto)<<16 | uint64(end.Port))
	h = mix(h ^ binary.BigEndian.Uint64(end.Addr[:8]))
	h = mix(h ^ binary.BigEndian.Uint64(end.Addr[8:]))
	f.id = mix(h + n*0x9e3779b97f4a7c15)
}

func keyOf(p *frame.Packet) (k tupleKey) {
	low, high := &p.Src, &p.Dst
	if c := bytes.Compare(low.Addr[:], high.Addr[:]); c > 0 || (c == 0 && low.Port > high.Port) {
		low, high = high, low
	}
	copy(k[:], low.Addr[:])
	copy(k[16:], high.Addr[:])
	binary.BigEndian.PutUint16(k[32:], low.Port)
	binary.BigEndian.PutUint16(k[34:], high.Port)
	k[36] = p.Proto
	return k
}

// carried is the number of bytes of the stream up to the end of segment p.
func (w *way) carried(p *frame.Packet) int64 {
	if !w.based {
		w.base, w.based = p.Seq, true
		if p.Flags&frame.SYN != 0 {
			w.base++
		}
	}
	return int64(int32(p.Seq + uint32(p.Payload()) - w.base))
}
