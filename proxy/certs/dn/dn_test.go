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
