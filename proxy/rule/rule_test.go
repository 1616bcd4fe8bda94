package rule_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"bench/proxy/acl"
	"bench/proxy/h1"
	"bench/proxy/message"
	"bench/proxy/rule"
	"bench/proxy/sample"
	"bench/proxy/txn"
	"bench/proxy/txn/txntest"
)

const request = "GET /old/page?a=1 HTTP/1.1\r\nHost: www.example.com\r\nX-A: one, two\r\nX-A: three\r\nUser-Agent: curl\r\n\r\n"

const response = "HTTP/1.1 200 OK\r\nServer: nginx\r\nX-Powered-By: magic\r\nX-Debug: 1\r\nContent-Length: 0\r\n\r\n"

// parser reads the words of a rule as the configuration's language does, quotes apart.
func parser(place rule.Place, text string) *rule.Parser {
	return &rule.Parser{
		Place: place, Words: split(text), Section: "front", Backend: true, Page: page,
		Lookup: &acl.Lookup{Named: map[string]*acl.ACL{}, Env: &sample.Env{Names: &txn.Names{}, At: txn.Between(0, txn.StepLog), Where: "tests", ReqCaptures: []int{4}}},
		Duration: func(s string) (time.Duration, error) {
			n, err := strconv.Atoi(s)
			return time.Duration(n) * time.Millisecond, err
		},
		Size:       func(s string) (int64, error) { return strconv.ParseInt(s, 10, 32) },
		AddCapture: func(int) int { return 1 },
	}
}

// page makes an answer of the text of a file.
func page(text []byte) (*rule.Page, error) {
	r, err := h1.ParseReply(0, text, 0)
	if err != nil {
		return nil, err
	}
	if r.Empty() {
		return &rule.Page{}, nil
	}
	return &rule.Page{Message: r.Message(), Content: r.Body}, nil
}

// split cuts at blanks, for which underscores stand in within words.
func split(text string) []string {
	words := strings.Fields(text)
	for i := range words {
		words[i] = strings.ReplaceAll(words[i], "__", " ")
	}
	return words
}

func list(t testing.TB, place rule.Place, texts ...string) *rule.List {
	t.Helper()
	l := &rule.List{Place: place}
	for _, text := range texts {
		r, err := parser(place, text).Parse()
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		l.Rules = append(l.Rules, r)
	}
	return l
}

func run(t testing.TB, l *rule.List, x *txn.Txn) (txn.Verdict, *txn.Outcome) {
	t.Helper()
	var out txn.Outcome
	return rule.NewRunner(sample.NewContext(16384, 1), "host", 1).Bind(l).Run(x, &out), &out
}

// head is a message as it would be sent.
func head(x *txn.Txn) string {
	if x.Res != nil {
		return string(h1.AppendResponse(nil, x.Res, h1.WriteOptions{KeepAlive: true, Peer: x.Res.Version}))
	}
	return string(h1.AppendRequest(nil, x.Req, h1.WriteOptions{KeepAlive: true, Peer: x.Req.Version}))
}

