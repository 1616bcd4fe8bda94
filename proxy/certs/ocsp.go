package certs

import (
	"bytes"
	"crypto/sha1" //nolint:gosec // it is what these identifiers are made of
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/hex"
	"errors"
	"fmt"
	"math/big"
	"sort"
	"strings"
	"sync/atomic"
	"time"
)

// Stapled is what is known of the revocation of a certificate: a response of OCSP that clients
// are given if they ask. Certificates of the same name, key and issuer share it.
type Stapled struct {
	ID       CertID
	Issuer   *x509.Certificate
	response atomic.Pointer[Response] // nil: none
}

// withStaple is a certificate for a handshake, with its response as long as that is good.
func (c *Certificate) withStaple(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	r := c.stapled.response.Load()
	if r == nil || time.Now().After(r.NextUpdate) {
		return &c.Certificate, nil
	}
	own := c.Certificate
	own.OCSPStaple = r.Raw
	return &own, nil
}

// CertID is how responders call a certificate (RFC 6960, section 4.1.1).
type CertID struct {
	HashAlgorithm pkix.AlgorithmIdentifier
	NameHash      []byte
	KeyHash       []byte
	Serial        *big.Int
}

var (
	oidSHA1  = asn1.ObjectIdentifier{1, 3, 14, 3, 2, 26}
	oidBasic = asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 48, 1, 1}
)

// idOf is the identifier of a certificate.
func idOf(c, issuer *x509.Certificate) (id CertID, err error) {
	var key struct {
		Algorithm pkix.AlgorithmIdentifier
		Key       asn1.BitString
	}
	if _, err := asn1.Unmarshal(issuer.RawSubjectPublicKeyInfo, &key); err != nil {
		return id, err
	}
	name, public := sha1.Sum(issuer.RawSubject), sha1.Sum(key.Key.RightAlign()) //nolint:gosec // see above
	return CertID{
		HashAlgorithm: pkix.AlgorithmIdentifier{Algorithm: oidSHA1, Parameters: asn1.NullRawValue},
		NameHash:      name[:], KeyHash: public[:], Serial: c.SerialNumber,
	}, nil
}

// Key is the identifier as a text, by which the reference knows it.
func (id *CertID) Key() string {
	der, _ := asn1.Marshal(*id) // of what was made by idOf
	return hex.EncodeToString(der)
}

func (id *CertID) equal(o *CertID) bool {
	return id.HashAlgorithm.Algorithm.Equal(o.HashAlgorithm.Algorithm) && bytes.Equal(id.NameHash, o.NameHash) &&
		bytes.Equal(id.KeyHash, o.KeyHash) && id.Serial.Cmp(o.Serial) == 0
}

// Response is a response of OCSP about one certificate.
type Response struct {
	Raw        []byte
	ID         CertID
	Responder  []byte // the name in DER, nil if it is called by its key
	KeyHash    []byte // of the responder, nil if it is called by its name
	Produced   time.Time
	Revoked    bool
	RevokedAt  time.Time
	ThisUpdate time.Time
	NextUpdate time.Time
}

// The parts of a response (RFC 6960, section 4.2.1).
type (
	ocspEnvelope struct {
		Status asn1.Enumerated
		Bytes  struct {
			Type     asn1.ObjectIdentifier
			Response []byte
		} `asn1:"explicit,tag:0,optional"`
	}
	ocspBasic struct {
		Data      ocspData
		Algorithm pkix.AlgorithmIdentifier
		Signature asn1.BitString
		Certs     []asn1.RawValue `asn1:"explicit,tag:0,optional"`
	}
	ocspData struct {
		Raw       asn1.RawContent
		Version   int `asn1:"optional,default:0,explicit,tag:0"`
		Responder asn1.RawValue
		Produced  time.Time `asn1:"generalized"`
		Responses []ocspSingle
	}
	ocspSingle struct {
		ID         CertID
		Good       asn1.Flag   `asn1:"tag:0,optional"`
		Revoked    ocspRevoked `asn1:"tag:1,optional"`
		Unknown    asn1.Flag   `asn1:"tag:2,optional"`
		ThisUpdate time.Time   `asn1:"generalized"`
		NextUpdate time.Time   `asn1:"generalized,explicit,tag:0,optional"`
	}
	ocspRevoked struct {
		At     time.Time       `asn1:"generalized"`
		Reason asn1.Enumerated `asn1:"explicit,tag:0,optional"`
	}
)

