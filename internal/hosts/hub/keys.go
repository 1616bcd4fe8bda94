package hub

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"os"
	"path/filepath"
	"time"

	"github.com/nats-io/nkeys"

	"bench/internal/hosts/wire"
)

// Purposes of a key: hosts join with one, runners order with the other.
const (
	purposeJoin = "join"
	purposeRun  = "run"
)

// key lets somebody in for a purpose, until it expires.
type key struct {
	Purpose string    `json:"purpose"`
	Seed    string    `json:"seed"`
	Expires time.Time `json:"expires,omitzero"`
	public  string
}

func newKey(purpose string, expires time.Time) (*key, error) {
	pair, err := nkeys.CreateUser()
	if err != nil {
		return nil, err
	}
	seed, err := pair.Seed()
	if err != nil {
		return nil, err
	}
	k := &key{Purpose: purpose, Seed: string(seed), Expires: expires}
	return k, k.derive()
}

func (k *key) derive() error {
	pair, err := nkeys.FromSeed([]byte(k.Seed))
	if err != nil {
		return err
	}
	k.public, err = pair.PublicKey()
	return err
}

// expired reports whether the key lets nobody in any more.
func (k *key) expired(now time.Time) bool { return !k.Expires.IsZero() && now.After(k.Expires) }

// identity is who the hub is, and whom it lets in.
type identity struct {
	certificate tls.Certificate
	pin         string
	keys        []*key
}

const (
	fileKeys        = "keys.json"
	fileCertificate = "hub.pem"
)

// readIdentity reads what an earlier hub has left in dir, and makes what is missing or
// has expired. Whoever joined by a key that is renewed stays, but does not come back.
func readIdentity(dir string, lifetime time.Duration) (*identity, error) {
	id := &identity{}
	if err := id.readCertificate(filepath.Join(dir, fileCertificate)); err != nil {
		return nil, err
	}
	path := filepath.Join(dir, fileKeys)
	text, err := os.ReadFile(path)
	if err == nil {
		err = json.Unmarshal(text, &id.keys)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	now := time.Now()
	var good []*key
	for _, k := range id.keys {
		if err := k.derive(); err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		if !k.expired(now) {
			good = append(good, k)
		}
	}
	id.keys = good
	for _, purpose := range []string{purposeJoin, purposeRun} {
		if id.find(purpose) != nil {
			continue
		}
		expires := time.Time{}
		if lifetime > 0 {
			expires = now.Add(lifetime).Truncate(time.Second)
		}
		k, err := newKey(purpose, expires)
		if err != nil {
			return nil, err
		}
		id.keys = append(id.keys, k)
	}
	if text, err = json.MarshalIndent(id.keys, "", "  "); err != nil {
		return nil, err
	}
	return id, os.WriteFile(path, text, 0o600)
}

// find is the key of a purpose, nil without one.
func (id *identity) find(purpose string) *key {
	for _, k := range id.keys {
		if k.Purpose == purpose {
			return k
		}
	}
	return nil
}

// address is what to type for a purpose.
func (id *identity) address(url, purpose string) *wire.Address {
	k := id.find(purpose)
	return &wire.Address{URL: url, Seed: k.Seed, Pin: id.pin, Expiry: k.Expires}
}

// readCertificate reads the hub's certificate or makes it. Nobody looks at names or
// times in it, only at its key.
func (id *identity) readCertificate(path string) error {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		if text, err = makeCertificate(); err == nil {
			err = os.WriteFile(path, text, 0o600)
		}
	}
	if err != nil {
		return err
	}
	if id.certificate, err = tls.X509KeyPair(text, text); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	leaf, err := x509.ParseCertificate(id.certificate.Certificate[0])
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	id.pin = wire.Fingerprint(leaf.RawSubjectPublicKeyInfo)
	return nil
}

func makeCertificate() ([]byte, error) {
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "bench hub"},
		NotBefore: time.Unix(0, 0), NotAfter: time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, public, private)
	if err != nil {
		return nil, err
	}
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return nil, err
	}
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	return append(text, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret})...), nil
}
