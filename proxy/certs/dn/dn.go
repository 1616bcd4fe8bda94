// Package dn writes what certificates have names for as OpenSSL does: those of owners and
// issuers, and of algorithms. It knows nothing of what they are used for.
package dn

import (
	"encoding/asn1"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
)

// entryNames are the short names of the entries of a name, as OpenSSL has them (RFC 4519, RFC
// 2985, and those of certificates with extended validation).
var entryNames = map[string]string{
	"2.5.4.3": "CN", "2.5.4.4": "SN", "2.5.4.5": "serialNumber", "2.5.4.6": "C", "2.5.4.7": "L", "2.5.4.8": "ST", "2.5.4.9": "street",
	"2.5.4.10": "O", "2.5.4.11": "OU", "2.5.4.12": "title", "2.5.4.13": "description", "2.5.4.15": "businessCategory",
	"2.5.4.16": "postalAddress", "2.5.4.17": "postalCode", "2.5.4.18": "postOfficeBox", "2.5.4.20": "telephoneNumber", "2.5.4.41": "name",
	"2.5.4.42": "GN", "2.5.4.43": "initials", "2.5.4.44": "generationQualifier", "2.5.4.45": "x500UniqueIdentifier",
	"2.5.4.46": "dnQualifier", "2.5.4.65": "pseudonym", "2.5.4.72": "role", "2.5.4.97": "organizationIdentifier",
	"1.2.840.113549.1.9.1": "emailAddress", "1.2.840.113549.1.9.2": "unstructuredName", "1.2.840.113549.1.9.8": "unstructuredAddress",
	"0.9.2342.19200300.100.1.25": "DC", "0.9.2342.19200300.100.1.1": "UID", "0.9.2342.19200300.100.1.3": "mail",
	"1.3.6.1.4.1.311.60.2.1.1": "jurisdictionL", "1.3.6.1.4.1.311.60.2.1.2": "jurisdictionST", "1.3.6.1.4.1.311.60.2.1.3": "jurisdictionC",
}

// part is one entry of a name. value is the text as it stands in the certificate, in whatever
// encoding; text is in UTF-8, or the value in DER where it is no text.
type part struct{ name, value, text string }

// entry is one in DER.
type entry struct {
	Type  asn1.ObjectIdentifier
	Value asn1.RawValue
}

// parts are the entries of a name in DER, together where they stand together; nil if it is none.
func parts(raw []byte) (sets [][]part) {
	var rdns []entriesSET
	if _, err := asn1.Unmarshal(raw, &rdns); err != nil {
		return nil
	}
	for _, set := range rdns {
		var list []part
		for _, a := range set {
			name, known := entryNames[a.Type.String()]
			text, ok := utf8Text(&a.Value)
			if !known {
				name = a.Type.String()
			}
			if !known || !ok {
				text = "#" + strings.ToUpper(hex.EncodeToString(a.Value.FullBytes)) // which needs no escapes
			} else {
				text = escaped(text)
			}
			list = append(list, part{name, string(a.Value.Bytes), text})
		}
		sets = append(sets, list)
	}
	return sets
}

// entriesSET are entries that stand together; the end of its name says to encoding/asn1 what
// they are.
type entriesSET []entry

// utf8Text is a text in UTF-8, from the encoding that its type says; ok is false for what is no
// text.
func utf8Text(v *asn1.RawValue) (text string, ok bool) {
	const t61, universal, visible = 20, 28, 26
	b := v.Bytes
	if v.Class != asn1.ClassUniversal {
		return "", false
	}
	switch v.Tag {
	case asn1.TagUTF8String, asn1.TagPrintableString, asn1.TagIA5String, asn1.TagNumericString, visible:
		return string(b), true
	case t61: // as Latin-1, like everybody
		for _, c := range b {
			text += string(rune(c))
		}
		return text, true
	case asn1.TagBMPString:
		for ; len(b) >= 2; b = b[2:] {
			text += string(rune(binary.BigEndian.Uint16(b)))
		}
		return text, len(b) == 0
	case universal:
		for ; len(b) >= 4; b = b[4:] {
			text += string(rune(binary.BigEndian.Uint32(b)))
		}
		return text, len(b) == 0
	}
	return "", false
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
			together = append(together, p.name+"="+p.text)
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
