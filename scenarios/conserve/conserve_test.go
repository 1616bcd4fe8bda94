package conserve

import (
	"testing"

	"bench/internal/result"
	"bench/loadgen/workload"
)

// quiet is a run without a failure: one load through an HTTP frontend, one
// through a TCP frontend, one past the proxy.
func quiet() ([]Client, map[string]Origin, *Proxy) {
	clients := []Client{
		{Class: "web", Sent: 100, Answered: 100, FromOrigin: 100, Completed: 100, Connections: 10, Frontend: "web"},
		{Class: "tcp", Sent: 50, Answered: 50, FromOrigin: 50, Completed: 50, Connections: 5, Frontend: "raw"},
		{Class: "direct", Sent: 30, Answered: 30, FromOrigin: 30, Completed: 30, Connections: 3},
	}
	origins := map[string]Origin{
		"web": {Received: 100, Answered: 100}, "tcp": {Received: 50, Answered: 50}, "direct": {Received: 30, Answered: 30},
	}
	proxy := &Proxy{
		Frontends: []Frontend{
			{Name: "web", HTTP: true, Requests: 100, Responses: 100, Connections: 10},
			{Name: "raw", Connections: 5},
			{Name: "stats", HTTP: true, Requests: 7},
		},
		Responses: 100,
	}
	return clients, origins, proxy
}

func TestCheck(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(c []Client, o map[string]Origin, p *Proxy)
		delta  uint64
	}{
		{"nothing happened", func([]Client, map[string]Origin, *Proxy) {}, 0},
		{"a completed request no origin saw", func(_ []Client, o map[string]Origin, p *Proxy) {
			// The origin's count is short by one, too, and so is its answer and
			// that of the proxy's server: four witnesses of one loss.
			o["web"] = Origin{Received: 99, Answered: 99, Lost: 1}
			p.Responses = 99
		}, 3},
		{"requests by name, all there", func(c []Client, _ map[string]Origin, _ *Proxy) { c[1].Counting = workload.ByName }, 0},
		{"a request by name that nobody sent", func(c []Client, o map[string]Origin, _ *Proxy) {
			c[1].Counting, o["tcp"] = workload.ByName, Origin{Received: 51, Answered: 51}
		}, 1},
		{"an answer by name that no origin gave", func(c []Client, o map[string]Origin, _ *Proxy) {
			c[1].Counting, o["tcp"] = workload.ByName, Origin{Received: 49, Answered: 49}
		}, 2},
		{"exchanges, of which origins see other parts", func(c []Client, o map[string]Origin, _ *Proxy) {
			c[1].Counting, o["tcp"], o["-"] = workload.Uncounted, Origin{}, Origin{Received: 3}
		}, 0},
		{"a request sent twice for no reason", func(_ []Client, o map[string]Origin, p *Proxy) {
			o["web"] = Origin{Received: 101, Answered: 101, Repeated: 1}
			p.Responses = 101
		}, 2},
		{"a request the client tried again", func(c []Client, o map[string]Origin, p *Proxy) {
			// The first try reached the origin, its answer did not come back.
			c[0].Sent, c[0].Retried, c[0].Connections = 101, 1, 11
			o["web"] = Origin{Received: 101, Answered: 101, Repeated: 1}
			p.Frontends[0].Requests, p.Frontends[0].Responses, p.Frontends[0].Connections, p.Responses = 101, 101, 11, 101
		}, 0},
		{"a try that was lost before any counter", func(c []Client, _ map[string]Origin, p *Proxy) {
			c[0].Sent, c[0].Retried, c[0].Connections = 101, 1, 11
			p.Frontends[0].Connections = 10
		}, 0},
		{"two tries fewer than one unanswered explains", func(c []Client, _ map[string]Origin, p *Proxy) {
			c[0].Sent, c[0].Retried = 101, 1
			p.Frontends[0].Requests = 98
		}, 2},
		{"a request the proxy tried again", func(_ []Client, o map[string]Origin, p *Proxy) {
			o["web"] = Origin{Received: 101, Answered: 100, Repeated: 1}
			p.Retries, p.Errors = 1, 1
		}, 0},
		{"a reload that lost counters of the proxy", func(_ []Client, _ map[string]Origin, p *Proxy) {
			p.Frontends[0].Requests, p.Frontends[0].Responses = 90, 90
		}, 20},
		{"a connection the TCP frontend never saw", func(_ []Client, _ map[string]Origin, p *Proxy) {
			p.Frontends[1].Connections = 4
		}, 1},
		{"a 503 of the proxy", func(c []Client, o map[string]Origin, p *Proxy) {
			c[0].Completed, c[0].FromOrigin = 99, 99
			o["web"] = Origin{Received: 99, Answered: 99}
			p.Responses = 99
		}, 0},
		{"a direct request that vanished", func(_ []Client, o map[string]Origin, _ *Proxy) {
			o["direct"] = Origin{Received: 29, Answered: 29, Lost: 1}
		}, 3},
		{"what misbehaving clients may have been counted as", func(_ []Client, _ map[string]Origin, p *Proxy) {
			p.Abuse = []Abuse{{Frontend: "web", Connections: 7, Requests: 3}}
			p.Frontends[0].Connections += 7
			p.Frontends[0].Requests += 10
			p.Frontends[0].Responses += 10
			p.Responses += 10
		}, 0},
		{"more than they may have been, of another frontend, or less", func(_ []Client, _ map[string]Origin, p *Proxy) {
			p.Abuse = []Abuse{{Frontend: "web", Connections: 7, Requests: 3}}
			p.Frontends[0].Connections += 8
			p.Frontends[0].Requests += 11
			p.Frontends[0].Responses--
			p.Frontends[1].Connections++
		}, 4},
		{"a retry of the proxy excuses no direct load", func(_ []Client, o map[string]Origin, p *Proxy) {
			p.Retries = 5
			o["direct"] = Origin{Received: 31, Answered: 30, Repeated: 1}
		}, 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			clients, origins, proxy := quiet()
			c.change(clients, origins, proxy)
			got := Check(clients, origins, proxy)
			if got.Delta != c.delta || !got.Exact {
				t.Errorf("delta %d exact %v, want %d: rows %+v checks %+v", got.Delta, got.Exact, c.delta, got.Rows, got.Proxy)
			}
		})
	}
}

