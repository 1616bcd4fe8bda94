package main

import (
	"cmp"
	"crypto/tls"
	"errors"
	"fmt"
)

// tlsFlags are those of origins that speak TLS.
type tlsFlags struct {
	TLSCert string `name:"tls-cert" type:"existingfile" placeholder:"FILE" help:"Speak TLS, with the certificate and its chain in this file."`
	TLSKey  string `name:"tls-key" type:"existingfile" placeholder:"FILE" help:"File of the certificate's key; that of the certificate if not given."`
}

// secure reads the certificate, nil for none.
func (c *tlsFlags) secure() (*tls.Config, error) {
	switch {
	case c.TLSCert == "" && c.TLSKey == "":
		return nil, nil
	case c.TLSCert == "":
		return nil, errors.New("--tls-key: only with --tls-cert")
	}
	pair, err := tls.LoadX509KeyPair(c.TLSCert, cmp.Or(c.TLSKey, c.TLSCert))
	if err != nil {
		return nil, fmt.Errorf("--tls-cert: %w", err)
	}
	return &tls.Config{
		Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12, DynamicRecordSizingDisabled: true,
		CurvePreferences: []tls.CurveID{tls.X25519, tls.CurveP256, tls.CurveP384, tls.CurveP521},
	}, nil
}
