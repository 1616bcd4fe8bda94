package stream_test

import (
	"testing"

	"bench/proxy/spec"
	"bench/proxy/stream"
)

// Once a server was removed a thread has nothing of it, also when another one has its
// slot: a stream may still remember the first.
func TestSlotBelongsToOneServer(t *testing.T) {
	r := newRig(t, spec.ModeHTTP, nil, "127.0.0.1:1", "127.0.0.1:2")
	gone := r.backend.Servers()[0]
	next := r.backend.NewDynamic(&spec.Server{Name: "next", Weight: 1}, gone.Slot, false)
	r.loop.Call(func() {
		r.thread.Server(gone).C.Sessions = 7
		r.thread.RemoveServer(gone)
		if r.thread.Server(gone) != nil || r.thread.IdleConns(gone) != (stream.Idle{}) {
			t.Error("something is left of a server that was removed")
		}
		r.thread.CloseIdle(gone)
		r.thread.AddServer(next)
		if r.thread.Server(gone) != nil {
			t.Error("the part of another server is taken for that of one that was removed")
		}
		if part := r.thread.Server(next); part == nil || part.C.Sessions != 0 {
			t.Errorf("the part of the server that came is %+v", part)
		}
	})
}
