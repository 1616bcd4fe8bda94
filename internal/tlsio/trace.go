package tlsio

import (
	"bytes"
	"crypto/tls"
	"encoding/binary"
	"net"
	"slices"
)

// Tracing says what is kept of handshakes beside what crypto/tls tells of them. Zero: nothing,
// which costs nothing.
type Tracing struct {
	// Hellos: of the hellos of both sides. Capture is how many bytes of the lists in a
	// client's one.
	Hellos  bool
	Capture int
	// Master: the secret of a session up to TLS 1.2. Traffic: those of TLS 1.3. With them
	// others read what was recorded on the wire.
	Master, Traffic bool
}

// Trace is what was kept of a handshake.
type Trace struct {
	ClientRandom, ServerRandom [randomSize]byte
	// SessionID is what the server has called the session, Unique what identifies the
	// connection (RFC 5929, section 3); nil if crypto/tls does not say.
	SessionID, Unique []byte
	// Version is that of the client's hello. Ciphers, Extensions, Groups and Formats are
	// its lists, which end where the place was used up.
	Version                              uint16
	Ciphers, Extensions, Groups, Formats []byte
	CiphersHash                          uint64
	// secrets are in hexadecimal, by their number.
	secrets [numSecrets][]byte
}

// Secret is one of the keys of a connection.
type Secret uint8

// Secrets, in the order of their labels.
const (
	MasterSecret Secret = iota // up to TLS 1.2
	ClientHandshakeSecret
	ServerHandshakeSecret
	ClientTrafficSecret
	ServerTrafficSecret
	numSecrets
)

// secretLabels are their names in the format that browsers write keys in.
var secretLabels = [numSecrets]string{"CLIENT_RANDOM", "CLIENT_HANDSHAKE_TRAFFIC_SECRET", "SERVER_HANDSHAKE_TRAFFIC_SECRET", "CLIENT_TRAFFIC_SECRET_0", "SERVER_TRAFFIC_SECRET_0"}

// Secret is a secret in hexadecimal, nil if there is none.
func (t *Trace) Secret(s Secret) []byte { return t.secrets[s] }

// tracer follows a handshake. It is left behind when that is over.
type tracer struct {
	Tracing
	trace    *Trace
	digest   func([]byte) uint64
	from, to follower // what the peer says, and what is said to it
}

// follower finds the hello in what one side says.
type follower struct {
	head    [5]byte
	got     int // bytes of head
	left    int // bytes of the record
	message []byte
	over    bool
}

// Types of records, and the longest message that is followed.
const (
	recordChange    = 20
	recordHandshake = 22
	longestHello    = 64 << 10
)

// see takes in bytes of one side, cut anywhere.
func (t *tracer) see(f *follower, p []byte) {
	for len(p) > 0 && !f.over {
		if f.left == 0 {
			n := copy(f.head[f.got:], p)
			p = p[n:]
			if f.got += n; f.got < len(f.head) {
				return
			}
			f.got, f.left = 0, int(binary.BigEndian.Uint16(f.head[3:]))
			f.over = f.head[0] != recordHandshake && f.head[0] != recordChange
			continue
		}
		n := min(f.left, len(p))
		if f.head[0] == recordHandshake {
			f.message = append(f.message, p[:n]...)
		}
		p, f.left = p[n:], f.left-n
		t.take(f)
	}
}

// take looks at the messages that are complete.
func (t *tracer) take(f *follower) {
	const header = 4
	for len(f.message) >= header && !f.over {
		size := int(binary.BigEndian.Uint32(f.message) & 0xffffff)
		if size > longestHello {
			f.over = true
		}
		if len(f.message) < header+size {
			break
		}
		f.over = t.note(f.message[0], f.message[header:header+size])
		f.message = f.message[header+size:]
	}
	if f.over {
		f.message = nil
	}
}

// retryRandom is the random of a server's hello that only asks for another one of the client
// (RFC 8446, section 4.1.3).
var retryRandom = []byte{
	0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91,
	0xc2, 0xa2, 0x11, 0x16, 0x7a, 0xbb, 0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c,
}

// note keeps what is wanted of a message. over: nothing more is to be learnt of this side.
func (t *tracer) note(kind byte, body []byte) (over bool) {
	kept := t.trace
	h, ok := ParseHello(body, kind == serverHello)
	if !ok || kind != clientHello && kind != serverHello {
		return true
	}
	if kind == serverHello {
		if bytes.Equal(h.Random, retryRandom) {
			return false
		}
		copy(kept.ServerRandom[:], h.Random)
		kept.SessionID = slices.Clone(h.SessionID)
		return true
	}
	copy(kept.ClientRandom[:], h.Random)
	kept.Version = h.Version
	if t.Capture > 0 {
		kept.capture(&h, t.Capture)
		kept.CiphersHash = t.digest(h.Ciphers)
	}
	return true
}

// capture copies the lists of a hello, one after the other, as far as there is place.
func (t *Trace) capture(h *Hello, place int) {
	kept := make([]byte, 0, min(place, len(h.Ciphers)+len(h.Extensions)))
	keep := func(list []byte) []byte {
		at := len(kept)
		kept = append(kept, list[:min(len(list), place-at)]...)
		return kept[at:len(kept):len(kept)]
	}
	left := func() int { return place - len(kept) }
	t.Ciphers = keep(h.Ciphers)
	var ids []byte
	for r := (Reader{B: h.Extensions}); len(r.B) > 0; {
		id := r.Take(2)
		if r.Take(int(r.Uint16())); r.Bad {
			break
		}
		ids = append(ids, id...)
	}
	t.Extensions = keep(ids[:min(len(ids), left()&^1)]) // of which there are no halves
	if list, _ := h.Extension(ExtGroups); len(list) > 2 {
		t.Groups = keep(list[2:])
	}
	if list, _ := h.Extension(ExtPointFormats); len(list) > 1 {
		t.Formats = keep(list[1:])
	}
}

// Write implements io.Writer for crypto/tls, which says a secret in each line: its label, the
// random of the client, and the secret.
func (t *tracer) Write(line []byte) (int, error) {
	if f := bytes.Fields(line); len(f) == 3 {
		if i := slices.Index(secretLabels[:], string(f[0])); i == int(MasterSecret) || i > 0 && t.Traffic {
			t.trace.secrets[i] = bytes.Clone(f[2])
		}
	}
	return len(line), nil
}

// Traced is a configuration for one handshake that keeps what is wanted of the connection's
// secrets. conn is what crypto/tls hands to functions of configurations.
func Traced(cfg *tls.Config, conn net.Conn) *tls.Config {
	w, ok := conn.(*wire)
	if !ok || w.tracer == nil || !w.tracer.Master && !w.tracer.Traffic {
		return cfg
	}
	own := cfg.Clone()
	own.KeyLogWriter = w.tracer
	return own
}

// trace begins to follow a handshake, if anything is wanted of it.
func (c *Conn) trace() {
	if c.q.Tracing.Hellos {
		c.tracer = &tracer{Tracing: c.q.Tracing, digest: c.q.Digest, trace: new(Trace)}
	}
}

// traced ends that.
func (c *Conn) traced(st *tls.ConnectionState) *Trace {
	if c.tracer == nil {
		return nil
	}
	t := c.tracer.trace
	t.Unique = bytes.Clone(st.TLSUnique)
	if st.Version == tls.VersionTLS13 {
		t.SessionID = nil // it is what the client has said, and means nothing
	}
	c.tracer = nil
	return t
}
