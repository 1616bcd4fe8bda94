package engine_test

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"time"
)

// move is something that happens to a proxy, and the fields that it moves: of "show stat" by
// row and column, of "show info" by the name alone.
type move struct {
	what string
	// do makes it happen; what it returns is called when the fields have been looked at.
	do    func(w *world) (over func())
	moves string
	// again: it is done until all of the fields have moved, as those of rates go back.
	again bool
	// sinceStart: the fields are held against those that there were at first.
	sinceStart bool
	// fromZero: they are 0 before, but for moments.
	fromZero bool
}

// unmoved are the fields that nothing moves, and why that must be so.
var unmoved = map[string]string{
	"pxname": ofConfig, "svname": ofConfig, "iid": ofConfig, "type": ofConfig, "mode": ofConfig, "algo": ofConfig, "cookie": ofConfig, "tracked": ofConfig,
	"qlimit": ofConfig, "rate_lim": ofConfig, "src_ilim": ofConfig,
	"check_rise": ofConfig, "check_fall": ofConfig, "agent_rise": ofConfig, "agent_fall": ofConfig,
	"pid":               "there is one process, which has the number 1",
	"agent_code":        "what an agent says has no code; it is empty, as in the reference",
	"agg_server_status": ofMetrics, "agg_server_check_status": ofMetrics, "agg_check_status": ofMetrics,
	"comp_byp": "what is not encoded for want of resources is not begun, and counts nowhere, as in the reference",
	"-":        "parts the columns of the modules from the others",

	"Name": ofProcess, "Version": ofProcess, "Release_date": ofProcess, "Nbthread": ofProcess, "Nbproc": ofProcess, "Process_num": ofProcess, "Pid": ofProcess,
	"Ulimit-n": ofProcess, "Maxsock": ofProcess, "Hard_maxconn": ofProcess, "MaxSslConns": ofProcess, "Maxpipes": ofProcess,
	"node": ofProcess, "description": ofProcess, "Build info": ofProcess, "Start_time_sec": ofProcess, "BusyPolling": ofProcess,
	"Memmax_MB": ofRuntime, "Memmax_bytes": ofRuntime, "PoolFailed": ofRuntime,
	"SslCacheLookups": "sessions are in tickets, which clients keep: there is no cache",
	"SslCacheMisses":  "as SslCacheLookups",
	"PoolAlloc_MB":    ofGrowth, "PoolAlloc_bytes": ofGrowth,
	"Idle_pct":          "how much of the time since the start threads have waited depends on what else the machine does",
	"Run_queue":         "a thread that tells has nothing else to run at that moment",
	"Unstoppable Jobs":  "every job ends when the process is stopped",
	"FailedResolutions": "stays 0 in the reference, whatever fails; 'show resolvers' counts by cause",
}

const (
	ofConfig  = "follows from the configuration: it has several values in the rows of this one"
	ofProcess = "follows from the start of the process"
	ofMetrics = "a place for metrics, which have states as labels; 0 in this form, as in the reference"
	ofGrowth  = "only grows, when the process needs more than it ever had; PoolUsed is what moves"
	ofRuntime = "the runtime of the language allocates memory, and ends the process when there is none"
)

// several are the columns of which that is held.
func several(reason string) bool { return reason == ofConfig }

// fieldsNow are the fields of "show info" and "show stat", the latter as "proxy/name column".
func fieldsNow(answer func(command string) string) map[string]string {
	fields := map[string]string{}
	for name, row := range cells(answer("show stat")) {
		for column, v := range row {
			if column != "" {
				fields[name+" "+column] = v
			}
		}
	}
	for line := range strings.Lines(answer("show info")) {
		if name, v, ok := strings.Cut(strings.TrimSpace(line), ": "); ok {
			fields[name] = v
		}
	}
	return fields
}

// columnOf is the name of a field without its row.
func columnOf(field string) string {
	if row, column, ok := strings.Cut(field, " "); ok && strings.Contains(row, "/") {
		return column
	}
	return field
}

// named are the fields that a move has: words, those of "show stat" in groups behind their
// row. A word of "show info" with a blank in it has a underscore there.
func (m *move) named() (list []string) {
	row := ""
	for word := range strings.FieldsSeq(m.moves) {
		switch {
		case word == "info":
			row = ""
		case strings.Contains(word, "/"):
			row = word + " "
		default:
			list = append(list, row+word)
		}
	}
	return list
}

