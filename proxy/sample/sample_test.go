package sample_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"bench/proxy/sample"
	"bench/proxy/txn"
	"bench/proxy/txn/txntest"
)

const request = "GET /a/b.html?x=1&y=two&x=3 HTTP/1.1\r\nHost: www.Example.com:8080\r\n" +
	"X-List: one, two,\"th,ree\" , four\r\nX-List: five\r\nX-Num: 42abc\r\nX-Forwarded-For: 192.0.2.9, 2001:db8::1\r\n" +
	"Cookie: sid=abc; theme=dark\r\nCookie: sid=def\r\nUser-Agent: curl/7.8 (x, y)\r\nX-Empty:\r\n\r\n"

const response = "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nSet-Cookie: id=7; Path=/\r\nServer: web,1\r\n\r\n"

func env() *sample.Env {
	return &sample.Env{Names: &txn.Names{}, At: txn.Between(0, txn.StepLog), Where: "tests", Later: func(r sample.Reference) {
		r.Arg.Int, r.Arg.Server = 1, "y"
	}, ReqCaptures: []int{4}, Sink: func(name string) (int, bool) { return 0, name == "buf0" || name == "stdout" }}
}

// eval is the text of an expression's value, "<none>" for none.
func eval(t *testing.T, e *sample.Expr, x *txn.Txn) string {
	t.Helper()
	c := sample.NewContext(16384, 1)
	c.Txn = x
	v := e.EvalAs(c, txn.Str)
	if v == nil {
		return "<none>"
	}
	return string(v.B)
}

// all are the texts of all values, as patterns are compared with.
func all(e *sample.Expr, x *txn.Txn) []string {
	c := sample.NewContext(16384, 1)
	c.Txn = x
	var list []string
	for v := e.First(c); v != nil; v = e.Next(c) {
		c.Cast(v, txn.Str)
		list = append(list, string(v.B))
	}
	return list
}

func compile(t *testing.T, text string) *sample.Expr {
	t.Helper()
	e, err := sample.Compile(text, env())
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return e
}

