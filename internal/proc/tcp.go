package proc

import (
	"encoding/hex"
	"fmt"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"strings"
)

// TCPCounters are what the kernel has counted, since the boot, in the network that a
// process is in.
type TCPCounters struct {
	Sent, SentAgain uint64 // segments
	// Overflows is how many connections found the queue of a listener full.
	Overflows uint64
}

// ReadTCPCounters reads them.
func ReadTCPCounters(pid int) TCPCounters {
	var c TCPCounters
	snmp := netTable(fmt.Sprintf("/proc/%d/net/snmp", pid), "Tcp:")
	c.Sent, c.SentAgain = snmp["OutSegs"], snmp["RetransSegs"]
	c.Overflows = netTable(fmt.Sprintf("/proc/%d/net/netstat", pid), "TcpExt:")["ListenOverflows"]
	return c
}

// netTable reads two lines of one first word, names and values.
func netTable(path, first string) map[string]uint64 {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil
	}
	var names []string
	for line := range strings.Lines(string(text)) {
		f := strings.Fields(line)
		if len(f) == 0 || f[0] != first {
			continue
		}
		if names == nil {
			names = f
			continue
		}
		all := map[string]uint64{}
		for i := 1; i < min(len(f), len(names)); i++ {
			if v, err := strconv.ParseUint(f[i], 10, 64); err == nil {
				all[names[i]] = v
			}
		}
		return all
	}
	return nil
}

// tcpListen is the state of a listening socket in /proc/net/tcp.
const tcpListen = "0A"

// Connections counts the connections of IPv4 to each of some addresses, those included
// that are over but still hold their port, in the network that a process is in.
func Connections(pid int, to []netip.AddrPort) map[netip.AddrPort]int {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/net/tcp", pid))
	if err != nil {
		return nil
	}
	return countConnections(string(text), to)
}

func countConnections(table string, to []netip.AddrPort) map[netip.AddrPort]int {
	all := map[netip.AddrPort]int{}
	for line := range strings.Lines(table) {
		f := strings.Fields(line)
		if len(f) < 4 || f[3] == tcpListen {
			continue
		}
		if remote, ok := parseProcAddr(f[2]); ok && slices.Contains(to, remote) {
			all[remote]++
		}
	}
	return all
}

// parseProcAddr reads "0100007F:1F90": the address as the machine holds it in a word of
// 32 bits, and the port.
func parseProcAddr(text string) (netip.AddrPort, bool) {
	word, port, ok := strings.Cut(text, ":")
	b, err := hex.DecodeString(word)
	n, portErr := strconv.ParseUint(port, 16, 16)
	if !ok || err != nil || portErr != nil || len(b) != 4 {
		return netip.AddrPort{}, false
	}
	slices.Reverse(b) // little endian on every machine that this runs on
	return netip.AddrPortFrom(netip.AddrFrom4([4]byte(b)), uint16(n)), true
}

// PortRange is how many local ports there are for connections to one address.
func PortRange() int {
	f := strings.Fields(fileText("/proc/sys/net/ipv4/ip_local_port_range"))
	if len(f) != 2 {
		return 0
	}
	return int(number(f[1])) - int(number(f[0])) + 1
}
