package difftest

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"bench/internal/testpeer"
	"bench/internal/testserver"
)

// tableCase is a frontend with a stick table, and a backend behind it. Many of them are
// served by one process.
type tableCase struct {
	name string
	// table is that of the frontend, FE in the lines; BE is the backend.
	table    string
	frontend string
	backend  string // its servers are s1, s2 and s3, the latter with these options
	server   string
	// clients come one after the other; each reads until it is closed, or nothing came for
	// so long.
	clients [][]step
	quiet   time.Duration
	ask     []string // of the runtime API at the end; by default "show table FE"
	tcp     bool
}

// what a client asks for tells the origin how to answer.
func asksFor(paths ...string) []step {
	var all []step
	for _, p := range paths {
		all = append(all, send("GET "+p+" HTTP/1.1\r\nHost: a\r\nX-Key: "+strings.Trim(p, "/?")+"\r\n\r\n"), await("\r\n\r\n"))
	}
	return all
}

// telling sends the client what expressions are worth.
func telling(exprs ...string) string {
	var all []string
	for i, e := range exprs {
		all = append(all, fmt.Sprintf("http-response set-header X-%d %%[%s]", i, e))
	}
	return lines(all...)
}

const everything = "store gpc0,gpc0_rate(10s),gpc1,gpc1_rate(10s),gpt0,conn_cnt,conn_cur,conn_rate(10s),sess_cnt,sess_rate(10s),http_req_cnt,http_req_rate(10s),http_err_cnt,http_err_rate(10s),http_fail_cnt,http_fail_rate(10s)"

