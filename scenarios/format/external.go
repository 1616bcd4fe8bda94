package format

import (
	"cmp"
	"fmt"
	"net/netip"
)

// CountedAs is the frontend whose counters are those of the listener.
func (l *Listener) CountedAs() string { return cmp.Or(l.Frontend, l.Name) }

// Address is that of replica number n (from 1), where the backend says one.
func (b *Backend) Address(n int) (string, error) {
	first, err := netip.ParseAddrPort(b.Listen)
	if err != nil {
		return "", err
	}
	port := int(first.Port()) + n - 1
	if port > 65535 {
		return "", fmt.Errorf("replica %d of %d from %s on would have port %d", n, b.Replicas, b.Listen, port)
	}
	return netip.AddrPortFrom(first.Addr(), uint16(port)).String(), nil
}

// Foreign reports whether the proxy runs already and is not the run's own.
func (p *Proxy) Foreign() bool { return p.Driver == "external" }
