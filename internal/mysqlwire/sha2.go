package mysqlwire

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
)

// What server and client of caching_sha2_password say beside. A server that has the
// password's hash in its cache checks the client's answer to the salt, and is done;
// one that has not needs the password itself, which a client gives away only
// encrypted, by TLS or with the server's public key.
const (
	SHA2AskKey = 2 // client: give me your public key
	SHA2Right  = 3 // server: the answer was right; an OK follows
	SHA2Full   = 4 // server: the password is needed
)

// MoreData begins a packet of the server that belongs to the plugin.
const MoreData = 0x01

// keyBits is the size of the keys that MySQL generates.
const keyBits = 2048

// ServerKey is what a server of caching_sha2_password has passwords encrypted with.
type ServerKey struct {
	private *rsa.PrivateKey
	public  []byte // in PEM
}

// NewServerKey generates a key, which takes a moment.
func NewServerKey() (*ServerKey, error) {
	private, err := rsa.GenerateKey(rand.Reader, keyBits)
	if err != nil {
		return nil, fmt.Errorf("generating a key: %w", err)
	}
	der, err := x509.MarshalPKIXPublicKey(&private.PublicKey)
	if err != nil {
		return nil, fmt.Errorf("generating a key: %w", err)
	}
	return &ServerKey{private, pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})}, nil
}

// Public is the public key in PEM.
func (k *ServerKey) Public() []byte { return k.public }

// Decrypt is the password that a client has encrypted with the public key.
func (k *ServerKey) Decrypt(secret []byte, salt *[SaltSize]byte) (string, error) {
	text, err := rsa.DecryptOAEP(sha1.New(), nil, k.private, secret, nil)
	if err != nil || len(text) == 0 {
		return "", ErrMalformed
	}
	mask(text, salt)
	if text[len(text)-1] != 0 {
		return "", ErrMalformed
	}
	return string(text[:len(text)-1]), nil
}

// EncryptPassword is what a client of caching_sha2_password answers to the
// public key, in PEM, of a server that does not know the password's hash yet.
func EncryptPassword(password string, salt *[SaltSize]byte, key []byte) ([]byte, error) {
	block, _ := pem.Decode(key)
	if block == nil {
		return nil, errors.New("the server's public key is not in PEM")
	}
	parsed, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("the server's public key: %w", err)
	}
	public, ok := parsed.(*rsa.PublicKey)
	if !ok {
		return nil, errors.New("the server's public key is not one of RSA")
	}
	text := append([]byte(password), 0)
	mask(text, salt)
	return rsa.EncryptOAEP(sha1.New(), rand.Reader, public, text, nil)
}

// mask makes a password differ from login to login.
func mask(text []byte, salt *[SaltSize]byte) {
	for i := range text {
		text[i] ^= salt[i%SaltSize]
	}
}
