// Package certs makes configurations of crypto/tls of what was configured:
// certificates and their names, versions, ciphers, authorities. It reads files; it
// knows no connections.
//
// What crypto/tls does not have (key exchange by finite fields, the order of ciphers, a
// choice among the suites of TLS 1.3) is passed over where it is one of several choices,
// as OpenSSL passes over names that it does not know, and reported by notes.
package certs
