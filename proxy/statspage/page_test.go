package statspage

import (
	"bytes"
	"fmt"
	"iter"
	"net/netip"
	"strings"
	"testing"
	"time"

	"bench/internal/testquiet"
	"bench/proxy/cli"
	"bench/proxy/service"
	"bench/proxy/spec"
	"bench/proxy/state"
	"bench/proxy/stats"
)

// fakeEngine has made-up rows and notes what is done to its servers.
type fakeEngine struct {
	rows   []stats.Row
	events []Event
	done   []string
	own    state.Orders // about each server
}

func (e *fakeEngine) Info() stats.Info {
	return stats.Info{Version: "2.6.12", Node: "node1", Started: time.Unix(1, 0), Now: time.Unix(90, 0), Threads: 2, MaxConn: 100}
}
func (e *fakeEngine) Events() []Event { return e.events }
func (e *fakeEngine) Generation() Generation {
	return Generation{Reloads: 2, ConfigHash: "abc", Former: []int{77}}
}

func (e *fakeEngine) Rows(bool) iter.Seq[*stats.Row] {
	return func(yield func(*stats.Row) bool) {
		for i := range e.rows {
			r := e.rows[i]
			if !yield(&r) {
				return
			}
		}
	}
}

func (e *fakeEngine) Server(backend, name string) (cli.Server, error) {
	if backend != "be" {
		return nil, cli.ErrNoBackend
	}
	if name == "" || name == "nobody" {
		return nil, cli.ErrNoServer
	}
	return &fakeServer{e, name}, nil
}

type fakeServer struct {
	e    *fakeEngine
	name string
}

func (s *fakeServer) did(what string, v any) {
	s.e.done = append(s.e.done, fmt.Sprint(s.name, " ", what, " ", v))
}
func (s *fakeServer) Name() string { return s.name }
func (s *fakeServer) State() cli.ServerState {
	return cli.ServerState{HasCheck: s.name != "s2", Own: s.e.own}
}
func (s *fakeServer) SetAdmin(a state.Admin) { s.did("admin", a) }
func (s *fakeServer) Order(what state.Orders, on bool, why string) {
	s.did("order", fmt.Sprint(what, on, why))
}

func (s *fakeServer) SetHealth(h state.Health) {
	s.did("health", h)
}
func (s *fakeServer) SetWeight(int)               {}
func (s *fakeServer) SetMaxConn(int)              {}
func (s *fakeServer) SetAddr(netip.AddrPort)      {}
func (s *fakeServer) FollowPort(int)              {}
func (s *fakeServer) FixPort()                    {}
func (s *fakeServer) SetHost(string) bool         { return true }
func (s *fakeServer) SetTLS(bool)                 {}
func (s *fakeServer) SetCheckAddr(netip.AddrPort) {}
func (s *fakeServer) EnableCheck(on bool)         { s.did("check", on) }
func (s *fakeServer) EnableAgent(on bool)         { s.did("agent", on) }
func (s *fakeServer) SetAgentHealth(up bool)      { s.did("agent up", up) }
func (s *fakeServer) SetAgentSend(string)         {}
func (s *fakeServer) SetAgentAddr(netip.AddrPort) {}
func (s *fakeServer) ShutdownSessions()           { s.did("shutdown", "") }

// answer is what a service has written.
type answer struct {
	bytes.Buffer
	head service.Head
}

func (a *answer) Begin(h service.Head) { a.head = h }

func (a *answer) field(name string) string {
	for _, f := range a.head.Fields {
		if f[0] == name {
			return f[1]
		}
	}
	return ""
}

// ask sends a request to the page of a proxy.
func ask(e *fakeEngine, px *spec.Proxy, target string, change func(*service.Request)) *answer {
	px.StatsPage.URI = "/s"
	p := New(e, &spec.Config{Proxies: []*spec.Proxy{px}})
	p.now = func() time.Time { return time.Unix(100, 0) }
	return askPage(p, target, change)
}

func askPage(p *Page, target string, change func(*service.Request)) *answer {
	r := &service.Request{Complete: true}
	r.SetMethod([]byte("GET"))
	r.SetTarget([]byte(target))
	if change != nil {
		change(r)
	}
	var a answer
	p.serve(r, &a)
	return &a
}

func post(form string, fields ...string) func(*service.Request) {
	return func(r *service.Request) {
		r.SetMethod([]byte("POST"))
		r.Admin, r.Content = true, []byte(form)
		for i := 0; i < len(fields); i += 2 {
			r.Add([]byte(fields[i]), []byte(fields[i+1]))
		}
	}
}

