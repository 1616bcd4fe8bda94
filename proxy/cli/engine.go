// Package cli is the runtime API of the proxy: the commands of its stats
// sockets. It belongs to the control plane, so a connection is a goroutine with
// blocking I/O. It knows the engine only through the Engine interface; parsing
// of commands, levels, answers and error texts live here, state does not.
package cli

import (
	"errors"
	"fmt"
	"iter"
	"net"
	"net/netip"
	"time"

	"bench/proxy/cache"
	"bench/proxy/certs"
	"bench/proxy/pattern"
	"bench/proxy/peering"
	"bench/proxy/resolver"
	"bench/proxy/sample"
	"bench/proxy/spec"
	"bench/proxy/state"
	"bench/proxy/stats"
	"bench/proxy/table"
	"bench/proxy/trace"
	"bench/proxy/txn"
)

// Engine is what the commands act on. Methods may be called from any goroutine;
// they return copies, never anything the engine goes on to change.
type Engine interface {
	// Info is the state of the process.
	Info() stats.Info
	// Rows are the rows of "show stat" in the order of configuration: per
	// proxy its frontend, its listeners (with "option socket-stats"), its
	// servers, its backend. A row is good until the next one. latency: the rows
	// have how long streams took.
	Rows(latency bool) iter.Seq[*stats.Row]
	// ProxyID looks up the number of a proxy by its name.
	ProxyID(name string) (id int, ok bool)
	// ClearCounters forgets the highest values, or with all every counter.
	ClearCounters(all bool)

	// Backends returns the proxies that have a backend side.
	Backends() []Backend
	// IdlePerThread tells how many idle connections the threads have to servers: for each
	// server the numbers of all threads.
	IdlePerThread(list []Server) [][]IdleConns
	// Server looks a server up by the names of its backend and its own. The error is
	// ErrNoBackend or ErrNoServer.
	Server(backend, name string) (Server, error)
	// AddServer makes a server of a backend, in maintenance and with its checks
	// suspended. words are its address and options, as on a "server" line. The
	// warnings are about what is accepted without effect. Errors are ErrNoBackend,
	// ErrStaticBalance, ErrServerExists, an *IDError, or say what is wrong with the words.
	AddServer(backend, name string, words []string) (warnings []string, err error)
	// DeleteServer removes a server. Errors are ErrNoBackend, ErrNoServer,
	// ErrServerNamed, ErrNotInMaintenance, ErrServerBusy.
	DeleteServer(backend, name string) error
	// SetDynamicCookies has cookies made of the addresses of servers, or not; SetCookieKey
	// changes the secret for that, unless it is empty. The error is ErrNoBackend.
	SetDynamicCookies(backend string, on bool) error
	SetCookieKey(backend, key string) error
	// Frontend looks a frontend up by name.
	Frontend(name string) (Frontend, bool)

	// Tables are the stick tables, in the order of configuration.
	Tables() []*table.Table

	// Caches are those of responses, in the order of configuration.
	Caches() []*cache.Cache

	// Peers are the groups of processes that share tables, as they are now.
	Peers() []peering.View

	// Resolvers are what looks names up, in the order of configuration.
	Resolvers() []*resolver.Resolver

	// MaxConn is the process-wide limit in force.
	MaxConn() int
	// SetMaxConn changes it. 0 means the configured value.
	SetMaxConn(n int) error

	// SetRateLimit changes how much of something there may be in a second, 0 being any
	// number.
	SetRateLimit(l RateLimit, n int)

	// Traces are the parts that can be traced, TraceSinks where the lines may go.
	Traces() *trace.Sources
	TraceSinks() []TraceSink

	// Rings are those that log lines go to.
	Rings() []Ring

	// Patterns are the lists of patterns of ACLs and maps.
	Patterns() *pattern.Lists

	// Variables are the names of variables, and those of the process themselves.
	Variables() *txn.Names
	// Evaluate runs fn with what expressions of no transaction are evaluated by
	// (txn.StepProcess), and waits until it has.
	Evaluate(fn func(*sample.Context))
	// Certs has the files of certificates, authorities, revocations and keys of tickets.
	Certs() *certs.Store
	// AddCertEntry adds a line, which begins with the file of a certificate, to a list of them.
	// users is how many bind lines have the list. Errors are certs.ErrUnknown and
	// certs.ErrIncomplete, of the list and of the certificate, or say what is wrong with the
	// line.
	AddCertEntry(list, cert, line string) (users int, err error)

	// Sessions are the live streams. They are looked at a few at a time, and those that
	// end meanwhile are left out. A session is good until the next one.
	Sessions() iter.Seq[*Session]
	// ShutdownSession ends the stream with that id, and reports false if there
	// is none.
	ShutdownSession(id uint64) bool

	// Errors returns the last malformed messages kept for "show errors", and how
	// many there have been.
	Errors() (kept []CapturedError, total uint64)

	// Threads tells what each event loop has done.
	Threads() []Thread
	// SetProfiling says when it is measured how long handlers take, which Profiling tells.
	SetProfiling(p spec.Profiling)
	Profiling() spec.Profiling
	// Descriptors tells what descriptors are for, as far as that is known.
	Descriptors() []Descriptor

	// Pools describes what the loops allocate for connections and data, summed
	// over them.
	Pools() []Pool

	// Stall has a thread sleep, or compute, that long, and waits until it has.
	Stall(d time.Duration, compute bool)
	// Report sends a line to the logs of the process.
	Report(text string)
	// Exit ends the process at once, with a negative code by SIGABRT.
	Exit(code int)

	// Sockets lists the stats sockets.
	Sockets() []Socket

	// SendListeners passes the listening descriptors to the peer of conn, which
	// is a new process about to take over ("_getsocks").
	SendListeners(conn *net.UnixConn) error
}

