package difftest

import (
	"bufio"
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/tls"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"bench/internal/testpeer"
)

// sealer makes records as no library would: of a client that has shaken hands and said nothing
// yet.
type sealer struct {
	aead   cipher.AEAD
	iv     []byte
	number uint64
	// secret is what the keys of TLS 1.3 come from; nil: it is TLS 1.2.
	secret []byte
}

// Types of records.
const (
	recordCCS       = 20
	recordAlert     = 21
	recordHandshake = 22
	recordData      = 23
)

// sealed is a client that shakes hands, and what seals its records from then on.
func sealed(addr string) (*tls.Conn, *sealer, error) {
	raw, err := net.Dial("tcp", addr)
	if err != nil {
		return nil, nil, err
	}
	var keys bytes.Buffer
	c := tls.Client(raw, &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS13, KeyLogWriter: &keys}) //nolint:gosec // it is the test's own
	_ = raw.SetDeadline(time.Now().Add(10 * time.Second))
	if err := c.Handshake(); err != nil {
		raw.Close()
		return nil, nil, err
	}
	var secret []byte
	for line := range strings.Lines(keys.String()) {
		if f := strings.Fields(line); len(f) == 3 && f[0] == "CLIENT_TRAFFIC_SECRET_0" {
			secret, _ = hex.DecodeString(f[2])
		}
	}
	s := &sealer{secret: secret}
	return c, s, s.derive()
}

// label is what TLS 1.3 makes of the secret under a label (RFC 8446 §7.1).
func (s *sealer) label(label string, n int) ([]byte, error) {
	info := string(binary.BigEndian.AppendUint16(nil, uint16(n))) + string(rune(len("tls13 "+label))) + "tls13 " + label + "\x00"
	if len(s.secret) == sha256.Size {
		return hkdf.Expand(sha256.New, s.secret, info, n)
	}
	return hkdf.Expand(sha512.New384, s.secret, info, n)
}

// derive makes the keys of the secret. The suites of these lengths have AES.
func (s *sealer) derive() (err error) {
	size := 16
	if len(s.secret) > sha256.Size {
		size = 32
	}
	key, err := s.label("key", size)
	if err != nil {
		return err
	}
	if s.iv, err = s.label("iv", 12); err != nil {
		return err
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return err
	}
	s.number = 0
	s.aead, err = cipher.NewGCM(block)
	return err
}

// rekeyed appends a change of keys, which is to be answered by another one or not, and goes on
// with the new keys.
func (s *sealer) rekeyed(dst []byte, answer string) []byte {
	dst = s.record(dst, recordHandshake, "\x18\x00\x00\x01"+answer, 0)
	var err error
	if s.secret, err = s.label("traffic upd", len(s.secret)); err == nil {
		err = s.derive()
	}
	if err != nil {
		panic(err)
	}
	return dst
}

// record appends a record with some content, and in TLS 1.3 padding.
func (s *sealer) record(dst []byte, kind byte, content string, padding int) []byte {
	if s.secret == nil {
		return s.record12(dst, kind, content)
	}
	inner := append(append([]byte(content), kind), make([]byte, padding)...)
	head := binary.BigEndian.AppendUint16([]byte{recordData, 3, 3}, uint16(len(inner)+s.aead.Overhead()))
	nonce := bytes.Clone(s.iv)
	for i := range 8 {
		nonce[4+i] ^= byte(s.number >> (56 - 8*i))
	}
	s.number++
	return s.aead.Seal(append(dst, head...), nonce, inner, head)
}

// recordCase is what a client says in records of its own.
type recordCase struct {
	name string
	say  func(s *sealer) []byte
	// The engine does this on purpose, for this reason.
	differs, why string
}

const askedInRecords = "GET / HTTP/1.1\r\nHost: a\r\n\r\n"

