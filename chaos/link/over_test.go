package link_test

import (
	"io"
	"net"
	"os"
	"testing"
	"time"

	"bench/chaos/impair"
	"bench/chaos/link"
	"bench/chaos/testnet"
	"bench/internal/proc"
)

// TestTakingOverAllOfIP carries also what is no IP: without address resolution
// nobody is reached.
func TestTakingOverAllOfIP(t *testing.T) {
	n := testnet.Need(t)
	g, err := proc.NewGroup(proc.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { g.Close() })
	_, err = link.Start(g, []string{os.Args[0], "serve-link"}, link.Config{
		Namespace: n.Wire.Path(), Interfaces: [2]string{testnet.WireA, testnet.WireB}, Exclusive: true,
		Only: []impair.Match{{Protocol: "tcp", Port: 1}, {Direction: impair.UpOnly}},
	})
	if err != nil {
		t.Fatal(err)
	}
	l := n.Server.Listen(t, testnet.ServerIP+":8000")
	go func() {
		if c, err := l.Accept(); err == nil {
			_, _ = io.WriteString(c, "x")
			c.Close()
		}
	}()
	c, err := n.Client.Dial(&net.Dialer{Timeout: 2 * time.Second}, "tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if text, err := io.ReadAll(c); string(text) != "x" {
		t.Errorf("%q, %v", text, err)
	}
}