var tableCases = []tableCase{
	{name: "http-request track", frontend: "http-request track-sc0 src", clients: [][]step{asksFor("/200", "/200", "/404"), asksFor("/500")}},
	{name: "content track", frontend: "tcp-request content track-sc0 src", clients: [][]step{asksFor("/200", "/404"), asksFor("/500", "/501", "/505", "/503")}},
	{name: "connection track", frontend: "tcp-request connection track-sc0 src", clients: [][]step{asksFor("/200", "/404"), asksFor("/500")}},
	{name: "session track", frontend: "tcp-request session track-sc0 src", clients: [][]step{asksFor("/200", "/404"), asksFor("/500")}},
	{name: "connection track, closed at once", frontend: "tcp-request connection track-sc0 src", clients: [][]step{{closeNow()}, {closeNow()}}},
	{name: "connection track, rejected", frontend: lines("tcp-request connection track-sc0 src", "tcp-request connection reject if { sc0_conn_cnt gt 1 }"), clients: [][]step{asksFor("/200"), asksFor("/200"), asksFor("/200")}},
	{name: "session track, rejected", frontend: lines("tcp-request connection track-sc0 src", "tcp-request session reject if { sc0_conn_cnt gt 1 }"), clients: [][]step{asksFor("/200"), asksFor("/200"), asksFor("/200")}},
	{name: "response track", frontend: "http-response track-sc0 src", clients: [][]step{asksFor("/200", "/404", "/500", "/501"), asksFor("/302")}},
	{name: "both the connection and the request", frontend: lines("tcp-request connection track-sc0 src", "http-request track-sc0 hdr(x-none) table BE", "http-request track-sc0 int(77),ipmask(32) if { path /404 }"), backend: "stick-table type string size 10 " + everything, clients: [][]step{asksFor("/200", "/404", "/500")}, ask: []string{"show table FE", "show table BE"}},
	{name: "content over connection", frontend: lines("tcp-request connection track-sc0 src", "tcp-request content track-sc0 int(77),ipmask(32)"), clients: [][]step{asksFor("/200", "/404", "/500")}},
	{name: "three counters", frontend: lines("tcp-request connection track-sc0 src", "tcp-request content track-sc1 dst", "http-request track-sc2 path table BE"), backend: lines("stick-table type string len 4 size 10 "+everything, telling("sc0_conn_cnt", "sc1_http_req_cnt", "sc2_http_req_cnt", "sc_conn_cnt(2)", "sc0_trackers", "sc2_tracked", "sc0_tracked", "sc0_conn_cur(FE)", "sc0_trackers(FE)", "sc0_trackers(BE)", "sc2_http_req_cnt(BE)", "sc2_http_req_cnt(FE)")), clients: [][]step{asksFor("/200", "/404", "/404"), asksFor("/200", "/200a")}, ask: []string{"show table FE", "show table BE"}},
	{name: "the first one counts", frontend: lines("http-request track-sc0 hdr(x-key) table BE", "http-request track-sc0 src"), backend: "stick-table type string size 10 " + everything, clients: [][]step{asksFor("/200", "/404", "/200")}, ask: []string{"show table FE", "show table BE"}},
	{name: "no key, no entry", frontend: lines("http-request track-sc0 hdr(x-none)", "http-response set-header X-T %[sc0_tracked]-%[sc0_conn_cnt]"), table: "type string size 10 " + everything, clients: [][]step{asksFor("/200", "/404")}},
	{name: "backend track", backend: "http-request track-sc0 src table FE", clients: [][]step{asksFor("/200", "/404")}},
	{name: "backend content track", backend: "tcp-request content track-sc0 src table FE", clients: [][]step{asksFor("/200", "/404")}},
	{name: "deny", frontend: lines("http-request track-sc0 src", "http-request deny if { path /200 }", "http-request deny status 200 if { path /201 }", "http-request return status 404 if { path /202 }", "http-request redirect location / if { path /203 }", "http-response deny if { path /204 }"), clients: [][]step{asksFor("/200", "/201", "/202", "/203", "/204", "/205")}},
	{name: "deny, connection track", frontend: lines("tcp-request connection track-sc0 src", "http-request deny if { path /200 }", "http-request reject if { path /reject }"), clients: [][]step{asksFor("/200", "/201"), asksFor("/reject")}},
	{name: "content reject", frontend: lines("tcp-request connection track-sc0 src", "tcp-request content track-sc1 int(5),ipmask(32)", "tcp-request content reject"), clients: [][]step{asksFor("/200")}},
	{name: "tarpit", frontend: lines("timeout tarpit 100ms", "http-request track-sc0 src", "http-request tarpit if { path /200 }"), clients: [][]step{asksFor("/200"), asksFor("/201")}},
	{name: "not a request", frontend: "tcp-request connection track-sc0 src", clients: [][]step{{send("nonsense\r\n\r\n")}, {send("GET / HTTP/1.1\r\nHo st: a\r\n\r\n")}, {send("GET / HT"), closeNow()}, {send("GET / HT"), shut()}}},
	{name: "not a request after one", frontend: lines("tcp-request connection track-sc0 src", "http-request track-sc1 int(9),ipmask(32)"), clients: [][]step{append(asksFor("/200"), send("nonsense\r\n\r\n"))}},
	{name: "time is up", frontend: lines("timeout http-request 100ms", "tcp-request connection track-sc0 src"), clients: [][]step{{pause(ms(250))}, {send("GET / HT"), pause(ms(250))}}, quiet: ms(400)},
	{name: "failures of the server", frontend: "http-request track-sc0 src", backend: "timeout server 150ms", clients: [][]step{asksFor("/close"), asksFor("/junk"), asksFor("/silent"), asksFor("/500")}, quiet: ms(400)},
	{name: "failures of the server, connection track", frontend: "tcp-request connection track-sc0 src", backend: "timeout server 150ms", clients: [][]step{asksFor("/close"), asksFor("/junk"), asksFor("/silent"), asksFor("/half"), asksFor("/100")}, quiet: ms(400)},
	{name: "no server", frontend: lines("http-request track-sc0 src", "use_backend nowhere if { path /nowhere }"), clients: [][]step{asksFor("/nowhere")}},
	{name: "counters that are increased", frontend: lines("http-request track-sc0 src", "http-request sc-inc-gpc0(0) if { path /a }", "http-request sc-inc-gpc1(0) if { path /a } or { path /b }", "http-request sc-set-gpt0(0) 77 if { path /b }", "http-request sc-set-gpt0(0) hdr(x-key),length if { path /abcde }", "http-request sc-inc-gpc0(1)", telling("sc0_get_gpc0", "sc0_get_gpc1", "sc0_get_gpt0", "sc0_gpc0_rate", "sc0_gpc1_rate", "sc_get_gpc0(0)", "sc0_get_gpc0(BE)")), backend: "stick-table type ip size 10 store gpc0", clients: [][]step{asksFor("/a", "/b", "/a", "/abcde")}},
	{name: "arrays", table: "type ip size 10 expire 1m store gpc(3),gpc_rate(2,10s),gpt(2)", frontend: lines("http-request track-sc0 src", "http-request sc-inc-gpc(2,0)", "http-request sc-inc-gpc(1,0)", "http-request sc-inc-gpc0(0)", "http-request sc-inc-gpc(5,0)", "http-request sc-set-gpt(1,0) 12", "http-request sc-set-gpt0(0) 13", "http-request sc-set-gpt(7,0) 14", telling("sc_get_gpc(2,0)", "sc0_get_gpc0", "sc0_get_gpc1", "sc_get_gpc(9,0)", "sc_gpc_rate(1,0)", "sc_gpc_rate(2,0)", "sc0_gpc0_rate", "sc0_gpc1_rate", "sc_get_gpt(1,0)", "sc_get_gpt(2,0)", "sc0_get_gpt0", "sc_inc_gpc(0,0)", "sc_clr_gpc(2,0)", "sc_clr_gpc(7,0)", "sc_inc_gpc(7,0)", "src_get_gpc(1,FE)", "src_gpc_rate(1,FE)", "src_get_gpt(1,FE)", "src_inc_gpc(1,FE)", "src_clr_gpc(1,FE)", "src,table_gpc(1,FE)", "src,table_gpc_rate(1,FE)", "src,table_gpt(1,FE)", "src,table_gpc0(FE)", "src,table_gpt0(FE)", "src,table_gpt(9,FE)")), clients: [][]step{asksFor("/a", "/b")}},
	{name: "fetches that change", frontend: lines("http-request track-sc0 src", telling("sc0_inc_gpc0", "sc0_inc_gpc0", "sc0_clr_gpc0", "sc0_clr_gpc0", "sc0_inc_gpc1", "sc_inc_gpc1(0)", "sc_clr_gpc1(0)", "src_inc_gpc0(FE)", "src_get_gpc0(FE)", "src_clr_gpc0(FE)", "src_inc_gpc1(FE)", "src_updt_conn_cnt(FE)", "sc1_inc_gpc0(BE)", "sc1_inc_gpc0", "sc1_clr_gpc0")), backend: "stick-table type ip size 10 store gpc1", clients: [][]step{asksFor("/a", "/b")}, ask: []string{"show table FE", "show table BE"}},
	{name: "fetches of a source", frontend: lines("http-request track-sc0 src if { path /a }", telling("src_conn_cnt(FE)", "src_conn_cur(FE)", "src_conn_rate(FE)", "src_sess_cnt(FE)", "src_sess_rate(FE)", "src_http_req_cnt(FE)", "src_http_req_rate(FE)", "src_http_err_cnt(FE)", "src_http_err_rate(FE)", "src_http_fail_cnt(FE)", "src_http_fail_rate(FE)", "src_get_gpt0(FE)", "src_gpc0_rate(FE)", "src_kbytes_in(FE)", "src_kbytes_out(FE)", "src_bytes_in_rate(FE)", "src_conn_cnt(BE)", "src_http_req_cnt(BE)", "table_avl(FE)", "table_cnt(FE)", "table_cnt(BE)")), backend: "stick-table type ip size 10 store conn_cnt", clients: [][]step{asksFor("/b", "/a", "/b", "/a")}},
	{name: "fetches of the section's own table", frontend: lines("http-request track-sc0 src", "http-request set-header X-Own %[src_conn_cnt]:%[src,table_conn_cnt]:%[table_cnt]:%[src,in_table]:%[src_inc_gpc0]:%[src,table_gpc0]:%[sc_conn_cnt(0)]", "http-request return status 200 hdr X-Own %[req.hdr(x-own)]"), clients: [][]step{asksFor("/b", "/a")}},
	{name: "converters", frontend: lines("http-request track-sc0 src", telling("src,table_conn_cnt(FE)", "src,table_conn_cur(FE)", "src,table_conn_rate(FE)", "src,table_sess_cnt(FE)", "src,table_http_req_cnt(FE)", "src,table_http_req_rate(FE)", "src,table_http_err_cnt(FE)", "src,table_trackers(FE)", "src,in_table(FE)", "str(1.2.3.4),in_table(FE)", "str(127.0.0.1),in_table(FE)", "str(x),in_table(FE)", "str(1.2.3.4),table_conn_cnt(FE)", "src,table_kbytes_in(FE)", "src,table_server_id(FE)", "src,table_server_id(BE)", "src,table_conn_cnt(BE)", "str(1.2.3.4),table_conn_cnt(BE)", "str(1.2.3.4),table_expire(FE)", "str(1.2.3.4),table_expire(FE,42)", "str(1.2.3.4),table_idle(FE,43)", "int(2130706433),in_table(FE)")), backend: "stick-table type ip size 10 store gpc0", clients: [][]step{asksFor("/a", "/404", "/a")}},
	{name: "keys of IPv6", table: "type ipv6 size 10 store conn_cnt,gpc0", frontend: lines("http-request track-sc0 src", "http-request track-sc1 str(2001:db8::1)", "http-request track-sc2 hdr(x-key)", telling("src_conn_cnt(FE)", "str(127.0.0.1),table_conn_cnt(FE)", "str(2001:db8:0::1),table_conn_cnt(FE)", "src_inc_gpc0(FE)")), clients: [][]step{asksFor("/a", "/::5")}},
	{name: "keys of integers", table: "type integer size 10 store conn_cnt", frontend: lines("http-request track-sc0 hdr(x-key)", "http-request track-sc1 int(4294967297)", "http-request track-sc2 src", telling("int(1),table_conn_cnt(FE)", "str(12),table_conn_cnt(FE)", "src_conn_cnt(FE)", "int(-1),in_table(FE)")), clients: [][]step{asksFor("/12", "/x", "/-1", "/12abc")}},
	{name: "keys of texts", table: "type string len 5 size 10 store conn_cnt", frontend: lines("http-request track-sc0 hdr(x-key)", "http-request track-sc1 src", "http-request track-sc2 int(7)", telling("str(abcdefgh),table_conn_cnt(FE)", "str(abcde),table_conn_cnt(FE)", "str(abcd),table_conn_cnt(FE)", "str(),in_table(FE)", "src_conn_cnt(FE)", "str(7),table_conn_cnt(FE)", "method,table_conn_cnt(FE)")), clients: [][]step{asksFor("/abcdef", "/abcdeX", "/", "/a=b")}},
	{name: "keys of bytes", table: "type binary len 6 size 10 store conn_cnt", frontend: lines("http-request track-sc0 src", "http-request track-sc1 str(abc)", "http-request track-sc2 hdr(x-key)", telling("str(abc),table_conn_cnt(FE)", "bin(616263000000),table_conn_cnt(FE)", "str(abcdefghi),table_conn_cnt(FE)", "src_conn_cnt(FE)")), clients: [][]step{asksFor("/abcdefg", "/abcdefX")}},
	{name: "purging", table: "type string size 3 store conn_cnt", frontend: "http-request track-sc0 hdr(x-key)", clients: [][]step{asksFor("/1"), {pause(ms(5))}, asksFor("/2"), {pause(ms(5))}, asksFor("/3"), {pause(ms(5))}, asksFor("/1"), {pause(ms(5))}, asksFor("/4"), {pause(ms(5))}, asksFor("/5")}},
	{name: "nopurge", table: "type string size 3 nopurge store conn_cnt", frontend: lines("http-request track-sc0 hdr(x-key)", "http-response set-header X-T %[sc0_tracked]"), clients: [][]step{asksFor("/1", "/2", "/3", "/1", "/4", "/5", "/2")}},
	{name: "expiry", table: "type string size 10 expire 300ms store conn_cnt", frontend: "http-request track-sc0 hdr(x-key)", clients: [][]step{asksFor("/1"), {pause(ms(200))}, asksFor("/2"), {pause(ms(200))}, asksFor("/2"), asksFor("/3")}},
	{name: "rates over time", table: "type ip size 10 store http_req_rate(1h),conn_rate(50ms),sess_rate(2s)", frontend: lines("tcp-request connection track-sc0 src", telling("sc0_http_req_rate", "sc0_sess_rate")), clients: [][]step{asksFor("/1", "/2", "/3"), asksFor("/1"), {pause(ms(200))}}},
	{name: "stick on", backend: lines("stick-table type string size 10 expire 1m", "stick on hdr(x-key)", telling("srv_name")), clients: [][]step{asksFor("/a"), asksFor("/b"), asksFor("/a"), asksFor("/c"), asksFor("/a", "/b", "/c")}, ask: []string{"show table BE"}},
	{name: "stick match and store", backend: lines("stick-table type string size 10 expire 1m", "stick match hdr(x-key) if { path /a }", "stick store-request hdr(x-key)", telling("srv_name", "srv_id")), clients: [][]step{asksFor("/a"), asksFor("/b"), asksFor("/a"), asksFor("/b")}, ask: []string{"show table BE"}},
	{name: "stick store-response", backend: lines("stick-table type string size 10 expire 1m", "stick match hdr(x-key)", "stick store-response res.hdr(x-echo)", telling("srv_name")), clients: [][]step{asksFor("/a"), asksFor("/a"), asksFor("/b"), asksFor("/a"), asksFor("/b")}, ask: []string{"show table BE"}},
	{name: "stick in another's table", table: "type string size 10 " + everything, backend: lines("stick on hdr(x-key) table FE", "stick on path table FE", telling("srv_name")), clients: [][]step{asksFor("/a"), asksFor("/b"), asksFor("/a", "/b")}},
	{name: "non-stick", backend: lines("stick-table type string size 10 expire 1m", "stick on hdr(x-key)", telling("srv_name")), server: "non-stick", clients: [][]step{asksFor("/a"), asksFor("/b"), asksFor("/c"), asksFor("/a"), asksFor("/c")}, ask: []string{"show table BE"}},
	{name: "stick by address", backend: lines("stick-table type string size 10 srvkey addr", "stick on hdr(x-key)", telling("srv_name")), clients: [][]step{asksFor("/a"), asksFor("/a")}, ask: []string{"show table BE"}},
	{name: "stick to a server that the runtime API names", backend: lines("stick-table type string size 10", "stick match hdr(x-key)", telling("srv_name")), clients: [][]step{{command("set table BE key a data.server_id 2")}, {command("set table BE key b data.server_id 9")}, {command("set table BE key c data.server_id 3")}, asksFor("/a"), asksFor("/b"), asksFor("/c"), asksFor("/a")}, ask: []string{"show table BE"}},
	{name: "stick to a server that is not there", backend: lines("stick-table type string size 10", "stick on hdr(x-key)", telling("srv_name")), clients: [][]step{asksFor("/a"), {command("disable server BE/s1")}, asksFor("/a"), asksFor("/a"), {command("enable server BE/s1")}, asksFor("/a")}, ask: []string{"show table BE"}},
	{name: "stick to a server that is not there, persist", backend: lines("option persist", "stick-table type string size 10", "stick on hdr(x-key)", telling("srv_name")), clients: [][]step{asksFor("/a"), {command("disable server BE/s1")}, asksFor("/a"), asksFor("/b"), {command("enable server BE/s1")}, asksFor("/a")}, ask: []string{"show table BE"}},
	{name: "stick to a server that is not there, force-persist", backend: lines("force-persist if { path /a }", "ignore-persist if { path /b }", "stick-table type string size 10", "stick on hdr(x-key)", telling("srv_name")), clients: [][]step{asksFor("/a"), asksFor("/b"), {command("disable server BE/s1")}, asksFor("/a"), asksFor("/b"), asksFor("/b"), {command("enable server BE/s1")}, asksFor("/a")}, ask: []string{"show table BE"}},
	{name: "stick to a server that is drained", backend: lines("stick-table type string size 10", "stick on hdr(x-key)", telling("srv_name")), clients: [][]step{asksFor("/a"), {command("set server BE/s1 state drain")}, asksFor("/a"), asksFor("/b"), {command("set server BE/s1 weight 0")}, asksFor("/a")}, ask: []string{"show table BE"}},
	{name: "stick in mode tcp", tcp: true, backend: lines("stick-table type ip size 10", "stick on src"), clients: [][]step{{send("200\n"), await("\n")}, {send("200\n"), await("\n")}}, ask: []string{"show table BE"}},
	{name: "track in mode tcp", tcp: true, frontend: lines("tcp-request content track-sc0 src", "tcp-request content sc-inc-gpc0(0)"), clients: [][]step{{send("200\n"), await("\n")}, {send("200\n"), await("\n")}}},
	{name: "track connection in mode tcp", tcp: true, frontend: lines("tcp-request connection track-sc0 src", "tcp-request content reject if { sc0_conn_cur gt 0 } { sc0_conn_cnt gt 1 }"), clients: [][]step{{send("200\n"), await("\n")}, {send("200\n")}}},
	{name: "log", frontend: "http-request track-sc0 src", ask: []string{"set table FE key 10.1.1.1 data.gpc0 3 data.conn_rate 7 data.conn_cur 2", "set table FE key 10.1.1.2", "show table FE data.gpc0 gt 0", "show table FE data.gpc0 le 3 data.conn_cur lt 1", "show table FE data.conn_rate ge 6", "show table FE key 10.1.1.2", "show table FE key 10.1.1.3", "clear table FE data.gpc0 eq 3", "show table FE", "clear table FE", "show table FE"}},
	{
		name: "refusals of the runtime API", backend: "stick-table type binary len 4 size 10 store gpt(2)",
		ask: []string{
			"show table nowhere", "show table FE key", "show table FE data.gpc0", "show table FE data.gpc0 gt", "show table FE data.gpc0 gt x", "show table FE data.gpc0 xx 1", "show table FE data.nope gt 1",
			"show table FE data.server_id gt 1", "show table FE nonsense", "show table FE data.gpc0 eq 0 nonsense", "show table FE data.gpc0 eq 0 data.gpc0 eq 0 data.gpc0 eq 0 data.gpc0 eq 0 data.gpc0 eq 0", "show table BE key abcd", "show table BE data.gpc0 eq 0", "show table BE data.gpt eq 0",
			"set table", "set table nowhere", "set table FE", "set table FE nonsense", "set table FE key", "set table FE key 1.2.3.4 data.gpc0", "set table FE key 1.2.3.4 data.gpc0 x", "set table FE key 1.2.3.4 data.gpt0 7 x", "set table FE key 1.2.3.4 data.nope 7", "set table FE key 1.2.3.4 data.server_id 7", "set table BE key abcd",
			"clear table", "clear table nowhere", "clear table FE nonsense", "clear table FE key", "clear table FE key 9.9.9.9", "clear table BE key x", "clear table FE key 1.2.3.4", "show table FE",
		},
	},
	{
		name: "odd values", table: "type ip size 10 store gpc0,gpt0,bytes_in_cnt,conn_cur,http_req_rate(1h),server_id", frontend: "http-request track-sc0 src\nhttp-request sc-inc-gpc0(0)",
		clients: [][]step{{command("set table FE key 127.0.0.1 data.gpc0 4294967294 data.server_id 2147483648")}, asksFor("/a", "/b", "/c")},
		ask: []string{
			"set table FE key 127.0.0.1 data.bytes_in_cnt 0", "show table FE", "set table FE key 127.0.0.1 data.gpc0 4294967296", "show table FE", "set table FE key 127.0.0.1 data.gpc0 -1 data.gpt0 -2 data.bytes_in_cnt -3 data.http_req_rate -4 data.server_id -5 data.conn_cur -6", "show table FE",
			"show table FE data.gpc0 gt 0", "show table FE data.gpc0 lt 0", "show table FE data.bytes_in_cnt lt 0", "show table FE data.server_id lt 0", "show table FE data.gpc0 eq 4294967295", "show table FE data.gpc0 eq -1",
			"set table FE key 127.0.0.1 data.bytes_in_cnt 9223372036854775807", "show table FE", "set table FE key 127.0.0.1 data.bytes_in_cnt 9223372036854775808", "show table FE", "set table FE key 127.0.0.1 data.bytes_in_cnt 18446744073709551616", "show table FE",
			"set table FE key 127.0.0.1 data.gpc0 +5", "show table FE", "set table FE key 127.0.0.1 data.gpc0 0x10", "set table FE key 127.0.0.1 data.gpc0 1e3", "set table FE key 127.0.0.1 data.gpc0 ''", "set table FE key 127.0.0.1 data.gpc0 1.5", "set table FE key 127.0.0.1 data.gpc0 -", "set table FE key 127.0.0.1 data.gpc0 007 data.gpt0 --1", "show table FE",
			"set table FE key 127.0.0.1 data.gpc0 1 data.gpc0 2", "set table FE key 127.0.0.1 data.http_req_rate 4294967295", "show table FE", "show table FE data.gpc0 ge +2", "show table FE data.gpc0 ge 0x1", "show table FE data.gpc0 gt -99999999999999999999", "clear table FE data.gpc0 ge -1", "show table FE",
		},
	},
	{
		name: "odd keys of IPv6", table: "type ipv6 size 10 store gpc0",
		ask: []string{
			"set table FE key ::1 data.gpc0 1", "set table FE key 1.2.3.4 data.gpc0 2", "set table FE key ::ffff:9.9.9.9 data.gpc0 3", "set table FE key 2001:DB8::00a data.gpc0 4", "set table FE key fe80::1%lo data.gpc0 5", "set table FE key [::2] data.gpc0 6", "set table FE key 1:2:3:4:5:6:7:8:9 data.gpc0 7", "set table FE key :: data.gpc0 8", "set table FE key ::3/64 data.gpc0 9",
			"show table FE", "show table FE key 1.2.3.4", "show table FE key 2001:db8::a", "clear table FE key ::0:1", "show table FE",
		},
	},
	{
		name: "odd keys of integers", table: "type integer size 10 store gpc0",
		ask: []string{
			"set table FE key 1 data.gpc0 1", "set table FE key -1 data.gpc0 2", "set table FE key 4294967295 data.gpc0 3", "set table FE key 4294967296 data.gpc0 4", "set table FE key 99999999999999999999 data.gpc0 5", "set table FE key abc data.gpc0 6", "set table FE key 010 data.gpc0 9",
			"show table FE", "show table FE key 10", "clear table FE key -1", "show table FE",
		},
	},
	{
		name: "odd keys of texts", table: "type string len 6 size 10 store gpc0",
		ask: []string{
			"set table FE key a\\ b data.gpc0 1", "set table FE key abcdefgh data.gpc0 2", "set table FE key abcdef data.gpc0 3", "set table FE key a=b data.gpc0 4", "set table FE key \xe4\xff data.gpc0 5", "set table FE key a\\\\b data.gpc0 6", "set table FE key 'q' data.gpc0 7", "set table FE key \"q\" data.gpc0 8", "set table FE key a\tb data.gpc0 9",
			"show table FE", "show table FE key abcdefzz", "clear table FE key abcdefyy", "show table FE",
		},
	},
	{name: "held entries stay", frontend: "tcp-request connection track-sc0 src", clients: [][]step{append(asksFor("/200"), command("clear table FE key 127.0.0.1"), command("show table FE"), command("clear table FE"), command("show table FE"))}},
}