// Every field of "show stat" and of "show info" is moved by something, and says with its new
// value that it has happened; or there is a reason why nothing can.
func TestEveryFieldMoves(t *testing.T) {
	w := newWorld(t)
	first := fieldsNow(w.ask)
	moved := map[string]bool{}
	for _, m := range moves() {
		before := fieldsNow(w.ask)
		if m.sinceStart {
			before = first
		}
		missing := m.named()
		if m.fromZero {
			for _, f := range missing {
				before[f] = "0"
			}
		}
		begin, over := time.Now(), func() {}
		for tries := 0; len(missing) > 0 && time.Since(begin) < time.Minute; tries++ {
			if tries == 0 || m.again && tries%4 == 0 {
				over()
				if over = m.do(w); over == nil {
					over = func() {}
				}
			}
			now := fieldsNow(w.ask)
			missing = slices.DeleteFunc(missing, func(f string) bool { return now[f] != before[f] })
			if len(missing) > 0 {
				time.Sleep(5 * time.Millisecond)
			}
		}
		over()
		for _, f := range missing {
			t.Errorf("%s: %s stays %q", m.what, f, before[f])
		}
		for _, f := range m.named() {
			moved[columnOf(f)] = true
		}
	}
	values := map[string]map[string]bool{}
	for f, v := range first {
		c := columnOf(f)
		if values[c] == nil {
			values[c] = map[string]bool{}
		}
		values[c][v] = true
	}
	for _, c := range slices.Sorted(maps.Keys(values)) {
		reason := unmoved[c]
		switch {
		case moved[c] == (reason != ""):
			t.Errorf("%s: moved %v, reason why not: %q", c, moved[c], reason)
		case several(reason) && len(values[c]) < 2:
			t.Errorf("%s: it has one value in all rows", c)
		}
	}
}

