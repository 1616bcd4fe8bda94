package stats

import (
	"fmt"
	"strings"

	"bench/proxy/state"
)

// column is one field of "show stat".
type column struct {
	name string
	tags tags
	in   string // row types that have it: letters of FBSL; lower-case h: HTTP mode only
	get  func(r *Row) value
	doc  string
}

// letters are the row types as "typed" output names them.
const letters = "FBSL"

func (c *column) value(r *Row) value {
	if strings.IndexByte(c.in, letters[r.Type]) < 0 || !r.HTTP && strings.IndexByte(c.in, 'h') >= 0 {
		return none
	}
	return c.get(r)
}

// columns are the fields in their fixed order (management manual, section 9.1).
// The position is the number that "typed" and "json" output print.
var columns = []column{
	{"pxname", "KNS", "FBSL", func(r *Row) value { return str(r.Proxy) }, "name of the proxy"},
	{"svname", "KNS", "FBSL", rowName, "FRONTEND, BACKEND, or name of the server or listener"},
	{"qcur", "MGP", "BS", func(r *Row) value { return u32(r.Queue.Cur) }, "requests waiting now"},
	{"qmax", "MMP", "BS", func(r *Row) value { return u32(r.Queue.Max) }, "most requests that waited at once"},
	{"scur", "MGP", "FBSL", func(r *Row) value { return u32(r.Sessions.Cur) }, "sessions now"},
	{"smax", "MMP", "FBSL", func(r *Row) value { return u32(r.Sessions.Max) }, "most sessions at once"},
	{"slim", "CLP", "FBSL", func(r *Row) value { return limit(r.Sessions.Limit) }, "configured limit of sessions"},
	{"stot", "MCP", "FBSL", func(r *Row) value { return u64(r.Totals.Sessions) }, "sessions in total"},
	{"bin", "MCP", "FBSL", func(r *Row) value { return u64(r.Totals.BytesIn) }, "bytes of requests"},
	{"bout", "MCP", "FBSL", func(r *Row) value { return u64(r.Totals.BytesOut) }, "bytes of responses"},
	{"dreq", "MCP", "FBL", func(r *Row) value { return u64(r.Totals.DeniedReq) }, "requests denied by rules"},
	{"dresp", "MCP", "FBSL", func(r *Row) value { return u64(r.Totals.DeniedResp) }, "responses denied by rules"},
	{"ereq", "MCP", "FL", func(r *Row) value { return u64(r.Totals.ErrReq) }, "invalid or unfinished requests"},
	{"econ", "MCP", "BS", func(r *Row) value { return u64(r.Totals.ErrConn) }, "failed connections to servers"},
	{"eresp", "MCP", "BS", func(r *Row) value { return u64(r.Totals.ErrResp) }, "invalid or unfinished responses"},
	{"wretr", "MCP", "BS", func(r *Row) value { return u64(r.Totals.Retries) }, "retried connections"},
	{"wredis", "MCP", "BS", func(r *Row) value { return u64(r.Totals.Redispatches) }, "requests sent to another server"},
	{"status", "SGP", "FBSL", func(r *Row) value { return str(r.status(false)) }, "state"},
	{"weight", "MaP", "BS", func(r *Row) value { return u32(r.pick(r.Server.Weight, r.Backend.Weight)) }, "weight in force"},
	{"act", "SGP", "BS", activeServers, "1 for an active server; usable active servers of a backend"},
	{"bck", "SGP", "BS", backupServers, "1 for a backup server; usable backup servers of a backend"},
	{"chkfail", "MCP", "S", ifChecked(func(r *Row) value { return u64(r.Server.Check.Failed) }), "failed checks while up"},
	{"chkdown", "MCP", "BS", downs, "times it went down"},
	{"lastchg", "MAP", "BS", lastChange, "seconds since the last change of state"},
	{"downtime", "MCP", "BS", downTime, "seconds spent down"},
	{"qlimit", "CGS", "S", func(r *Row) value { return limit(r.Queue.Limit) }, "configured limit of the queue"},
	{"pid", "KGP", "FBSL", func(*Row) value { return u32(1) }, "number of the process, always 1"},
	{"iid", "KGS", "FBSL", func(r *Row) value { return u32(r.ProxyID) }, "id of the proxy"},
	{"sid", "KGS", "FBSL", func(r *Row) value { return u32(r.ID) }, "id of the server or listener within the proxy"},
	{"throttle", "SGP", "S", throttle, "percentage of the weight during slow start"},
	{"lbtot", "MCP", "BS", func(r *Row) value { return u64(r.Totals.LBTotal) }, "times it was chosen by load balancing"},
	{"tracked", "CNS", "S", func(r *Row) value { return ifSet(r.Server.Tracked) }, "server whose state is followed"},
	{"type", "CGS", "FBSL", func(r *Row) value { return u32(int(r.Type)) }, "0 frontend, 1 backend, 2 server, 3 listener"},
	{"rate", "MRP", "FBS", func(r *Row) value { return u32(r.Totals.Rate) }, "sessions in the last second"},
	{"rate_lim", "CLP", "F", func(r *Row) value { return u32(r.SessRateLimit) }, "configured limit of new sessions per second"},
	{"rate_max", "MMP", "FBS", func(r *Row) value { return u32(r.Totals.RateMax) }, "most sessions in one second"},
	{"check_status", "MOP", "S", checkStatus, "result of the last check"},
	{"check_code", "MOP", "S", ifReported(func(c *CheckState) value { return limit(int64(c.Code)) }), "protocol status of the last check"},
	{"check_duration", "MDP", "S", checkDuration, "ms the last check took"},
	{"hrsp_1xx", "MCP", "FBSh", func(r *Row) value { return u64(r.Totals.Responses[1]) }, "responses with status 1xx"},
	{"hrsp_2xx", "MCP", "FBSh", func(r *Row) value { return u64(r.Totals.Responses[2]) }, "responses with status 2xx"},
	{"hrsp_3xx", "MCP", "FBSh", func(r *Row) value { return u64(r.Totals.Responses[3]) }, "responses with status 3xx"},
	{"hrsp_4xx", "MCP", "FBSh", func(r *Row) value { return u64(r.Totals.Responses[4]) }, "responses with status 4xx"},
	{"hrsp_5xx", "MCP", "FBSh", func(r *Row) value { return u64(r.Totals.Responses[5]) }, "responses with status 5xx"},
	{"hrsp_other", "MCP", "FBSh", func(r *Row) value { return u64(r.Totals.Responses[0]) }, "responses with any other status"},
	{"hanafail", "MCP", "S", func(r *Row) value {
		if !r.Server.Observed {
			return none
		}
		return u64(r.Server.Check.Distrusted)
	}, "failed health analyses"},
	{"req_rate", "MRP", "F", func(r *Row) value { return u32(r.Totals.ReqRate) }, "requests in the last second"},
	{"req_rate_max", "MMP", "F", func(r *Row) value { return u32(r.Totals.ReqRateMax) }, "most requests in one second"},
	{"req_tot", "MCP", "FBS", requests, "requests in total"},
	{"cli_abrt", "MCP", "BS", func(r *Row) value { return u64(r.Totals.ClientAborts) }, "transfers ended early by the client"},
	{"srv_abrt", "MCP", "BS", func(r *Row) value { return u64(r.Totals.ServerAborts) }, "transfers ended early by the server"},
	{"comp_in", "MCP", "FB", func(r *Row) value { return u64(r.Totals.Compression.In) }, "bytes given to the compressor"},
	{"comp_out", "MCP", "FB", func(r *Row) value { return u64(r.Totals.Compression.Out) }, "bytes the compressor returned"},
	{"comp_byp", "MCP", "FB", func(r *Row) value { return u64(r.Totals.Compression.Bypassed) }, "bytes left uncompressed for want of resources"},
	{"comp_rsp", "MCP", "FB", func(r *Row) value { return u64(r.Totals.Compression.Responses) }, "compressed responses"},
	{"lastsess", "MAP", "BS", func(r *Row) value { return s32(r.Totals.LastSession) }, "seconds since the last session, -1 for none yet"},
	{"last_chk", "MOP", "S", ifReported(func(c *CheckState) value { return str(c.Output) }), "what the last check had to say"},
	{"last_agt", "MOP", "S", ifAgent(func(c *CheckState) value { return str(c.Output) }), "what the last agent check had to say"},
	{"qtime", "MaP", "BS", func(r *Row) value { return u32(r.Totals.Times.Queue.Value()) }, "mean ms in the queue over the last 1024"},
	{"ctime", "MaP", "BS", func(r *Row) value { return u32(r.Totals.Times.Connect.Value()) }, "mean ms to connect over the last 1024"},
	{"rtime", "MaP", "BS", func(r *Row) value { return u32(r.Totals.Times.Response.Value()) }, "mean ms to respond over the last 1024"},
	{"ttime", "MaP", "BS", func(r *Row) value { return u32(r.Totals.Times.Total.Value()) }, "mean ms of a whole session over the last 1024"},
	{"agent_status", "MOP", "S", ifAgent(func(c *CheckState) value { return str(c.Status) }), "result of the last agent check"},
	{"agent_code", "MOP", "S", ifAgent(func(c *CheckState) value { return limit(int64(c.Code)) }), "unused"},
	{"agent_duration", "MDP", "S", ifAgent(func(c *CheckState) value { return u64(uint64(max(c.Duration, 0))) }), "ms the last agent check took"},
	{"check_desc", "MOP", "S", ifReported(func(c *CheckState) value { return str(c.Desc) }), "check_status in words"},
	{"agent_desc", "MOP", "S", ifAgent(func(c *CheckState) value { return str(c.Desc) }), "agent_status in words"},
	{"check_rise", "CGS", "S", ifReported(func(c *CheckState) value { return u32(c.Rise) }), "good checks that bring it up"},
	{"check_fall", "CGS", "S", ifReported(func(c *CheckState) value { return u32(c.Fall) }), "bad checks that take it down"},
	{"check_health", "CGS", "S", ifReported(func(c *CheckState) value { return u32(c.Health) }), "health between 0 and rise+fall-1"},
	{"agent_rise", "CGS", "S", ifAgent(func(c *CheckState) value { return u32(c.Rise) }), "agent's rise"},
	{"agent_fall", "CGS", "S", ifAgent(func(c *CheckState) value { return u32(c.Fall) }), "agent's fall"},
	{"agent_health", "CGS", "S", ifAgent(func(c *CheckState) value { return u32(c.Health) }), "agent's health"},
	{"addr", "CGS", "SL", func(r *Row) value { return ifSet(r.Addr) }, "address"},
	{"cookie", "CNS", "BS", func(r *Row) value { return ifSet(r.cookie()) }, "cookie of the server, cookie name of the backend"},
	{"mode", "CGS", "FBSL", func(r *Row) value { return str(r.mode()) }, "tcp or http"},
	{"algo", "CGS", "B", func(r *Row) value { return ifSet(r.Backend.Algorithm) }, "load-balancing algorithm"},
	{"conn_rate", "MRP", "F", func(r *Row) value { return u32(r.Totals.ConnRate) }, "connections in the last second"},
	{"conn_rate_max", "MMP", "F", func(r *Row) value { return u32(r.Totals.ConnRateMax) }, "most connections in one second"},
	{"conn_tot", "MCP", "F", func(r *Row) value { return u64(r.Totals.Conns) }, "connections in total"},
	{"intercepted", "MCP", "Fh", func(r *Row) value { return u64(r.Totals.Intercepted) }, "requests answered by the proxy itself"},
	{"dcon", "MCP", "FL", func(r *Row) value { return u64(r.Totals.DeniedConn) }, "connections denied by rules"},
	{"dses", "MCP", "FL", func(r *Row) value { return u64(r.Totals.DeniedSess) }, "sessions denied by rules"},
	{"wrew", "MCP", "FBSL", func(r *Row) value { return u64(r.Totals.RewriteErr) }, "failed header rewrites"},
	{"connect", "MCP", "BS", func(r *Row) value { return u64(r.Totals.Connects) }, "connections attempted to servers"},
	{"reuse", "MCP", "BS", func(r *Row) value { return u64(r.Totals.Reuses) }, "requests on a reused connection"},
	{"cache_lookups", "MCP", "FBh", func(r *Row) value { return u64(r.Totals.Cache.Lookups) }, "look-ups in the cache"},
	{"cache_hits", "MCP", "FBh", func(r *Row) value { return u64(r.Totals.Cache.Hits) }, "look-ups answered by the cache"},
	{"srv_icur", "MGP", "S", func(r *Row) value { return u32(r.Server.IdleConns) }, "idle connections to the server"},
	{"src_ilim", "CLP", "S", func(r *Row) value { return limit(r.Server.IdleLimit) }, "limit of idle connections"},
	{"qtime_max", "MMP", "BS", func(r *Row) value { return u32(r.Totals.Times.QueueMax) }, "most ms in the queue"},
	{"ctime_max", "MMP", "BS", func(r *Row) value { return u32(r.Totals.Times.ConnectMax) }, "most ms to connect"},
	{"rtime_max", "MMP", "BS", func(r *Row) value { return u32(r.Totals.Times.ResponseMax) }, "most ms to respond"},
	{"ttime_max", "MMP", "BS", func(r *Row) value { return u32(r.Totals.Times.TotalMax) }, "most ms of a whole session"},
	{"eint", "MCP", "FBSL", func(r *Row) value { return u64(r.Totals.InternalErr) }, "internal errors"},
	{"idle_conn_cur", "MGP", "S", func(r *Row) value { return u32(r.Server.UnsafeIdle) }, "idle connections not known to be safe for reuse"},
	{"safe_conn_cur", "MGP", "S", func(r *Row) value { return u32(r.Server.SafeIdle) }, "idle connections safe for reuse"},
	{"used_conn_cur", "MGP", "S", func(r *Row) value { return u32(r.Server.UsedConns) }, "connections in use"},
	{"need_conn_est", "MGP", "S", func(r *Row) value { return u32(r.Server.NeedConns) }, "connections estimated to be needed"},
	{"uweight", "MaP", "BS", func(r *Row) value { return u32(r.pick(r.Server.UserWeight, r.Backend.UserWeight)) }, "weight as set"},
	{"agg_server_status", "MGP", "B", zero32, "servers by state, for other exporters"},
	{"agg_server_check_status", "MGP", "B", zero32, "servers by check state, for other exporters"},
	{"agg_check_status", "MGP", "B", zero32, "checks by result, for other exporters"},
}

