package engine

import (
	"iter"
	"slices"
	"time"

	"bench/internal/giveway"
	"bench/internal/loop"
	"bench/proxy/cli"
	"bench/proxy/spec"
	"bench/proxy/stream"
)

// sessionsTogether is how many sessions a thread tells of at a time: for so long it does
// nothing else.
const sessionsTogether = 32

// Sessions implements cli.Engine.
func (e *Engine) Sessions() iter.Seq[*cli.Session] {
	return func(yield func(*cli.Session) bool) {
		var pacer giveway.Pacer
		for i, t := range e.threads {
			var live []stream.Live
			e.loops[i].Call(func() { live = t.Live() })
			for some := range slices.Chunk(live, sessionsTogether) {
				list := e.describe(i, some)
				for k := range list {
					if !yield(&list[k]) {
						return
					}
					pacer.Step()
				}
			}
		}
	}
}

// describe tells of those streams of the i-th thread that still live.
func (e *Engine) describe(i int, some []stream.Live) []cli.Session {
	list := make([]cli.Session, 0, len(some))
	now, wall := loop.Nanotime(), time.Now()
	t := e.threads[i]
	e.loops[i].Call(func() {
		t.Describe(some, func(s *stream.Session) {
			x := cli.Session{
				ID: s.ID, Proto: proto(&s.Source), Source: s.Source.String(),
				Frontend: s.Frontend.Spec.Name, FrontendID: s.Frontend.Spec.ID, FrontendHTTP: s.Frontend.Spec.Mode == spec.ModeHTTP,
				Listener: s.Listener.Bind.Name, ListenerID: s.Listener.Bind.ID, ListenerAddr: listensOn(s.Listener),
				BackendID: -1, Server: s.Server, ServerID: s.ServerID, ServerAddr: s.ServerAddr, HTTP: s.HTTP, Thread: t.ID,
				Started: wall.Add(-time.Duration(now - s.Started)), RequestState: s.State, Status: s.Status,
				BytesIn: s.BytesIn, BytesOut: s.BytesOut,
				Expires: until(s.Expires, now), ClientExpires: until(s.ClientExpires, now), ServerExpires: until(s.ServerExpires, now),
				ClientFD: s.ClientFD, ServerFD: s.ServerFD, ClientTLS: s.ClientTLS, ServerTLS: s.ServerTLS, Muxed: s.Muxed, Retries: s.Retries,
			}
			if b := s.Backend; b != nil {
				x.Backend, x.BackendID, x.BackendHTTP = b.Spec.Name, b.Spec.ID, b.Spec.Mode == spec.ModeHTTP
			}
			list = append(list, x)
		})
	})
	return list
}
