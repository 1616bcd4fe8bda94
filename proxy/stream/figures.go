package stream

import (
	"time"

	"bench/internal/sock"
	"bench/proxy/compress"
	"bench/proxy/txn"
)

// BackendFigure implements txn.Farm.
func (f *farm) BackendFigure(what txn.Figure, backend int) int64 {
	b := f.t.Backs.At(backend)
	if b == nil {
		return 0
	}
	if what == txn.BackendSessions {
		return b.SessPace.Read(f.t.Loop.Now())
	}
	if what == txn.AverageQueue {
		n := int64(b.NumUsable())
		if n == 0 {
			return 2 * b.Waiting()
		}
		return (b.Waiting() + n - 1) / n
	}
	sum := int64(0)
	for _, s := range b.Servers() {
		if !s.Usable() {
			continue
		}
		if s.MaxConn() == 0 || what == txn.FreePlaces && s.Spec.MaxQueue == 0 {
			return -1
		}
		sum += max(int64(s.MaxConn())-s.Cur.Load(), 0)
		if what == txn.FreePlaces {
			sum += max(int64(s.Spec.MaxQueue)-s.Queued.Load(), 0)
		}
	}
	return sum
}

// FrontendFigure implements txn.Farm.
func (f *farm) FrontendFigure(what txn.Figure, frontend int) int64 {
	fe := f.t.Fronts.At(frontend)
	if fe == nil {
		return 0
	}
	if what == txn.FrontendRequests {
		return fe.ReqPace.Read(f.t.Loop.Now())
	}
	return fe.SessPace.Read(f.t.Loop.Now())
}

// ServerFigure implements txn.Farm.
func (f *farm) ServerFigure(what txn.Figure, backend int, name string) int64 {
	s := f.server(backend, name)
	if s == nil {
		return 0
	}
	switch what {
	case txn.ServerFree:
		if s.MaxConn() == 0 {
			return -1
		}
		return max(int64(s.MaxConn())-s.Cur.Load(), 0)
	case txn.ServerQueue:
		return s.Queued.Load()
	case txn.ServerWeight:
		return int64(s.Effective())
	case txn.ServerInitial:
		return int64(s.Spec.Weight)
	case txn.ServerUser:
		return int64(s.Weight())
	case txn.ServerSessions:
		return s.SessPace.Read(f.t.Loop.Now())
	}
	return 0
}

// HasServer implements txn.Farm.
func (f *farm) HasServer(backend int, name string) bool { return f.server(backend, name) != nil }

// BackendNamed implements txn.Farm.
func (f *farm) BackendNamed(name []byte) int {
	if px := f.t.backends[string(name)]; px != nil {
		return px.Index
	}
	return -1
}

// Timeout implements txn.Farm.
func (f *farm) Timeout(what txn.Timeout, proxy int) time.Duration {
	t := &f.t.Shared.Config.Proxies[proxy].Timeouts
	switch what {
	case txn.TimeoutClient:
		return t.Client
	case txn.TimeoutServer:
		return t.Server
	case txn.TimeoutTunnel:
	}
	return t.Tunnel
}

// Report implements txn.Farm.
func (f *farm) Report(sink int, line []byte) { f.t.Shared.Sinks[sink].Put(string(line)) }

// DefaultBackend implements txn.Farm.
func (f *farm) DefaultBackend(frontend int) string {
	px := f.t.Shared.Config.Proxies[frontend]
	if px.DefaultBackend == nil {
		return ""
	}
	return px.DefaultBackend.Name
}

// CaptureLength implements txn.Farm.
func (f *farm) CaptureLength(frontend int, ofResponse bool, slot int) int {
	px := f.t.Shared.Config.Proxies[frontend]
	list := px.ReqCaptures
	if ofResponse {
		list = px.ResCaptures
	}
	if slot >= len(list) {
		return 0
	}
	return list[slot].Length
}

// Timeout implements txn.Stream.
func (s *stream) Timeout(what txn.Timeout) time.Duration {
	switch {
	case s.be == nil:
		return 0
	case what == txn.TimeoutServer:
		return s.serverLimit()
	}
	return s.tunnelLimit()
}

// Timeout implements txn.Stream.
func (c *client) Timeout(txn.Timeout) time.Duration { return 0 }

// Listener implements txn.Stream.
func (c *client) Listener() (id int, name string) { return c.l.Bind.ID, c.l.Bind.Name }

// Listener implements txn.Stream.
func (s *stream) Listener() (id int, name string) { return s.c.Listener() }

// Listening implements txn.Stream.
func (c *client) Listening() int64 { return c.l.Cur.Load() }

// Listening implements txn.Stream.
func (s *stream) Listening() int64 { return s.c.Listening() }

// Arrived implements txn.Stream.
func (c *client) Arrived() (src, dst sock.Addr) {
	dst = c.l.Addr
	if !dst.IsUnix() && dst.AddrPort().Addr().IsUnspecified() {
		if a, errno := sock.LocalAddr(c.socket()); errno == 0 {
			dst = a
		}
	}
	src = c.addr.Addr()
	if n := c.notes; n != nil {
		if n.bareSrc.IsValid() {
			src = n.bareSrc
		}
		if n.bareDst.IsValid() {
			dst = n.bareDst
		}
	}
	return src, dst
}

// Arrived implements txn.Stream.
func (s *stream) Arrived() (src, dst sock.Addr) { return s.c.Arrived() }

// Beyond implements txn.Stream.
func (c *client) Beyond() (src, dst sock.Addr) { return src, dst }

// Beyond implements txn.Stream.
func (s *stream) Beyond() (src, dst sock.Addr) {
	if s.sc == nil {
		return src, dst
	}
	if a, errno := sock.LocalAddr(s.sc.socket()); errno == 0 {
		src = a
	}
	if a, errno := sock.PeerAddr(s.sc.socket()); errno == 0 {
		dst = a
	}
	return src, dst
}

// Calls implements txn.Stream.
func (c *client) Calls() int64 { return 1 }

// Calls implements txn.Stream.
func (s *stream) Calls() int64 { return int64(s.calls) }

// Reached implements txn.Stream.
func (c *client) Reached() bool { return false }

// Reached implements txn.Stream.
func (s *stream) Reached() bool { return s.connected != 0 }

// Encoding implements txn.Stream.
func (c *client) Encoding() string { return "" }

// Encoding implements txn.Stream.
func (s *stream) Encoding() string {
	switch {
	case s.exchange == nil || !s.encodes:
		return ""
	case s.encode == compress.Identity:
		return "identity"
	}
	return s.encode.Coding()
}

// TCPInfo implements txn.Stream.
func (c *client) TCPInfo() (sock.TCPInfo, bool) { return sock.Info(c.socket()) }

// TCPInfo implements txn.Stream.
func (s *stream) TCPInfo() (sock.TCPInfo, bool) { return s.c.TCPInfo() }
