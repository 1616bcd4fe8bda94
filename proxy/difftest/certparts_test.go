package difftest

import (
	"crypto/ecdsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"fmt"
	"testing"
)

// partsNames are names of servers that are looked for among those of makeParts.
var partsNames = []string{
	"begin.part.test", "beg.part.test", "xbegin.part.test", "BEGIN.part.test", "theend.part.test", "end.part.test", "endx.part.test", "front-back.part.test", "frontback.part.test",
	"frontack.part.test", "fron-back.part.test", "front-x.back.part.test", "beg.other.test", "begin", "any.full.test", ".full.test", "full.test", "a.b.full.test", "two-x-stars.part.test", "inner.x.test",
	"first.common.test", "second.common.test", "x.common.test", "beg*.part.test", "lonely", "a.", "b.dotted.test.", "b.dotted.test",
}

// makeParts writes the certificate of a server with such names.
func makeParts(t *testing.T, dir string, ca *x509.Certificate, caKey *ecdsa.PrivateKey) {
	t.Helper()
	makeChild(t, dir, "parts", ca, caKey, func(c *x509.Certificate) {
		c.DNSNames = []string{"beg*.part.test", "*end.part.test", "front*back.part.test", "*.full.test", "two*stars*.part.test", "inner.*.test", "*", "*.", "*.dotted.test."}
		common := asn1.ObjectIdentifier{2, 5, 4, 3}
		c.Subject = pkix.Name{ExtraNames: []pkix.AttributeTypeAndValue{{Type: common, Value: "first.common.test"}, {Type: common, Value: "second*.common.test"}}}
	})
}

// partsBackends have a backend for each of the names, by number: it is that of "verifyhost", or
// with an "s" before the number asked for.
func partsBackends() string {
	all := []string{"server none 127.0.0.1:1", "frontend parts", "mode http", "bind unix@DIR/o ssl crt DIR/parts", "http-request return status 200"}
	for i, name := range partsNames {
		all = append(all, fmt.Sprintf("backend %d", i), "server s unix@DIR/o ssl ca-file DIR/ca verifyhost "+name,
			fmt.Sprintf("backend s%d", i), "server s unix@DIR/o ssl ca-file DIR/ca sni str("+name+")")
	}
	return lines(all...)
}

func partsClients() (list []tlsClient) {
	for i, name := range partsNames {
		list = append(list, tlsClient{name: name, path: fmt.Sprintf("/%d", i), change: aes128}, tlsClient{name: name + ", asked for", path: fmt.Sprintf("/s%d", i), change: aes128})
	}
	return list
}
