package difftest

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	_ "crypto/sha256" // the hashes of signatures
	_ "crypto/sha512"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// tokenKeys are keys made for the occasion, whose public halves go to files.
type tokenKeys struct {
	rsa, otherRSA    *rsa.PrivateKey
	p256, p384, p521 *ecdsa.PrivateKey
}

func makeTokenKeys(t *testing.T) (k tokenKeys, public map[string]string) {
	t.Helper()
	must := func(err error) {
		if err != nil {
			t.Fatal(err)
		}
	}
	var err error
	k.rsa, err = rsa.GenerateKey(rand.Reader, 2048)
	must(err)
	k.otherRSA, err = rsa.GenerateKey(rand.Reader, 2048)
	must(err)
	k.p256, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(err)
	k.p384, err = ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	must(err)
	k.p521, err = ecdsa.GenerateKey(elliptic.P521(), rand.Reader)
	must(err)
	public = map[string]string{}
	for name, key := range map[string]crypto.Signer{"RSA": k.rsa, "OTHER": k.otherRSA, "P256": k.p256, "P384": k.p384, "P521": k.p521} {
		der, err := x509.MarshalPKIXPublicKey(key.Public())
		must(err)
		public[name] = string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
	}
	dir := t.TempDir()
	makeCert(t, dir, "cert", nil, nil, nil)
	text, err := os.ReadFile(filepath.Join(dir, "cert"))
	must(err)
	block, private := pem.Decode(text)
	public["CERT"] = string(pem.EncodeToMemory(block))
	public["PRIVATE"] = string(private)
	public["PKCS1"] = string(pem.EncodeToMemory(&pem.Block{Type: "RSA PUBLIC KEY", Bytes: x509.MarshalPKCS1PublicKey(&k.rsa.PublicKey)}))
	public["BEHIND"] = "a remark before it\n" + public["P256"] + public["RSA"]
	public["CUT"] = public["RSA"][:200]
	public["EMPTY"] = "\n"
	return k, public
}

var tokenHashes = map[string]crypto.Hash{"256": crypto.SHA256, "384": crypto.SHA384, "512": crypto.SHA512}