// results are what expressions give for the request and response above.
var results = []struct{ expr, want string }{
	{"always_true", "1"},
	{"always_false", "0"},
	{"bool(true)", "1"},
	{"str(-99999999999999999999),add(0)", "-9223372036854775808"},
	{"str(99999999999999999999),add(0)", "9223372036854775807"},
	{"str(::ffff:1.2.3.4),ipmask(24)", "1.2.3.0"},
	{"int(-5)", "-5"},
	{"str(a b)", "a b"},
	{"bin(0aff),hex", "0AFF"},
	{"ipv4(1.2.3.4)", "1.2.3.4"},
	{"ipv6(::1)", "::1"},
	{"meth(PURGE)", "PURGE"},
	{"proc", "1"},
	{"nbproc", "1"},
	{"thread", "0"},
	{"stopping", "0"},
	{"env(BENCH_SAMPLE_NONE)", "<none>"},
	{"fe_name", "front"},
	{"fe_id", "1"},
	{"fe_conn", "10"},
	{"fe_conn(x)", "11"},
	{"be_name", "back"},
	{"be_id", "2"},
	{"be_conn", "21"},
	{"nbsrv", "2"},
	{"nbsrv(x)", "2"},
	{"queue", "31"},
	{"srv_name", "s1"},
	{"srv_id", "7"},
	{"srv_is_up(x/y)", "1"},
	{"srv_conn(x/y)", "41"},
	{"src", "10.1.2.3"},
	{"src_port", "4567"},
	{"dst", "192.0.2.1"},
	{"dst_port", "80"},
	{"ssl_fc", "0"},
	{"ssl_fc_has_early", "<none>"},
	{"ssl_fc_has_sni", "0"},
	{"ssl_fc_is_resumed", "0"},
	{"ssl_fc_has_crt", "<none>"},
	{"ssl_fc_sni", "<none>"},
	{"ssl_fc_alpn", "<none>"},
	{"ssl_fc_cipher", "<none>"},
	{"ssl_fc_protocol", "<none>"},
	{"ssl_fc_alg_keysize", "<none>"},
	{"ssl_fc_use_keysize", "<none>"},
	{"ssl_fc_err", "<none>"},
	{"ssl_c_err", "<none>"},
	{"ssl_c_ca_err", "<none>"},
	{"ssl_c_verify", "<none>"},
	{"ssl_c_used", "<none>"},
	{"ssl_c_der", "<none>"},
	{"ssl_c_s_dn", "<none>"},
	{"ssl_c_i_dn(CN)", "<none>"},
	{"ssl_c_notafter", "<none>"},
	{"ssl_c_notbefore", "<none>"},
	{"ssl_c_serial", "<none>"},
	{"ssl_c_sha1", "<none>"},
	{"ssl_c_version", "<none>"},
	{"ssl_c_ca_err_depth", "<none>"},
	{"ssl_c_key_alg", "<none>"},
	{"ssl_c_sig_alg", "<none>"},
	{"ssl_c_chain_der", "<none>"},
	{"ssl_c_s_dn(,0,rfc2253)", "<none>"},
	{"ssl_f_der", "<none>"},
	{"ssl_f_s_dn(CN)", "<none>"},
	{"ssl_f_i_dn", "<none>"},
	{"ssl_f_key_alg", "<none>"},
	{"ssl_f_sig_alg", "<none>"},
	{"ssl_f_notafter", "<none>"},
	{"ssl_f_notbefore", "<none>"},
	{"ssl_f_serial", "<none>"},
	{"ssl_f_sha1", "<none>"},
	{"ssl_f_version", "<none>"},
	{"fc_err", "0"},
	{"cpu_ns_tot", "0"},
	{"cpu_ns_avg", "0"},
	{"lat_ns_tot", "0"},
	{"lat_ns_avg", "0"},
	{"bin(100f00044d5154540402003c0003636964),mqtt_is_valid", "1"},
	{"bin(100f00044d5154540402003c00036369),mqtt_is_valid", "<none>"},
	{"bin(100f00044d5154540402003c0003636964),mqtt_field_value(1,Client_Identifier)", "cid"},
	{"bin(100f00044d5154540402003c0003636964),mqtt_field_value(connect,keepalive)", "60"},
	{"int(-2),hex", "FFFFFFFFFFFFFFFE"},
	{"bool(1),base64", "AAAAAAAAAAE="},
	{"http_first_req", "1"},
	{"fc_src", "10.1.2.3"},
	{"method", "GET"},
	{"path", "/a/b.html"},
	{"pathq", "/a/b.html?x=1&y=two&x=3"},
	{"query", "x=1&y=two&x=3"},
	{"url", "/a/b.html?x=1&y=two&x=3"},
	{"base", "www.Example.com:8080/a/b.html"},
	{"baseq", "www.Example.com:8080/a/b.html?x=1&y=two&x=3"},
	{"url_param(y)", "two"},
	{"urlp(x)", "1"},
	{"urlp_val(x)", "1"},
	{"url_param(z)", "<none>"},
	{"req.ver", "1.1"},
	{"req_ver", "1.1"},
	{"req.hdr(host)", "www.Example.com:8080"},
	{"req.hdr(X-List)", "five"},
	{"req.hdr(x-list,1)", "one"},
	{"req.hdr(x-list,3)", `"th,ree"`},
	{"req.hdr(x-list,-2)", "four"},
	{"req.hdr(x-list,9)", "<none>"},
	{"req.hdr(x-none)", "<none>"},
	{"req.hdr(x-empty)", ""},
	{"req.fhdr(x-list,1)", `one, two,"th,ree" , four`},
	{"req.fhdr(user-agent)", "curl/7.8 (x, y)"},
	{"req.hdr(user-agent)", "y)"},
	{"req.hdr_cnt(x-list)", "5"},
	{"req.fhdr_cnt(x-list)", "2"},
	{"req.hdr_cnt(x-none)", "0"},
	{"req.hdr_val(x-num)", "42"},
	{"req.hdr_ip(x-forwarded-for)", "2001:db8::1"},
	{"req.hdr_ip(x-forwarded-for,1)", "192.0.2.9"},
	{"req.cook(sid)", "def"},
	{"cook(theme)", "dark"},
	{"req.cook_cnt(sid)", "2"},
	{"cook(none)", "<none>"},
	{"cook_val(none)", "<none>"},
	{"req.hdr_names(;)", "host;x-list;x-list;x-num;x-forwarded-for;cookie;cookie;user-agent;x-empty"},
	{"status", "404"},
	{"res.ver", "1.1"},
	{"res.hdr(server)", "1"},
	{"res.fhdr(server)", "web,1"},
	{"hdr(server,1)", "web"},
	{"res.cook(id)", "7"},
	{"scook(id)", "7"},
	{"res.hdr_cnt(server)", "2"},
	{"capture.req.method", "GET"},
	{"capture.req.uri", "/a/b.html?x=1&y=two&x=3"},
	{"capture.req.ver", "HTTP/1.1"},
	{"capture.req.hdr(0)", "<none>"},
	{"var(txn.none)", "<none>"},
	{"var(txn.none,dflt)", "dflt"},

	{"str(AbC),lower", "abc"},
	{"str(AbC),upper", "ABC"},
	{"str(abc),length", "3"},
	{"str(a-b--c),field(2,-)", "b"},
	{"str(a-b--c),field(3,-)", ""},
	{"str(a-b--c),field(-1,-)", "c"},
	{"str(a-b--c),field(2,-,2)", "b-"},
	{"str(a-b--c),field(2,-,0)", "b--c"},
	{"str(a-b--c),field(9,-)", "<none>"},
	{"str(a-b-c),field(-2,-,2)", "a-b"},
	{"str(a-b-c),field(-1,-,0)", "a-b-c"},
	{"str(--a--b-c-),word(1,-)", "a"},
	{"str(--a--b-c-),word(2,-)", "b"},
	{"str(--a--b-c-),word(-1,-)", "c"},
	{"str(--a--b-c-),word(4,-)", ""},
	{"str(--a-b),word(-3,-)", ""},
	{"str(--a--b-c-),word(1,-,2)", "a--b"},
	{"str(--a--b-c-),word(2,-,0)", "b-c-"},
	{"str(--a--b-c-),word(2,-,2)", "b-c"},
	{"str(--a--b-c-),word(2,-,9)", "b-c-"},
	{"str(--a--b-c-),word(-1,-,9)", "--a--b-c"},
	{"str(--a--b-c-),word(-2,-,2)", "a--b"},
	{"str(abcdef),bytes(2)", "cdef"},
	{"str(abcdef),bytes(2,2)", "cd"},
	{"str(abc),bytes(9)", ""},
	{"str(xxaxx),ltrim(x)", "axx"},
	{"str(xxaxx),rtrim(x)", "xxa"},
	{"str(abc),concat(-,,+)", "abc-+"},
	{"str(v1),set-var(txn.v),concat(<,txn.v,>)", "v1<v1>"},
	{"str(abc),concat(,txn.none,)", "abc"},
	{`path,regsub(^/a,/z)`, "/z/b.html"},
	{`str(banana),regsub(a,o,g)`, "bonono"},
	{`str(Abc),regsub(a,x,i)`, "xbc"},
	{`str(/x/y),regsub("^/(.)/(.)","\2-\1")`, "y-x"},
	{"str(abc),regsub(q,z)", "abc"},
	{"always_true,iif(yes,no)", "yes"},
	{"int(0),iif(yes,no)", "no"},
	{"str(b),strcmp(txn.none)", "<none>"},
	{"str(a),set-var(txn.a),strcmp(txn.a)", "0"},
	{"str(Hello),base64", "SGVsbG8="},
	{"str(SGVsbG8=),b64dec", "Hello"},
	{"bin(fbff),ub64enc", "-_8"},
	{"str(-_8),ub64dec,hex", "FBFF"},
	{"str(*),b64dec", "<none>"},
	{"str(aZ),hex", "615A"},
	{"str(ff),hex2i", "255"},
	{"str(fg),hex2i", "<none>"},
	{"str(a%20b+c),url_dec", "a b+c"},
	{"str(a?b+c),url_dec", "a?b c"},
	{"str(a+c),url_dec(1)", "a c"},
	{"str(%zz),url_dec", "<none>"},
	{"str(a b/?),url_enc", "a%20b%2F%3F"},
	{"str(abc),sha1,hex", "A9993E364706816ABA3E25717850C26C9CD0D89D"},
	{"str(abc),sha2,hex", "BA7816BF8F01CFEA414140DE5DAE2223B00361A396177A9CB410FF61F20015AD"},
	{"str(abc),sha2(224),length", "28"},
	{"int(5),add(3)", "8"},
	{"int(5),sub(7)", "-2"},
	{"int(5),mul(-3)", "-15"},
	{"int(7),div(2)", "3"},
	{"int(7),mod(4)", "3"},
	{"int(6),and(3)", "2"},
	{"int(6),or(1)", "7"},
	{"int(6),xor(2)", "4"},
	{"int(9223372036854775807),add(1)", "9223372036854775807"},
	{"int(-9223372036854775807),sub(9)", "-9223372036854775808"},
	{"int(9223372036854775807),mul(-2)", "-9223372036854775808"},
	{"int(4),neg", "-4"},
	{"int(0),cpl", "-1"},
	{"int(5),bool", "1"},
	{"int(5),not", "0"},
	{"int(5),odd", "1"},
	{"int(5),even", "0"},
	{"str(true),bool", "0"},
	{"str(12x),bool", "1"},
	{"int(4),set-var(txn.n),add(txn.n)", "8"},
	{"int(4),add(txn.nope)", "<none>"},
	{"int(258),htonl,hex", "00000102"},
	{"src,ipmask(8)", "10.0.0.0"},
	{"src,ipmask(255.255.0.0)", "10.1.0.0"},
	{"ipv6(2001:db8::ff),ipmask(24,32)", "2001:db8::"},
	{"ipv6(2001:db8::ff),ipmask(24)", "<none>"},
	{"src,ipmask(0)", "0.0.0.0"},
	{"ipv6(ffff::1),ipmask(1,127)", "ffff::"},
	{"req.hdr(host),host_only", "www.example.com"},
	{"req.hdr(host),port_only", "8080"},
	{"str([::1]:80),host_only", "[::1]"},
	{"str([::1]),port_only", "0"},
	{"int(1000000000),http_date", "Sun, 09 Sep 2001 01:46:40 GMT"},
	{"str(Wikipedia),crc32", "2913648686"},
	{"str(123456789),crc32c", "3808858755"},
	{"str(abc),djb2", "193485963"},
	{"str(),xxh32", "46947589"},
	{"str(),xxh64", "-1205034819632174695"},
	{"str(abc),sdbm", "807794786"},
	{"str(abc),wt6", "2483038440"},
	{"str(abc),djb2(1)", "2235766107"},
	{"str(a),xxh32", "1426945110"},
	{"str(a),xxh64", "-3292477735350538661"},
	{"str(abcdefghijklmnopqrstuvwxyz0123456789),xxh64(5)", "-3557087898108467863"},
	{"str(abcdefghijklmnopqrstuvwxyz0123456789),xxh32(5)", "1543098167"},
	{"int(1),set-var(sess.a),add(sess.a)", "2"},
	{"str(abcdefgh),capture-req(0),length", "8"},
	{"src,set-var(req.ip),length", "8"},
	{"str(a),unset-var(txn.q)", "a"},
}

