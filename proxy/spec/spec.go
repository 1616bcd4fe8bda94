// Package spec holds the resolved, inert form of a proxy configuration: what
// the configuration language means, with every default applied, every name
// resolved to an index and every position kept. Nothing here runs, opens or
// allocates anything; the runtime objects are made from it.
package spec

import (
	"time"

	"bench/internal/sock"
	"bench/internal/tlsio"
	"bench/proxy/acl"
	"bench/proxy/logformat"
	"bench/proxy/pattern"
	"bench/proxy/proxyproto"
	"bench/proxy/rule"
	"bench/proxy/sample"
	"bench/proxy/script"
	"bench/proxy/table"
	"bench/proxy/txn"
)

// Pos is where something was written.
type Pos struct {
	File string
	Line int // from 1
	Col  int // from 1, in bytes
}

// Config is one whole configuration.
type Config struct {
	Global Global
	Rings  []*Ring
	// LogForwards are the sections that pass on what other programs log.
	LogForwards []*LogForward
	Proxies     []*Proxy // in order of appearance; Proxy.Index is the position here
	// Patterns are the lists of patterns of ACLs and maps.
	Patterns *pattern.Lists
	Tables   []*table.Spec // by Spec.Index
	// Peers are the sections by which they are shared.
	Peers  []*Peers
	Caches []*Cache
	// Programs are what a master runs beside its workers.
	Programs []*Program
	// Variables are the names of variables, and those of the process themselves; nil:
	// nothing names any.
	Variables *txn.Names
	// Scripts are what scripts have registered; nil: there are none.
	Scripts script.Registry
	// Rated: samples ask how many sessions and requests there were in the last second.
	Rated bool
	// Locals: formats ask for our addresses towards servers.
	Locals bool
	// Tracing is what samples ask about handshakes.
	Tracing tlsio.Tracing
	// Resolvers are the sections of name servers.
	Resolvers []*Resolvers
	// Sinks are the rings, stdout and stderr that expressions write to.
	Sinks []string
	// Namespaces are those that lines name, by name; they are open.
	Namespaces map[string]*sock.Namespace
}

// Mode of a proxy.
type Mode uint8

// Modes (configuration manual, "mode").
const (
	ModeTCP Mode = iota
	ModeHTTP
)

// ConnMode is how connections are reused after a response in HTTP mode.
type ConnMode uint8

// Connection modes (configuration manual, "option http-keep-alive" and its siblings).
const (
	KeepAlive   ConnMode = iota
	ServerClose          // http-server-close: server side closes after each response
	Close                // httpclose: both sides close
)

// Reuse is the http-reuse policy.
type Reuse uint8

// Policies, from the most careful to the most eager (configuration manual, "http-reuse").
const (
	ReuseSafe Reuse = iota // default
	ReuseNever
	ReuseAggressive
	ReuseAlways
)

// Timeouts of a proxy; zero means none.
type Timeouts struct {
	Client, ClientFin, Connect, Server, ServerFin time.Duration
	HTTPRequest, HTTPKeepAlive                    time.Duration
	Queue, Check, Tunnel, Tarpit                  time.Duration
}

// Caps tells which sides a proxy has.
type Caps uint8

// Sides: a listen section has both.
const (
	Frontend Caps = 1 << iota
	Backend
)

