package rule_test

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"bench/proxy/pattern"
	"bench/proxy/rule"
	"bench/proxy/txn"
	"bench/proxy/txn/txntest"
)

// What rules want of connections.
func TestWishes(t *testing.T) {
	for _, c := range []struct {
		place rule.Place
		rules string
		is    func(*txn.Txn, *txntest.Stream) string
		want  string
	}{
		{rule.Request, "set-src req.hdr(x-from)", func(_ *txn.Txn, s *txntest.Stream) string { return s.Src.String() }, "192.0.2.9:4567"},
		{rule.Request, "set-src req.hdr(x-none)", func(_ *txn.Txn, s *txntest.Stream) string { return s.Src.String() }, "10.1.2.3:4567"},
		{rule.Request, "set-src src,ipmask(8); set-src-port int(5)", func(_ *txn.Txn, s *txntest.Stream) string { return s.Src.String() }, "10.0.0.0:5"},
		{rule.Connection, "set-src ipv6(2001:db8::1)", func(_ *txn.Txn, s *txntest.Stream) string { return s.Src.String() }, "[2001:db8::1]:4567"},
		{rule.Session, "set-dst str(198.51.100.1); set-dst-port int(65537)", func(_ *txn.Txn, s *txntest.Stream) string { return s.Dst.String() }, "198.51.100.1:1"},
		{rule.Request, "set-mark 0x1f", func(_ *txn.Txn, s *txntest.Stream) string { return strconv.Itoa(int(s.Mark)) }, "31"},
		{rule.Response, "set-tos 300", func(_ *txn.Txn, s *txntest.Stream) string { return strconv.Itoa(int(s.TOS)) }, "44"},
		{rule.Request, "set-priority-class int(-9999); set-priority-offset int(600000)", func(x *txn.Txn, _ *txntest.Stream) string {
			return strconv.Itoa(x.Class) + " " + strconv.Itoa(x.Offset)
		}, "-2047 524287"},
		{rule.Request, "set-priority-class str(x)", func(x *txn.Txn, _ *txntest.Stream) string { return strconv.Itoa(x.Class) }, "0"},
		{rule.Request, "set-timeout server 50; set-timeout tunnel int(70)", func(x *txn.Txn, _ *txntest.Stream) string {
			return x.ServerTimeout.String() + " " + x.TunnelTimeout.String()
		}, "50ms 70ms"},
		{rule.Request, "set-timeout server int(0)", func(x *txn.Txn, _ *txntest.Stream) string { return x.ServerTimeout.String() }, "0s"},
		{rule.Request, "disable-l7-retry", func(x *txn.Txn, _ *txntest.Stream) string { return strconv.FormatBool(x.NoReplay) }, "true"},
		{rule.Request, "wait-for-handshake ; set-nice 5", func(*txn.Txn, *txntest.Stream) string { return "" }, ""},
		{
			rule.Request, "early-hint A b; early-hint C d if { method POST }; early-hint E f", func(_ *txn.Txn, s *txntest.Stream) string { return strings.Join(s.Hints, "") },
			"HTTP/1.1 103 Early Hints\r\na: b\r\n\r\nHTTP/1.1 103 Early Hints\r\ne: f\r\n\r\n",
		},
		{
			rule.Request, "early-hint Link </a>; early-hint Link </%[src]>; set-header X y; early-hint A b; early-hint C d if { method GET }; early-hint E f", func(_ *txn.Txn, s *txntest.Stream) string { return strings.Join(s.Hints, "") },
			"HTTP/1.1 103 Early Hints\r\nlink: </a>\r\nlink: </10.1.2.3>\r\n\r\nHTTP/1.1 103 Early Hints\r\na: b\r\n\r\nHTTP/1.1 103 Early Hints\r\nc: d\r\ne: f\r\n\r\n",
		},
	} {
		res := ""
		if c.place == rule.Response {
			res = response
		}
		x := txntest.New(t, strings.Replace(request, "\r\n\r\n", "\r\nX-From: 192.0.2.9\r\n\r\n", 1), res)
		if v, out := run(t, list(t, c.place, strings.Split(c.rules, ";")...), x); v != txn.Next {
			t.Errorf("%s: verdict %v, %+v", c.rules, v, out)
		}
		if got := c.is(x, x.Stream.(*txntest.Stream)); got != c.want {
			t.Errorf("%s:\ngot  %q\nwant %q", c.rules, got, c.want)
		}
	}
}

