package certs

import (
	"errors"
	"fmt"
	"maps"
	"slices"
)

// Kind is a kind of files that are exchanged at run time, each by a transaction of its
// own: what is new is gathered, and put into use at once.
type Kind uint8

// The kinds.
const (
	Certs Kind = iota // certificates with their keys
	CAs               // authorities
	CRLs              // revocations
	numKinds
)

// content is what a file has. The field of its kind is set.
type content struct {
	parts *parts
	cas   *Authorities
	crls  Revocations
}

// changes are the transactions that are under way.
type changes struct {
	pending [numKinds]pending
	// empty are files that were made at run time and have no content yet.
	empty [numKinds]map[string]bool
}

// pending is a transaction.
type pending struct {
	path string // "" if there is none
	content
}

func newChanges() (c changes) {
	for k := range c.empty {
		c.empty[k] = map[string]bool{}
	}
	return c
}

// Reasons for which a change is refused.
var (
	ErrExists        = errors.New("there is a file of that name")
	ErrUnknown       = errors.New("there is no file of that name")
	ErrNoTransaction = errors.New("no transaction is under way")
	ErrIncomplete    = errors.New("the certificate or its key is missing")
	ErrMismatch      = errors.New("the certificate and the key do not belong together")
	ErrInUse         = errors.New("the file is in use")
	ErrPending       = errors.New("a transaction about the file is under way")
)

// OtherError is that a transaction about another file is under way.
type OtherError struct{ Path string }

func (e *OtherError) Error() string { return "a transaction about '" + e.Path + "' is under way" }

// ContentError is what is wrong with a text.
type ContentError struct{ Err error }

func (e *ContentError) Error() string { return e.Err.Error() }

// Unwrap gives the error itself.
func (e *ContentError) Unwrap() error { return e.Err }

func (s *Store) has(k Kind, path string) bool {
	if s.empty[k][path] {
		return true
	}
	switch k {
	case Certs:
		return s.certs[path] != nil
	case CAs:
		return s.cas[path] != nil
	case CRLs, numKinds:
	}
	return s.crls[path] != nil
}

// Paths are the files of a kind, in order of their names.
func (s *Store) Paths(k Kind) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := slices.Collect(maps.Keys(s.empty[k]))
	switch k {
	case Certs:
		list = slices.AppendSeq(list, maps.Keys(s.certs))
	case CAs:
		list = slices.AppendSeq(list, maps.Keys(s.cas))
	case CRLs, numKinds:
		list = slices.AppendSeq(list, maps.Keys(s.crls))
	}
	slices.Sort(list)
	return list
}

// Pending is the file that a transaction is about, "" if there is none.
func (s *Store) Pending(k Kind) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.pending[k].path
}

// New makes a file without content. Its error is ErrExists.
func (s *Store) New(k Kind, path string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.has(k, path) {
		return ErrExists
	}
	s.empty[k][path] = true
	return nil
}

// Set gives a file new content, which is not in use before it is committed. Of a
// certificate it may be one part only, by the name that the part's file would have. created
// tells whether a transaction has begun. Errors are ErrUnknown, an *OtherError, or a
// *ContentError.
func (s *Store) Set(k Kind, path string, text []byte) (file string, created bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	file = path
	if k == Certs {
		file = s.ownerOf(path)
	}
	p := s.pending[k]
	switch {
	case p.path != "" && p.path != file:
		return file, false, &OtherError{p.path}
	case p.path == "" && !s.has(k, file):
		return file, false, ErrUnknown
	}
	c := p.content
	switch k {
	case Certs:
		own := parts{}
		if p.path != "" {
			own = *p.parts
		} else if was := s.certs[file]; was != nil {
			own = was.parts
		}
		err = own.put(path, file, text)
		c.parts = &own
	case CAs:
		list, bad := certificates(text)
		if err = bad; err == nil && len(list) == 0 {
			err = fmt.Errorf("'%s': %w", path, errNoCertificate)
		}
		c.cas = newAuthorities(list)
	case CRLs, numKinds:
		c.crls, err = parseCRLs(text)
	}
	if err != nil {
		return file, false, &ContentError{err}
	}
	s.pending[k] = pending{file, c}
	return file, p.path == "", nil
}

// ownerOf is the certificate that a file belongs to.
func (s *Store) ownerOf(path string) string {
	if s.has(Certs, path) {
		return path
	}
	for _, x := range partsOf() {
		if base, ok := cutEnd(path, x.ext); ok && (s.has(Certs, base) || s.pending[Certs].path == base) {
			return base
		}
	}
	return path
}

