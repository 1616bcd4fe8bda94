package certs

import (
	"crypto/tls"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"bench/internal/testpeer"
	"bench/internal/tlsio"
)

// lists are lists of ciphers as configurations have them.
var lists = []string{
	"DEFAULT", "ALL", "HIGH", "HIGH:!aNULL:!MD5", "ECDHE+AESGCM", "EECDH+AESGCM:EDH+AESGCM", "ECDH+AESGCM:DH+AESGCM:ECDH+AES256:DH+AES256:ECDH+AES128:DH+AES:RSA+AESGCM:RSA+AES:!aNULL:!MD5:!DSS",
	"ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305:DHE-RSA-AES128-GCM-SHA256:DHE-RSA-AES256-GCM-SHA384",
	"ALL:!kRSA", "ALL:-kRSA:kRSA", "ALL:!ECDHE", "AES128", "AES256+SHA", "SHA256", "SHA384:AES128", "kEECDH+aECDSA", "aRSA", "aECDSA:!CHACHA20", "TLSv1.2", "TLSv1.2+AES128", "SSLv3", "TLSv1",
	"ECDHE-RSA-AES128-SHA:NOSUCH:ECDHE-ECDSA-AES128-SHA", "!AES256:ALL", "ALL:!SHA1:!SHA256:!SHA384", "RSA", "AES128-SHA,AES256-SHA", "AES128-SHA AES256-SHA", "HIGH:@STRENGTH", "ALL:@SECLEVEL=1", "ALL:+kRSA",
	"CHACHA20+aRSA", "AESGCM", "AES", "kECDHE", "ECDSA", "FIPS:!kRSA", "HIGH:!kEDH:!aNULL:!eNULL:!EXPORT:!DES:!RC4:!3DES:!MD5:!PSK",
}

// Every list means the same suites as to OpenSSL, of those that both have.
func TestCiphersLikeOpenSSL(t *testing.T) {
	bin := testpeer.Need(t, "openssl")
	for _, list := range lists {
		out, err := exec.Command(bin, "ciphers", list).Output()
		if err != nil {
			t.Fatalf("%s: %v", list, err)
		}
		var want []string
		for name := range strings.SplitSeq(strings.TrimSpace(string(out)), ":") {
			if slices.Contains(cipherNames(), name) {
				want = append(want, name)
			}
		}
		ids, _, err := parseCiphers(list)
		if err != nil {
			t.Errorf("%s: %v", list, err)
			continue
		}
		var got []string
		for _, id := range ids {
			got = append(got, tlsio.SuiteName(id))
		}
		slices.Sort(got)
		slices.Sort(want)
		if !slices.Equal(got, want) {
			t.Errorf("%s:\n got %v\nwant %v", list, got, want)
		}
	}
}

func TestCiphersOfWhichNothingRemains(t *testing.T) {
	for _, list := range []string{"NOSUCH", "DHE-RSA-AES256-SHA", "ALL:!ALL", "aNULL", "!AES"} {
		if ids, _, err := parseCiphers(list); err == nil {
			t.Errorf("%s gives %x", list, ids)
		}
	}
	_, unknown, err := parseCiphers("DHE-RSA-AES128-GCM-SHA256:HIGH:!NOSUCH:EDH+AES:MEDIUM")
	if got := strings.Join(unknown, " "); err != nil || got != "DHE-RSA-AES128-GCM-SHA256 EDH+AES" {
		t.Errorf("passed over: %q, %v", got, err)
	}
	if ids, _, err := parseCiphers("PROFILE=SYSTEM"); err != nil || len(ids) != len(suites) {
		t.Errorf("a profile of the system gives %x, %v", ids, err)
	}
}

func TestSuitesOfTLS13(t *testing.T) {
	for list, want := range map[string]string{
		"":                             "all",
		"TLS_AES_128_GCM_SHA256":       "some",
		"TLS_AES_128_CCM_SHA256":       "none",
		strings.Join(tls13Suites, ":"): "all",
		"TLS_AES_256_GCM_SHA384:TLS_NO_SUCH:TLS_AES_128_GCM_SHA256": "some",
	} {
		leavesOut, err := checkSuites(list)
		got := map[bool]string{true: "some", false: "all"}[leavesOut]
		if err != nil {
			got = "none"
		}
		if got != want {
			t.Errorf("%q: %s, %v; want %s", list, got, err, want)
		}
	}
}

func TestCurves(t *testing.T) {
	ids, unknown, err := parseCurves("X25519:secp384r1:X448:P-256:prime256v1")
	if want := []tls.CurveID{tls.X25519, tls.CurveP384, tls.CurveP256}; err != nil || !slices.Equal(ids, want) || !slices.Equal(unknown, []string{"X448"}) {
		t.Errorf("%v, %v, %v", ids, unknown, err)
	}
	if _, _, err := parseCurves("X448"); err == nil {
		t.Error("a list of which nothing remains is no mistake")
	}
}
