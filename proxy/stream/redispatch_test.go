package stream_test

import (
	"testing"
	"time"

	"bench/internal/testpeer"
	"bench/proxy/spec"
	"bench/proxy/state"
	"bench/proxy/stream"
)

// redispatchedAfter tells by the manual ("option redispatch") whether the retry after
// the k-th failure may go elsewhere: with a positive interval every such retry, with a
// negative one that many before the last, counted again from there.
func redispatchedAfter(k, interval, retries int) bool {
	every := interval
	if interval < 0 {
		every = max(retries+1+interval, 1)
	}
	return interval != 0 && k%every == 0
}

// A retry goes to another server where the interval says so, and only there. The other
// server comes up while the stream pauses after its k-th failure: by then it has been
// decided where the next attempt goes. After one more failure it is known that there
// is another.
func TestRedispatchInterval(t *testing.T) {
	const retries = 3
	for _, interval := range []int{0, 1, 2, 3, -1, -2, -3, -5} {
		for k := 1; k <= retries; k++ {
			attempts, status := k, 200
			switch {
			case interval == 0:
				attempts, status = retries+1, 503
			case redispatchedAfter(k, interval, retries):
			case k == retries:
				attempts, status = k+1, 503
			default:
				attempts = k + 1
			}
			var got uint64
			var answer int
			for missed := true; missed; {
				got, answer, missed = upAfter(t, k, interval, retries)
			}
			if got != uint64(attempts) || answer != status {
				t.Errorf("redispatch %d, up after failure %d: %d attempts at the first server and status %d, want %d and %d", interval, k, got, answer, attempts, status)
			}
		}
	}
}

// upAfter sends a request to a server that refuses connections, and puts another one up
// while it pauses for the k-th time. It returns how often the first one was tried and
// the answer. missed: the pause was over before that could be seen.
func upAfter(t *testing.T, k, interval, retries int) (attempts uint64, status int, missed bool) {
	r := newRig(t, spec.ModeHTTP, func(p *spec.Proxy) {
		p.Retries, p.Redispatch, p.Timeouts.Connect = retries, interval, 20*time.Millisecond
	}, testpeer.Refusing(t), origin(t, echoHTTP))
	first, second := r.backend.Servers()[0], r.backend.Servers()[1]
	second.Decide(state.OrderMaint, true)
	c := r.dial()
	c.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
	for up, began := false, false; !up; time.Sleep(time.Millisecond) {
		r.loop.Call(func() {
			missed = began
			r.thread.Describe(r.thread.Live(), func(s *stream.Session) {
				began = true
				missed = s.Retries > k
				if s.State == "TAR" && s.Retries == k {
					second.Decide(state.OrderMaint, false)
					up = true
				}
			})
		})
		if missed {
			return 0, 0, true
		}
	}
	resp, _ := c.response("GET")
	r.loop.Call(func() { attempts = r.thread.Server(first).C.Connects })
	return attempts, resp.StatusCode, false
}
