package txn

import (
	"time"

	"bench/internal/sock"
	"bench/internal/tlsio"
	"bench/proxy/message"
	"bench/proxy/table"
)

// Txn is one transaction. The stream that carries it fills it in step by step; a
// field is good from the step on that it belongs to. The zero value is ready to use.
type Txn struct {
	Stream Stream
	// Final: nothing more will come, so that what cannot be decided now never can.
	Final bool

	// Content is what the client has sent and nobody has taken yet, for rules about
	// content; ContentEnd says that it has sent all.
	Content    []byte
	ContentEnd bool

	// Req is the request, nil before its head is complete and in TCP mode. Its text
	// is good for one turn of the loop, unless it was detached.
	Req *message.Request
	// Method is that of the request as received, and stays known when Req is gone.
	Method message.Method
	// URI, Version and MethodText are the request line as received, kept for what is
	// logged and captured; nil where there was none.
	MethodText, URI, Version []byte
	// Body is what has come of the request's body, without its framing; BodyEnd says
	// that this is all of it.
	Body    []byte
	BodyEnd bool

	// Res is the response, nil before its head is complete.
	Res *message.Response
	// Status is that of the response, the proxy's own answers included; 0: none yet.
	Status int

	// Session are the variables of the client's connection; nil until there are any.
	Session                *Vars
	Vars, ReqVars, ResVars Vars
	// Check are the variables of a health check, nil if this is none.
	Check                    *Vars
	ReqCaptures, ResCaptures Captures
	// Tracked are the entries of stick tables that the transaction counts in,
	// SessionTracked those of the client's connection, which stand in for them.
	Tracked, SessionTracked Tracked
	// Cached is the name of the cache that the response comes from, "" if it does not.
	Cached string
	// LogLevel replaces the level of the log line if it is positive (1 is emerg); -1
	// suppresses the line.
	LogLevel int
	// RuleFile and RuleLine are where the last rule stands that ended a list; 0: none did.
	RuleFile string
	RuleLine int
	// Rule is where the list of rules at hand goes on after a wait.
	Rule int
	// Lenient: what a rule of the list at hand cannot rewrite stays as it is.
	Lenient bool
	// Script is at work for the rule at hand, and waits; nil: none is. Kept is what scripts
	// have kept with the transaction.
	Script Script
	Kept   any
	Wishes
}

// Script is one that a rule runs.
type Script interface {
	// Resume goes on with it, as Rules.Run does with rules.
	Resume(t *Txn, out *Outcome) Verdict
	// Abort ends it: nobody waits for it any more.
	Abort()
}

// Wishes are what rules want of the way to a server; the zero value wants nothing.
type Wishes struct {
	// Class and Offset are the priority in queues: the class first, the lower the
	// sooner, then the time of arrival and the offset in milliseconds.
	Class, Offset int
	// ServerTimeout and TunnelTimeout replace those of the backend; 0: they do not.
	ServerTimeout, TunnelTimeout time.Duration
	// NoReplay: the request is not sent again once it was sent.
	NoReplay bool
}

// Reset prepares the transaction for the next request of the same stream's place and
// keeps its memory. What it tracked has been let go of before.
func (t *Txn) Reset() {
	t.Vars.Reset()
	t.ReqVars.Reset()
	t.ResVars.Reset()
	t.ReqCaptures.Reset()
	t.ResCaptures.Reset()
	*t = Txn{Vars: t.Vars, ReqVars: t.ReqVars, ResVars: t.ResVars, ReqCaptures: t.ReqCaptures, ResCaptures: t.ResCaptures, Tracked: t.Tracked[:0]}
}

// Variables are those of a scope; nil for a session that has none yet, and for a check
// where there is none.
func (t *Txn) Variables(sc Scope) *Vars {
	switch sc {
	case ScopeSession:
		return t.Session
	case ScopeTxn:
		return &t.Vars
	case ScopeRequest:
		return &t.ReqVars
	case ScopeCheck:
		return t.Check
	case ScopeResponse, NumScopes:
	}
	return &t.ResVars
}

// Need is what a step waits for when its verdict is Wait.
type Need struct {
	// Body is how many bytes of the request's body are wanted; the body's end and a
	// full buffer are enough, too. 0: nothing of the body.
	Body int
	// Content: more of what the client sends.
	Content bool
	// For is how long at most, counted from the first time the step waited. 0 with
	// neither of the above: not at all.
	For time.Duration
	// Tarpit: nothing helps, the time is to pass.
	Tarpit bool
	// Script: a script says by Stream.Wake when it wants to go on, or does when the time
	// has passed.
	Script bool
}

