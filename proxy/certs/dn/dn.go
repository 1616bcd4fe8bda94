// Package dn writes what certificates have names for as OpenSSL does: those of owners and
// issuers, and of algorithms. It knows nothing of what they are used for.
package dn

import (
	"crypto/x509/pkix"
	"encoding/asn1"
	"fmt"
	"slices"
	"strings"
)

// entryNames are the short names of the entries of a name (RFC 4519, RFC 2985).
var entryNames = map[string]string{
	"2.5.4.3": "CN", "2.5.4.4": "SN", "2.5.4.5": "serialNumber", "2.5.4.6": "C", "2.5.4.7": "L", "2.5.4.8": "ST", "2.5.4.9": "street",
	"2.5.4.10": "O", "2.5.4.11": "OU", "2.5.4.12": "title", "2.5.4.42": "GN", "2.5.4.46": "dnQualifier",
	"1.2.840.113549.1.9.1": "emailAddress", "0.9.2342.19200300.100.1.25": "DC", "0.9.2342.19200300.100.1.1": "UID",
}

// part is one entry of a name.
type part struct{ name, value string }

// parts are the entries of a name in DER, together where they stand together; nil if it is none.
func parts(raw []byte) (sets [][]part) {
	var rdns pkix.RDNSequence
	if _, err := asn1.Unmarshal(raw, &rdns); err != nil {
		return nil
	}
	for _, set := range rdns {
		var list []part
		for _, a := range set {
			name, ok := entryNames[a.Type.String()]
			if !ok {
				name = a.Type.String()
			}
			list = append(list, part{name, fmt.Sprint(a.Value)})
		}
		sets = append(sets, list)
	}
	return sets
}

// OneLine is a name as "/C=FR/CN=x".
func OneLine(raw []byte) string {
	var all strings.Builder
	for _, p := range slices.Concat(parts(raw)...) {
		all.WriteString("/" + p.name + "=" + p.value)
	}
	return all.String()
}

// Spaced is a name as "C = FR, CN = x".
func Spaced(raw []byte) string {
	var all []string
	for _, set := range parts(raw) {
		var together []string
		for _, p := range set {
			together = append(together, p.name+" = "+p.value)
		}
		all = append(all, strings.Join(together, " + "))
	}
	return strings.Join(all, ", ")
}

// Entry is the value of the nth entry of a kind, from the end if nth is negative; "" if
// there is none.
func Entry(raw []byte, kind string, nth int) string {
	var found []string
	for _, p := range slices.Concat(parts(raw)...) {
		if p.name == kind {
			found = append(found, p.value)
		}
	}
	if nth < 0 {
		nth += len(found) + 1
	}
	if nth < 1 || nth > len(found) {
		return ""
	}
	return found[nth-1]
}

// LDAP is a name in the form of LDAP (RFC 2253): the last entry first.
func LDAP(raw []byte) string {
	var all []string
	for _, set := range slices.Backward(parts(raw)) {
		var together []string
		for _, p := range slices.Backward(set) {
			together = append(together, p.name+"="+escaped(p.value))
		}
		all = append(all, strings.Join(together, "+"))
	}
	return strings.Join(all, ",")
}

// escaped is a value in which nothing can be mistaken (RFC 2253, section 2.4).
func escaped(s string) string {
	var b strings.Builder
	for i := range len(s) {
		c := s[i]
		special := strings.IndexByte(",+\"\\<>;", c) >= 0 || i == 0 && (c == '#' || c == ' ') || i == len(s)-1 && c == ' '
		switch {
		case special:
			b.WriteByte('\\')
			b.WriteByte(c)
		case c < ' ' || c >= 0x7f:
			fmt.Fprintf(&b, "\\%02X", c)
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}
