package mysql

import (
	"bench/internal/mysqlwire"
	"bench/loadgen/codec"
)

// Packets of caching_sha2_password and other marks of the handshake.
const (
	packetOK     = 0x00
	packetSwitch = 0xfe
	packetError  = 0xff
	seqOfLogin   = 1
)

// handshake takes a packet of the handshake.
func (s *session) handshake(p []byte) codec.State {
	if len(p) == 0 {
		return s.fail(mysqlwire.ErrMalformed.Error())
	}
	if p[0] == packetError {
		return s.fail(s.serverError())
	}
	if s.state == stateGreeting {
		return s.login(p)
	}
	switch p[0] {
	case packetOK:
		return s.next()
	case packetSwitch:
		plugin, salt, err := mysqlwire.ParseSwitch(p)
		if err != nil {
			return s.fail(err.Error())
		}
		if plugin != mysqlwire.NativePassword && plugin != mysqlwire.CachingSHA2Password {
			return s.fail("the server wants the authentication plugin " + codec.FirstRunes([]byte(plugin), 64) + ", which is not supported")
		}
		s.salt = salt
		return s.sayPacket(mysqlwire.Scramble(plugin, s.codec.password, &s.salt), stateLogin)
	case mysqlwire.MoreData:
		return s.moreData(p[1:])
	}
	return s.fail("an unexpected packet in the handshake")
}

// login answers the greeting.
func (s *session) login(p []byte) codec.State {
	g, err := mysqlwire.ParseGreeting(p)
	if err != nil {
		return s.fail(err.Error())
	}
	s.salt = g.Salt
	// A server with another default tells it, and is answered by this one; it
	// switches to the user's.
	if g.Plugin != mysqlwire.CachingSHA2Password {
		g.Plugin = mysqlwire.NativePassword
	}
	l := mysqlwire.Login{
		Capabilities: mysqlwire.LongPassword | mysqlwire.LongFlag | mysqlwire.Protocol41 | mysqlwire.Transactions |
			mysqlwire.SecureConnection | mysqlwire.MultiResults | mysqlwire.PSMultiResults,
		Charset: mysqlwire.CharsetUTF8, User: []byte(s.codec.user), Auth: mysqlwire.Scramble(g.Plugin, s.codec.password, &s.salt),
	}
	l.Capabilities |= g.Capabilities & mysqlwire.PluginAuth
	l.Plugin = []byte(g.Plugin)
	if s.codec.database != "" {
		l.Capabilities |= mysqlwire.ConnectWithDB
		l.Database = []byte(s.codec.database)
	}
	if g.Capabilities&mysqlwire.ConnectAttrs != 0 {
		l.Capabilities |= mysqlwire.ConnectAttrs
		l.Attributes = s.codec.attributes
	}
	if !s.codec.secured {
		s.said = mysqlwire.AppendLogin(s.said[:0], seqOfLogin, &l)
		return s.listen(stateLogin)
	}
	if g.Capabilities&mysqlwire.TLS == 0 {
		return s.fail("the server does not offer TLS")
	}
	l.Capabilities |= mysqlwire.TLS
	s.said = mysqlwire.AppendTLSRequest(s.said[:0], seqOfLogin, &l)
	s.due = mysqlwire.AppendLogin(s.due[:0], seqOfLogin+1, &l)
	s.state = stateSecuring
	return codec.Secure
}

// Secured implements codec.Upgrader: the login follows in TLS.
func (s *session) Secured() codec.State {
	s.said, s.due = s.due, s.said
	return s.listen(stateLogin)
}

// moreData is what caching_sha2_password says beside.
func (s *session) moreData(p []byte) codec.State {
	switch {
	case s.state == stateKey:
		secret, err := mysqlwire.EncryptPassword(s.codec.password, &s.salt, p)
		if err != nil {
			return s.fail(err.Error())
		}
		return s.sayPacket(secret, stateLogin)
	case len(p) == 1 && p[0] == mysqlwire.SHA2Right:
		s.reader.Begin(mysqlwire.OnePacket, s.reader.Seq())
		return codec.More
	case len(p) == 1 && p[0] == mysqlwire.SHA2Full && s.codec.secured:
		return s.sayPacket(append([]byte(s.codec.password), 0), stateLogin)
	case len(p) == 1 && p[0] == mysqlwire.SHA2Full:
		return s.sayPacket([]byte{mysqlwire.SHA2AskKey}, stateKey)
	}
	return s.fail("an unexpected packet of caching_sha2_password")
}

// sayPacket sends a packet of the handshake and goes on in a state.
func (s *session) sayPacket(payload []byte, next state) codec.State {
	b, at := mysqlwire.Begin(s.said[:0], s.reader.Seq())
	s.said = mysqlwire.End(append(b, payload...), at)
	return s.listen(next)
}

// listen makes ready for the answer to what is going to be said.
func (s *session) listen(next state) codec.State {
	s.state = next
	s.reader.Begin(mysqlwire.OnePacket, s.said[3]+1)
	return codec.Reply
}