func recordCases() []recordCase {
	bytewise := func(s *sealer, between func([]byte) []byte) (out []byte) {
		for i := range len(askedInRecords) {
			if between != nil {
				out = between(out)
			}
			out = s.record(out, recordData, askedInRecords[i:i+1], 0)
		}
		return out
	}
	then := func(kind byte, content string) func(*sealer) []byte {
		return func(s *sealer) []byte {
			return s.record(s.record(s.record(nil, recordData, askedInRecords[:9], 0), kind, content, 0), recordData, askedInRecords[9:], 0)
		}
	}
	return []recordCase{
		{name: "one record", say: func(s *sealer) []byte { return s.record(nil, recordData, askedInRecords, 0) }},
		{name: "byte by byte", say: func(s *sealer) []byte { return bytewise(s, nil) }},
		{name: "an empty record before each byte", say: func(s *sealer) []byte {
			return bytewise(s, func(b []byte) []byte { return s.record(b, recordData, "", 0) })
		}},
		{name: "ten empty records before each byte", say: func(s *sealer) []byte {
			return bytewise(s, func(b []byte) []byte {
				for range 10 {
					b = s.record(b, recordData, "", 0)
				}
				return b
			})
		}},
		{name: "forty empty records", say: func(s *sealer) (out []byte) {
			for range 40 {
				out = s.record(out, recordData, "", 0)
			}
			return s.record(out, recordData, askedInRecords, 0)
		}},
		{name: "padding", say: func(s *sealer) []byte { return s.record(nil, recordData, askedInRecords, 1000) }},
		{name: "all the padding there may be", say: func(s *sealer) []byte { return s.record(nil, recordData, askedInRecords, 16384-len(askedInRecords)) }},
		{name: "more padding than there may be", differs: "refused: tls: record overflow", why: "a record has 16 KiB at most, its padding included (RFC 8446 §5.4)", say: func(s *sealer) []byte { return s.record(nil, recordData, askedInRecords, 16385) }},
		{name: "nothing but padding", say: func(s *sealer) []byte { return s.record(nil, 0, "", 100) }},
		{name: "a record of another type", say: then(99, "x")},
		{name: "a change of ciphers, sealed", differs: `200 "hello" <nil>`, why: "crypto/tls passes over such records, of which it takes a few", say: then(recordCCS, "\x01")},
		{name: "a change of ciphers in clear", differs: `200 "hello" <nil>`, why: "crypto/tls passes over such records, of which it takes a few", say: func(s *sealer) []byte {
			return s.record([]byte{recordCCS, 3, 3, 0, 1, 1}, recordData, askedInRecords, 0)
		}},
		{name: "data in clear", say: func(*sealer) []byte {
			return append([]byte{recordData, 3, 3, 0, byte(len(askedInRecords))}, askedInRecords...)
		}},
		{name: "an alert in clear", differs: "refused: tls: bad record MAC", why: "crypto/tls opens each record first", say: func(*sealer) []byte { return []byte{recordAlert, 3, 3, 0, 2, 2, 80} }},
		{name: "another version", say: func(s *sealer) []byte {
			b := s.record(nil, recordData, askedInRecords, 0)
			b[1] = 9
			return b
		}},
		{name: "damage", say: func(s *sealer) []byte {
			b := s.record(nil, recordData, askedInRecords, 0)
			b[len(b)-1] ^= 1
			return b
		}},
		{name: "a record of nothing", say: func(*sealer) []byte { return []byte{recordData, 3, 3, 0, 0} }},
		{name: "a number left out", say: func(s *sealer) []byte { s.number++; return s.record(nil, recordData, askedInRecords, 0) }},
		{name: "close_notify within", say: then(recordAlert, "\x01\x00")},
		{name: "close_notify behind", say: func(s *sealer) []byte {
			return s.record(s.record(nil, recordData, askedInRecords, 0), recordAlert, "\x01\x00", 0)
		}},
		{name: "close_notify in two records", say: func(s *sealer) []byte {
			return s.record(s.record(s.record(nil, recordData, askedInRecords, 0), recordAlert, "\x01", 0), recordAlert, "\x00", 0)
		}},
		{name: "user_canceled within", say: then(recordAlert, "\x01\x5a")},
		{name: "internal_error within", say: then(recordAlert, "\x02\x50")},
		{name: "an empty alert", say: then(recordAlert, "")},
		{name: "two alerts in a record", say: then(recordAlert, "\x01\x5a\x01\x5a")},
		{name: "an alert of level 3", say: then(recordAlert, "\x03\x5a")},
		{name: "a change of keys, damaged", differs: "refused: tls: error decoding message", why: "the alert of crypto/tls", say: then(recordHandshake, "\x18\x00\x00\x01\x02")},
		{name: "a change of keys, too long", differs: "refused: tls: error decoding message", why: "the alert of crypto/tls", say: then(recordHandshake, "\x18\x00\x00\x02\x00\x00")},
		{name: "a hello again", differs: "refused: tls: error decoding message", why: "the alert of crypto/tls", say: then(recordHandshake, "\x01\x00\x00\x04abcd")},
		{name: "HelloRequest", say: then(recordHandshake, "\x00\x00\x00\x00")},
		{name: "a ticket from the client", differs: "refused: tls: error decoding message", why: "the alert of crypto/tls", say: then(recordHandshake, "\x04\x00\x00\x0d\x00\x00\x00\x01\x00\x00\x00\x01\x00\x00\x02ab\x00")},
		{name: "Finished again", say: then(recordHandshake, "\x14\x00\x00\x20"+strings.Repeat("x", 32))},
		{name: "an empty message of the handshake", say: then(recordHandshake, "")},
		{name: "a message without an end", differs: "refused: tls: unexpected message", why: "the alert of crypto/tls", say: then(recordHandshake, "\x18\x00\xff\xff")},
		{name: "a change of keys before each byte", say: func(s *sealer) []byte {
			return bytewise(s, func(b []byte) []byte { return s.rekeyed(b, "\x00") })
		}},
		{name: "a change of keys before each byte, to be answered", say: func(s *sealer) []byte {
			return bytewise(s, func(b []byte) []byte { return s.rekeyed(b, "\x01") })
		}},
		{name: "twelve changes of keys", say: func(s *sealer) (out []byte) {
			for range 12 {
				out = s.rekeyed(out, "\x01")
			}
			return s.record(out, recordData, askedInRecords, 0)
		}},
		{name: "a hundred changes of keys", differs: "refused: tls: unexpected message", why: "crypto/tls takes sixteen records in a row that bring nothing", say: func(s *sealer) (out []byte) {
			for range 100 {
				out = s.rekeyed(out, "\x00")
			}
			return s.record(out, recordData, askedInRecords, 0)
		}},
		{name: "half a record", say: func(s *sealer) []byte { b := s.record(nil, recordData, askedInRecords, 0); return b[:len(b)/2] }},
	}
}

