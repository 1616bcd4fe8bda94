package stream

import (
	"sync"
	"time"

	"bench/internal/sock"
	"bench/proxy/h1"
)

// Capture is an invalid message as "show errors" shows it.
type Capture struct {
	At       time.Time
	Serial   uint64 // number of the capture since the start
	Response bool
	Frontend string
	Backend  string
	Server   string
	Client   sock.Addr
	Reason   string
	Pos      int    // offset of the offending byte in Data
	Data     []byte // at most maxCapture bytes
}

// maxCapture bounds what is kept of one message.
const maxCapture = 16 << 10

// Captures keeps the last invalid request and response of every proxy.
type Captures struct {
	mu     sync.Mutex
	serial uint64
	last   map[captureKey]*Capture
}

type captureKey struct {
	proxy    int
	response bool
}

// add keeps a copy of the message; this is the slow path of a rare event.
func (c *Captures) add(s *stream, data []byte, pos int, err *h1.Error) {
	cp := &Capture{
		At: time.Now(), Frontend: s.fe.Spec.Name, Client: s.c.addr.Addr(), Reason: err.Reason, Pos: pos,
		Data: append([]byte(nil), data[:min(len(data), maxCapture)]...),
	}
	key := captureKey{proxy: s.fe.Spec.Index}
	if s.be != nil {
		cp.Backend = s.be.Spec.Name
	}
	if s.srv != nil {
		cp.Server = s.srv.Spec.Name
		key = captureKey{s.be.Spec.Index, true}
		cp.Response = true
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.last == nil {
		c.last = map[captureKey]*Capture{}
	}
	c.serial++
	cp.Serial = c.serial
	c.last[key] = cp
}

// Get returns the last invalid request, or response, of a proxy; nil if none.
func (c *Captures) Get(proxy int, response bool) *Capture {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.last[captureKey{proxy, response}]
}

// Total is the number of captures so far.
func (c *Captures) Total() uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.serial
}
