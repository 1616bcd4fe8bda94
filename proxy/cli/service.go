package cli

import (
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"bench/internal/sock"
)

// Options are the settings of the stats sockets.
type Options struct {
	// Timeout ends idle connections ("stats timeout"); 0 means the default of
	// 10 seconds.
	Timeout time.Duration
	// MaxConn bounds the connections over all sockets ("stats maxconn"); 0 means
	// the default of 10. Further ones wait.
	MaxConn int
	// Version is what "show version" answers.
	Version string
	// StartupLogs is what "show startup-logs" answers: whole lines; nil: nothing.
	StartupLogs func() string
	// AnonKey is what names are hidden by ("anonkey"); 0: another number each time.
	AnonKey uint32
	// Environ is what "show env" answers; nil: the environment of the process.
	Environ []string
	// Scripts are commands that scripts have registered.
	Scripts []Scripted
}

const (
	defaultTimeout = 10 * time.Second
	defaultMaxConn = 10
)

// Service runs the stats sockets. All methods may be called from any goroutine.
type Service struct {
	// Constant.

	engine Engine
	opt    Options
	table  *Table
	slots  chan struct{} // a place for each connection
	over   chan struct{} // closed by Close

	// Atomic.

	paused atomic.Bool
	// anonKey is what names are hidden by where a connection has no key of its own; 0: none.
	anonKey atomic.Uint32
	// tainted are the kinds of commands that have been given which make a process differ from
	// others, as bits.
	tainted atomic.Uint32
	// debugged counts the commands for debugging.
	debugged atomic.Uint64

	// Guarded by mu.

	mu        sync.Mutex
	listeners []net.Listener
	conns     map[net.Conn]struct{}
	closed    bool

	// compiling is held while an expression is compiled: names of variables are given slots.
	compiling sync.Mutex

	// Safe by itself.

	running sync.WaitGroup
}

// New makes a service without sockets.
func New(e Engine, o Options) *Service {
	if o.Timeout == 0 {
		o.Timeout = defaultTimeout
	}
	if o.MaxConn == 0 {
		o.MaxConn = defaultMaxConn
	}
	s := &Service{engine: e, opt: o, table: NewTable(append(scripted(o.Scripts), commands()...), unsupported()), slots: make(chan struct{}, o.MaxConn), conns: map[net.Conn]struct{}{}, over: make(chan struct{})}
	s.anonKey.Store(o.AnonKey)
	return s
}

// Listen accepts on a listening stream socket, of any family, from now on. The
// descriptor is duplicated: fd stays the caller's, to close or to hand over.
// Access is what the connections may do.
func (s *Service) Listen(fd int, a Access) error {
	dup, err := sock.Dup(fd)
	if err != nil {
		return fmt.Errorf("stats socket: %w", err)
	}
	f := os.NewFile(uintptr(dup), "stats socket "+strconv.Itoa(fd))
	defer f.Close()
	l, err := net.FileListener(f)
	if err != nil {
		return fmt.Errorf("stats socket: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		_ = l.Close()
		return net.ErrClosed
	}
	s.listeners = append(s.listeners, l)
	s.running.Go(func() { s.accept(l, a) })
	return nil
}

// Access is what the connections of one socket may do.
type Access struct {
	Level Level
	// ExposeFDs lets a new process fetch the listeners ("expose-fd listeners").
	ExposeFDs bool
	// Expert and Experimental are the modes that a connection begins with.
	Expert, Experimental bool
}

// SetPaused tells whether the owner of the descriptors has made them stop
// listening. When another process that shares them does, they listen again.
func (s *Service) SetPaused(on bool) { s.paused.Store(on) }

// listenAgain makes a socket that is not paused listen.
func (s *Service) listenAgain(l net.Listener) {
	raw, ok := l.(syscall.Conn)
	if !ok || s.paused.Load() {
		return
	}
	if c, err := raw.SyscallConn(); err == nil {
		_ = c.Control(func(fd uintptr) {
			if !sock.IsListening(int(fd)) {
				_ = sock.ListenAgain(int(fd), 0) // what fails is tried again
			}
		})
	}
}

// acceptPause is how long to wait when accepting fails for want of resources, or
// because the socket does not listen.
const acceptPause = 50 * time.Millisecond

func (s *Service) accept(l net.Listener, a Access) {
	for {
		nc, err := l.Accept()
		if err != nil {
			if errors.Is(err, net.ErrClosed) {
				return
			}
			time.Sleep(acceptPause)
			s.listenAgain(l)
			continue
		}
		// Not before there is somebody: a socket that nobody uses would keep a place from
		// the others.
		select {
		case s.slots <- struct{}{}:
		case <-s.over:
			_ = nc.Close()
			return
		}
		s.mu.Lock()
		if s.closed {
			s.mu.Unlock()
			_ = nc.Close()
			<-s.slots
			return
		}
		s.conns[nc] = struct{}{}
		s.running.Go(func() {
			newConn(s, nc, a).serve()
			s.mu.Lock()
			delete(s.conns, nc)
			s.mu.Unlock()
			_ = nc.Close()
			<-s.slots
		})
		s.mu.Unlock()
	}
}

// Serve handles one connection that came by another way than a listener, until
// its end. It is not counted against MaxConn.
func (s *Service) Serve(nc net.Conn, a Access) {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		_ = nc.Close()
		return
	}
	s.conns[nc] = struct{}{}
	s.running.Add(1)
	s.mu.Unlock()
	defer s.running.Done()
	newConn(s, nc, a).serve()
	s.mu.Lock()
	delete(s.conns, nc)
	s.mu.Unlock()
	_ = nc.Close()
}

// StopAccepting closes the listeners and leaves the connections to end by
// themselves. The callers' descriptors stay open.
func (s *Service) StopAccepting() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, l := range s.listeners {
		_ = l.Close()
	}
	s.listeners = nil
}

// Close closes everything and waits until no command runs any more.
func (s *Service) Close() {
	s.StopAccepting()
	s.mu.Lock()
	if !s.closed {
		close(s.over)
	}
	s.closed = true
	for c := range s.conns {
		_ = c.Close()
	}
	s.mu.Unlock()
	s.running.Wait()
}

// What has been done to a process, as the reference has it in "show info".
const (
	taintedByExpert     = 0x4
	taintedByExperiment = 0x8
)

// taint notes that a command is given.
func (s *Service) taint(c *Command) {
	switch {
	case c.Expert:
		s.tainted.Or(taintedByExpert)
	case c.Experimental:
		s.tainted.Or(taintedByExperiment)
	}
}

// Tainted are the bits of what has been done to the process.
func (s *Service) Tainted() uint32 { return s.tainted.Load() }

// Debugged is how many commands for debugging there were.
func (s *Service) Debugged() uint64 { return s.debugged.Load() }

// Connections is the number of open connections.
func (s *Service) Connections() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.conns)
}
