package runner

import (
	"net"
	"testing"
)

func TestPorts(t *testing.T) {
	p := newPorts()
	busy, err := p.take()
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", busy)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	seen := map[string]bool{busy: true}
	p.next-- // the one that is taken now comes first
	for range 50 {
		addr, err := p.take()
		if err != nil {
			t.Fatal(err)
		}
		if seen[addr] {
			t.Fatalf("%s was given out twice or is in use", addr)
		}
		seen[addr] = true
	}
}

func TestPortsWrapAround(t *testing.T) {
	p := newPorts()
	p.next = p.high
	for range 2 {
		if _, err := p.take(); err != nil {
			t.Fatal(err)
		}
	}
	if p.next > p.low+1000 {
		t.Errorf("next port is %d", p.next)
	}
}

func TestNoPortFree(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	n := l.Addr().(*net.TCPAddr).Port
	if _, err := (&ports{next: n, low: n, high: n + 1}).take(); err == nil {
		t.Error("a port in use is given out")
	}
}