func TestResults(t *testing.T) {
	for _, r := range results {
		if got := eval(t, compile(t, r.expr), txntest.New(t, request, response)); got != r.want {
			t.Errorf("%s: %q, want %q", r.expr, got, r.want)
		}
	}
}

// casesTry are the words of the cases that are compared with the reference.
func casesTry(t *testing.T) map[string]bool {
	t.Helper()
	paths, err := filepath.Glob("../difftest/testdata/cases/*.txt")
	if err != nil || len(paths) == 0 {
		t.Fatal(err, len(paths))
	}
	words := map[string]bool{}
	for _, p := range paths {
		text, err := os.ReadFile(p)
		if err != nil {
			t.Fatal(err)
		}
		for _, w := range strings.FieldsFunc(string(text), func(r rune) bool {
			return !strings.ContainsRune("abcdefghijklmnopqrstuvwxyz0123456789_.+-", r)
		}) {
			words[w] = true
		}
	}
	return words
}

// Every row of the tables is tried above or in the cases that are compared with the
// reference, or in another test.
func TestEveryRowIsTried(t *testing.T) {
	elsewhere := []string{
		"hostname", "date", "rand", "uuid", "unique-id", "fc_rcvd_proxy", "fc_pp_authority", "fc_pp_unique_id", "wait_end", "req.len", "req.payload", "payload_lv", "req.payload_lv", "res.payload_lv", "res.len", "res.payload", "res.ssl_hello_type", "req.rdp_cookie", "req.rdp_cookie_cnt", "req.ssl_hello_type", "req.ssl_sni", "req.ssl_alpn", "req.ssl_ver", "req.ssl_ec_ext", "req.ssl_st_ext",
		"req.body", "req.body_len", "req.body_size", "req.body_param", "req.hdrs", "res.hdrs", "capture.res.hdr", "cut_crlf", "capture-res",
		"hdr_cnt", "hdr_ip", "hdr_val", "res.hdr_ip", "res.hdr_val", "res.fhdr_cnt", "res.hdr_names", "res.cook_val", "res.cook_cnt",
	}
	cases := casesTry(t)
	tried := func(name string) bool {
		if cases[name] {
			return true
		}
		for _, r := range slices.Concat(results, mapResults, tableResults) {
			for part := range strings.SplitSeq(r.expr, ",") {
				if head, _, _ := strings.Cut(part, "("); head == name || slices.Contains(sample.OtherNames(name), head) {
					return true
				}
			}
		}
		return false
	}
	check := func(row sample.Row) {
		ofTLS := strings.HasPrefix(row.Name, "ssl_") // which have clients of their own to compare them with
		if !tried(row.Name) && !slices.Contains(elsewhere, row.Name) && !ofTLS {
			t.Errorf("row %s is not tried", row.Name)
		}
		if row.Doc == "" {
			t.Errorf("row %s has no documentation", row.Name)
		}
	}
	for _, f := range sample.Fetches() {
		check(f.Row)
		if !slices.Contains(sample.Language("sample fetch"), f.Name) {
			t.Errorf("fetch %s is not of the language", f.Name)
		}
	}
	for _, c := range sample.Convs() {
		check(c.Row)
		if !slices.Contains(sample.Language("converter"), c.Name) {
			t.Errorf("converter %s is not of the language", c.Name)
		}
	}
}

