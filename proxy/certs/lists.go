package certs

import (
	"os"
	"slices"
	"strings"

	"bench/proxy/spec"
)

// noteLists remembers the lists and directories of certificates of a bind line.
func (s *Store) noteLists(b *spec.BindTLS) {
	note := func(path string) {
		if !slices.Contains(s.lists, path) {
			s.lists = append(s.lists, path)
		}
	}
	for _, path := range b.Certs {
		if s.isDirectory(path) {
			note(path)
		}
	}
	for i := range b.Lists {
		note(b.Lists[i].File)
	}
	slices.Sort(s.lists)
}

// isDirectory tells whether a path of a configuration is one with certificates.
func (s *Store) isDirectory(path string) bool {
	if _, several := s.members[path]; !several {
		return false
	}
	st, err := os.Stat(path)
	return err == nil && st.IsDir()
}

// Lists are the lists of certificates, "crt-list" files and directories.
func (s *Store) Lists() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.lists)
}

// IsDirectory tells whether a list is a directory.
func (s *Store) IsDirectory(path string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.members[path] != nil && slices.Contains(s.lists, path)
}

// List is what a list has; ok is false if there is none of that name.
func (s *Store) List(path string) (entries []spec.CertEntry, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !slices.Contains(s.lists, path) {
		return nil, false
	}
	for _, a := range s.acceptors(path) {
		if l := a.list(path); l != nil {
			return slices.Clone(l.Entries), true
		}
	}
	for i, file := range s.members[path] {
		entries = append(entries, spec.CertEntry{Line: i + 1, Cert: file})
	}
	return entries, true
}

// list is a list of the bind line, nil if it has none of that name.
func (a *Acceptor) list(path string) *spec.CertList {
	for i := range a.bind.Lists {
		if a.bind.Lists[i].File == path {
			return &a.bind.Lists[i]
		}
	}
	return nil
}

// acceptors are those that use a list.
func (s *Store) acceptors(path string) (list []*Acceptor) {
	for _, u := range s.users {
		if a, ok := u.(*Acceptor); ok && (a.list(path) != nil || slices.Contains(a.bind.Certs, path)) {
			list = append(list, a)
		}
	}
	return list
}

// AddEntry adds a certificate, which is in the store, to a list, for all bind lines that
// use it. read makes the entry, with the options of the bind line that it is for; a directory
// has none.
func (s *Store) AddEntry(path, cert string, read func(*spec.BindTLS) (spec.CertEntry, error)) (users int, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case !slices.Contains(s.lists, path):
		return 0, ErrUnknown
	case s.certs[cert] == nil:
		return 0, ErrIncomplete
	}
	return s.edit(path, func(a *Acceptor) error {
		l := a.list(path)
		if l == nil {
			return nil
		}
		e, err := read(&a.bind)
		if err != nil {
			return err
		}
		for i := range l.Entries {
			e.Line = max(e.Line, l.Entries[i].Line+1)
		}
		l.Entries = append(slices.Clone(l.Entries), e)
		return nil
	}, func(files []string) []string { return append(slices.Clone(files), cert) })
}

// DeleteEntry takes line number line out of a list.
func (s *Store) DeleteEntry(path string, line int) (users int, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.edit(path, func(a *Acceptor) error {
		if l := a.list(path); l != nil {
			l.Entries = slices.DeleteFunc(slices.Clone(l.Entries), func(e spec.CertEntry) bool { return e.Line == line })
		}
		return nil
	}, func(files []string) []string { return slices.Delete(slices.Clone(files), line-1, line) })
}

// edit changes a list for all that use it, or for nobody.
func (s *Store) edit(path string, list func(*Acceptor) error, directory func([]string) []string) (users int, err error) {
	all := s.acceptors(path)
	was := make([][]spec.CertList, len(all))
	files, isDir := s.members[path]
	if isDir {
		s.members[path] = directory(files)
	}
	undo := func() {
		for i, a := range all {
			a.bind.Lists = was[i]
		}
		if isDir {
			s.members[path] = files
		}
	}
	for i, a := range all {
		was[i] = slices.Clone(a.bind.Lists)
	}
	for _, a := range all {
		if err := list(a); err != nil {
			undo()
			return 0, err
		}
	}
	n, err := s.remake(func(u user) bool {
		a, ok := u.(*Acceptor)
		return ok && slices.Contains(all, a)
	})
	if err != nil {
		undo()
	}
	return n, err
}

// Default tells whether a certificate is the one that clients of a bind line get whom no
// other one is for: taking it out of a list would leave them nothing.
func (s *Store) Default(path, cert string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, a := range s.acceptors(path) {
		if a.table.Load().def.cert.File == cert && len(a.bind.Certs) == 0 {
			return true
		}
	}
	return false
}

// Entry describes an entry as a line of a list.
func Entry(e *spec.CertEntry, numbered bool, number string) string {
	text := e.Cert
	if numbered {
		text += ":" + number
	}
	if e.Options != "" {
		text += " [" + e.Options + "]"
	}
	if len(e.Names) > 0 {
		text += " " + strings.Join(e.Names, " ")
	}
	return text
}
