package stream_test

import (
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/net/http2"

	"bench/internal/sock"
	"bench/proxy/spec"
	"bench/proxy/stream"
)

// A request joins no connection to an address that its server has left, although that one has
// room and carries others, which it still answers; it is closed behind the last of them.
func TestServerMuxMoves(t *testing.T) {
	for _, policy := range []spec.Reuse{spec.ReuseAlways, spec.ReuseNever} {
		hold, came := make(chan struct{}), make(chan string, 10)
		named := func(name string) string {
			return servers2(t, nil, func(s *server2) {
				for f := s.request(); f != nil; f = s.request() {
					path := f.PseudoValue("path")
					came <- name + path
					if path == "/held" {
						<-hold
					}
					s.head(f.StreamID, true, ":status=200", "from="+name)
				}
				came <- name + " is left"
			})
		}
		former, latter := named("former"), named("latter")
		rig := newRigWith(t, spec.ModeHTTP, func(p *spec.Proxy) {
			speaking2(p)
			p.HTTPReuse = policy
		}, discard{}, former)
		await := func(want string) {
			t.Helper()
			select {
			case got := <-came:
				if got != want {
					t.Fatalf("policy %v: %q, want %q", policy, got, want)
				}
			case <-time.After(10 * time.Second):
				t.Fatalf("policy %v: nothing, want %q", policy, want)
			}
		}
		p := rig.peer2()
		ask := func(id uint32, path string) {
			p.head(id, true, ":method=GET", ":scheme=http", ":authority=x", ":path="+path)
		}
		ask(1, "/before")
		await("former/before")
		p.expect(1, ":status=200 from=former END")
		ask(3, "/held")
		await("former/held")
		addr, err := sock.Parse(latter)
		if err != nil {
			t.Fatal(err)
		}
		rig.loop.Call(func() { rig.backend.Servers()[0].SetAddr(addr) })
		ask(5, "/after")
		await("latter/after")
		p.expect(5, ":status=200 from=latter END")
		close(hold)
		p.expect(3, ":status=200 from=former END")
		await("former is left")
		ask(7, "/later")
		await("latter/later")
		p.expect(7, ":status=200 from=latter END")
		if addr, err = sock.Parse(former); err != nil {
			t.Fatal(err)
		}
		rig.loop.Call(func() { rig.backend.Servers()[0].SetAddr(addr) })
		ask(9, "/back") // the connection that waits leads elsewhere now
		p.expect(9, ":status=200 from=former END")
		if got := []string{<-came, <-came}; !slices.Contains(got, "former/back") || !slices.Contains(got, "latter is left") {
			t.Fatalf("policy %v: %q", policy, got)
		}
		rig.loop.Call(func() { rig.thread.CloseIdle(rig.backend.Servers()[0]) })
		p.c.Close()
		await("former is left")
	}
}

// A request over HTTP/2 that ends without an answer may be sent again if no server has seen it
// (REFUSED_STREAM), and not if one has (CANCEL).
func TestMuxRefusesWhatNoServerHasSeen(t *testing.T) {
	waits := waitForBody(10, time.Minute)
	for name, c := range map[string]struct {
		rules  stream.Rules
		server string // that has seen it
		want   string
	}{
		"rules of requests":  {stream.Rules{Request: waits}, "", "reset REFUSED_STREAM"},
		"rules of responses": {stream.Rules{Response: waits}, "s1", "reset CANCEL"},
	} {
		t.Run(name, func(t *testing.T) {
			addr := servers2(t, nil, func(s *server2) {
				for f := s.request(); f != nil; f = s.request() {
					s.head(f.StreamID, false, ":status=200", "content-length=10")
				}
			})
			rig := newRigRuled(t, spec.ModeHTTP, speaking2, c.rules, discard{}, addr)
			p := rig.peer2()
			p.head(1, c.server != "", ":method=PUT", ":scheme=http", ":authority=x", ":path=/")
			killed := false
			for end := time.Now().Add(10 * time.Second); !killed; time.Sleep(time.Millisecond) {
				rig.loop.Call(func() {
					var waiting uint64
					rig.thread.Describe(rig.thread.Live(), func(s *stream.Session) {
						if s.State == "INI" && s.Server == c.server {
							waiting = s.ID
						}
					})
					killed = waiting != 0 && rig.thread.KillStream(waiting)
				})
				if time.Now().After(end) {
					t.Fatal("no stream waits")
				}
			}
			p.expect(1, c.want)
		})
	}
}

// What a server has reset is asked for again if it has said that it has done nothing about it, and
// otherwise never: it may have been done.
func TestServerMuxSendsAgainWhatWasRefused(t *testing.T) {
	for _, code := range []http2.ErrCode{http2.ErrCodeRefusedStream, http2.ErrCodeCancel, http2.ErrCodeInternal, http2.ErrCodeNo, http2.ErrCodeEnhanceYourCalm} {
		var came atomic.Int64
		addr := servers2(t, nil, func(s *server2) {
			for f := s.request(); f != nil; f = s.request() {
				if came.Add(1) == 1 {
					_ = s.WriteRSTStream(f.StreamID, code)
				} else {
					s.head(f.StreamID, true, ":status=200")
				}
			}
		})
		rig := newRigWith(t, spec.ModeHTTP, func(p *spec.Proxy) {
			speaking2(p)
			p.Options.HTTPBufferRequest = true
		}, discard{}, addr)
		status, times := 502, int64(1)
		if code == http2.ErrCodeRefusedStream {
			status, times = 200, 2
		}
		if got := rig.ask(rig.client2(0), "POST", 1); got[0] != status || came.Load() != times {
			t.Errorf("%v: status %d, asked for %d times", code, got[0], came.Load())
		}
	}
}