func command(text string) step { return step{op: opCommand, text: text} }

// tableOrigin answers what it is asked for by the path, and in mode tcp by lines.
func tableOrigin(c net.Conn) {
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(20 * time.Second))
	r := bufio.NewReader(c)
	for {
		first, err := r.Peek(1)
		if err != nil {
			return
		}
		if first[0] != 'G' {
			line, err := r.ReadString('\n')
			if err != nil {
				return
			}
			_, _ = io.WriteString(c, line)
			continue
		}
		req, err := http.ReadRequest(r)
		if err != nil {
			return
		}
		what := strings.Trim(req.URL.Path, "/")
		switch what {
		case "close":
			return
		case "junk":
			_, _ = io.WriteString(c, "junk\r\n\r\n")
			return
		case "half":
			_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhal")
			return
		case "silent":
			time.Sleep(300 * time.Millisecond)
			return
		case "100":
			_, _ = io.WriteString(c, "HTTP/1.1 100 Continue\r\n\r\n")
			what = "200"
		}
		status := "200"
		if len(what) == 3 && what[0] >= '2' && what[0] <= '5' {
			status = what
		}
		if _, err := fmt.Fprintf(c, "HTTP/1.1 %s Text\r\nX-Echo: %s\r\nContent-Length: 0\r\n\r\n", status, req.Header.Get("X-Key")); err != nil {
			return
		}
	}
}

