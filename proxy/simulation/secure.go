package simulation

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"iter"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"bench/internal/virtual"
)

// conn is an end of a connection, in clear or in TLS.
type conn interface {
	Read(p []byte) (int, syscall.Errno)
	Write(p []byte) (int, syscall.Errno)
	CloseWrite()
	Close()
	Reset()
	Closed() bool
	Number() int
	// Pending tells whether something that was taken has not gone yet.
	Pending() bool
}

// plain is an end in clear.
type plain struct{ *virtual.End }

// Pending implements conn.
func (plain) Pending() bool { return false }

// secured is an end in TLS. Its handshake runs in a coroutine, which gives way where there
// is nothing to read.
type secured struct {
	*virtual.End
	tls     *tls.Conn
	resume  func() (struct{}, bool)
	stop    func()
	yield   func(struct{}) bool
	shaking bool
	err     error  // of the handshake
	out     []byte // written, and not taken yet
}

func secure(e *virtual.End, side func(net.Conn, *tls.Config) *tls.Conn, cfg *tls.Config) *secured {
	s := &secured{End: e, shaking: true}
	s.tls = side((*below)(s), cfg)
	s.resume, s.stop = iter.Pull(func(yield func(struct{}) bool) {
		s.yield = yield
		s.err = s.tls.Handshake()
		s.shaking = false
	})
	return s
}

// ready goes on with the handshake, and with what was not taken. It reports whether the
// connection can be used.
func (s *secured) ready() (bool, syscall.Errno) {
	if s.shaking {
		s.resume()
	}
	errno := s.flush()
	switch {
	case errno != 0:
		return false, errno
	case s.shaking:
		return false, syscall.EAGAIN
	case s.err != nil:
		return false, syscall.ECONNRESET
	}
	return true, 0
}

func (s *secured) flush() syscall.Errno {
	for len(s.out) > 0 {
		n, errno := s.End.Write(s.out)
		if n == 0 && errno == syscall.EAGAIN {
			return 0
		}
		if errno != 0 {
			return errno
		}
		s.out = s.out[n:]
	}
	return 0
}

// Pending implements conn, as do the methods below.
func (s *secured) Pending() bool { return len(s.out) > 0 || s.shaking }

// Read takes what has come.
func (s *secured) Read(p []byte) (int, syscall.Errno) {
	if ok, errno := s.ready(); !ok {
		return 0, errno
	}
	n, err := s.tls.Read(p)
	if errno := s.flush(); errno != 0 && n == 0 {
		return 0, errno
	}
	switch {
	case n > 0:
		return n, 0
	case err == nil, errors.Is(err, errNothing):
		return 0, syscall.EAGAIN
	case errors.Is(err, io.EOF):
		return 0, 0
	}
	return 0, syscall.ECONNRESET
}

// Write sends.
func (s *secured) Write(p []byte) (int, syscall.Errno) {
	if ok, errno := s.ready(); !ok {
		return 0, errno
	}
	if len(s.out) > 0 {
		return 0, syscall.EAGAIN
	}
	n, err := s.tls.Write(p)
	if errno := s.flush(); err != nil || errno != 0 {
		return 0, syscall.EPIPE
	}
	return n, 0
}

// CloseWrite says that no more comes.
func (s *secured) CloseWrite() {
	if !s.shaking && s.err == nil {
		s.farewell()
	}
	s.End.CloseWrite()
}

// Close closes.
func (s *secured) Close() {
	if !s.Closed() && !s.shaking && s.err == nil {
		s.farewell()
	}
	s.End.Close()
	s.stop()
}

// farewell sends what is left, and that no more comes.
func (s *secured) farewell() {
	_ = s.tls.CloseWrite()
	s.Push(s.out)
	s.out = nil
}

// Reset breaks off.
func (s *secured) Reset() {
	s.End.Reset()
	s.stop()
}

// below is what lies below TLS.
type below secured

// nothing is what a read gives back where nothing has come; crypto/tls does not remember
// it, as it is temporary.
type nothing struct{}

func (nothing) Error() string   { return "nothing more has come" }
func (nothing) Timeout() bool   { return true }
func (nothing) Temporary() bool { return true }

var (
	errNothing net.Error = nothing{}
	errStopped           = errors.New("given up")
)

// Read implements net.Conn.
func (b *below) Read(p []byte) (int, error) {
	for {
		n, errno := b.End.Read(p)
		switch {
		case errno == syscall.EAGAIN && b.shaking:
			if !b.yield(struct{}{}) {
				return 0, errStopped
			}
		case errno == syscall.EAGAIN:
			return 0, errNothing
		case errno != 0:
			return 0, errno
		case n == 0:
			return 0, io.EOF
		default:
			return n, nil
		}
	}
}

// Write implements net.Conn.
func (b *below) Write(p []byte) (int, error) {
	b.out = append(b.out, p...)
	return len(p), nil
}

// Close implements net.Conn.
func (b *below) Close() error { return nil }

// The rest of net.Conn.

func (b *below) LocalAddr() net.Addr              { return &net.TCPAddr{} }
func (b *below) RemoteAddr() net.Addr             { return &net.TCPAddr{} }
func (b *below) SetDeadline(time.Time) error      { return nil }
func (b *below) SetReadDeadline(time.Time) error  { return nil }
func (b *below) SetWriteDeadline(time.Time) error { return nil }

// certificate is one with its key, in memory and in a file.
type certificate struct {
	cert tls.Certificate
	file string
}

// identity is the certificate of everybody. Its signatures are all of one length, so that runs are the same but for the bytes themselves.
var identity = sync.OnceValues(func() (id certificate, err error) {
	public, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return id, fmt.Errorf("making a key: %w", err)
	}
	tmpl := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "simulation"}, DNSNames: []string{"simulation"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(1000 * time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, public, key)
	if err != nil {
		return id, fmt.Errorf("making a certificate: %w", err)
	}
	pkcs, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return id, fmt.Errorf("making a key: %w", err)
	}
	text := append(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs})...)
	dir, err := os.MkdirTemp("", "simulation")
	if err != nil {
		return id, fmt.Errorf("keeping a certificate: %w", err)
	}
	id.cert = tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
	id.file = filepath.Join(dir, "simulation.pem")
	if err := os.WriteFile(id.file, text, 0o600); err != nil {
		return id, fmt.Errorf("keeping a certificate: %w", err)
	}
	return id, nil
})