// A frontend no load speaks to is in no equation.
func TestEquations(t *testing.T) {
	clients, origins, proxy := quiet()
	var names []string
	for _, check := range Check(clients, origins, proxy).Proxy {
		names = append(names, check.Name)
	}
	want := []string{
		"connections clients opened = connections of frontend web",
		"requests clients sent = requests of frontend web",
		"responses clients got = responses of frontend web",
		"connections clients opened = connections of frontend raw",
		"responses origins wrote = responses of the proxy's HTTP servers",
	}
	if len(names) != len(want) {
		t.Fatalf("%q", names)
	}
	for i := range want {
		if names[i] != want[i] {
			t.Errorf("%d: %q, want %q", i, names[i], want[i])
		}
	}
}

func TestLostCounters(t *testing.T) {
	clients, origins, proxy := quiet()
	proxy.Incomplete = "generation 3: gone"
	if got := Check(clients, origins, proxy); got.Exact || got.Detail != "generation 3: gone" {
		t.Errorf("%+v", got)
	}
	if got := Check(clients, origins, nil); !got.Exact || got.Delta != 0 || got.Detail == "" || got.Proxy != nil {
		t.Errorf("without a proxy: %+v", got)
	}
}

// No single counter may be wrong by one unnoticed.
func TestEveryCounterMatters(t *testing.T) {
	bump := []func(c []Client, o map[string]Origin, p *Proxy, by uint64){
		func(c []Client, _ map[string]Origin, _ *Proxy, by uint64) {
			c[0].Sent += by
			c[0].Answered += by
			c[0].FromOrigin += by
		},
		func(c []Client, _ map[string]Origin, _ *Proxy, by uint64) { c[1].Connections += by },
		func(_ []Client, o map[string]Origin, _ *Proxy, by uint64) {
			w := o["web"]
			w.Received += by
			o["web"] = w
		},
		func(_ []Client, o map[string]Origin, _ *Proxy, by uint64) {
			w := o["web"]
			w.Answered += by
			o["web"] = w
		},
		func(_ []Client, _ map[string]Origin, p *Proxy, by uint64) { p.Frontends[0].Requests += by },
		func(_ []Client, _ map[string]Origin, p *Proxy, by uint64) { p.Frontends[0].Responses += by },
		func(_ []Client, _ map[string]Origin, p *Proxy, by uint64) { p.Frontends[1].Connections += by },
		func(_ []Client, _ map[string]Origin, p *Proxy, by uint64) { p.Responses += by },
	}
	for i, f := range bump {
		for _, by := range []uint64{1, ^uint64(0)} { // one more, one less
			clients, origins, proxy := quiet()
			f(clients, origins, proxy, by)
			if got := Check(clients, origins, proxy); got.Delta == 0 {
				t.Errorf("counter %d off by %d: %+v", i, int64(by), result.Conservation(*got))
			}
		}
	}
}

// Without origins clients are compared with the proxy alone, and with nothing where it
// does not count either.
func TestWithoutOrigins(t *testing.T) {
	clients := []Client{{Class: "a", Sent: 5, Answered: 5, FromOrigin: 5, Completed: 5, Connections: 1, Frontend: "web", Counting: workload.ByNumber}}
	proxy := &Proxy{Frontends: []Frontend{{Name: "web", HTTP: true, Requests: 6, Responses: 5, Connections: 1}}, Responses: 5}
	if c := Check(clients, nil, proxy); !c.Exact || c.Delta != 1 || len(c.Rows) != 0 || len(c.Proxy) != 3 || c.Detail == "" {
		t.Errorf("with a proxy that counts: %+v", c)
	}
	if c := Check(clients, nil, nil); c.Exact || c.Delta != 0 || len(c.Rows) != 0 {
		t.Errorf("with nobody who counts: %+v", c)
	}
}