// conf is the configuration of all cases.
func tableConf(origin int) string {
	var b strings.Builder
	b.WriteString("global\n    nbthread 1\n    maxconn 1000\n    stats socket DIR/stats level admin\ndefaults\n    mode http\n    timeout connect 1s\n    timeout client 3s\n    timeout server 3s\n    retries 0\nfrontend ready\n    bind fd@4\n    bind fd@3\n    monitor-uri /ready\nbackend nowhere\n")
	for i, c := range tableCases {
		table, mode := c.table, "http"
		if table == "" {
			table = "type ip size 10 expire 1m " + everything
		}
		if c.tcp {
			mode = "tcp"
		}
		s := fmt.Sprintf("frontend FE\n    mode %s\n    bind fd@%d\n    stick-table %s\n    %s\n    default_backend BE\nbackend BE\n    mode %s\n    %s\n", mode, 5+i, table, c.frontend, mode, c.backend)
		for n := 1; n <= 3; n++ {
			s += fmt.Sprintf("    server s%d 127.0.0.1:%d %s\n", n, origin, map[bool]string{n > 1: c.server}[true])
		}
		b.WriteString(caseNames(i).Replace(s))
	}
	return b.String()
}

func caseNames(i int) *strings.Replacer {
	return strings.NewReplacer("FE", fmt.Sprintf("f%d", i), "BE", fmt.Sprintf("b%d", i))
}

