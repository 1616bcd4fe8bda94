package proxy

import (
	"bench/proxy/cli"
	"bench/proxy/spec"
)

type statsSocket struct {
	fd   int
	bind *spec.Bind
}

func (e *Engine) bindStats() error      { return nil }
func (e *Engine) serveStats()           {}
func (e *Engine) stopStats()            {}
func (e *Engine) statsBusy() bool       { return false }
func (e *Engine) Sockets() []cli.Socket { return nil }
