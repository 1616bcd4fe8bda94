package proxyproto

import (
	"encoding/binary"
	"net/netip"
	"strconv"
)

// Options is what a header of version 2 says beside the addresses.
type Options uint16

// Options (configuration manual, "proxy-v2-options").
const (
	SSL       Options = 1 << iota // whether the client speaks TLS, and which version
	CertCN                        // the name in the client's certificate
	SSLCipher                     // the cipher
	CertSig                       // the algorithms of the listener's certificate
	CertKey
	Authority // the host name the client asked for
	CRC32C    // a checksum
	UniqueID  // "unique-id-format" of the request
)

// OptionNames are the words for the options, by bit.
func OptionNames() []string {
	return []string{"ssl", "cert-cn", "ssl-cipher", "cert-sig", "cert-key", "authority", "crc32c", "unique-id"}
}

// About is the connection that is passed on.
type About struct {
	// Source and Destination may be not valid: of a unix socket.
	Source, Destination netip.AddrPort
	// Local: the connection is the proxy's own, of a health check.
	Local               bool
	Authority, UniqueID []byte
	ALPN                string
	Namespace           string // network namespace of the connection
	TLS                 *TLS   // nil: the client does not speak it
}

// TLS is what is told of a client that speaks TLS.
type TLS struct {
	Version, Cipher string
	CN              string // of the client's certificate
	SigAlg, KeyAlg  string // of the listener's
	// Certificate: the client has shown one; Before: in this connection of the session or an
	// earlier one. Verify is 0 if it was found good.
	Certificate, Before bool
	Verify              uint32
}

// Bits of the first byte about TLS.
const (
	clientTLS    = 1
	certOnConn   = 2
	certInBefore = 4
)

// Append1 appends a header of version 1.
func Append1(dst []byte, a *About) []byte {
	src, dest := a.Source.Addr(), a.Destination.Addr()
	switch {
	case src.Is4() && dest.Is4():
		dst = append(dst, "PROXY TCP4 "...)
	case src.Is6() && dest.Is6():
		dst = append(dst, "PROXY TCP6 "...)
	default:
		return append(dst, "PROXY UNKNOWN\r\n"...)
	}
	dst = append(src.AppendTo(dst), ' ')
	dst = append(dest.AppendTo(dst), ' ')
	dst = append(strconv.AppendUint(dst, uint64(a.Source.Port()), 10), ' ')
	dst = strconv.AppendUint(dst, uint64(a.Destination.Port()), 10)
	return append(dst, '\r', '\n')
}

// maxSize is how long a header of version 2 gets, as in the reference, whose buffers have this
// size. A client chooses the text of some values, and a header as long as its length cannot say
// would be followed by a beginning of the connection that the client has made up.
const maxSize = 16384

// Append2 appends a header of version 2. Values for which there is no place are left out.
func Append2(dst []byte, a *About, opt Options) []byte {
	start := len(dst)
	dst = append(dst, signature...)
	src, dest := a.Source.Addr(), a.Destination.Addr()
	command := byte(0x21)
	if a.Local {
		command = 0x20
	}
	switch {
	case !src.IsValid() || !dest.IsValid():
		dst = append(dst, command, 0, 0, 0)
	case src.Is4() && dest.Is4():
		dst = append(dst, command, 0x11, 0, 0)
		s, d := src.As4(), dest.As4()
		dst = appendPorts(append(append(dst, s[:]...), d[:]...), a)
	default: // one of them is of IPv6: so is the other, mapped if need be
		dst = append(dst, command, 0x21, 0, 0)
		s, d := src.As16(), dest.As16()
		dst = appendPorts(append(append(dst, s[:]...), d[:]...), a)
	}
	sum := 0
	if opt&CRC32C != 0 {
		dst = append(dst, typeCRC32C, 0, 4, 0, 0, 0, 0)
		sum = len(dst) - 4
	}
	end := start + maxSize
	if a.ALPN != "" {
		dst = extra(dst, end, typeALPN, a.ALPN)
	}
	if opt&Authority != 0 && len(a.Authority) > 0 {
		dst = extra(dst, end, typeAuthority, a.Authority)
	}
	if opt&UniqueID != 0 && len(a.UniqueID) > 0 {
		dst = extra(dst, end, typeUniqueID, a.UniqueID)
	}
	if opt&SSL != 0 && end-len(dst) >= sizeTLS {
		dst = appendTLS(dst, end, a.TLS, opt)
	}
	if a.Namespace != "" {
		dst = extra(dst, end, typeNamespace, a.Namespace)
	}
	binary.BigEndian.PutUint16(dst[start+14:], uint16(len(dst)-start-fixedSize))
	if sum > 0 {
		binary.BigEndian.PutUint32(dst[sum:], checksum(dst[start:], sum-start))
	}
	return dst
}

func appendPorts(dst []byte, a *About) []byte {
	dst = binary.BigEndian.AppendUint16(dst, a.Source.Port())
	return binary.BigEndian.AppendUint16(dst, a.Destination.Port())
}

// extra appends a value with its type and length, if that ends at end at the latest.
func extra[T string | []byte](dst []byte, end int, kind byte, value T) []byte {
	if len(value)+3 > end-len(dst) {
		return dst
	}
	dst = binary.BigEndian.AppendUint16(append(dst, kind), uint16(len(value)))
	return append(dst, value...)
}

// sizeTLS is how long what is said about TLS is at least.
const sizeTLS = 8

func appendTLS(dst []byte, end int, t *TLS, opt Options) []byte {
	start := len(dst)
	dst = append(dst, typeSSL, 0, 0, 0, 0, 0, 0, 0)
	if t != nil {
		bits := byte(clientTLS)
		if t.Certificate {
			bits |= certOnConn
		}
		if t.Before {
			bits |= certInBefore
		}
		dst[start+3] = bits
		binary.BigEndian.PutUint32(dst[start+4:], t.Verify)
		dst = extra(dst, end, typeVersion, t.Version)
		for _, x := range []struct {
			opt  Options
			kind byte
			text string
		}{{CertCN, typeCN, t.CN}, {CertKey, typeKeyAlg, t.KeyAlg}, {CertSig, typeSigAlg, t.SigAlg}, {SSLCipher, typeCipher, t.Cipher}} {
			if opt&x.opt != 0 && x.text != "" {
				dst = extra(dst, end, x.kind, x.text)
			}
		}
	}
	binary.BigEndian.PutUint16(dst[start+1:], uint16(len(dst)-start-3))
	return dst
}
