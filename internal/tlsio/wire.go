package tlsio

import (
	"io"
	"net"
	"syscall"
	"time"
)

// wire is a Conn as crypto/tls sees it: what lies below TLS.
type wire Conn

// nothing is what a socket that has nothing more gives back outside of handshakes. As
// it is temporary, crypto/tls does not remember it.
type nothing struct{}

func (nothing) Error() string   { return "nothing more has come" }
func (nothing) Timeout() bool   { return true }
func (nothing) Temporary() bool { return true }

var errNothing net.Error = nothing{}

// Read implements net.Conn.
func (w *wire) Read(p []byte) (n int, err error) {
	n, err = w.read(p)
	if w.tracer != nil {
		w.tracer.see(&w.tracer.from, p[:n])
	}
	return n, err
}

// read is Read. Within a handshake it waits, and the loop goes on meanwhile.
func (w *wire) read(p []byte) (int, error) {
	for {
		switch {
		case w.gone:
			return 0, errGone
		case w.errno != 0:
			return 0, syscall.Errno(w.errno)
		case len(w.ahead) > 0:
			n := copy(p, w.ahead)
			if w.ahead = w.ahead[n:]; len(w.ahead) == 0 {
				w.ahead = nil // what it lay in
			}
			return n, nil
		case !w.dry:
			n, errno := w.q.l.Recv(int(w.fd), p)
			switch {
			case errno == syscall.EAGAIN:
				w.dry = true
			case errno != 0:
				w.errno = int32(errno)
				return 0, errno
			case n == 0:
				return 0, io.EOF
			default:
				w.dry = n < len(p) && !w.hup
				return n, nil
			}
		}
		if w.co == nil {
			return 0, errNothing
		}
		if !w.co.yield(struct{}{}) {
			return 0, errGone
		}
	}
}

// Write implements net.Conn. It takes everything, to be sent when the call of
// crypto/tls is over.
func (w *wire) Write(p []byte) (int, error) {
	if w.tracer != nil {
		w.tracer.see(&w.tracer.to, p)
	}
	w.q.out = append(w.q.out, p...)
	return len(p), nil
}

// Close implements net.Conn: the socket is its owner's.
func (w *wire) Close() error { return nil }

// nowhere is an address of no socket. Clients that ask for no name remember their
// sessions by it: a configuration is for one server.
type nowhere struct{}

func (nowhere) Network() string { return "tcp" }
func (nowhere) String() string  { return "peer" } // "" would be no session

// The rest of net.Conn, of which crypto/tls uses nothing that matters here.

func (w *wire) LocalAddr() net.Addr              { return nowhere{} }
func (w *wire) RemoteAddr() net.Addr             { return nowhere{} }
func (w *wire) SetDeadline(time.Time) error      { return nil }
func (w *wire) SetReadDeadline(time.Time) error  { return nil }
func (w *wire) SetWriteDeadline(time.Time) error { return nil }