// moduleColumns follow a column "-" that only CSV output shows: counters of the
// protocols. Protocols that the engine does not speak count nothing.
var moduleColumns = []column{
	{"ssl_sess", "MCP", "FBSL", func(r *Row) value { return u64(r.Totals.TLS.Sessions) }, "TLS sessions"},
	{"ssl_reused_sess", "MCP", "FBSL", func(r *Row) value { return u64(r.Totals.TLS.Resumed) }, "resumed TLS sessions"},
	{"ssl_failed_handshake", "MCP", "FBSL", func(r *Row) value { return u64(r.Totals.TLS.Failed) }, "failed TLS handshakes"},
	{"h2_headers_rcvd", "MCP", "FB", func(r *Row) value { return u64(r.Totals.H2.Headers) }, "HTTP/2 HEADERS frames received"},
	{"h2_data_rcvd", "MCP", "FB", func(r *Row) value { return u64(r.Totals.H2.Data) }, "HTTP/2 DATA frames received"},
	{"h2_settings_rcvd", "MCP", "FB", func(r *Row) value { return u64(r.Totals.H2.Settings) }, "HTTP/2 SETTINGS frames received"},
	{"h2_rst_stream_rcvd", "MCP", "FB", func(r *Row) value { return u64(r.Totals.H2.Resets) }, "HTTP/2 RST_STREAM frames received"},
	{"h2_goaway_rcvd", "MCP", "FB", func(r *Row) value { return u64(r.Totals.H2.GoAways) }, "HTTP/2 GOAWAY frames received"},
	{"h2_detected_conn_protocol_errors", "MCP", "FB", func(r *Row) value { return u64(r.Totals.H2.ConnErrors) }, "HTTP/2 protocol errors of connections"},
	{"h2_detected_strm_protocol_errors", "MCP", "FB", func(r *Row) value { return u64(r.Totals.H2.StreamErrors) }, "HTTP/2 protocol errors of streams"},
	{"h2_rst_stream_resp", "MCP", "FB", func(r *Row) value { return u64(r.Totals.H2.ResetsSent) }, "HTTP/2 RST_STREAM frames sent on errors"},
	{"h2_goaway_resp", "MCP", "FB", func(r *Row) value { return u64(r.Totals.H2.GoAwaysSent) }, "HTTP/2 GOAWAY frames sent on errors"},
	{"h2_open_connections", "MGP", "FB", func(r *Row) value { return level(r.Totals.H2.OpenConns) }, "HTTP/2 connections now"},
	{"h2_backend_open_streams", "MGP", "FB", func(r *Row) value { return level(r.Totals.H2.OpenStreams) }, "HTTP/2 streams now"},
	{"h2_total_connections", "MCP", "FB", func(r *Row) value { return u64(r.Totals.H2.Conns) }, "HTTP/2 connections in total"},
	{"h2_backend_total_streams", "MCP", "FB", func(r *Row) value { return u64(r.Totals.H2.Streams) }, "HTTP/2 streams in total"},
	{"h1_open_connections", "MGP", "FB", func(r *Row) value { return level(r.Totals.H1.OpenConns) }, "HTTP/1 connections now"},
	{"h1_open_streams", "MGP", "FB", func(r *Row) value { return level(r.Totals.H1.OpenStreams) }, "HTTP/1 streams now"},
	{"h1_total_connections", "MCP", "FB", func(r *Row) value { return u64(r.Totals.H1.Conns) }, "HTTP/1 connections in total"},
	{"h1_total_streams", "MCP", "FB", func(r *Row) value { return u64(r.Totals.H1.Streams) }, "HTTP/1 streams in total"},
	{"h1_bytes_in", "MCP", "FB", func(r *Row) value { return u64(r.Totals.H1.BytesIn) }, "bytes received over HTTP/1"},
	{"h1_bytes_out", "MCP", "FB", func(r *Row) value { return u64(r.Totals.H1.BytesOut) }, "bytes sent over HTTP/1"},
	{"h1_spliced_bytes_in", "MCP", "FB", func(r *Row) value { return u64(r.Totals.H1.SplicedIn) }, "bytes received over HTTP/1 through a pipe"},
	{"h1_spliced_bytes_out", "MCP", "FB", func(r *Row) value { return u64(r.Totals.H1.SplicedOut) }, "bytes sent over HTTP/1 through a pipe"},
}

