package exporter

import (
	"strings"

	"bench/proxy/state"
	"bench/proxy/stats"
)

// kind is the type of a metric.
type kind uint8

const (
	gauge kind = iota
	counter
	histogram
)

func (k kind) String() string { return [...]string{"gauge", "counter", "histogram"}[k] }

// metric is one metric about rows of one type.
type metric struct {
	name string // behind the prefix of its scope
	kind kind
	help string
	// each calls emit for every value that a row has, with a label and its value, or
	// without one.
	each func(r *item, emit func(label, of string, v float64))
	// float: values are times, written with a fraction.
	float bool
	// times: the metric is a histogram of these instead.
	times func(r *stats.Row) *stats.Histogram
}

// item is a row, and for backends its servers by state and by the result of their last
// check.
type item struct {
	stats.Row
	states, checks map[string]int
}

// processMetrics pair the fields of "show info" with the names that the reference's
// exporter has for them, in its order.
const processMetrics = `
Nbthread nbthread gauge
Nbproc nbproc gauge
Process_num relative_process_id gauge
Uptime_sec uptime_seconds gauge
PoolFailed pool_failures_total counter
Ulimit-n max_fds gauge
Maxsock max_sockets gauge
Maxconn max_connections gauge
Hard_maxconn hard_max_connections gauge
CurrConns current_connections gauge
CumConns connections_total counter
CumReq requests_total counter
MaxSslConns max_ssl_connections gauge
CurrSslConns current_ssl_connections gauge
CumSslConns ssl_connections_total counter
Maxpipes max_pipes gauge
PipesUsed pipes_used_total counter
PipesFree pipes_free_total counter
ConnRate current_connection_rate gauge
ConnRateLimit limit_connection_rate gauge
MaxConnRate max_connection_rate gauge
SessRate current_session_rate gauge
SessRateLimit limit_session_rate gauge
MaxSessRate max_session_rate gauge
SslRate current_ssl_rate gauge
SslRateLimit limit_ssl_rate gauge
MaxSslRate max_ssl_rate gauge
SslFrontendKeyRate current_frontend_ssl_key_rate gauge
SslFrontendMaxKeyRate max_frontend_ssl_key_rate gauge
SslFrontendSessionReuse_pct frontend_ssl_reuse gauge
SslBackendKeyRate current_backend_ssl_key_rate gauge
SslBackendMaxKeyRate max_backend_ssl_key_rate gauge
SslCacheLookups ssl_cache_lookups_total counter
SslCacheMisses ssl_cache_misses_total counter
CompressBpsIn http_comp_bytes_in_total counter
CompressBpsOut http_comp_bytes_out_total counter
CompressBpsRateLim limit_http_comp gauge
ZlibMemUsage current_zlib_memory gauge
MaxZlibMemUsage max_zlib_memory gauge
Tasks current_tasks gauge
Run_queue current_run_queue gauge
Idle_pct idle_time_percent gauge
Stopping stopping gauge
Jobs jobs gauge
Unstoppable_Jobs unstoppable_jobs gauge
Listeners listeners gauge
ActivePeers active_peers gauge
ConnectedPeers connected_peers gauge
DroppedLogs dropped_logs_total counter
BusyPolling busy_polling_enabled gauge
FailedResolutions failed_resolutions counter
TotalBytesOut bytes_out_total counter
TotalSplicdedBytesOut spliced_bytes_out_total counter
BytesOutRate bytes_out_rate gauge
CumRecvLogs recv_logs_total counter
Build_info build_info gauge
Memmax_bytes max_memory_bytes gauge
PoolAlloc_bytes pool_allocated_bytes gauge
PoolUsed_bytes pool_used_bytes gauge
Start_time_sec start_time_seconds gauge
`

