package server

import (
	"encoding/binary"
	"fmt"

	"bench/proxy/hash"
)

// Cookie is what the persistence cookie says to mean this server, "" if clients are not
// kept to it.
func (s *Server) Cookie() string {
	if c := s.cookie.Load(); c != nil {
		return *c
	}
	return ""
}

// dynamicCookies is whether servers without a name of their own for cookies get one, and
// the secret that it is made with.
type dynamicCookies struct {
	on  bool
	key string
}

// SetDynamicCookies gives servers without a name of their own for cookies one, or takes it
// away.
func (b *Backend) SetDynamicCookies(on bool) {
	b.changeCookies(func(d *dynamicCookies) { d.on = on })
}

// SetCookieKey changes the secret that such names are made with.
func (b *Backend) SetCookieKey(key string) {
	b.changeCookies(func(d *dynamicCookies) { d.key = key })
}

func (b *Backend) changeCookies(change func(*dynamicCookies)) {
	b.naming.Lock()
	change(&b.dynamic)
	b.naming.Unlock()
	for _, s := range b.Servers() {
		s.nameCookie()
	}
}

// nameCookie makes the value of the cookie: as configured, or where it is dynamic a
// hash of a secret, the address and the port, which is the same at all proxies that know
// the secret (configuration manual, "dynamic-cookie-key").
func (s *Server) nameCookie() {
	b := s.Backend
	b.naming.Lock()
	defer b.naming.Unlock()
	value := s.Spec.Cookie
	addr := s.Addr()
	if value == "" && b.dynamic.on && b.dynamic.key != "" && !addr.IsUnix() {
		text := append([]byte(b.dynamic.key), addr.AddrPort().Addr().AsSlice()...)
		text = binary.BigEndian.AppendUint32(text, uint32(addr.AddrPort().Port()))
		value = fmt.Sprintf("%016x", hash.XXH64(text, 0))
	}
	s.cookie.Store(&value)
}
