package certs

import (
	"crypto/tls"
	"errors"
	"sync"
	"sync/atomic"

	"bench/proxy/spec"
)

// Connector is how a server is connected to. It is safe for all threads.
type Connector struct {
	peers atomic.Pointer[peers]

	server spec.ServerTLS
	refs   map[string]bool // guarded by the store
}

// peers is a server under its names, as long as the files stay the same that are used for
// it.
type peers struct {
	base   *tls.Config
	verify func(name string, asked bool) func(tls.ConnectionState) error // nil: nothing is verified
	host   string                                                        // verifyhost

	websocket []string // what is offered for websockets; nil: the same

	mu     sync.RWMutex
	byName map[string]*Peer
	none   *Peer
}

// Peer is a server under one of its names. Connections to one are as good as each
// other, and those to another are not.
type Peer struct {
	name []byte
	cfg  *tls.Config

	websocket *Peer // nil: this one
}

// Name is the name that is asked for, nil for none.
func (p *Peer) Name() []byte { return p.name }

// Config is what a connection is made with.
func (p *Peer) Config() *tls.Config { return p.cfg }

// maxPeers is how many names of a server are remembered: requests may bring any number of
// them.
const maxPeers = 1000

// sessions is how many sessions of a server are remembered, over all its names.
const sessions = 64

// Connector reads what a server line refers to. notes are about what is not as
// configured, and need not be.
func (s *Store) Connector(server *spec.ServerTLS) (c *Connector, notes []string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c = &Connector{server: *server}
	build := s.builder()
	p, err := c.make(build)
	if err != nil {
		return nil, build.notes, err
	}
	c.refs = build.refs
	c.peers.Store(p)
	s.users = append(s.users, c)
	return c, build.notes, nil
}

func (c *Connector) make(build *builder) (*peers, error) {
	s := &c.server
	cfg, err := build.common(&s.TLS)
	if err != nil {
		return nil, err
	}
	cfg.InsecureSkipVerify = true // verified below, by the rules of the reference
	if !s.NoTickets {
		cfg.ClientSessionCache = tls.NewLRUClientSessionCache(sessions)
	}
	if s.Cert != "" {
		certs, err := build.certificates(s.Cert, spec.ExtraFiles{Key: true})
		if err != nil {
			return nil, err
		}
		if len(certs) == 0 {
			return nil, errNoCertificate
		}
		cfg.Certificates = []tls.Certificate{certs[0].Certificate}
	}
	p := &peers{base: cfg, host: s.VerifyHost, websocket: s.Websocket, byName: map[string]*Peer{}}
	if s.Verify == spec.VerifyRequired {
		if s.CAFile == "" {
			return nil, errors.New("the server's certificate cannot be verified without 'ca-file'; 'verify none' trusts whatever answers")
		}
		roots, err := build.optional(s.CAFile)
		if err != nil {
			return nil, err
		}
		crl, err := build.revocations(s.CRLFile)
		if err != nil {
			return nil, err
		}
		build.refs[s.CRLFile] = true
		p.verify = func(name string, asked bool) func(tls.ConnectionState) error {
			return verifyServer(roots.pool, crl, name, asked)
		}
	}
	p.none = p.make("")
	return p, nil
}

func (c *Connector) refersTo(path string) bool { return c.refs[path] }

func (c *Connector) remake(s *Store) (use func(), err error) {
	build := s.builder()
	p, err := c.make(build)
	if err != nil {
		return nil, err
	}
	return func() {
		c.refs = build.refs
		c.peers.Store(p)
	}, nil
}

func (p *peers) make(name string) *Peer {
	cfg := p.base.Clone()
	cfg.ServerName = name
	if p.verify != nil {
		host := name
		if host == "" {
			host = p.host
		}
		cfg.VerifyConnection = p.verify(host, name != "")
	}
	peer := &Peer{name: []byte(name), cfg: cfg}
	if p.websocket != nil {
		other := cfg.Clone()
		other.NextProtos = p.websocket
		peer.websocket = &Peer{name: peer.name, cfg: other}
	}
	return peer
}

// Websocket is the server as it is spoken to about websockets.
func (p *Peer) Websocket() *Peer {
	if p.websocket != nil {
		return p.websocket
	}
	return p
}

// To is the server under a name, which is asked for by SNI; "" for none.
func (c *Connector) To(name []byte) *Peer {
	p := c.peers.Load()
	if len(name) == 0 {
		return p.none
	}
	p.mu.RLock()
	peer := p.byName[string(name)]
	p.mu.RUnlock()
	if peer != nil {
		return peer
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if peer = p.byName[string(name)]; peer != nil {
		return peer
	}
	peer = p.make(string(name))
	for old := range p.byName {
		if len(p.byName) < maxPeers {
			break
		}
		delete(p.byName, old) // whichever: names that are in use come back
	}
	p.byName[string(name)] = peer
	return peer
}
