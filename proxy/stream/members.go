package stream

import (
	"slices"
	"strings"

	"bench/proxy/balance"
	"bench/proxy/h1"
	"bench/proxy/log"
	"bench/proxy/server"
	"bench/proxy/spec"
)

// What a thread has of its own of the things that threads share. Each thread makes its
// part on its own loop (or before that runs) before the thing is added to where others
// find it, and takes it away after it was removed there.

// AddFrontend makes the thread's part of a frontend. A nil sink means no logs.
func (t *Thread) AddFrontend(f *Frontend, sink log.Sink) {
	t.Loop.Own()
	front := &Front{Frontend: f, Sink: sink}
	front.C.SharePeaks(&f.Peaks)
	front.lay(t)
	t.Fronts.Put(f.Spec.Index, front)
}

// AddBackend makes the thread's part of a backend and of its servers.
func (t *Thread) AddBackend(b *server.Backend) {
	t.Loop.Own()
	tune := &t.Shared.Config.Global.Tune
	algorithm := balance.ByName(b.Spec.Balance)
	back := &Back{Backend: b, picker: algorithm.New(b.Spec), inLine: algorithm.InLine, again: algorithm.Again, limits: h1.Limits{
		MaxHead:   tune.BufSize - tune.MaxRewrite,
		MaxFields: tune.HTTPMaxHdr,
		Relaxed:   b.Spec.Options.AcceptInvalidResponse,
	}}
	if b.Spec.Mode == spec.ModeHTTP {
		back.cookie = newPersisting(b.Spec.Cookie)
	}
	if b.Spec.Balance.Hashes() {
		back.hasher, _ = back.picker.(balance.Hasher)
	}
	back.muxSet = back.muxSettings(tune)
	back.C.SharePeaks(&b.Peaks)
	if name := b.Spec.ServerNameHeader; name != "" {
		back.nameHeader = []byte(strings.ToLower(name))
	}
	back.lay(t)
	back.reserve(len(b.Servers()))
	back.anyUsable() // or what happens before the first request would be taken for the beginning
	t.Backs.Put(b.Spec.Index, back)
	for _, s := range b.Servers() {
		t.AddServer(s)
	}
	if b.Direct != nil {
		t.AddServer(b.Direct)
	}
}

// AddServer makes the thread's part of a server, whose backend it has.
func (t *Thread) AddServer(s *server.Server) {
	t.Loop.Own()
	side := &ServerSide{srv: s}
	side.C.SharePeaks(&s.Peaks)
	t.Servers.Put(s.Slot, side)
	t.Backs.At(s.Backend.Spec.Index).reserve(len(s.Backend.Servers()) + 1)
}

// RemoveServer takes the thread's part of a server away. Nothing of it is lost that
// others show: backend and process count for themselves.
func (t *Thread) RemoveServer(s *server.Server) {
	t.Loop.Own()
	t.Servers.Put(s.Slot, nil)
}

// Server is the thread's part of s, nil once s has been removed, also when another
// server has its slot by now.
func (t *Thread) Server(s *server.Server) *ServerSide {
	t.Loop.Own()
	if side := t.Servers.At(s.Slot); side != nil && side.srv == s {
		return side
	}
	return nil
}

// addListener makes the thread's part of a bind line.
func (t *Thread) addListener(l *Listener) {
	if t.Listeners.At(l.Index) == nil {
		t.Listeners.Put(l.Index, &ListenerSide{})
	}
}

// reserve makes room for n servers, so that the next choice need not.
func (b *Back) reserve(n int) {
	if n > len(b.usable) {
		b.usable = slices.Grow(b.usable, n-len(b.usable))
	}
	b.picker.Reserve(n)
}

// anyUsable tells whether there is a server to choose, for which it has a look at what
// happened to them.
func (b *Back) anyUsable() bool {
	if v := b.Version(); v != b.version {
		b.version = v
		b.usable = b.Usable(b.usable[:0])
		b.picker.Build(b.usable)
		b.lone = nil
		// As in the reference, lists of places have a place for a backup like any other.
		if len(b.usable) == 1 && b.usable[0].Spec.Backup && !b.Spec.Options.AllBackups && !b.Spec.FixedWeights() {
			b.lone = b.usable[0]
		}
	}
	return len(b.usable) > 0
}

// pick chooses a server of the backend and takes a slot of it, or if that is full none:
// the stream may wait for it. nil means that all are full, or with none true that no
// server is usable.
func (b *Back) pick(avoid *server.Server, hash uint32, hashed bool) (s *server.Server, full, none bool) {
	switch {
	case !b.anyUsable():
		return nil, false, true
	case b.lone != nil:
		return b.lone, !b.lone.Enter(), false
	case hashed || len(b.usable) == 1 && (b.Spec.Balance == spec.ByHeader || b.Spec.Balance == spec.ByExpr): // no key is needed
		s, full = b.hasher.PickHash(hash, avoid)
	default:
		s, full = b.picker.Pick(avoid)
	}
	return s, full, false
}
