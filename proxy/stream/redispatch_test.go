package stream_test

import (
	"fmt"
	"testing"
	"time"

	"bench/internal/testpeer"
	"bench/proxy/spec"
	"bench/proxy/state"
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
	const retries, pause = 3, 250 * time.Millisecond
	for _, interval := range []int{0, 1, 2, 3, -1, -2, -3, -5} {
		for k := 1; k <= retries; k++ {
			t.Run(fmt.Sprintf("%d after %d", interval, k), func(t *testing.T) {
				t.Parallel()
				r := newRig(t, spec.ModeHTTP, func(p *spec.Proxy) {
					p.Retries, p.Redispatch, p.Timeouts.Connect = retries, interval, pause
				}, testpeer.Refusing(t), origin(t, echoHTTP))
				first, second := r.backend.Servers()[0], r.backend.Servers()[1]
				second.SetAdmin(state.Maint)
				connects := func() (n uint64) {
					r.loop.Call(func() { n = r.thread.Server(first).C.Connects })
					return n
				}
				c := r.dial()
				c.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
				for connects() < uint64(k) {
					time.Sleep(time.Millisecond)
				}
				second.SetAdmin(state.Ready)
				resp, _ := c.response("GET")
				attempts, status := k, 200
				if !redispatchedAfter(k, interval, retries) {
					attempts++
					if k == retries {
						status = 503
					}
					if interval == 0 {
						attempts, status = retries+1, 503
					}
				}
				if got := connects(); got != uint64(attempts) || resp.StatusCode != status {
					t.Errorf("%d attempts at the first server and status %d, want %d and %d", got, resp.StatusCode, attempts, status)
				}
			})
		}
	}
}
