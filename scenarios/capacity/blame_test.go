package capacity

import (
	"fmt"
	"strings"
	"testing"

	"bench/internal/result"
)

// server is a line of counters at rest: 3 of 4 sessions, a response in 10 ms.
func server(change func(*Counted)) []Counted {
	c := Counted{Proxy: "web", Name: "s1", Sessions: 3, Limit: 4, ResponseMs: 10}
	b := Counted{Proxy: "web", Name: "BACKEND", Sessions: 3}
	if change != nil {
		change(&c)
	}
	b.Sessions, b.Queue = c.Sessions, 0
	return []Counted{c, b}
}

func TestBlameNamesWhatGaveWay(t *testing.T) {
	idle := func() *Seen {
		return &Seen{
			Rate: 300, Seconds: 2, CPUs: 1, Threads: []Thread{{Name: "haproxy 1", Ran: 0.2}}, Worked: 0.2,
			Origins: []Thread{{Name: "web.1", Ran: 0.1}}, Servers: server(nil),
			Files: 40, FileLimit: 1000, Conns: 30, MaxConn: 500, Load: "clients", Pool: 64,
			ServiceP99: 0.011, ResponseP99: 0.011, ServiceMean: 0.010, Requests: 800,
		}
	}
	full := func(c *Counted) { c.Sessions, c.Full, c.Queue, c.QueueMs = 4, 1, 20, 40 }
	for _, c := range []struct {
		name   string
		change func(*Seen)
		what   string
		named  string
		says   string
	}{
		{"a server at its maxconn", func(s *Seen) { s.Servers = server(full) }, MaxConn, "server web/s1 maxconn 4", "20.0 requests waiting"},
		{"a queue in the backend", func(s *Seen) {
			s.Servers = server(func(c *Counted) { c.Sessions, c.Full = 4, 0.9 })
			s.Servers[1].Queue = 7
		}, MaxConn, "server web/s1 maxconn 4", "7.00 requests waiting"},
		{"a server that is full now and then, with a queue", func(s *Seen) {
			s.Servers = server(func(c *Counted) { c.Sessions, c.Full = 3.4, 0.4 })
			s.Servers[1].Queue = 13
		}, MaxConn, "server web/s1 maxconn 4", "40.0 % of the readings"},
		{"a server at its maxconn because it is slow", func(s *Seen) {
			s.Servers = server(func(c *Counted) { full(c); c.ResponseMs = 25 })
		}, OriginLimit, "server web/s1", "10.0 ms"},
		{"a server that is slow", func(s *Seen) {
			s.Servers = server(func(c *Counted) { c.Limit, c.Sessions, c.ResponseMs = 0, 40, 90 })
		}, OriginLimit, "server web/s1", "90.0 ms"},
		{"an origin that has no time left", func(s *Seen) {
			s.Origins = []Thread{{Name: "web.1", Ran: 0.3}, {Name: "web.2", Ran: 0.95}}
		}, OriginLimit, "origin web.2", "95.0 %"},
		{"a thread of the proxy", func(s *Seen) {
			s.CPUs, s.Worked = 4, 1.3
			s.Threads = []Thread{{Name: "haproxy 2", Ran: 0.97}, {Name: "haproxy 1", Ran: 0.33}}
		}, ProxyCPU, "thread haproxy 2", "haproxy 2 97.0 %, haproxy 1 33.0 %"},
		{"the processors of the proxy", func(s *Seen) {
			s.CPUs, s.Worked = 1, 0.95
			s.Threads = []Thread{{Name: "haproxy 1", Ran: 0.5, Waited: 0.4}, {Name: "haproxy 2", Ran: 0.45, Waited: 0.5}}
		}, ProxyCPU, "2 threads on 1 processor", "and 40.0 % waiting"},
		{"a proxy at its end whose servers have queues", func(s *Seen) {
			s.Worked, s.Threads, s.Servers = 1, []Thread{{Name: "haproxy 1", Ran: 0.99}}, server(full)
		}, ProxyCPU, "thread haproxy 1", ""},
		{"a quota, with queues behind it", func(s *Seen) {
			s.Quota = &Quota{Group: "/small", CPUs: 0.2, Periods: 20, Throttled: 18}
			s.Servers = server(full)
		}, CPUQuota, "control group /small: 20.0 % of a processor", "18 of 20 periods"},
		{"a quota that was never used up", func(s *Seen) {
			s.Quota = &Quota{Group: "/small", CPUs: 0.5, Periods: 20, Throttled: 0}
			s.Servers = server(full)
		}, MaxConn, "server web/s1 maxconn 4", ""},
		{"no descriptors", func(s *Seen) { s.Files = 960 }, Descriptors, "1\u202f000 open files", "960"},
		{"connections derived from descriptors", func(s *Seen) {
			s.MaxConnDerived, s.Conns, s.MaxConn, s.FileLimit, s.Files = true, 37, 37, 100, 80
		}, Descriptors, "maxconn 37", "sets no global maxconn"},
		{"global maxconn", func(s *Seen) { s.Conns = 500 }, MaxConn, "global maxconn 500", ""},
		{"a frontend's maxconn", func(s *Seen) {
			s.Frontends = []Counted{{Proxy: "fe", Name: "FRONTEND", Sessions: 20, Limit: 20, Full: 1}}
		}, MaxConn, "frontend fe maxconn 20", "100 %"},
		{"ports", func(s *Seen) { s.Ports = &Ports{To: "127.0.0.1:80", Taken: 27_000, Range: 28_232} }, PortLimit, "127.0.0.1:80", ""},
		{"a queue that is full", func(s *Seen) {
			s.Servers = server(func(c *Counted) { c.Queue, c.QueueLimit = 10, 10 })
		}, QueueLimit, "server web/s1 maxqueue 10", ""},
		{"a queue without a limit", func(s *Seen) { s.Servers = server(func(c *Counted) { c.Queue = 5 }) }, QueueLimit, "queue of server web/s1", ""},
		{"a listener's queue", func(s *Seen) { s.Network.Overflows = 200 }, QueueLimit, "somaxconn", "200"},
		{"the load's own connections", func(s *Seen) {
			s.Rate, s.Pool, s.ServiceP99, s.ResponseP99 = 420, 4, 0.010, 0.300
		}, GenLimit, "load clients connections.pool 4", "300 ms"},
		{"the load's own connections, on a machine that is busy", func(s *Seen) {
			s.Rate, s.Pool, s.ServiceMean, s.ServiceP99, s.ResponseP99 = 3363, 10, 0.0032, 0.017, 0.600
			s.Servers = server(func(c *Counted) { c.Sessions, c.ResponseMs = 2, 3.05 })
		}, GenLimit, "load clients connections.pool 10", "600 ms"},
		{"requests that wait in the proxy", func(s *Seen) {
			s.Rate, s.Pool, s.ServiceMean, s.ServiceP99, s.ResponseP99 = 3363, 10, 0.0032, 0.017, 0.600
			s.Servers = server(func(c *Counted) { c.Sessions, c.ResponseMs = 2, 1.05 })
		}, Unknown, "", "600 ms"},
		{"a network that loses", func(s *Seen) { s.Network.Sent, s.Network.SentAgain = 10_000, 300 }, NetworkLoss, "TCP retransmissions", "300"},
		{"nothing", func(*Seen) {}, Unknown, "", "haproxy 1 20.0 %"},
	} {
		held, broken := idle(), idle()
		broken.Rate = 420
		c.change(broken)
		l := Blame(held, broken)
		text := fmt.Sprint(l.Evidence)
		if l.What != c.what || !strings.Contains(l.Name, c.named) || !strings.Contains(text, c.says) || len(l.Evidence) == 0 {
			t.Errorf("%s: %s, %q, %s", c.name, l.What, l.Name, text)
		}
	}
	if l := Blame(nil, idle()); l.What != Unknown {
		t.Errorf("without a rate that holds: %+v", l)
	}
	if l := Blame(idle(), nil); l != nil {
		t.Errorf("nothing was broken, yet %+v", l)
	}
	if l := Blame(nil, &Seen{Rate: 1}); l.What != Unknown || !strings.Contains(fmt.Sprint(l.Evidence), "could not be") {
		t.Errorf("nothing was seen: %+v", l)
	}
}

