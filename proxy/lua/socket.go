package lua

import (
	"bytes"
	"crypto/tls"
	"math"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"

	lua "github.com/yuin/gopher-lua"

	"bench/internal/poller"
	"bench/internal/sock"
	"bench/internal/tlsio"
	"bench/proxy/transport"
)

// Wires are what the sockets of scripts on one thread move bytes with.
type Wires struct {
	Kit *transport.Kit
	TLS *tlsio.Queue
}

// usualPatience is how long a script waits for a connection, or for anything to come or go
// on one.
const usualPatience = 5 * time.Second

// socket is a connection of a script, core.tcp. It belongs to the loop of its machine. It
// lasts until one of its ends is closed, or nothing in the script knows it any more.
type socket struct {
	transport.Endpoint
	m        *Machine
	waits    *call // what is to go on when something happens
	patience time.Duration
	in       []byte // received, and not taken yet
	// wired: there is a connection; ready: it can be used; failed: there will be none.
	wired, ready, failed bool
	writable             bool
}

func openSockets(w *world) {
	const class = "Socket"
	w.state.Library("core").RawSetString("tcp", w.state.L.NewFunction(func(l *lua.LState) int {
		c := machine(l, "core.tcp")
		s := &socket{m: c.m, Endpoint: transport.NewEndpoint(c.m.wires.Kit, -1), patience: usualPatience}
		t := c.w.object(class, s)
		if u, ok := t.RawGetInt(0).(*lua.LUserData); ok {
			runtime.AddCleanup(u, func(s *socket) { s.m.loop.Post(s.hangUp) }, s)
		}
		l.Push(t)
		return 1
	}))
	// of is the socket of a method, and the script that has called it.
	of := func(l *lua.LState) (*socket, *call) {
		s, c := self[*socket](l, class), machine(l, class)
		if s.m != c.m {
			l.RaiseError("this connection belongs to another thread")
		}
		return s, c
	}
	address := func(get func(fd int) (sock.Addr, syscall.Errno)) lua.LGFunction {
		return func(l *lua.LState) int {
			s, _ := of(l)
			l.Push(lua.LNil)
			if s.ready {
				if a, errno := get(s.FD()); errno == 0 {
					l.Push(lua.LString(a.String()))
				}
			}
			return 1
		}
	}
	w.class(class, map[string]lua.LGFunction{
		"connect": func(l *lua.LState) int { s, c := of(l); return s.connect(l, c, nil) },
		"connect_ssl": func(l *lua.LState) int {
			s, c := of(l)
			if l.GetTop() != 3 {
				l.RaiseError("connect_ssl: an address and a port are expected")
			}
			return s.connect(l, c, anyServer())
		},
		"send":      func(l *lua.LState) int { s, c := of(l); return s.send(l, c) },
		"receive":   func(l *lua.LState) int { s, c := of(l); return s.receive(l, c) },
		"close":     func(l *lua.LState) int { s, _ := of(l); s.hangUp(); return 0 },
		"setoption": func(*lua.LState) int { return 0 }, // as in the reference
		"settimeout": func(l *lua.LState) int {
			s, _ := of(l)
			seconds := float64(l.CheckNumber(2))
			switch {
			case seconds < 0:
				l.RaiseError("settimeout: a time below 0 is none")
			case seconds*1000 > math.MaxInt32:
				l.RaiseError("settimeout: no more than %d ms are possible", math.MaxInt32)
			}
			s.patience = max(time.Duration(seconds*float64(time.Second)), time.Millisecond)
			l.Push(lua.LNumber(1))
			return 1
		},
		"getpeername": address(sock.PeerAddr),
		"getsockname": address(sock.LocalAddr),
	}, nil)
}

// anyServer is how scripts speak TLS: no server is asked who it is, as in the reference.
func anyServer() *tls.Config {
	return &tls.Config{InsecureSkipVerify: true} //nolint:gosec // see above
}

// destination reads the address to connect to.
func destination(l *lua.LState) sock.Addr {
	if l.GetTop() < 2 {
		l.RaiseError("connect: an address is expected")
	}
	text, port := l.CheckString(2), -1
	if l.GetTop() > 2 {
		n, err := strconv.Atoi(argText(l.Get(3)))
		if err != nil {
			l.ArgError(3, "a port is expected")
		}
		port = n
	}
	if port > 0 {
		text += ":" // behind an IPv6 address, too
	}
	to, err := sock.Parse(text)
	switch {
	case err != nil:
		l.RaiseError("connect: '%s' is not an address", text)
	case to.IsUnix() || to.AddrPort().Port() != 0:
	case port < 0:
		l.RaiseError("connect: the address has no port")
	case port > math.MaxUint16:
		l.RaiseError("connect: %d is no port", port)
	default:
		to.SetPort(uint16(port))
	}
	return to
}

// connect opens the connection that a script asks for.
func (s *socket) connect(l *lua.LState, c *call, secure *tls.Config) int {
	to := destination(l)
	if !s.open(l, c, &to, secure, c.now()+int64(usualPatience)) {
		l.Push(lua.LNil)
		l.Push(lua.LString("Can't connect"))
		return 2
	}
	l.Push(lua.LNumber(1))
	return 1
}

