package engine

import (
	"bench/proxy/cli"
	"bench/proxy/log"
)

// Rings implements cli.Engine.
func (e *Engine) Rings() []cli.Ring {
	own, rings := e.ownRing()
	all := []cli.Ring{eventRing{rings.Of(own)}}
	for _, s := range e.cfg.Rings {
		if s == own {
			continue
		}
		all = append(all, eventRing{e.rings.Of(s)})
	}
	return all
}

type eventRing struct{ *log.Ring }

// Name implements cli.Ring.
func (r eventRing) Name() string { return r.Spec().Name }

// Description implements cli.Ring.
func (r eventRing) Description() string { return r.Spec().Description }

// Reader implements cli.Ring.
func (r eventRing) Reader(onlyNew bool) func() ([]byte, bool, <-chan struct{}) {
	var c log.Cursor
	if onlyNew {
		c = r.End()
	}
	var line []byte
	return func() (got []byte, ok bool, more <-chan struct{}) {
		line, ok, more = r.Next(&c, line[:0])
		return line, ok, more
	}
}
