package sample

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/hmac"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"hash"
	"math/big"
	"os"

	"bench/proxy/txn"
)

// What jwt_verify says besides 0 and 1 (configuration manual, section 7.3.1).
const (
	jwtUnknownAlgorithm = -1
	jwtAlgorithmNot     = -2 // known, and not there
	jwtInvalid          = -3
	jwtUnknownKey       = -5
)

// jwtAlgorithms are those of RFC 7518, section 3.1.
var jwtAlgorithms = map[string]struct {
	hash crypto.Hash
	new  func() hash.Hash
	kind byte // H, R, E, P, or N for none at all
}{
	"HS256": {crypto.SHA256, sha256.New, 'H'}, "HS384": {crypto.SHA384, sha512.New384, 'H'}, "HS512": {crypto.SHA512, sha512.New, 'H'},
	"RS256": {crypto.SHA256, sha256.New, 'R'}, "RS384": {crypto.SHA384, sha512.New384, 'R'}, "RS512": {crypto.SHA512, sha512.New, 'R'},
	"ES256": {crypto.SHA256, sha256.New, 'E'}, "ES384": {crypto.SHA384, sha512.New384, 'E'}, "ES512": {crypto.SHA512, sha512.New, 'E'},
	"PS256": {0, nil, 'P'}, "PS384": {0, nil, 'P'}, "PS512": {0, nil, 'P'},
	"none": {0, nil, 'N'}, // right if nobody signed
}

// checkJWT loads the file with a public key, where the key is one.
func checkJWT(_ *Env, a []Arg) (err error) {
	if !a[0].isVar {
		alg, ok := jwtAlgorithms[string(a[0].Str)]
		if !ok {
			return fmt.Errorf("algorithm '%s' is unknown: want one of RFC 7518, such as HS256, RS256 or ES256", a[0].Str)
		}
		if alg.kind == 'P' {
			return fmt.Errorf("algorithm '%s' is not supported: RSASSA-PSS cannot be verified", a[0].Str)
		}
	}
	if a[1].isVar || !a[0].isVar && (a[0].Str[0] == 'H' || a[0].Str[0] == 'n') {
		return nil
	}
	text, err := os.ReadFile(string(a[1].Str))
	if err == nil {
		a[1].key, err = publicKey(text)
	}
	if err != nil && a[0].isVar {
		return nil // it may be a secret
	}
	if err != nil {
		return fmt.Errorf("cannot use the public key: %w", err)
	}
	return nil
}

func publicKey(text []byte) (any, error) {
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, errors.New("there is none in the form PEM")
	}
	switch block.Type {
	case "CERTIFICATE":
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, err
		}
		return c.PublicKey, nil
	case "RSA PUBLIC KEY":
		return x509.ParsePKCS1PublicKey(block.Bytes)
	}
	return x509.ParsePKIXPublicKey(block.Bytes)
}

func convJWTVerify(c *Context, a []Arg, v *txn.Value) bool {
	name, ok1 := c.textOf(&a[0])
	key, ok2 := c.textOf(&a[1])
	if !ok1 || !ok2 {
		return false
	}
	v.SetInt(c.verifyToken(v.B, string(name), key, a[1].key))
	return true
}

func (c *Context) verifyToken(token []byte, name string, secret []byte, key any) int64 {
	alg, ok := jwtAlgorithms[name]
	if !ok {
		return jwtUnknownAlgorithm
	}
	last := bytes.LastIndexByte(token, '.')
	dots := bytes.Count(token, []byte("."))
	switch {
	case alg.kind == 'N' && (dots == 1 || dots == 2 && last == len(token)-1):
		return 1
	case dots != 2:
		return jwtInvalid
	case alg.kind == 'N':
		return 0
	}
	signed, text := token[:last], token[last+1:]
	signature, ok := c.signature(text)
	switch {
	case !ok:
		return jwtInvalid
	case alg.kind == 'P':
		return jwtAlgorithmNot
	}
	right := false
	if alg.kind == 'H' {
		h := hmac.New(alg.new, secret)
		h.Write(signed)
		right = hmac.Equal(h.Sum(nil), signature)
	} else {
		if key == nil {
			return jwtUnknownKey
		}
		if alg.kind == 'E' && len(signature)%2 != 0 {
			return jwtInvalid
		}
		h := alg.new()
		h.Write(signed)
		digest := h.Sum(nil)
		switch k := key.(type) {
		case *rsa.PublicKey:
			right = alg.kind == 'R' && rsa.VerifyPKCS1v15(k, alg.hash, digest, signature) == nil
		case *ecdsa.PublicKey:
			if alg.kind == 'R' { // as for RSA: the signature is what the key makes, in DER
				right = ecdsa.VerifyASN1(k, digest, signature)
				break
			}
			half := len(signature) / 2
			right = ecdsa.Verify(k, digest, new(big.Int).SetBytes(signature[:half]), new(big.Int).SetBytes(signature[half:]))
		}
	}
	if right && bytes.IndexByte(text, '=') < 0 {
		return 1
	}
	return 0
}

// signature decodes the last part of a token. Padding, which does not belong there, counts
// as zeros: the signature becomes wrong by it, but not unreadable.
func (c *Context) signature(text []byte) ([]byte, bool) {
	b := c.alloc(len(text))
	if b == nil {
		return nil, false
	}
	copy(b, text)
	for i := range b {
		if b[i] == '=' {
			b[i] = 'A'
		}
	}
	n, err := base64.RawURLEncoding.Decode(b, b)
	return b[:n], err == nil && n > 0
}
