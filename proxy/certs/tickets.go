package certs

import (
	"crypto/sha256"
	"crypto/tls"
	"encoding/base64"
	"fmt"
	"os"
	"slices"
	"strings"
)

// TicketKeys are the keys of a "tls-ticket-keys" file, with which sessions are given to
// clients to keep. Processes with the same keys take each other's sessions.
type TicketKeys struct {
	ID   int
	File string
	// keys are the last ones, in order: all of them open tickets, the last but one seals
	// them.
	keys    [][]byte
	configs []*tls.Config
}

// numTickets is how many keys are used.
const numTickets = 3

// keepTickets makes a configuration use the keys of a file.
func (s *Store) keepTickets(path string, cfg *tls.Config) error {
	i := slices.IndexFunc(s.tickets, func(k *TicketKeys) bool { return k.File == path })
	if i < 0 {
		keys, err := readTicketKeys(path)
		if err != nil {
			return err
		}
		i = len(s.tickets)
		s.tickets = append(s.tickets, &TicketKeys{ID: i, File: path, keys: keys})
	}
	k := s.tickets[i]
	k.configs = append(k.configs, cfg)
	k.apply()
	return nil
}

// readTicketKeys reads at least three keys in base64, of one length.
func readTicketKeys(path string) (keys [][]byte, err error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("cannot read the ticket keys: %w", err)
	}
	for i, line := range strings.Split(strings.TrimRight(string(text), "\n"), "\n") {
		key, err := base64.StdEncoding.DecodeString(strings.TrimRight(line, "\r"))
		switch {
		case err != nil:
			return nil, fmt.Errorf("%s:%d: want a ticket key in base64", path, i+1)
		case len(key) != 48 && len(key) != 80 || i > 0 && len(key) != len(keys[0]):
			return nil, fmt.Errorf("%s:%d: ticket keys have 48 or 80 bytes, all of them the same number, but this one has %d", path, i+1, len(key))
		}
		keys = append(keys, key)
	}
	if len(keys) < numTickets {
		return nil, fmt.Errorf("'%s' has %d ticket keys: want at least %d", path, len(keys), numTickets)
	}
	return keys[len(keys)-numTickets:], nil
}

// apply hands the keys to the configurations, which make their own ones of them.
func (k *TicketKeys) apply() {
	order := make([][32]byte, 0, numTickets)
	for _, i := range [numTickets]int{numTickets - 2, numTickets - 1, 0} { // the first one seals
		order = append(order, sha256.Sum256(k.keys[i]))
	}
	for _, cfg := range k.configs {
		cfg.SetSessionTicketKeys(order)
	}
}

// TicketFiles are the files of such keys, in order of their numbers, with their keys in
// base64.
func (s *Store) TicketFiles() (files []string, keys [][]string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, k := range s.tickets {
		var list []string
		for _, key := range k.keys {
			list = append(list, base64.StdEncoding.EncodeToString(key))
		}
		files, keys = append(files, k.File), append(keys, list)
	}
	return files, keys
}

// PushTicketKey makes a key the last one of file number i, of which the first is
// forgotten. It reports false if it has another length than the others.
func (s *Store) PushTicketKey(i int, key []byte) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	k := s.tickets[i]
	if len(key) != len(k.keys[0]) {
		return false
	}
	k.keys = append(k.keys[1:len(k.keys):len(k.keys)], key)
	k.apply()
	return true
}
