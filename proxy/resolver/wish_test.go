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

// What servers have been told holds for less than its time, not a moment longer, and is not
// kept beyond that.
func TestHoldValid(t *testing.T) {
	const hold = time.Hour
	r, l := running(t, &spec.Resolvers{Retry: retry, Hold: spec.Hold{Valid: hold}}, spec.Nameserver{Addr: answerer(always(good)).serve(t, false)})
	got := make(chan resolver.Answer, 10)
	done := func(a resolver.Answer) { got <- a }
	answer := func() {
		t.Helper()
		select {
		case a := <-got:
			if a.Status != resolver.Valid {
				t.Errorf("%+v", a)
			}
		case <-time.After(20 * time.Second):
			t.Fatal("no answer")
		}
	}
	q := resolver.Question{Name: "web.test"}
	for _, c := range []struct {
		age   time.Duration
		holds bool
	}{{0, true}, {hold - 1, true}, {hold, false}, {hold + 1, false}} {
		r.Post(q, done)
		answer()
		before := r.Counters(0).Sent.Load()
		l.Call(func() {
			r.Age(q, c.age)
			r.Wish(q, done)
			if told := len(got) == 1; told != c.holds {
				t.Errorf("after %v of %v it holds: %v", c.age, hold, told)
			}
		})
		answer()
		if asked := r.Counters(0).Sent.Load() > before; asked == c.holds {
			t.Errorf("after %v of %v it is asked for: %v", c.age, hold, asked)
		}
	}
	other := resolver.Question{Name: "other.test"}
	for _, c := range []struct {
		age  time.Duration
		kept int
	}{{hold - 1, 2}, {hold, 1}} {
		r.Post(q, done)
		answer()
		l.Call(func() {
			r.Age(q, c.age)
			r.Keep(other, resolver.Answer{Status: resolver.Valid})
			if n := r.Kept(); n != c.kept {
				t.Errorf("after %v of %v, %d answers are kept, want %d", c.age, hold, n, c.kept)
			}
			r.Keep(other, resolver.Answer{Status: resolver.NX})
		})
	}
}