// Why a server is not found, added or deleted.
var (
	ErrNoBackend        = errors.New("no such backend")
	ErrNoServer         = errors.New("no such server")
	ErrServerExists     = errors.New("the backend has a server of that name")
	ErrNotInMaintenance = errors.New("the server is not in maintenance")
	ErrStaticBalance    = errors.New("the algorithm of the backend is static")
	ErrServerBusy       = errors.New("the server has sessions or connections")
	ErrServerNamed      = errors.New("the configuration names the server")
)

// IDError is a number of a server that another one has.
type IDError struct {
	ID     int
	Server string   // which has it
	Pos    spec.Pos // of that; without a line if it was added at run time
}

func (e *IDError) Error() string {
	at := ""
	if e.Pos.Line > 0 {
		at = fmt.Sprintf("at %s:%d ", e.Pos.File, e.Pos.Line)
	}
	return fmt.Sprintf("'id' : custom id %d already used %s('server %s').", e.ID, at, e.Server)
}

// Backend is a proxy with servers.
type Backend struct {
	ID       int
	Name     string
	ForcedID bool // the id was configured
	Servers  []Server
}

// Server is the handle of one server.
type Server interface {
	Name() string
	State() ServerState

	// SetAdmin leaves of all orders about the server those only that make a state. Order
	// gives one, or takes it back; why is who says so, "" for nobody in particular.
	SetAdmin(a state.Admin)
	Order(what state.Orders, on bool, why string)
	// SetHealth forces the operational state, as if checks had found it.
	SetHealth(h state.Health)
	// SetWeight sets the weight, 0 to 256.
	SetWeight(n int)
	// SetMaxConn sets the limit on concurrent sessions, 0 being none.
	SetMaxConn(n int)
	// SetAddr sets where new connections go.
	SetAddr(a netip.AddrPort)
	// FollowPort makes their port that which the client came to, and so much more; FixPort
	// that of the address again.
	FollowPort(offset int)
	FixPort()
	// SetHost sets the name that the address follows. It reports false for what cannot be
	// looked up.
	SetHost(name string) bool
	// SetTLS makes new connections ones in TLS, or in clear.
	SetTLS(on bool)
	// SetCheckAddr sets where checks go; the zero address means to the server.
	SetCheckAddr(a netip.AddrPort)
	// EnableCheck suspends or resumes the checks.
	EnableCheck(on bool)
	// EnableAgent suspends or resumes the questions to the agent; SetAgentHealth is what
	// it says, SetAgentSend what it is told first, SetAgentAddr where it is.
	EnableAgent(on bool)
	SetAgentHealth(up bool)
	SetAgentSend(text string)
	SetAgentAddr(a netip.AddrPort)
	// ShutdownSessions ends the sessions of the server.
	ShutdownSessions()
}

