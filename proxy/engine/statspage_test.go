package engine_test

import (
	"bufio"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"bench/internal/testpeer"
)

const pageConfig = `
global
    stats socket %[1]s/stats mode 600 level admin
    nbthread 1
    maxconn 200
    log %[2]s local0
    description Words of the global section
defaults
    mode http
    log global
    option httplog
    timeout client 5s
    timeout server 5s
    timeout connect 1s
    retries 0
frontend fe
    bind unix@%[1]s/fe
    stats uri /s
    stats admin if { path /s } || { path_beg /s; }
    http-request deny if { path /s;denied }
    redirect location /elsewhere if { path_beg /s } || { path /moved }
    default_backend be
frontend auth
    bind unix@%[1]s/auth
    stats auth u:p
    stats auth v:p:q
    stats auth u:other
    stats realm A\ "realm"
    stats refresh 5s
    stats scope be
    stats scope .
    default_backend be
frontend rules
    bind unix@%[1]s/rules
    acl known hdr(x-known) -m found
    stats http-request deny if { hdr(x-bad) -m found }
    stats http-request allow if known
    stats http-request auth realm some unless { hdr(x-open) -m found }
    stats admin unless { hdr(x-reader) -m found }
    stats hide-version
    default_backend be
listen both
    bind unix@%[1]s/both
    stats uri http://host/
    http-response set-header x-response 1
    http-after-response set-header x-after 1
    option socket-stats
    server b1 127.0.0.1:1
backend be
    stats uri /behind
    server s1 127.0.0.1:1
    server s2 127.0.0.1:1 disabled
    server s3 127.0.0.1:1 backup weight 3
defaults
    mode http
    timeout client 5s
    stats auth x:y
    stats uri /inherited
frontend heir
    bind unix@%[1]s/heir
frontend own
    bind unix@%[1]s/own
    stats enable
`

