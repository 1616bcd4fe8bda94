package conn

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"time"

	"github.com/google/gopacket/layers"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"bench/chaos/frame"
)

// The layout of an ARP packet for Ethernet and IPv4 (RFC 826), behind the
// Ethernet header.
const (
	arpOperation = 14 + 6
	arpFromMAC   = 14 + 8
	arpFromIP    = 14 + 14
	arpToMAC     = 14 + 18
	arpToIP      = 14 + 24
	arpEnd       = 14 + 28
)

func arp(operation uint16, from, to frame.MAC, fromIP, toIP netip.Addr) []byte {
	b := make([]byte, arpEnd)
	copy(b, to[:])
	if operation == layers.ARPRequest {
		copy(b, []byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff})
	}
	copy(b[6:], from[:])
	e := binary.BigEndian
	e.PutUint16(b[12:], unix.ETH_P_ARP)
	e.PutUint16(b[14:], uint16(layers.LinkTypeEthernet))
	e.PutUint16(b[16:], unix.ETH_P_IP)
	b[18], b[19] = 6, 4
	e.PutUint16(b[arpOperation:], operation)
	copy(b[arpFromMAC:], from[:])
	copy(b[arpFromIP:], fromIP.AsSlice())
	copy(b[arpToMAC:], to[:])
	copy(b[arpToIP:], toIP.AsSlice())
	return b
}

// readARP reads operation, sender and the address asked for or answered to.
func readARP(b []byte) (operation uint16, from frame.MAC, fromIP, toIP netip.Addr, ok bool) {
	if len(b) < arpEnd || binary.BigEndian.Uint16(b[12:]) != unix.ETH_P_ARP {
		return 0, from, fromIP, toIP, false
	}
	return binary.BigEndian.Uint16(b[arpOperation:]), frame.MAC(b[arpFromMAC : arpFromMAC+6]),
		netip.AddrFrom4([4]byte(b[arpFromIP:])), netip.AddrFrom4([4]byte(b[arpToIP:])), true
}

// tries of a question for a hardware address, and how long each waits.
const (
	arpTries = 5
	arpWait  = 200 * time.Millisecond
)

// resolve finds the hardware address by which to reach an address, through a
// gateway if need be.
func (r *raw) resolve(own, to netip.Addr) (frame.MAC, error) {
	if r.nic.Name == loopback {
		return frame.MAC{}, nil
	}
	hop := to
	routes, err := netlink.RouteGet(to.AsSlice())
	if err != nil {
		return frame.MAC{}, fmt.Errorf("no way to %v: %w", to, err)
	}
	for _, route := range routes {
		if gw, ok := netip.AddrFromSlice(route.Gw); ok {
			hop = gw.Unmap()
		}
		if route.LinkIndex != r.nic.Index {
			return frame.MAC{}, fmt.Errorf("the way to %v does not lead through %s", to, r.nic.Name)
		}
	}
	for range arpTries {
		if err := r.send(arp(layers.ARPRequest, r.mac, frame.MAC{}, own, hop)); err != nil {
			return frame.MAC{}, err
		}
		end := time.Now().Add(arpWait)
		for left := arpWait; left > 0; left = time.Until(end) {
			b, err := r.receive(left)
			if err != nil {
				return frame.MAC{}, err
			}
			if op, mac, ip, _, ok := readARP(b); ok && op == layers.ARPReply && ip == hop {
				return mac, nil
			}
		}
	}
	return frame.MAC{}, fmt.Errorf("nobody answers for %v on %s", hop, r.nic.Name)
}
