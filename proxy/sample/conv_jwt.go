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
	kind byte // H, R, E or P
	size int  // of each half of a signature of kind E
}{
	"HS256": {crypto.SHA256, sha256.New, 'H', 0}, "HS384": {crypto.SHA384, sha512.New384, 'H', 0}, "HS512": {crypto.SHA512, sha512.New, 'H', 0},
	"RS256": {crypto.SHA256, sha256.New, 'R', 0}, "RS384": {crypto.SHA384, sha512.New384, 'R', 0}, "RS512": {crypto.SHA512, sha512.New, 'R', 0},
	"ES256": {crypto.SHA256, sha256.New, 'E', 32}, "ES384": {crypto.SHA384, sha512.New384, 'E', 48}, "ES512": {crypto.SHA512, sha512.New, 'E', 66},
	"PS256": {0, nil, 'P', 0}, "PS384": {0, nil, 'P', 0}, "PS512": {0, nil, 'P', 0},
}

// checkJWT loads the file with a public key, where the key is one.
func checkJWT(_ *Env, a []Arg) (err error) {
	if !a[0].isVar {
		if _, ok := jwtAlgorithms[string(a[0].Str)]; !ok {
			return fmt.Errorf("algorithm '%s' is unknown: want one of RFC 7518, such as HS256, RS256 or ES256", a[0].Str)
		}
	}
	if a[1].isVar || !a[0].isVar && a[0].Str[0] == 'H' {
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
	if block.Type == "CERTIFICATE" {
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, err
		}
		return c.PublicKey, nil
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
	switch {
	case !ok:
		return jwtUnknownAlgorithm
	case alg.kind == 'P':
		return jwtAlgorithmNot
	}
	last := bytes.LastIndexByte(token, '.')
	if bytes.Count(token, []byte(".")) != 2 {
		return jwtInvalid
	}
	signed, text := token[:last], token[last+1:]
	signature := c.alloc(base64.RawURLEncoding.DecodedLen(len(text)))
	if signature == nil {
		return jwtInvalid
	}
	n, err := base64.RawURLEncoding.Decode(signature, text)
	if err != nil || n == 0 {
		return jwtInvalid
	}
	signature = signature[:n]
	right := false
	if alg.kind == 'H' {
		h := hmac.New(alg.new, secret)
		h.Write(signed)
		right = hmac.Equal(h.Sum(nil), signature)
	} else {
		if key == nil {
			return jwtUnknownKey
		}
		h := alg.new()
		h.Write(signed)
		digest := h.Sum(nil)
		switch k := key.(type) {
		case *rsa.PublicKey:
			right = alg.kind == 'R' && rsa.VerifyPKCS1v15(k, alg.hash, digest, signature) == nil
		case *ecdsa.PublicKey:
			right = alg.kind == 'E' && len(signature) == 2*alg.size &&
				ecdsa.Verify(k, digest, new(big.Int).SetBytes(signature[:alg.size]), new(big.Int).SetBytes(signature[alg.size:]))
		}
	}
	if right {
		return 1
	}
	return 0
}