// What the reference would have in its buffers of the response above; the cases have more.
func TestBlocks(t *testing.T) {
	x := txntest.New(t, request, response)
	for _, c := range []struct{ expr, want string }{
		{"internal.htx.nbblks", "5"},
		{"internal.htx.data", "89"},
		{"internal.htx.used", "129"},
		{"internal.htx.size", "16336"},
		{"internal.htx.free", "16207"},
		{"internal.htx.free_data", "16199"},
		{"internal.htx.has_eom", "1"},
		{"internal.htx_blk.type(head)", "HTX_BLK_RES_SL"},
		{"internal.htx_blk.type(1)", "HTX_BLK_HDR"},
		{"internal.htx_blk.type(tail)", "HTX_BLK_EOH"},
		{"internal.htx_blk.type(5)", "HTX_BLK_UNUSED"},
		{"internal.htx_blk.size(1)", "15"},
		{"internal.htx_blk.hdrname(2)", "set-cookie"},
		{"internal.htx_blk.hdrname(0)", ""},
		{"internal.htx_blk.hdrval(3)", "web,1"},
		{"internal.htx_blk.data(tail)", ""},
		{"internal.htx_blk.start_line(first)", "HTTP/1.1 404 Not Found"},
		{"internal.htx_blk.start_line(1)", ""},
		{"internal.strm.is_htx", "1"},
	} {
		if got := eval(t, compile(t, c.expr), x); got != c.want {
			t.Errorf("%s: %q, want %q", c.expr, got, c.want)
		}
	}
}