// ownColumns are those that the reference has not: quantiles of times in microseconds,
// empty where fewer than ten values lie above them. They need Rows with latencies.
var ownColumns = quantileColumns()

func quantileColumns() []column {
	var list []column
	for _, part := range []struct {
		name, doc string
		of        func(*Latency) *Histogram
	}{
		{"qtime", "in the queue", (*Latency).Queue},
		{"ctime", "to connect", (*Latency).Connect},
		{"rtime", "to respond", (*Latency).Response},
		{"ttime", "of a whole session", (*Latency).Total},
	} {
		for _, q := range []struct {
			name  string
			share float64
		}{{"p50", 0.5}, {"p99", 0.99}} {
			list = append(list, column{part.name + "_" + q.name + "_us", "MaP", "BS", func(r *Row) value {
				h := part.of(&r.Totals.Latency)
				if !h.Knows(q.share) {
					return none
				}
				return u64(uint64(h.Quantile(q.share).Microseconds()))
			}, q.name + " of the µs " + part.doc})
		}
	}
	return list
}

// tagsFor is the tags of a column on a row: what backends report as rates and
// counts of servers is gauged, not measured.
func (c *column) tagsFor(r *Row) tags {
	if r.Type == RowBackend {
		switch c.name {
		case "act", "bck", "rate", "rate_max":
			return "MGP"
		}
	}
	return c.tags
}