// ServerState is a server at one moment.
type ServerState struct {
	ID       int
	ForcedID bool
	// Host is the host name that the address was looked up by, "" if none was;
	// Unresolved tells that it has not been found.
	Host       string
	Unresolved bool
	Renamed    bool           // the name was set at run time
	Resolved   bool           // the name is looked up again and again
	Service    bool           // the name is that of a service
	HasTLS     bool           // how to speak TLS to it is known
	TLS        bool           // and done
	Addr       netip.AddrPort // the zero value for unix sockets
	// FollowsPort: the port is that which the client came to, and PortOffset more.
	FollowsPort bool
	PortOffset  int
	Admin       state.Admin
	// Own and Inherited are what the state is made of beside a name that is not found: what
	// was decided about the server itself, and about the one that it follows.
	Own, Inherited state.Orders
	// ConfiguredMaint tells that the maintenance was configured ("disabled").
	ConfiguredMaint bool
	// Off: its proxy is disabled, or was stopped.
	Off bool
	// Dynamic: it was added at run time.
	Dynamic bool
	// Gone: it has been deleted since it was looked up.
	Gone bool
	// EverMaint: it is in maintenance or was once.
	EverMaint bool
	// Warming: its weight grows yet ("slowstart").
	Warming       bool
	Health        state.Health
	Weight        int  // in force
	InitialWeight int  // configured
	FixedWeight   bool // by the algorithm: it may only be 0 or as configured
	LastChange    time.Duration
	MaxConn       int // 0: none

	HasCheck    bool // "check" is configured
	CheckOn     bool // and not suspended
	CheckStatus string
	CheckFailed bool // the last check failed
	CheckPaused bool // by maintenance, which has not ended while checks were on
	CheckRun    bool // at least one check has finished
	CheckHealth int  // position between 0 and rise+fall-1
	Rise, Fall  int
	CheckAddr   netip.AddrPort // configured or set, each part for itself; the zero value if neither
	CheckPort   int            // configured; it is that of agents, too

	Follows   bool           // another server's state ("track")
	Named     bool           // something else of the configuration names it, so that it has to stay
	HasAgent  bool           // "agent-check" is configured
	AgentOn   bool           // and not suspended
	AgentAddr netip.AddrPort // configured or set, each part for itself; the zero value if neither

	Used, UsedMax, Need int64 // connections in use
	Idle                int64
	IdleLimit           int64 // -1: none
	PurgeDelay          time.Duration
	Sessions, Queued    int64
}

// Occupied tells whether sessions have the server or wait for it, or connections lead there.
func (s *ServerState) Occupied() bool {
	return s.Sessions > 0 || s.Queued > 0 || s.Used > 0 || s.Idle > 0
}

// IdleConns are idle connections to a server. Safe are those that have carried more than
// one request.
type IdleConns struct{ Unsafe, Safe int64 }

// Running tells whether the server may take a session at all.
func (s *ServerState) Running() bool { return s.Admin != state.Maint && s.Health != state.Down }

// RateLimit is something of which there may be so much in a second.
type RateLimit uint8

// The limits of rates.
const (
	ConnectionRate RateLimit = iota
	SessionRate
	TLSRate
	CompressionRate
)

// Frontend is the handle of one frontend.
type Frontend interface {
	// SetMaxConn sets the limit on concurrent connections, at least 1.
	SetMaxConn(n int)
	// Disable stops accepting but keeps the listeners bound.
	Disable()
	// Enable undoes Disable.
	Enable()
	// State is Enabled, Disabled or Shut.
	State() FrontendState
	// Shutdown closes the listeners for good.
	Shutdown()
}

// FrontendState is whether a frontend accepts.
type FrontendState uint8

// States of a frontend.
const (
	Enabled FrontendState = iota
	Disabled
	Shut
)

// Session is one live stream.
type Session struct {
	ID              uint64
	Proto           string // tcpv4, tcpv6, unix_stream
	Source          string // address:port, or unix:ID
	Frontend        string
	FrontendID      int
	FrontendHTTP    bool
	Listener        string // name of the bind line, if it has one
	ListenerID      int
	ListenerAddr    string
	Backend, Server string // "" if not chosen
	BackendID       int    // -1: none
	BackendHTTP     bool
	ServerID        int
	ServerAddr      string
	HTTP            bool
	Thread          int // from 1
	Started         time.Time
	RequestState    string
	Status          int // of the response; 0: none yet
	BytesIn         uint64
	BytesOut        uint64
	// Expires is how long it is until the next time-out, ClientExpires and ServerExpires
	// until that of one side; 0: for ever.
	Expires, ClientExpires, ServerExpires time.Duration
	ClientFD                              int
	ServerFD                              int // -1: none
	ClientTLS, ServerTLS                  bool
	Muxed                                 bool // the client's connection carries several streams
	Retries                               int
}

// CapturedError is one malformed message.
type CapturedError struct {
	ID         uint64
	When       time.Time
	Response   bool // from the server, else a request
	Frontend   string
	FrontendID int
	Backend    string
	BackendID  int // -1: none
	Server     string
	ServerID   int
	Source     string // address:port
	State      string // of the parser
	Pos        int    // offset of the offending byte in Data
	Data       []byte // what was received, at most one buffer
}

// Pool is one kind of object that the loops keep for use again.
type Pool struct {
	Name string
	Size int // bytes of one
	Made int // how many there are
	Free int // of these, how many wait for use
}

// Socket is one stats socket.
type Socket struct {
	Addr  string
	Level Level
}

// Level is what a connection may do. Higher levels include lower ones.
type Level uint8

// Levels.
const (
	User Level = iota
	Operator
	AdminLevel
)

// String is the level as configured.
func (l Level) String() string {
	switch l {
	case User:
		return "user"
	case Operator:
		return "operator"
	case AdminLevel:
		return "admin"
	}
	return "unknown"
}