// visits are requests to the pages of pageConfig: a frontend, a method and target, then
// lines of the head, and behind an empty line a body.
func visits() []string {
	basic := func(account string) string {
		return "Authorization: Basic " + base64.StdEncoding.EncodeToString([]byte(account))
	}
	post := func(to, body string, fields ...string) string {
		return to + "\n" + strings.Join(append(fields, fmt.Sprintf("Content-Length: %d", len(body))), "\n") + "\n\n" + body
	}
	list := []string{
		"fe GET /s", "fe HEAD /s", "fe GET /sometimes", "fe GET /other", "fe GET /s;csv", "fe HEAD /s;csv", "fe GET /s;denied", "fe GET /moved",
		"fe PUT /s", "fe OPTIONS /s", "fe DELETE /s", "fe GET http://host/s;csv", "fe GET /s?scope=fe;csv", "fe GET /s;csv;scope=be", "fe GET /s;csv;scope=nobody",
		"fe GET /s;csv;scope=B", "fe GET /s;csv?scope=f%65", "fe GET /s;csv;up", "fe GET /s;csv;no-maint", "fe GET /s;csv;up;no-maint", "fe GET /s;csv;norefresh", "fe GET /s;json;scope=be", "fe GET /s;json-schema",
		"fe GET /s;typed;scope=be", "fe GET /s;csv;json;scope=be", "fe GET /s;csv;typed;scope=be", "fe GET /s;st=DONE", "fe GET /s;st=XXXX", "fe GET /s;st=D", "fe GET /behind;csv", "fe GET /behind",
		"auth GET /haproxy?stats", "auth GET /haproxy", "auth GET /haproxy?stats;csv\n" + basic("u:p"), "auth GET /haproxy?stats;csv\n" + basic("v:p:q"), "auth GET /haproxy?stats\n" + basic("u:other"),
		"auth GET /haproxy?stats\n" + basic("u:"), "auth GET /haproxy?stats\n" + basic(":p"), "auth GET /haproxy?stats\n" + basic("u"), "auth GET /haproxy?stats\nAuthorization: Bearer x", "auth GET /haproxy?stats\nAuthorization: Basic ???",
		"auth GET /haproxy?stats;csv\n" + strings.Replace(basic("u:p"), "Basic", "basic", 1), "auth HEAD /haproxy?stats", "auth HEAD /haproxy?stats;csv\n" + basic("u:p"), "auth GET /haproxy?stats;csv;norefresh\n" + basic("u:p"),
		post("auth POST /haproxy?stats", "s=s1&action=drain&b=be", basic("u:p")), post("auth POST /haproxy?stats", "s=s1&action=drain&b=be"),
		"rules GET /haproxy?stats;csv", "rules GET /haproxy?stats;csv\nX-Bad: 1", "rules GET /haproxy?stats;csv\nX-Known: 1", "rules GET /haproxy?stats;csv\nX-Open: 1", "rules GET /haproxy?stats;csv\nX-Bad: 1\nX-Known: 1",
		post("rules POST /haproxy?stats", "s=s1&action=ready&b=be", "X-Known: 1", "X-Reader: 1"), post("rules POST /haproxy?stats", "s=s1&action=ready&b=be", "X-Known: 1"),
		"both GET http://host/;csv", "both GET /;csv", "both GET http://host/",
		"heir GET /inherited;csv", "heir GET /inherited;csv\n" + basic("x:y"), "own GET /haproxy?stats;csv", "own GET /inherited",
		post("fe POST /s;csv", ""), post("fe POST /s;up;norefresh", ""), post("fe POST /s;up?scope=be", ""), post("fe POST /s;st=DONE", ""),
		post("fe POST /s", "s=s1&action=drain&b=be", "Expect: 100-continue"),
	}
	// What forms can say, each followed by what has become of the servers.
	for _, form := range []string{
		"s=s1&action=drain&b=be", "s=s1&action=maint&b=be", "s=s1&action=ready&b=be", "s=s1&s=s2&s=s3&action=maint&b=be", "s=s2&s=s3&action=ready&b=be", "b=be&action=ready&s=s1",
		"action=ready&s=s1&b=be", "s=s1&s=nobody&action=drain&b=be", "s=nobody&action=drain&b=be", "action=drain&b=be", "s=s1&b=be", "s=s1&action=drain", "s=s1&action=&b=be", "s=s1&action=what&b=be", "s=s1&action=drain&b=nobody",
		"s=s1&action=drain&b=", "=", "&", "&&s=s1&&action=ready&b=be&", "s=s%31&action=re%61dy&b=b%65", "s=s1&action=ready&b=%23", "s=s1&action=ready&b=%23999", "s=s1&action=drain&b=fe", "s=b1&action=drain&b=both",
		"s=b1&action=ready&b=both", "s=s1&action=disable&b=be", "s=s1&action=disable&b=be", "s=s1&action=enable&b=be", "s=s1&action=enable&b=be", "s=s1&action=stop&b=be", "s=s1&action=stop&b=be", "s=s1&action=start&b=be", "s=s1&action=start&b=be",
		"s=s1&action=dhlth&b=be", "s=s1&action=ehlth&b=be", "s=s1&action=hnolb&b=be", "s=s1&action=hdown&b=be", "s=s1&action=hrunn&b=be", "s=s1&action=shutdown&b=be", "s=s1&action=dagent&b=be", "s=s1&action=eagent&b=be",
		"s=s1&action=arunn&b=be", "s=s1&action=adown&b=be", "s=s1&action=ready&action=drain&b=be", "s=s1&b=nobody&action=ready&b=be", "s=s1&action=ready&b=be&other=1", "s=s1&action=ready&b=be", "S=s1&ACTION=drain&B=be", "s=s1+&action=drain&b=be",
		"s=s1&action=drain;b=be",
	} {
		list = append(list, post("fe POST /s", form), "fe GET /s;csv;scope=be")
	}
	return list
}

// visit sends one of visits to the sockets of dir and describes the answer, without what
// may differ.
func visit(t *testing.T, dir, text string) string {
	t.Helper()
	frontend, text, _ := strings.Cut(text, " ")
	head, body, _ := strings.Cut(text, "\n\n")
	first, fields, _ := strings.Cut(head, "\n")
	c, err := net.Dial("unix", filepath.Join(dir, frontend))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(5 * time.Second))
	request := first + " HTTP/1.1\r\nHost: host\r\n"
	if fields != "" {
		request += strings.ReplaceAll(fields, "\n", "\r\n") + "\r\n"
	}
	if _, err := io.WriteString(c, request+"\r\n"+body); err != nil {
		t.Fatal(err)
	}
	r := bufio.NewReader(c)
	method, _, _ := strings.Cut(first, " ")
	resp, err := http.ReadResponse(r, &http.Request{Method: method})
	for err == nil && resp.StatusCode == 100 {
		resp, err = http.ReadResponse(r, &http.Request{Method: method})
	}
	if err != nil {
		return "no answer"
	}
	content, err := io.ReadAll(resp.Body)
	if err != nil {
		return "broken: " + err.Error()
	}
	return describe(resp, string(content), dir)
}

