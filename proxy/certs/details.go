package certs

import (
	"crypto/tls"
	"runtime"
	"strings"
)

// Details says what TLS there is, and what of OpenSSL's there is not.
func Details() string {
	var names []string
	for i := range suites {
		names = append(names, suites[i].name())
	}
	for _, s := range tls.CipherSuites() {
		if s.ID>>8 == 0x13 {
			names = append(names, s.Name)
		}
	}
	return "Built with crypto/tls of " + runtime.Version() + `
  versions    : TLSv1.0 TLSv1.1 TLSv1.2 TLSv1.3
  ciphers     : ` + strings.Join(names, " ") + `
  it lacks    : SSLv3, key exchange by finite fields or with keys given beforehand (DHE, ADH, PSK, SRP),
                CCM, CAMELLIA, ARIA, CBC with SHA384, an order of ciphers of one's own, a choice among
                the ciphers of TLSv1.3, early data, sessions on the server's side, renegotiation, NPN
`
}
