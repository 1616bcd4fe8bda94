package link

import (
	"bytes"
	"net/netip"
	"testing"

	"golang.org/x/sys/unix"

	"bench/chaos/frame"
	"bench/chaos/impair"
)

// interpret runs a packet filter as the kernel does, as far as accept uses it.
func interpret(t *testing.T, program []unix.SockFilter, f []byte) bool {
	t.Helper()
	var a, x uint32
	fetch := func(at uint32, size uint16) (v uint32, ok bool) {
		n := map[uint16]uint32{unix.BPF_B: 1, unix.BPF_H: 2, unix.BPF_W: 4}[size]
		if uint64(at)+uint64(n) > uint64(len(f)) {
			return 0, false
		}
		for _, b := range f[at : at+n] {
			v = v<<8 | uint32(b)
		}
		return v, true
	}
	for pc := 0; ; pc++ {
		in := program[pc]
		ok := true
		switch in.Code & 7 {
		case unix.BPF_RET:
			return in.K > 0
		case unix.BPF_LD:
			at := in.K
			if in.Code&0xe0 == unix.BPF_IND {
				at += x
			}
			a, ok = fetch(at, in.Code&0x18)
		case unix.BPF_LDX:
			x, ok = fetch(in.K, unix.BPF_B)
			x = x & 0xf * 4
		case unix.BPF_ALU:
			a &= in.K
		case unix.BPF_JMP:
			yes := a == in.K
			if in.Code&0xf0 == unix.BPF_JSET {
				yes = a&in.K != 0
			}
			if yes {
				pc += int(in.Jt)
			} else {
				pc += int(in.Jf)
			}
		default:
			t.Fatalf("instruction %+v", in)
		}
		if !ok {
			return false
		}
	}
}

// TestSteeringMeansWhatMatchMeans holds the packet filter against the engine on
// the same frames.
func TestSteeringMeansWhatMatchMeans(t *testing.T) {
	end := func(ip string, port uint16) frame.Endpoint {
		return frame.Endpoint{Addr: netip.MustParseAddr(ip).As16(), Port: port}
	}
	b := frame.NewBuilder()
	var frames [][]byte
	for _, ips := range [][2]string{{"10.0.0.1", "10.0.0.2"}, {"10.0.1.1", "192.0.2.9"}, {"fd00::1", "fd00::2"}, {"fd00:1::1", "fd00::9"}} {
		for _, ports := range [][2]uint16{{1000, 80}, {80, 1000}, {1000, 1001}} {
			s := &frame.Segment{V6: len(ips[0]) > 0 && ips[0][0] == 'f', Src: end(ips[0], ports[0]), Dst: end(ips[1], ports[1]), Flags: frame.ACK}
			tcp := bytes.Clone(b.Segment(s))
			frames = append(frames, tcp)
			var p frame.Packet
			frame.NewParser().Parse(tcp, &p)
			frames = append(frames, bytes.Clone(b.Unreachable(&p)))
		}
	}
	frames = append(frames, make([]byte, 42))
	matches := []impair.Match{
		{Protocol: "tcp"},
		{Protocol: "udp"},
		{Protocol: "icmp"},
		{Port: 80},
		{Port: 81},
		{Port: 1000, Protocol: "tcp"},
		{Address: netip.MustParsePrefix("10.0.0.0/24")},
		{Address: netip.MustParsePrefix("192.0.2.9/32"), Port: 80},
		{Address: netip.MustParsePrefix("fd00::/48")},
		{Address: netip.MustParsePrefix("fd00::2/128"), Protocol: "icmp"},
		{},
	}
	for i, m := range matches {
		for j, other := range matches {
			program, err := accept([]impair.Match{m, other})
			if err != nil {
				t.Fatal(err)
			}
			if i != j && len(m.Protocol+other.Protocol) > 6 {
				continue // a few pairs will do
			}
			for _, f := range frames {
				var p frame.Packet
				frame.NewParser().Parse(f, &p)
				want := false
				for k, m := range []impair.Match{m, other} {
					e := impair.NewEngine()
					if err := e.Add(impair.Spec{ID: string(rune('a' + k)), Match: m, Drop: true}, 1); err != nil {
						t.Fatal(err)
					}
					want = want || e.Decide(&p, impair.Upstream, len(f), 1).Drop
				}
				if got := interpret(t, program, f); got != want {
					t.Errorf("%+v or %+v takes %+v: %v, want %v", m, other, p, got, want)
				}
			}
		}
	}
}