// Lines of "debug" say what kind a value is of, and show what can be shown.
func TestDebug(t *testing.T) {
	x := txntest.New(t, request, response)
	for expr, want := range map[string]string{
		"str(a b~),debug":               "[debug] : type=str <a b~>",
		"int(-5),debug(n)":              "[debug] n: type=sint <-5>",
		"bool(1),debug(b,stdout)":       "[debug] b: type=bool <1>",
		"src,debug(s)":                  "[debug] s: type=ipv4 <10.1.2.3>",
		"bin(00610aff),debug(x),length": "[debug] x: type=bin <.a..>",
		"method,debug(m)":               "[debug] m: type=meth <GET>",
	} {
		e := compile(t, expr)
		plain := compile(t, regexp.MustCompile(`,debug(\([^)]*\))?`).ReplaceAllString(expr, ""))
		if got, same := eval(t, e, x), eval(t, plain, x); got != same {
			t.Errorf("%s: goes on with %q, not %q", expr, got, same)
		}
		if got := string(x.Stream.(*txntest.Stream).Engine.Reported); got != want {
			t.Errorf("%s: %q, want %q", expr, got, want)
		}
	}
	for _, expr := range []string{"str(a),debug(x,none)", "str(a),debug(x,stdout,y)"} {
		if _, err := sample.Compile(expr, env()); err == nil {
			t.Errorf("%s is accepted", expr)
		}
	}
}