// open opens the connection and waits for it; false: there is none.
func (s *socket) open(l *lua.LState, c *call, to *sock.Addr, secure *tls.Config, until int64) bool {
	s.hangUp()
	fd, inProgress, errno := sock.Connect(to, &sock.ConnectOptions{NoDelay: true})
	if errno == 0 {
		if err := s.m.loop.Add(fd, poller.In|poller.Out, s); err != nil {
			sock.Close(fd)
		} else {
			s.Endpoint = transport.NewEndpoint(s.m.wires.Kit, fd)
			s.m.sockets[s] = struct{}{}
			s.in, s.ready, s.failed, s.writable = nil, false, false, false
			if secure != nil {
				s.Layer = s.m.wires.TLS.Client(fd, secure, s)
			}
			if s.wired = !inProgress; s.wired {
				s.begin()
			}
		}
	}
	for s.Open() && !s.ready && !s.failed {
		if !s.wait(l, c, until) {
			break
		}
	}
	if !s.Open() || !s.ready {
		s.hangUp()
		return false
	}
	return true
}

// begin goes on with a connection that is there now.
func (s *socket) begin() {
	if s.Layer != nil {
		s.Layer.Handshake(s.Hup)
		return
	}
	s.ready = true
}

// Secured implements tlsio.Owner.
func (s *socket) Secured(err error) {
	s.ready, s.failed = err == nil, err != nil
	s.wakeUp()
}

// Ready implements loop.Handler.
func (s *socket) Ready(ev poller.Events) {
	switch {
	case !s.Open():
		return
	case !s.wired:
		if ev&(poller.Out|poller.Hup) == 0 {
			return
		}
		s.Hup = s.Hup || ev&poller.Hup != 0
		if s.m.loop.Error(s.FD()) != 0 {
			s.failed = true
			break
		}
		s.wired, s.Readable = true, true
		s.begin()
	case !s.ready:
		s.Hup = s.Hup || ev&poller.Hup != 0
		s.Layer.Handshake(s.Hup)
		return
	default:
		s.Note(ev)
	}
	s.writable = s.writable || ev&(poller.Out|poller.Hup) != 0
	s.wakeUp()
}

func (s *socket) wakeUp() {
	if s.waits != nil {
		s.waits.wake()
	}
}

// wait lets the script wait until something happens; false: it has waited long enough.
func (s *socket) wait(l *lua.LState, c *call, until int64) bool {
	s.waits = c
	defer func() { s.waits = nil }() // also of a script that is ended meanwhile
	c.pause(l, until)
	return c.now() < until
}

// hangUp closes the connection.
func (s *socket) hangUp() {
	if s.Open() {
		s.Close(!s.ready)
		delete(s.m.sockets, s)
	}
	s.ready = false
}

// send sends a text, or a part of it, and returns how much of it went; -1: there is no
// connection.
func (s *socket) send(l *lua.LState, c *call) int {
	text := l.CheckString(2)
	from, to := l.OptInt(3, 1), l.OptInt(4, len(text))
	if from < 0 {
		from += len(text) + 1
	}
	if to < 0 {
		to += len(text) + 1
	}
	from, to = max(from, 1), min(to, len(text))
	p := []byte(text[min(from-1, len(text)):max(to, min(from-1, len(text)))])
	sent := 0
	for s.ready {
		n, ok := s.Send(p[sent:])
		if !ok {
			break
		}
		if sent += n; sent == len(p) {
			l.Push(lua.LNumber(sent))
			return 1
		}
		until := c.now() + int64(s.patience)
		for s.writable = false; s.ready && !s.writable; {
			if !s.wait(l, c, until) {
				s.hangUp()
			}
		}
	}
	l.Push(lua.LNumber(-1))
	return 1
}

// takeIn takes in what has come; false: there is nothing now.
func (s *socket) takeIn() bool {
	for (s.Readable || s.Hup) && !s.over() {
		p := s.m.loop.Scratch()
		n, result := s.Recv(p)
		if n > 0 {
			s.in = append(s.in, p[:n]...)
			return true
		}
		if result == transport.Drained {
			break
		}
	}
	return false
}

// over tells whether nothing will come any more.
func (s *socket) over() bool { return !s.ready || s.Ended || s.Errno != 0 }

// more takes in what has come, and waits for it; false: nothing will come any more.
func (s *socket) more(l *lua.LState, c *call) bool {
	for until := c.now() + int64(s.patience); !s.takeIn(); {
		if s.over() {
			return false
		}
		if !s.wait(l, c, until) {
			s.hangUp()
		}
	}
	return true
}

// receive takes a line, a number of bytes, or all. What the connection has left is taken
// at its end.
func (s *socket) receive(l *lua.LState, c *call) int {
	line, all, wanted := false, false, 0
	switch pattern := l.Get(2).(type) {
	case lua.LNumber:
		wanted = int(pattern)
	case lua.LString:
		n, err := strconv.Atoi(string(pattern))
		wanted, line, all = n, pattern == "*l", pattern == "*a"
		if err != nil && !line && !all {
			l.RaiseError("receive: want '*l', '*a' or a number of bytes")
		}
	default:
		line = true
	}
	if wanted < 0 {
		l.RaiseError("receive: a number of bytes below 0 is none")
	}
	prefix := l.OptString(3, "")
	wanted -= len(prefix)
	seen := 0
	for {
		if i := bytes.IndexByte(s.in[seen:], '\n'); line && i >= 0 {
			text := strings.TrimSuffix(string(s.in[:seen+i]), "\r")
			s.in = s.in[seen+i+1:]
			l.Push(lua.LString(prefix + text))
			return 1
		}
		seen = len(s.in)
		if !line && !all && seen >= wanted || seen >= maxReceived || !s.more(l, c) {
			break
		}
	}
	n := len(s.in)
	if !line && !all {
		n = max(min(n, wanted), 0)
	}
	text := prefix + string(s.in[:n])
	s.in = s.in[n:]
	if text == "" && (line || all || wanted > 0) {
		l.Push(lua.LNil)
		l.Push(lua.LString("connection closed."))
		return 2
	}
	l.Push(lua.LString(text))
	return 1
}
