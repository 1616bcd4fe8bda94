package stats

import "bench/proxy/state"

// RowType is what a line of "show stat" is about. The values are those of the
// "type" column.
type RowType uint8

// Row types.
const (
	RowFrontend RowType = iota
	RowBackend
	RowServer
	RowListener
)

// Level is a present and a highest value with the limit it is held against.
type Level struct {
	Cur, Max int64
	Limit    int64 // negative: none, printed as an empty field
}

// Row is one line of "show stat": a frontend, one of its listeners, a server or
// a backend. Which columns are printed depends on Type, Mode and the state.
type Row struct {
	Type    RowType
	Proxy   string
	ProxyID int    // iid
	Name    string // of the server or listener; unused for the other types
	ID      int    // sid: of the server or listener, else 0
	HTTP    bool   // mode http, else tcp
	GUID    string // what identifies it whatever its name, or ""

	Sessions Level // scur, smax, slim
	Queue    Level // qcur, qmax, qlimit; servers and backends
	Totals   Totals

	// State is FrontendOpen, ... for frontends and listeners.
	State ListenState
	// SessRateLimit is the configured limit of a frontend, 0 if none.
	SessRateLimit int64
	// Addr is where a listener listens or a server is, "" to leave it out.
	Addr string

	Server  ServerRow  // servers only
	Backend BackendRow // backends only
}

// ListenState is whether a frontend or listener takes connections.
type ListenState uint8

// States of frontends and listeners.
const (
	Open    ListenState = iota
	Full                // the maxconn of the listener is reached
	Waiting             // held back by another limit
	Stopped             // disabled or shut down
	Paused
)

// CheckState is the result of a kind of health check.
type CheckState struct {
	Enabled    bool
	InProgress bool
	Status     string // L4OK, L7STS, ...
	Code       int    // protocol status; negative: none
	Duration   int64  // ms; negative: not finished once
	Output     string // last_chk: what the check has to say
	Desc       string // Status in words
	Rise, Fall int
	Health     int    // 0 to Rise+Fall-1
	Failed     uint64 // chkfail: failed while up
	Distrusted uint64 // hanafail: traffic that met too many errors counted as a failed check
}

// ServerRow is what only servers have.
type ServerRow struct {
	Health state.Health
	Maint  bool
	// MaintReason is "", "via PROXY/SERVER" or "resolution".
	MaintReason string
	Drain       bool
	Backup      bool
	Observed    bool // what clients get counts for its health
	// Weight is the effective one, UserWeight the one set.
	Weight, UserWeight int
	Downs              uint64 // chkdown: transitions to down
	LastChange         int64  // seconds since
	DownTime           int64  // seconds
	Throttle           int    // percent of the weight; 0: not in slow start
	Tracked            string // "proxy/server" it follows, or ""
	// Followed and FollowedAgent are those of the server whose checks decide then.
	Followed, FollowedAgent CheckState
	Cookie                  string
	Check, Agent            CheckState
	IdleConns               int64 // all kinds of idle connections
	UnsafeIdle              int64 // idle_conn_cur
	SafeIdle                int64 // safe_conn_cur
	UsedConns               int64
	NeedConns               int64
	IdleLimit               int64 // negative: none
}

// BackendRow is what only backends have.
type BackendRow struct {
	Up                    bool
	Active, Backup        int // usable servers
	Servers               int // configured
	UpServers             int // that run, whatever their role
	Weight, UserWeight    int
	Downs                 uint64
	LastChange, DownTime  int64 // seconds
	Algorithm, CookieName string
}

// Totals are the counted columns of a row, summed over the threads and reduced
// to one moment.
type Totals struct {
	Conns, Sessions, Requests uint64
	BytesIn, BytesOut         uint64
	OwnIn, OwnOut             uint64 // of these, what no server of the backend has seen
	DeniedReq, DeniedResp     uint64
	DeniedConn, DeniedSess    uint64
	ErrReq, ErrConn, ErrResp  uint64
	Retries, Redispatches     uint64
	LBTotal                   uint64
	ClientAborts              uint64
	ServerAborts              uint64
	InternalErr, RewriteErr   uint64
	Intercepted               uint64
	Connects, Reuses          uint64
	Responses                 HTTP
	Compression               Compression
	Cache                     Cache
	TLS                       TLS
	H1                        H1
	H2                        H2
	Rate, RateMax             uint64 // sessions
	ReqRate, ReqRateMax       uint64
	ConnRate, ConnRateMax     uint64
	Times                     Times
	Latency                   Latency
	LastSession               int64 // seconds since; -1: never
}