// Stream is what the stream that carries a transaction knows. All of it may be asked
// at every step; what is not known yet is a zero value.
type Stream interface {
	// Source is the client's address, Destination the one it connected to.
	Source() sock.Addr
	Destination() sock.Addr
	// Frontend and Backend are indices of proxies; Backend is -1 until it is chosen.
	Frontend() int
	Backend() int
	// Server is the name and number ("id") of the server, "" until it is chosen.
	Server() (name string, id int)
	// Requests is how many requests came on the connection, this one included.
	Requests() int
	// UniqueID is the identifier of the request ("unique-id-format"), made the first
	// time it is asked for; nil if none is configured.
	UniqueID() []byte
	// Proxied is what a header of the PROXY protocol has said of the client's connection;
	// version 0: there was none.
	Proxied() (version int, authority, uniqueID []byte)
	// Farm is the engine around the stream.
	Farm() Farm
	// SessionVars are the variables of the client's connection, made if need be.
	SessionVars() *Vars
	// TrackSession makes a counter of the client's connection stand for an entry. It
	// returns what all of them stand for.
	TrackSession(counter int, r table.Ref) Tracked
	// TLS is what the client's handshake has led to, nil without TLS.
	TLS() *tlsio.Info
	// ServerTLS is the same of the server, nil without a connection to it, too.
	ServerTLS() *tlsio.Info
	// Fault is what went wrong with the client's connection; ServerFault the same of the
	// server, known if there is or was a connection to it.
	Fault() Fault
	ServerFault() (f Fault, known bool)
	// Describe fills in what a log line would say at this moment.
	Describe(r *Record)
	// Arrived is Source and Destination whatever rules have made of them, Beyond the same of
	// the connection to the server, not valid while there is none.
	Arrived() (src, dst sock.Addr)
	Beyond() (src, dst sock.Addr)
	// Calls is how often the stream went on with the request, Encoding the name of the coding
	// that the content of the response gets here, "" if it gets none.
	Calls() int64
	Encoding() string
	// Reached tells whether a server was connected to.
	Reached() bool
	// TCPInfo is what the system knows of the client's connection; false if that is none of
	// TCP.
	TCPInfo() (sock.TCPInfo, bool)
	// Listener is the number and name of the bind line, Listening how many connections it
	// has.
	Listener() (id int, name string)
	Listening() int64
	// Timeout is how long the server may be silent, or a tunnel; 0: for ever.
	Timeout(Timeout) time.Duration
	// SetSource and SetDestination change what Source and Destination say: for the rest of
	// the stream, or where there is none yet of the connection.
	SetSource(a sock.Addr)
	SetDestination(a sock.Addr)
	// SetMark and SetTOS mark the packets to the client.
	SetMark(mark uint32)
	SetTOS(tos uint8)
	// UseCache looks for a response in a cache of this index, StoreCache keeps the one at
	// hand there.
	UseCache(cache int)
	StoreCache(cache int)
	// Hint sends an interim response to the client, if it understands such.
	Hint(res *message.Response)
	// Wake goes on with what waits for a script. It is called on the stream's loop, from
	// nothing that the stream has called.
	Wake()
}

// Farm is what the engine knows of its proxies, by index.
type Farm interface {
	// Name and ID are those of a proxy.
	Name(proxy int) string
	ID(proxy int) int
	// Usable is the number of servers of a backend that take requests.
	Usable(backend int) int
	// Conns is the number of streams of a frontend or backend, Queue the number of
	// those that wait for a server of a backend.
	Conns(frontend int) int64
	Streams(backend int) int64
	Queue(backend int) int64
	// ServerUp reports whether a server takes requests, ServerConns how many streams
	// it has. One that has been removed neither takes nor has any.
	ServerUp(backend int, server string) bool
	ServerConns(backend int, server string) int64
	// Table is a stick table by its index.
	Table(i int) *table.Table
	// Counters is the number of counters that can track entries at a time.
	Counters() int
	// Now is the time of this turn of the loop (loop.Nanotime).
	Now() int64
	// FrontendFigure, BackendFigure and ServerFigure are numbers of a frontend, of a backend
	// and of a server.
	FrontendFigure(what Figure, frontend int) int64
	BackendFigure(what Figure, backend int) int64
	ServerFigure(what Figure, backend int, server string) int64
	// HasServer reports whether a backend has a server of a name.
	HasServer(backend int, server string) bool
	// BackendNamed is the backend of a name, -1 if there is none.
	BackendNamed(name []byte) int
	// Timeout is one of a proxy's time-outs, 0 if it has none.
	Timeout(what Timeout, proxy int) time.Duration
	// Report writes a line to one of the sinks that expressions name (sample.Env.Sink). The
	// line is good for the call only.
	Report(sink int, line []byte)
	// DefaultBackend is the name of a frontend's default backend, "" without one.
	DefaultBackend(frontend int) string
	// CaptureLength is how long a capture of a frontend may be, by its slot; 0: there is none.
	CaptureLength(frontend int, ofResponse bool, slot int) int
	// Stopping reports whether the process is told to stop.
	Stopping() bool
	// Threads and Thread are the number of threads, and the one at hand from 0.
	Threads() int
	Thread() int
}
