package peering

import (
	"crypto/tls"
	"syscall"
	"time"

	"bench/internal/loop"
	"bench/internal/poller"
	"bench/internal/sock"
)

// listener takes connections in on one socket.
type listener struct {
	g      *Group
	fd     int
	secure func() *tls.Config // nil: they are in clear
	timer  loop.Timer
}

// acceptPause is how long nothing is accepted after the descriptors have run out.
const acceptPause = 100 * time.Millisecond

// acceptsAtOnce is how many connections are accepted in one turn.
const acceptsAtOnce = 16

// Listen begins to accept on a socket, on the loop.
func (g *Group) Listen(fd int, secure func() *tls.Config) error {
	x := &listener{g: g, fd: fd, secure: secure}
	if err := g.l.Add(fd, poller.In, x); err != nil {
		return err
	}
	g.listeners = append(g.listeners, x)
	return nil
}

// Unlisten ends that. The sockets stay open.
func (g *Group) Unlisten() {
	for _, x := range g.listeners {
		g.l.StopTimer(&x.timer)
		g.l.Remove(x.fd)
	}
	g.listeners = nil
}

// Ready implements loop.Handler.
func (x *listener) Ready(poller.Events) { x.accept() }

// Expired implements loop.TimerHandler.
func (x *listener) Expired(*loop.Timer) { x.accept() }

func (x *listener) accept() {
	for range acceptsAtOnce {
		var from sock.Addr
		fd, errno := sock.Accept(x.fd, &from)
		switch errno {
		case 0:
			var cfg *tls.Config
			if x.secure != nil {
				cfg = x.secure()
			}
			x.g.accept(fd, cfg)
		case syscall.EAGAIN:
			x.g.l.Rearm(x.fd, poller.In)
			return
		case syscall.ECONNABORTED, syscall.EPROTO, syscall.EINTR:
		default:
			x.g.l.SetTimer(&x.timer, x.g.l.Now()+int64(acceptPause), x)
			return
		}
	}
	x.g.l.SetTimer(&x.timer, x.g.l.Now(), x)
}
