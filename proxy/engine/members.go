package engine

import (
	"errors"

	"bench/proxy/cli"
	"bench/proxy/config"
	"bench/proxy/server"
	"bench/proxy/state"
	"bench/proxy/stream"
)

// AddServer implements cli.Engine.
func (e *Engine) AddServer(backend, name string, words []string) ([]string, error) {
	b := e.backend(backend)
	if b == nil {
		return nil, cli.ErrNoBackend
	}
	if b.Spec.FixedWeights() {
		return nil, cli.ErrStaticBalance
	}
	r, err := config.ServerAtRunTime(&e.cfg.Global.TLS, b.Spec, name, words)
	if err != nil {
		return nil, err
	}
	sp := r.Server
	e.members.Lock()
	defer e.members.Unlock()
	if _, taken := b.Server(name); taken {
		return nil, cli.ErrServerExists
	}
	if sp.ID == 0 {
		sp.ID = b.FreeID()
	} else if o := b.ServerByID(sp.ID); o != nil {
		return nil, &cli.IDError{ID: sp.ID, Server: o.Spec.Name, Pos: o.Spec.Pos}
	}
	s := b.NewDynamic(sp, e.shared.Slots.Take(), r.Enabled)
	if err := e.secureServer(s); err != nil {
		e.shared.Slots.Give(s.Slot)
		return nil, err
	}
	if err := errors.Join(e.addCheck(s, false), e.addAgent(s, false)); err != nil {
		e.checks.remove(s)
		e.certs.Forget(s.TLS)
		e.shared.Slots.Give(s.Slot)
		return nil, err
	}
	e.onEach(func(t *stream.Thread) { t.AddServer(s) })
	b.Add(s)
	if k := e.checks.of(s); k != nil {
		k.begin(sp.Inter, false)
	}
	return r.Warnings, nil
}

// DeleteServer implements cli.Engine.
func (e *Engine) DeleteServer(backend, name string) error {
	b := e.backend(backend)
	if b == nil {
		return cli.ErrNoBackend
	}
	e.members.Lock()
	defer e.members.Unlock()
	s := serverOf(b, name)
	switch {
	case s == nil:
		return cli.ErrNoServer
	case s.Spec.Named:
		return cli.ErrServerNamed
	case s.Admin() != state.Maint:
		return cli.ErrNotInMaintenance
	}
	// A thread that was choosing a server when this one went into maintenance has done
	// so after this, and none goes to it any more, whatever it was sent there by. Nobody
	// ends the maintenance meanwhile: that takes the lock.
	s.Retire(true)
	e.onEach(func(*stream.Thread) {})
	if err := b.Remove(s); err != nil {
		s.Retire(false)
		if errors.Is(err, server.ErrBusy) {
			return cli.ErrServerBusy
		}
		return err
	}
	e.checks.remove(s)
	e.certs.Forget(s.TLS)
	e.onEach(func(t *stream.Thread) { t.RemoveServer(s) })
	e.shared.Slots.Give(s.Slot)
	return nil
}