func proxyWithPage(change func(*spec.StatsPage)) *spec.Proxy {
	px := &spec.Proxy{Name: "px", ID: 2, StatsPage: &spec.StatsPage{ShowLegends: true}}
	if change != nil {
		change(px.StatsPage)
	}
	return px
}

func farm(servers int) []stats.Row {
	rows := []stats.Row{{Type: stats.RowFrontend, Proxy: "fe", ProxyID: 3, HTTP: true, Queue: stats.Level{Limit: -1}, Totals: stats.Totals{LastSession: -1}}}
	for i := range servers {
		rows = append(rows, stats.Row{
			Type: stats.RowServer, Proxy: "be", ProxyID: 4, Name: fmt.Sprintf("s%d", i+1), ID: i + 1, HTTP: true, Addr: "127.0.0.1:80",
			Sessions: stats.Level{Cur: 3, Max: 9, Limit: 100}, Queue: stats.Level{Limit: -1},
			Totals: stats.Totals{Sessions: 12345, BytesIn: 1 << 20, BytesOut: 1 << 30, ErrConn: uint64(i % 3), LastSession: 1},
			Server: stats.ServerRow{Weight: 1, UserWeight: 1, Check: stats.CheckState{Enabled: true, Rise: 2, Fall: 3, Health: 4, Status: "L4OK"}},
		})
	}
	return append(rows, stats.Row{Type: stats.RowBackend, Proxy: "be", ProxyID: 4, HTTP: true, Queue: stats.Level{Limit: -1}, Totals: stats.Totals{LastSession: -1}, Backend: stats.BackendRow{Up: true, Servers: servers}})
}

// Browsers say where a form was sent from; from another page it is not obeyed. Other
// clients say nothing, and are.
func TestFormsOfOtherPagesAreRefused(t *testing.T) {
	for _, c := range []struct {
		fields []string
		status string
	}{
		{nil, "DONE"},
		{[]string{"host", "proxy:8080", "origin", "http://proxy:8080"}, "DONE"},
		{[]string{"host", "proxy:8080", "origin", "http://PROXY:8080", "sec-fetch-site", "same-origin"}, "DONE"},
		{[]string{"host", "proxy:8080", "sec-fetch-site", "none"}, "DONE"},
		{[]string{"host", "proxy:8080", "origin", "http://evil.example"}, "DENY"},
		{[]string{"host", "proxy:8080", "origin", "null"}, "DENY"},
		{[]string{"host", "proxy:8080", "origin", "http://proxy:8081"}, "DENY"},
		{[]string{"host", "proxy:8080", "origin", "http://proxy:8080", "sec-fetch-site", "cross-site"}, "DENY"},
		{[]string{"host", "proxy:8080", "sec-fetch-site", "same-site"}, "DENY"},
	} {
		e := &fakeEngine{}
		a := ask(e, proxyWithPage(nil), "/s", post("s=s1&action=drain&b=be", c.fields...))
		if got := a.field("location"); a.head.Status != 303 || got != "/s;st="+c.status || (len(e.done) > 0) != (c.status == "DONE") {
			t.Errorf("%q: %d, %q, done %q", c.fields, a.head.Status, got, e.done)
		}
	}
}

// Actions do what their names say.
func TestActions(t *testing.T) {
	for _, c := range []struct{ form, status, done string }{
		{"s=s1&action=ready&b=be", "DONE", "s1 admin " + fmt.Sprint(state.Ready)},
		{"s=s1&s=s3&action=maint&b=be", "DONE", fmt.Sprintf("s1 admin %v; s3 admin %[1]v", state.Maint)},
		{"s=s1&s=nobody&action=drain&b=be", "PART", "s1 admin " + fmt.Sprint(state.Drain)},
		{"s=s1&action=hnolb&b=be", "DONE", "s1 health " + fmt.Sprint(state.Stopping)},
		{"s=s1&s=s2&action=dhlth&b=be", "DONE", "s1 check false"}, // s2 has none
		{"s=s2&action=ehlth&b=be", "NONE", ""},
		{"s=s1&action=shutdown&b=be", "DONE", "s1 shutdown "},
		{"s=nobody&action=drain&b=be", "ERRP", ""},
		{"s=s1&action=drain&b=%zz", "NONE", ""},
		{"s=%zz&s=s1&action=drain&b=be", "DONE", "s1 admin " + fmt.Sprint(state.Drain)},
		{strings.Repeat("k", 2047) + "&s=s1&action=drain&b=be", "DONE", "s1 admin " + fmt.Sprint(state.Drain)},
		{strings.Repeat("k", 2048) + "&s=s1&action=drain&b=be", "ERRP", ""},
		{"", "NONE", ""},
	} {
		e := &fakeEngine{}
		a := ask(e, proxyWithPage(nil), "/s", post(c.form))
		if got := strings.TrimPrefix(a.field("location"), "/s;st="); got != c.status || strings.Join(e.done, "; ") != c.done {
			t.Errorf("%s: %s, done %q; want %s, %q", c.form, got, e.done, c.status, c.done)
		}
	}
	// Without the right to, or with more than was kept of it, nothing is done.
	for want, change := range map[string]func(*service.Request){
		"DENY": func(r *service.Request) { r.Admin = false },
		"EXCD": func(r *service.Request) { r.Complete = false },
	} {
		e := &fakeEngine{}
		a := ask(e, proxyWithPage(nil), "/s", func(r *service.Request) { post("s=s1&action=drain&b=be")(r); change(r) })
		if a.field("location") != "/s;st="+want || len(e.done) > 0 {
			t.Errorf("%q, done %q; want %s", a.field("location"), e.done, want)
		}
	}
}

