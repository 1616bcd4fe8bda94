package certs

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/des" //nolint:gosec // it is what older files have
	"crypto/pbkdf2"
	"crypto/sha1" //nolint:gosec // as above
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"fmt"
	"hash"
)

// encryptedKey is a private key under a password (RFC 5958, section 3).
type encryptedKey struct {
	Algorithm pkix.AlgorithmIdentifier
	Data      []byte
}

// passwordScheme is how the key of the cipher follows from the password, and the cipher
// (RFC 8018, appendix A.4).
type passwordScheme struct{ Derivation, Cipher pkix.AlgorithmIdentifier }

// derivation is how often the password is hashed, with what (RFC 8018, appendix A.2).
type derivation struct {
	Salt       []byte
	Iterations int
	KeyLength  int                      `asn1:"optional"`
	Hash       pkix.AlgorithmIdentifier `asn1:"optional"`
}

var (
	oidPBES2  = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 5, 13}
	oidPBKDF2 = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 5, 12}
)

// keyHashes are the hashes, by their numbers; the first one is used where none is named.
var keyHashes = []struct {
	oid  string
	make func() hash.Hash
}{
	{"1.2.840.113549.2.7", sha1.New}, {"1.2.840.113549.2.9", sha256.New}, {"1.2.840.113549.2.10", sha512.New384}, {"1.2.840.113549.2.11", sha512.New},
}

// keyCiphers are the ciphers, by their numbers, all of them in CBC.
var keyCiphers = map[string]struct {
	bytes int
	make  func([]byte) (cipher.Block, error)
}{
	"2.16.840.1.101.3.4.1.2": {16, aes.NewCipher}, "2.16.840.1.101.3.4.1.22": {24, aes.NewCipher}, "2.16.840.1.101.3.4.1.42": {32, aes.NewCipher},
	"1.2.840.113549.3.7": {24, des.NewTripleDESCipher},
}

// mostIterations bounds what a file can make the start take.
const mostIterations = 10_000_000

var (
	errKeyForm  = errors.New("the encrypted key is damaged")
	errPassword = errors.New("the password of the key is another one")
)

// decryptKey is what a key in PKCS #8 is without its password.
func decryptKey(der []byte, password string) ([]byte, error) {
	var k encryptedKey
	var s passwordScheme
	var d derivation
	if rest, err := asn1.Unmarshal(der, &k); err != nil || len(rest) > 0 {
		return nil, errKeyForm
	}
	if !k.Algorithm.Algorithm.Equal(oidPBES2) {
		return nil, fmt.Errorf("the key is encrypted in a way that is not supported (%v): want PBES2, as 'openssl pkcs8 -topk8 -v2 aes256' makes it", k.Algorithm.Algorithm)
	}
	if _, err := asn1.Unmarshal(k.Algorithm.Parameters.FullBytes, &s); err != nil {
		return nil, errKeyForm
	}
	if !s.Derivation.Algorithm.Equal(oidPBKDF2) {
		return nil, fmt.Errorf("the password of the key is hashed in a way that is not supported (%v): want PBKDF2", s.Derivation.Algorithm)
	}
	if _, err := asn1.Unmarshal(s.Derivation.Parameters.FullBytes, &d); err != nil || d.Iterations < 1 || d.Iterations > mostIterations {
		return nil, errKeyForm
	}
	return d.open(&s.Cipher, k.Data, password)
}

// open decrypts what the cipher was used on.
func (d *derivation) open(how *pkix.AlgorithmIdentifier, data []byte, password string) ([]byte, error) {
	c, ok := keyCiphers[how.Algorithm.String()]
	if !ok {
		return nil, fmt.Errorf("the key is encrypted by a cipher that is not supported (%v): want AES or 3DES in CBC", how.Algorithm)
	}
	h := keyHashes[0].make
	if name := d.Hash.Algorithm; name != nil {
		h = nil
		for _, x := range keyHashes {
			if x.oid == name.String() {
				h = x.make
			}
		}
		if h == nil {
			return nil, fmt.Errorf("the password of the key is hashed by what is not supported (%v)", name)
		}
	}
	key, err := pbkdf2.Key(h, password, d.Salt, d.Iterations, c.bytes)
	if err != nil {
		return nil, err
	}
	block, err := c.make(key)
	if err != nil {
		return nil, err
	}
	var iv []byte
	if _, err := asn1.Unmarshal(how.Parameters.FullBytes, &iv); err != nil || len(iv) != block.BlockSize() || len(data) == 0 || len(data)%block.BlockSize() != 0 {
		return nil, errKeyForm
	}
	plain := make([]byte, len(data))
	cipher.NewCBCDecrypter(block, iv).CryptBlocks(plain, data)
	fill := int(plain[len(plain)-1])
	if fill < 1 || fill > block.BlockSize() {
		return nil, errPassword
	}
	plain = plain[:len(plain)-fill]
	if rest, err := asn1.Unmarshal(plain, new(asn1.RawValue)); err != nil || len(rest) > 0 {
		return nil, errPassword
	}
	return plain, nil
}