// The reasons for not taking a response, in the words of the reference.
var (
	errUnparsable   = errors.New("Unable to parse OCSP response")                                                 //nolint:revive,staticcheck // see above
	errUnsuccessful = errors.New("OCSP response status not successful")                                           //nolint:revive,staticcheck // see above
	errNotBasic     = errors.New("Failed to get basic response from OCSP Response")                               //nolint:revive,staticcheck // see above
	errUnknownCert  = errors.New("OCSP single response: certificate status is unknown")                           //nolint:revive,staticcheck // see above
	errNoNextUpdate = errors.New("OCSP single response: missing nextupdate")                                      //nolint:revive,staticcheck // see above
	errStale        = errors.New("OCSP single response: no longer valid.")                                        //nolint:revive,staticcheck // see above
	errOtherCert    = errors.New("OCSP single response: Certificate ID does not match any certificate or issuer") //nolint:revive,staticcheck // see above
)

// ParseResponse takes a response apart, and refuses one that clients are not to be given.
func ParseResponse(der []byte) (*Response, error) {
	var env ocspEnvelope
	if rest, err := asn1.Unmarshal(der, &env); err != nil || len(rest) > 0 {
		return nil, errUnparsable
	}
	if env.Status != 0 {
		return nil, errUnsuccessful
	}
	var basic ocspBasic
	if _, err := asn1.Unmarshal(env.Bytes.Response, &basic); err != nil || !env.Bytes.Type.Equal(oidBasic) {
		return nil, errNotBasic
	}
	if n := len(basic.Data.Responses); n != 1 {
		return nil, fmt.Errorf("OCSP response ignored because contains multiple single responses (%d)", n)
	}
	one := &basic.Data.Responses[0]
	r := &Response{
		Raw: der, ID: one.ID, Produced: basic.Data.Produced, Revoked: !one.Revoked.At.IsZero(), RevokedAt: one.Revoked.At,
		ThisUpdate: one.ThisUpdate, NextUpdate: one.NextUpdate,
	}
	switch who := basic.Data.Responder; who.Tag {
	case 1:
		r.Responder = who.Bytes
	case 2:
		_, _ = asn1.Unmarshal(who.Bytes, &r.KeyHash) // nil: it stays unnamed
	}
	switch {
	case bool(one.Unknown):
		return nil, errUnknownCert
	case r.NextUpdate.IsZero():
		return nil, errNoNextUpdate
	case time.Now().After(r.NextUpdate):
		return nil, errStale
	}
	return r, nil
}

// staple finds out what is known of a certificate's revocation.
func (s *Store) staple(c *Certificate) error {
	issuer := c.issuer()
	if issuer == nil {
		if c.parts.ocsp != nil {
			return fmt.Errorf("'%s.ocsp' cannot be used: the issuer of the certificate is neither behind it nor in a file '.issuer'", c.File)
		}
		return nil
	}
	id, err := idOf(c.Leaf, issuer)
	if err != nil {
		return err
	}
	known := s.stapled[id.Key()]
	if c.parts.ocsp == nil {
		c.stapled = known // another one may have brought it
		return nil
	}
	r, err := ParseResponse(c.parts.ocsp)
	if err == nil && !r.ID.equal(&id) {
		err = errOtherCert
	}
	if err != nil && len(c.parts.ocsp) > 0 { // an empty file waits for the runtime API
		return fmt.Errorf("'%s.ocsp': %w", c.File, err)
	}
	if known == nil {
		known = &Stapled{ID: id, Issuer: issuer}
		s.stapled[id.Key()] = known
	}
	if err == nil {
		known.response.Store(r)
	}
	c.stapled = known
	return nil
}

// UpdateResponse puts a response in the place of the one of its certificate.
func (s *Store) UpdateResponse(der []byte) error {
	r, err := ParseResponse(der)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, k := range s.stapled {
		if k.ID.equal(&r.ID) {
			k.response.Store(r)
			return nil
		}
	}
	return errOtherCert
}

// Response is the one that is given out, nil if there is none.
func (k *Stapled) Response() *Response { return k.response.Load() }

// Staples are the certificates that responses are known of, in order of their identifiers.
func (s *Store) Staples() (list []*Stapled) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, k := range s.stapled {
		list = append(list, k)
	}
	sort.Slice(list, func(i, j int) bool { return strings.Compare(list[i].ID.Key(), list[j].ID.Key()) < 0 })
	return list
}