// The older actions are about one order, and leave the others as they are.
func TestOrdersOfTheirOwn(t *testing.T) {
	for _, c := range []struct {
		own          state.Orders
		form, status string
		what         state.Orders
		on           bool
		why          string
	}{
		{0, "disable", "DONE", state.OrderMaint, true, "'disable' on stats page"},
		{state.OrderDrain, "disable", "DONE", state.OrderMaint, true, "'disable' on stats page"},
		{state.OrderMaint, "stop", "DONE", state.OrderDrain, true, "'stop' on stats page"},
		{state.OrderMaint | state.OrderDrain, "start", "DONE", state.OrderDrain, false, ""},
		{state.OrderMaint | state.OrderDrain, "enable", "DONE", state.OrderMaint, false, ""},
		{own: state.OrderMaint, form: "disable", status: "NONE"},
		{own: state.OrderMaint, form: "start", status: "NONE"},
		{own: state.OrderDrain, form: "enable", status: "NONE"},
	} {
		e, done := &fakeEngine{own: c.own}, ""
		if c.status == "DONE" {
			done = "s1 order " + fmt.Sprint(c.what, c.on, c.why)
		}
		a := ask(e, proxyWithPage(nil), "/s", post("s=s1&action="+c.form+"&b=be"))
		if got := strings.TrimPrefix(a.field("location"), "/s;st="); got != c.status || strings.Join(e.done, "; ") != done {
			t.Errorf("%s with %d: %s, done %q; want %s, %q", c.form, c.own, got, e.done, c.status, done)
		}
	}
}

// Whatever proxies, servers and checks are called or say is text on the page.
func TestHostileText(t *testing.T) {
	evil := "<script>alert(1)</script>\"'&\x1b[31m\u202e\u200b" + strings.Repeat("x", 300)
	e := &fakeEngine{rows: farm(2), events: []Event{{At: time.Unix(1, 0), Proxy: "be", Text: evil, Bad: true}}}
	for i := range e.rows {
		r := &e.rows[i]
		r.Addr, r.Server.Cookie, r.Server.Check.Output, r.Server.Check.Desc, r.Server.Check.Status = evil, evil, evil, evil, evil
	}
	px := proxyWithPage(func(p *spec.StatsPage) { p.Description, p.ShowNode, p.Node = evil, true, "n" })
	px.Description = evil
	page := ask(e, px, "/s", nil).String()
	if n := strings.Count(page, "<script"); n != 1 {
		t.Errorf("%d scripts", n)
	}
	for _, bad := range []string{"\x1b", "\u202e", "\u200b", `"'&`} {
		if strings.Contains(page, bad) {
			t.Errorf("%q is on the page as it came", bad)
		}
	}
	if !strings.Contains(page, "&lt;script&gt;alert(1)") {
		t.Error("the text is not on the page")
	}
}

