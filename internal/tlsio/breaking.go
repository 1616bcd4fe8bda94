package tlsio

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/tls"
	"encoding/binary"
	"encoding/hex"
)

// What origins do wrong on purpose, to see what others make of it.

// brokenRecord is the length of a record that is cut off.
const brokenRecord = 1 << 10

// SendBroken sends the first half of a record, behind which the peer waits for the other
// one. Nothing can follow.
func (c *Conn) SendBroken() {
	if c.info == nil || c.errno != 0 {
		return
	}
	had := len(c.q.out)
	if _, err := c.tls.Write(make([]byte, brokenRecord)); err == nil {
		c.q.out = c.q.out[:had+(len(c.q.out)-had)/2]
	}
	c.flush()
}

// RenegotiationSuites are those with which a server can ask for renegotiation.
func RenegotiationSuites() []uint16 {
	return []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256}
}

// AskRenegotiation has a server say a HelloRequest, which crypto/tls cannot: that the client
// is to shake hands again. It has to be the first that is said behind a full handshake of TLS
// 1.2 by one of RenegotiationSuites, whose secret was kept (Tracing). Nothing can follow.
func (c *Conn) AskRenegotiation() (asked bool) {
	i := c.info
	if i == nil || i.Trace == nil || i.Resumed || i.Version != tls.VersionTLS12 || c.errno != 0 {
		return false
	}
	master := make([]byte, hex.DecodedLen(len(i.Trace.Secret(MasterSecret))))
	if _, err := hex.Decode(master, i.Trace.Secret(MasterSecret)); err != nil || len(master) == 0 {
		return false
	}
	const helloRequest = "\x00\x00\x00\x00"
	c.q.out = sealGCM(c.q.out, i.Trace, master, recordHandshake, []byte(helloRequest))
	c.flush()
	return true
}

// sealGCM appends the record that a server says next behind its Finished (RFC 5288).
func sealGCM(dst []byte, t *Trace, master []byte, kind byte, message []byte) []byte {
	const key, salt, number = 16, 4, 1 // of the record: Finished was 0
	seed := append(append([]byte("key expansion"), t.ServerRandom[:]...), t.ClientRandom[:]...)
	keys := expand(master, seed, 2*key+2*salt) // the client's key, the server's, and their salts
	block, err := aes.NewCipher(keys[key : 2*key])
	if err != nil {
		return dst // a key of 16 bytes is one
	}
	gcm, err := cipher.NewGCM(block)
	if err != nil {
		return dst // as above
	}
	explicit := binary.BigEndian.AppendUint64(nil, number)
	nonce := append(append([]byte{}, keys[2*key+salt:]...), explicit...)
	head := []byte{kind, tls.VersionTLS12 >> 8, tls.VersionTLS12 & 0xff}
	known := binary.BigEndian.AppendUint16(append(append([]byte{}, explicit...), head...), uint16(len(message)))
	dst = binary.BigEndian.AppendUint16(append(dst, head...), uint16(len(explicit)+len(message)+gcm.Overhead()))
	return gcm.Seal(append(dst, explicit...), nonce, message, known)
}

// expand is the pseudorandom function of TLS 1.2 with SHA-256 (RFC 5246, section 5).
func expand(secret, seed []byte, n int) (out []byte) {
	sum := func(parts ...[]byte) []byte {
		h := hmac.New(sha256.New, secret)
		for _, p := range parts {
			_, _ = h.Write(p) // it never fails
		}
		return h.Sum(nil)
	}
	for a := sum(seed); len(out) < n; a = sum(a) {
		out = append(out, sum(a, seed)...)
	}
	return out[:n]
}
