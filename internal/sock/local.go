package sock

import (
	"net"
	"net/netip"
	"sync"
	"time"
)

// localFor is how long what is known of this host's addresses is taken for true.
const localFor = 5 * time.Second

var local struct {
	mu    sync.Mutex
	until time.Time
	all   map[netip.Addr]bool
}

// IsLocal reports whether an address is one of this host. What it says may be five
// seconds old.
func IsLocal(a netip.Addr) bool {
	a = a.Unmap()
	if a.IsLoopback() {
		return true
	}
	local.mu.Lock()
	defer local.mu.Unlock()
	if now := time.Now(); now.After(local.until) {
		local.until, local.all = now.Add(localFor), map[netip.Addr]bool{}
		addrs, err := net.InterfaceAddrs()
		if err != nil {
			return false
		}
		for _, x := range addrs {
			if n, ok := x.(*net.IPNet); ok {
				if ip, ok := netip.AddrFromSlice(n.IP); ok {
					local.all[ip.Unmap()] = true
				}
			}
		}
	}
	return local.all[a]
}
