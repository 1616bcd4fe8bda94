package stream

import (
	"bench/internal/sock"
	"bench/proxy/server"
	"bench/proxy/txn"
)

// What a transaction may ask of the stream that carries it, or of the client's
// connection before there is one.
var (
	_ txn.Stream = (*stream)(nil)
	_ txn.Stream = (*client)(nil)
	_ txn.Farm   = (*farm)(nil)
)

// Source implements txn.Stream.
func (c *client) Source() sock.Addr {
	if c.notes != nil && c.notes.src.IsValid() {
		return c.notes.src
	}
	return c.addr.Addr()
}

// Destination implements txn.Stream. A listener of all addresses does not know which
// one the client has chosen.
func (c *client) Destination() sock.Addr {
	if c.notes != nil && c.notes.dst.IsValid() {
		return c.notes.dst
	}
	if c.l.Addr.IsUnix() || !c.l.Addr.AddrPort().Addr().IsUnspecified() {
		return c.l.Addr
	}
	if a, errno := sock.LocalAddr(c.socket()); errno == 0 {
		return a
	}
	return c.l.Addr
}

// Frontend implements txn.Stream.
func (c *client) Frontend() int { return c.fe.Spec.Index }

// Backend implements txn.Stream.
func (c *client) Backend() int { return -1 }

// Server implements txn.Stream.
func (c *client) Server() (name string, id int) { return "", 0 }

// Requests implements txn.Stream.
func (c *client) Requests() int { return int(c.served) + 1 }

// Farm implements txn.Stream.
func (c *client) Farm() txn.Farm { return &c.t.farm }

// SessionVars implements txn.Stream.
func (c *client) SessionVars() *txn.Vars { return &c.noted().vars }

// Describe implements txn.Stream.
func (c *client) Describe(r *txn.Record) {
	now := c.t.Loop.Now()
	*r = txn.Record{
		Client: c.Source(), Local: c.l.Addr, Socket: c.socket(), ListenerID: c.l.Bind.ID,
		Frontend: c.fe.Spec.Name, Backend: c.fe.Spec.Name, FeConn: c.fe.Cur.Load(), ActConn: c.t.Shared.Conns.Load(), Mode: modeName(c.fe.Spec.Mode),
		AcceptDate: c.t.wall.at(c.accepted), RequestDate: c.t.wall.at(c.accepted),
		Idle: txn.NotReached, Request: txn.NotReached, Queue: txn.NotReached, Connect: txn.NotReached, Response: txn.NotReached, Data: txn.NotReached,
		Active: ms(now - c.accepted), Total: ms(now - c.accepted), Status: -1, BytesIn: c.BytesIn, BytesOut: c.BytesOut,
		Flags: [2]byte{'-', '-'}, HTTPFlags: [2]byte{'-', '-'}, Count: c.t.Process.Requests,
	}
}

// Source implements txn.Stream.
func (s *stream) Source() sock.Addr {
	if s.txn != nil && s.txn.src.IsValid() {
		return s.txn.src
	}
	return s.c.Source()
}

// Destination implements txn.Stream.
func (s *stream) Destination() sock.Addr {
	if d := s.meant(); d != nil {
		return *d
	}
	return s.c.Destination()
}

// meant is where rules say that the client meant to go; nil: nowhere else than it came to.
func (s *stream) meant() *sock.Addr {
	switch {
	case s.txn != nil && s.txn.dst.IsValid():
		return &s.txn.dst
	case s.c.notes != nil && s.c.notes.dst.IsValid():
		return &s.c.notes.dst
	}
	return nil
}

// fromUnix reports whether the source is a unix socket, without a copy of its address.
func (s *stream) fromUnix() bool {
	switch {
	case s.txn != nil && s.txn.src.IsValid():
		return s.txn.src.IsUnix()
	case s.c.notes != nil && s.c.notes.src.IsValid():
		return s.c.notes.src.IsUnix()
	}
	return s.c.addr.IsUnix()
}

// Frontend implements txn.Stream.
func (s *stream) Frontend() int { return s.fe.Spec.Index }

// Backend implements txn.Stream.
func (s *stream) Backend() int {
	if s.be == nil {
		return -1
	}
	return s.be.Spec.Index
}

// Server implements txn.Stream.
func (s *stream) Server() (name string, id int) {
	if s.srv == nil || !s.srv.Named() {
		return "", 0
	}
	return s.srv.Spec.Name, s.srv.Spec.ID
}

// Requests implements txn.Stream.
func (s *stream) Requests() int { return s.c.Requests() }

// Farm implements txn.Stream.
func (s *stream) Farm() txn.Farm { return s.c.Farm() }

// SessionVars implements txn.Stream.
func (s *stream) SessionVars() *txn.Vars { return s.c.SessionVars() }

// UniqueID implements txn.Stream. A connection has no request to identify.
func (c *client) UniqueID() []byte { return nil }

// farm is what a thread's transactions may ask of the engine.
type farm struct{ t *Thread }

// Name implements txn.Farm.
func (f *farm) Name(proxy int) string { return f.t.Shared.Config.Proxies[proxy].Name }

// ID implements txn.Farm.
func (f *farm) ID(proxy int) int { return f.t.Shared.Config.Proxies[proxy].ID }

// Usable implements txn.Farm.
func (f *farm) Usable(backend int) int {
	if b := f.t.Backs.At(backend); b != nil {
		return b.NumUsable()
	}
	return 0
}

// Conns implements txn.Farm.
func (f *farm) Conns(frontend int) int64 {
	if fe := f.t.Fronts.At(frontend); fe != nil {
		return fe.Cur.Load()
	}
	return 0
}

// Streams implements txn.Farm.
func (f *farm) Streams(backend int) int64 {
	if b := f.t.Backs.At(backend); b != nil {
		return b.Cur.Load()
	}
	return 0
}

// Queue implements txn.Farm.
func (f *farm) Queue(backend int) int64 {
	if b := f.t.Backs.At(backend); b != nil {
		return b.Waiting()
	}
	return 0
}

// server finds a server of a backend, nil if it has been removed.
func (f *farm) server(backend int, name string) *server.Server {
	if b := f.t.Backs.At(backend); b != nil {
		for _, s := range b.Servers() {
			if s.Spec.Name == name {
				return s
			}
		}
	}
	return nil
}

// ServerUp implements txn.Farm.
func (f *farm) ServerUp(backend int, name string) bool {
	s := f.server(backend, name)
	return s != nil && s.Usable()
}

// ServerConns implements txn.Farm.
func (f *farm) ServerConns(backend int, name string) int64 {
	if s := f.server(backend, name); s != nil {
		return s.Cur.Load()
	}
	return 0
}

// Stopping implements txn.Farm.
func (f *farm) Stopping() bool { return f.t.Shared.Stopping.Load() }

// Threads implements txn.Farm.
func (f *farm) Threads() int { return len(f.t.Shared.threads) }

// Thread implements txn.Farm.
func (f *farm) Thread() int { return f.t.ID - 1 }
