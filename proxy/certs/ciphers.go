package certs

import (
	"crypto/tls"
	"fmt"
	"slices"
	"strings"

	"bench/internal/tlsio"
)

// suite is a cipher suite up to TLS 1.2, with the words of OpenSSL's language that it
// belongs to (openssl-ciphers(1)).
type suite struct {
	id   uint16
	tags string
}

// suites are those that both OpenSSL and crypto/tls have, in OpenSSL's order.
var suites = []suite{
	{tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, tagECDHE + tagECDSA + tagAES256 + tagGCM},
	{tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384, tagECDHE + tagSignedRSA + tagAES256 + tagGCM},
	{tls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256, tagECDHE + tagECDSA + tagChaCha},
	{tls.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256, tagECDHE + tagSignedRSA + tagChaCha},
	{tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, tagECDHE + tagECDSA + tagAES128 + tagGCM},
	{tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, tagECDHE + tagSignedRSA + tagAES128 + tagGCM},
	{tls.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256, tagECDHE + tagECDSA + tagAES128 + tagSHA256},
	{tls.TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256, tagECDHE + tagSignedRSA + tagAES128 + tagSHA256},
	{tls.TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA, tagECDHE + tagECDSA + tagAES256 + tagSHA1 + " TLSv1 TLSv1.0"},
	{tls.TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA, tagECDHE + tagSignedRSA + tagAES256 + tagSHA1 + " TLSv1 TLSv1.0"},
	{tls.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA, tagECDHE + tagECDSA + tagAES128 + tagSHA1 + " TLSv1 TLSv1.0"},
	{tls.TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA, tagECDHE + tagSignedRSA + tagAES128 + tagSHA1 + " TLSv1 TLSv1.0"},
	{tls.TLS_RSA_WITH_AES_256_GCM_SHA384, tagRSA + tagAES256 + tagGCM},
	{tls.TLS_RSA_WITH_AES_128_GCM_SHA256, tagRSA + tagAES128 + tagGCM},
	{tls.TLS_RSA_WITH_AES_128_CBC_SHA256, tagRSA + tagAES128 + tagSHA256},
	{tls.TLS_RSA_WITH_AES_256_CBC_SHA, tagRSA + tagAES256 + tagSHA1 + " SSLv3"},
	{tls.TLS_RSA_WITH_AES_128_CBC_SHA, tagRSA + tagAES128 + tagSHA1 + " SSLv3"},
}

const (
	tagECDHE     = " ALL HIGH ECDH ECDHE EECDH kECDHE kEECDH"
	tagRSA       = " ALL HIGH kRSA RSA aRSA"
	tagECDSA     = " ECDSA aECDSA"
	tagSignedRSA = " aRSA"
	tagAES128    = " AES AES128 FIPS"
	tagAES256    = " AES AES256 FIPS"
	tagGCM       = " AESGCM TLSv1.2"
	tagChaCha    = " CHACHA20 TLSv1.2"
	tagSHA256    = " SHA256 TLSv1.2"
	tagSHA1      = " SHA SHA1"
)

func (s *suite) name() string { return tlsio.SuiteName(s.id) }

// has tells whether the suite is what a word of the language means.
func (s *suite) has(word string) bool {
	return s.name() == word || slices.Contains(strings.Fields(s.tags), word)
}

