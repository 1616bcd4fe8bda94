// Package socks asks a SOCKS4 proxy for a connection: what is said, and what the answer
// means. Sockets, time-outs and retries are those of whoever connects.
package socks

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"syscall"

	"bench/internal/poller"
)

// user is who is asked for, the same as by the reference: proxies may know it.
const user = "HAProxy"

const (
	version = 4
	connect = 1
	granted = 0x5a
	// replySize is that of an answer, whatever it says.
	replySize = 8
)

// Errors, in the words of the reference.
var (
	ErrDenied  = errors.New("SOCKS4 Proxy deny the request")
	ErrEnded   = errors.New("SOCKS4 Proxy read error during handshake")
	ErrAborted = errors.New("SOCKS4 Proxy handshake aborted by server")
)

// ErrWait is no failure: the handshake goes on when what it Awaits has happened.
var ErrWait = errors.New("the handshake waits")

// Handshake is one that is under way.
type Handshake struct {
	out   []byte // what is left to be said
	reply [replySize]byte
	got   int
	begun bool
}

// New begins a handshake that is to lead to an address, of IPv4, as SOCKS4 knows no other.
func New(to netip.AddrPort) (*Handshake, bool) {
	ip := to.Addr().Unmap()
	if !ip.Is4() {
		return nil, false
	}
	out := binary.BigEndian.AppendUint16([]byte{version, connect}, to.Port())
	four := ip.As4()
	out = append(out, four[:]...)
	return &Handshake{out: append(out, user+"\x00"...)}, true
}

// Awaits is what has to happen to the socket before the handshake goes on.
func (h *Handshake) Awaits() poller.Events {
	if len(h.out) > 0 {
		return poller.Out
	}
	return poller.In
}

// Begun tells whether Play has been called; nil is a handshake that nobody wants.
func (h *Handshake) Begun() bool { return h != nil && h.begun }

// Play goes on with the handshake by the given calls, which behave as those of sockets that
// do not block. It returns nil when the connection leads where it was asked to; of what
// comes after that nothing has been taken.
func (h *Handshake) Play(send, recv func([]byte) (int, syscall.Errno)) error {
	h.begun = true
	for len(h.out) > 0 {
		n, errno := send(h.out)
		switch errno {
		case 0:
			h.out = h.out[n:]
		case syscall.EAGAIN:
			return ErrWait
		default:
			return aborted(errno)
		}
	}
	for h.got < replySize {
		n, errno := recv(h.reply[h.got:])
		switch {
		case errno == syscall.EAGAIN:
			return ErrWait
		case errno != 0:
			return aborted(errno)
		case n == 0:
			return ErrEnded
		}
		h.got += n
	}
	// The version in the answer is not looked at, as in the reference: there are proxies
	// that put their own in the place of the zero.
	if h.reply[1] != granted {
		return ErrDenied
	}
	return nil
}

func aborted(errno syscall.Errno) error {
	text := errno.Error()
	return fmt.Errorf("%w (%s)", ErrAborted, strings.ToUpper(text[:1])+text[1:])
}
