package certs

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"bench/internal/testpeer"
)

// encrypt has openssl put a password on a key.
func encrypt(t testing.TB, plain []byte, args ...string) []byte {
	t.Helper()
	cmd := exec.Command(testpeer.Need(t, "openssl"), append(args, "-passout", "pass:secret")...)
	cmd.Stdin = bytes.NewReader(plain)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %v\n%s", args, err, out)
	}
	return out
}

func someKey(t testing.TB) (text []byte) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
}

// Keys under a password are read as openssl writes them.
func TestEncryptedKeys(t *testing.T) {
	plain := someKey(t)
	for _, way := range []string{
		"pkcs8 -topk8 -v2 aes-128-cbc", "pkcs8 -topk8 -v2 aes-192-cbc -v2prf hmacWithSHA1", "pkcs8 -topk8 -v2 aes-256-cbc -v2prf hmacWithSHA512", "pkcs8 -topk8 -v2 aes-256-cbc -v2prf hmacWithSHA384", "pkcs8 -topk8 -v2 des3", "pkcs8 -topk8 -iter 1",
		"ec -aes256", // in the format of before PKCS #8
	} {
		text := encrypt(t, plain, strings.Fields(way)...)
		got, err := decrypted(text, "secret")
		if err != nil {
			t.Errorf("%s: %v", way, err)
			continue
		}
		block, _ := pem.Decode(got)
		want, _ := pem.Decode(plain)
		if strings.HasPrefix(way, "pkcs8") && !bytes.Equal(block.Bytes, want.Bytes) {
			t.Errorf("%s: another key", way)
		}
		if _, err := decrypted(text, "other"); err == nil {
			t.Errorf("%s: any password will do", way)
		}
	}
	for way, want := range map[string]string{
		"pkcs8 -topk8 -v1 PBE-SHA1-3DES":    "not supported (1.2.840.113549.1.12.1.3): want PBES2",
		"pkcs8 -topk8 -scrypt":              "not supported (1.3.6.1.4.1.11591.4.11): want PBKDF2",
		"pkcs8 -topk8 -v2 camellia-128-cbc": "cipher that is not supported",
	} {
		if _, err := decrypted(encrypt(t, plain, strings.Fields(way)...), "secret"); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", way, err, want)
		}
	}
}

// A key that is cut, or has one wrong byte, is refused or another one, and ends nothing.
func TestDamagedKeys(t *testing.T) {
	block, _ := pem.Decode(encrypt(t, someKey(t), "pkcs8", "-topk8", "-iter", "1"))
	for i := range block.Bytes {
		if _, err := decryptKey(block.Bytes[:i], "secret"); err == nil {
			t.Errorf("the first %d bytes are a key", i)
		}
		damaged := slices.Clone(block.Bytes)
		damaged[i] ^= 0x10
		_, _ = decryptKey(damaged, "secret") // in the key itself it may pass unnoticed
	}
}