// Rules that end a connection, and ask for a password.
func TestEnds(t *testing.T) {
	x := txntest.New(t, request, "")
	if v, out := run(t, list(t, rule.Request, "silent-drop"), x); v != txn.Gone || !out.Silent || !out.Denied {
		t.Errorf("silent-drop: %v, %+v", v, out)
	}
	if v, out := run(t, list(t, rule.Request, "auth realm Here"), x); v != txn.Answered || out.Status != 401 || string(out.Challenge) != "Here" || out.Denied {
		t.Errorf("auth: %v, %+v", v, out)
	}
	if v, out := run(t, list(t, rule.Request, "auth"), x); v != txn.Answered || string(out.Challenge) != "front" {
		t.Errorf("auth without a realm: %v, %+v", v, out)
	}
	if v, out := run(t, list(t, rule.Answer, "close"), x); v != txn.Next || !out.Close {
		t.Errorf("close: %v, %+v", v, out)
	}
	// What cannot be rewritten is let be, up to the end of the list.
	if v, out := run(t, list(t, rule.Request, "strict-mode off", "set-method a__b", "strict-mode on", "set-method a__b"), x); v != txn.Answered || out.Status != 500 {
		t.Errorf("strict-mode: %v, %+v", v, out)
	}
	if v, out := run(t, list(t, rule.Request, "strict-mode off", "set-method a__b"), x); v != txn.Next || string(x.Req.Method) != "GET" {
		t.Errorf("strict-mode off: %v, %+v", v, out)
	}
	if v, _ := run(t, list(t, rule.Request, "set-method a__b"), x); v != txn.Answered {
		t.Errorf("leniency outlives its list: %v", v)
	}
}

func TestNormalizers(t *testing.T) {
	for _, c := range []struct{ rule, target, want string }{
		{"fragment-encode", "/a#b?c#d", "/a%23b?c%23d"},
		{"fragment-strip", "/#foo", "/"},
		{"fragment-strip", "/a?b#c?d", "/a?b"},
		{"path-strip-dot", "/.", "/"},
		{"path-strip-dot", "/./bar/", "/bar/"},
		{"path-strip-dot", "/a/./a?/./x", "/a/a?/./x"},
		{"path-strip-dot", "/.well-known/", "/.well-known/"},
		{"path-strip-dotdot", "/foo/../", "/"},
		{"path-strip-dotdot", "/foo/../bar/", "/bar/"},
		{"path-strip-dotdot", "/foo/bar/../", "/foo/"},
		{"path-strip-dotdot", "/../bar/", "/../bar/"},
		{"path-strip-dotdot", "/bar/../../", "/../"},
		{"path-strip-dotdot", "/foo//../", "/foo/"},
		{"path-strip-dotdot", "/foo/%2E%2E/", "/foo/%2E%2E/"},
		{"path-strip-dotdot full", "/../bar/", "/bar/"},
		{"path-strip-dotdot full", "/bar/../../", "/"},
		{"path-strip-dotdot", "/a/b/..?c/../", "/a/?c/../"},
		{"path-merge-slashes", "//", "/"},
		{"path-merge-slashes", "/foo//bar?a//b", "/foo/bar?a//b"},
		{"percent-decode-unreserved", "/%61dmin", "/admin"},
		{"percent-decode-unreserved", "/foo%3Fbar=baz", "/foo%3Fbar=baz"},
		{"percent-decode-unreserved", "/%%36%36", "/%66"},
		{"percent-decode-unreserved", "/%ZZ", "/%ZZ"},
		{"percent-decode-unreserved strict", "/%%36%36", ""},
		{"percent-decode-unreserved strict", "/%ZZ", ""},
		{"percent-decode-unreserved strict", "/%7e?%7E", "/~?~"},
		{"percent-to-uppercase", "/%6f", "/%6F"},
		{"percent-to-uppercase", "/%zz", "/%zz"},
		{"percent-to-uppercase strict", "/%zz", ""},
		{"query-sort-by-name", "/?c=3&a=1&b=2", "/?a=1&b=2&c=3"},
		{"query-sort-by-name", "/?aaa=3&a=1&aa=2", "/?a=1&aa=2&aaa=3"},
		{"query-sort-by-name", "/?a=3&b=4&a=1&b=5&a=2", "/?a=3&a=1&a=2&b=4&b=5"},
		{"query-sort-by-name", "/none", "/none"},
	} {
		x := txntest.New(t, "GET "+strings.ReplaceAll(c.target, "#", "!")+" HTTP/1.1\r\nHost: x\r\n\r\n", "")
		x.Req.SetTarget([]byte(c.target))
		v, out := run(t, list(t, rule.Request, "normalize-uri "+c.rule), x)
		if c.want == "" {
			if v != txn.Answered || out.Status != 400 || !out.Invalid {
				t.Errorf("%s of %s: %v, %+v", c.rule, c.target, v, out)
			}
			continue
		}
		if v != txn.Next || string(x.Req.Target) != c.want {
			t.Errorf("%s of %s: %s, want %s", c.rule, c.target, x.Req.Target, c.want)
		}
	}
}

