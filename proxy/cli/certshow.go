package cli

import (
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/sha1" //nolint:gosec // a fingerprint that others compare with, not a protection
	"crypto/x509"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"bench/proxy/certs"
	"bench/proxy/certs/dn"
)

// listed writes the files of a kind, the one that a transaction is about before them.
func listed(r *request, k certs.Kind, describe func(file string, pending bool) string) error {
	store := r.s.engine.Certs()
	if file := store.Pending(k); file != "" {
		fmt.Fprintf(r.w, "# transaction\n*%s\n", describe(file, true))
	}
	if _, err := r.w.WriteString("# filename\n"); err != nil {
		return err
	}
	for _, file := range store.Paths(k) {
		if _, err := r.w.WriteString(describe(file, false) + "\n"); err != nil {
			return err
		}
	}
	return nil
}

// pendingFile is the file that is to be shown, and whether the one of the transaction is meant.
func pendingFile(r *request) (file string, pending bool) {
	file, pending = strings.CutPrefix(r.arg(0), "*")
	return file, pending
}

// indexed parts the number of one certificate from a file's name; 0: all are meant.
func indexed(file string) (string, int) {
	if i := strings.LastIndexByte(file, ':'); i >= 0 {
		if n, err := strconv.Atoi(file[i+1:]); err == nil {
			return file[:i], n
		}
	}
	return file, 0
}

// status is whether a file is in use.
func status(r *request, file string, pending, empty bool) string {
	switch {
	case empty:
		return "Empty"
	case !pending && r.s.engine.Certs().Used(file):
		return "Used"
	}
	return "Unused"
}

// heading begins what is said of a file.
func heading(r *request, file string, pending, empty bool) {
	star := ""
	if pending {
		star = "*"
	}
	fmt.Fprintf(r.w, "Filename: %s%s\nStatus: %s\n", star, file, status(r, file, pending, empty))
}

func showCert(r *request) error {
	if r.arg(0) == "" {
		return listed(r, certs.Certs, func(file string, _ bool) string { return file })
	}
	file, pending := pendingFile(r)
	store := r.s.engine.Certs()
	c, ok := store.Certificate(file, pending)
	if base, isOCSP := strings.CutSuffix(file, ".ocsp"); !ok && isOCSP {
		if c, ok = store.Certificate(base, pending); ok && c != nil && c.Stapled() != nil {
			return response(r.w, c.Stapled().Response())
		}
	}
	if !ok {
		return r.fail("Can't display the certificate: Not found or the certificate is a bundle!")
	}
	heading(r, file, pending, c == nil)
	key := ""
	if c != nil {
		certificate(r.w, c.Leaf)
		for _, x := range c.Chain() {
			fmt.Fprintf(r.w, "Chain Subject: %s\nChain Issuer: %s\n", dn.OneLine(x.RawSubject), dn.OneLine(x.RawIssuer))
		}
		if s := c.Stapled(); s != nil {
			key = s.ID.Key()
		}
	}
	_, err := fmt.Fprintf(r.w, "OCSP Response Key: %s\n", key)
	return err
}

// certTime is a time in the words of OpenSSL.
func certTime(t time.Time) string { return t.UTC().Format("Jan _2 15:04:05 2006") + " GMT" }

// certificate describes a certificate.
func certificate(w io.Writer, x *x509.Certificate) {
	var names []string
	for _, n := range x.DNSNames {
		names = append(names, "DNS:"+n)
	}
	for _, ip := range x.IPAddresses {
		names = append(names, "IP Address:"+ip.String())
	}
	for _, m := range x.EmailAddresses {
		names = append(names, "email:"+m)
	}
	for _, u := range x.URIs {
		names = append(names, "URI:"+u.String())
	}
	fmt.Fprintf(w, "Serial: %X\nnotBefore: %s\nnotAfter: %s\nSubject Alternative Name: %s\n", x.SerialNumber.Bytes(), certTime(x.NotBefore), certTime(x.NotAfter), strings.Join(names, ", "))
	switch k := x.PublicKey.(type) {
	case *rsa.PublicKey:
		fmt.Fprintf(w, "Algorithm: RSA%d\n", k.N.BitLen())
	case *ecdsa.PublicKey:
		fmt.Fprintf(w, "Algorithm: EC%d\n", k.Curve.Params().BitSize)
	}
	fmt.Fprintf(w, "SHA1 FingerPrint: %X\nSubject: %s\nIssuer: %s\n", sha1.Sum(x.Raw), dn.OneLine(x.RawSubject), dn.OneLine(x.RawIssuer)) //nolint:gosec // see above
}

