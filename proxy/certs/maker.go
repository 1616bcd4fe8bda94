package certs

import (
	"crypto"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"fmt"
	"math/big"
	"os"
	"slices"
	"sync"
	"time"

	"bench/proxy/spec"
)

// maker makes certificates for names that clients ask for and none is for, with the key of
// the bind line's first certificate ("generate-certificates").
type maker struct {
	ca     *x509.Certificate
	signer crypto.Signer
	key    crypto.Signer
	// subject is the name that certificates begin with, that of the first one.
	subject pkix.RDNSequence
	cfg     *tls.Config
	trust   *trust
	most    int

	mu   sync.Mutex
	made map[string]*identity
}

// madeLife is how long certificates that were made are valid.
const madeLife = 365 * 24 * time.Hour

// maker is one for a bind line whose first certificate is def.
func (b *builder) maker(g *spec.Generate, def *identity, cfg *tls.Config, tr *trust) (*maker, error) {
	text := b.signers[g.CAFile]
	if text == nil {
		var err error
		if text, err = os.ReadFile(g.CAFile); err != nil {
			return nil, fmt.Errorf("cannot read the authority that signs: %w", err)
		}
		b.signers[g.CAFile] = text
	}
	ca, err := firstCertificate(text)
	if err != nil {
		return nil, fmt.Errorf("'%s': %w", g.CAFile, err)
	}
	if text, err = decrypted(text, g.Password); err != nil {
		return nil, fmt.Errorf("'%s': %w", g.CAFile, err)
	}
	pair, err := tls.X509KeyPair(text, text)
	if err != nil {
		return nil, fmt.Errorf("cannot sign with '%s': %w", g.CAFile, err)
	}
	m := &maker{ca: ca, cfg: cfg, trust: tr, most: g.Cache, made: map[string]*identity{}}
	var ok bool
	if m.signer, ok = pair.PrivateKey.(crypto.Signer); !ok {
		return nil, fmt.Errorf("cannot sign with the key of '%s'", g.CAFile)
	}
	if m.key, ok = def.cert.PrivateKey.(crypto.Signer); !ok {
		return nil, fmt.Errorf("cannot use the key of '%s' to sign certificates", def.cert.File)
	}
	if _, err := asn1.Unmarshal(def.cert.Leaf.RawSubject, &m.subject); err != nil {
		return nil, fmt.Errorf("'%s': %w", def.cert.File, err)
	}
	return m, nil
}

var oidCommonName = asn1.ObjectIdentifier{2, 5, 4, 3}

// decrypted is a text in PEM whose keys are in clear.
func decrypted(text []byte, password string) (plain []byte, err error) {
	for {
		var block *pem.Block
		if block, text = pem.Decode(text); block == nil {
			return plain, nil
		}
		switch {
		case block.Type == "ENCRYPTED PRIVATE KEY":
			if block.Bytes, err = decryptKey(block.Bytes, password); err != nil {
				return nil, err
			}
			block.Type = "PRIVATE KEY"
		case x509.IsEncryptedPEMBlock(block): //nolint:staticcheck // it is what such files have
			if block.Bytes, err = x509.DecryptPEMBlock(block, []byte(password)); err != nil { //nolint:staticcheck // as above
				return nil, err
			}
			block.Headers = nil
		}
		plain = append(plain, pem.EncodeToMemory(block)...)
	}
}

// of is the identity for a name; nil if none can be made. Where there are as many as are
// kept, one makes room, whichever.
func (m *maker) of(name string) *identity {
	m.mu.Lock()
	defer m.mu.Unlock()
	if id := m.made[name]; id != nil {
		return id
	}
	c, err := m.make(name)
	if err != nil {
		return nil
	}
	id := newIdentity(m.cfg, m.trust, c)
	for old := range m.made {
		if len(m.made) < m.most {
			break
		}
		delete(m.made, old)
	}
	if len(m.made) < m.most {
		m.made[name] = id
	}
	return id
}

func (m *maker) make(name string) (*Certificate, error) {
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 63))
	if err != nil {
		return nil, err
	}
	subject, err := asn1.Marshal(append(slices.Clip(m.subject), []pkix.AttributeTypeAndValue{{Type: oidCommonName, Value: name}}))
	if err != nil {
		return nil, err
	}
	now := time.Now()
	tmpl := &x509.Certificate{
		SerialNumber: serial, RawSubject: subject, DNSNames: []string{name},
		NotBefore: now.Add(-24 * time.Hour), NotAfter: now.Add(madeLife), BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageContentCommitment | x509.KeyUsageKeyEncipherment,
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, m.ca, m.key.Public(), m.signer)
	if err != nil {
		return nil, err
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, err
	}
	return &Certificate{File: name, Certificate: tls.Certificate{Certificate: [][]byte{der, m.ca.Raw}, PrivateKey: m.key, Leaf: leaf}}, nil
}