var (
	entryAddress = regexp.MustCompile(`0x[0-9a-f]+:`)
	entryTime    = regexp.MustCompile(` exp=[1-9][0-9]*`)
)

// askTables has a command answered, without what differs from run to run.
func askTables(socket, command string) string {
	c, err := net.DialTimeout("unix", socket, awaitLimit)
	if err != nil {
		return err.Error()
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(awaitLimit))
	if _, err := io.WriteString(c, command+"\n"); err != nil {
		return err.Error()
	}
	text, err := io.ReadAll(c)
	if err != nil {
		return err.Error()
	}
	return "> " + command + "\n" + entryTime.ReplaceAllString(entryAddress.ReplaceAllString(string(text), "entry:"), " exp=N")
}

// play plays a case through one proxy.
func (c *tableCase) play(i int, r *running, socket string) string {
	var out strings.Builder
	names := caseNames(i)
	quiet := c.quiet
	if quiet == 0 {
		quiet = 60 * time.Millisecond
	}
	for n, script := range c.clients {
		if len(script) == 1 && script[0].op == opPause {
			time.Sleep(script[0].time)
			continue
		}
		if script[0].op == opCommand {
			out.WriteString(askTables(socket, names.Replace(script[0].text)))
			continue
		}
		conn, err := net.DialTimeout("tcp4", r.more[i], awaitLimit)
		if errors.Is(err, syscall.ECONNRESET) {
			fmt.Fprintf(&out, "client %d\n%s\n", n+1, endEOF) // refused as soon as it was accepted
			continue
		}
		if err != nil {
			return err.Error()
		}
		p := &peer{conn: conn.(*net.TCPConn), quiet: quiet}
		var rest []step
		for at, s := range script {
			if s.op == opCommand {
				script, rest = script[:at], script[at:]
				break
			}
		}
		if rest == nil {
			p.playFor(script, quiet)
		} else {
			p.steps(script)
			for _, s := range rest {
				out.WriteString(askTables(socket, names.Replace(s.text)))
			}
			_ = conn.Close()
		}
		norm := normal
		if c.tcp {
			norm = verbatim
		}
		fmt.Fprintf(&out, "client %d\n%s%s\n", n+1, norm(p.got, false), strings.Replace(p.end, endReset, endEOF, 1))
		time.Sleep(20 * time.Millisecond) // its end is to be seen
	}
	ask := c.ask
	if ask == nil {
		ask = []string{"show table FE"}
	}
	for _, a := range ask {
		out.WriteString(askTables(socket, names.Replace(a)))
	}
	return strings.NewReplacer(fmt.Sprintf("f%d", i), "FE", fmt.Sprintf("b%d", i), "BE").Replace(out.String())
}

