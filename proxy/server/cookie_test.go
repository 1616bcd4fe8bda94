package server

import (
	"testing"

	"bench/internal/sock"
	"bench/proxy/registry"
	"bench/proxy/spec"
)

// The name that a server gets for cookies is made of the secret, the address and the port,
// and follows each of them.
func TestDynamicCookieFollows(t *testing.T) {
	addr := func(text string) sock.Addr {
		a, err := sock.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
	p := &spec.Proxy{Cookie: &spec.Cookie{Name: "S", Dynamic: true}, DynamicKey: "secret", Servers: []*spec.Server{{Name: "a", Weight: 1, Addr: addr("127.0.0.1:80")}}}
	b := NewBackend(p, new(registry.Slots))
	s := b.Servers()[0]
	first := s.Cookie()
	seen := map[string]string{first: "the first"}
	note := func(what string) {
		t.Helper()
		c := s.Cookie()
		if was, ok := seen[c]; ok || c == "" {
			t.Errorf("%s: the name %q is that of %s", what, c, was)
		}
		seen[c] = what
	}
	s.SetAddr(addr("127.0.0.1:81"))
	note("another port")
	s.SetAddr(addr("127.0.0.2:80"))
	note("another address")
	b.SetCookieKey("other")
	note("another secret")
	b.SetCookieKey("secret")
	s.SetAddr(addr("127.0.0.1:80"))
	if c := s.Cookie(); c != first {
		t.Errorf("%q is not %q again", c, first)
	}
}