// The first line says what is wrong, and where; without anything, that all is well.
func TestFirstLine(t *testing.T) {
	first := func(e *fakeEngine, p *Page) string {
		text := askPage(p, "/s", nil).String()
		_, text, _ = strings.Cut(text, `</span> `)
		text, _, _ = strings.Cut(text, "</h1>")
		return text
	}
	px := proxyWithPage(nil)
	px.StatsPage.URI = "/s"
	e := &fakeEngine{rows: farm(3)}
	p := New(e, &spec.Config{Proxies: []*spec.Proxy{px}})
	if got := first(e, p); got != "all well" {
		t.Error(got)
	}
	e.rows[1].Server.Health = state.Down
	if got := first(e, p); got != "1 of 3 servers DOWN" {
		t.Error(got)
	}
	e.rows[2].Server.Maint = true // on purpose
	e.rows[4].Backend.Up = false
	if got := first(e, p); got != "1 of 3 servers DOWN, no server left in be" {
		t.Error(got)
	}
	e.rows[0].State = stats.Full
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.Local)
	p.history.take(at, e.Rows(true))
	e.rows[4].Totals.ErrConn += 24
	p.history.take(at.Add(sampleEvery), e.Rows(true))
	if got := first(e, p); got != "1 of 3 servers DOWN, no server left in be, no new connections at fe, errors 12.0/s in be since 03:04:05" {
		t.Error(got)
	}
	// Errors that have ended leave the line.
	for i := range tenSeconds {
		p.history.take(at.Add(time.Duration(i+2)*sampleEvery), e.Rows(true))
	}
	if got := first(e, p); strings.Contains(got, "errors") {
		t.Error(got)
	}
}

// Windows hold what was counted in them, and what is gone is forgotten.
func TestWindows(t *testing.T) {
	h := newHistory()
	rows := farm(1)
	e := &fakeEngine{rows: rows}
	now := time.Unix(1000, 0)
	k := key{"be", stats.RowServer, "s1"}
	for range 1 + 2*oneMinute {
		h.take(now, e.Rows(true))
		now = now.Add(sampleEvery)
		rows[1].Totals.Sessions += 10
		rows[1].Totals.BytesOut += 1 << 33
	}
	r := h.of(k)
	if r.ten.total != 10*tenSeconds || r.minute.total != 10*oneMinute || r.minute.bytesOut != oneMinute<<33 {
		t.Errorf("10 s: %d, 1 min: %d and %d bytes", r.ten.total, r.minute.total, r.minute.bytesOut)
	}
	// After "clear counters all" they go on from zero.
	rows[1].Totals.Sessions, rows[1].Totals.BytesOut = 3, 5
	h.take(now, e.Rows(true))
	if r := h.of(k); r.ten.total != 10*(tenSeconds-1)+3 {
		t.Errorf("10 s: %d after the counters were cleared", r.ten.total)
	}
	e.rows = append(rows[:1:1], rows[2])
	h.take(now, e.Rows(true))
	if h.of(k).known || len(h.tracks) != 2 {
		t.Errorf("a server that is gone is remembered: %d tracks", len(h.tracks))
	}
}

// Small charts have a point for every six seconds of the last five minutes, with the p99
// of these six seconds alone.
func TestCharts(t *testing.T) {
	h := newHistory()
	rows := farm(0)
	e := &fakeEngine{rows: rows}
	now := time.Unix(1000, 0)
	back := &rows[1].Totals
	for i := range 1 + pointOf*(points+5) {
		if i > 0 && i%pointOf == 1 {
			back.Sessions += 60
			back.Responses[5] += 6
			d := int64(time.Millisecond)
			if i > pointOf*(points+4) {
				d = int64(time.Second)
			}
			for range 100 {
				back.Latency.Note(-1, -1, -1, d)
			}
		}
		h.take(now, e.Rows(true))
		now = now.Add(sampleEvery)
	}
	r := h.of(key{"be", stats.RowBackend, ""})
	if len(r.points) != points {
		t.Fatalf("%d points", len(r.points))
	}
	first, last := r.points[0], r.points[points-1]
	if first.rate != 10 || first.errors != 1 || first.p99 < time.Millisecond || first.p99 > 1200*time.Microsecond || last.p99 < time.Second || last.p99 > 1200*time.Millisecond {
		t.Errorf("first %+v, last %+v", first, last)
	}
}

// What the reader filters stays in links, and what the administrator hides is hidden.
func TestScope(t *testing.T) {
	e := &fakeEngine{rows: farm(1)}
	for _, c := range []struct {
		scope  []string
		target string
		want   string
	}{
		{nil, "/s;csv", "fe be be"},
		{nil, "/s;csv?scope=F", "fe"},
		{[]string{"be"}, "/s;csv", "be be"},
		{[]string{"be"}, "/s;csv?scope=fe", ""},
		{[]string{"."}, "/s;csv", ""},
		{nil, "/s;csv?scope=%3Cb", "fe be be"},
		{nil, "/s;csv?scope=be;up", "be be"},
	} {
		var got []string
		for l := range strings.Lines(ask(e, proxyWithPage(func(p *spec.StatsPage) { p.Scope = c.scope }), c.target, nil).String()) {
			if name, _, ok := strings.Cut(l, ","); ok && !strings.HasPrefix(l, "#") {
				got = append(got, name)
			}
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("%v %s: %q, want %q", c.scope, c.target, got, c.want)
		}
	}
	page := ask(e, proxyWithPage(nil), "/s;up?scope=be", nil).String()
	if !strings.Contains(page, `href="/s;csv;up?scope=be"`) || !strings.Contains(page, `value="be"`) {
		t.Error("links forget what was chosen")
	}
}

