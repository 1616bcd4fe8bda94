// Package certmaker makes the certificates of a run, which are files in its directory and
// signed by an authority of its own. Nothing else in there is kept or trusted anywhere.
package certmaker

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// RSA gives a certificate a key of RSA with 2048 bits, in place of one of ECDSA.
const RSA = "rsa"

// Flaws are what may be wrong with a certificate on purpose.
func Flaws() []string { return []string{Expired, Foreign} }

// The flaws.
const (
	Expired = "expired" // it was valid until an hour ago
	Foreign = "foreign" // another authority has signed it
)

// Maker makes certificates in a directory. It is safe for all goroutines.
type Maker struct {
	dir string

	mu      sync.Mutex
	own     *authority
	foreign *authority
	made    map[string]bool // files
}

// authority signs.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

// New makes nothing yet.
func New(dir string) *Maker { return &Maker{dir: dir, made: map[string]bool{}} }

// CA is the file of the authority.
func (m *Maker) CA() (string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	path := filepath.Join(m.dir, "authority.pem")
	if m.made[path] {
		return path, nil
	}
	a, err := m.authority()
	if err != nil {
		return "", err
	}
	m.made[path] = true
	return path, os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.cert.Raw}), 0o600)
}

// tickets and ticketKey are how many keys of tickets there are, and how long each is.
const tickets, ticketKey = 3, 80

// Tickets is a file of keys that tickets of sessions are sealed with, one to a line.
func (m *Maker) Tickets() (string, error) {
	path := filepath.Join(m.dir, "tickets.keys")
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.made[path] {
		return path, nil
	}
	var text []byte
	key := make([]byte, ticketKey)
	for range tickets {
		_, _ = rand.Read(key) // it never fails
		text = append(base64.StdEncoding.AppendEncode(text, key), '\n')
	}
	m.made[path] = true
	return path, os.WriteFile(path, text, 0o600)
}

// Path is the file of a certificate, made or not.
func (m *Maker) Path(name string, flaws ...string) string {
	file := strings.NewReplacer("*", "any", "/", "_").Replace(name)
	return filepath.Join(m.dir, "cert-"+strings.Join(append([]string{file}, flaws...), "-")+".pem")
}

// Cert is the file of a certificate for a name, with its key. The same words give the same
// file.
func (m *Maker) Cert(name string, flaws ...string) (string, error) {
	path := m.Path(name, flaws...)
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.made[path] {
		return path, nil
	}
	text, err := m.make(name, flaws)
	if err != nil {
		return "", err
	}
	m.made[path] = true
	return path, os.WriteFile(path, text, 0o600)
}

// Text is what Cert has in its file.
func (m *Maker) Text(name string, flaws ...string) ([]byte, error) {
	path, err := m.Cert(name, flaws...)
	if err != nil {
		return nil, err
	}
	return os.ReadFile(path)
}

// Renewed is another certificate for a name, with a key of its own, in PEM. The file
// stays as it is.
func (m *Maker) Renewed(name string) ([]byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.make(name, nil)
}

// authority is the run's own, made when it is wanted.
func (m *Maker) authority() (*authority, error) {
	if m.own != nil {
		return m.own, nil
	}
	a, err := newAuthority("authority of a run")
	m.own = a
	return a, err
}

func newAuthority(name string) (*authority, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	tmpl := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, NotBefore: time.Now().Add(-24 * time.Hour), NotAfter: time.Now().Add(lifetime),
		BasicConstraintsValid: true, IsCA: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, key.Public(), key)
	if err != nil {
		return nil, err
	}
	cert, err := x509.ParseCertificate(der)
	return &authority{cert, key}, err
}

// newKey makes a key: RSA's have 2048 bits, others are on the curve P-256.
func newKey(isRSA bool) (crypto.Signer, error) {
	if isRSA {
		return rsa.GenerateKey(rand.Reader, 2048)
	}
	return ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
}

// lifetime is how long certificates are valid: longer than any run.
const lifetime = 30 * 24 * time.Hour

func (m *Maker) make(name string, flaws []string) (text []byte, err error) {
	by, err := m.authority()
	if err != nil {
		return nil, err
	}
	until := time.Now().Add(lifetime)
	rsaKey := false
	for _, flaw := range flaws {
		switch flaw {
		case RSA:
			rsaKey = true
		case Expired:
			until = time.Now().Add(-time.Hour)
		case Foreign:
			if m.foreign == nil {
				if m.foreign, err = newAuthority("authority of nobody"); err != nil {
					return nil, err
				}
			}
			by = m.foreign
		default:
			return nil, fmt.Errorf("a certificate can be %s, not %q", strings.Join(append(Flaws(), RSA), " or "), flaw)
		}
	}
	key, err := newKey(rsaKey)
	if err != nil {
		return nil, err
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 63))
	if err != nil {
		return nil, err
	}
	tmpl := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: name}, DNSNames: []string{name}, NotBefore: time.Now().Add(-24 * time.Hour), NotAfter: until,
		BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, by.cert, key.Public(), by.key)
	if err != nil {
		return nil, err
	}
	raw, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	return append(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: raw})...), nil
}
