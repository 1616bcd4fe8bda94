package dn

import (
	"crypto/x509/pkix"
	"encoding/asn1"
	"testing"
)

func TestTexts(t *testing.T) {
	raw, err := asn1.Marshal(pkix.Name{Country: []string{"FR"}, OrganizationalUnit: []string{"one", "two"}, CommonName: "#a, b "}.ToRDNSequence())
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ got, want string }{
		{OneLine(raw), "/C=FR/OU=one/OU=two/CN=#a, b "},
		{Spaced(raw), "C = FR, OU = one + OU = two, CN = #a, b "},
		{LDAP(raw), `CN=\#a\, b\ ,OU=two+OU=one,C=FR`},
		{Entry(raw, "OU", 1), "one"},
		{Entry(raw, "OU", 2), "two"},
		{Entry(raw, "OU", -1), "two"},
		{Entry(raw, "OU", 3), ""},
		{Entry(raw, "OU", -3), ""},
		{Entry(raw, "O", 1), ""},
		{OneLine(nil), ""},
		{OneLine([]byte("nothing")), ""},
	} {
		if c.got != c.want {
			t.Errorf("%q, want %q", c.got, c.want)
		}
	}
}

// Text of every encoding is given as it stands in the certificate, but in UTF-8 where escapes
// are made of what is not ASCII.
func TestEncodings(t *testing.T) {
	name := func(oid asn1.ObjectIdentifier, tag int, value string) []byte {
		raw, err := asn1.Marshal([]entriesSET{{{Type: oid, Value: asn1.RawValue{Tag: tag, Bytes: []byte(value)}}}})
		if err != nil {
			t.Fatal(err)
		}
		return raw
	}
	cn, own := asn1.ObjectIdentifier{2, 5, 4, 3}, asn1.ObjectIdentifier{1, 2, 3, 4}
	for _, c := range []struct {
		raw         []byte
		plain, ldap string
	}{
		{name(cn, asn1.TagUTF8String, "\u00e4"), "/CN=\u00e4", `CN=\C3\A4`},
		{name(cn, asn1.TagBMPString, "\x00\xe4"), "/CN=\x00\xe4", `CN=\C3\A4`},
		{name(cn, 20, "\xe4"), "/CN=\xe4", `CN=\C3\A4`},
		{name(cn, 28, "\x00\x00\x00\xe4"), "/CN=\x00\x00\x00\xe4", `CN=\C3\A4`},
		{name(cn, asn1.TagUTF8String, "a\r\nb"), "/CN=a\r\nb", `CN=a\0D\0Ab`},
		{name(cn, asn1.TagPrintableString, "a_b@c"), "/CN=a_b@c", `CN=a_b@c`}, // not what may stand there
		{name(cn, asn1.TagInteger, "\x07"), "/CN=\x07", `CN=#020107`},
		{name(own, asn1.TagUTF8String, "x"), "/1.2.3.4=x", `1.2.3.4=#0C0178`},
		{name(asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 311, 60, 2, 1, 3}, asn1.TagPrintableString, "FR"), "/jurisdictionC=FR", `jurisdictionC=FR`},
	} {
		if got := OneLine(c.raw); got != c.plain {
			t.Errorf("%x: %q, want %q", c.raw, got, c.plain)
		}
		if got := LDAP(c.raw); got != c.ldap {
			t.Errorf("%x: %q, want %q", c.raw, got, c.ldap)
		}
	}
}