// lineDiff are the lines in which two texts differ.
func lineDiff(got, want string) string {
	g, w := strings.Split(got, "\n"), strings.Split(want, "\n")
	var b strings.Builder
	for i := range max(len(g), len(w)) {
		x, y := "", ""
		if i < len(g) {
			x = g[i]
		}
		if i < len(w) {
			y = w[i]
		}
		if x != y {
			fmt.Fprintf(&b, "got  %.300s\nwant %.300s\n", x, y)
		}
	}
	return b.String()
}

func describe(resp *http.Response, content, dir string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d\n", resp.StatusCode)
	html := strings.HasPrefix(resp.Header.Get("content-type"), "text/html")
	for _, name := range []string{"cache-control", "location", "refresh", "www-authenticate", "x-response", "x-after", "content-type"} {
		v := resp.Header.Get(name)
		if html && (name == "content-type" || name == "refresh") {
			continue // ours says more about the charset, and lets the page itself be renewed
		}
		fmt.Fprintf(&b, "%s: %s\n", name, v)
	}
	switch {
	case html, content == "":
	case strings.HasPrefix(content, "# "):
		b.WriteString(rowsOfPage(content))
	case strings.HasPrefix(content, "{"):
		b.WriteString(content)
	default:
		fmt.Fprintf(&b, "%d fields", strings.Count(content, ":str:")+strings.Count(content, `"type":"str"`))
	}
	return strings.ReplaceAll(b.String(), dir, "DIR")
}

// rowsOfPage are the columns of a table that do not depend on times.
func rowsOfPage(csv string) string {
	lines := strings.Split(csv, "\n")
	var b strings.Builder
	b.WriteString(lines[0] + "\n")
	names := strings.Split(strings.TrimPrefix(lines[0], "# "), ",")
	for _, l := range lines[1:] {
		f := strings.Split(l, ",")
		if len(f) < len(names) {
			b.WriteString(l + "\n")
			continue
		}
		for i, n := range names {
			if slices.Contains([]string{"pxname", "svname", "status", "weight", "act", "bck", "iid", "sid", "type", "intercepted", "dreq", "req_tot", "econ", "hrsp_2xx", "hrsp_3xx", "hrsp_4xx", "hrsp_5xx", "mode", "algo", "addr"}, n) {
				b.WriteString(f[i] + ",")
			}
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// Whoever asks for the statistics page, reads it, or sends its forms, gets the answers of
// the reference, and the logs say the same.
func TestStatisticsPageIsTheReferences(t *testing.T) {
	bin := testpeer.Need(t, "haproxy")
	theirLog, ourLog := logSocket(t), logSocket(t)
	theirs, ours := t.TempDir(), t.TempDir()
	file := filepath.Join(theirs, "cfg")
	if err := os.WriteFile(file, []byte(fmt.Sprintf(pageConfig, theirs, theirLog.LocalAddr())), 0o600); err != nil {
		t.Fatal(err)
	}
	testpeer.Start(t, exec.Command(bin, "-db", "-f", file))
	for range 3000 {
		if _, err := os.Stat(filepath.Join(theirs, "own")); err == nil {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	startConfig(t, fmt.Sprintf(pageConfig, ours, ourLog.LocalAddr()))
	for _, v := range visits() {
		want, got := visit(t, theirs, v), visit(t, ours, v)
		if reason := pageDiffers[v]; (want == got) != (reason == "") {
			t.Errorf("%s (%s)\n%s", v, reason, lineDiff(got, want))
		}
	}
	if t.Failed() {
		return
	}
	// There, what the page refuses is logged with status 400.
	got := messages(t, ourLog)
	for i, l := range got {
		if strings.Contains(l, "<STATS>") {
			got[i] = strings.NewReplacer(" 401 ", " 400 ", " 403 ", " 400 ").Replace(l)
		}
	}
	compareLogs(t, got, messages(t, theirLog))
}

// pageDiffers are the visits whose answers differ, and why.
var pageDiffers = map[string]string{
	"fe GET /s;csv;scope=B": "there, a scope of one letter is overlooked",
}

// messages are the log lines that have come, without dates, times and sizes, in order.
func messages(t *testing.T, pc net.PacketConn) []string {
	t.Helper()
	var lines []string
	b := make([]byte, 4096)
	for {
		_ = pc.SetReadDeadline(time.Now().Add(100 * time.Millisecond))
		n, _, err := pc.ReadFrom(b)
		if err != nil {
			return lines
		}
		_, text, _ := strings.Cut(string(b[:n]), "]: ")
		if m := logLine.FindStringSubmatch(text); m != nil {
			lines = append(lines, strings.Join([]string{m[2], m[4], m[5], m[6]}, " "))
		}
	}
}