// Proxy is a frontend, a backend, or a listen section.
type Proxy struct {
	Pos
	Index    int
	ID       int // "id", or assigned from 1 by order; what "show stat" prints as iid
	ForcedID bool
	GUID     string // what identifies it in a file of counters, whatever its name; "": nothing does
	Name     string
	Caps     Caps
	Mode     Mode
	Disabled bool

	// Mail is how mail is sent about its servers; nil: none is.
	Mail *Mail

	Timeouts  Timeouts
	ConnMode  ConnMode
	Logs      []LogTarget
	LogTag    string
	LogFormat LogFormat
	// LogLine is the layout of log lines for LogCustom ("log-format").
	LogLine *logformat.Format
	// LogData is the structured data of lines in the format of RFC 5424, ErrorLog the
	// layout of lines about connections that failed before they could be used; nil: the
	// standard ones.
	LogData, ErrorLog *logformat.Format
	Options           Options
	// ErrorFiles replaces the standard answers by status; the value is the
	// whole raw HTTP response.
	ErrorFiles map[int][]byte
	// Answers are those that replace standard ones and are made when they are given
	// ("http-error"), by status.
	Answers    map[int]*rule.OwnAnswer
	MonitorURI string
	// MonitorFail are the conditions of which none may hold for the answer to the
	// monitor URI to be good.
	MonitorFail []*acl.Cond
	// Description is shown on the statistics page.
	Description string
	// StatsPage is the statistics page for requests that come here; nil: none.
	StatsPage *StatsPage
	// Rules by place; nil where there are none.
	Rules       [rule.NumPlaces]*rule.List
	Compression *Compression // nil: nothing is said about it
	// Redirects are the "redirect" lines, which come after all rules about requests and
	// the statistics page.
	Redirects *rule.List

	// Frontend side.
	Binds          []*Bind
	MaxConn        int // 0: the global limit
	Backlog        int
	DefaultBackend *Proxy   // nil: itself if it has servers, else none
	Switching      []Switch // use_backend, in order
	// SwitchesMode: in mode tcp, rules make HTTP of some connections.
	SwitchesMode bool
	ForwardFor   *ForwardFor
	OriginalTo   *OriginalTo
	SessRate     int             // new sessions per second; 0: no limit
	CliProbes    KeepAliveProbes // with Options.ClientKeepalive
	// UniqueID is the layout of the identifier of each request, nil if there is none;
	// UniqueIDHeader the field that tells it to servers, "" for none.
	UniqueID       *logformat.Format
	UniqueIDHeader string
	FieldNames     NamePolicy // of requests, on either side
	// Captures of requests and responses, by slot.
	ReqCaptures, ResCaptures []Capture
	CookieCapture            *CookieCapture // nil: none

	// Backend side.
	Balance    Balance
	Draws      int  // of "balance random"
	Hash       Hash // of algorithms that hash
	Cookie     *Cookie
	DynamicKey string // "dynamic-cookie-key"
	Persist    []PersistRule
	// PersistRDP is the cookie of remote desktop clients that says which server they were
	// at ("persist rdp-cookie"); nil: it is not looked at.
	PersistRDP *sample.Expr
	UseServer  []ServerRule
	Servers    []*Server
	// Direct is where all go for whom nothing names a server, as none is chosen: to one
	// address, or where the client meant to go; nil: servers are chosen.
	Direct     *Server
	Retries    int
	RetryOn    RetryOn
	Redispatch int // 0 off; n > 0 every n-th retry; n < 0 the n-th before the last, -1 being the default of "option redispatch"
	HTTPReuse  Reuse
	FullConn   int
	// FullConnAuto: FullConn was worked out from the frontends' limits.
	FullConnAuto bool
	Check        *Check // nil: plain TCP checks
	// ServerNameHeader is the field that says which server a request is sent to; "" if
	// none does.
	ServerNameHeader string
	Source           *Source
	SrvProbes        KeepAliveProbes // with Options.ServerKeepalive
	// Sticking are the "stick" lines, in order.
	Sticking []Stick
	// StateFile is where the states of the servers come from at the start; "": nowhere.
	StateFile string
}

// Stick is one "stick" line: how clients keep to a server by an entry of a stick table.
type Stick struct {
	// Match looks for the server in the table, Store puts it there; one of either is
	// for responses.
	Match, Store, Response bool
	Key                    *sample.Expr
	Table                  *sample.Arg // whose Int is the index among Config.Tables
	Cond                   *acl.Cond   // nil: always
}

// KeepAliveProbes is how TCP keep-alive goes; what is zero is left to the system.
type KeepAliveProbes struct {
	Count          int // unanswered ones, after which the connection is given up
	Idle, Interval time.Duration
}

// NamePolicy is what becomes of requests with header fields whose names have other
// characters than letters, digits and hyphens.
type NamePolicy uint8

// Policies (configuration manual, "option http-restrict-req-hdr-names").
const (
	AnyNames NamePolicy = iota
	DeleteNames
	RejectNames
)

// Switch is one "use_backend" line: the backend of requests for which the condition
// holds.
type Switch struct {
	Cond    *acl.Cond         // nil: always
	Backend *Proxy            // nil: the one that Name says
	Name    *logformat.Format // one that does not exist is passed over
}

// Capture is what is kept of a message for the log.
type Capture struct {
	// Field is the name of a header field, in lower case; "" for what rules put there.
	Field  string
	Length int // at most so many bytes
}

// CookieCapture is a cookie that is kept for the log, of requests and of responses.
type CookieCapture struct {
	// Prefix is what "name=value" has to begin with.
	Prefix string
	Length int // at most so many bytes
}

