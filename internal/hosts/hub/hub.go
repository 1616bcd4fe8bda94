// Package hub is the server in the middle of a run on several hosts: an embedded NATS
// server with JetStream, which lets in whoever has one of its tokens. It knows nothing
// of hosts, runs or processes beyond the subjects that each may use.
package hub

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"golang.org/x/sys/unix"

	"bench/internal/hosts/wire"
)

// Options of a hub.
type Options struct {
	Listen string // HOST:PORT; port 0 takes a free one
	// Store is the directory of keys and streams, which is made if it is not there.
	Store string
	// Lifetime of the tokens that are made; 0 is for ever.
	Lifetime time.Duration
	// Note takes what is worth a line, from several goroutines; nil is nobody.
	Note func(string)

	free func() (int64, error) // tests have a disk of their own
}

// Limits of the server.
const (
	// maxMessage bounds a message; whoever sends a longer one is cut off.
	maxMessage = 1 << 20
	// maxPending bounds what waits for a client that does not read.
	maxPending = 64 << 20
	// maxStore bounds what all streams hold on disk, and leastFree is what has to be free
	// there: a disk that fills up leaves streams dead, a bound only holds up who writes.
	maxStore  = 4 << 30
	leastFree = 1 << 30
	// maxMemory bounds streams in memory, of which there are none.
	maxMemory = 64 << 20
	// readyLimit bounds the start.
	readyLimit = 20 * time.Second
)

// Hub is a running hub.
type Hub struct {
	server *server.Server
	id     *identity
	lock   *os.File
	listen string
	store  string
	note   func(string)
	free   func() (int64, error) // on the disk of the store
	// janitor is nil until the hub serves.
	janitor *janitor
}

// Start starts a hub and returns when it serves.
func Start(o Options) (_ *Hub, err error) {
	if o.Note == nil {
		o.Note = func(string) {}
	}
	host, portText, err := net.SplitHostPort(o.Listen)
	if err != nil {
		return nil, fmt.Errorf("--listen %s: %w", o.Listen, err)
	}
	port, err := strconv.ParseUint(portText, 10, 16)
	if err != nil {
		return nil, fmt.Errorf("--listen %s: %q is no port", o.Listen, portText)
	}
	if err := os.MkdirAll(o.Store, 0o700); err != nil {
		return nil, err
	}
	h := &Hub{store: o.Store, note: o.Note, free: o.free}
	if h.free == nil {
		h.free = func() (int64, error) { return freeIn(o.Store) }
	}
	if h.lock, err = lock(filepath.Join(o.Store, "lock")); err != nil {
		return nil, fmt.Errorf("%s: %w", o.Store, err)
	}
	defer func() {
		if err != nil {
			_ = h.lock.Close()
		}
	}()
	if h.id, err = readIdentity(o.Store, o.Lifetime); err != nil {
		return nil, err
	}
	room, err := roomIn(o.Store)
	if err != nil {
		return nil, err
	}
	// The server looks for its port late and leaves the process when it is taken.
	if err := portFree(o.Listen); err != nil {
		return nil, err
	}
	opts := &server.Options{
		ServerName: "bench-hub", Host: host, Port: int(port), NoSigs: true,
		JetStream: true, StoreDir: filepath.Join(o.Store, "jetstream"), JetStreamMaxStore: room, JetStreamMaxMemory: maxMemory,
		MaxPayload: maxMessage, MaxPending: maxPending, PingInterval: 2 * time.Second, MaxPingsOut: 2, WriteDeadline: 5 * time.Second,
		TLS: true, TLSHandshakeFirst: true, TLSTimeout: 10, AuthTimeout: 15, AlwaysEnableNonce: true,
		TLSConfig:                  &tls.Config{MinVersion: tls.VersionTLS13, Certificates: []tls.Certificate{h.id.certificate}},
		CustomClientAuthentication: &gate{id: h.id, say: o.Note},
	}
	if port == 0 {
		opts.Port = server.RANDOM_PORT
	}
	if h.server, err = server.NewServer(opts); err != nil {
		return nil, err
	}
	log := &logger{say: o.Note, fatal: make(chan string, 1)}
	h.server.SetLoggerV2(log, false, false, false)
	go h.server.Start()
	if err := h.await(log); err != nil {
		h.server.Shutdown()
		return nil, err
	}
	h.listen = h.server.Addr().String()
	if h.janitor, err = h.startJanitor(); err != nil {
		h.server.Shutdown()
		return nil, err
	}
	return h, nil
}

// await waits until the server serves.
func (h *Hub) await(log *logger) error {
	deadline := time.Now().Add(readyLimit)
	for !h.server.ReadyForConnections(50 * time.Millisecond) {
		select {
		case why := <-log.fatal:
			return errors.New(why)
		default:
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("the hub does not serve after %v", readyLimit)
		}
	}
	return nil
}

// portFree is an error where an address cannot be listened on.
func portFree(addr string) error {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return err
	}
	return l.Close()
}

// lock keeps two hubs from one store, which the server itself would let happen.
func lock(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		return nil, errors.Join(errors.New("another hub uses this directory"), f.Close())
	}
	return f, nil
}

// Listens is the address that the hub listens on.
func (h *Hub) Listens() string { return h.listen }

// JoinAddress is what hosts type, where the hub is reached at the given HOST:PORT;
// RunAddress what runners do.
func (h *Hub) JoinAddress(at string) *wire.Address { return h.id.address("nats://"+at, purposeJoin) }

// RunAddress is the address for runners.
func (h *Hub) RunAddress(at string) *wire.Address { return h.id.address("nats://"+at, purposeRun) }

// Close ends the hub; all connections are cut.
func (h *Hub) Close() error {
	h.janitor.end()
	h.server.Shutdown()
	h.server.WaitForShutdown()
	return h.lock.Close()
}

// logger passes on what the server says of faults, and keeps it from ending the process.
type logger struct {
	say   func(string)
	once  sync.Once
	fatal chan string
}

func (l *logger) Noticef(string, ...any) {}
func (l *logger) Debugf(string, ...any)  {}
func (l *logger) Tracef(string, ...any)  {}

// Warnf leaves out that clients have to begin with TLS, which those of this program do.
func (l *logger) Warnf(format string, v ...any) {
	if !strings.Contains(format, "TLS Handshake First") {
		l.say(fmt.Sprintf(format, v...))
	}
}

func (l *logger) Errorf(format string, v ...any) { l.say(fmt.Sprintf(format, v...)) }

func (l *logger) Fatalf(format string, v ...any) {
	l.once.Do(func() { l.fatal <- fmt.Sprintf(format, v...) })
}