// moves are in the order in which they happen.
func moves() []move {
	h2 := func(what, path string, then ...[]byte) func(*world) func() {
		return func(w *world) func() { return w.http2(what, path, then...) }
	}
	return []move{
		{
			what: "a request", do: func(w *world) func() { w.get("fe", "/"); return nil },
			moves: `fe/FRONTEND stot bin bout req_tot hrsp_2xx smax conn_tot h1_total_connections h1_total_streams h1_bytes_in h1_bytes_out
				be/s1 lbtot lastsess connect srv_icur idle_conn_cur need_conn_est be/BACKEND stot info CumConns CumReq TotalBytesOut DroppedLogs`,
		},
		{
			what: "requests now", again: true, do: func(w *world) func() { w.get("fe", "/"); return nil },
			moves: "fe/FRONTEND rate req_rate conn_rate be/s1 safe_conn_cur info ConnRate SessRate BytesOutRate",
		},
		{what: "many requests", again: true, do: func(w *world) func() {
			for range 20 {
				w.get("fe", "/")
			}
			return nil
		}, moves: "fe/FRONTEND rate_max req_rate_max conn_rate_max be/s1 reuse info MaxConnRate MaxSessRate"},
		{what: "statuses", do: func(w *world) func() {
			for _, path := range []string{"/103", "/301", "/404", "/500", "/700"} {
				w.get("fe", path)
			}
			return nil
		}, moves: "be/s1 hrsp_1xx hrsp_3xx hrsp_4xx hrsp_5xx hrsp_other"},
		{
			what: "a command for debugging", do: func(w *world) func() { w.ask("expert-mode on; debug dev write 1"); return nil },
			moves: "DebugCommandsIssued Tainted",
		},
		{
			what: "a request that waits", do: func(w *world) func() { return w.hold("fe", "/hang") },
			moves: "fe/FRONTEND scur h1_open_connections h1_open_streams be/s1 used_conn_cur info CurrConns Jobs Tasks",
		},
		{what: "a request in a queue", do: func(w *world) func() {
			one, two := w.hold("fe", "/hang?narrow"), w.hold("fe", "/hang?narrow")
			return func() { time.Sleep(20 * time.Millisecond); one(); two() }
		}, moves: "narrow/BACKEND qcur qmax"},
		{what: "its end", sinceStart: true, do: func(*world) func() { return nil }, moves: "narrow/n1 qtime qtime_max"},
		{
			what: "a slow answer", do: func(w *world) func() { w.get("fe", "/slow?slow"); return nil },
			moves: "slow/s1 ctime ctime_max rtime rtime_max ttime ttime_max info SslBackendMaxKeyRate",
		},
		{what: "handshakes with servers", again: true, do: func(w *world) func() { w.get("fe", "/?slow"); return nil }, moves: "info SslBackendKeyRate"},
		{what: "refusals", do: func(w *world) func() {
			for _, path := range []string{"/deny", "/redirect", "/xdeny", "/rewrite"} {
				w.get("fe", path)
			}
			w.say("fe", "nonsense\r\n\r\n")
			w.say("noconn", "")
			w.say("nosess", "")
			return nil
		}, moves: "fe/FRONTEND dreq intercepted ereq wrew eint be/BACKEND dresp noconn/FRONTEND dcon nosess/FRONTEND dses"},
		{what: "servers that break off", do: func(w *world) func() { w.get("fe", "/closed"); w.get("fe", "/partial"); return nil }, moves: "be/s1 eresp srv_abrt"},
		{what: "a client that leaves", do: func(w *world) func() { w.leave("fe", "/hang"); return nil }, moves: "be/s1 cli_abrt"},
		{what: "a server that is not there", do: func(w *world) func() { w.get("fe", "/?retry"); w.get("fe", "/?dead"); return nil }, moves: "retry/BACKEND wredis dead/BACKEND econ wretr"},
		{what: "an encoded answer", do: func(w *world) func() { w.compressed(); return nil }, moves: "fe/FRONTEND comp_in comp_out comp_rsp"},
		{what: "encoded answers now", again: true, do: func(w *world) func() { w.compressed(); return nil }, moves: "info CompressBpsIn CompressBpsOut"},
		{what: "an answer of the cache", do: func(w *world) func() { w.get("fe", "/cached?cached"); w.get("fe", "/cached?cached"); return nil }, moves: "cached/BACKEND cache_lookups cache_hits"},
		{
			what: "a spliced answer", do: func(w *world) func() { w.get("pipe", "/big"); return nil },
			moves: "pipe/FRONTEND h1_spliced_bytes_out pipe/BACKEND h1_spliced_bytes_in info TotalSplicdedBytesOut PipesFree",
		},
		{what: "one that is not read", again: true, do: func(w *world) func() { return w.unread("pipe", "/big") }, moves: "info PipesUsed"},
		{
			what: "a connection in TLS", do: func(w *world) func() { return w.secure() },
			moves: "tls/FRONTEND ssl_sess info CurrSslConns CumSslConns MaxSslRate SslFrontendMaxKeyRate",
		},
		{what: "connections in TLS now", again: true, do: func(w *world) func() { w.fresh(); return w.secure() }, moves: "info SslRate SslFrontendKeyRate"},
		{what: "a session that goes on", again: true, do: func(w *world) func() { w.secure()(); return w.secure() }, moves: "tls/FRONTEND ssl_reused_sess info SslFrontendSessionReuse_pct"},
		{what: "no handshake", do: func(w *world) func() { w.say("tls", "GET / HTTP/1.0\r\n\r\n"); return nil }, moves: "tls/FRONTEND ssl_failed_handshake"},
		{what: "streams of HTTP/2", do: h2("", "/hang"), moves: `h2/FRONTEND h2_headers_rcvd h2_settings_rcvd h2_open_connections h2_backend_open_streams h2_total_connections h2_backend_total_streams`},
		{what: "content of HTTP/2", do: h2("POST", "/", frame(0, 1, 1, "content")), moves: "h2/FRONTEND h2_data_rcvd"},
		{what: "a reset", do: h2("", "/hang", frame(3, 0, 1, "\x00\x00\x00\x08")), moves: "h2/FRONTEND h2_rst_stream_rcvd"},
		{what: "a GOAWAY", do: h2("", "/", frame(7, 0, 0, "\x00\x00\x00\x00\x00\x00\x00\x00")), moves: "h2/FRONTEND h2_goaway_rcvd"},
		{what: "a broken stream", do: h2("", "/", frame(1, 5, 3, "\x82\x86\x84\x00\x01A\x01b")), moves: "h2/FRONTEND h2_detected_strm_protocol_errors h2_rst_stream_resp"},
		{what: "a broken connection", do: h2("", "/", frame(0, 0, 0, "nowhere")), moves: "h2/FRONTEND h2_detected_conn_protocol_errors h2_goaway_resp"},
		{what: "a check that fails", do: func(w *world) func() { w.sick.Store(true); return nil }, moves: `checked/c1 status chkfail chkdown check_status check_code check_duration last_chk check_desc check_health downtime
				checked/BACKEND act`},
		{what: "one that passes", do: func(w *world) func() { w.sick.Store(false); return nil }, moves: "checked/c1 status lastchg"},
		{what: "answers that count as checks", again: true, do: func(w *world) func() { w.get("fe", "/500?checked"); return nil }, moves: "checked/c1 hanafail"},
		{what: "an agent that says down", do: func(w *world) func() { w.unfit.Store(true); return nil }, moves: "agent/a1 agent_status agent_duration agent_desc agent_health last_agt"},
		{what: "a server that warms up", do: func(w *world) func() { w.ask("disable server warm/s1"); w.ask("enable server warm/s1"); return nil }, moves: "warm/s1 throttle"},
		{what: "a backup server in maintenance", do: func(w *world) func() { w.ask("disable server checked/c2"); return nil }, moves: "checked/BACKEND bck"},
		{what: "commands", do: func(w *world) func() {
			for _, c := range []string{"set maxconn frontend fe 50", "set weight be/s1 5", "set server be/s1 addr 127.0.0.9", "add server warm/new 127.0.0.1:1", "set maxconn global 60", "set rate-limit connections global 1000", "set rate-limit sessions global 1000", "set rate-limit ssl-sessions global 1000", "shutdown frontend nosess"} {
				w.ask(c)
			}
			return nil
		}, moves: "fe/FRONTEND slim be/s1 weight uweight addr warm/new sid info Maxconn ConnRateLimit SessRateLimit SslRateLimit Listeners"},
		{what: "a limit for encoding", do: func(w *world) func() { w.ask("set rate-limit http-compression global 1"); return nil }, moves: "info CompressBpsRateLim"},
		{what: "a peer", fromZero: true, do: func(w *world) func() { w.peer(); return nil }, moves: "info ActivePeers ConnectedPeers"},
		{what: "a line of another program", do: func(w *world) func() { w.line(); return nil }, moves: "info CumRecvLogs"},
		{what: "memory in use", again: true, do: func(w *world) func() { return w.fill() }, moves: "info PoolUsed_MB PoolUsed_bytes"},
		{what: "time", sinceStart: true, do: func(*world) func() { return nil }, moves: "info Uptime Uptime_sec"},
		{what: "a stop", do: func(w *world) func() {
			over := w.hold("fe", "/hang")
			w.talk = w.stay()
			go w.engine.SoftStop()
			return over
		}, moves: "info Stopping"},
	}
}