// Target is the backend of a frontend's clients for which no condition of a
// "use_backend" line holds, nil if there is none.
func (p *Proxy) Target() *Proxy {
	switch {
	case len(p.Switching) > 0 && p.Switching[0].Cond == nil && p.Switching[0].Backend != nil:
		return p.Switching[0].Backend
	case p.DefaultBackend != nil:
		return p.DefaultBackend
	case p.Caps&Backend != 0:
		return p
	}
	return nil
}

// Replaces tells whether the proxy has an answer in the place of the standard one.
func (p *Proxy) Replaces(status int) bool {
	_, file := p.ErrorFiles[status]
	return file || p.Answers[status] != nil
}

// SpeaksHTTP tells whether the clients of a frontend are understood: in mode http,
// and in mode tcp before a backend in mode http.
func (p *Proxy) SpeaksHTTP() bool {
	if p.Mode == ModeHTTP {
		return true
	}
	b := p.Target()
	return b != nil && b.Mode == ModeHTTP
}

// MayBeHTTP tells whether what concerns HTTP has a meaning in the proxy.
func (p *Proxy) MayBeHTTP() bool { return p.Mode == ModeHTTP || p.SwitchesMode }

// Source is where connections to a server come from.
type Source struct {
	Addr sock.Addr
	// LastPort is the end of a range of ports that begins with Addr's; 0: no range.
	LastPort  uint16
	Interface string // network interface to bind to; "" for any
	// As is whose address connections for clients have instead ("usesrc").
	As SourceAs
	// AsAddr is the address of AsOther; Header has it for AsHeader, nil: nothing does.
	AsAddr sock.Addr
	Header *sample.Expr
}

// SourceAs is whose address connections to a server have, as the server sees it.
type SourceAs uint8

// The ways of "usesrc".
const (
	AsSelf     SourceAs = iota
	AsOther             // an address that is not of this host
	AsClient            // the client's, with its port
	AsClientIP          // the client's, with any port
	AsHeader            // one that the request has
)

// LogFormat selects one of the standard log line formats.
type LogFormat uint8

// Log line formats (configuration manual, section 8.2).
const (
	LogDefault LogFormat = iota // connection accepted: source, destination, proxy, mode
	LogTCP
	LogHTTP
	LogHTTPS
	LogCLF
	LogCustom // Proxy.LogLine
)

// Options are the boolean "option ..." settings.
type Options struct {
	DontLogNull, DontLogNormal, LogSeparateErrors, LogHealthChecks bool
	LogASAP                                                        bool // a line is written before the end
	AbortOnClose, AllBackups, Persist                              bool
	CheckCache                                                     bool // cookies that caches might keep are an error
	ClientKeepalive, ServerKeepalive                               bool // TCP keep-alive: clitcpka, srvtcpka
	NoLinger                                                       bool
	IdleCloseOnResponse, IndependentStreams                        bool
	SpliceAuto, SpliceRequest, SpliceResponse                      bool
	HTTPIgnoreProbes, SocketStats, HTTPBufferRequest               bool
	DisableH2Upgrade                                               bool
	AcceptInvalidRequest, AcceptInvalidResponse                    bool
	// Field names are written as Global.FieldCase has it, to clients and to servers.
	AdjustClientCase, AdjustServerCase bool
}

// ForwardFor is "option forwardfor".
type ForwardFor struct {
	Header string // default "X-Forwarded-For"
	IfNone bool
	Except []sock.Prefix
}

// OriginalTo is "option originalto".
type OriginalTo struct {
	Header string // default "X-Original-To"
	Except []sock.Prefix
}

// Bind is one listening address with its options; a line with several
// addresses or a port range gives several Binds sharing their Options.
type Bind struct {
	Pos
	Addr    sock.Addr
	FD      int    // "fd@N": the inherited listening descriptor; -1 otherwise
	Text    string // as written, after expansion
	Name    string
	ID      int    // luid in "show stat"
	GUID    string // as that of a proxy
	MaxConn int
	Options sock.ListenOptions
	Level   CLILevel // stats sockets
	// ExposeFDs: "expose-fd listeners" on a stats socket.
	ExposeFDs bool
	// AcceptProxy: connections begin with a header of the PROXY protocol.
	AcceptProxy bool
	// AcceptCIP: they begin with a header of NetScaler Client IP insertion, before that of
	// the PROXY protocol if there are both. Magic is the number that such headers begin with,
	// also where a rule expects them.
	AcceptCIP bool
	Magic     uint32
	Threads   []int // that listen, from 1; nil: all
	// Shards is the number of sockets the threads share out among themselves; 0
	// is one, ByThread one for each thread.
	Shards int
	TLS    *BindTLS // nil: in clear
	Proto  Proto
}

