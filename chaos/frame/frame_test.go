package frame_test

import (
	"bytes"
	"net/netip"
	"testing"

	"github.com/google/gopacket/layers"

	"bench/chaos/frame"
)

func end(ip string, port uint16) frame.Endpoint {
	return frame.Endpoint{Addr: netip.MustParseAddr(ip).As16(), Port: port}
}

// data makes a segment with a payload of n bytes that tell their place.
func data(v6 bool, n int) *frame.Segment {
	s := &frame.Segment{
		From: frame.MAC{2, 0, 0, 0, 0, 1}, To: frame.MAC{2, 0, 0, 0, 0, 2}, V6: v6,
		Src: end("10.0.0.1", 1234), Dst: end("10.0.0.2", 80),
		Seq: 1000, Ack: 2000, Flags: frame.ACK | frame.PSH | frame.FIN, Window: 512,
		Payload: make([]byte, n),
		Options: []layers.TCPOption{{OptionType: layers.TCPOptionKindNop}, {OptionType: layers.TCPOptionKindNop}},
	}
	if v6 {
		s.Src, s.Dst = end("fd00::1", 1234), end("fd00::2", 80)
	}
	for i := range s.Payload {
		s.Payload[i] = byte(i % 251)
	}
	return s
}

func parse(t testing.TB, b []byte) *frame.Packet {
	t.Helper()
	var p frame.Packet
	if !frame.NewParser().Parse(b, &p) {
		t.Fatalf("no packet in %x", b)
	}
	return &p
}

func TestWhatIsBuiltIsRead(t *testing.T) {
	for _, v6 := range []bool{false, true} {
		s := data(v6, 100)
		p := parse(t, frame.NewBuilder().Segment(s))
		if p.Src != s.Src || p.Dst != s.Dst || p.Seq != s.Seq || p.Ack != s.Ack || p.Flags != s.Flags ||
			p.Window != s.Window || p.Payload() != 100 || p.Proto != frame.TCP || p.V6 != v6 {
			t.Errorf("built %+v, read %+v", s, p)
		}
		if !bytes.Equal(p.Bytes[p.Body:p.End], s.Payload) {
			t.Error("the payload differs")
		}
		if p.Sequence() != 101 {
			t.Errorf("the segment takes %d sequence numbers, want 101", p.Sequence())
		}
		if !p.Intact() {
			t.Error("the checksum is wrong")
		}
	}
}

func TestChangesKeepTheChecksum(t *testing.T) {
	for _, v6 := range []bool{false, true} {
		p := parse(t, bytes.Clone(frame.NewBuilder().Segment(data(v6, 33))))
		p.SetWindow(0, false)
		if !p.Intact() {
			t.Error("wrong after SetWindow")
		}
		p.ClearFIN(false)
		if !p.Intact() {
			t.Error("wrong after ClearFIN")
		}
		again := parse(t, p.Bytes)
		if again.Window != 0 || again.Flags != frame.ACK|frame.PSH {
			t.Errorf("window %d, flags %x", again.Window, again.Flags)
		}
		from := end("10.0.0.77", 4321)
		if v6 {
			from = end("fd00::77", 4321)
		}
		p.Patch(from, 77)
		again = parse(t, p.Bytes)
		if !again.Intact() || again.Src != from || again.Seq != 77 {
			t.Errorf("after Patch: %+v", again)
		}
	}
}

func TestFlipIsNoticed(t *testing.T) {
	for _, r := range []uint64{0, 1 << 62, 1 << 63, ^uint64(0)} {
		b := frame.NewBuilder().Segment(data(false, 33))
		before := bytes.Clone(b)
		p := parse(t, b)
		p.Flip(r)
		if p.Intact() {
			t.Errorf("flip %x is not noticed", r)
		}
		if bytes.Equal(b, before) || !bytes.Equal(b[:p.L4], before[:p.L4]) {
			t.Errorf("flip %x is not behind the IP header", r)
		}
	}
}

// TestCut splits a merged segment and completes the parts' checksums as a device
// would.
func TestCut(t *testing.T) {
	for _, v6 := range []bool{false, true} {
		s := data(v6, 3001)
		s.Flags |= frame.CWR
		p := parse(t, bytes.Clone(frame.NewBuilder().Segment(s)))
		p.Flags |= frame.CWR
		p.Bytes[p.L4+13] = p.Flags
		vnet := frame.Vnet{GSO: 1, Segment: 1000}
		if n := vnet.Segments(p); n != 4 {
			t.Fatalf("%d segments, want 4", n)
		}
		var all []byte
		for i := range 4 {
			var part frame.Packet
			vnet.Cut(p, i, make([]byte, 1500), &part)
			head := vnet.CutVnet(p)
			if !head.Partial() || int(head.SumStart) != part.L4 {
				t.Errorf("header %+v", head)
			}
			part.Complete()
			got := parse(t, part.Bytes)
			if !got.Intact() || got.Payload() != part.Payload() || got.Seq != 1000+uint32(i)*1000 {
				t.Errorf("segment %d: %+v", i, got)
			}
			if fin := got.Flags&(frame.FIN|frame.PSH) != 0; fin != (i == 3) {
				t.Errorf("segment %d has the flags %x", i, got.Flags)
			}
			if cwr := got.Flags&frame.CWR != 0; cwr != (i == 0) {
				t.Errorf("segment %d has the flags %x", i, got.Flags)
			}
			all = append(all, got.Bytes[got.Body:got.End]...)
		}
		if !bytes.Equal(all, s.Payload) {
			t.Error("the segments together are not the payload")
		}
	}
}

