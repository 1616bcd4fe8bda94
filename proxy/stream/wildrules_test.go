package stream_test

import (
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"bench/proxy/service"
	"bench/proxy/spec"
	"bench/proxy/stream"
	"bench/proxy/txn"
)

// wildRules wait, refuse, answer and let pass, in turn: list has one of them for each
// request.
func wildRules(list ...ruleFunc) ruleFunc {
	n := 0
	return func(x *txn.Txn, out *txn.Outcome) txn.Verdict {
		if x.Rule == 0 {
			n++
			x.Rule = 100 * (1 + n%len(list))
		}
		which := x.Rule / 100
		x.Rule %= 100
		v := list[which-1](x, out)
		if v == txn.Wait {
			x.Rule += 100 * which
		} else {
			x.Rule = 0
		}
		return v
	}
}

func passes(*txn.Txn, *txn.Outcome) txn.Verdict { return txn.Next }

func rejects(_ *txn.Txn, out *txn.Outcome) txn.Verdict {
	out.Denied = true
	return txn.Gone
}

func answersItself(_ *txn.Txn, out *txn.Outcome) txn.Verdict {
	out.Service = "test"
	return txn.Answered
}

// Whatever peers do while rules wait, refuse and answer, nothing of it is left.
func TestNothingLeaksWhateverRulesDo(t *testing.T) {
	short := 100 * time.Millisecond
	rules := stream.Rules{
		Content:  wildRules(passes, waitForBody(500, short/4), passes),
		Request:  wildRules(passes, waitForBody(1<<20, short), inOrder(held(short/10), denied(500)), denied(403), answersItself, waitForBody(1000, short/4), passes, rejects, waitForBody(20_000, short)),
		Response: wildRules(passes, inOrder(held(short/20)), waitForBody(5000, short/4), denied(502)),
		AfterResponse: ruleFunc(func(x *txn.Txn, _ *txn.Outcome) txn.Verdict {
			x.Res.Add([]byte("x-after"), x.Res.Arena.Copy(x.Body[:min(len(x.Body), 10)]))
			return txn.Next
		}),
	}
	r := ruled(t, spec.ModeHTTP, func(p *spec.Proxy) {
		p.Timeouts = spec.Timeouts{Client: 3 * short, Server: 3 * short, Connect: 3 * short, Queue: short, HTTPKeepAlive: short, HTTPRequest: 3 * short}
		p.Redispatch = 1
		p.Servers[0].MaxConn, p.Servers[1].MaxConn = 3, 3
		p.HTTPReuse = spec.ReuseAlways
	}, rules, origin(t, wildOrigin(3)), origin(t, wildOrigin(4)))
	r.loop.Call(func() {
		r.thread.Shared.Services = map[string]*service.Service{"test": {Name: "<TEST>", Serve: func(_ *service.Request, w service.Writer) {
			for range 20 {
				if _, err := w.Write(make([]byte, 16<<10)); err != nil {
					return
				}
			}
		}}}
	})
	go func() {
		for range r.lines {
		}
	}()
	var clients sync.WaitGroup
	for i := range 16 {
		clients.Go(func() {
			rng := rand.New(rand.NewPCG(uint64(i), 11))
			for range 15 {
				if i%2 == 0 {
					wildClient(r.addr, rng)
				} else {
					wildClient2(r.addr, rng)
				}
			}
		})
	}
	clients.Wait()
	r.nothingLeft()
}
