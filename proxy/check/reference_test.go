package check

import (
	"cmp"
	"encoding/csv"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"bench/internal/loop"
	"bench/internal/sock"
	"bench/internal/testpeer"
	"bench/internal/testquiet"
	"bench/internal/testserver"
	"bench/proxy/spec"
)

// canned is a server with one way to treat every connection.
type canned struct {
	name  string
	serve func(c net.Conn)
}

func reads(c net.Conn) {
	_ = c.SetReadDeadline(time.Now().Add(5 * time.Second))
	_, _ = c.Read(make([]byte, 4096))
}

func replies(text string) func(net.Conn) {
	return func(c net.Conn) { reads(c); fmt.Fprint(c, text); c.Close() }
}

// holds answers and keeps the connection open.
func holds(text string) func(net.Conn) {
	return func(c net.Conn) { reads(c); fmt.Fprint(c, text); reads(c); c.Close() }
}

// interimAndAnswer is a server whose interim response and answer come together. For
// the reference what follows the interim response is then its body.
const interimAndAnswer = "interim-and-answer"

// noBody is what is said of it here by a check that looks into bodies.
const noBody = `L7RSP (Layer7 invalid response) code "" last "HTTP content check could not find a response body" health 0 fail 1 down 1`

const chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"

func cannedServers() []canned {
	return []canned{
		{"ok", replies("HTTP/1.0 200 OK\r\n\r\nhello")},
		{"length", replies("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello")},
		{"cut", replies("HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhel")},
		{"chunked", replies("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n")},
		{"redirect", replies("HTTP/1.0 302 Found\r\n\r\n")},
		{"missing", replies("HTTP/1.0 404 Not Found\r\nContent-Length: 3\r\n\r\nabc")},
		{"error", replies("HTTP/1.0 500 Oops Bad\r\n\r\n")},
		{"garbage", replies("garbage\r\n\r\n")},
		{"partial", replies("HTTP/1.0 20")},
		{"headless", replies("HTTP/1.0 200 OK\r\nA: b\r\n")},
		{"closes", replies("")},
		{"mute", func(c net.Conn) { reads(c); reads(c); c.Close() }},
		{"drip", func(c net.Conn) {
			reads(c)
			for _, ch := range []byte("HTTP/1.0 200 OK\r\nA: b\r\n\r\n") {
				if _, err := c.Write([]byte{ch}); err != nil {
					break
				}
				time.Sleep(200 * time.Millisecond)
			}
			c.Close()
		}},
		{"chunks", holds(chunked + "2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n")},
		{"chunks-other", holds(chunked + "2\r\nhe\r\n3\r\nabc\r\n0\r\n\r\n")},
		{"chunks-none", holds(chunked + "0\r\n\r\n")},
		{"chunks-extension", holds(chunked + "2;x=hello\r\nab\r\n0\r\n\r\n")},
		{"chunks-trailer", holds(chunked + "2\r\nab\r\n0\r\nX: hello\r\n\r\n")},
		{"chunks-endless", holds(chunked + "2\r\nab\r\n")},
		{"chunks-cut", replies(chunked + "9\r\nhell")},
		{"chunks-bad", holds(chunked + "5\r\nhello\r\nzz\r\n")},
		{"chunks-in-1.0", holds("HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n")},
		{"chunks-and-length", holds("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n")},
		{"length-kept", holds("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabcde")},
		{"length-exceeded", holds("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhello")},
		{"length-nothing", holds("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")},
		{"two-answers", holds("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabcHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello")},
		{"no-content", holds("HTTP/1.1 204 No\r\n\r\nhello")},
		{"unmodified", holds("HTTP/1.1 304 No\r\nContent-Length: 5\r\n\r\n")},
		{"switching", holds("HTTP/1.1 101 Switching\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\nhello")},
		{"switching-unasked", holds("HTTP/1.1 101 Switching\r\n\r\nhello")},
		{"interim", func(c net.Conn) {
			reads(c)
			fmt.Fprint(c, "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n")
			time.Sleep(50 * time.Millisecond)
			fmt.Fprint(c, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello")
			reads(c)
			c.Close()
		}},
		{interimAndAnswer, holds("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello")},
		{"large", holds("HTTP/1.1 200 OK\r\nContent-Length: 100005\r\n\r\n" + strings.Repeat("x", 100000) + "hello")},
		{"large-soon", holds("HTTP/1.1 200 OK\r\nContent-Length: 100005\r\n\r\nhello" + strings.Repeat("x", 100000))},
		{"large-chunk", holds(chunked + "186a0\r\n" + strings.Repeat("x", 100000) + "\r\n5\r\nhello\r\n0\r\n\r\n")},
		{"large-to-end", replies("HTTP/1.0 200 OK\r\n\r\n" + strings.Repeat("x", 100000) + "hello")},
		{"trickle", func(c net.Conn) {
			reads(c)
			for _, ch := range []byte(chunked + "2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n") {
				if _, err := c.Write([]byte{ch}); err != nil {
					break
				}
				time.Sleep(time.Millisecond)
			}
			reads(c)
			c.Close()
		}},
		{"resets", func(c net.Conn) { reads(c); _ = c.(*net.TCPConn).SetLinger(0); c.Close() }},
	}
}

// start serves all of them and returns their addresses by name. "refuses" is an
// address nobody listens on.
func start(t *testing.T) map[string]sock.Addr {
	t.Helper()
	addrs := map[string]sock.Addr{}
	for _, s := range cannedServers() {
		addrs[s.name] = sock.FromAddrPort(netip.MustParseAddrPort(testserver.TCP(t, s.serve)))
	}
	addrs["refuses"] = sock.FromAddrPort(netip.MustParseAddrPort(testpeer.Refusing(t)))
	return addrs
}

// tally counts what a Checker reports.
type tally struct {
	mu           sync.Mutex
	last         Result
	health       Health
	ran          bool
	failed, down int
}

func (c *tally) Checked(r Result, h Health) {
	c.mu.Lock()
	defer c.mu.Unlock()
	// A server that is all down does not fail again.
	if !r.Status.OK() && (!c.ran || c.health.Cur > 0) {
		c.failed++
	}
	c.last, c.health, c.ran = r, h, true
}

func (c *tally) Changed(up bool, _ Result) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !up {
		c.down++
	}
}

