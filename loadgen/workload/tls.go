package workload

import (
	"cmp"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
)

// TLS is how the connections of a load are secured.
type TLS struct {
	// Name is asked for, and verified if anything is; "" for none.
	Name string `json:"name,omitempty"`
	// CA is the file of the authorities that the target's certificate is verified by;
	// "" verifies nothing, as is usual for certificates made for tests.
	CA string `json:"ca,omitempty"`
	// Cert and Key are the files of the certificate that the client shows if it is asked for
	// one; a file of both where Key is "". "" shows none.
	Cert string `json:"cert,omitempty"`
	Key  string `json:"key,omitempty"`
	// Ciphers are the suites of TLS 1.2 that are offered, by the names of IANA; nil offers
	// the usual ones. Those of TLS 1.3 are always offered.
	Ciphers []string `json:"ciphers,omitempty"`
	// Full makes a full handshake for every connection. Without it all but the first go on
	// with a session, as browsers do.
	Full bool `json:"full,omitempty"`
	// MinVersion and MaxVersion are "1.2" or "1.3"; "" for any.
	MinVersion string `json:"minVersion,omitempty"`
	MaxVersion string `json:"maxVersion,omitempty"`
}

var tlsVersions = []string{"1.2", "1.3"}

func tlsVersion(name string, usual uint16) uint16 {
	if i := slices.Index(tlsVersions, name); i >= 0 {
		return tls.VersionTLS12 + uint16(i)
	}
	return usual
}

// sessions is how many sessions are remembered: each target has one.
const sessions = 64

// Config is what connections are made with; each thread of a load has one of its own.
func (t *TLS) Config() (*tls.Config, error) {
	cfg := &tls.Config{
		ServerName: t.Name, InsecureSkipVerify: t.CA == "", //nolint:gosec // what is measured is known
		MinVersion: tlsVersion(t.MinVersion, tls.VersionTLS12), MaxVersion: tlsVersion(t.MaxVersion, tls.VersionTLS13),
		CurvePreferences:            []tls.CurveID{tls.X25519, tls.CurveP256, tls.CurveP384, tls.CurveP521},
		DynamicRecordSizingDisabled: true,
	}
	if !t.Full {
		cfg.ClientSessionCache = tls.NewLRUClientSessionCache(sessions)
	}
	for _, name := range t.Ciphers {
		cfg.CipherSuites = append(cfg.CipherSuites, suite(name))
	}
	if t.Cert != "" {
		cert, err := tls.LoadX509KeyPair(t.Cert, cmp.Or(t.Key, t.Cert))
		if err != nil {
			return nil, fmt.Errorf("certificate of the client: %w", err)
		}
		cfg.Certificates = []tls.Certificate{cert}
	}
	if t.CA == "" {
		return cfg, nil
	}
	text, err := os.ReadFile(t.CA)
	if err != nil {
		return nil, fmt.Errorf("authorities of TLS: %w", err)
	}
	if cfg.RootCAs = x509.NewCertPool(); !cfg.RootCAs.AppendCertsFromPEM(text) {
		return nil, errors.New("authorities of TLS: no certificate in " + t.CA)
	}
	return cfg, nil
}

// suite is the number of a suite of TLS 1.2, 0 if there is none of that name.
func suite(name string) uint16 {
	for _, c := range slices.Concat(tls.CipherSuites(), tls.InsecureCipherSuites()) {
		if c.Name == name && slices.Contains(c.SupportedVersions, tls.VersionTLS12) {
			return c.ID
		}
	}
	return 0
}

// KnownSuite reports whether a suite of TLS 1.2 has this name.
func KnownSuite(name string) bool { return suite(name) != 0 }

func validateTLS(s *Spec, bad func(format string, args ...any)) {
	t := s.TLS
	if t == nil {
		return
	}
	for _, v := range []string{t.MinVersion, t.MaxVersion} {
		if v != "" && !slices.Contains(tlsVersions, v) {
			bad("tls: version %q: want %s", v, strings.Join(tlsVersions, " or "))
		}
	}
	if t.MinVersion != "" && t.MaxVersion != "" && t.MinVersion > t.MaxVersion {
		bad("tls: versions %s to %s: nothing is left", t.MinVersion, t.MaxVersion)
	}
	for _, name := range t.Ciphers {
		if suite(name) == 0 {
			bad("tls: there is no suite %q of TLS 1.2: want a name like TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", name)
		}
	}
	if len(t.Ciphers) > 0 && t.MinVersion == "1.3" {
		bad("tls: the suites of TLS 1.3 cannot be chosen")
	}
	if t.Key != "" && t.Cert == "" {
		bad("tls: a key needs the certificate it belongs to")
	}
	if t.CA != "" && t.Name == "" {
		bad("tls: ca needs the name that the certificate is to be for")
	}
}
