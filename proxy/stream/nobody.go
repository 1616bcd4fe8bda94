package stream

import (
	"time"

	"bench/internal/sock"
	"bench/internal/tlsio"
	"bench/proxy/logformat"
	"bench/proxy/message"
	"bench/proxy/sample"
	"bench/proxy/table"
	"bench/proxy/txn"
)

// nobody is the stream of an expression that belongs to none: all that it knows is the
// engine.
type nobody struct {
	t    *Thread
	vars txn.Vars
}

var _ txn.Stream = (*nobody)(nil)

// Evaluate evaluates expressions for txn.StepProcess with fn, on the thread's loop.
func (t *Thread) Evaluate(fn func(*sample.Context)) {
	t.rules.For(&txn.Txn{Stream: &nobody{t: t}, Final: true}, func(c *sample.Context, _ *logformat.Writer) { fn(c) })
}

func (n *nobody) Source() sock.Addr                       { return sock.Addr{} }
func (n *nobody) Destination() sock.Addr                  { return sock.Addr{} }
func (n *nobody) Frontend() int                           { return -1 }
func (n *nobody) Backend() int                            { return -1 }
func (n *nobody) Server() (string, int)                   { return "", 0 }
func (n *nobody) Requests() int                           { return 0 }
func (n *nobody) UniqueID() []byte                        { return nil }
func (n *nobody) Proxied() (int, []byte, []byte)          { return 0, nil, nil }
func (n *nobody) Farm() txn.Farm                          { return &n.t.farm }
func (n *nobody) SessionVars() *txn.Vars                  { return &n.vars }
func (n *nobody) TrackSession(int, table.Ref) txn.Tracked { return nil }
func (n *nobody) TLS() *tlsio.Info                        { return nil }
func (n *nobody) ServerTLS() *tlsio.Info                  { return nil }
func (n *nobody) Fault() txn.Fault                        { return txn.NoFault }
func (n *nobody) ServerFault() (txn.Fault, bool)          { return txn.NoFault, false }
func (n *nobody) Describe(r *txn.Record)                  { *r = txn.Record{} }
func (n *nobody) Arrived() (sock.Addr, sock.Addr)         { return sock.Addr{}, sock.Addr{} }
func (n *nobody) Beyond() (sock.Addr, sock.Addr)          { return sock.Addr{}, sock.Addr{} }
func (n *nobody) Calls() int64                            { return 0 }
func (n *nobody) Encoding() string                        { return "" }
func (n *nobody) Reached() bool                           { return false }
func (n *nobody) TCPInfo() (sock.TCPInfo, bool)           { return sock.TCPInfo{}, false }
func (n *nobody) Listener() (int, string)                 { return 0, "" }
func (n *nobody) Listening() int64                        { return 0 }
func (n *nobody) Timeout(txn.Timeout) time.Duration       { return 0 }
func (n *nobody) SetSource(sock.Addr)                     {}
func (n *nobody) SetDestination(sock.Addr)                {}
func (n *nobody) SetMark(uint32)                          {}
func (n *nobody) SetTOS(uint8)                            {}
func (n *nobody) UseCache(int)                            {}
func (n *nobody) StoreCache(int)                          {}
func (n *nobody) Hint(*message.Response)                  {}
func (n *nobody) Wake()                                   {}