func TestSideBySide(t *testing.T) {
	high := 410.0
	p := &result.CapacityPoint{Rate: 400, Low: 390, High: &high, Known: true}
	for _, c := range []struct {
		rate            float64
		low, n, high, w int
	}{{100, 1, 1, 1, 2}, {400, 1, 1, 2, 3}, {4000, 10, 10, 11, 12}, {4001, 10, 11, 11, 12}} {
		n, why := SideBySide(c.rate, p)
		if why != "" || n.Low != c.low || n.N != c.n || *n.High != c.high || *n.Spare != c.w {
			t.Errorf("%v/s: %+v %s", c.rate, n, why)
		}
	}
	if n, why := SideBySide(1000, &result.CapacityPoint{}); n != nil || why == "" {
		t.Errorf("of an unknown capacity: %+v", n)
	}
	if n, why := SideBySide(1000, &result.CapacityPoint{Rate: 400, Low: 400, Known: true}); why != "" || n.N != 3 || n.Reason == "" {
		t.Errorf("of one that was not reached: %+v %s", n, why)
	}
}

func TestOfValues(t *testing.T) {
	point := func(value string, rate float64) result.CapacityPoint {
		high := rate * 1.02
		return result.CapacityPoint{Value: value, Known: true, Rate: rate, Low: rate * 0.98, High: &high}
	}
	all := []result.CapacityPoint{point("4", 390), point("2", 200), point("1", 100), point("many", 900), {Value: "8"}}
	for _, c := range []struct {
		rate         float64
		low, n, high int
	}{{50, 1, 1, 1}, {99, 1, 1, 2}, {101, 1, 2, 2}, {300, 4, 4, 4}, {389, 4, 4, 0}} {
		n, ok := OfValues(c.rate, all)
		if !ok || n.Low != c.low || n.N != c.n || (n.High == nil) != (c.high == 0) || n.High != nil && *n.High != c.high || n.Spare != nil || n.Reason == "" {
			t.Errorf("%v/s: %+v", c.rate, n)
		}
	}
	if n, ok := OfValues(500, all); ok {
		t.Errorf("500/s: %+v", n)
	}
}
