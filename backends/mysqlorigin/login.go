package mysqlorigin

import (
	"bytes"
	"crypto/subtle"
	"strings"

	"bench/backends/origin"
	"bench/internal/mysqlwire"
)

// login goes on with the handshake; false ends the connection.
func (s *session) login(c *origin.Conn, payload []byte, seq byte) bool {
	switch s.phase {
	case switching:
		return s.check(c, payload, seq)
	case proving:
		return s.prove(c, payload, seq)
	case loggingIn, serving:
	}
	l, err := mysqlwire.ParseLogin(payload)
	if err != nil || l.TLS {
		// TLS was not offered, or is there: who asks for it nevertheless gets nowhere.
		s.malformed(c, 0, seq)
		return false
	}
	s.user = append(s.user[:0], l.User...)
	s.database = append(s.database[:0], l.Database...)
	s.noEOF = l.Capabilities&mysqlwire.DeprecateEOF != 0
	s.counting.begin(&l)
	plugin := s.r.cfg.plugin
	known := l.Capabilities&mysqlwire.PluginAuth != 0
	if known && string(l.Plugin) != plugin || !known && plugin != mysqlwire.NativePassword && s.r.cfg.Password != "" {
		s.phase = switching
		c.SetOutput(mysqlwire.AppendSwitch(c.Output(), seq, plugin, &s.salt))
		return true
	}
	return s.check(c, l.Auth, seq)
}

// check looks at what the client's plugin answered to the salt.
func (s *session) check(c *origin.Conn, said []byte, seq byte) bool {
	cfg := s.r.cfg
	sha2 := cfg.plugin == mysqlwire.CachingSHA2Password
	// Clients of caching_sha2_password send a NUL for no password.
	if sha2 && len(said) == 1 && said[0] == 0 {
		said = nil
	}
	right := true
	if cfg.User != "" {
		want := mysqlwire.Scramble(cfg.plugin, cfg.Password, &s.salt)
		right = string(s.user) == cfg.User && subtle.ConstantTimeCompare(said, want) == 1
	}
	switch {
	case !sha2 || len(said) == 0:
	case right && (s.r.cached || cfg.User == ""):
		c.SetOutput(mysqlwire.AppendMoreData(c.Output(), seq, []byte{mysqlwire.SHA2Right}))
		seq++
	case cfg.key != nil:
		// As with MySQL: what is not in the cache, or is not as it is there, is
		// decided by the password itself.
		s.phase = proving
		c.SetOutput(mysqlwire.AppendMoreData(c.Output(), seq, []byte{mysqlwire.SHA2Full}))
		return true
	}
	return s.decide(c, right, len(said) > 0, seq)
}

// prove goes on with the full authentication of caching_sha2_password.
func (s *session) prove(c *origin.Conn, payload []byte, seq byte) bool {
	cfg := s.r.cfg
	if len(payload) == 1 && payload[0] == mysqlwire.SHA2AskKey && !c.Secure() {
		c.SetOutput(mysqlwire.AppendMoreData(c.Output(), seq, cfg.key.Public()))
		return true
	}
	// In clear, as from clients that take the connection for a secure one: in TLS, on a
	// local socket, or because TLS was wished for and not to be had.
	password := string(bytes.TrimSuffix(payload, []byte{0}))
	if !c.Secure() {
		if secret, err := cfg.key.Decrypt(payload, &s.salt); err == nil {
			password = secret
		}
	}
	right := string(s.user) == cfg.User && subtle.ConstantTimeCompare([]byte(password), []byte(cfg.Password)) == 1
	s.r.cached = s.r.cached || right
	return s.decide(c, right, true, seq)
}

// decide lets the client in, or not.
func (s *session) decide(c *origin.Conn, right, withPassword bool, seq byte) bool {
	if right {
		s.phase = serving
		s.status = mysqlwire.StatusAutocommit
		c.SetOutput(mysqlwire.AppendOK(c.Output(), seq, 0, 0, s.status))
		return true
	}
	using := "NO"
	if withPassword {
		using = "YES"
	}
	c.Server().Tally().Denied++
	message := "Access denied for user '" + printable(s.user) + "'@'" + peer(c) + "' (using password: " + using + ")"
	c.SetOutput(mysqlwire.AppendError(c.Output(), seq, 1045, "28000", message))
	return false
}

func peer(c *origin.Conn) string {
	if a, errno := c.Peer(); errno == 0 && !a.IsUnix() {
		return a.AddrPort().Addr().String()
	}
	return "localhost"
}

// printable makes text from a client fit for a message.
func printable(b []byte) string {
	b = b[:min(len(b), 128)]
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return '?'
		}
		return r
	}, strings.ToValidUTF8(string(b), "?"))
}