func TestAnswers(t *testing.T) {
	b := frame.NewBuilder()
	for _, v6 := range []bool{false, true} {
		s := data(v6, 10)
		s.Flags = frame.ACK
		p := parse(t, bytes.Clone(b.Segment(s)))
		rst := parse(t, b.Answer(p))
		if rst.Src != p.Dst || rst.Dst != p.Src || rst.Flags != frame.RST || rst.Seq != p.Ack || !rst.Intact() {
			t.Errorf("the answer to data is %+v", rst)
		}
		cut := parse(t, b.Cut(p))
		if cut.Src != p.Src || cut.Flags&frame.RST == 0 || cut.Seq != p.Seq || !cut.Intact() {
			t.Errorf("in its place goes %+v", cut)
		}
		s.Flags, s.Ack, s.Payload = frame.SYN, 0, nil
		syn := parse(t, bytes.Clone(b.Segment(s)))
		if rst := parse(t, b.Answer(syn)); rst.Flags != frame.RST|frame.ACK || rst.Ack != syn.Seq+1 {
			t.Errorf("the answer to a SYN is %+v", rst)
		}
		icmp := parse(t, b.Unreachable(syn))
		if want := map[bool]uint8{false: frame.ICMP, true: frame.ICMPv6}[v6]; icmp.Proto != want || icmp.Dst.Addr != syn.Src.Addr {
			t.Errorf("unreachable is %+v", icmp)
		}
	}
}

func TestVnetHeader(t *testing.T) {
	v := frame.Vnet{Flags: 1, GSO: 4, HeaderLen: 74, Segment: 1440, SumStart: 54, SumAt: 16}
	var b [frame.VnetSize]byte
	v.Put(b[:])
	if got := frame.ReadVnet(b[:]); got != v {
		t.Errorf("wrote %+v, read %+v", v, got)
	}
}

func TestParsingAllocatesNothing(t *testing.T) {
	b := bytes.Clone(frame.NewBuilder().Segment(data(false, 100)))
	parser := frame.NewParser()
	var p frame.Packet
	if n := testing.AllocsPerRun(1000, func() { parser.Parse(b, &p) }); n != 0 {
		t.Errorf("%v allocations a frame", n)
	}
}

func BenchmarkParse(b *testing.B) {
	f := bytes.Clone(frame.NewBuilder().Segment(data(false, 100)))
	parser := frame.NewParser()
	var p frame.Packet
	b.ReportAllocs()
	for b.Loop() {
		parser.Parse(f, &p)
	}
}

// FuzzParse holds what is read from any bytes to lie within them, and what is
// done with it not to go beyond.
func FuzzParse(f *testing.F) {
	b := frame.NewBuilder()
	for _, v6 := range []bool{false, true} {
		seg := bytes.Clone(b.Segment(data(v6, 40)))
		f.Add(seg)
		f.Add(seg[:40])
		f.Add(bytes.Clone(b.Unreachable(parse(f, seg))))
	}
	f.Add([]byte{})
	parser := frame.NewParser()
	f.Fuzz(func(t *testing.T, in []byte) {
		var p frame.Packet
		own := bytes.Clone(in)
		if !parser.Parse(own, &p) {
			return
		}
		if p.End > len(own) || p.Payload() < 0 || p.L3 > p.End || p.L4 > p.End {
			t.Fatalf("read beyond the %d bytes: %+v", len(own), p)
		}
		vnet := frame.Vnet{GSO: 1, Segment: 8}
		if p.L4 > 0 {
			out := make([]byte, len(own)+8)
			for i := range vnet.Segments(&p) {
				var s frame.Packet
				vnet.Cut(&p, i, out, &s)
			}
			p.Complete()
			if !p.Intact() {
				t.Errorf("wrong checksum after Complete: %x", own)
			}
			if p.Proto == frame.TCP {
				frame.NewBuilder().Answer(&p)
				p.ClearFIN(false)
				p.SetWindow(0, false)
			}
		}
		frame.NewBuilder().Unreachable(&p)
		p.Flip(1 << 63)
	})
}