func showCAFile(r *request) error {
	store := r.s.engine.Certs()
	count := func(a *certs.Authorities) int {
		if a == nil {
			return 0
		}
		return len(a.List)
	}
	if r.arg(0) == "" {
		return listed(r, certs.CAs, func(file string, pending bool) string {
			a, _ := store.Authorities(file, pending)
			return fmt.Sprintf("%s - %d certificate(s)", file, count(a))
		})
	}
	file, pending := pendingFile(r)
	file, index := indexed(file)
	a, ok := store.Authorities(file, pending)
	switch {
	case !ok:
		return r.fail("Can't display the CA file : Not found!")
	case index > count(a):
		return nil
	}
	heading(r, file, pending, a == nil)
	for i := range count(a) {
		if index == 0 || index == i+1 {
			fmt.Fprintf(r.w, " \nCertificate #%d:\n", i+1)
			certificate(r.w, a.List[i])
		}
	}
	return nil
}

func showCRLFile(r *request) error {
	store := r.s.engine.Certs()
	if r.arg(0) == "" {
		return listed(r, certs.CRLs, func(file string, _ bool) string { return file })
	}
	file, pending := pendingFile(r)
	file, index := indexed(file)
	list, ok := store.Revocations(file, pending)
	if !ok {
		return r.fail("Can't display the CRL file : Not found!")
	}
	heading(r, file, pending, list == nil)
	for i, crl := range list {
		if index > 0 && index != i+1 {
			continue
		}
		fmt.Fprintf(r.w, " \nCertificate Revocation List #%d:\nVersion 2\nSignature Algorithm: %s\nIssuer: %s\nLast Update: %s\nNext Update: %s\n",
			i+1, dn.Signature(crl.SignatureAlgorithm), dn.OneLine(crl.RawIssuer), certTime(crl.ThisUpdate), certTime(crl.NextUpdate))
		if len(crl.RevokedCertificateEntries) == 0 {
			fmt.Fprintln(r.w, "No Revoked Certificates.")
			continue
		}
		fmt.Fprintln(r.w, "Revoked Certificates:")
		for j := range crl.RevokedCertificateEntries {
			e := &crl.RevokedCertificateEntries[j]
			fmt.Fprintf(r.w, "    Serial Number: %X\n        Revocation Date: %s\n", e.SerialNumber.Bytes(), certTime(e.RevocationTime))
		}
	}
	return nil
}

func showOCSP(r *request) error {
	staples := r.s.engine.Certs().Staples()
	if id := r.arg(0); id != "" {
		for _, s := range staples {
			if s.ID.Key() == id {
				return response(r.w, s.Response())
			}
		}
		return r.fail("Certificate ID does not match any certificate.")
	}
	for i, s := range staples {
		if i == 0 {
			fmt.Fprintln(r.w, "# Certificate IDs")
		}
		fmt.Fprintf(r.w, "Certificate ID key : %s\n Certificate ID:\n   Issuer Name Hash: %X\n   Issuer Key Hash: %X\n   Serial Number: %X\n", s.ID.Key(), s.ID.NameHash, s.ID.KeyHash, s.ID.Serial.Bytes())
	}
	return nil
}

// response describes a response of OCSP, without its signature.
func response(w io.Writer, p *certs.Response) error {
	if p == nil {
		return nil
	}
	who := dn.Spaced(p.Responder)
	if p.KeyHash != nil {
		who = fmt.Sprintf("%X", p.KeyHash)
	}
	state := "good"
	if p.Revoked {
		state = "revoked\n    Revocation Time: " + certTime(p.RevokedAt)
	}
	_, err := fmt.Fprintf(w, `OCSP Response Data:
    OCSP Response Status: successful (0x0)
    Response Type: Basic OCSP Response
    Version: 1 (0x0)
    Responder Id: %s
    Produced At: %s
    Responses:
    Certificate ID:
      Hash Algorithm: sha1
      Issuer Name Hash: %X
      Issuer Key Hash: %X
      Serial Number: %X
    Cert Status: %s
    This Update: %s
    Next Update: %s
`, who, certTime(p.Produced), p.ID.NameHash, p.ID.KeyHash, p.ID.Serial.Bytes(), state, certTime(p.ThisUpdate), certTime(p.NextUpdate))
	return err
}
