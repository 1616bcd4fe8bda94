package mysqlwire

import (
	"bytes"
	"encoding/binary"
	"fmt"
)

// ParseGreeting reads the packet that a server begins with.
func ParseGreeting(payload []byte) (g Greeting, err error) {
	r := reader{b: payload}
	if v := r.byte(); v != 10 {
		return g, fmt.Errorf("the handshake has version %d: want 10", v)
	}
	g.Version = string(r.zero())
	g.ConnectionID = r.uint32()
	copy(g.Salt[:8], r.bytes(8))
	r.byte()
	g.Capabilities = Capabilities(r.uint16())
	g.Charset = r.byte()
	g.Status = r.uint16()
	g.Capabilities |= Capabilities(r.uint16()) << 16
	size := int(r.byte())
	r.bytes(10)
	if r.bad || g.Capabilities&Protocol41 == 0 || g.Capabilities&SecureConnection == 0 {
		return g, fmt.Errorf("%w: want a handshake of protocol 4.1", ErrMalformed)
	}
	copy(g.Salt[8:], r.bytes(max(SaltSize-8, size-8-1)))
	if g.Capabilities&PluginAuth != 0 {
		r.skipZero()
		g.Plugin = string(r.zero())
	}
	if g.Plugin == "" {
		g.Plugin = NativePassword
	}
	return g, r.err()
}

// skipZero passes over a NUL, such as that behind a salt.
func (r *reader) skipZero() {
	if len(r.b) > 0 && r.b[0] == 0 {
		r.b = r.b[1:]
	}
}

// maxPacket is the longest packet that a client says it takes.
const maxPacket = 1<<30 - 1

// AppendLogin appends a client's answer to a greeting as a packet. l.TLS is not
// looked at.
func AppendLogin(b []byte, seq byte, l *Login) []byte {
	b, at := Begin(b, seq)
	b = l.appendFixed(b)
	b = append(append(b, l.User...), 0)
	b = append(append(b, byte(len(l.Auth))), l.Auth...)
	if l.Capabilities&ConnectWithDB != 0 {
		b = append(append(b, l.Database...), 0)
	}
	if l.Capabilities&PluginAuth != 0 {
		b = append(append(b, l.Plugin...), 0)
	}
	if l.Capabilities&ConnectAttrs != 0 {
		b = AppendString(b, l.Attributes)
	}
	return End(b, at)
}

// AppendTLSRequest appends a client's wish to go on encrypted, the packet that takes the
// place of a login with these capabilities.
func AppendTLSRequest(b []byte, seq byte, l *Login) []byte {
	b, at := Begin(b, seq)
	return End(l.appendFixed(b), at)
}

// appendFixed appends what every login begins with.
func (l *Login) appendFixed(b []byte) []byte {
	b = binary.LittleEndian.AppendUint32(b, uint32(l.Capabilities))
	b = binary.LittleEndian.AppendUint32(b, maxPacket)
	b = append(b, l.Charset)
	return append(b, make([]byte, 23)...)
}

// ParseSwitch reads a server's wish for another plugin: its name and the salt.
func ParseSwitch(payload []byte) (plugin string, salt [SaltSize]byte, err error) {
	r := reader{b: payload}
	r.byte()
	plugin = string(r.zero())
	copy(salt[:], r.bytes(SaltSize))
	return plugin, salt, r.err()
}

// AppendCommand appends a command with what follows it, as the packet that begins
// an exchange. All of it must be shorter than MaxPayload.
func AppendCommand(b []byte, command byte, rest []byte) []byte {
	b, at := Begin(b, 0)
	return End(append(append(b, command), rest...), at)
}

// ServerError is an ERR packet. Slices alias the payload.
type ServerError struct {
	Code    int
	State   []byte // five characters, or none
	Message []byte
}

// ParseServerError reads the payload of an ERR packet, as much as there is of it.
func ParseServerError(payload []byte) (e ServerError) {
	r := reader{b: payload}
	r.byte()
	e.Code = int(r.uint16())
	if len(r.b) >= 6 && r.b[0] == '#' {
		e.State, r.b = r.b[1:6], r.b[6:]
	}
	e.Message = bytes.TrimRight(r.b, "\x00")
	return e
}
