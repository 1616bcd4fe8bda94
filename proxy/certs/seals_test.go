package certs

import (
	"crypto/tls"
	"testing"
	"time"
)

// A session is taken back for as long as is configured, and by who has the keys.
func TestSessionsEnd(t *testing.T) {
	keys, others := new(tls.Config), new(tls.Config)
	keys.SetSessionTicketKeys([][32]byte{{1}})
	others.SetSessionTicketKeys([][32]byte{{2}})
	a := newAuthority(t)
	a.make("site", []string{"site.test"}, false)
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		b := bindOf(a.path("site"))
		b.Lifetime = time.Hour
		acc := acceptor(t, NewStore(), b)
		before := time.Now().Add(-2 * time.Second) // dates have no fractions
		ticket := ticketOf(t, acc, version)
		for age, want := range map[time.Duration]bool{0: true, 59 * time.Minute: true, 62 * time.Minute: false, -time.Minute: false} {
			session, err := acc.seals.unwrap(before.Add(age+3*time.Second), ticket, tls.ConnectionState{})
			if err != nil || (session != nil) != want {
				t.Errorf("%04x after %v: %v, %v, want a session: %v", version, age, session != nil, err, want)
			}
		}
		foreign := seals{keys: others, life: time.Hour}
		if session, err := foreign.unwrap(time.Now(), ticket, tls.ConnectionState{}); session != nil || err != nil {
			t.Errorf("%04x: other keys open it: %v, %v", version, session, err)
		}
		for i := range ticket {
			if session, _ := acc.seals.unwrap(time.Now(), ticket[:i], tls.ConnectionState{}); session != nil {
				t.Errorf("%04x: the first %d bytes are a ticket", version, i)
			}
		}
	}
}

// ticketOf is a ticket that the acceptor would give a client.
func ticketOf(t *testing.T, acc *Acceptor, version uint16) []byte {
	t.Helper()
	var ticket []byte
	find := acc.table.Load().def.offer
	find.WrapSession = func(cs tls.ConnectionState, s *tls.SessionState) (_ []byte, err error) {
		ticket, err = acc.base.EncryptTicket(cs, s)
		return ticket, err
	}
	cli := anyone("site.test")
	cli.MaxVersion = version
	cli.ClientSessionCache = tls.NewLRUClientSessionCache(1) // or it takes none
	if _, _, err := shake(acc.Config(), cli); err != nil {
		t.Fatal(err)
	}
	if len(ticket) == 0 {
		t.Fatal("no ticket was given")
	}
	return ticket
}
