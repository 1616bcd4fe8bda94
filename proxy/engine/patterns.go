package engine

import "bench/proxy/pattern"

// Patterns are the lists of patterns of ACLs and maps, which may be changed at any time.
func (e *Engine) Patterns() *pattern.Lists {
	if e.cfg.Patterns == nil {
		return &pattern.Lists{}
	}
	return e.cfg.Patterns
}
