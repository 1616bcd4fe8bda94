package link

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"slices"

	"github.com/google/nftables"
	"github.com/google/nftables/expr"
	"golang.org/x/sys/unix"

	"bench/chaos/filter"
	"bench/chaos/frame"
	"bench/chaos/impair"
)

// takeover keeps frames that are not the link's own from leaving by its two
// interfaces, so that they are not forwarded twice. It ends with close, or with
// the process.
type takeover struct {
	table  *filter.Table
	chains [2]*nftables.Chain
}

func takeOver(interfaces *[2]string) (*takeover, error) {
	table, err := filter.Open(fmt.Sprintf("bench-link-%d", os.Getpid()), nftables.TableFamilyNetdev, "")
	if err != nil {
		return nil, err
	}
	t := &takeover{table: table}
	for i, name := range interfaces {
		t.chains[i] = table.Chain(fmt.Sprintf("out%d", i), nftables.ChainHookEgress, name)
	}
	if err := table.Commit(); err != nil {
		return nil, errors.Join(err, t.close())
	}
	return t, nil
}

// aim takes over the frames that the matches mean, and gives back others; no match
// is everything.
func (t *takeover) aim(only []impair.Match) error {
	var all [][]expr.Any
	for _, m := range only {
		conditions, err := filter.OfIP(m)
		if err != nil {
			return err
		}
		all = append(all, conditions...)
	}
	if len(only) == 0 {
		all = [][]expr.Any{nil}
	}
	for _, chain := range t.chains {
		t.table.Empty(chain)
		for _, condition := range all {
			t.table.Rule(chain, filter.NotMarked(Mark), condition, filter.Drop())
		}
	}
	return t.table.Commit()
}

func (t *takeover) close() error { return t.table.Close() }

// test is a condition on what a packet filter of the kernel loads from a frame.
type test struct {
	load []unix.SockFilter
	jump uint16 // unix.BPF_JEQ, or BPF_JSET, which must not hold
	k    uint32
}

// anyOf holds if one of its conjunctions does.
type anyOf [][]test

// Where the parts of a frame stand without VLAN tags.
const (
	atType  = 12
	atIP    = 14
	atPort4 = 14 // behind the header's length
	atPort6 = 54
)

// accept is a classic BPF program that accepts frames which one of the matches
// means; without any, all.
func accept(matches []impair.Match) ([]unix.SockFilter, error) {
	if len(matches) == 0 {
		return []unix.SockFilter{{Code: unix.BPF_RET | unix.BPF_K, K: ^uint32(0)}}, nil
	}
	var program []unix.SockFilter
	for _, m := range matches {
		for _, v6 := range []bool{false, true} {
			if a := m.Address; a.IsValid() && a.Addr().Is6() != v6 {
				continue
			}
			program = append(program, clause(conditions(m, v6))...)
		}
	}
	program = append(program, unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K})
	if len(program) > unix.BPF_MAXINSNS {
		return nil, fmt.Errorf("%d matches are too many for one link", len(matches))
	}
	return program, nil
}

func load(size uint16, at uint32) []unix.SockFilter {
	return []unix.SockFilter{{Code: unix.BPF_LD | size | unix.BPF_ABS, K: at}}
}

// conditions are those of a match within one family of addresses.
func conditions(m impair.Match, v6 bool) []anyOf {
	family, proto, icmp := uint32(unix.ETH_P_IP), uint32(atIP+9), uint32(frame.ICMP)
	if v6 {
		family, proto, icmp = unix.ETH_P_IPV6, atIP+6, frame.ICMPv6
	}
	all := []anyOf{{{{load: load(unix.BPF_H, atType), jump: unix.BPF_JEQ, k: family}}}}
	byProtocol := func(kinds ...uint32) (or anyOf) {
		for _, k := range kinds {
			or = append(or, []test{{load: load(unix.BPF_B, proto), jump: unix.BPF_JEQ, k: k}})
		}
		return or
	}
	switch {
	case m.Protocol == "tcp":
		all = append(all, byProtocol(frame.TCP))
	case m.Protocol == "udp":
		all = append(all, byProtocol(frame.UDP))
	case m.Protocol == "icmp":
		all = append(all, byProtocol(icmp))
	case m.Port != 0:
		all = append(all, byProtocol(frame.TCP, frame.UDP))
	}
	if m.Port != 0 {
		all = append(all, byPort(uint32(m.Port), v6))
	}
	if m.Address.IsValid() {
		all = append(all, byAddress(m, v6))
	}
	return all
}

func byPort(port uint32, v6 bool) (or anyOf) {
	for _, end := range []uint32{0, 2} {
		if v6 {
			or = append(or, []test{{load: load(unix.BPF_H, atPort6+end), jump: unix.BPF_JEQ, k: port}})
			continue
		}
		or = append(or, []test{
			// Later fragments have no ports.
			{load: load(unix.BPF_H, atIP+6), jump: unix.BPF_JSET, k: 0x1fff},
			{load: []unix.SockFilter{
				{Code: unix.BPF_LDX | unix.BPF_B | unix.BPF_MSH, K: atIP},
				{Code: unix.BPF_LD | unix.BPF_H | unix.BPF_IND, K: atPort4 + end},
			}, jump: unix.BPF_JEQ, k: port},
		})
	}
	return or
}

func byAddress(m impair.Match, v6 bool) (or anyOf) {
	first, size := uint32(atIP+12), uint32(4)
	if v6 {
		first, size = atIP+8, 16
	}
	prefix := m.Address.Masked().Addr().AsSlice()
	for _, end := range []uint32{first, first + size} {
		var and []test
		for word := uint32(0); word < size; word += 4 {
			bits := min(32, m.Address.Bits()-int(word)*8)
			if bits <= 0 {
				break
			}
			and = append(and, test{
				load: append(load(unix.BPF_W, end+word), unix.SockFilter{
					Code: unix.BPF_ALU | unix.BPF_AND | unix.BPF_K, K: ^uint32(0) << (32 - bits),
				}),
				jump: unix.BPF_JEQ, k: binary.BigEndian.Uint32(prefix[word:]),
			})
		}
		or = append(or, and)
	}
	return or
}

// clause is a piece of program that accepts a frame if all conditions hold, and
// goes on behind itself otherwise.
func clause(all []anyOf) []unix.SockFilter {
	// Jumps lead forward by a number of instructions, so that the pieces are put
	// together from their ends.
	program := []unix.SockFilter{{Code: unix.BPF_RET | unix.BPF_K, K: ^uint32(0)}}
	for _, or := range slices.Backward(all) {
		end := len(program) // counted from the end of the clause
		for j, and := range slices.Backward(or) {
			otherwise := 0 // the end of the clause
			if j < len(or)-1 {
				otherwise = len(program)
			}
			met := end
			for _, t := range slices.Backward(and) {
				yes, no := len(program)-met, len(program)-otherwise
				if t.jump == unix.BPF_JSET {
					yes, no = no, yes
				}
				piece := append(append([]unix.SockFilter{}, t.load...), unix.SockFilter{
					Code: unix.BPF_JMP | t.jump | unix.BPF_K, Jt: uint8(yes), Jf: uint8(no), K: t.k,
				})
				program = append(piece, program...)
				met = len(program)
			}
		}
	}
	return program
}
