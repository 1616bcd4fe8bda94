package stream_test

import (
	"io"
	"net"
	"testing"
	"time"

	"bench/internal/testserver"
	"bench/proxy/spec"
	"bench/proxy/stream"
)

// Streams that end between being counted and being told of are left out, also where their
// places are taken by others; those that live are told of.
func TestStreamsThatHaveEndedAreLeftOut(t *testing.T) {
	r := newRig(t, spec.ModeTCP, func(p *spec.Proxy) { p.Timeouts.Client, p.Timeouts.Server = time.Minute, time.Minute }, testserver.TCP(t, func(c net.Conn) {
		_, _ = io.Copy(io.Discard, c)
		_ = c.Close()
	}))
	wait := func(n int) (live []stream.Live) {
		t.Helper()
		for end := time.Now().Add(10 * time.Second); ; time.Sleep(time.Millisecond) {
			r.loop.Call(func() { live = r.thread.Live() })
			if len(live) == n {
				return live
			}
			if time.Now().After(end) {
				t.Fatalf("%d streams, want %d", len(live), n)
			}
		}
	}
	ids := func(live []stream.Live) (list []uint64) {
		r.loop.Call(func() { r.thread.Describe(live, func(s *stream.Session) { list = append(list, s.ID) }) })
		return list
	}
	first := r.dial()
	wait(1)
	r.dial()
	before := wait(2)
	told := ids(before)
	if len(told) != 2 {
		t.Fatalf("told of %v", told)
	}
	first.Close()
	left := wait(1)
	for range 3 {
		r.dial()
	}
	wait(4)
	if got, want := ids(before), ids(left); len(got) != 1 || len(want) != 1 || got[0] != want[0] {
		t.Errorf("of %v those that live are %v, told of %v", told, want, got)
	}
}
