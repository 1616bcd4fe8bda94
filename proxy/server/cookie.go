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

// nameCookie makes the value of the cookie: as configured, or where it is dynamic a
// hash of a secret, the address and the port, which is the same at all proxies that know
// the secret (configuration manual, "dynamic-cookie-key").
func (s *Server) nameCookie() {
	p := s.Backend.Spec
	value := s.Spec.Cookie
	addr := s.Addr()
	if value == "" && p.Cookie != nil && p.Cookie.Dynamic && p.DynamicKey != "" && !addr.IsUnix() {
		text := append([]byte(p.DynamicKey), addr.AddrPort().Addr().AsSlice()...)
		text = binary.BigEndian.AppendUint32(text, uint32(addr.AddrPort().Port()))
		value = fmt.Sprintf("%016x", hash.XXH64(text, 0))
	}
	s.cookie.Store(&value)
}