// steps plays a script that only sends and awaits.
func (p *peer) steps(script []step) {
	for _, s := range script {
		if s.op == opSend {
			_, _ = io.WriteString(p.conn, s.text)
		} else if s.op == opAwait && !p.await(s.text) {
			return
		}
	}
}

// playFor is play that waits no longer than quiet for what may come at the end.
func (p *peer) playFor(script []step, quiet time.Duration) {
	if last := script[len(script)-1]; last.op == opAwait {
		p.steps(script)
		p.drain(quiet)
		_ = p.conn.Close()
		return
	}
	p.play(script)
}

// playTables plays cases through both proxies at the same time.
func playTables(t *testing.T, subjects []*subject, origin int, which func(i int) bool) (results [2][]string) {
	t.Helper()
	var errs [2]error
	var both sync.WaitGroup
	for n, s := range subjects {
		dir := t.TempDir()
		both.Go(func() {
			results[n] = make([]string, len(tableCases))
			r, err := s.startWith(dir, strings.ReplaceAll(tableConf(origin), "DIR", dir), origin, len(tableCases))
			if err != nil {
				errs[n] = err
				return
			}
			var all sync.WaitGroup
			places := make(chan struct{}, concurrent)
			for i := range tableCases {
				if !which(i) {
					continue
				}
				all.Go(func() {
					places <- struct{}{}
					defer func() { <-places }()
					results[n][i] = tableCases[i].play(i, r, dir+"/stats")
				})
			}
			all.Wait()
			errs[n] = r.stop()
		})
	}
	both.Wait()
	if err := errors.Join(errs[:]...); err != nil {
		t.Fatal(err)
	}
	return results
}

// TestTables compares what becomes of stick tables with the reference.
func TestTables(t *testing.T) {
	wanted, err := regexp.Compile(*only)
	if err != nil {
		t.Fatal(err)
	}
	origin := portOf(t, testserver.TCP(t, tableOrigin))
	subjects := []*subject{{"haproxy", []string{testpeer.Need(t, "haproxy")}}, {"builtin", []string{build(t), "proxy"}}}
	results := playTables(t, subjects, origin, func(i int) bool { return wanted.MatchString(tableCases[i].name) })
	// Times may have run together on a machine that is busy with other things: once more.
	differs := func(i int) bool { return results[0][i] != results[1][i] }
	var again [2][]string
	for i := range tableCases {
		if differs(i) && again[0] == nil {
			again = playTables(t, subjects, origin, differs)
		}
	}
	for i, c := range tableCases {
		t.Run(c.name, func(t *testing.T) {
			want, got := results[0][i], results[1][i]
			if want != got {
				want, got = again[0][i], again[1][i]
			}
			if want != got {
				t.Errorf("--- haproxy\n%s--- builtin\n%s", want, got)
			}
		})
	}
}