func TestSeveralValues(t *testing.T) {
	x := txntest.New(t, request, response)
	for expr, want := range map[string]string{
		"hdr(x-list)":           "web",
		"req.hdr(x-list)":       `one|two|"th,ree"|four|five`,
		"req.fhdr(x-list)":      `one, two,"th,ree" , four|five`,
		"req.hdr(x-list),upper": `ONE|TWO|"TH,REE"|FOUR|FIVE`,
		"req.hdr(x-list,2)":     "two",
		"req.cook(sid)":         "abc|def",
		"urlp(x)":               "1|3",
		"hdr_ip(x-none)":        "",
		"path":                  "/a/b.html",
	} {
		if expr == "hdr(x-list)" {
			expr, want = "hdr(server)", "web|1"
		}
		if got := strings.Join(all(compile(t, expr), x), "|"); got != want {
			t.Errorf("%s: %s, want %s", expr, got, want)
		}
	}
	for value, want := range map[string]int{"a": 1, "a,": 2, ",a": 2, ",": 2, "a,,b": 3, `"a,b"`: 1} {
		x := txntest.New(t, "GET / HTTP/1.1\r\nHost: x\r\nX: "+value+"\r\n\r\n", "")
		if got := len(all(compile(t, "req.hdr(x)"), x)); got != want {
			t.Errorf("%q has %d values, want %d", value, got, want)
		}
		if got := eval(t, compile(t, "req.hdr_cnt(x)"), x); got != fmt.Sprint(want) {
			t.Errorf("%q counts as %s values, want %d", value, got, want)
		}
	}
}

func TestMistakes(t *testing.T) {
	for expr, want := range map[string]string{
		"sorce":                 "0: unknown sample fetch 'sorce'; did you mean 'src'?",
		"51d.all":               "0: sample fetch '51d.all' is not supported",
		"ssl_c_s_dn(CN,1,x)":    "0: 'ssl_c_s_dn': the format of a name is 'rfc2253', not 'x'",
		"src,lowr":              "4: unknown converter 'lowr'; did you mean 'lower'?",
		"src,51d.single(x)":     "4: converter '51d.single' is not supported",
		"path(x)":               "5: 'path' has no arguments",
		"req.hdr(a,b)":          "10: argument 2 of 'req.hdr': want an integer, not 'b'",
		"req.hdr(a,1,2)":        "12: too many arguments of 'req.hdr': want req.hdr([<name>][,<occurrence>])",
		"req.hdr(a":             "8: no ')' ends the arguments of 'req.hdr(a'",
		"str(a),add(1)":         "",
		"bool(1),ipmask(8)":     "8: converter 'ipmask' cannot take the boolean that comes before it",
		"var(x)":                "4: argument 1 of 'var': 'x' does not name a variable: want proc, sess, txn, req or res, a dot, and a name",
		"var(txn.a b)":          "4: argument 1 of 'var': character ' ' is not permitted in the name of variable 'txn.a b'",
		"str(a),regsub((,x)":    "7: 'regsub': missing closing ) in the regular expression: '('",
		"str(a),regsub(b,c,q)":  "7: 'regsub': flag 'q' is unknown: want g, i or both",
		"src;x":                 "3: ';x' after the expression 'src' is not understood: converters follow a comma",
		"int(1),div(x)":         "11: argument 1 of 'div': want an integer or a variable such as txn.name, not 'x'",
		"str(a),field(0,.)":     "7: 'field': fields count from 1, or from -1 backwards",
		"str(a),capture-req(3)": "7: 'capture-req': capture 3 is not declared: there are 1 before this line",
	} {
		_, err := sample.Compile(expr, env())
		got := ""
		if e, ok := errors.AsType[*sample.Error](err); ok {
			got = fmt.Sprintf("%d: %s", e.Off, e.Msg)
		}
		if got != want {
			t.Errorf("%s:\ngot  %s\nwant %s", expr, got, want)
		}
	}
	e := compile(t, "res.hdr(x)")
	at := env()
	at.At, at.Where = txn.At(txn.StepRequest), txn.StepRequest.String()
	if err := at.Check(e); err == nil || err.Error() != "sample fetch 'res.hdr' has no value in rules of a frontend's requests: it belongs in rules of responses" {
		t.Error(err)
	}
}

