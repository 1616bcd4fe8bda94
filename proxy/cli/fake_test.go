package cli

import (
	"errors"
	"fmt"
	"iter"
	"net"
	"net/netip"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"bench/internal/sock"
	"bench/proxy/cache"
	"bench/proxy/certs"
	"bench/proxy/pattern"
	"bench/proxy/peering"
	"bench/proxy/sample"
	"bench/proxy/spec"
	"bench/proxy/state"
	"bench/proxy/stats"
	"bench/proxy/trace"
	"bench/proxy/txn"
)

// fakeEngine records what the commands do.
type fakeEngine struct {
	mu        sync.Mutex
	done      []string
	backends  []Backend
	frontends map[string]*fakeFrontend
	sessions  []Session
	errors    []CapturedError
	rows      []stats.Row
	patterns  pattern.Lists
	rings     []Ring
	variables txn.Names
	profiles  map[string]Profile
	traces    trace.Sources
	profiling spec.Profiling
	// Of AddServer and DeleteServer.
	warnings []string
	refusal  error
}

func (e *fakeEngine) did(format string, args ...any) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.done = append(e.done, fmt.Sprintf(format, args...))
}

// take returns what was done since the last call.
func (e *fakeEngine) take() string {
	e.mu.Lock()
	defer e.mu.Unlock()
	s := strings.Join(e.done, "; ")
	e.done = nil
	return s
}

func (e *fakeEngine) Info() stats.Info {
	return stats.Info{Version: "2.6.12", Threads: 2, Started: time.Unix(1, 0), Now: time.Unix(3, 0)}
}

func (e *fakeEngine) Rows(bool) iter.Seq[*stats.Row] {
	return func(yield func(*stats.Row) bool) {
		for i := range e.rows {
			if !yield(&e.rows[i]) {
				return
			}
		}
	}
}
func (e *fakeEngine) Patterns() *pattern.Lists { return &e.patterns }
func (e *fakeEngine) Variables() *txn.Names    { return &e.variables }

func (e *fakeEngine) Evaluate(fn func(*sample.Context)) {
	c := sample.NewContext(1024, 1)
	c.Txn = &txn.Txn{}
	fn(c)
}

func (e *fakeEngine) ProxyID(name string) (int, bool) {
	for i := range e.rows {
		if e.rows[i].Proxy == name {
			return e.rows[i].ProxyID, true
		}
	}
	return 0, false
}
func (e *fakeEngine) Certs() *certs.Store { return certs.NewStore() }
func (e *fakeEngine) AddCertEntry(list, _, line string) (int, error) {
	e.did("add to %s: %s", list, line)
	return 0, e.refusal
}
func (e *fakeEngine) Rings() []Ring          { return e.rings }
func (e *fakeEngine) Traces() *trace.Sources { return &e.traces }
func (e *fakeEngine) IdlePerThread(list []Server) [][]IdleConns {
	idle := make([][]IdleConns, len(list))
	for i := range idle {
		idle[i] = make([]IdleConns, 2)
	}
	return idle
}
func (e *fakeEngine) Caches() []*cache.Cache  { return nil }
func (e *fakeEngine) TraceSinks() []TraceSink { return nil }
func (e *fakeEngine) ClearCounters(all bool)  { e.did("clear all=%v", all) }
func (e *fakeEngine) Backends() []Backend     { return e.backends }
func (e *fakeEngine) Server(backend, name string) (Server, error) {
	for _, b := range e.backends {
		if b.Name != backend {
			continue
		}
		for _, s := range b.Servers {
			if s.Name() == name {
				return s, nil
			}
		}
		return nil, ErrNoServer
	}
	return nil, ErrNoBackend
}

func (e *fakeEngine) AddServer(backend, name string, words []string) ([]string, error) {
	e.did("add %s/%s %v", backend, name, words)
	return e.warnings, e.refusal
}

func (e *fakeEngine) DeleteServer(backend, name string) error {
	e.did("delete %s/%s", backend, name)
	return e.refusal
}

func (e *fakeEngine) SetDynamicCookies(backend string, on bool) error {
	e.did("cookies of %s %v", backend, on)
	return e.noBackend(backend)
}

func (e *fakeEngine) SetCookieKey(backend, key string) error {
	e.did("cookie key of %s %q", backend, key)
	return e.noBackend(backend)
}

func (e *fakeEngine) noBackend(name string) error {
	for _, b := range e.backends {
		if b.Name == name {
			return nil
		}
	}
	return ErrNoBackend
}

