package engine_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// operatorsConfig has a proxy that answers by itself in each way there is.
const operatorsConfig = `
global
    stats socket %[1]s/stats mode 600 level admin
    stats socket %[1]s/user mode 600 level user
    nbthread 1
    maxconn 200
defaults
    mode http
    retries 0
    timeout client 5s
    timeout server 5s
    timeout connect 1s
    timeout tarpit 20ms
resolvers one
    nameserver a 127.0.0.1:1
    nameserver b 127.0.0.1:2
listen own
    bind unix@%[1]s/own
    monitor-uri /alive
    stats enable
    stats uri /stats
    http-request return status 200 if { path /return }
    http-request deny if { path /deny }
    http-request redirect location /x if { path /redirect }
    http-request tarpit if { path /tarpit }
    http-request use-service prometheus-exporter if { path /metrics }
    server dead 127.0.0.1:1
frontend fe
    bind unix@%[1]s/fe
    default_backend be
backend be
    http-reuse always
    stick-table type string len 20 size 10 store gpc0
    stats uri /stats
    http-request deny if { path /deny }
    server s1 %[2]s
frontend empty
    bind unix@%[1]s/empty
    default_backend none
backend none
`

// exchange says something to a socket of a directory and returns all that is answered.
func exchange(t *testing.T, dir, socket, text string) string {
	t.Helper()
	c, err := net.Dial("unix", filepath.Join(dir, socket))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(20 * time.Second))
	if _, err := io.WriteString(c, text); err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(c)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

const lastGet = "GET %s HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"

// What a proxy answers without a server counts for its backend as it does in the reference:
// also for that of a "listen" section whose frontend has answered.
func TestRowsOfAnswersWithoutServer(t *testing.T) {
	p := startPair(t, operatorsConfig, upstream(t, "o"))
	for _, visit := range []string{"own /stats;csv", "own /stats", "own /return", "own /deny", "own /redirect", "own /tarpit", "own /metrics", "own /alive", "own /unreached", "fe /stats;csv", "fe /deny", "fe /", "empty /"} {
		socket, path, _ := strings.Cut(visit, " ")
		rows := map[string]map[string]map[string]string{}
		for _, dir := range []string{p.theirs, p.ours} {
			ask(t, filepath.Join(dir, "stats"), "clear counters all")
			exchange(t, dir, socket, fmt.Sprintf(lastGet, path))
			waitFor(t, "the end of "+visit, func() bool {
				rows[dir] = cells(ask(t, filepath.Join(dir, "stats"), "show stat"))
				return rows[dir][socket+"/FRONTEND"]["scur"] == "0"
			})
		}
		for name, want := range rows[p.theirs] {
			for _, column := range []string{"stot", "bin", "bout", "dreq", "econ", "lbtot", "req_tot", "lastsess", "hrsp_2xx", "hrsp_3xx", "hrsp_4xx", "hrsp_5xx", "intercepted", "connect", "h1_total_streams", "h1_bytes_in", "h1_bytes_out"} {
				w, g := want[column], rows[p.ours][name][column]
				if strings.Contains(column, "b") && len(w) > 0 && len(g) > 0 { // as many bytes as that page has
					w, g = fmt.Sprint(w != "0"), fmt.Sprint(g != "0")
				}
				if w != g {
					t.Errorf("%s: %s of %s is %q, the reference has %q", visit, column, name, g, w)
				}
			}
		}
	}
}

// Idle connections are told apart as in the reference: those that have carried one request
// may be ended by their server after it.
func TestIdleConnectionsAreCountedAsByTheReference(t *testing.T) {
	p := startPair(t, operatorsConfig, upstream(t, "o"))
	for i, requests := range []int{1, 1, 2} {
		text := ""
		for range requests - 1 {
			text += "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
		}
		for _, dir := range []string{p.theirs, p.ours} {
			exchange(t, dir, "fe", text+fmt.Sprintf(lastGet, "/"))
		}
		theirs, ours := p.both(t, "stats", "show servers conn be")
		if ours != theirs {
			t.Errorf("after %d connections\ngot  %s\nwant %s", i+1, ours, theirs)
		}
		want, got := cells(ask(t, filepath.Join(p.theirs, "stats"), "show stat"))["be/s1"], cells(ask(t, filepath.Join(p.ours, "stats"), "show stat"))["be/s1"]
		for _, column := range []string{"srv_icur", "idle_conn_cur", "safe_conn_cur", "used_conn_cur"} {
			if want[column] != got[column] {
				t.Errorf("after %d connections %s is %s, the reference has %s", i+1, column, got[column], want[column])
			}
		}
	}
}

// The counters of name servers have the columns of the reference's statistics, and what is
// JSON can be read: there, a comma is missing between two of them.
func TestStatisticsOfNameservers(t *testing.T) {
	p := startPair(t, operatorsConfig, upstream(t, "o"))
	for _, format := range []string{"", " typed", " up"} {
		theirs, ours := p.both(t, "stats", "show stat domain resolvers"+format)
		if ours != theirs || !strings.Contains(ours, "b,one,") && format != " typed" {
			t.Errorf("%q\n%s", format, lineDiff(ours, theirs))
		}
	}
	theirs, ours := p.both(t, "stats", "show stat domain resolvers json")
	if fixed := strings.ReplaceAll(theirs, "][", "],["); ours != fixed {
		t.Errorf("JSON\ngot  %s\nwant %s", ours, fixed)
	}
	var list [][]struct {
		Field struct{ Name string }
		Value struct{ Value any }
	}
	if err := json.Unmarshal([]byte(ours), &list); err != nil || len(list) < 2 || list[0][0].Value.Value != "a" {
		t.Errorf("%v in %s", err, ours)
	}
}