// signature signs in the form of an algorithm's name: that of the standard (two halves of
// a fixed size for those of elliptic curves), or what "DER" stands before.
func (k *tokenKeys) signature(t *testing.T, alg, signed string) []byte {
	t.Helper()
	hash := tokenHashes[alg[len(alg)-3:]]
	h := hash.New()
	h.Write([]byte(signed))
	digest := h.Sum(nil)
	var raw []byte
	var err error
	curve := map[string]*ecdsa.PrivateKey{"256": k.p256, "384": k.p384, "512": k.p521}[alg[len(alg)-3:]]
	switch {
	case alg[0] == 'H':
		mac := hmac.New(hash.New, []byte("secret"))
		mac.Write([]byte(signed))
		return mac.Sum(nil)
	case alg[0] == 'R':
		raw, err = rsa.SignPKCS1v15(nil, k.rsa, hash, digest)
	case alg[0] == 'P':
		raw, err = rsa.SignPSS(rand.Reader, k.rsa, hash, digest, &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash})
	case strings.HasPrefix(alg, "DER"):
		raw, err = ecdsa.SignASN1(rand.Reader, curve, digest)
	default:
		r, s, e := ecdsa.Sign(rand.Reader, curve, digest)
		size := (curve.Params().BitSize + 7) / 8
		raw, err = append(r.FillBytes(make([]byte, size)), s.FillBytes(make([]byte, size))...), e
	}
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func base64URL(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

// tokens are signed ones of all algorithms, with one that nobody signed, and what becomes
// of them on bad ways.
func (k *tokenKeys) tokens(t *testing.T) (good, bad []string) {
	payload := base64URL([]byte(`{"sub":"ann"}`))
	for _, alg := range []string{"HS256", "HS384", "HS512", "RS256", "RS384", "RS512", "ES256", "ES384", "ES512", "PS256", "PS384", "PS512", "DERES256", "DERES384", "DERES512"} {
		signed := base64URL(fmt.Appendf(nil, `{"alg":"%s"}`, strings.TrimPrefix(alg, "DER"))) + "." + payload
		good = append(good, signed+"."+base64URL(k.signature(t, alg, signed)))
		if !strings.HasSuffix(alg, "256") {
			continue
		}
		raw := k.signature(t, alg, signed)
		turned := append([]byte(nil), raw...)
		turned[len(turned)/2] ^= 1
		whole := base64URL(raw)
		zero := make([]byte, len(raw))
		bad = append(bad,
			signed+"."+base64URL(turned),
			signed+"."+base64URL(raw[:len(raw)-1]),
			signed+"."+base64URL(append(slices.Clip(raw), 0)),
			signed+"."+base64URL(append([]byte{0}, raw...)),
			signed+"."+base64URL(zero),
			signed+"."+whole[:len(whole)/2],
			signed+"."+base64.URLEncoding.EncodeToString(raw),
			signed+"."+base64.StdEncoding.EncodeToString(raw),
			signed+"."+whole+"A",
			signed+"."+whole+"=",
			signed+".====",
			signed+".",
			signed,
			strings.Replace(signed, payload, base64URL([]byte(`{"sub":"bob"}`)), 1)+"."+whole,
			signed+"."+whole+"."+whole,
			"."+whole,
		)
	}
	none := base64URL([]byte(`{"alg":"none"}`)) + "." + payload
	return append(good, none+"."), append(bad, none, none+"."+base64URL([]byte("x")), "a.b.c", "...", "..", ".", base64URL([]byte(`{"alg":"HS256"}`))+".e30."+base64URL([]byte("no")), "no token")
}

// Tokens signed by keys of all kinds, good ones and bad, are judged as HAProxy does.
func TestTokens(t *testing.T) {
	keys, public := makeTokenKeys(t)
	var text strings.Builder
	for name, content := range public {
		fmt.Fprintf(&text, "file %s %s\n", name, strconv.Quote(content))
	}
	tell := func(tokens []string) {
		for _, token := range tokens {
			fmt.Fprintf(&text, "request %s\n", strconv.Quote("GET / HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer "+token+"\r\n\r\n"))
		}
	}
	good, bad := keys.tokens(t)
	tell(append(good, bad...))
	text.WriteString(`sample http_auth_bearer,jwt_verify(<HS256|HS384>,secret)
sample http_auth_bearer,jwt_verify(HS512,other)
sample http_auth_bearer,jwt_verify(<RS256|ES256>,<RSA|OTHER|P256|P521>)
sample http_auth_bearer,jwt_verify(<RS384|RS512>,<RSA|P256>)
sample http_auth_bearer,jwt_verify(<ES384|ES512>,<P384|P521>)
sample http_auth_bearer,jwt_verify(<PS256|PS384|PS512>,RSA)
sample http_auth_bearer,jwt_verify(<RS256|ES256>,<PKCS1|BEHIND>)
differs a certificate is as good as the key that it holds
sample http_auth_bearer,jwt_verify(<RS256|ES256>,CERT)
differs a key that cannot be read is refused
sample http_auth_bearer,jwt_verify(<RS256|ES256>,<PRIVATE|CUT|EMPTY|none.pem>)
sample http_auth_bearer,jwt_verify(<none|None|HS1|rs256>,RSA)
sample http_auth_bearer,<jwt_header_query('$.alg')|jwt_payload_query('$.sub')>
`)
	tell(good)
	text.WriteString(`case http-request set-var(txn.alg) http_auth_bearer,jwt_header_query('$.alg') ;; http-request set-header X-Verified %[http_auth_bearer,jwt_verify(txn.alg,<RSA|P256|secret>)]
case http-request set-var(txn.alg) str(<none|PS256|NO|>) ;; http-request set-header X-Verified %[http_auth_bearer,jwt_verify(txn.alg,RSA)]
case http-request set-var(txn.key) str(<secret|other>) ;; http-request set-header X-Verified %[http_auth_bearer,jwt_verify(<HS256|RS256>,txn.key)]
differs a variable holds a secret, never the name of a file
case http-request set-var(txn.key) str(RSA) ;; http-request set-header X-Verified %[http_auth_bearer,jwt_verify(RS256,txn.key)]
`)
	path := filepath.Join(t.TempDir(), "tokens.txt")
	if err := os.WriteFile(path, []byte(text.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := readCases(path)
	if err != nil {
		t.Fatal(err)
	}
	f.compare(t, casesSubjects(t))
}
