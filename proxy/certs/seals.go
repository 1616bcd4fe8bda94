package certs

import (
	"crypto/tls"
	"encoding/binary"
	"time"
)

// seals is how the sessions that the clients of a bind line have kept are taken back.
// crypto/tls would take them for a week.
type seals struct {
	keys *tls.Config // has the keys
	life time.Duration
}

// use makes a configuration take sessions back so, if their life is bounded.
func (s *seals) use(cfg *tls.Config) {
	if s.life == 0 {
		return
	}
	cfg.UnwrapSession = func(ticket []byte, cs tls.ConnectionState) (*tls.SessionState, error) {
		return s.unwrap(time.Now(), ticket, cs)
	}
}

// unwrap is the session of a ticket, nil if it is too old, or none of ours.
func (s *seals) unwrap(now time.Time, ticket []byte, cs tls.ConnectionState) (*tls.SessionState, error) {
	session, err := s.keys.DecryptTicket(ticket, cs)
	if session == nil || err != nil {
		return nil, err
	}
	begun, err := beginning(session)
	if err != nil {
		return nil, err
	}
	if age := now.Sub(begun); age < 0 || age > s.life {
		return nil, nil //nolint:nilnil // as crypto/tls wants it: there is none, which is no error
	}
	return session, nil
}

// beginning is when a session was begun. crypto/tls keeps that to itself, but writes it down
// behind the version, the side and the cipher suite.
func beginning(session *tls.SessionState) (time.Time, error) {
	const at, size = 5, 8
	b, err := session.Bytes()
	if err != nil {
		return time.Time{}, err
	}
	return time.Unix(int64(binary.BigEndian.Uint64(b[at:at+size])), 0), nil
}