// lacked are the figures of the reference's "show activity" that there are not, as nothing
// is counted like that, and added are those that only the engine has.
var (
	lacked = []string{"empty_rq", "wake_tasks", "poll_exp", "cpust_ms_1s", "cpust_ms_15s"}
	added  = []string{"timers", "connections", "cpu_ms_tot"}
)

// The figures of threads have the reference's names, in its order.
func TestActivityHasTheNamesOfTheReference(t *testing.T) {
	p := startPair(t, operatorsConfig, upstream(t, "o"))
	names := func(text string, without []string) (list []string) {
		for _, m := range regexp.MustCompile(`(?m)^(\w+): `).FindAllStringSubmatch(text, -1) {
			if !slices.Contains(without, m[1]) {
				list = append(list, m[1])
			}
		}
		return list
	}
	theirs, ours := p.both(t, "stats", "show activity")
	if want, got := names(theirs, lacked), names(ours, added); !slices.Equal(want, got) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

// The help says how entries are added to maps and ACLs as that of the reference does.
func TestHelpOfAdditions(t *testing.T) {
	p := startPair(t, operatorsConfig, upstream(t, "o"))
	for _, command := range []string{"help add map", "help add acl"} {
		theirs, ours := p.both(t, "stats", command)
		if w, g := strings.Split(theirs, "\n")[:2], strings.Split(ours, "\n")[:2]; !slices.Equal(w, g) {
			t.Errorf("%s\ngot  %q\nwant %q", command, g, w)
		}
	}
}

// Messages have the severities of the reference's.
func TestSeveritiesOfMessages(t *testing.T) {
	p := startPair(t, operatorsConfig+`
backend others
    server s2 %[2]s check
    server s3 named.example:80 resolvers one init-addr none
    server s5 %[2]s ssl verify none
`, upstream(t, "o"))
	for _, command := range []string{
		"set server be/s1 addr 127.0.0.9", "set server be/s1 addr x", "set server be/s1 addr 127.0.0.9 port 1", "set server be/s1 weight x", "set server be/s1 nonsense",
		"set server others/s3 fqdn named.example", "set server others/s3 fqdn other.example", "set server others/s3 fqdn b!", "set server others/s5 ssl on", "set server others/s5 ssl x",
		"set server others/s2 check-addr x", "set server others/s2 check-port 99999", "set server others/s2 check-port x",
		"disable frontend fe", "disable frontend fe", "enable frontend fe", "enable frontend fe", "shutdown frontend empty", "shutdown frontend empty", "enable frontend empty", "disable frontend empty",
		"show sess 0x1", "show cli level", "new ssl cert n.pem", "new ssl cert n.pem", "del ssl cert n.pem", "del ssl cert n.pem",
		"add server be/n 127.0.0.1:1", "del server be/n", "del server be/n", "show table nosuch", "get weight be/nosuch",
	} {
		for _, style := range []string{"number", "string"} {
			theirs, ours := p.both(t, "stats", "set severity-output "+style+"; "+command)
			if ours != theirs {
				t.Errorf("%s\ngot  %q\nwant %q", command, ours, theirs)
			}
		}
	}
}

// Users see that there is a table, and how full it is, but not who has come.
func TestUsersDoNotSeeEntriesOfTables(t *testing.T) {
	p := startPair(t, operatorsConfig, upstream(t, "o"))
	p.both(t, "stats", "set table be key somebody data.gpc0 5")
	for _, command := range []string{"show table", "show table be", "show table be data.gpc0 gt 3", "show table be key somebody", "show table be key nobody", "show table nosuch key x", "show table be data.what gt 3", "show table be what"} {
		theirs, ours := p.both(t, "user", command)
		if ours != theirs || strings.Contains(ours, "key=somebody") {
			t.Errorf("%s\ngot  %q\nwant %q", command, ours, theirs)
		}
	}
	if _, ours := p.both(t, "stats", "user; show table be"); strings.Contains(ours, "key=somebody") {
		t.Errorf("one who has become a user: %q", ours)
	}
}

// Keys and values of a payload are told apart by blanks of either kind.
func TestPayloadsOfMaps(t *testing.T) {
	p := startPair(t, strings.Replace(operatorsConfig, "    http-reuse always\n", "    http-reuse always\n    http-request set-header x %%[path,map(/dev/null)]\n", 1), upstream(t, "o"))
	for _, dir := range []string{p.theirs, p.ours} {
		exchange(t, dir, "stats", "add map /dev/null <<\none 1\ntwo\t2\nthree \t 3 and more\n\n")
	}
	theirs, ours := p.both(t, "stats", "show map /dev/null")
	entry := regexp.MustCompile(`(?m)^0x[0-9a-f]+ `)
	if want, got := entry.ReplaceAllString(theirs, ""), entry.ReplaceAllString(ours, ""); got != want || !strings.Contains(got, "two 2") {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

// "show info" tells of commands for experts, and of experimental ones, that were given.
func TestTaintedAsByTheReference(t *testing.T) {
	p := startPair(t, operatorsConfig, upstream(t, "o"))
	tainted := regexp.MustCompile(`(?m)^Tainted: .*$`)
	for _, command := range []string{"show version", "debug dev log x", "expert-mode on", "set var proc.x int(1)", "experimental-mode on; set var proc.x int(1)", "expert-mode on; debug dev log x", "show version"} {
		p.both(t, "stats", command)
		theirs, ours := p.both(t, "stats", "show info")
		if want, got := tainted.FindString(theirs), tainted.FindString(ours); got != want || want == "" {
			t.Errorf("after %q: %q, the reference has %q", command, got, want)
		}
	}
}
