package certs

import (
	"slices"
	"sync"

	"bench/proxy/spec"
)

// Store has the files that bind and server lines refer to, each read once, and knows who
// refers to them, so that they can be exchanged while they are in use. It is safe for all
// goroutines; the ways of handshakes never come here.
type Store struct {
	mu sync.Mutex
	// members are the files that a path of a configuration means; what one file means
	// is itself.
	members map[string][]string
	certs   map[string]*Certificate
	cas     map[string]*Authorities
	crls    map[string]Revocations
	stapled map[string]*Stapled // by the identifier of the certificate
	signers map[string][]byte   // files of authorities that sign, in PEM
	tickets []*TicketKeys
	lists   []string // "crt-list" files and directories, in order
	users   []user
	changes
}

// user is an Acceptor or a Connector.
type user interface {
	// refersTo tells whether a file is one of those it was made of.
	refersTo(path string) bool
	// remake makes it anew of what the store has, and returns what puts that into use.
	remake(s *Store) (use func(), err error)
}

// NewStore makes a store that has nothing yet.
func NewStore() *Store {
	return &Store{
		members: map[string][]string{}, certs: map[string]*Certificate{}, cas: map[string]*Authorities{},
		crls: map[string]Revocations{}, stapled: map[string]*Stapled{}, signers: map[string][]byte{},
		changes: newChanges(),
	}
}

// Forget lets go of a connector whose server has been removed.
func (s *Store) Forget(c *Connector) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.users = slices.DeleteFunc(s.users, func(u user) bool { return u == user(c) })
}

// load returns the certificates that a path means.
func (s *Store) load(path string, f spec.ExtraFiles) (list []*Certificate, err error) {
	if c := s.certs[path]; c != nil {
		return []*Certificate{c}, nil
	}
	files, ok := s.members[path]
	if !ok {
		if files, err = members(path); err != nil {
			return nil, err
		}
	}
	for _, file := range files {
		c := s.certs[file]
		if c == nil {
			if c, err = readCertificate(file, f); err != nil {
				return nil, err
			}
			if err := s.staple(c); err != nil {
				return nil, err
			}
			s.certs[file] = c
		}
		list = append(list, c)
	}
	if len(files) != 1 || files[0] != path {
		s.members[path] = files
	}
	return list, nil
}

// authorities returns those of a file.
func (s *Store) authorities(path string) (*Authorities, error) {
	if a := s.cas[path]; a != nil {
		return a, nil
	}
	a, err := loadCAs(path)
	if err == nil {
		s.cas[path] = a
	}
	return a, err
}

// revocations returns those of a file, nil for none.
func (s *Store) revocations(path string) (Revocations, error) {
	if r := s.crls[path]; r != nil || path == "" {
		return r, nil
	}
	r, err := loadCRLs(path)
	if err == nil {
		s.crls[path] = r
	}
	return r, err
}
