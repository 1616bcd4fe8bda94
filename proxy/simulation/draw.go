package simulation

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"bench/internal/virtual"
)

// maker draws a plan.
type maker struct {
	*rand.Rand
	p *Plan
}

// New draws the plan of a seed.
func New(seed uint64) *Plan {
	m := &maker{Rand: rand.New(rand.NewPCG(seed, 0x706c616e)), p: &Plan{Seed: seed}}
	p := m.p
	p.TCP = m.one(5)
	p.H2 = !p.TCP && m.one(4)
	p.TLS, p.Inner = !p.TCP && m.one(6), !p.TCP && m.one(8)
	p.InnerH2 = !p.TCP && m.one(4)
	p.Hostile = m.one(2)
	p.Threads = 1 + m.IntN(3)
	p.Edges = m.one(2)
	p.Link = m.link()
	if m.one(2) {
		p.Unasked = m.IntN(30)
	}
	if m.one(4) {
		p.Scarce = m.IntN(20)
	}
	if p.Hostile && m.one(2) {
		p.Refuse, p.Lose = m.IntN(15), m.IntN(8)
	}
	p.Turn = pick(m, 0, 20*time.Microsecond, 20*time.Microsecond, time.Millisecond, 20*time.Millisecond)
	if m.one(4) {
		p.Reload = 1 + m.upTo(200*time.Millisecond)
	}
	m.configuration()
	clients := 1 + m.IntN(12)
	if m.one(5) { // they have to queue
		clients += 20
		p.Servers = []string{"maxconn 1"}
	}
	for range clients {
		m.client()
	}
	// Each of what follows draws from numbers of its own, so that it leaves the rest as it is.
	if c := m.beside(0x6361636865); !p.TCP && c.one(5) {
		c.caching()
	}
	if r := m.beside(0x72756c6573); !p.TCP && r.one(4) {
		r.ruling()
	}
	if k := m.beside(0x6b657973); k.one(4) {
		k.keys()
	}
	if v := m.beside(0x6d6f766573); v.one(4) {
		v.moving()
	}
	if h := m.beside(0x636865636b73); h.one(4) {
		h.checking()
	}
	return p
}

// beside is a maker of the same plan that draws other numbers.
func (m *maker) beside(stream uint64) *maker {
	return &maker{Rand: rand.New(rand.NewPCG(m.p.Seed, stream)), p: m.p}
}

// one is true once in n times.
func (m *maker) one(n int) bool { return m.IntN(n) == 0 }

func pick[T any](m *maker, of ...T) T { return of[m.IntN(len(of))] }

// upTo draws a duration, and often none.
func (m *maker) upTo(d time.Duration) time.Duration {
	if m.one(2) {
		return 0
	}
	return time.Duration(m.Int64N(int64(d))).Truncate(pick(m, time.Microsecond, time.Millisecond, 10*time.Millisecond))
}

// size draws a number of bytes: small ones, some round buffers, and some that do not fit.
func (m *maker) size() int {
	switch m.IntN(8) {
	case 0:
		return 0
	case 1, 2, 3:
		return m.IntN(200)
	case 4, 5:
		return m.IntN(20_000)
	case 6:
		return max(pick(m, 1<<10, 4<<10, 16<<10, 64<<10, 128<<10)+m.IntN(5)-2, 0)
	}
	return m.IntN(400_000)
}

func (m *maker) link() virtual.Link {
	l := virtual.Link{
		Seed: m.Uint64(), Room: pick(m, 1<<10, 4<<10, 64<<10, 64<<10, 256<<10), Sparing: m.one(3),
		Delay: int64(pick(m, 0, 0, 50*time.Microsecond, time.Millisecond, 20*time.Millisecond)),
	}
	if m.one(2) {
		l.Piece, l.Pieces = pick(m, 1, 7, 60, 600, 3000), 1+m.IntN(400)
	}
	return l
}

func (m *maker) configuration() {
	p := m.p
	add := func(line string) { p.Proxy = append(p.Proxy, line) }
	if m.one(3) {
		p.Global = append(p.Global, "tune.bufsize "+pick(m, "4096", "8192", "32768"), "tune.maxrewrite 1024")
	}
	if m.one(4) {
		p.Global = append(p.Global, "tune.maxaccept "+pick(m, "1", "2"))
	}
	if p.Hostile {
		for _, name := range []string{"client", "server", "connect", "queue", "http-request", "http-keep-alive"} {
			add("timeout " + name + " " + pick(m, "100ms", "500ms", "1s", "2s"))
		}
	} else {
		// They are for what waits for ever: a queue before a slow server may be long.
		for _, name := range []string{"client", "server", "connect", "queue"} {
			add("timeout " + name + " 20m")
		}
	}
	add("balance " + pick(m, "roundrobin", "leastconn", "source", "static-rr", "first"))
	add("retries " + pick(m, "0", "1", "3"))
	some := func(of int, line string) {
		if m.one(of) {
			add(line)
		}
	}
	some(3, "option redispatch")
	if p.Hostile || !p.TCP { // else it is a reason to cut a client that has sent all it has
		some(4, "option abortonclose")
	}
	some(4, "option splice-auto")
	some(4, "option splice-request")
	some(4, "option splice-response")
	for range 1 + m.IntN(3) {
		options := ""
		if m.one(3) {
			options = "maxconn " + pick(m, "1", "2", "5")
		}
		p.Servers = append(p.Servers, options)
	}
	if m.one(6) {
		add("stick-table type ip size " + pick(m, "3", "100") + " expire " + pick(m, "20ms", "10s") + " store conn_cur,http_req_cnt,bytes_out_rate(1s)")
		add("tcp-request content track-sc0 src")
		some(2, "stick on src")
	}
	if m.one(6) {
		add("tcp-request inspect-delay " + pick(m, "1ms", "30ms"))
		add("tcp-request content accept if { req.len gt " + pick(m, "0", "50") + " }")
	}
	if p.TCP {
		if m.one(6) {
			add("tcp-response inspect-delay 5ms")
			add("tcp-response content accept if { res.len gt 100 }")
		}
		return
	}
	if m.one(5) {
		add("cookie SRV insert indirect nocache")
		for i := range p.Servers {
			p.Servers[i] += fmt.Sprintf(" cookie s%d", i+1)
		}
	}
	if p.Hostile && m.one(3) { // else what is asked is asked once
		add("retry-on " + pick(m, "all-retryable-errors", "empty-response 500", "conn-failure response-timeout"))
		add("http-request disable-l7-retry if METH_POST")
	}
	if mode := pick(m, "", "http-keep-alive", "http-server-close", "httpclose"); mode != "" {
		add("option " + mode)
	}
	add("http-reuse " + pick(m, "never", "safe", "aggressive", "always"))
	some(4, "compression algo gzip")
	some(4, "option http-buffer-request")
	some(4, "option forwardfor")
	some(3, "http-request add-header x-path %[path]")
	if m.one(3) {
		add("http-request set-var(txn.path) path")
		add("http-response add-header x-back %[var(txn.path)]")
	}
	limit := "20m"
	if p.Hostile {
		limit = "1s"
	}
	some(6, "http-request wait-for-body time "+limit)
	some(6, "http-response wait-for-body time "+limit)
}

