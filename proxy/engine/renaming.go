package engine

import (
	"slices"

	"bench/proxy/resolver"
	"bench/proxy/server"
)

// rename makes a server follow another name. It keeps its address until that is found.
func (e *Engine) rename(s *server.Server, name string) {
	e.naming.Lock()
	defer e.naming.Unlock()
	old, _ := e.followedBy(s)
	old.mu.Lock()
	old.servers = slices.DeleteFunc(slices.Clone(old.servers), func(o *server.Server) bool { return o == s })
	old.mu.Unlock()
	s.SetHost(name)
	g, made := e.followedBy(s)
	g.mu.Lock()
	g.servers = append(g.servers, s)
	g.mu.Unlock()
	if made {
		go g.follow()
		return
	}
	select {
	case g.again <- struct{}{}:
	default: // it is about to ask anyway
	}
}

// abandoned ends what has no servers any more.
func (g *followed) abandoned() bool {
	e := g.e
	e.naming.Lock()
	defer e.naming.Unlock()
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(g.servers) > 0 {
		return false
	}
	for k, o := range e.followed {
		if o == g {
			delete(e.followed, k)
		}
	}
	return true
}

// SetHost implements cli.Server.
func (h *serverHandle) SetHost(name string) bool {
	if !resolver.ValidName(name) {
		return false
	}
	h.e.rename(h.s, name)
	return true
}

// SetTLS implements cli.Server. Connections in the other manner are not used again.
func (h *serverHandle) SetTLS(on bool) { h.s.Clear.Store(!on) }