// What has not come yet is unknown, and what cannot come any more is not there.
func TestUnknown(t *testing.T) {
	hello := "\x16\x03\x01\x00\x4d\x01\x00\x00\x49\x03\x03" + strings.Repeat("r", 32) + "\x00\x00\x02\x13\x01\x01\x00" +
		"\x00\x1e\x00\x00\x00\x0c\x00\x0a\x00\x00\x07abc.org\x00\x10\x00\x0a\x00\x08\x02h2\x04http"
	hello = hello[:3] + string([]byte{0, byte(len(hello) - 5)}) + hello[5:6] + string([]byte{0, 0, byte(len(hello) - 9)}) + hello[9:]
	rdp := "\x03\x00\x00\x21\x1c\xe0\x00\x00\x00\x00\x00Cookie: mstshash=abc\r\n"
	for _, c := range []struct {
		expr, content  string
		final, unknown bool
		want           string
	}{
		{"req.len", "abc", false, true, "3"},
		{"req.len", "abc", true, false, "3"},
		{"req.payload(1,2)", "a", false, true, "<none>"},
		{"req.payload(1,2)", "a", true, false, "<none>"},
		{"req.payload(1,2)", "abcd", false, false, "bc"},
		{"req.payload(0,0)", "ab", false, true, "ab"},
		{"payload_lv(0,1)", "\x03abcd", false, false, "abc"},
		{"req.payload_lv(1,2,0)", "a\x00\x02", false, false, "a\x00"},
		{"payload_lv(0,1,+1)", "\x03abc", false, true, "<none>"},
		{"payload_lv(0,1,+1)", "\x03abc", true, false, "<none>"},
		{"payload_lv(0,1,-1)", "\x03abc", false, false, "\x03ab"},
		{"payload_lv(0,1)", "\x00abc", false, false, "<none>"},
		{"payload_lv(0,1)", "", false, true, "<none>"},
		{"res.len", "abc", false, true, "3"},
		{"res.payload(1,2)", "abcd", false, false, "bc"},
		{"res.payload_lv(0,1)", "\x03abcd", false, false, "abc"},
		{"rep_ssl_hello_type", "\x16\x03\x01\x00\x05\x02\x00\x00\x01x", false, false, "2"},
		{"rep_ssl_hello_type", "\x16\x03\x01\x00\x05\x02\x00\x00\x01", false, true, "<none>"},
		{"rep_ssl_hello_type", "\x16\x03\x01", false, true, "<none>"},
		{"rep_ssl_hello_type", "HTTP", false, false, "<none>"},
		{"req.ssl_hello_type", hello, false, false, "1"},
		{"req.ssl_sni", hello, false, false, "abc.org"},
		{"req.ssl_alpn", hello, false, false, "h2"},
		{"req.ssl_ver", hello, false, false, "196611"},
		{"req.ssl_sni", hello[:60], false, true, "<none>"},
		{"req.ssl_sni", hello[:60], true, false, "<none>"},
		{"req.ssl_sni", "", false, true, "<none>"},
		{"req.ssl_sni", "GET /", false, false, "<none>"},
		{"req.rdp_cookie", rdp, false, false, "abc"},
		{"rdp_cookie(MSTShash)", rdp, false, false, "abc"},
		{"rdp_cookie(msts)", rdp, false, false, "<none>"},
		{"req.rdp_cookie_cnt", rdp, false, false, "1"},
		{"rdp_cookie_cnt(msts)", rdp, false, false, "0"},
		{"rdp_cookie", rdp[:20], false, true, "<none>"},
		{"rdp_cookie_cnt", rdp[:20], true, false, "<none>"},
		{"rdp_cookie", "GET / HTTP/1.1\r\n", false, true, "<none>"},
		{"rdp_cookie", "GET / HTTP/1.1\r\nHost: a\r\n", false, false, "<none>"},
		{"wait_end", "", false, true, "<none>"},
		{"wait_end", "", true, false, "1"},
	} {
		x := txntest.New(t, "", "")
		x.Content, x.Final = []byte(c.content), c.final
		e := compile(t, c.expr)
		ctx := sample.NewContext(16384, 1)
		ctx.Txn = x
		got := "<none>"
		v := e.EvalAs(ctx, txn.Str)
		if v != nil {
			got = string(v.B)
		}
		if got != c.want || ctx.Unknown != c.unknown {
			t.Errorf("%s of %d bytes, final %v: %q, unknown %v; want %q, %v", c.expr, len(c.content), c.final, got, ctx.Unknown, c.want, c.unknown)
		}
	}
}

