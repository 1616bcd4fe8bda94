package resolver_test

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/miekg/dns"

	"bench/internal/loop"
	"bench/proxy/resolver"
	"bench/proxy/spec"
)

// Rules take what servers have been told, as long as that holds, and questions of one sense
// are asked once at a time.
func TestWishes(t *testing.T) {
	l, err := loop.New("", 64)
	if err != nil {
		t.Fatal(err)
	}
	release := make(chan struct{})
	var hold, lost atomic.Bool
	server := answerer(func(q *dns.Msg, _ int) [][]byte {
		if hold.Load() {
			<-release
		}
		if lost.Load() {
			return [][]byte{code(q, dns.RcodeNameError)}
		}
		return [][]byte{good(q)}
	})
	s := &spec.Resolvers{Name: "r", PayloadSize: 512, Retry: time.Minute, Hold: spec.Hold{Valid: time.Hour}}
	s.Nameservers = []spec.Nameserver{{Name: "n", Addr: server.serve(t, false)}}
	r := resolver.New(s, l)
	var running sync.WaitGroup
	running.Go(func() { _ = l.Run() })
	t.Cleanup(func() { l.Stop(); running.Wait(); r.Close() })
	got := make(chan resolver.Answer, 10)
	done := func(a resolver.Answer) { got <- a }
	expect := func(what string, answers int, status resolver.Status, sent uint64) {
		t.Helper()
		for range answers {
			select {
			case a := <-got:
				if a.Status != status {
					t.Errorf("%s: %v, want %v", what, a.Status, status)
				}
			case <-time.After(20 * time.Second):
				t.Fatalf("%s: no answer", what)
			}
		}
		if n := r.Counters(0).Sent.Load(); n != sent {
			t.Errorf("%s: %d questions, want %d", what, n, sent)
		}
	}
	four := resolver.Question{Name: "web.test", PreferIPv4: true}

	hold.Store(true)
	for range 5 {
		r.PostWish(four, done)
	}
	r.PostWish(resolver.Question{Name: "WEB.test", PreferIPv4: true}, done)
	l.Post(func() { close(release) })
	expect("six at once", 6, resolver.Valid, 1)
	hold.Store(false)

	r.PostWish(four, done)
	expect("what rules were told is not kept", 1, resolver.Valid, 2)
	r.Post(four, done)
	expect("a server asks", 1, resolver.Valid, 3)
	r.PostWish(four, done)
	expect("what a server was told", 1, resolver.Valid, 3)
	r.PostWish(resolver.Question{Name: "web.test"}, done)
	expect("the other kind of addresses", 1, resolver.Valid, 4)
	r.Post(four, done)
	expect("a server asks anew", 1, resolver.Valid, 5)

	lost.Store(true)
	r.Post(four, done)
	expect("it is gone", 1, resolver.NX, 7)
	lost.Store(false)
	r.PostWish(four, done)
	expect("nothing is kept of that", 1, resolver.Valid, 8)

	r.Post(four, done)
	expect("a server asks again", 1, resolver.Valid, 9)
	l.Post(func() { s.Hold.Valid = 0 })
	r.PostWish(four, done)
	expect("what does not hold any more", 1, resolver.Valid, 10)
}
