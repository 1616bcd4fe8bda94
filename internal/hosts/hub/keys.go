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
	"slices"
	"sync"
	"time"

	"github.com/nats-io/nkeys"
	"golang.org/x/sys/unix"

	"bench/internal/hosts/wire"
)

// Purposes of a key: hosts join with one, runners order with the other.
const (
	purposeJoin = "join"
	purposeRun  = "run"
)

// key lets somebody in for a purpose, until it expires.
type key struct {
	Purpose string `json:"purpose"`
	// Name is that of the only host that may join by it; "" is any without a key of its own.
	Name    string    `json:"name,omitempty"`
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
	path        string // of the keys
	own         *key   // by which the hub connects to itself; it is kept nowhere

	mu   sync.Mutex
	keys []*key
	as   fs.FileInfo // of the file, when the keys were read from it
}

const (
	fileKeys        = "keys.json"
	fileKeysLock    = "keys.lock"
	fileAddress     = "address"
	fileCertificate = "hub.pem"
)

// readIdentity reads what an earlier hub has left in dir, and makes what is missing or
// has expired. Whoever joined by a key that is renewed stays, but does not come back.
func readIdentity(dir string, lifetime time.Duration) (*identity, error) {
	id := &identity{}
	if err := id.readCertificate(filepath.Join(dir, fileCertificate)); err != nil {
		return nil, err
	}
	id.path = filepath.Join(dir, fileKeys)
	own, err := newKey("", time.Time{})
	if err != nil {
		return nil, err
	}
	id.own = own
	err = changeKeys(dir, func(keys []*key) ([]*key, error) {
		now := time.Now()
		keys = slices.DeleteFunc(keys, func(k *key) bool { return k.expired(now) })
		for _, purpose := range []string{purposeJoin, purposeRun} {
			if slices.ContainsFunc(keys, func(k *key) bool { return k.Purpose == purpose && k.Name == "" }) {
				continue
			}
			k, err := newKey(purpose, expiry(now, lifetime))
			if err != nil {
				return nil, err
			}
			keys = append(keys, k)
		}
		return keys, nil
	})
	if err != nil {
		return nil, err
	}
	return id, id.reread()
}

// expiry of a key that is made now; a lifetime of 0 is for ever.
func expiry(now time.Time, lifetime time.Duration) time.Time {
	if lifetime == 0 {
		return time.Time{}
	}
	return now.Add(lifetime).Truncate(time.Second)
}

// changeKeys changes the keys of a store in one step, whoever else does at the same time.
func changeKeys(dir string, change func([]*key) ([]*key, error)) error {
	lock, err := os.OpenFile(filepath.Join(dir, fileKeysLock), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	defer lock.Close()
	if err := unix.Flock(int(lock.Fd()), unix.LOCK_EX); err != nil {
		return err
	}
	path := filepath.Join(dir, fileKeys)
	keys, err := readKeys(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if keys, err = change(keys); err != nil {
		return err
	}
	text, err := json.MarshalIndent(keys, "", "  ")
	if err != nil {
		return err
	}
	if err := os.WriteFile(path+".new", text, 0o600); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}

func readKeys(path string) ([]*key, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var keys []*key
	if err := json.Unmarshal(text, &keys); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	for _, k := range keys {
		if err := k.derive(); err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
	}
	return keys, nil
}

// reread reads the keys if the file is another one than before: they may be made while the
// hub runs.
func (id *identity) reread() error {
	id.mu.Lock()
	defer id.mu.Unlock()
	now, err := os.Stat(id.path)
	if err != nil || id.as != nil && os.SameFile(id.as, now) && id.as.ModTime().Equal(now.ModTime()) {
		return err
	}
	keys, err := readKeys(id.path)
	if err == nil {
		id.keys, id.as = keys, now
	}
	return err
}

// known is the key with a public half, nil if there is none.
func (id *identity) known(public string) *key {
	id.mu.Lock()
	defer id.mu.Unlock()
	for _, k := range id.keys {
		if k.public == public {
			return k
		}
	}
	return nil
}

// reserved reports whether a host of that name has a key of its own.
func (id *identity) reserved(host string) bool {
	id.mu.Lock()
	defer id.mu.Unlock()
	now := time.Now()
	return slices.ContainsFunc(id.keys, func(k *key) bool { return k.Purpose == purposeJoin && k.Name == host && !k.expired(now) })
}

// find is the key of a purpose that is nobody's own.
func (id *identity) find(purpose string) *key {
	id.mu.Lock()
	defer id.mu.Unlock()
	i := slices.IndexFunc(id.keys, func(k *key) bool { return k.Purpose == purpose && k.Name == "" })
	return id.keys[i]
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
