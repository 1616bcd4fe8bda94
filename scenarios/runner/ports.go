package runner

import (
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"sync"
)

// ports hands out free TCP ports of the loopback address. They lie below the
// range from which the kernel takes the source ports of connections, so that no
// connection of a load can sit on one while a proxy or origin is restarted.
type ports struct {
	mu              sync.Mutex // of next: cells may run side by side
	next, low, high int
}

// The lowest port handed out; below are well-known services.
const lowestPort = 10_240

func newPorts() *ports {
	low, high := lowestPort, 32_767
	// "32768	60999"
	if text, err := os.ReadFile("/proc/sys/net/ipv4/ip_local_port_range"); err == nil {
		var first, last int
		if n, err := fmt.Sscan(strings.TrimSpace(string(text)), &first, &last); n == 2 && err == nil && first > lowestPort+1000 {
			high = first - 1
		}
	}
	// Runs at the same time start at different places.
	return &ports{next: low + os.Getpid()*7%(high-low), low: low, high: high}
}

// number is the next port, for a namespace in which nobody else is.
func (p *ports) number() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	port := p.next
	if p.next++; p.next > p.high {
		p.next = p.low
	}
	return port
}

// take returns an address nobody listens on.
func (p *ports) take() (string, error) { return p.takeAt("127.0.0.1") }

// takeAt returns one of an address of this machine.
func (p *ports) takeAt(ip string) (string, error) {
	var last error
	for range p.high - p.low {
		port := p.number()
		addr := net.JoinHostPort(ip, strconv.Itoa(port))
		l, err := net.Listen("tcp", addr)
		if err != nil {
			last = err
			continue
		}
		if err := l.Close(); err != nil {
			return "", err
		}
		return addr, nil
	}
	return "", errors.Join(fmt.Errorf("no port of %s is free", ip), last)
}
