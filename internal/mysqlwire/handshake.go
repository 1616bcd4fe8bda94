package mysqlwire

import (
	"crypto/sha1"
	"crypto/sha256"
	"encoding/binary"
)

// Capabilities of clients and servers.
type Capabilities uint32

// Capabilities this package knows.
const (
	LongPassword     Capabilities = 1 << 0
	FoundRows        Capabilities = 1 << 1
	LongFlag         Capabilities = 1 << 2
	ConnectWithDB    Capabilities = 1 << 3
	IgnoreSpace      Capabilities = 1 << 8
	Protocol41       Capabilities = 1 << 9
	Interactive      Capabilities = 1 << 10
	TLS              Capabilities = 1 << 11
	Transactions     Capabilities = 1 << 13
	SecureConnection Capabilities = 1 << 15
	MultiStatements  Capabilities = 1 << 16
	MultiResults     Capabilities = 1 << 17
	PSMultiResults   Capabilities = 1 << 18
	PluginAuth       Capabilities = 1 << 19
	ConnectAttrs     Capabilities = 1 << 20
	LongAuthData     Capabilities = 1 << 21
	DeprecateEOF     Capabilities = 1 << 24
)

// Authentication plugins.
const (
	NativePassword      = "mysql_native_password"
	CachingSHA2Password = "caching_sha2_password"
)

// Attributes by which a load tells origins what to count in its name.
const (
	AttributeLoad  = "bench_load"
	AttributeSetUp = "bench_setup" // how many commands come before the first request
	// AttributeTransactions says TransactionsWhole where a transaction is one request.
	AttributeTransactions = "bench_transactions"
	TransactionsWhole     = "whole"
)

// SaltSize is the length of the salt of both plugins.
const SaltSize = 20

// Greeting is the handshake packet of version 10 that a server begins with.
type Greeting struct {
	Version      string
	ConnectionID uint32
	Salt         [SaltSize]byte // no byte may be 0
	Capabilities Capabilities
	Charset      byte
	Status       uint16
	Plugin       string
}

// Append appends the greeting as a packet.
func (g *Greeting) Append(b []byte, seq byte) []byte {
	b, at := Begin(b, seq)
	b = append(b, 10)
	b = append(append(b, g.Version...), 0)
	b = binary.LittleEndian.AppendUint32(b, g.ConnectionID)
	b = append(append(b, g.Salt[:8]...), 0)
	b = binary.LittleEndian.AppendUint16(b, uint16(g.Capabilities))
	b = append(b, g.Charset)
	b = binary.LittleEndian.AppendUint16(b, g.Status)
	b = binary.LittleEndian.AppendUint16(b, uint16(g.Capabilities>>16))
	b = append(b, SaltSize+1)
	b = append(b, make([]byte, 10)...)
	b = append(append(b, g.Salt[8:]...), 0)
	b = append(append(b, g.Plugin...), 0)
	return End(b, at)
}

// Login is a client's answer to a greeting. Slices alias the payload.
type Login struct {
	Capabilities Capabilities
	Charset      byte
	User         []byte
	Auth         []byte // what the plugin says
	Database     []byte
	Plugin       []byte // empty if the client does not name one
	Attributes   []byte // what the client speaks of itself; see Attribute
	// TLS reports that this is only the wish to go on encrypted.
	TLS bool
}

// tlsRequestSize is the length of a login that ends after its fixed part.
const tlsRequestSize = 32

// WantsTLS reports whether what should be a login is only the wish to go on encrypted.
func WantsTLS(payload []byte) bool {
	return len(payload) == tlsRequestSize && Capabilities(binary.LittleEndian.Uint16(payload))&(Protocol41|TLS) == Protocol41|TLS
}

// ParseLogin reads a login of protocol 4.1, or of the one before.
func ParseLogin(payload []byte) (l Login, err error) {
	r := reader{b: payload}
	low := Capabilities(r.uint16())
	if low&Protocol41 == 0 {
		l.Capabilities = low
		r.bytes(3)
		l.User = r.zero()
		l.Auth = r.zero()
		if low&ConnectWithDB != 0 {
			l.Database = r.zero()
		}
		return l, r.err()
	}
	l.Capabilities = low | Capabilities(r.uint16())<<16
	r.bytes(4) // the longest packet the client takes
	l.Charset = r.byte()
	r.bytes(23)
	if WantsTLS(payload) {
		l.TLS = true
		return l, r.err()
	}
	l.User = r.zero()
	switch {
	case l.Capabilities&LongAuthData != 0:
		l.Auth = r.string()
	case l.Capabilities&SecureConnection != 0:
		l.Auth = r.bytes(int(r.byte()))
	default:
		l.Auth = r.zero()
	}
	if l.Capabilities&ConnectWithDB != 0 {
		l.Database = r.zero()
	}
	if l.Capabilities&PluginAuth != 0 {
		l.Plugin = r.zero()
	}
	if l.Capabilities&ConnectAttrs != 0 && len(r.b) > 0 { // some announce them and send none
		l.Attributes = r.string()
	}
	return l, r.err()
}

// Attribute is what the client says under a name, nil if nothing.
func (l *Login) Attribute(name string) []byte {
	for r := (reader{b: l.Attributes}); len(r.b) > 0 && !r.bad; {
		key, value := r.string(), r.string()
		if !r.bad && string(key) == name {
			return value
		}
	}
	return nil
}

// SetAttribute adds to what a login says of its client.
func (l *Login) SetAttribute(name, value string) {
	l.Capabilities |= ConnectAttrs
	l.Attributes = AppendString(AppendString(l.Attributes, name), value)
}

func (r *reader) err() error {
	if r.bad {
		return ErrMalformed
	}
	return nil
}

// AppendSwitch asks the client to authenticate by another plugin, or with
// another salt.
func AppendSwitch(b []byte, seq byte, plugin string, salt *[SaltSize]byte) []byte {
	b, at := Begin(b, seq)
	b = append(b, 0xfe)
	b = append(append(b, plugin...), 0)
	b = append(append(b, salt[:]...), 0)
	return End(b, at)
}

// AppendMoreData says something of a plugin beside.
func AppendMoreData(b []byte, seq byte, data []byte) []byte {
	b, at := Begin(b, seq)
	return End(append(append(b, MoreData), data...), at)
}

// Scramble is what a client that knows the password answers to a salt; nothing
// for an empty password. Plugin is one of the two this package knows.
func Scramble(plugin, password string, salt *[SaltSize]byte) []byte {
	if password == "" {
		return nil
	}
	if plugin == CachingSHA2Password {
		one := sha256.Sum256([]byte(password))
		two := sha256.Sum256(one[:])
		mask := sha256.Sum256(append(two[:], salt[:]...))
		return xor(one[:], mask[:])
	}
	one := sha1.Sum([]byte(password))
	two := sha1.Sum(one[:])
	mask := sha1.Sum(append(salt[:len(salt):len(salt)], two[:]...))
	return xor(one[:], mask[:])
}

func xor(a, b []byte) []byte {
	for i := range a {
		a[i] ^= b[i]
	}
	return a
}