// Rules that change messages: what goes in, what is different when it comes out.
func TestEditing(t *testing.T) {
	line := "GET /old/page?a=1 HTTP/1.1"
	for _, c := range []struct {
		place         rule.Place
		rules         string // separated by semicolons
		gone, instead string // lines of the head
	}{
		{rule.Request, "set-header X-A new%[src]", "x-a: one, two\nx-a: three", "x-a: new10.1.2.3"},
		{rule.Request, "set-header X-New %[req.hdr(host),field(1,.)]-%[method]", "", "x-new: www-GET"},
		{rule.Request, "add-header X-A four", "", "x-a: four"},
		{rule.Request, "set-header X-Empty %[req.hdr(none)]", "", "x-empty: "},
		{rule.Request, "del-header X-A", "x-a: one, two\nx-a: three", ""},
		{rule.Request, "del-header x- -m beg", "x-a: one, two\nx-a: three", ""},
		{rule.Request, "del-header ^user|^x -m reg", "x-a: one, two\nx-a: three\nuser-agent: curl", ""},
		{rule.Request, "del-header -AGENT -m end", "user-agent: curl", ""},
		{rule.Request, `replace-header User-Agent c(.*)l C\1L%[src_port]`, "user-agent: curl", "user-agent: CurL4567"},
		{rule.Request, "replace-header User-Agent wget x", "", ""},
		{rule.Request, `replace-header X-A ^(.*),__(.*) \2+\1`, "x-a: one, two", "x-a: two+one"},
		{rule.Request, `replace-value X-A ^t(.*) T\1`, "x-a: one, two\nx-a: three", "x-a: one,Two\nx-a: Three"},
		{rule.Request, "set-method POST", line, "POST /old/page?a=1 HTTP/1.1"},
		{rule.Request, "set-path /new%[path]", line, "GET /new/old/page?a=1 HTTP/1.1"},
		{rule.Request, "set-path /a__b", line, "GET /a%20b?a=1 HTTP/1.1"},
		{rule.Request, "set-path /a\x7fb", line, "GET /a%7Fb?a=1 HTTP/1.1"},
		{rule.Request, "set-pathq /x?y", line, "GET /x?y HTTP/1.1"},
		{rule.Request, "set-query b=2&%[query]", line, "GET /old/page?b=2&a=1 HTTP/1.1"},
		{rule.Request, "set-query %[var(txn.none)]", line, "GET /old/page? HTTP/1.1"},
		{rule.Request, "set-uri /all/new", line, "GET /all/new HTTP/1.1"},
		{rule.Request, `replace-path ^/old/(.*) /\1/new`, line, "GET /page/new?a=1 HTTP/1.1"},
		{rule.Request, `replace-path ^/old.*(z*) \1`, line, "GET /?a=1 HTTP/1.1"},
		{rule.Request, `replace-header User-Agent (z*).* \1`, "user-agent: curl", "user-agent: "},
		{rule.Request, `replace-pathq (.*)\?a=(.) \1/\2`, line, "GET /old/page/1 HTTP/1.1"},
		{rule.Request, `replace-uri old new`, line, "GET new HTTP/1.1"},
		{rule.Request, "set-var(txn.a) path,upper; set-header X-V %[var(txn.a)]", "", "x-v: /OLD/PAGE"},
		{rule.Request, "set-var-fmt(req.a) <%[src]>; set-header X-V %[var(req.a)]; unset-var(req.a); set-header X-W [%[var(req.a)]]", "", "x-v: <10.1.2.3>\nx-w: []"},
		{rule.Request, "set-var(sess.n) int(4); set-header X-V %[var(sess.n),add(1)]", "", "x-v: 5"},
		{rule.Request, "set-header X-1 a if { path_beg /old }; set-header X-2 b unless { path_beg /old }; set-header X-3 c if { src 1.2.3.4 } or { method GET }", "", "x-1: a\nx-3: c"},
		{rule.Request, "set-header X-1 a; allow if { method GET }; set-header X-2 b", "", "x-1: a"},
		{rule.Request, "set-path /x if { path /old/page }; set-header X-P %[path] if { path /x }", line, "GET /x?a=1 HTTP/1.1\nx-p: /x"},
		{rule.Request, "capture req.hdr(x-a) id 0; set-header X-C %[capture.req.hdr(0)]", "", "x-c: thre"},
		{rule.Request, "set-header X-Ctl a%[str(%0d%0aX:__1),url_dec]", "", "x-ctl: a%0D%0AX: 1"},
		{rule.Response, "del-header x-powered-by; set-header Server me; add-header X-S %[status]", "server: nginx\nx-powered-by: magic", "server: me\nx-s: 200"},
		{rule.Response, "set-status 418", "HTTP/1.1 200 OK", "HTTP/1.1 418 I'm a teapot"},
		{rule.Response, "set-status 503 reason Gone__fishing", "HTTP/1.1 200 OK", "HTTP/1.1 503 Gone fishing"},
		{rule.Response, `replace-header Server ^(.) \1\1`, "server: nginx", "server: nn"},
		{rule.AfterResponse, "set-header X-S %[status] if { res.hdr(x-debug) -m found }", "", "x-s: 200"},
	} {
		res := ""
		if c.place >= rule.Response {
			res = response
		}
		before, x := txntest.New(t, request, res), txntest.New(t, request, res)
		if v, out := run(t, list(t, c.place, strings.Split(c.rules, ";")...), x); v != txn.Next {
			t.Errorf("%s: verdict %v, %+v", c.rules, v, out)
			continue
		}
		was, is := strings.Split(head(before), "\r\n"), strings.Split(head(x), "\r\n")
		var gone, instead []string
		for _, l := range was {
			if !slices.Contains(is, l) {
				gone = append(gone, l)
			}
		}
		for _, l := range is {
			if !slices.Contains(was, l) {
				instead = append(instead, l)
			}
		}
		if got := strings.Join(gone, "\n"); got != c.gone {
			t.Errorf("%s: gone %q, want %q", c.rules, got, c.gone)
		}
		if got := strings.Join(instead, "\n"); got != c.instead {
			t.Errorf("%s: instead %q, want %q", c.rules, got, c.instead)
		}
	}
}

