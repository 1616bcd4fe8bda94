package certs

import (
	"crypto/tls"
	"errors"
	"sync"

	"bench/proxy/spec"
)

// Connector is how a server is connected to. It is safe for all threads.
type Connector struct {
	base   *tls.Config
	verify func(name string) func(tls.ConnectionState) error // nil: nothing is verified
	host   string                                            // verifyhost

	mu    sync.RWMutex
	peers map[string]*Peer
	none  *Peer
}

// Peer is a server under one of its names. Connections to one are as good as each
// other, and those to another are not.
type Peer struct {
	name []byte
	cfg  *tls.Config
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

// NewConnector reads what a server line refers to. notes are about what is not as
// configured, and need not be.
func NewConnector(s *spec.ServerTLS) (c *Connector, notes []string, err error) {
	build := builder{}
	cfg, err := build.common(&s.TLS)
	if err != nil {
		return nil, build.notes, err
	}
	cfg.InsecureSkipVerify = true // verified below, by the rules of the reference
	if !s.NoTickets {
		cfg.ClientSessionCache = tls.NewLRUClientSessionCache(sessions)
	}
	if s.Cert != "" {
		certs, err := Load(s.Cert, Files{ExtraKey: true})
		if err != nil {
			return nil, build.notes, err
		}
		if len(certs) == 0 {
			return nil, build.notes, errNoCertificate
		}
		cfg.Certificates = []tls.Certificate{certs[0].Certificate}
	}
	c = &Connector{base: cfg, host: s.VerifyHost, peers: map[string]*Peer{}}
	if s.Verify == spec.VerifyRequired {
		if s.CAFile == "" {
			return nil, build.notes, errors.New("the server's certificate cannot be verified without 'ca-file'; 'verify none' trusts whatever answers")
		}
		roots, err := loadCAs(s.CAFile)
		if err != nil {
			return nil, build.notes, err
		}
		var crl revocations
		if s.CRLFile != "" {
			if crl, err = loadCRLs(s.CRLFile); err != nil {
				return nil, build.notes, err
			}
		}
		c.verify = func(name string) func(tls.ConnectionState) error { return verifyServer(roots, crl, name) }
	}
	c.none = c.make("")
	return c, build.notes, nil
}

func (c *Connector) make(name string) *Peer {
	cfg := c.base.Clone()
	cfg.ServerName = name
	if c.verify != nil {
		host := name
		if host == "" {
			host = c.host
		}
		cfg.VerifyConnection = c.verify(host)
	}
	return &Peer{name: []byte(name), cfg: cfg}
}

// To is the server under a name, which is asked for by SNI; "" for none.
func (c *Connector) To(name []byte) *Peer {
	if len(name) == 0 {
		return c.none
	}
	c.mu.RLock()
	p := c.peers[string(name)]
	c.mu.RUnlock()
	if p != nil {
		return p
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if p = c.peers[string(name)]; p != nil {
		return p
	}
	p = c.make(string(name))
	if len(c.peers) < maxPeers {
		c.peers[string(name)] = p
	}
	return p
}
