package engine

import (
	"bench/proxy/sample"
	"bench/proxy/txn"
)

// Variables implements cli.Engine.
func (e *Engine) Variables() *txn.Names { return e.variables }

// Evaluate implements cli.Engine.
func (e *Engine) Evaluate(fn func(*sample.Context)) {
	e.loops[0].Call(func() { e.threads[0].Evaluate(fn) })
}
