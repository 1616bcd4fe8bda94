package engine

import (
	"fmt"

	"bench/proxy/certs"
	"bench/proxy/config"
	"bench/proxy/server"
	"bench/proxy/spec"
)

// prepareTLS reads the certificates of bind lines and what servers are verified by.
// The lines of one "bind" share what they refer to.
func (e *Engine) prepareTLS() error {
	e.certs = certs.NewStore()
	e.acceptors = map[*spec.Bind]*certs.Acceptor{}
	made := map[*spec.BindTLS]*certs.Acceptor{}
	for _, f := range e.shared.Frontends.All() {
		for _, b := range f.Spec.Binds {
			if b.TLS == nil {
				continue
			}
			a := made[b.TLS]
			if a == nil {
				var err error
				if a, _, err = e.certs.Acceptor(b.TLS); err != nil {
					return fmt.Errorf("%s:%d: bind '%s': %w", b.File, b.Line, b.Text, err)
				}
				made[b.TLS] = a
			}
			e.acceptors[b] = a
		}
	}
	for _, b := range e.shared.Backends.All() {
		for _, s := range b.Servers() {
			if err := e.secureServer(s); err != nil {
				return err
			}
		}
	}
	return nil
}

// secureServer makes what a server is connected to with.
func (e *Engine) secureServer(s *server.Server) (err error) {
	if s.Spec.TLS == nil {
		return nil
	}
	if s.TLS, _, err = e.certs.Connector(s.Spec.TLS); err != nil {
		return fmt.Errorf("%s:%d: server '%s': %w", s.Spec.File, s.Spec.Line, s.Spec.Name, err)
	}
	return nil
}

// Certs implements cli.Engine.
func (e *Engine) Certs() *certs.Store { return e.certs }

// AddCertEntry implements cli.Engine.
func (e *Engine) AddCertEntry(list, cert, line string) (int, error) {
	return e.certs.AddEntry(list, cert, func(b *spec.BindTLS) (spec.CertEntry, error) {
		return config.CertEntryAtRunTime(&e.cfg.Global.TLS, b, line)
	})
}