// parseCiphers evaluates a list in the language of OpenSSL; "" is the usual one. unknown
// are the names in it that mean no suite. Only the set of the suites matters:
// crypto/tls has an order of its own.
func parseCiphers(list string) (ids []uint16, unknown []string, err error) {
	var active, killed []*suite
	items := strings.FieldsFunc(list, func(r rune) bool { return strings.ContainsRune(": ,;", r) })
	if len(items) == 0 || strings.HasPrefix(items[0], "PROFILE=") {
		items = []string{"DEFAULT"}
	}
	for _, item := range items {
		op := byte(0)
		if strings.IndexByte("!-+@", item[0]) >= 0 {
			op, item = item[0], item[1:]
		}
		if op == '@' { // STRENGTH and SECLEVEL: order, and what keys are strong enough
			continue
		}
		found := matching(item)
		if len(found) == 0 && op == 0 && !slices.Contains(noSuites, item) {
			unknown = append(unknown, item)
		}
		for _, s := range found {
			switch op {
			case 0:
				if !slices.Contains(active, s) && !slices.Contains(killed, s) {
					active = append(active, s)
				}
			case '!', '-':
				active = slices.DeleteFunc(active, func(x *suite) bool { return x == s })
				if op == '!' {
					killed = append(killed, s)
				}
			}
		}
	}
	for _, s := range active {
		ids = append(ids, s.id)
	}
	if len(ids) == 0 {
		return nil, unknown, fmt.Errorf("no cipher of '%s' can be used: it would have to be one of %s, or a word that includes one", list, strings.Join(cipherNames(), " "))
	}
	return ids, unknown, nil
}

// noSuites are words that mean suites of a kind that nobody should use, or that only OpenSSL
// has: that nothing of them remains needs no mention.
var noSuites = []string{"COMPLEMENTOFDEFAULT", "COMPLEMENTOFALL", "MEDIUM", "LOW", "EXPORT", "EXP", "NULL", "eNULL", "aNULL"}

// matching are the suites that all the words of an item, joined by "+", mean.
func matching(item string) (found []*suite) {
	words := strings.Split(item, "+")
	for i := range suites {
		s := &suites[i]
		if !slices.ContainsFunc(words, func(w string) bool { return !s.has(w) && w != "DEFAULT" }) {
			found = append(found, s)
		}
	}
	return found
}

func cipherNames() []string {
	names := make([]string, len(suites))
	for i := range suites {
		names[i] = suites[i].name()
	}
	return names
}

// tls13Suites are those of TLS 1.3. crypto/tls always offers them all.
var tls13Suites = []string{"TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256", "TLS_AES_128_GCM_SHA256"}

// checkSuites looks at a list of suites of TLS 1.3. It reports whether it leaves out
// any of those that will be used all the same.
func checkSuites(list string) (leavesOut bool, err error) {
	if list == "" {
		return false, nil
	}
	known := 0
	names := strings.FieldsFunc(list, func(r rune) bool { return r == ':' })
	for _, s := range tls13Suites {
		if slices.Contains(names, s) {
			known++
		}
	}
	if known == 0 {
		return false, fmt.Errorf("no suite of '%s' is one of TLS 1.3: those are %s", list, strings.Join(tls13Suites, " "))
	}
	return known < len(tls13Suites), nil
}

// curveNames are the names of groups in OpenSSL and elsewhere.
var curveNames = []struct {
	id    tls.CurveID
	names []string
}{
	{tls.X25519, []string{"x25519"}},
	{tls.CurveP256, []string{"p-256", "prime256v1", "secp256r1"}},
	{tls.CurveP384, []string{"p-384", "secp384r1"}},
	{tls.CurveP521, []string{"p-521", "secp521r1"}},
	{tls.X25519MLKEM768, []string{"x25519mlkem768"}},
}

// parseCurves reads a list of groups. "" is what is usual: without the hybrid one,
// which costs as much as the rest of a handshake.
func parseCurves(list string) (ids []tls.CurveID, unknown []string, err error) {
	if list == "" {
		return []tls.CurveID{tls.X25519, tls.CurveP256, tls.CurveP384, tls.CurveP521}, nil, nil
	}
	for name := range strings.SplitSeq(list, ":") {
		name = strings.TrimPrefix(name, "?")
		known := false
		for _, c := range curveNames {
			if slices.Contains(c.names, strings.ToLower(name)) {
				known = true
				if !slices.Contains(ids, c.id) {
					ids = append(ids, c.id)
				}
			}
		}
		if !known {
			unknown = append(unknown, name)
		}
	}
	if len(ids) == 0 {
		return nil, unknown, fmt.Errorf("no curve of '%s' can be used: they are X25519, P-256, P-384, P-521 and X25519MLKEM768", list)
	}
	return ids, unknown, nil
}