// play says what a client gets, which then ends its side of the connection.
func (k *recordCase) play(addr string, shake func(addr string) (*tls.Conn, *sealer, error)) (string, error) {
	c, s, err := shake(addr)
	if err != nil {
		return "", err
	}
	defer c.Close()
	if _, err := c.NetConn().Write(k.say(s)); err != nil {
		return "", err
	}
	_ = c.SetReadDeadline(time.Now().Add(time.Second))
	resp, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		if errors.Is(err, os.ErrDeadlineExceeded) {
			return "nothing", nil
		}
		return refusal(err), nil
	}
	body, err := io.ReadAll(resp.Body)
	if resp.StatusCode != http.StatusOK {
		return resp.Status, nil // in words of its own
	}
	return fmt.Sprintf("%d %q %v", resp.StatusCode, body, err), nil
}

// A client that wants other keys, and says nothing else, is answered. The reference says it with
// what it sends next.
func changesKeys(t *testing.T) {
	certs := t.TempDir()
	makeFiles(t, certs)
	engine := &subject{"builtin", []string{build(t), "proxy"}}
	r, err := engine.start(t.TempDir(), scannedConf("crt "+certs+"/site"), 0)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := r.stop(); err != nil {
			t.Error(err)
		}
	}()
	c, s, err := sealed(r.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	raw, rest := c.NetConn(), make([]byte, 4096)
	for { // tickets
		_ = raw.SetReadDeadline(time.Now().Add(200 * time.Millisecond))
		if _, err := raw.Read(rest); err != nil {
			break
		}
	}
	if _, err := raw.Write(s.record(nil, recordHandshake, "\x18\x00\x00\x01\x01", 0)); err != nil {
		t.Fatal(err)
	}
	_ = raw.SetReadDeadline(time.Now().Add(2 * time.Second))
	if n, _ := raw.Read(rest); n <= 5 || rest[0] != recordData {
		t.Errorf("the answer is %x", rest[:n])
	}
}

// Records that no library makes are taken as by the reference.
func TestRecordsLikeReference(t *testing.T) {
	t.Run("1.3", func(t *testing.T) { playRecords(t, recordCases(), sealed) })
	t.Run("a change of keys is answered", changesKeys)
	t.Run("1.2", func(t *testing.T) { playRecords(t, recordCases12(), sealed12) })
}

func playRecords(t *testing.T, cases []recordCase, shake func(addr string) (*tls.Conn, *sealer, error)) {
	t.Helper()
	const conf = `global
    nbthread 1
defaults
    mode http
    timeout connect 500ms
    timeout client 3s
    timeout server 3s
frontend ready
    bind fd@4
    monitor-uri /ready
frontend fe
    bind fd@3 ssl crt %s/site
    http-request return status 200 content-type text/plain string hello
`
	certs := t.TempDir()
	makeFiles(t, certs)
	results := [2][]string{make([]string, len(cases)), make([]string, len(cases))}
	for i, s := range []*subject{{"haproxy", []string{testpeer.Need(t, "haproxy")}}, {"builtin", []string{build(t), "proxy"}}} {
		r, err := s.start(t.TempDir(), fmt.Sprintf(conf, certs), 0)
		if err != nil {
			t.Fatal(err)
		}
		var all sync.WaitGroup
		for n := range cases {
			all.Go(func() {
				got, err := cases[n].play(r.addr, shake)
				if err != nil {
					t.Errorf("%s: %s: %v", s.name, cases[n].name, err)
				}
				results[i][n] = got
			})
		}
		all.Wait()
		if err := r.stop(); err != nil {
			t.Errorf("%s: %v", s.name, err)
		}
	}
	for n, k := range cases {
		want, got := results[0][n], results[1][n]
		switch {
		case k.differs == "" && got != want:
			t.Errorf("%s:\n\thaproxy: %s\n\tbuiltin: %s", k.name, want, got)
		case k.differs != "" && got != k.differs:
			t.Errorf("%s: differs, but not as announced\n\thaproxy: %s\n\tbuiltin: %s", k.name, want, got)
		case k.differs != "" && got == want:
			t.Errorf("%s: no longer differs: %s", k.name, got)
		}
	}
}