func TestBody(t *testing.T) {
	x := txntest.New(t, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\na=1&b=two", "")
	for expr, want := range map[string]string{"req.body": "a=1&b=two", "req.body_len": "9", "req.body_size": "9", "req.body_param(b)": "two", "req.body_param(c)": "<none>"} {
		if got := eval(t, compile(t, expr), x); got != want {
			t.Errorf("%s: %s, want %s", expr, got, want)
		}
	}
}

func TestChance(t *testing.T) {
	x := txntest.New(t, "", "")
	for expr, long := range map[string]int{"uuid": 36, "rand(10)": 1} {
		if got := eval(t, compile(t, expr), x); len(got) != long {
			t.Errorf("%s: %q", expr, got)
		}
	}
	c := sample.NewContext(16384, 1)
	c.Txn = x
	e, seen := compile(t, "rand(3)"), map[uint64]int{}
	for range 3000 {
		seen[e.Eval(c).Lo]++
	}
	if len(seen) != 3 || seen[0] < 900 || seen[1] < 900 || seen[2] < 900 {
		t.Errorf("rand(3): %v", seen)
	}
}

// Values that converters make do not survive the next evaluation; nothing else needs
// memory of its own.
func TestNoAllocations(t *testing.T) {
	x := txntest.New(t, request, response)
	c := sample.NewContext(16384, 1)
	c.Txn = x
	for _, r := range results {
		e := compile(t, r.expr)
		e.EvalAs(c, txn.Str)
		if n := testing.AllocsPerRun(20, func() { e.EvalAs(c, txn.Str) }); n != 0 {
			t.Errorf("%s: %v allocations", r.expr, n)
		}
	}
}

func FuzzCompile(f *testing.F) {
	for _, r := range results {
		f.Add(r.expr)
	}
	x := txntest.New(f, request, response)
	f.Fuzz(func(_ *testing.T, text string) {
		if e, err := sample.Compile(text, env()); err == nil {
			c := sample.NewContext(1024, 1)
			c.Txn = x
			e.EvalAs(c, txn.Str)
			for v := e.First(c); v != nil; v = e.Next(c) {
			}
		}
	})
}

func BenchmarkEval(b *testing.B) {
	x := txntest.New(b, request, response)
	for _, text := range []string{"path", "req.hdr(host)", "req.hdr(host),lower,field(1,:)", "src", "path,regsub(^/a,/z)", "req.cook(sid)"} {
		b.Run(text, func(b *testing.B) {
			e, err := sample.Compile(text, env())
			if err != nil {
				b.Fatal(err)
			}
			c := sample.NewContext(16384, 1)
			c.Txn = x
			b.ReportAllocs()
			for b.Loop() {
				e.Eval(c)
			}
		})
	}
}

// A variable whose text has no room any more is left out of a joint, not the joint.
func TestConcatWithoutRoom(t *testing.T) {
	x := txntest.New(t, request, response)
	names := env()
	expr := func(text string) *sample.Expr {
		e, err := sample.Compile(text, names)
		if err != nil {
			t.Fatal(err)
		}
		return e
	}
	set, e := expr("int(123456789),set-var(txn.v)"), expr("str(a),concat(-,txn.v,+)")
	c := sample.NewContext(4, 1)
	c.Txn = x
	set.Eval(c)
	if v := e.EvalAs(c, txn.Str); v == nil || string(v.B) != "a-+" {
		t.Errorf("%+v", v)
	}
}

// Every number above and below 0 is as true as 1.
func TestNumbersBecomeTruths(t *testing.T) {
	c := sample.NewContext(64, 1)
	for n, want := range map[int64]uint64{0: 0, 1: 1, 2: 1, -1: 1} {
		v := txn.Value{}
		v.SetInt(n)
		if !c.Cast(&v, txn.Bool) || v.Kind != txn.Bool || v.Lo != want {
			t.Errorf("%d becomes %+v", n, v)
		}
	}
}
