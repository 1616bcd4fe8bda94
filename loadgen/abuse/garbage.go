package abuse

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
)

// blobs is how many different pieces of random bytes there are.
const blobs = 16

// garbageVariants are what other protocols begin with, and what none does.
func garbageVariants(s *settings) []variant {
	size := int(or(s.size, defaultGarbage))
	all := []variant{
		{name: "zeros", data: make([]byte, size)},
		{name: "line-ends", data: bytes.Repeat([]byte("\r\n"), max(1, size/2))},
		{name: "one-line", data: bytes.Repeat([]byte("A"), size), partial: true},
		{name: "tls-hello", data: tlsHello()},
		{name: "http2-preface", data: []byte("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00")},
		{name: "ssh-banner", data: []byte("SSH-2.0-OpenSSH_9.2\r\n")},
		{name: "smtp-greeting", data: []byte("EHLO client.example\r\n\r\n")},
		{name: "redis-command", data: []byte("*1\r\n$4\r\nPING\r\n\r\n")},
	}
	random := rand.New(rand.NewPCG(s.seed, blobs))
	for range blobs {
		blob := make([]byte, (size+7)/8*8)
		for i := 0; i < len(blob); i += 8 {
			binary.NativeEndian.PutUint64(blob[i:], random.Uint64())
		}
		all = append(all, variant{name: "random", data: blob[:size]})
	}
	for i := range all {
		all[i].partial = true // nothing of it is a request
	}
	return all
}

// tlsHello is the record of a ClientHello of TLS 1.2 without extensions.
func tlsHello() []byte {
	hello := slicesOf(
		[]byte{0x03, 0x03}, bytes.Repeat([]byte{0x5a}, 32), // version, random
		[]byte{0, 0, 2, 0x00, 0x2f, 1, 0}, // no session, one cipher suite, no compression
	)
	body := slicesOf([]byte{1, 0, 0, byte(len(hello))}, hello)
	return slicesOf([]byte{0x16, 0x03, 0x01, 0, byte(len(body))}, body)
}

func slicesOf(parts ...[]byte) []byte { return bytes.Join(parts, nil) }

func garbageNames(s *settings) []string { return namesOf(garbageVariants(s)) }

func garbagePlans(s *settings) []plan { return variantPlans(garbageVariants(s)) }
