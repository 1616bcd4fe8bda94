package probe

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/netip"
	"sync"
	"time"

	"bench/netns"
)

// traffic is a connection that carries a few bytes to and fro again and again, and
// is opened anew when a fault has broken it.
type traffic struct {
	addr     netip.AddrPort
	from     *netns.Namespace
	listener net.Listener
	stop     context.CancelFunc
	done     sync.WaitGroup
}

// pause is the time between two exchanges, patience what one may take.
const (
	pause    = time.Millisecond
	patience = 50 * time.Millisecond
)

// startTraffic begins once a connection stands. Without a network it is on the
// loopback.
func startTraffic(ctx context.Context, n *netns.Network) (t *traffic, err error) {
	host := "127.0.0.1"
	var to *netns.Namespace
	t = &traffic{}
	if n != nil {
		t.from, to = n.Node(client), n.Node(server)
		host = n.Addr(server, wire).String()
	}
	if t.listener, err = to.Listen("tcp", net.JoinHostPort(host, "0")); err != nil {
		return nil, err
	}
	t.addr = t.listener.Addr().(*net.TCPAddr).AddrPort()
	ctx, t.stop = context.WithCancel(ctx)
	t.done.Go(t.serve)
	c, err := t.dial(ctx)
	if err != nil {
		t.close()
		return nil, fmt.Errorf("%w: %w", errNoTraffic, err)
	}
	t.done.Go(func() { t.talk(ctx, c) })
	return t, nil
}

func (t *traffic) dial(ctx context.Context) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	return t.from.Dial(ctx, "tcp", t.addr.String())
}

// serve echoes until the listener is closed, and each connection until its client
// goes.
func (t *traffic) serve() {
	for {
		c, err := t.listener.Accept()
		if err != nil {
			return
		}
		t.done.Go(func() {
			defer c.Close()
			_ = c.SetDeadline(time.Now().Add(time.Minute)) // whatever becomes of the client
			_, _ = io.Copy(c, c)                           // ends with the connection
		})
	}
}

func (t *traffic) talk(ctx context.Context, c net.Conn) {
	b := make([]byte, 64)
	for ctx.Err() == nil {
		if c == nil {
			if c, _ = t.dial(ctx); c == nil {
				continue
			}
		}
		_ = c.SetDeadline(time.Now().Add(patience))
		_, err := c.Write(b)
		if err == nil {
			_, err = io.ReadFull(c, b)
		}
		if err != nil {
			_ = c.Close()
			c = nil
		}
		time.Sleep(pause)
	}
	if c != nil {
		_ = c.Close()
	}
}

func (t *traffic) close() {
	t.stop()
	_ = t.listener.Close()
	t.done.Wait()
}