// Totals reduces the counters to the moment now.
func (f *Frontend) Totals(now int64) Totals {
	return Totals{
		Conns: f.Conns, Sessions: f.Sessions, Requests: f.Requests,
		BytesIn: f.BytesIn, BytesOut: f.BytesOut,
		DeniedReq: f.DeniedReq, DeniedResp: f.DeniedResp,
		DeniedConn: f.DeniedConn, DeniedSess: f.DeniedSess,
		ErrReq: f.ErrReq, InternalErr: f.InternalErr, RewriteErr: f.RewriteErr,
		Intercepted: f.Intercepted, Responses: f.Responses,
		Compression: f.Compression, Cache: f.Cache, TLS: f.TLS, H1: f.H1, H2: f.H2,
		Rate: f.SessRate.Read(now), RateMax: f.SessRate.Peak(),
		ReqRate: f.ReqRate.Read(now), ReqRateMax: f.ReqRate.Peak(),
		ConnRate: f.ConnRate.Read(now), ConnRateMax: f.ConnRate.Peak(),
		LastSession: -1,
	}
}

// Totals reduces the counters to the moment now.
func (b *Backend) Totals(now int64) Totals {
	return Totals{
		Sessions: b.Sessions, Requests: b.Requests,
		BytesIn: b.BytesIn, BytesOut: b.BytesOut, OwnIn: b.OwnIn, OwnOut: b.OwnOut,
		DeniedReq: b.DeniedReq, DeniedResp: b.DeniedResp,
		ErrConn: b.ErrConn, ErrResp: b.ErrResp,
		Retries: b.Retries, Redispatches: b.Redispatches, LBTotal: b.LBTotal,
		ClientAborts: b.ClientAborts, ServerAborts: b.ServerAborts,
		InternalErr: b.InternalErr, RewriteErr: b.RewriteErr,
		Connects: b.Connects, Reuses: b.Reuses,
		Intercepted: b.Intercepted, Responses: b.Responses,
		Compression: b.Compression, Cache: b.Cache, TLS: b.TLS, H1: b.H1, H2: b.H2,
		Rate: b.SessRate.Read(now), RateMax: b.SessRate.Peak(),
		Times: b.Times, Latency: b.Latency, LastSession: secondsSince(b.LastSession, now),
	}
}

// Totals reduces the counters to the moment now.
func (s *Server) Totals(now int64) Totals {
	return Totals{
		Sessions: s.Sessions, Requests: s.Requests,
		BytesIn: s.BytesIn, BytesOut: s.BytesOut,
		DeniedResp: s.DeniedResp,
		ErrConn:    s.ErrConn, ErrResp: s.ErrResp,
		Retries: s.Retries, Redispatches: s.Redispatches, LBTotal: s.LBTotal,
		ClientAborts: s.ClientAborts, ServerAborts: s.ServerAborts,
		InternalErr: s.InternalErr, RewriteErr: s.RewriteErr,
		Connects: s.Connects, Reuses: s.Reuses, Responses: s.Responses, TLS: s.TLS,
		Rate: s.SessRate.Read(now), RateMax: s.SessRate.Peak(),
		Times: s.Times, Latency: s.Latency, LastSession: secondsSince(s.LastSession, now),
	}
}

// Totals are the counters of a listener.
func (l *Listener) Totals() Totals {
	return Totals{
		Conns: l.Conns, Sessions: l.Sessions,
		BytesIn: l.BytesIn, BytesOut: l.BytesOut,
		DeniedReq: l.DeniedReq, DeniedResp: l.DeniedResp,
		DeniedConn: l.DeniedConn, DeniedSess: l.DeniedSess,
		ErrReq: l.ErrReq, InternalErr: l.InternalErr, RewriteErr: l.RewriteErr,
		Responses: l.Responses, TLS: l.TLS, LastSession: -1,
	}
}

func secondsSince(then, now int64) int64 {
	if then == 0 {
		return -1
	}
	return max(0, now-then) / nsPerSecond
}
