package stream

import (
	"slices"
	"testing"

	"bench/internal/loop"
	"bench/proxy/sample"
	"bench/proxy/server"
	"bench/proxy/spec"
	"bench/proxy/table"
	"bench/proxy/txn"
)

type noRules struct{}

func (noRules) Run(*txn.Txn, *txn.Outcome) txn.Verdict { return txn.Next }

func (w *way) names() (names []string) {
	for _, s := range w.steps {
		names = append(names, s.name)
	}
	return names
}

// Steps that have nothing to do are not on the way, and the others are in the order of
// the reference.
func TestWaysHaveOnlyWhatIsConfigured(t *testing.T) {
	lay := func(rules []Rules, change func(fe, be *spec.Proxy)) *Thread {
		l, err := loop.New("", 64)
		if err != nil {
			t.Fatal(err)
		}
		fe := &spec.Proxy{Name: "fe", Index: 0, Caps: spec.Frontend, Mode: spec.ModeHTTP}
		be := &spec.Proxy{Name: "be", Index: 1, Caps: spec.Backend, Mode: spec.ModeHTTP}
		fe.DefaultBackend = be
		change(fe, be)
		sh := &Shared{Config: &spec.Config{Proxies: []*spec.Proxy{fe, be}}, Rules: rules}
		for range be.Sticking {
			sh.Config.Tables = append(sh.Config.Tables, &table.Spec{})
		}
		sh.Frontends.Add(fe.Name, &Frontend{Spec: fe})
		sh.Backends.Add(be.Name, server.NewBackend(be, &sh.Slots))
		return NewThread(1, l, sh, nil)
	}
	check := func(th *Thread, front, http, back []string) {
		t.Helper()
		if got := th.Fronts[0].way.names(); !slices.Equal(got, front) {
			t.Errorf("frontend: %q, want %q", got, front)
		}
		if got := th.Backs[1].http.names(); !slices.Equal(got, http) {
			t.Errorf("backend: %q, want %q", got, http)
		}
		if got := th.Backs[1].back.names(); !slices.Equal(got, back) {
			t.Errorf("responses: %q, want %q", got, back)
		}
	}
	plain := lay(nil, func(*spec.Proxy, *spec.Proxy) {})
	check(plain, []string{"switching"}, []string{"framing", "server", "connect", "send"}, []string{"forward"})
	if got := plain.Backs[1].tcp.names(); !slices.Equal(got, []string{"server", "connect", "relay"}) {
		t.Errorf("mode tcp: %q", got)
	}
	every := Rules{Content: noRules{}, Request: noRules{}, Response: noRules{}, AfterResponse: noRules{}}
	full := lay([]Rules{every, every}, func(fe, be *spec.Proxy) {
		fe.MonitorURI, fe.ForwardFor = "/up", &spec.ForwardFor{}
		fe.Options.HTTPBufferRequest, be.Options.HTTPBufferRequest = true, true
	})
	check(full,
		[]string{"tcp-request content", "monitor-uri", "http-buffer-request", "http-request", "switching"},
		[]string{"tcp-request content", "http-buffer-request", "http-request", "forwardfor", "framing", "server", "connect", "send"},
		[]string{"http-response", "http-response", "http-after-response", "forward"})
	sticky := lay(nil, func(_, be *spec.Proxy) { be.Sticking = []spec.Stick{{Match: true}, {Store: true, Response: true}} })
	check(sticky, []string{"counters", "switching"}, []string{"framing", "stick", "server", "connect", "send"}, []string{"learn", "forward"})
	desktops := lay(nil, func(_, be *spec.Proxy) { be.PersistRDP = &sample.Expr{} })
	if got := desktops.Backs[1].tcp.names(); !slices.Equal(got, []string{"persist rdp-cookie", "server", "connect", "relay"}) {
		t.Errorf("remote desktops: %q", got)
	}
}

// What is given back is not handed out again in the same turn.
func TestStockWaitsForTheTurn(t *testing.T) {
	var k stock[int]
	a, isNew := k.get(1)
	if !isNew || k.Used() != 1 {
		t.Fatalf("the first: new %v, %d in use", isNew, k.Used())
	}
	k.put(1, a)
	if k.Used() != 0 {
		t.Errorf("%d in use, want none", k.Used())
	}
	if b, isNew := k.get(1); b == a || !isNew {
		t.Error("handed out in the turn it was given back")
	}
	if b, isNew := k.get(2); b != a || isNew {
		t.Error("not handed out in the next turn")
	}
	if k.Made != 2 || k.Used() != 2 {
		t.Errorf("%d made and %d in use, want 2 and 2", k.Made, k.Used())
	}
}