// movesConfig has a place for everything that may happen.
const movesConfig = `
global
    stats socket %[1]s/stats mode 600 level admin
    nbthread 1
    maxconn 100
    maxpipes 10
    description of a test
    log %[1]s/nobody local0
    localpeer here
    stats timeout 1m
peers all
    peer here %[4]s
    peer there %[5]s
log-forward lines
    dgram-bind %[4]s
    log %[1]s/nobody local0
cache c
    total-max-size 4
resolvers r
    nameserver n 127.0.0.1:1
defaults
    mode http
    log global
    option httplog
    timeout client 1m
    timeout server 1m
    timeout connect 10s
    timeout queue 1m
frontend fe
    bind unix@%[1]s/fe
    compression algo gzip
    http-request deny if { path /deny }
    http-request redirect location / if { path /redirect }
    http-request set-header x-much %[8]s if { path /rewrite }
    use_backend %%[query] if { query narrow slow retry dead cached checked }
    default_backend be
frontend noconn
    bind unix@%[1]s/noconn
    tcp-request connection reject
frontend nosess
    bind unix@%[1]s/nosess
    tcp-request session reject
frontend h2
    bind unix@%[1]s/h2 proto h2
    default_backend be
frontend tls
    bind unix@%[1]s/tls ssl crt %[6]s/site.pem
    rate-limit sessions 1000
    default_backend be
listen pipe
    bind unix@%[1]s/pipe
    option splice-auto
    server p1 %[2]s
backend be
    http-reuse always
    option abortonclose
    http-response deny if { res.hdr(x-deny) 1 }
    server s1 %[2]s
backend narrow
    server n1 %[2]s maxconn 1 maxqueue 9
backend slow
    server s1 %[3]s ssl verify none no-ssl-reuse
backend retry
    balance roundrobin
    option redispatch 1
    retries 3
    server dead 127.0.0.1:1 weight 256
    server alive %[2]s weight 1
backend dead
    retries 1
    server dead 127.0.0.1:1
backend cached
    http-request cache-use c
    http-response cache-store c
    server s1 %[2]s
backend checked
    option httpchk GET /health
    server c1 %[2]s check inter 50ms rise 1 fall 2 observe layer7 error-limit 1
    server c2 %[2]s backup
backend agent
    balance leastconn
    server a1 %[2]s agent-check agent-addr 127.0.0.1 agent-port %[7]s agent-inter 50ms
backend warm
    cookie C insert
    server s1 %[2]s slowstart 1m pool-max-conn 7 cookie one
    server s2 %[2]s cookie two track checked/c1
backend tcp
    mode tcp
    server t1 %[2]s
`