// What is ours comes behind what readers by position and by name know, and only if it is
// asked for.
func TestColumnsOfOurOwnComeLast(t *testing.T) {
	e := &fakeEngine{rows: farm(1)}
	for range 1000 {
		e.rows[1].Totals.Latency.Note(1e3, 2e6, 3e6, 1e9)
	}
	plain := strings.Split(ask(e, proxyWithPage(nil), "/s;csv", nil).String(), "\n")
	extended := strings.Split(ask(e, proxyWithPage(nil), "/s;csv;ext", nil).String(), "\n")
	if len(plain) != len(extended) {
		t.Fatalf("%d and %d lines", len(plain), len(extended))
	}
	for i := range plain {
		if !strings.HasPrefix(extended[i], plain[i]) {
			t.Errorf("%s\nbegins with other columns than\n%s", extended[i], plain[i])
		}
	}
	if got, want := strings.TrimPrefix(extended[0], plain[0]), "qtime_p50_us,qtime_p99_us,ctime_p50_us,ctime_p99_us,rtime_p50_us,rtime_p99_us,ttime_p50_us,ttime_p99_us,"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if got, want := strings.TrimPrefix(extended[1], plain[1]), ",,,,,,,,"; got != want {
		t.Errorf("a frontend has %q", got)
	}
	if got := strings.TrimPrefix(extended[2], plain[2]); got != "7,7,2322,2322,3284,3284,1000000,1000000," {
		t.Errorf("a server has %q", got)
	}
}

// A page of 500 servers is written within 300 ms.
func TestManyServers(t *testing.T) {
	if testquiet.Tried(t) {
		return
	}
	e := &fakeEngine{rows: farm(500)}
	start := time.Now()
	a := ask(e, proxyWithPage(nil), "/s", func(r *service.Request) { r.Admin = true })
	if d := time.Since(start); d > 300*time.Millisecond || a.Len() > 4<<20 {
		t.Errorf("%v for %d bytes", d, a.Len())
	}
}

// failing takes some bytes and no more.
type failing struct {
	answer
	left int
}

func (f *failing) Write(p []byte) (int, error) {
	if f.left -= len(p); f.left < 0 {
		return 0, service.ErrGone
	}
	return len(p), nil
}

// Nothing is written for a client who has gone.
func TestClientsThatLeave(t *testing.T) {
	rows := farm(2000)
	went := 0
	e := &fakeEngine{rows: rows}
	p := New(counting{e, &went}, &spec.Config{Proxies: []*spec.Proxy{proxyWithPage(nil)}})
	p.proxies[0].StatsPage.URI = "/s"
	for _, target := range []string{"/s", "/s;csv", "/s;json"} {
		went = 0
		r := &service.Request{}
		r.SetMethod([]byte("GET"))
		r.SetTarget([]byte(target))
		p.serve(r, &failing{left: 100_000})
		most := 1000
		if target == "/s" {
			most += len(rows) // the first line comes of all of them
		}
		if went > most {
			t.Errorf("%s: %d rows were looked at", target, went)
		}
	}
}

// counting counts the rows that are looked at.
type counting struct {
	*fakeEngine
	n *int
}

func (c counting) Rows(latency bool) iter.Seq[*stats.Row] {
	return func(yield func(*stats.Row) bool) {
		for r := range c.fakeEngine.Rows(latency) {
			*c.n++
			if !yield(r) {
				return
			}
		}
	}
}

// Whether a reload begins the counters anew depends on "stats-file", and is told.
func TestWhatCountersCount(t *testing.T) {
	for file, want := range map[string]string{"": "of this process; a reload begins them anew", "/f": "of what has a guid go on from the stats-file, others begin with this process"} {
		px := proxyWithPage(nil)
		px.StatsPage.URI = "/s"
		p := New(&fakeEngine{}, &spec.Config{Global: spec.Global{StatsFile: file}, Proxies: []*spec.Proxy{px}})
		if got := askPage(p, "/s", nil).String(); !strings.Contains(got, "<dt>Counters</dt><dd>"+want+"</dd>") {
			t.Errorf("%q: not told", file)
		}
	}
}
