package difftest

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/tls"
	"encoding/binary"
	"encoding/hex"
	"net"
	"strings"
	"time"
)

// overhearing is a connection that remembers what has come.
type overhearing struct {
	net.Conn
	came []byte
}

func (l *overhearing) Read(p []byte) (int, error) {
	n, err := l.Conn.Read(p)
	l.came = append(l.came, p[:n]...)
	return n, err
}

// sealed12 is sealed in TLS 1.2.
func sealed12(addr string) (*tls.Conn, *sealer, error) {
	raw, err := net.Dial("tcp", addr)
	if err != nil {
		return nil, nil, err
	}
	var keys bytes.Buffer
	wire := &overhearing{Conn: raw}
	c := tls.Client(wire, &tls.Config{
		InsecureSkipVerify: true, MaxVersion: tls.VersionTLS12, KeyLogWriter: &keys, //nolint:gosec // it is the test's own
		CipherSuites: []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256},
	})
	_ = raw.SetDeadline(time.Now().Add(10 * time.Second))
	if err := c.Handshake(); err != nil {
		raw.Close()
		return nil, nil, err
	}
	f := strings.Fields(keys.String()) // CLIENT_RANDOM, that, and the master secret
	random, _ := hex.DecodeString(f[1])
	master, _ := hex.DecodeString(f[2])
	const (
		hello           = 5 + 4 + 2 // in front of the server's random
		key, salt, side = 16, 4, 2
	)
	seed := append(append([]byte("key expansion"), wire.came[hello:hello+32]...), random...)
	block := expanded12(master, seed, side*(key+salt)) // the client's key, the server's, and their salts
	made, err := aes.NewCipher(block[:key])
	if err != nil {
		return nil, nil, err
	}
	s := &sealer{iv: block[side*key : side*key+salt], number: 1} // Finished was 0
	s.aead, err = cipher.NewGCM(made)
	return c, s, err
}

// expanded12 is the pseudorandom function of TLS 1.2 (RFC 5246 §5).
func expanded12(secret, seed []byte, n int) (out []byte) {
	sum := func(parts ...[]byte) []byte {
		h := hmac.New(sha256.New, secret)
		for _, p := range parts {
			_, _ = h.Write(p)
		}
		return h.Sum(nil)
	}
	for a := sum(seed); len(out) < n; a = sum(a) {
		out = append(out, sum(a, seed)...)
	}
	return out[:n]
}

// record12 is record in TLS 1.2 (RFC 5288 §3).
func (s *sealer) record12(dst []byte, kind byte, content string) []byte {
	explicit := binary.BigEndian.AppendUint64(nil, s.number)
	s.number++
	head := []byte{kind, 3, 3}
	known := binary.BigEndian.AppendUint16(append(bytes.Clone(explicit), head...), uint16(len(content)))
	dst = binary.BigEndian.AppendUint16(append(dst, head...), uint16(len(explicit)+len(content)+s.aead.Overhead()))
	return s.aead.Seal(append(dst, explicit...), append(bytes.Clone(s.iv), explicit...), []byte(content), known)
}