func (e *fakeEngine) Frontend(name string) (Frontend, bool) {
	f, ok := e.frontends[name]
	return f, ok
}
func (e *fakeEngine) MaxConn() int { return 200 }

// Pools implements Engine.
func (e *fakeEngine) Pools() []Pool { return []Pool{{Name: "stream", Size: 400, Made: 5, Free: 3}} }

func (e *fakeEngine) SetMaxConn(n int) error {
	if n > 200 {
		return errors.New("above the hard limit")
	}
	e.did("maxconn %d", n)
	return nil
}

func (e *fakeEngine) SetRateLimit(l RateLimit, n int) { e.did("rate limit %d %d", l, n) }

func (e *fakeEngine) Sessions() iter.Seq[*Session] {
	return func(yield func(*Session) bool) {
		for i := range e.sessions {
			if !yield(&e.sessions[i]) {
				return
			}
		}
	}
}

func (e *fakeEngine) ShutdownSession(id uint64) bool {
	e.did("end session %x", id)
	return id == 0x2a
}
func (e *fakeEngine) Errors() ([]CapturedError, uint64) { return e.errors, uint64(len(e.errors)) }
func (e *fakeEngine) Threads() []Thread {
	return []Thread{{Loops: 5, Poller: "epoll", Queued: map[string]int{"a": 1, "b": 2}}, {Loops: 7, Poller: "epoll", Queued: map[string]int{"a": 2}, Profiles: e.profiles, Profiling: e.profiles != nil}}
}

func (e *fakeEngine) Stall(d time.Duration, compute bool) { e.did("stall %v %v", d, compute) }
func (e *fakeEngine) Report(text string)                  { e.did("log %q", text) }
func (e *fakeEngine) Exit(code int)                       { e.did("exit %d", code) }

func (e *fakeEngine) SetProfiling(p spec.Profiling) { e.did("profiling %v", p); e.profiling = p }
func (e *fakeEngine) Profiling() spec.Profiling     { return e.profiling }
func (e *fakeEngine) Descriptors() []Descriptor     { return []Descriptor{{0, "the first"}} }

func (e *fakeEngine) Sockets() []Socket {
	return []Socket{{"unix@/run/a.sock", AdminLevel}, {"127.0.0.1:9999", User}}
}

func (e *fakeEngine) SendListeners(conn *net.UnixConn) error {
	e.did("send listeners")
	_, err := conn.Write([]byte("listeners"))
	return err
}

type fakeServer struct {
	e     *fakeEngine
	name  string
	state ServerState
}

func (s *fakeServer) Name() string           { return s.name }
func (s *fakeServer) State() ServerState     { return s.state }
func (s *fakeServer) SetAdmin(a state.Admin) { s.state.Admin = a; s.e.did("%s admin %d", s.name, a) }

func (s *fakeServer) Order(what state.Orders, on bool, why string) {
	s.e.did("%s order %d %v %s", s.name, what, on, why)
}

func (s *fakeServer) SetHealth(h state.Health) {
	s.state.Health = h
	s.e.did("%s health %d", s.name, h)
}
func (s *fakeServer) SetWeight(n int)  { s.state.Weight = n; s.e.did("%s weight %d", s.name, n) }
func (s *fakeServer) SetMaxConn(n int) { s.e.did("%s maxconn %d", s.name, n) }
func (s *fakeServer) SetAddr(a netip.AddrPort) {
	s.state.Addr = a
	s.e.did("%s addr %v", s.name, a)
}

func (s *fakeServer) FollowPort(n int) { s.state.FollowsPort, s.state.PortOffset = true, n }
func (s *fakeServer) FixPort()         { s.state.FollowsPort = false }

func (s *fakeServer) SetHost(name string) bool { s.state.Host = name; return true }
func (s *fakeServer) SetTLS(on bool)           { s.state.TLS = on }
func (s *fakeServer) SetCheckAddr(a netip.AddrPort) {
	s.e.did("%s check-addr %v %d", s.name, a.Addr(), a.Port())
}
func (s *fakeServer) EnableCheck(on bool)           { s.e.did("%s check %v", s.name, on) }
func (s *fakeServer) EnableAgent(on bool)           { s.e.did("%s agent %v", s.name, on) }
func (s *fakeServer) SetAgentHealth(up bool)        { s.e.did("%s agent up %v", s.name, up) }
func (s *fakeServer) SetAgentSend(text string)      { s.e.did("%s agent-send %q", s.name, text) }
func (s *fakeServer) SetAgentAddr(a netip.AddrPort) { s.e.did("%s agent-addr %v", s.name, a) }
func (s *fakeServer) ShutdownSessions()             { s.e.did("%s end sessions", s.name) }