func (m *maker) client() {
	p := m.p
	c := Client{At: m.upTo(100 * time.Millisecond), Link: m.link()}
	// A proxy that closes behind an answer while more requests are on their way may destroy
	// the answer, as every server may.
	if m.one(4) && (p.Hostile || p.Reload == 0 && !slices.Contains(p.Proxy, "option httpclose")) {
		c.Ahead = 1 + m.IntN(6)
	}
	if p.H2 {
		c.Ahead, c.Window = m.IntN(8), pick(m, 1000, 65_535, 65_535, 1<<20)
	}
	if m.one(5) {
		c.Pause, c.Sip = 1+m.upTo(time.Millisecond), 1+m.IntN(30_000)
	}
	if p.Reload > 0 && !p.Hostile {
		// A proxy that goes closes what seems idle for a second, whatever is on its way.
		c.Link.Piece, c.Pause, c.Link.Delay = 0, 0, min(c.Link.Delay, int64(time.Millisecond))
	}
	n := 1
	if !p.TCP {
		n += m.IntN(8)
	}
	for range n {
		r := m.request()
		if !p.Hostile && c.Link.Piece > 0 && c.Link.Delay >= int64(time.Millisecond) {
			// A client that goes on sending for seconds is cut off in the end.
			r.Answer.Early = false
		}
		if c.Ahead > 0 && !p.Hostile && !p.H2 {
			r.Answer.Early = false
			if r.Answer.Framing == ByClose {
				r.Answer.Framing = ByChunks
			}
		}
		c.Requests = append(c.Requests, r)
	}
	if p.Hostile && m.one(3) {
		c.Quit = Quit{How: pick(m, Closes, Resets, Stalls, Halves), Sent: m.IntN(pick(m, 100, 3000, 300_000))}
		switch m.IntN(3) {
		case 0:
			c.Quit.Sent, c.Quit.Received = 0, 1+m.IntN(pick(m, 100, 3000, 300_000))
		case 1:
			c.Quit.Sent, c.Quit.After = 0, 1+m.upTo(100*time.Millisecond)
		}
	}
	p.Clients = append(p.Clients, c)
}

func (m *maker) request() Request {
	m.p.requests++
	r := Request{ID: m.p.requests, Method: "GET", After: m.upTo(10 * time.Millisecond)}
	r.Answer = Answer{Status: 200, Size: m.size(), Framing: ByLength, Delay: m.upTo(10 * time.Millisecond)}
	a := &r.Answer
	if m.p.TCP {
		r.Body = m.size()
		a.Early = m.one(2)
	} else {
		r.Method = pick(m, "GET", "GET", "GET", "HEAD", "POST", "POST", "PUT", "DELETE", "OPTIONS")
		if m.one(3) {
			r.Pad = m.IntN(pick(m, 20, 300, 1500))
		}
		if slices.Contains([]string{"POST", "PUT"}, r.Method) {
			r.Body, r.Chunked = m.size(), m.one(2)
			a.Early = m.one(6)
		}
		r.Gzip = m.one(2)
		r.Close, r.Old = m.one(8) && !m.p.H2, m.one(10) && !m.p.H2
		r.Chunked = r.Chunked && !r.Old
		a.Framing = pick(m, ByLength, ByLength, ByLength, ByChunks, ByChunks, ByClose)
		a.Status = pick(m, 200, 200, 200, 200, 201, 404, 500, 204, 304)
		a.Close = a.Framing == ByClose || m.one(8)
		if m.one(8) {
			a.Interim = 1 + m.IntN(3)
		}
		if m.one(4) {
			a.Pad = m.IntN(1000)
		}
		if a.Status == 204 || a.Status == 304 {
			a.Size, a.Framing = 0, ByLength
		}
	}
	if m.p.Hostile && m.p.H2 && m.one(6) {
		r.Cancel = 1 + m.upTo(30*time.Millisecond)
	}
	if m.p.Hostile && m.one(6) {
		a.Quit = Quit{How: pick(m, Closes, Resets, Stalls), Sent: m.IntN(pick(m, 1, 100, 1000, 300_000))}
	}
	return r
}