func zero32(*Row) value { return u32(0) }

func level(n int64) value { return u64(uint64(max(n, 0))) }

func limit(n int64) value {
	if n < 0 {
		return none
	}
	return u32(n)
}

func ifSet(s string) value {
	if s == "" {
		return none
	}
	return str(s)
}

// ifChecked leaves a column empty for servers without a check.
func ifChecked(get func(r *Row) value) func(r *Row) value {
	return func(r *Row) value {
		if !r.Server.Check.Enabled {
			return none
		}
		return get(r)
	}
}

// ifReported leaves a column empty unless the check runs, which it does not in
// maintenance.
func ifReported(get func(c *CheckState) value) func(r *Row) value {
	return func(r *Row) value {
		if !r.Server.Check.Enabled || r.Server.Maint {
			return none
		}
		return get(&r.Server.Check)
	}
}

func ifAgent(get func(c *CheckState) value) func(r *Row) value {
	return func(r *Row) value {
		if !r.Server.Agent.Enabled {
			return none
		}
		return get(&r.Server.Agent)
	}
}

func rowName(r *Row) value {
	switch r.Type {
	case RowFrontend:
		return str("FRONTEND")
	case RowBackend:
		return str("BACKEND")
	case RowServer, RowListener:
	}
	return str(r.Name)
}