func wait(t *testing.T, what string, cond func() bool) {
	t.Helper()
	for range 600 {
		if cond() {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatal("timed out: " + what)
}

// kinds are the check configurations compared, as the language writes them and
// as the specification holds them.
// scripts are checks that follow rules.
func scripts() []kind {
	const script = "  option tcp-check\n  tcp-check send ping\n"
	// steps sends something and expects what follows, with numbers from first on.
	steps := func(first int, x ...spec.CheckStep) *spec.Check {
		c := &spec.Check{Steps: []spec.CheckStep{{Number: 1, Send: []byte("ping")}}}
		for i := range x {
			x[i].Number = first + i
		}
		c.Steps = append(c.Steps, x...)
		return c
	}
	return []kind{
		{"connect", "  option tcp-check\n  tcp-check connect\n", &spec.Check{Steps: []spec.CheckStep{{Number: 1, Connect: &spec.CheckConnect{}}}}},
		{"bare", "  option tcp-check\n", &spec.Check{}},
		{"tcp-string", script + "  tcp-check expect string 200\n", steps(2, spec.CheckStep{Text: []byte("200"), MinRecv: -1})},
		{"tcp-notstring", script + "  tcp-check expect ! string hell\n", steps(2, spec.CheckStep{Text: []byte("hell"), MinRecv: -1, Negate: true})},
		{"tcp-rstring", script + "  tcp-check comment looking\n  tcp-check expect rstring h.*o\n", steps(3, spec.CheckStep{Regexp: "h.*o", MinRecv: -1, Comment: "looking"})},
		{"tcp-binary", script + "  tcp-check expect min-recv 20 comment bin binary 4f4b\n", steps(2, spec.CheckStep{Text: []byte("OK"), Binary: true, MinRecv: 20, Comment: "bin"})},
		{"tcp-rbinary", script + "  tcp-check expect ! rbinary ^485454\n", steps(2, spec.CheckStep{Regexp: "^485454", Binary: true, Negate: true, MinRecv: -1})},
		{"tcp-chain", script + "  tcp-check expect ! string Oops\n  tcp-check expect string hello\n", steps(2, spec.CheckStep{Text: []byte("Oops"), MinRecv: -1, Negate: true}, spec.CheckStep{Text: []byte("hello"), MinRecv: -1})},
	}
}

// kind is one way to check.
type kind struct {
	name, text string
	check      *spec.Check
}

func kinds() []kind {
	http := func(x ...spec.CheckStep) *spec.Check { return httpCheck(&spec.CheckRequest{URI: "/x"}, x...) }
	disable := http()
	disable.DisableOn404 = true
	const get = "  option httpchk GET /x\n"
	return []kind{
		{"tcp", "", nil},
		{"http", get, http()},
		{"status", get + "  http-check expect status 200\n", http(expecting(spec.ExpectStatus, false, "200"))},
		{"notstatus", get + "  http-check expect ! status 200\n", http(expecting(spec.ExpectStatus, true, "200"))},
		{"rstatus", get + "  http-check expect rstatus ^[23]\n", http(expecting(spec.ExpectRStatus, false, "^[23]"))},
		{"string", get + "  http-check expect string hell\n", http(expecting(spec.ExpectString, false, "hell"))},
		{"notstring", get + "  http-check expect ! string hell\n", http(expecting(spec.ExpectString, true, "hell"))},
		{"rstring", get + "  http-check expect rstring h.ll\n", http(expecting(spec.ExpectRString, false, "h.ll"))},
		{"disable", get + "  http-check disable-on-404\n", disable},
	}
}

// TestLikeHAProxy lets the reference and the engine check the same servers and
// compares what both say about them.
func TestLikeHAProxy(t *testing.T) { likeHAProxy(t, kinds()) }

// TestScriptsLikeHAProxy is the same for checks that follow rules.
func TestScriptsLikeHAProxy(t *testing.T) { likeHAProxy(t, scripts()) }

func likeHAProxy(t *testing.T, kinds []kind) {
	if testquiet.Tried(t) {
		return
	}
	bin := testpeer.Need(t, "haproxy")
	addrs := start(t)
	dir := t.TempDir()
	cli := filepath.Join(dir, "cli")
	var cfg strings.Builder
	fmt.Fprintf(&cfg, "global\n  stats socket %s level admin\ndefaults\n  mode http\n  timeout connect 5s\n  timeout client 5s\n  timeout server 5s\n", cli)
	type target struct{ kind, server string }
	l, err := loop.New("", 512)
	if err != nil {
		t.Fatal(err)
	}
	tallies := map[target]*tally{}
	var checkers []*Checker
	for _, k := range kinds {
		fmt.Fprintf(&cfg, "backend %s\n%s", k.name, k.text)
		for name, a := range addrs {
			fmt.Fprintf(&cfg, "  server %s %s check inter 600 rise 2 fall 3\n", name, a.AddrPort())
			tl := &tally{}
			c, err := New(Config{Check: k.check, Inter: 600 * time.Millisecond, Rise: 2, Fall: 3}, l, a, tl)
			if err != nil {
				t.Fatal(err)
			}
			tallies[target{k.name, name}] = tl
			checkers = append(checkers, c)
		}
	}
	ended := make(chan error, 1)
	go func() { ended <- l.Run() }()
	l.Post(func() {
		for i, c := range checkers {
			c.Start(time.Duration(i) * time.Millisecond)
		}
	})
	defer func() {
		l.Call(func() {
			for _, c := range checkers {
				c.Stop()
			}
		})
		l.Stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}()
	file := filepath.Join(dir, "cfg")
	if err := os.WriteFile(file, []byte(cfg.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	testpeer.Start(t, exec.Command(bin, "-db", "-f", file))
	settled := func(get func(string) string) bool {
		h, status := get("check_health"), get("check_status")
		// While the next check is under way ("* "), last_chk is empty. For slow
		// servers one always is, but then there is nothing in it.
		busy := strings.HasPrefix(status, "* ") && status != "* L7TOUT"
		return !busy && status != "INI" && (h == "0" || h == "4")
	}
	var rows map[target]func(string) string
	wait(t, "the reference's checks", func() bool {
		rows = map[target]func(string) string{}
		for _, row := range showStat(cli) {
			if sv := row("svname"); sv != "BACKEND" && sv != "FRONTEND" {
				rows[target{row("pxname"), sv}] = row
			}
		}
		for _, row := range rows {
			if !settled(row) {
				return false
			}
		}
		return len(rows) == len(tallies)
	})
	for tg, tl := range tallies {
		settled := func() bool {
			tl.mu.Lock()
			defer tl.mu.Unlock()
			return tl.ran && (tl.health.Cur == 0 || tl.health.Cur == 4)
		}
		wait(t, tg.kind+"/"+tg.server, settled)
		tl.mu.Lock()
		r, row := tl.last, rows[tg]
		code := ""
		if r.Coded() {
			code = strconv.Itoa(r.Code)
		}
		got := fmt.Sprintf("%s (%s) code %q last %q health %d fail %d down %d", r.Status, r.Status.Describe(), code, r.Output, tl.health.Cur, tl.failed, tl.down)
		tl.mu.Unlock()
		want := fmt.Sprintf("%s (%s) code %q last %q health %s fail %s down %s", strings.TrimPrefix(row("check_status"), "* "), row("check_desc"), row("check_code"), row("last_chk"), row("check_health"), row("chkfail"), row("chkdown"))
		if tg.server == interimAndAnswer && strings.HasSuffix(tg.kind, "string") && !strings.HasPrefix(tg.kind, "tcp-") {
			if got == want {
				t.Errorf("%s/%s: the announced difference is gone: %s", tg.kind, tg.server, got)
			}
			want = noBody
		}
		if got != want {
			t.Errorf("%s/%s:\n got %s\nwant %s", tg.kind, tg.server, got, want)
		}
	}
}

// showStat asks a stats socket and returns a getter by column name per row.
func showStat(path string) []func(string) string {
	conn, err := net.DialTimeout("unix", path, time.Second)
	if err != nil {
		return nil
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(2 * time.Second))
	fmt.Fprintln(conn, "show stat")
	r := csv.NewReader(conn)
	r.FieldsPerRecord = -1
	all, err := r.ReadAll()
	if err != nil || len(all) < 2 {
		return nil
	}
	column := map[string]int{}
	for i, name := range all[0] {
		column[strings.TrimPrefix(name, "# ")] = i
	}
	var rows []func(string) string
	for _, rec := range all[1:] {
		rows = append(rows, func(name string) string { return rec[column[name]] })
	}
	return rows
}

// TestRequestsLikeHAProxy compares the requests that both send for the same rules.
func TestRequestsLikeHAProxy(t *testing.T) {
	bin := testpeer.Need(t, "haproxy")
	checks := []spec.CheckRequest{
		{},
		{Version: "HTTP/1.1"},
		{Headers: fields("Connection", "keep-alive")},
		{Version: "HTTP/1.1", Headers: fields("Connection", "keep-alive", "Host", "a")},
		{Version: "HTTP/1.1", Headers: fields("Connection", "close")},
		{Headers: fields("Connection", "close")},
		{Version: "HTTP/1.1", Headers: fields("Connection", "foo", "connection", "bar")},
		{Version: "HTTP/1.1", Headers: fields("Connection", "close,keep-alive")},
		{Version: "HTTP/1.1", Headers: fields("Connection", "Keep-Alive,foo")},
		{Headers: fields("Connection", "keep-alive,foo")},
		{Headers: fields("Content-Length", "7"), Body: "abc"},
		{Version: "HTTP/1.1", Headers: fields("Transfer-Encoding", "chunked"), Body: "abc"},
		{Headers: fields("Transfer-Encoding", "chunked")},
		{Version: "HTTP/1.1", Headers: fields("te", "trailers", "keep-alive", "timeout=3", "Proxy-Connection", "close")},
	}
	for _, method := range []string{"HEAD", "OPTIONS", "DELETE", "POST", "PUT", "PATCH", "TRACE", "CONNECT", "FOO"} {
		checks = append(checks, spec.CheckRequest{Method: method, Version: "HTTP/1.1"})
	}
	var cfg strings.Builder
	dir := t.TempDir()
	fmt.Fprintf(&cfg, "global\n  stats socket %s/cli\ndefaults\n  mode http\n  timeout connect 5s\n  timeout client 5s\n  timeout server 5s\n", dir)
	received := make([]chan string, len(checks))
	for i := range checks {
		c := &checks[i]
		said := c.Version
		c.Method, c.URI, c.Version = cmp.Or(c.Method, "GET"), "/", cmp.Or(c.Version, "HTTP/1.0")
		requests := make(chan string, 1)
		received[i] = requests
		addr := testserver.TCP(t, func(c net.Conn) {
			b := make([]byte, 4096)
			_ = c.SetReadDeadline(time.Now().Add(5 * time.Second))
			n, _ := c.Read(b)
			c.Close()
			select {
			case requests <- string(b[:n]):
			default:
			}
		})
		fmt.Fprintf(&cfg, "backend b%d\n  option httpchk %s / %s\n", i, c.Method, said)
		if len(c.Headers) > 0 || c.Body != "" {
			cfg.WriteString("  http-check send")
			for _, h := range c.Headers {
				fmt.Fprintf(&cfg, " hdr %s %s", h.Name, h.Value)
			}
			if c.Body != "" {
				fmt.Fprintf(&cfg, " body %s", c.Body)
			}
			cfg.WriteString("\n")
		}
		fmt.Fprintf(&cfg, "  server s %s check inter 200\n", addr)
	}
	file := filepath.Join(dir, "cfg")
	if err := os.WriteFile(file, []byte(cfg.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	testpeer.Start(t, exec.Command(bin, "-db", "-f", file))
	late := time.After(8 * time.Second)
	for i := range checks {
		select {
		case want := <-received[i]:
			if got := string((&Checker{}).request(&checks[i], "")); got != want {
				t.Errorf("%s %s %v:\n got %q\nwant %q", checks[i].Method, checks[i].Version, checks[i].Headers, got, want)
			}
		case <-late:
			t.Fatalf("check %d was not made by the reference", i)
		}
	}
}