func cutEnd(s, end string) (string, bool) {
	if len(s) > len(end) && s[len(s)-len(end):] == end {
		return s[:len(s)-len(end)], true
	}
	return s, false
}

// transaction is the one about a file.
func (s *Store) transaction(k Kind, path string) (*pending, error) {
	p := &s.pending[k]
	switch {
	case p.path == "":
		return nil, ErrNoTransaction
	case p.path != path:
		return nil, &OtherError{p.path}
	}
	return p, nil
}

// Abort forgets a transaction. Errors are ErrNoTransaction and an *OtherError.
func (s *Store) Abort(k Kind, path string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	p, err := s.transaction(k, path)
	if err == nil {
		*p = pending{}
	}
	return err
}

// Commit puts what a transaction has gathered into use, at once for each of the lines that
// refer to it, of which it returns the number. Handshakes that are under way, and connections,
// go on with what they had. If it cannot be used, all stays as it was. Errors are those of
// Abort, ErrIncomplete, ErrMismatch, or say what does not go together.
func (s *Store) Commit(k Kind, path string) (users int, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p, err := s.transaction(k, path)
	if err != nil {
		return 0, err
	}
	undo, err := s.install(k, path, &p.content)
	if err != nil {
		return 0, err
	}
	n, err := s.remake(func(u user) bool { return u.refersTo(path) })
	if err != nil {
		undo()
		return 0, err
	}
	delete(s.empty[k], path)
	*p = pending{}
	return n, nil
}

// install makes something the content of a file.
func (s *Store) install(k Kind, path string, c *content) (undo func(), err error) {
	switch k {
	case Certs:
		if !c.parts.complete() {
			return nil, ErrIncomplete
		}
		made, err := c.parts.build(path)
		if err != nil {
			return nil, ErrMismatch
		}
		if err := s.staple(made); err != nil {
			return nil, err
		}
		return exchange(s.certs, path, made), nil
	case CAs:
		return exchange(s.cas, path, c.cas), nil
	case CRLs, numKinds:
	}
	return exchange(s.crls, path, c.crls), nil
}

func exchange[T any](m map[string]T, key string, v T) (undo func()) {
	was, had := m[key]
	m[key] = v
	return func() {
		if had {
			m[key] = was
		} else {
			delete(m, key)
		}
	}
}

// remake makes the users anew that are meant, all of them or none.
func (s *Store) remake(meant func(user) bool) (n int, err error) {
	var ready []func()
	for _, u := range s.users {
		if !meant(u) {
			continue
		}
		use, err := u.remake(s)
		if err != nil {
			return 0, err
		}
		ready = append(ready, use)
	}
	for _, use := range ready {
		use()
	}
	return len(ready), nil
}

// Used tells whether a line refers to a file.
func (s *Store) Used(path string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.used(path)
}

func (s *Store) used(path string) bool {
	return slices.ContainsFunc(s.users, func(u user) bool { return u.refersTo(path) })
}

// Delete forgets a file that nobody uses. Errors are ErrUnknown, ErrPending and ErrInUse.
func (s *Store) Delete(k Kind, path string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.pending[k].path == path && path != "":
		return ErrPending
	case !s.has(k, path):
		return ErrUnknown
	case s.used(path):
		return ErrInUse
	}
	delete(s.empty[k], path)
	switch k {
	case Certs:
		delete(s.certs, path)
	case CAs:
		delete(s.cas, path)
	case CRLs, numKinds:
		delete(s.crls, path)
	}
	return nil
}

// Certificate is the one of a file, or with pending the one that is to take its place. ok is
// false if there is none; nil: it has no content yet.
func (s *Store) Certificate(path string, pending bool) (c *Certificate, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !pending {
		return s.certs[path], s.has(Certs, path)
	}
	p := &s.pending[Certs]
	if p.path != path {
		return nil, false
	}
	made, err := p.parts.build(path)
	if err != nil {
		if leaf, err := firstCertificate(p.parts.chain); err == nil {
			made = &Certificate{File: path, parts: *p.parts}
			made.Leaf = leaf
		}
	}
	return made, true
}

// Authorities are those of a file; else as Certificate.
func (s *Store) Authorities(path string, pending bool) (a *Authorities, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if pending {
		return s.pending[CAs].cas, s.pending[CAs].path == path
	}
	return s.cas[path], s.has(CAs, path)
}

// Revocations are those of a file; else as Certificate.
func (s *Store) Revocations(path string, pending bool) (r Revocations, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if pending {
		return s.pending[CRLs].crls, s.pending[CRLs].path == path
	}
	return s.crls[path], s.has(CRLs, path)
}