// rowMetrics pair the columns of "show stat" with those names: the column, the name, the
// types of rows that have it, its type, and how it is written.
const rowMetrics = `
qcur current_queue BS gauge
qmax max_queue BS gauge
scur current_sessions FLBS gauge
smax max_sessions FLBS gauge
slim limit_sessions FLBS gauge
stot sessions_total FLBS counter
bin bytes_in_total FLBS counter
bout bytes_out_total FLBS counter
dreq requests_denied_total FLB counter
dresp responses_denied_total FLBS counter
ereq request_errors_total FL counter
econ connection_errors_total BS counter
eresp response_errors_total BS counter
wretr retry_warnings_total BS counter
wredis redispatch_warnings_total BS counter
status status FLBS gauge
weight weight BS gauge
act active_servers B gauge
bck backup_servers B gauge
chkfail check_failures_total S counter
chkdown check_up_down_total BS counter
lastchg check_last_change_seconds BS gauge
downtime downtime_seconds_total BS counter
qlimit queue_limit S gauge
throttle current_throttle S gauge
lbtot loadbalanced_total BS counter
rate_lim limit_session_rate F gauge
rate_max max_session_rate FBS gauge
check_status check_status S gauge
check_code check_code S gauge
check_duration check_duration_seconds S gauge ms
hrsp http_responses_total FBS counter
req_rate_max http_requests_rate_max F gauge http
req_tot http_requests_total FB counter http
cli_abrt client_aborts_total BS counter
srv_abrt server_aborts_total BS counter
comp_in http_comp_bytes_in_total FB counter http
comp_out http_comp_bytes_out_total FB counter http
comp_byp http_comp_bytes_bypassed_total FB counter http
comp_rsp http_comp_responses_total FB counter http
lastsess last_session_seconds BS gauge
qtime queue_time_average_seconds BS gauge ms
ctime connect_time_average_seconds BS gauge ms
rtime response_time_average_seconds BS gauge ms
ttime total_time_average_seconds BS gauge ms
conn_rate_max connections_rate_max F gauge
conn_tot connections_total F counter
intercepted intercepted_requests_total F counter http
dcon denied_connections_total FL counter
dses denied_sessions_total FL counter
wrew failed_header_rewriting_total FLBS counter
connect connection_attempts_total BS counter
reuse connection_reuses_total BS counter
cache_lookups http_cache_lookups_total FB counter http
cache_hits http_cache_hits_total FB counter http
srv_icur idle_connections_current S gauge
src_ilim idle_connections_limit S gauge
qtime_max max_queue_time_seconds BS gauge ms
ctime_max max_connect_time_seconds BS gauge ms
rtime_max max_response_time_seconds BS gauge ms
ttime_max max_total_time_seconds BS gauge ms
eint internal_errors_total FLBS counter
idle_conn_cur unsafe_idle_connections_current S gauge
safe_conn_cur safe_idle_connections_current S gauge
used_conn_cur used_connections_current S gauge
need_conn_est need_connections_current S gauge
uweight uweight BS gauge
agg_server_status agg_server_status B gauge
agg_server_check_status agg_server_check_status B gauge
agg_check_status agg_check_status B gauge
`

// letters are the types of rows as the table has them.
var letters = map[byte]stats.RowType{'F': stats.RowFrontend, 'L': stats.RowListener, 'B': stats.RowBackend, 'S': stats.RowServer}

// metricsOf are those about one type of rows.
func metricsOf(t stats.RowType) []metric {
	var list []metric
	for l := range strings.Lines(rowMetrics) {
		f := strings.Fields(l)
		if len(f) == 0 || !has(f[2], t) {
			continue
		}
		how := ""
		if len(f) > 4 {
			how = f[4]
		}
		m := metric{name: f[1], float: how == "ms"}
		if f[3] == "counter" {
			m.kind = counter
		}
		m.fill(f[0], t, how)
		list = append(list, m)
	}
	return list
}

func has(types string, t stats.RowType) bool {
	for i := range len(types) {
		if letters[types[i]] == t {
			return true
		}
	}
	return false
}

// fill makes a metric write a column.
func (m *metric) fill(column string, t stats.RowType, how string) {
	switch column {
	case "status":
		m.help = "state, 1 for the one it is in"
		m.each = statusOf(t)
		return
	case "hrsp":
		m.help = "responses by class of status"
		m.each = responses
		return
	case "check_status":
		m.help = "result of the last check, 1 for what it was"
		m.each = checkStatus
		return
	case "agg_server_status", "agg_server_check_status":
		m.help = "servers by state"
		m.each = func(r *item, emit func(string, string, float64)) { byName(r, r.states, serverStates, emit) }
		return
	case "agg_check_status":
		m.help = "servers by the result of their last check"
		m.each = func(r *item, emit func(string, string, float64)) { byName(r, r.checks, checkStates, emit) }
		return
	}
	c, ok := stats.ColumnNamed(column)
	if !ok {
		panic("exporter: no column " + column) // a mistake in the table
	}
	m.help = c.Doc()
	checked := strings.HasPrefix(column, "check_")
	m.each = func(r *item, emit func(string, string, float64)) {
		switch {
		case how == "http" && !r.HTTP:
			return
		case checked && (!r.Server.Check.Enabled || r.Server.Maint):
			return
		}
		v, ok := c.Number(&r.Row)
		switch {
		case !ok && column == "check_code":
			v = 0
		case !ok:
			v = nan
		case how == "ms":
			v /= 1000
		}
		emit("", "", v)
	}
}

