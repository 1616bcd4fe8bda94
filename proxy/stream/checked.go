package stream

import (
	"bench/internal/sock"
	"bench/internal/tlsio"
	"bench/proxy/logformat"
	"bench/proxy/sample"
	"bench/proxy/server"
	"bench/proxy/txn"
)

// checked is the stream of a health check: it has a server, and no client.
type checked struct {
	nobody
	s    *server.Server
	link Link
}

// Link is what a health check knows of its connection.
type Link interface {
	ServerTLS() *tlsio.Info
	Beyond() (src, dst sock.Addr)
}

// Checked is what expressions in the rules of a health check may ask.
func (t *Thread) Checked(s *server.Server, link Link) txn.Stream {
	return &checked{nobody: nobody{t: t}, s: s, link: link}
}

// Sample evaluates expressions for a health check with fn, on the thread's loop.
func (t *Thread) Sample(x *txn.Txn, fn func(*sample.Context, *logformat.Writer)) {
	t.rules.For(x, fn)
}

func (c *checked) Backend() int { return c.s.Backend.Spec.Index }

func (c *checked) Server() (name string, id int) { return c.s.Spec.Name, c.s.Spec.ID }

func (c *checked) ServerTLS() *tlsio.Info { return c.link.ServerTLS() }

func (c *checked) ServerFault() (txn.Fault, bool) {
	_, dst := c.link.Beyond()
	return txn.NoFault, dst.IsValid()
}

func (c *checked) Beyond() (src, dst sock.Addr) { return c.link.Beyond() }

// Describe implements txn.Stream. What the reference calls its own frontend of checks has
// that name in logs.
func (c *checked) Describe(r *txn.Record) {
	src, dst := c.link.Beyond()
	*r = txn.Record{
		Frontend: "CHECKS-FE", Backend: c.s.Backend.Spec.Name, Server: c.s.Spec.Name, Mode: "TCP",
		SourceAddr: src, ServerAddr: dst,
	}
}