type fakeFrontend struct {
	e     *fakeEngine
	name  string
	state FrontendState
}

func (f *fakeFrontend) SetMaxConn(n int)     { f.e.did("%s maxconn %d", f.name, n) }
func (f *fakeFrontend) Disable()             { f.state = Disabled; f.e.did("%s disable", f.name) }
func (f *fakeFrontend) Enable()              { f.state = Enabled; f.e.did("%s enable", f.name) }
func (f *fakeFrontend) State() FrontendState { return f.state }
func (f *fakeFrontend) Shutdown()            { f.state = Shut; f.e.did("%s shutdown", f.name) }

// newFake is the engine whose configuration the golden answers were made with.
func newFake() *fakeEngine {
	e := &fakeEngine{frontends: map[string]*fakeFrontend{}}
	for _, n := range []string{"fe", "tf"} {
		e.frontends[n] = &fakeFrontend{e: e, name: n}
	}
	server := func(id int, name string, port uint16, st ServerState) Server {
		st.ID, st.Addr = id, netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), port)
		st.LastChange, st.PurgeDelay = time.Second, 5*time.Second
		st.Rise, st.Fall = 2, 3
		st.CheckPaused = st.ConfiguredMaint
		if st.Weight == 0 {
			st.Weight, st.InitialWeight = 1, 1
		}
		if st.IdleLimit == 0 {
			st.IdleLimit = -1
		}
		return &fakeServer{e: e, name: name, state: st}
	}
	e.backends = []Backend{
		{ID: 4, Name: "be", Servers: []Server{
			server(1, "s1", 18090, ServerState{HasCheck: true, CheckOn: true, CheckRun: true, CheckStatus: "L7OK", CheckHealth: 4, UsedMax: 1, Need: 1}),
			server(2, "s2", 18091, ServerState{Weight: 10, InitialWeight: 10}),
			server(3, "s3", 18092, ServerState{Admin: state.Maint, Own: state.OrderMaint, ConfiguredMaint: true}),
			server(4, "s4", 18093, ServerState{Health: state.Down, HasCheck: true, CheckOn: true, CheckRun: true, CheckFailed: true, CheckStatus: "L4CON", UsedMax: 1, Need: 1}),
			server(5, "s5", 18091, ServerState{Admin: state.Maint, Own: state.OrderMaint, ConfiguredMaint: true, HasCheck: true, CheckOn: true}),
			server(6, "s6", 18091, ServerState{}),
			server(7, "s7", 18091, ServerState{Admin: state.Drain, Own: state.OrderDrain}),
			server(8, "s8", 18091, ServerState{IdleLimit: 9}),
		}},
		{ID: 5, Name: "tb", Servers: []Server{server(1, "t1", 18090, ServerState{})}},
	}
	e.rows = []stats.Row{
		{Type: stats.RowFrontend, Proxy: "fe", ProxyID: 2, HTTP: true, Totals: stats.Totals{LastSession: -1}},
		{Type: stats.RowServer, Proxy: "be", ProxyID: 4, Name: "s1", ID: 1, HTTP: true, Totals: stats.Totals{LastSession: -1}},
		{Type: stats.RowBackend, Proxy: "be", ProxyID: 4, HTTP: true, Totals: stats.Totals{LastSession: -1}},
	}
	return e
}

// start serves an engine on a unix socket and returns its path.
func start(t testing.TB, e Engine, o Options, a Access) (*Service, string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "s")
	addr, err := sock.Parse(path)
	if err != nil {
		t.Fatal(err)
	}
	fd, err := sock.Listen(&addr, &sock.ListenOptions{Backlog: 64})
	if err != nil {
		t.Fatal(err)
	}
	s := New(e, o)
	if err := s.Listen(fd, a); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		s.Close()
		sock.Close(fd)
	})
	return s, path
}

func dial(t testing.TB, path string) *net.UnixConn {
	t.Helper()
	c, err := net.DialUnix("unix", nil, &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	_ = c.SetDeadline(time.Now().Add(10 * time.Second))
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func (e *fakeEngine) Peers() []peering.View { return nil }