// recordCases12 are those of TLS 1.2.
func recordCases12() []recordCase {
	then := func(kind byte, content string) func(*sealer) []byte {
		return func(s *sealer) []byte {
			return s.record(s.record(s.record(nil, recordData, askedInRecords[:9], 0), kind, content, 0), recordData, askedInRecords[9:], 0)
		}
	}
	many := func(n int, kind byte, content string) func(*sealer) []byte {
		return func(s *sealer) (out []byte) {
			for range n {
				out = s.record(out, kind, content, 0)
			}
			return s.record(out, recordData, askedInRecords, 0)
		}
	}
	again := recordedHello(aes128)[5:]
	const (
		ended   = "refused: tls: unexpected message"
		noWay   = "crypto/tls has no answer to a client that wants to renegotiate"
		ofAlert = "crypto/tls does not look at its level"
	)
	return []recordCase{
		{name: "one record", say: many(0, 0, "")},
		{name: "byte by byte", say: func(s *sealer) (out []byte) {
			for i := range len(askedInRecords) {
				out = s.record(out, recordData, askedInRecords[i:i+1], 0)
			}
			return out
		}},
		{name: "ten empty records before each byte", say: func(s *sealer) (out []byte) {
			for i := range len(askedInRecords) {
				for range 10 {
					out = s.record(out, recordData, "", 0)
				}
				out = s.record(out, recordData, askedInRecords[i:i+1], 0)
			}
			return out
		}},
		{name: "forty empty records", say: many(40, recordData, "")},
		{name: "a warning", say: then(recordAlert, "\x01\x5a")},
		{name: "no_renegotiation", differs: `200 "hello" <nil>`, why: "it says nothing to a server, which has not asked for that", say: then(recordAlert, "\x01\x64")},
		{name: "no_certificate", say: then(recordAlert, "\x01\x29")},
		{name: "four warnings", say: many(4, recordAlert, "\x01\x5a")},
		{name: "forty warnings", say: many(40, recordAlert, "\x01\x5a")},
		{name: "internal_error", say: then(recordAlert, "\x02\x50")},
		{name: "an alert of level 3", differs: ended, why: "the alert of crypto/tls", say: then(recordAlert, "\x03\x5a")},
		{name: "an empty alert", say: then(recordAlert, "")},
		{name: "close_notify within", say: then(recordAlert, "\x01\x00")},
		{name: "close_notify, as if it were fatal", differs: "400 Bad request", why: ofAlert, say: then(recordAlert, "\x02\x00")},
		{name: "close_notify behind", say: func(s *sealer) []byte {
			return s.record(s.record(nil, recordData, askedInRecords, 0), recordAlert, "\x01\x00", 0)
		}},
		{name: "renegotiation", differs: ended, why: noWay, say: then(recordHandshake, again)},
		{name: "renegotiation first", differs: ended, why: noWay, say: many(1, recordHandshake, again)},
		{name: "renegotiation, in two records", differs: ended, why: noWay, say: func(s *sealer) []byte {
			return s.record(s.record(s.record(nil, recordHandshake, again[:40], 0), recordHandshake, again[40:], 0), recordData, askedInRecords, 0)
		}},
		{name: "renegotiation behind", differs: ended, why: noWay, say: func(s *sealer) []byte {
			return s.record(s.record(nil, recordData, askedInRecords, 0), recordHandshake, again, 0)
		}},
		{name: "HelloRequest", differs: "refused: unexpected EOF", why: "the alert of crypto/tls is a warning", say: then(recordHandshake, "\x00\x00\x00\x00")},
		{name: "Finished again", say: then(recordHandshake, "\x14\x00\x00\x0c"+strings.Repeat("x", 12))},
		{name: "an empty message of the handshake", differs: ended, why: "there are none such (RFC 5246 §6.2.1)", say: then(recordHandshake, "")},
		{name: "a change of ciphers", say: then(recordCCS, "\x01")},
		{name: "a record of another type", say: then(99, "x")},
		{name: "a heartbeat", say: then(24, "\x01\x00\x03abc"+strings.Repeat("p", 16))},
		{name: "a change of keys of 1.3", say: then(recordHandshake, "\x18\x00\x00\x01\x00")},
		{name: "data in clear", say: func(*sealer) []byte {
			return append([]byte{recordData, 3, 3, 0, byte(len(askedInRecords))}, askedInRecords...)
		}},
		{name: "an alert in clear", say: func(*sealer) []byte { return []byte{recordAlert, 3, 3, 0, 2, 2, 80} }},
		{name: "a record of nothing", say: func(*sealer) []byte { return []byte{recordData, 3, 3, 0, 0} }},
		{name: "damage", say: func(s *sealer) []byte {
			b := s.record(nil, recordData, askedInRecords, 0)
			b[len(b)-1] ^= 1
			return b
		}},
		{name: "another version", say: func(s *sealer) []byte {
			b := s.record(nil, recordData, askedInRecords, 0)
			b[2] = 4
			return b
		}},
		{name: "too long a record", say: func(s *sealer) []byte { return s.record(nil, recordData, strings.Repeat("x", 16385), 0) }},
		{name: "a number left out", say: func(s *sealer) []byte { s.number++; return s.record(nil, recordData, askedInRecords, 0) }},
		{name: "half a record", say: func(s *sealer) []byte { b := s.record(nil, recordData, askedInRecords, 0); return b[:len(b)/2] }},
	}
}