func (r *Row) pick(server, backend int) int {
	if r.Type == RowServer {
		return server
	}
	return backend
}

func (r *Row) cookie() string {
	if r.Type == RowServer {
		return r.Server.Cookie
	}
	return r.Backend.CookieName
}

func (r *Row) mode() string {
	if r.HTTP {
		return "http"
	}
	return "tcp"
}

// requests of a TCP frontend are shown too: it may switch to HTTP backends.
func requests(r *Row) value {
	if r.Type != RowFrontend && !r.HTTP {
		return none
	}
	return u64(r.Totals.Requests)
}

func activeServers(r *Row) value {
	if r.Type == RowServer {
		return flag(!r.Server.Backup)
	}
	return u32(r.Backend.Active)
}

func backupServers(r *Row) value {
	if r.Type == RowServer {
		return flag(r.Server.Backup)
	}
	return u32(r.Backend.Backup)
}

func downs(r *Row) value {
	switch {
	case r.Type == RowBackend:
		return u64(r.Backend.Downs)
	case !r.Server.Check.Enabled:
		return none
	}
	return u64(r.Server.Downs)
}

func lastChange(r *Row) value {
	if r.Type == RowBackend {
		return u32(r.Backend.LastChange)
	}
	return u32(r.Server.LastChange)
}