// A field that is set goes to the end, as in the reference.
func TestOrder(t *testing.T) {
	x := txntest.New(t, request, "")
	run(t, list(t, rule.Request, "set-header Host other"), x)
	if got := head(x); !strings.HasSuffix(got, "user-agent: curl\r\nhost: other\r\n\r\n") {
		t.Errorf("%q", got)
	}
}

// Rules that decide.
func TestDeciding(t *testing.T) {
	file := filepath.Join(t.TempDir(), "page")
	if err := os.WriteFile(file, []byte("from %[src]"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		place  rule.Place
		rules  string
		want   txn.Verdict
		status int
		denied bool
		reply  string // the whole answer; "" for a standard one
	}{
		{rule.Request, "deny", txn.Answered, 403, true, ""},
		{rule.Request, "deny deny_status 429", txn.Answered, 429, true, ""},
		{rule.Request, "deny deny_status 404 if { path_beg /old }", txn.Answered, 404, true, ""},
		{rule.Request, "deny status 418", txn.Answered, 418, true, "HTTP/1.1 418 I'm a teapot\r\ncontent-length: 0\r\n\r\n"},
		{rule.Request, "deny hdr X y", txn.Answered, 403, true, "HTTP/1.1 403 Forbidden\r\nx: y\r\ncontent-length: 0\r\n\r\n"},
		{rule.Request, "deny if { path_beg /new }", txn.Next, 0, false, ""},
		{rule.Request, "deny content-type text/plain string no", txn.Answered, 403, true, "HTTP/1.1 403 Forbidden\r\ncontent-length: 2\r\ncontent-type: text/plain\r\n\r\nno"},
		{rule.Response, "deny", txn.Answered, 502, true, ""},
		{rule.Request, "reject", txn.Gone, 0, true, ""},
		{rule.Connection, "reject if { src 10.0.0.0/8 }", txn.Gone, 0, true, ""},
		{rule.Connection, "accept if { src 10.0.0.0/8 }; reject", txn.Next, 0, false, ""},
		{rule.Session, "reject unless { dst_port 443 }", txn.Gone, 0, true, ""},
		{rule.Request, "return", txn.Answered, 200, false, "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"},
		{rule.Request, "return default-errorfiles", txn.Answered, 200, false, ""},
		{rule.Request, "return status 404 content-type text/plain lf-string %[path]! hdr X-A %[src] hdr X-B b", txn.Answered, 404, false, "HTTP/1.1 404 Not Found\r\nx-a: 10.1.2.3\r\nx-b: b\r\ncontent-length: 10\r\ncontent-type: text/plain\r\n\r\n/old/page!"},
		{rule.Request, "return content-type a/b file " + file, txn.Answered, 200, false, "HTTP/1.1 200 OK\r\ncontent-length: 11\r\ncontent-type: a/b\r\n\r\nfrom %[src]"},
		{rule.Request, "return content-type a/b lf-file " + file, txn.Answered, 200, false, "HTTP/1.1 200 OK\r\ncontent-length: 13\r\ncontent-type: a/b\r\n\r\nfrom 10.1.2.3"},
		{rule.Request, "redirect location https://x/%[path]", txn.Answered, 302, false, "HTTP/1.1 302 Found\r\ncontent-length: 0\r\nlocation: https://x//old/page\r\ncache-control: no-cache\r\n\r\n"},
		{rule.Request, "redirect scheme https code 301", txn.Answered, 301, false, "HTTP/1.1 301 Moved Permanently\r\ncontent-length: 0\r\nlocation: https://www.example.com/old/page?a=1\r\n\r\n"},
		{rule.Request, "redirect prefix https://y drop-query append-slash code 308", txn.Answered, 308, false, "HTTP/1.1 308 Permanent Redirect\r\ncontent-length: 0\r\nlocation: https://y/old/page/\r\n\r\n"},
		{rule.Request, "redirect prefix / code 301 set-cookie a=b", txn.Answered, 301, false, "HTTP/1.1 301 Moved Permanently\r\ncontent-length: 0\r\nlocation: /old/page?a=1\r\nset-cookie: a=b; path=/;\r\n\r\n"},
		{rule.Request, "redirect location / clear-cookie a=", txn.Answered, 302, false, "HTTP/1.1 302 Found\r\ncontent-length: 0\r\nlocation: /\r\ncache-control: no-cache\r\nset-cookie: a=; path=/; Max-Age=0;\r\n\r\n"},
		{rule.Request, "redirect location %[req.hdr(none)] ignore-empty", txn.Next, 0, false, ""},
		{rule.Response, "redirect location /x if { status 200 }", txn.Answered, 302, false, "HTTP/1.1 302 Found\r\ncontent-length: 0\r\nlocation: /x\r\ncache-control: no-cache\r\n\r\n"},
		{rule.Request, "redirect location / code 303", txn.Answered, 303, false, "HTTP/1.1 303 See Other\r\ncontent-length: 0\r\nlocation: /\r\ncache-control: no-cache\r\n\r\n"},
		{rule.Request, "redirect location / code 307", txn.Answered, 307, false, "HTTP/1.1 307 Temporary Redirect\r\ncontent-length: 0\r\nlocation: /\r\ncache-control: no-cache\r\n\r\n"},
		{rule.Request, "set-method a__b", txn.Answered, 500, false, ""},
		{rule.Request, "set-method CONNECT", txn.Answered, 500, false, ""},
		{rule.Request, "set-uri %[req.hdr(none)]", txn.Answered, 500, false, ""},
	} {
		res := ""
		if c.place == rule.Response {
			res = response
		}
		x := txntest.New(t, request, res)
		v, out := run(t, list(t, c.place, strings.Split(c.rules, ";")...), x)
		if v != c.want || out.Status != c.status || out.Denied != c.denied || (out.Reply != nil) != (c.reply != "") {
			t.Errorf("%s: verdict %v, %+v", c.rules, v, out)
			continue
		}
		if out.Reply != nil {
			got := string(h1.AppendResponse(nil, out.Reply, h1.WriteOptions{KeepAlive: true, Peer: out.Reply.Version})) + string(out.Content)
			if got != c.reply {
				t.Errorf("%s:\ngot  %q\nwant %q", c.rules, got, c.reply)
			}
		}
	}
}

// What has no path is led to the root.
func TestRedirectionsWithoutPath(t *testing.T) {
	for _, c := range []struct{ request, rule, want string }{
		{"CONNECT a:443", "prefix / append-slash", "/"},
		{"CONNECT a:443", "prefix http://b", "http://b/"},
		{"CONNECT a:443", "scheme https", "https://a/"},
		{"OPTIONS *", "prefix /", "/"},
		{"OPTIONS *", "prefix http://b append-slash", "http://b/"},
		{"GET http://a", "prefix http://b drop-query", "http://b/"},
	} {
		x := txntest.New(t, c.request+" HTTP/1.1\r\nHost: a\r\n\r\n", "")
		v, out := run(t, list(t, rule.Request, "redirect "+c.rule), x)
		if v != txn.Answered || string(out.Reply.GetID(message.Location)) != c.want {
			t.Errorf("%s, %s: %v, %q, want %q", c.request, c.rule, v, out.Reply.GetID(message.Location), c.want)
		}
	}
}

// Caches are asked, and given the response, where the conditions hold.
func TestCaching(t *testing.T) {
	read := func(place rule.Place, texts ...string) *rule.List {
		l := &rule.List{Place: place}
		for _, text := range texts {
			p := parser(place, text)
			var set func(int)
			p.Cache = func(_ string, index func(int)) { set = index }
			r, err := p.Parse()
			if err != nil {
				t.Fatal(err)
			}
			set(7) // as where the section is found later
			l.Rules = append(l.Rules, r)
		}
		return l
	}
	s := &txntest.Stream{}
	x := txntest.New(t, "GET / HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1 200 OK\r\n\r\n")
	x.Stream = s
	run(t, read(rule.Request, "cache-use c if { method POST }"), x)
	run(t, read(rule.Response, "cache-store c if { status 404 }"), x)
	if s.Used != nil || s.Stored != nil {
		t.Errorf("asked %v, given to %v, where conditions do not hold", s.Used, s.Stored)
	}
	v, _ := run(t, read(rule.Request, "cache-use c if { method GET }"), x)
	w, _ := run(t, read(rule.Response, "cache-store c"), x)
	if v != txn.Next || w != txn.Next || !slices.Equal(s.Used, []int{7}) || !slices.Equal(s.Stored, []int{7}) {
		t.Errorf("asked %v, given to %v; %v, %v", s.Used, s.Stored, v, w)
	}
	if _, err := parser(rule.Request, "cache-use c").Parse(); err == nil {
		t.Error("a cache where none can be named")
	}
}

// Rules that wait are asked again, and those before them are not.
func TestWaiting(t *testing.T) {
	x := txntest.New(t, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n", "")
	x.BodyEnd, x.Final = false, false
	l := list(t, rule.Request, "set-var(txn.n) int(1)", "set-var(txn.n) var(txn.n),add(1)", "wait-for-body time 50 at-least 4", "set-header X-L %[req.body_len]-%[var(txn.n)]", "tarpit deny_status 429 if { req.body -m str hell }", "set-header X-Never 1")
	rules := rule.NewRunner(sample.NewContext(16384, 1), "", 1).Bind(l)
	var out txn.Outcome
	if v := rules.Run(x, &out); v != txn.Wait || out.Need != (txn.Need{Body: 4, For: 50 * time.Millisecond}) {
		t.Fatalf("verdict %v, %+v", v, out)
	}
	at := x.Rule
	short, less := txntest.New(t, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\n", ""), txn.Outcome{}
	short.Body, short.BodyEnd, short.Final = []byte("hel"), true, false
	if v := rule.NewRunner(sample.NewContext(16384, 1), "", 1).Bind(list(t, rule.Request, "wait-for-body time 50 at-least 4")).Run(short, &less); v != txn.Next {
		t.Errorf("with a body that has ended: verdict %v, %+v", v, less)
	}
	out, x.Final, x.Body = txn.Outcome{}, false, []byte("he")
	if v := rules.Run(x, &out); v != txn.Wait || x.Rule != at {
		t.Fatalf("with half of it: verdict %v, %+v", v, out)
	}
	out, x.Final, x.Body = txn.Outcome{}, false, []byte("hell")
	if v := rules.Run(x, &out); v != txn.Wait || !out.Need.Tarpit {
		t.Fatalf("with all of it: verdict %v, %+v", v, out)
	}
	if got := string(x.Req.Get("x-l")); got != "4-2" {
		t.Errorf("after the wait: %q", got)
	}
	out, x.Final = txn.Outcome{}, false
	if v := rules.Run(x, &out); v != txn.Answered || out.Status != 429 || !out.Denied || x.Rule != 0 {
		t.Fatalf("after the tarpit: verdict %v, %+v", v, out)
	}
	if x.Req.Get("x-never") != nil {
		t.Error("a rule behind the tarpit was reached")
	}
}

// What is to be HTTP is known as soon as the head of a request has come, or something that
// is none.
func TestSwitchMode(t *testing.T) {
	l := list(t, rule.Content, "switch-mode http if HTTP", "reject if { req.len gt 0 }")
	l.Delay = time.Second
	rules := rule.NewRunner(sample.NewContext(16384, 1), "", 1).Bind(l)
	const head = "\r\nGET /x HTTP/1.1\r\nHost: a\r\n\r\n"
	for i := range len(head) + 1 {
		x := txntest.New(t, "", "")
		x.Content, x.Final = []byte(head[:i]), false
		want := txn.Wait
		if i == len(head) {
			want = txn.Next
		}
		var out txn.Outcome
		if v := rules.Run(x, &out); v != want || out.ToHTTP != (want == txn.Next) {
			t.Errorf("%q: %v, %+v", head[:i], v, out)
		}
	}
	for _, content := range []string{"?", "\x16\x03\x01", " GET / HTTP/1.1\r\n\r\n", "hello\r\n"} {
		x := txntest.New(t, "", "")
		x.Content, x.Final = []byte(content), false
		var out txn.Outcome
		if v := rules.Run(x, &out); v != txn.Gone || out.ToHTTP {
			t.Errorf("%q: %v, %+v", content, v, out)
		}
	}
}

// Rules about content wait for what they ask, as long as they may.
func TestContent(t *testing.T) {
	l := list(t, rule.Content, "accept if { req.payload(0,3) -m bin 616263 }", "reject if { req.len gt 5 }", "accept if WAIT_END")
	l.Delay = time.Second
	rules := rule.NewRunner(sample.NewContext(16384, 1), "", 1).Bind(l)
	for _, c := range []struct {
		content string
		final   bool
		want    txn.Verdict
	}{
		{"", false, txn.Wait}, {"ab", false, txn.Wait}, {"abc", false, txn.Next}, {"xyz", false, txn.Wait}, {"xyzabc", false, txn.Gone}, {"xyz", true, txn.Next}, {"", true, txn.Next},
	} {
		x := txntest.New(t, "", "")
		x.Content, x.Final = []byte(c.content), c.final
		var out txn.Outcome
		if v := rules.Run(x, &out); v != c.want || v == txn.Wait && out.Need != (txn.Need{Content: true, For: time.Second}) {
			t.Errorf("%q, final %v: %v, %+v", c.content, c.final, v, out)
		}
	}
	l.Delay = 0
	x := txntest.New(t, "", "")
	x.Final = false
	var out txn.Outcome
	if v := rule.NewRunner(sample.NewContext(16384, 1), "", 1).Bind(l).Run(x, &out); v != txn.Next {
		t.Errorf("without a delay: %v", v)
	}
}

func TestLogLevel(t *testing.T) {
	for text, want := range map[string]int{"emerg": 1, "err": 4, "silent": -1} {
		x := txntest.New(t, request, "")
		run(t, list(t, rule.Request, "set-log-level "+text), x)
		if x.LogLevel != want {
			t.Errorf("%s: %d", text, x.LogLevel)
		}
	}
}

func TestMistakes(t *testing.T) {
	for _, c := range []struct {
		place rule.Place
		text  string
		want  string
	}{
		{rule.Request, "dny", "0+0: unknown action 'dny' of 'http-request' rules; did you mean 'deny'?"},
		{rule.Request, "do-resolve", "0+10: 'do-resolve' needs a variable and a 'resolvers' section in parentheses, as 'do-resolve(txn.ip,dns)'"},
		{rule.Request, "do-resolve(txn.ip) str(a)", "0+11: 'do-resolve' expects a variable, the name of a 'resolvers' section, and perhaps 'ipv4' or 'ipv6', separated by commas"},
		{rule.Request, "do-resolve(txn.ip,) str(a)", "0+11: 'do-resolve' expects a variable, the name of a 'resolvers' section, and perhaps 'ipv4' or 'ipv6', separated by commas"},
		{rule.Request, "do-resolve(txn.ip,dns,ip) str(a)", "0+22: addresses are 'ipv4' or 'ipv6', not 'ip'"},
		{rule.Request, "do-resolve(ip,dns) str(a)", "0+11: 'ip' does not name a variable: want proc, sess, txn, req or res, a dot, and a name"},
		{rule.Request, "do-resolve(txn.ip,dns,ipv4)", "0+0: no 'resolvers' section can be named here"},
		{rule.Response, "do-resolve(txn.ip,dns) str(a)", "0+0: action 'do-resolve' is not possible in 'http-response' rules"},
		{rule.Request, "use-service", "0+11: the name of a service is missing after 'use-service'"},
		{rule.Request, "use-service prometheus", "1+0: there is no service 'prometheus' for 'http-request' rules: want prometheus-exporter, or one of a script"},
		{rule.Request, "use-service lua.x", "1+0: no script has registered a service 'lua.x'"},
		{rule.Response, "use-service prometheus-exporter", "0+0: action 'use-service' is not possible in 'http-response' rules"},
		{rule.Connection, "deny", "0+0: action 'deny' is not possible in 'tcp-request connection' rules"},
		{rule.Request, "deny_status 4", "0+0: unknown action 'deny_status' of 'http-request' rules"},
		{rule.Request, "deny status x", "2+0: a status is expected, from 200 to 599, not 'x'"},
		{rule.Request, "deny status", "1+6: a status is missing after 'status'"},
		{rule.Request, "deny status if TRUE", "2+0: a status is missing before 'if'"},
		{rule.Request, "deny deny_status 418", "2+0: there is no standard answer with status 418: give a content"},
		{rule.Request, "deny string x", "2+0: the content needs a 'content-type'"},
		{rule.Request, "deny if nope", "2+0: there is no ACL 'nope'"},
		{rule.Request, "return errorfile /none/x", "2+0: cannot use the error file: open /none/x: no such file or directory"},
		{rule.Request, "return errorfiles x", "2+0: 'errorfiles' cannot be named here"},
		{rule.Request, "return status 204 content-type a/b string x", "6+0: an answer with status 204 can have no content"},
		{rule.Request, "return string a default-errorfiles", "3+0: 'default-errorfiles' after 'string': an answer has only one content"},
		{rule.Request, "return status 418 default-errorfiles", "3+0: there is no standard answer with status 418: give a content"},
		{rule.Request, "set-mark x", "1+0: a mark is expected, decimal or as 0x1f, not 'x'"},
		{rule.Request, "set-src bool(1)", "1+0: 'bool(1)' is of kind boolean, and cannot be an address"},
		{rule.Request, "set-timeout client 1", "1+0: 'set-timeout' expects 'server' or 'tunnel', not 'client'"},
		{rule.Request, "set-timeout server 0", "2+0: a time above 0 is expected, not '0'"},
		{rule.Request, "normalize-uri path-strip-dots", "1+0: unknown normalizer 'path-strip-dots': want one of fragment-encode, fragment-strip, path-merge-slashes, path-strip-dot, path-strip-dotdot, percent-decode-unreserved, percent-to-uppercase, query-sort-by-name; did you mean 'path-strip-dot'?"},
		{rule.Request, "normalize-uri path-strip-dot full", "2+0: unexpected word 'full': want http-request normalize-uri <normalizer> [full | strict] [{ if | unless } <condition>]"},
		{rule.Request, "strict-mode maybe", "1+0: 'strict-mode' is 'on' or 'off', not 'maybe'"},
		{rule.Request, "set-map x y", "0+7: 'set-map' needs a file in parentheses, as 'set-map(/etc/names)'"},
		{rule.Request, "set-var(txn.x,ifgtt) int(1)", "0+8: unknown condition 'ifgtt': want one of ifexists, ifnotexists, ifempty, ifnotempty, ifset, ifnotset, ifgt, iflt; did you mean 'ifgt'?"},
		{rule.Request, "return string a string b", "3+0: 'string' after 'string': an answer has only one content"},
		{rule.Request, "return content-type a file /none/x", "4+0: cannot use the file: open /none/x: no such file or directory"},
		{rule.Request, "set-header X", "1+1: a value is missing after 'X'"},
		{rule.Request, "set-header X a b", "3+0: unexpected word 'b': want http-request set-header <name> <format> [{ if | unless } <condition>]"},
		{rule.Request, "set-header X: a", "1+0: 'X:' is not a valid header field name"},
		{rule.Request, "set-header Content-Length 5", "1+0: rules cannot touch the field 'Content-Length': the proxy frames messages itself"},
		{rule.Request, "set-header Connection close", "1+0: rules cannot write the field 'Connection': the proxy decides what becomes of connections"},
		{rule.Request, "return hdr connection close", "2+0: rules cannot write the field 'connection': the proxy decides what becomes of connections"},
		{rule.Request, "set-header X a%[src,x]", "2+7: unknown converter 'x'"},
		{rule.Request, "set-header X %zz", "2+0: no log format alias \"%zz\": %% writes a percent sign"},
		{rule.Request, "set-header X %[nbsrv(x)]", "2+8: argument 1 of 'nbsrv': 'x' cannot be named here"},
		{rule.Request, "del-header X -m dir", "3+0: 'dir' is no method for names of fields: want str, beg, end, sub or reg"},
		{rule.Request, "replace-header X ( a", "2+0: missing closing ) in the regular expression: '('"},
		{rule.Request, "redirect code 302", "2+0: 'redirect' needs a destination: 'location', 'prefix' or 'scheme'"},
		{rule.Request, "redirect location / code 304", "4+0: code 304 is not one of 301, 302, 303, 307 and 308"},
		{rule.Request, "redirect location / prefix /x", "3+0: 'prefix' after 'location': there can be only one destination"},
		{rule.Response, "redirect prefix /x", "2+0: 'prefix' needs the request, which is gone when the response comes: want 'location'"},
		{rule.Request, "set-var path", "0+7: 'set-var' needs a variable in parentheses, as 'set-var(txn.name)'"},
		{rule.Request, "set-var(x) path", "0+8: 'x' does not name a variable: want proc, sess, txn, req or res, a dot, and a name"},
		{rule.Request, "set-var(txn.x) pth", "1+0: unknown sample fetch 'pth'; did you mean 'path'?"},
		{rule.Request, "deny(x)", "0+4: action 'deny' has nothing in parentheses"},
		{rule.Request, "wait-for-body at-least 5", "2+0: 'wait-for-body' needs a time above 0, as 'time 1s'"},
		{rule.Request, "capture path id 9", "3+0: capture '9' is not declared: there are 1 before this line"},
		{rule.Response, "capture res.hdr(x) len 9", "3+0: 'len' is for captures of requests in a frontend: want 'id' and the slot of a 'declare capture' line"},
		{rule.Connection, "expect-proxy layer7", "1+0: a connection cannot be expected to begin with 'layer7': want 'layer4'"},
		{rule.Connection, "expect-proxy", "0+12: 'layer4' is missing after 'expect-proxy'"},
		{rule.Connection, "expect-netscaler-cip layer7", "1+0: a connection cannot be expected to begin with 'layer7': want 'layer4'"},
		{rule.Content, "switch-mode tcp", "1+0: 'switch-mode' expects 'http', not 'tcp'"},
		{rule.Content, "switch-mode", "0+11: 'http' is missing after 'switch-mode'"},
		{rule.Request, "set-log-level loud", "1+0: unknown level 'loud': want emerg, alert, crit, err, warning, notice, info, debug or silent"},
	} {
		_, err := parser(c.place, c.text).Parse()
		e, ok := errors.AsType[*rule.Error](err)
		if !ok {
			t.Errorf("%s: %v", c.text, err)
			continue
		}
		if got := fmt.Sprintf("%d+%d: %s", e.Word, e.Off, e.Msg); got != c.want {
			t.Errorf("%s:\ngot  %s\nwant %s", c.text, got, c.want)
		}
	}
}

// Every row is of the language, documented, and tried above.
func TestRows(t *testing.T) {
	var source []byte
	for _, name := range []string{"rule_test.go", "tracking_test.go", "wishes_test.go"} {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		source = append(source, text...)
	}
	for _, a := range rule.Actions() {
		for p := range rule.NumPlaces {
			if a.Places.Has(p) && !rule.Language(p, a.Name) {
				t.Errorf("'%s %s' is not of the language", p, a.Name)
			}
		}
		if a.Doc == "" {
			t.Errorf("%s has no documentation", a.Name)
		}
		if !strings.Contains(string(source), a.Name+" ") && !strings.Contains(string(source), a.Name+`"`) && !strings.Contains(string(source), a.Name+"(") {
			t.Errorf("%s is not tried", a.Name)
		}
	}
}

// twenty rules as configurations have them.
func twenty(t testing.TB) *rule.List {
	texts := []string{
		"set-var(txn.host) req.hdr(host),lower,field(1,:)", "deny if { path_end .php .asp } { method POST }", "deny if { src 192.0.2.0/24 198.51.100.0/24 }",
		"set-header X-Forwarded-Proto http", "set-header X-Client %[src]:%[src_port]", "add-header X-Via proxy", "del-header X-Debug", `replace-header User-Agent ^(cu)rl$ \1`,
		`replace-path ^/old/(.*) /new/\1`, "redirect scheme https if { req.hdr(x-secure) yes }", "return status 204 if { path /ping }",
		"set-header X-Host %[var(txn.host)]", "deny unless { method GET POST HEAD }", "set-query a=2 if { urlp(a) 9 }",
	}
	for i := range 6 {
		texts = append(texts, fmt.Sprintf("set-header X-App %d if { path_beg /app%d /other%d }", i, i, i))
	}
	return list(t, rule.Request, texts...)
}

func TestNoAllocations(t *testing.T) {
	l := twenty(t)
	if len(l.Rules) != 20 {
		t.Fatalf("%d rules", len(l.Rules))
	}
	rules := rule.NewRunner(sample.NewContext(16384, 1), "", 1).Bind(l)
	x := txntest.New(t, request, "")
	var p h1.Parser
	limits := h1.Limits{MaxHead: 1 << 16, MaxFields: 100}
	text := []byte(request)
	var out txn.Outcome
	one := func() {
		copy(text, request)
		out = txn.Outcome{}
		p.Reset()
		if n, err := p.Request(x.Req, text, &limits); n == 0 {
			t.Fatal(err)
		}
		x.Vars.Reset()
		if v := rules.Run(x, &out); v != txn.Next {
			t.Fatal(v)
		}
	}
	one()
	if n := testing.AllocsPerRun(100, one); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkTwentyRules(b *testing.B) {
	rules := rule.NewRunner(sample.NewContext(16384, 1), "", 1).Bind(twenty(b))
	x := txntest.New(b, request, "")
	var p h1.Parser
	limits := h1.Limits{MaxHead: 1 << 16, MaxFields: 100}
	text := []byte(request)
	var out txn.Outcome
	b.ReportAllocs()
	for b.Loop() {
		copy(text, request)
		p.Reset()
		_, _ = p.Request(x.Req, text, &limits)
		out = txn.Outcome{}
		rules.Run(x, &out)
	}
}

// However names are matched, what frames a message stays.
func TestFramingStays(t *testing.T) {
	for _, framing := range []string{"content-length: 3", "transfer-encoding: chunked"} {
		x := txntest.New(t, "POST / HTTP/1.1\r\nhost: a\r\n"+framing+"\r\nx-more: b\r\n\r\n", "")
		run(t, list(t, rule.Request, "del-header . -m reg", "del-header t -m beg", "del-header -length -m end", "del-header e -m sub"), x)
		if got, want := head(x), "POST / HTTP/1.1\r\n"+framing+"\r\n\r\n"; got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