// Rules change the lists that ACLs and maps look into.
func TestListing(t *testing.T) {
	file := filepath.Join(t.TempDir(), "list")
	if err := os.WriteFile(file, []byte("a 1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	lists := &pattern.Lists{}
	l := &rule.List{Place: rule.Request}
	for _, text := range []string{
		"set-header X-1 %[str(a),map(" + file + ",none)]%[str(b),map(" + file + ",none)]", "set-map(" + file + ") b %[src_port]", "set-map(" + file + ") a 2",
		"set-header X-2 %[str(a),map(" + file + ",none)]%[str(b),map(" + file + ",none)]", "del-map(" + file + ") a", "set-header X-3 %[str(a),map(" + file + ",none)]",
		"add-acl(/not/loaded) x", "del-acl(/not/loaded) x",
	} {
		p := parser(rule.Request, text)
		p.Lookup.Env.Lists = lists
		r, err := p.Parse()
		if err != nil {
			t.Fatal(err)
		}
		l.Rules = append(l.Rules, r)
	}
	x := txntest.New(t, request, "")
	run(t, l, x)
	if got := string(x.Req.Get("x-1")) + " " + string(x.Req.Get("x-2")) + " " + string(x.Req.Get("x-3")); got != "1none 24567 none" {
		t.Errorf("%s", got)
	}
	for i, want := range map[int]bool{1: true, 4: true, 6: false} {
		if _, loaded := l.Rules[i].List(); loaded != want {
			t.Errorf("%s: loaded %v", l.Rules[i], loaded)
		}
	}
}

// Variables are set if their conditions hold.
func TestConditionsOfVariables(t *testing.T) {
	for _, c := range []struct{ rules, want string }{
		{"set-var(txn.a,ifnotexists) int(1); set-var(txn.a,ifnotexists) int(2)", "1"},
		{"set-var(txn.a,ifexists) int(1)", ""},
		{"set-var(txn.a) int(1); unset-var(txn.a); set-var(txn.a,ifexists) int(2)", ""},
		{"set-var(txn.a) int(1); unset-var(txn.a); set-var(txn.a,ifset) int(2)", ""},
		{"set-var(txn.a) int(1); unset-var(txn.a); set-var(txn.a,ifnotset) int(2)", "2"},
		{"set-var(txn.a,ifempty) str(x)", ""},
		{"set-var(txn.a) int(1); set-var(txn.a,ifempty) str(); set-var(txn.a,ifnotempty) str()", ""},
		{"set-var(txn.a,ifempty) int(0)", ""},
		{"set-var(txn.a) int(5); set-var(txn.a,ifgt) int(6); set-var(txn.a,iflt) int(5)", "5"},
		{"set-var(txn.a) int(5); set-var(txn.a,ifgt) int(4)", "4"},
		{"set-var(txn.a) int(5); set-var(txn.a,iflt,ifset) int(9)", "9"},
		{"set-var(txn.a) str(5); set-var(txn.a,ifgt) int(9)", "9"},
		{"set-var(txn.a) int(5); set-var-fmt(txn.a,ifnotset) 7", "5"},
		{"set-header X %[int(3),set-var(txn.a,ifset)]", ""},
	} {
		x := txntest.New(t, request, "")
		run(t, list(t, rule.Request, append(strings.Split(c.rules, ";"), "set-header X-A %[var(txn.a)]")...), x)
		if got := string(x.Req.Get("x-a")); got != c.want {
			t.Errorf("%s: %q, want %q", c.rules, got, c.want)
		}
	}
}