// serverStates and checkStates are the values of labels, in order.
var (
	serverStates = []string{"DOWN", "UP", "MAINT", "DRAIN", "NOLB"}
	checkStates  = []string{"HANA", "SOCKERR", "L4OK", "L4TOUT", "L4CON", "L6OK", "L6TOUT", "L6RSP", "L7TOUT", "L7RSP", "L7OK", "L7OKC", "L7STS", "PROCERR", "PROCTOUT", "PROCOK"}
)

// one emits 1 for the state that holds, and 0 for the others.
func one(states []string, is string, emit func(string, string, float64)) {
	for _, s := range states {
		v := 0.0
		if s == is {
			v = 1
		}
		emit("state", s, v)
	}
}

// byName emits how many servers are in each state, if there are servers.
func byName(r *item, counts map[string]int, states []string, emit func(string, string, float64)) {
	if r.Backend.Servers == 0 {
		return
	}
	for _, s := range states {
		emit("state", s, float64(counts[s]))
	}
}

func statusOf(t stats.RowType) func(*item, func(string, string, float64)) {
	return func(r *item, emit func(string, string, float64)) {
		switch t {
		case stats.RowFrontend:
			one([]string{"DOWN", "UP"}, upOrDown(r.State != stats.Stopped), emit)
		case stats.RowListener:
			one([]string{"WAITING", "OPEN", "FULL"}, r.Status(), emit)
		case stats.RowBackend:
			one([]string{"DOWN", "UP"}, upOrDown(r.Backend.Up), emit)
		case stats.RowServer:
			one(serverStates, serverState(&r.Row), emit)
		}
	}
}

func upOrDown(up bool) string {
	if up {
		return "UP"
	}
	return "DOWN"
}

// serverState is the state of a server as the exporter names it.
func serverState(r *stats.Row) string {
	s := &r.Server
	switch {
	case s.Maint:
		return "MAINT"
	case s.Health == state.Down:
		return "DOWN"
	case s.Drain:
		return "DRAIN"
	case s.Health == state.Stopping:
		return "NOLB"
	}
	return "UP"
}

func responses(r *item, emit func(string, string, float64)) {
	if !r.HTTP {
		return
	}
	for i, class := range []string{"1xx", "2xx", "3xx", "4xx", "5xx"} {
		emit("code", class, float64(r.Totals.Responses[i+1]))
	}
	emit("code", "other", float64(r.Totals.Responses[0]))
}

func checkStatus(r *item, emit func(string, string, float64)) {
	if c := &r.Server.Check; c.Enabled && !r.Server.Maint {
		one(checkStates, c.Status, emit)
	}
}

// histograms are what the reference has not: how long the parts of streams took.
func histograms() []metric {
	return []metric{
		{name: "queue_time_seconds", kind: histogram, help: "time in the queue", times: func(r *stats.Row) *stats.Histogram { return r.Totals.Latency.Queue() }},
		{name: "connect_time_seconds", kind: histogram, help: "time to connect", times: func(r *stats.Row) *stats.Histogram { return r.Totals.Latency.Connect() }},
		{name: "response_time_seconds", kind: histogram, help: "time until the response began", times: func(r *stats.Row) *stats.Histogram { return r.Totals.Latency.Response() }},
		{name: "total_time_seconds", kind: histogram, help: "time of a whole session", times: func(r *stats.Row) *stats.Histogram { return r.Totals.Latency.Total() }},
	}
}

// modules are the counters of protocols ("extra-counters").
func modules() []metric {
	var list []metric
	for _, c := range stats.ModuleColumns() {
		m := metric{name: c.Name(), help: c.Doc()}
		if c.Counter() {
			m.kind = counter
		}
		m.each = func(r *item, emit func(string, string, float64)) {
			if v, ok := c.Number(&r.Row); ok {
				emit("", "", v)
			}
		}
		list = append(list, m)
	}
	return list
}