func downTime(r *Row) value {
	switch {
	case r.Type == RowBackend && r.Backend.Servers > 0:
		return u32(r.Backend.DownTime)
	case r.Type == RowServer && r.Server.Check.Enabled:
		return u32(r.Server.DownTime)
	}
	return none
}

func throttle(r *Row) value {
	if t := r.Server.Throttle; t > 0 {
		return u32(t)
	}
	return none
}

func checkStatus(r *Row) value {
	c := &r.Server.Check
	switch {
	case !c.Enabled || r.Server.Maint:
		return none
	case c.InProgress:
		return str("* " + c.Status)
	}
	return str(c.Status)
}

func checkDuration(r *Row) value {
	c := &r.Server.Check
	if !c.Enabled || r.Server.Maint || c.Duration < 0 {
		return none
	}
	return u64(uint64(c.Duration))
}

// Status is the state in words.
func (r *Row) Status() string { return r.status(false) }

// Modules calls fn for every counter of a protocol that the row has.
func (r *Row) Modules(fn func(name, value string)) {
	for i := range moduleColumns {
		if v := moduleColumns[i].value(r); v.kind != kindNone {
			fn(moduleColumns[i].name, string(v.append(nil)))
		}
	}
}

// status is the state in words; with counts a backend also tells how many of
// its servers are up.
func (r *Row) status(counts bool) string {
	switch r.Type {
	case RowFrontend, RowListener:
		return r.listenStatus()
	case RowServer:
		return r.Server.status()
	case RowBackend:
	}
	s := "DOWN"
	if r.Backend.Up {
		s = "UP"
	}
	if counts {
		s = fmt.Sprintf("%s (%d/%d)", s, r.Backend.UpServers, r.Backend.Servers)
	}
	return s
}

func (r *Row) listenStatus() string {
	switch r.State {
	case Open:
		return "OPEN"
	case Full:
		return "FULL"
	case Waiting:
		return "WAITING"
	case Paused:
		return "PAUSED"
	case Stopped:
	}
	return "STOP"
}

func (s *ServerRow) status() string {
	c, agent := &s.Check, &s.Agent
	if s.Tracked != "" {
		c, agent = &s.Followed, &s.FollowedAgent
	}
	changing := c.Enabled && c.Health > 0 && c.Health < c.Rise+c.Fall-1
	switch {
	case s.Maint && s.MaintReason != "":
		return "MAINT (" + s.MaintReason + ")"
	case s.Maint:
		return "MAINT"
	case s.Health == state.Down:
		switch {
		case agent.Enabled && agent.Health == 0:
			return "DOWN (agent)"
		case changing && c.Health < c.Rise:
			return fmt.Sprintf("DOWN %d/%d", c.Health, c.Rise)
		}
		return "DOWN"
	}
	word := "UP"
	switch {
	case s.Drain && agent.Enabled:
		return "DRAIN (agent)"
	case s.Drain:
		word = "DRAIN"
	case s.Health == state.Stopping:
		word = "NOLB"
	case !c.Enabled:
		return "no check"
	}
	if changing && c.Health >= c.Rise {
		return fmt.Sprintf("%s %d/%d", word, c.Health-c.Rise+1, c.Fall)
	}
	return word
}