// Proto is the protocol of connections, those of a bind line or to a server.
type Proto uint8

// The protocols.
const (
	ProtoAny Proto = iota // HTTP/1, or HTTP/2 where the client begins with it, or TLS agrees on it
	ProtoH1
	ProtoH2
)

// ByThread is Bind.Shards for "shards by-thread".
const ByThread = -1

// CLILevel is the access level of a stats socket.
type CLILevel uint8

// Levels (management manual, "Unix Socket commands").
const (
	LevelOperator CLILevel = iota // default
	LevelUser
	LevelAdmin
)

// MaxWeight is the largest weight of a server.
const MaxWeight = 256

// Server is one server line with the default-server settings applied.
type Server struct {
	Pos
	ID       int    // puid; what "show stat" prints as sid
	ForcedID bool   // "id" was configured
	GUID     string // as that of a proxy
	Name     string
	Addr     sock.Addr
	Host     string // the host name that Addr was looked up by; "" if none was
	Resolution
	// Unresolved: Host was not found, and the server waits in maintenance for an
	// address.
	Unresolved bool
	// LastAddr: the address in a file of server states comes before what Host was looked
	// up by. NeedsAddr: the server must not be left without one.
	LastAddr, NeedsAddr bool
	// MapPort: the port is that of the client's connection plus PortOffset.
	MapPort    bool
	PortOffset int
	// Disabled starts the server in maintenance.
	Disabled, Backup bool
	Weight           int // 0 to 256
	MaxConn, MinConn int
	MaxQueue         int
	Cookie           string

	Check        bool
	CheckAddr    *sock.Addr // nil: Addr
	CheckPort    int        // 0: the port of CheckAddr or Addr
	Inter        time.Duration
	FastInter    time.Duration // 0: Inter
	DownInter    time.Duration // 0: Inter
	Rise, Fall   int
	InitState    InitState
	OnMarkedDown bool // "on-marked-down shutdown-sessions"
	OnMarkedUp   bool // "on-marked-up shutdown-backup-sessions"
	SlowStart    time.Duration
	Agent        Agent
	Track        *Tracked // nil: no other server is followed
	// Named: something else of the configuration names the server, so that it has to stay.
	Named      bool
	Observe    Observe
	ErrorLimit int // errors in a row that OnError follows
	OnError    OnError

	PoolMaxConn    int // -1: no limit
	PoolLowConn    int
	PoolPurgeDelay time.Duration
	MaxReuse       int // -1: no limit
	// NonStick keeps the server out of stick tables.
	NonStick    bool
	Source      *Source
	UserTimeout time.Duration
	FastOpen    bool
	Proxy       ProxyHeader
	// Namespace is that of connections to the server, nil for that of the process;
	// ClientsNamespace: it is that of the client's connection.
	Namespace        *sock.Namespace
	ClientsNamespace bool
	// Socks is the SOCKS4 proxy by which the server is connected to, nil for none;
	// CheckBySocks: checks go the same way.
	Socks        *sock.Addr
	CheckBySocks bool
	// Redir is where clients of requests GET and HEAD are sent instead, as a prefix of the
	// path; "" is nowhere.
	Redir string

	// Proto is the protocol of connections to it; CheckProto that of checks that speak HTTP.
	Proto, CheckProto Proto

	TLS *ServerTLS // nil: in clear
	// Clear: it is in clear all the same until that is changed ("no-ssl").
	Clear bool
	// CheckTLS is how checks are secured; nil: not at all.
	CheckTLS *ServerTLS
	// RuleTLS is how rules of checks connect over TLS; nil: none does.
	RuleTLS *ServerTLS
}

// Tracked is a server whose state another one follows.
type Tracked struct {
	Proxy  int // index
	Server string
}

// Agent is whom to ask about a server besides the server.
type Agent struct {
	Check bool
	Addr  *sock.Addr // nil: the server's
	Port  int
	Inter time.Duration
	Send  string // what it is told first
}

// ProxyHeader is the header of the PROXY protocol that connections to a server begin
// with; the newer version is sent if both are asked for.
type ProxyHeader struct {
	V1, V2  bool
	Options proxyproto.Options
	// Checks: checks that go elsewhere than requests begin with it, too.
	Checks bool
}

// Sends tells whether connections begin with a header.
func (p *ProxyHeader) Sends() bool { return p.V1 || p.V2 }
