package proxy

import (
	"net/netip"

	"bench/proxy/server"
	"bench/proxy/stats"
)

type checks struct{}

func (e *Engine) startChecks() error { return nil }

func (c *checks) state(*server.Server) stats.CheckState  { return stats.CheckState{} }
func (c *checks) failed(*server.Server) bool             { return false }
func (c *checks) addr(*server.Server) netip.AddrPort     { return netip.AddrPort{} }
func (c *checks) setAddr(*server.Server, netip.AddrPort) {}
func (c *checks) enable(*server.Server, bool)            {}
func (c *checks) moved(*server.Server)                   {}
func (c *checks) adminChanged(*server.Server)            {}
