package config

import (
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"bench/proxy/acl"
	"bench/proxy/logformat"
	"bench/proxy/pattern"
	"bench/proxy/rule"
	"bench/proxy/sample"
)

// lineMaker makes lines of a configuration out of the tables: most of them right, some
// with a word too many, too few or wrong, or where they do not belong.
type lineMaker struct {
	expansion
	dir   string // of the files that lines name
	table *vocabulary
	inv   *inventory
	fresh int // for names that must not come twice
}

func newLineMaker(seed uint64, dir string) *lineMaker {
	m := &lineMaker{dir: dir, table: newTable(keywords()), inv: newInventory()}
	m.expansion = expansion{rnd: rand.New(rand.NewPCG(seed, 0)), value: m.fill}
	return m
}

func (m *lineMaker) one(words ...string) string { return words[m.rnd.IntN(len(words))] }
func (m *lineMaker) chance(percent int) bool    { return m.rnd.IntN(100) < percent }

// often are the keywords that configurations consist of.
var often = strings.Fields("http-request http-request http-request http-response http-after-response acl acl use_backend bind server server default-server balance cookie log stick-table redirect tcp-request:content tcp-request:connection tcp-request:session tcp-response:content option:httpchk http-check:expect http-check:send tcp-check:expect tcp-check:connect errorfile http-error capture:request:header log-format option:forwardfor stick:on stick:match use-server timeout:client compression:algo retry-on hash-type source stats:socket stats:auth stats:admin stats:http-request mode")

// line is a line for a section.
func (m *lineMaker) line(kind scope) string {
	if m.chance(3) {
		return m.foreignName(kind)
	}
	var rows []*keyword
	name := ""
	if m.chance(55) {
		name = strings.ReplaceAll(m.one(often...), ":", " ")
	}
	misplaced := m.chance(4)
	for i := range m.table.rows {
		if k := &m.table.rows[i]; (name == "" || k.name == name) && (k.scope&kind != 0 || misplaced) {
			rows = append(rows, k)
		}
	}
	if len(rows) == 0 {
		return m.line(kind)
	}
	k := rows[m.rnd.IntN(len(rows))]
	text := k.name
	if k.no && m.chance(10) || m.chance(1) {
		text = m.one("no ", "no ", "default ") + text
	}
	syntax := k.args
	if own, ok := ownSyntax[k.name]; ok {
		syntax = own
	}
	if args := m.expand(syntax); args != "" {
		text += " " + args
	}
	if m.chance(15) {
		text = m.spoiled(text)
	}
	if m.chance(4) {
		text = m.quoted(text)
	}
	return text
}

// foreignName is a line that begins with any name of the language, known here or not.
func (m *lineMaker) foreignName(kind scope) string {
	list := m.inv.lists["proxy"]
	if kind == inGlobal {
		list = m.inv.lists["global"]
	}
	if m.chance(20) {
		return m.one("reqrep ^a b", "block if TRUE", "nosuch x", "appsession a len 5", "option nosuch", "timeout nosuch 5s", "clitimeout 5000", "reqadd X:\\ y", "rspdel ^Server", "redispatch", "option forceclose", "option http-tunnel", "nbproc 2", "monitor-net 10.0.0.0/8", "http-request nosuch", "balance nosuch", "errorloc 503")
	}
	return list[m.rnd.IntN(len(list))] + m.one("", " x", " 10", " on")
}

// spoiled is a line with one mistake, perhaps.
func (m *lineMaker) spoiled(text string) string {
	words := strings.Split(text, " ")
	at := m.rnd.IntN(len(words))
	switch m.rnd.IntN(6) {
	case 0:
		words = slices.Delete(words, at, at+1)
	case 1:
		words = slices.Insert(words, at, words[at])
	case 2:
		words = append(words, m.one("extra", "if", "unless", "if nosuch", "if known", "if { src 127.0.0.1 }", "0", "-1", "#"))
	case 3, 4:
		words[at] = m.one("0", "-1", "1", "99999999999", "nosuch", "a,b", "10s", "5m", "1k", "70000", "''", "%[", "%[src", "/", "if", "}", "{", "*", "src", "1.5", "07", "0x10", "300ms", "24d", "3z", "²")
	case 5:
		words = words[:at+1]
	}
	if len(words) == 0 {
		return ""
	}
	return strings.Join(words, " ")
}

// quoted is a line that means the same, or nearly, by other characters.
func (m *lineMaker) quoted(text string) string {
	words := strings.Split(text, " ")
	at := m.rnd.IntN(len(words))
	w := words[at]
	switch m.rnd.IntN(8) {
	case 0:
		words[at] = "'" + w + "'"
	case 1:
		words[at] = `"` + w + `"`
	case 2:
		words[at] = `"${NOSUCH-` + w + `}"`
	case 3:
		words[at] = w[:len(w)/2] + `""` + w[len(w)/2:]
	case 4:
		words[at] = `"${NOSUCH}"`
	case 5:
		words[at] = `"` + w
	case 6:
		words[at] = w + `\`
	case 7:
		words[at] = m.one(`\x41`, `"\x4"`, `\n`, `a\ b`, `"${"`, `$HOME`, `"$HOME"`, `"${NOSUCH[*]}"`, `'$HOME'`, `\"`, `#x`, `\#`)
	}
	return strings.Join(words, " ")
}

// ownSyntax is what is written behind some keywords, where the tables say it in less
// detail.
var ownSyntax = map[string]string{
	"bind":                   "<bindaddress> [<bindoption>...]",
	"stats socket":           "<socketaddress> [<socketoption>...]",
	"server":                 "<newname> <serveraddress> [<serveroption>...]",
	"server-template":        "<newname> { <small> | 1-<small> } <serveraddress> [<serveroption>...]",
	"default-server":         "<serveroption>...",
	"balance":                "<balance>",
	"log":                    "{ global | <logtarget> [len <number>] [format <logformat>] [sample <ranges>:<small>] <facility> [<level> [<level>]] }",
	"cookie":                 "<name> [rewrite | insert | prefix] [<cookieoption>]...",
	"http-request":           "<http-request> [{ if | unless } <condition>]",
	"http-response":          "<http-response> [{ if | unless } <condition>]",
	"http-after-response":    "<http-after-response> [{ if | unless } <condition>]",
	"tcp-request connection": "<tcp-request connection> [{ if | unless } <condition>]",
	"tcp-request session":    "<tcp-request session> [{ if | unless } <condition>]",
	"tcp-request content":    "<tcp-request content> [{ if | unless } <condition>]",
	"tcp-response content":   "<tcp-response content> [{ if | unless } <condition>]",
	"stick-table":            "type { ip | ipv6 | integer | string [len <small>] | binary [len <small>] } size <size> [expire <time>] [nopurge] [peers p1] [srvkey { name | addr }] [store <data>[,<data>]]",
	"acl":                    "<aclname> <test>",
	"redirect":               "{ location <format> | prefix <format> | scheme <format> } [code <code>] [drop-query] [append-slash] [ignore-empty] [set-cookie <name>=x] [clear-cookie <name>=] [{ if | unless } <condition>]",
	"user":                   "root",
	"group":                  "root",
	"chroot":                 "/var/empty",
	"source":                 "<sourceaddress> [interface lo] [usesrc { client | clientip | hdr_ip(x-forwarded-for) | 127.0.0.1 }]",
	"option httpchk":         "[{ GET | HEAD | OPTIONS }] [<uri>] [HTTP/1.1 | HTTP/1.0 | HTTP/1.1\\r\\nHost:\\ x]",
	"retry-on":               "<retryon>...",
	"compression algo":       "<algo>...",
	"use-server":             "<server> { if | unless } <condition>",
	"cpu-map":                "[auto:]{ 1 | 1/1 | all | 1/1-2 } { 0 | 0-1 | all }",
	"lua-load":               "<dir>/script.lua",
	"lua-load-per-thread":    "<dir>/script.lua",
	"filter trace":           "[name x] [random-forwarding] [hexdump] [quiet]",
	"filter cache":           "c1",
	"errorfile":              "<status> <dir>/page.http",
	"stats http-request":     "{ allow | deny | auth [realm <realm>] } [{ if | unless } <condition>]",
	"option external-check":  "",
	"email-alert mailers":    "m1",
	"errorfiles":             "pages [<status>...]",
	"h1-case-adjust-file":    "<dir>/case.txt",
	"default-path":           "{ current | config | parent | origin <dir> }",
	"setenv":                 "OWN <text>",
	"presetenv":              "OWN <text>",
	"unsetenv":               "OWN",
	"resetenv":               "PATH HOME",
	"ca-base":                "<dir>",
	"crt-base":               "<dir>",
	"http-check expect":      "[min-recv <number>] [comment <text>] [ok-status <checkstatus>] [error-status <checkstatus>] [tout-status <checkstatus>] [on-success <format>] [on-error <format>] [status-code <expression>] [!] { status <statuses> | rstatus <regex> | string <text> | rstring <regex> | { hdr | fhdr } name [-m <method of match>] <name> [value [-m <method of match>] <value>] }",
	"tcp-check expect":       "[min-recv <number>] [comment <text>] [ok-status <checkstatus>] [error-status <checkstatus>] [tout-status <checkstatus>] [on-success <format>] [on-error <format>] [status-code <expression>] [!] { string <text> | rstring <regex> | binary <hex> | rbinary <regex> | string-lf <format> | binary-lf <format> }",
	"http-check send":        "[meth <method>] [uri <uri> | uri-lf <format>] [ver <version>] [hdr <name> <format>]... [body <text> | body-lf <format>] [comment <text>]",
	"stats bind-process":     "1",
	"unix-bind":              "[prefix <dir>/] [mode <mode>] [user root | uid 0] [group root | gid 0]",
}

// fill is a value for a name in a syntax.
func (m *lineMaker) fill(name string) string {
	if rule, ok := m.action(name); ok {
		return rule
	}
	switch name {
	case "condition":
		return m.condition()
	case "expression", "sample":
		return m.expression()
	case "format":
		return m.format()
	case "test":
		return m.test()
	case "newname":
		m.fresh++
		return "n" + strconv.Itoa(m.fresh)
	case "bindoption", "socketoption":
		return m.bindOption(name == "socketoption")
	case "serveroption":
		return m.serverOption()
	case "dir", "directory":
		return m.dir
	case "file", "path":
		return filepath.Join(m.dir, m.one("list.txt", "list.txt", "map.txt", "page.http", "nosuch.txt"))
	case "uuid", "draws":
		return "2"
	case "regex":
		return m.one("^/a", "x$", "^([^/]*)/(.*)", "[a-z]+", "a{2,3}", "(", "(?i)x", "\\d+", "^/(?!b)", "[[:alpha:]]")
	}
	if values, ok := someValues[name]; ok {
		return m.one(strings.Fields(values)...)
	}
	return m.one("x", "10", "a")
}

// someValues are values of arguments by the names that the tables give them.
var someValues = map[string]string{
	"number": "1 10 100 1000 5 3", "integer": "1 10 -5", "small": "1 2 32", "time": "10s 1m 500 5000ms 1h 1d 100us 2s", "size": "1k 100k 1m 65536 16384", "length": "10 32 64", "seconds": "10",
	"name": "Host X-Foo x-a SERVERID sid", "header": "X-Server", "table": "other other be fe nosuch", "backend": "be other other nosuch", "frontend": "fe fe nosuch", "server": "s1 s1 be/s1 other/s2 nosuch", "counter": "0 1 2 5", "index": "0 1 2",
	"address": "127.0.0.1 ::1 localhost 10.0.0.1", "port": "80 8080", "text": `ok a\ b "x y" PING /x`, "content": "ok text/plain", "default": "none 1 x", "occurrence": "1 -1 2", "status": "200 403 404 429 500 503 401", "checkstatus": "L7OK L7RSP L7STS L6OK L4CON L7TOUT nosuch", "statuses": "200 200-399 200,204,301-302 2xx", "code": "301 302 303 307 308",
	"variable": "txn.a req.b sess.c proc.d res.e bad.x txn. check.f", "type": "text/html text/plain application/json", "argument": "x", "value": "1 x a", "uri": "/x / /health?a=1", "url": "/x http://example.com/", "unit": "s ms us", "offset": "0 1 10", "offset1": "0 4", "offset2": "2 4",
	"method": "GET POST HEAD str beg", "method of match": "str beg reg sub end", "section": "pages p1 nosuch", "proxy": "fe be .", "user": "admin", "password": "secret x", "userlist": "ul ul nosuch", "realm": "x Private", "level": "info notice err debug emerg nosuch", "minlevel": "notice", "facility": "local0 local1 daemon nosuch", "logformat": "raw rfc5424 rfc3164 local short timed iso nosuch", "ranges": "1 1-2 1,3 2-3", "logtarget": "127.0.0.1:514 127.0.0.1 /dev/log stdout stderr fd@1 ring@r1 ring@nosuch localhost:514",
	"delimiter": "/ ; &", "delimiters": "/ . ,", "separator": ":", "count": "1 2", "avalanche": "0 1", "algorithm": "sha256 md5 roundrobin", "bits": "256 128 512", "key": "c2VjcmV0c2VjcmV0c2VjcmV0MTI=", "nonce": "txn.n", "tag": "txn.t", "seed": "0 5", "integer or variable": "1 10 txn.a bad", "mask4": "24 255.255.255.0 33", "mask6": "64 ffff::", "languages": "fr;en", "regex": "x", "replacement": `\1 x`, "flags": "g i",
	"prefix": "/x /stats", "version": "HTTP/1.1 4", "digits": "0aff 01 xyz", "hex": "0aff 01 zz", "normalizer": "path-merge-slashes path-strip-dot path-strip-dotdot percent-to-uppercase query-sort-by-name fragment-strip nosuch", "network": "10.0.0.0/8 127.0.0.1 nosuch/3", "protocols": "h2,http/1.1 http/1.1", "domain": "example.com", "ciphers": "HIGH ECDHE+AESGCM", "suites": "TLS_AES_128_GCM_SHA256", "curves": "P-256 X25519", "data": "conn_cnt conn_rate(10s) http_req_rate(10s) gpc0 gpt0 gpc(2) gpt(2) http_err_rate(1m) server_id bytes_in_rate(1s) http_req_rate nosuch conn_cnt(1)",
	"bindaddress": "127.0.0.1:8089 :8090 *:8091 [::1]:8092 127.0.0.1:8093-8095 /tmp/x.sock abns@x fd@9 ipv4@127.0.0.1:8096 127.0.0.1 :0 nosuch", "socketaddress": "/tmp/x.sock 127.0.0.1:9999 ipv4@127.0.0.1:9998 fd@9", "serveraddress": "127.0.0.1:80 127.0.0.1 localhost:80 [::1]:80 ipv4@127.0.0.1:80 /tmp/y.sock 127.0.0.1:+10 *:80 127.0.0.1:99999 :80 10.0.0.1:8080 nosuch.invalid:80",
	"sourceaddress": "127.0.0.1 0.0.0.0 127.0.0.1:2000-2010 0.0.0.0:0 *", "balance": "roundrobin static-rr leastconn first source uri url_param|x hdr(host) random random(2) rdp-cookie rdp-cookie(x) hash|src nosuch uri|len|10 uri|depth|2 url_param|x|check_post hdr hdr() uri|whole random(0)", "cookieoption": "indirect nocache postonly preserve httponly secure domain|.a.example maxidle|1h maxlife|1h dynamic attr|a=b nosuch", "retryon": "none conn-failure empty-response 503 all-retryable-errors response-timeout junk-response 0rtt-rejected 418", "algo": "gzip deflate raw-deflate identity br", "aclname": "a b known X_Y 9 a/b METH_GET",
	"from": "content-type", "to": "Content-Type content-type x", "mode": "600 660 999", "low": "1", "high": "3", "retries": "3 -1", "condition": "TRUE", "entry": "CN O", "field": "1 1.2", "packet": "connect publish", "token": "ARG", "truncate": "1", "in_form": "0 1", "list": "200", "languages;": "fr", "mark": "0x10 5", "tos": "0x10 5", "slot": "0 5", "processes": "1 all", "group": "root g1", "megabytes": "4", "bytes": "1000 10", "slashes": "2", "cpus": "0", "threads": "1", "low-high": "1-2", "facilities": "local0", "characters": "/ x", "suffix": "x", "before": "a", "after": "b", "true": "a", "false": "b", "if": "ifexists ifnotset ifempty nosuch", "set": "1", "range": "10", "input": "utf8s ascii nosuch", "path of json": "$.a", "command": "/bin/true", "filter": "1 0", "users": "u1", "delay": "5s",
}

// action is a rule, if name is a list of rules.
func (m *lineMaker) action(name string) (text string, ok bool) {
	for p := range rule.NumPlaces {
		if p.String() != name {
			continue
		}
		actions := rule.Actions()
		var here []*rule.Action
		misplaced := m.chance(5)
		for i := range actions {
			if actions[i].Places.Has(p) || misplaced {
				here = append(here, &actions[i])
			}
		}
		a := here[m.rnd.IntN(len(here))]
		word := a.Name
		if word == "track-sc" {
			word += m.one("0", "1", "2", "3")
		}
		separator := " "
		if strings.HasPrefix(a.Usage, "(") {
			separator = ""
		}
		return strings.TrimSpace(word + separator + m.expand(a.Usage)), true
	}
	return "", false
}

func (m *lineMaker) expression() string {
	fetches, convs := sample.Fetches(), sample.Convs()
	f := &fetches[m.rnd.IntN(len(fetches))]
	text := f.Name
	switch {
	case m.chance(40):
		text = m.one("src", "path", "hdr(host)", "req.hdr(x-foo)", "url_param(a)", "dst_port", "method", "req.cook(sid)", "int(5)", "str(a)", "var(txn.a)", "base", "status", "rand")
	case m.chance(10):
		text = f.Name + m.one("", "()", "(x)", "(1,2,3)", "(txn.a)", "(")
	default:
		if names := sample.OtherNames(f.Name); len(names) > 0 && m.chance(30) {
			text = m.one(names...)
		}
		text += m.expand(f.Usage)
	}
	for m.chance(35) {
		c := &convs[m.rnd.IntN(len(convs))]
		text += m.one(",", ",", ",", ",", ",", ",", ",,", " ") + c.Name + m.expand(c.Usage)
	}
	return text
}

func (m *lineMaker) condition() string {
	text := m.term()
	for m.chance(30) {
		text += m.one(" ", " or ", " || ", " and ") + m.term()
	}
	return text
}

func (m *lineMaker) term() string {
	not := ""
	if m.chance(15) {
		not = m.one("!", "! ", "!")
	}
	switch {
	case m.chance(30):
		return not + m.one("known", "known2", "TRUE", "FALSE")
	case m.chance(30):
		return not + m.one(acl.PredefinedNames()...)
	case m.chance(5):
		return not + m.one("nosuch", "{", "}", "{}", "{ }", "{src 127.0.0.1 }", "and", "or")
	}
	return not + "{ " + m.test() + " }"
}

// test is a sample with flags and patterns.
func (m *lineMaker) test() string {
	text := m.expression()
	if m.chance(25) {
		d := m.one(acl.Derived()...)
		text = d
		if !strings.HasPrefix(d, "path") && !strings.HasPrefix(d, "url_") && !strings.HasPrefix(d, "base") || m.chance(5) {
			text += m.one("(host)", "(host)", "(x,1)", "", "(,)")
		}
	}
	for m.chance(20) {
		text += " " + m.one("-i", "-n", "-u 5", "-f "+filepath.Join(m.dir, "list.txt"), "-M -f "+filepath.Join(m.dir, "map.txt"), "-i", "-f "+filepath.Join(m.dir, "nosuch.txt"), "-z", "--")
	}
	if m.chance(30) {
		text += " -m " + m.one(append(pattern.Methods(), "nosuch")...)
	}
	for m.chance(60) {
		text += " " + m.one("a", "127.0.0.1", "10.0.0.0/8", "5", "gt 5", "1:10", "/x", "^x", "GET", "1.1", "::1", "true", "0a", "10.0.0.0/33", "(", "ge 1 le 9", "eq nosuch", ":5", "localhost", "1.2:1.3", "lt")
	}
	return text
}

// format is a text with values in it, as one word.
func (m *lineMaker) format() string {
	aliases := logformat.Aliases()
	text := ""
	for range 1 + m.rnd.IntN(3) {
		switch m.rnd.IntN(8) {
		case 0, 1:
			text += m.one("a", "/x", "text", "%%", `\ `, "https://", "1", ":")
		case 2:
			text += "%" + aliases[m.rnd.IntN(len(aliases))].Name
		case 3:
			text += "%{" + m.one("+Q", "+X", "-Q", "+E", "+Q,+X", "Q", "+Z") + "}" + aliases[m.rnd.IntN(len(aliases))].Name
		case 4:
			text += m.one("%", "%[", "%{", "%nosuch", "%[nosuch]", "%{+Q}", "%[src", "%{+Q}[src]", "%]", "$")
		default:
			text += "%[" + strings.ReplaceAll(m.expression(), " ", `\ `) + "]"
		}
	}
	return text
}

func (m *lineMaker) bindOption(socket bool) string {
	rows := bindOptions()
	o := rows[m.rnd.IntN(len(rows))]
	if socket {
		o = bindOption{name: m.one("level", "mode", "user", "group", "expose-fd", "process", "name", "severity-output"), args: 1}
	}
	return o.name + m.optionValue(o.name, o.args)
}

func (m *lineMaker) serverOption() string {
	if m.chance(50) {
		return m.one("check", "backup", "weight 10", "maxconn 100", "inter 2s", "rise 2", "fall 3", "cookie s1", "port 80", "send-proxy", "ssl verify none", "disabled", "weight 300", "check inter 2000 rise 2 fall 5")
	}
	rows := serverOptions()
	o := rows[m.rnd.IntN(len(rows))]
	return o.name + m.optionValue(o.name, o.args)
}

func (m *lineMaker) optionValue(name string, args int) string {
	if args == 0 {
		return ""
	}
	value := optionSamples[name]
	switch {
	case name == "resolvers":
		value = m.one("r1", "r1", "nosuch")
	case name == "track":
		value = m.one("be/s1", "other/s2", "s1", "nosuch")
	case m.chance(20):
		value = m.one("0", "1", "-1", "300", "nosuch", "10s", "100000", "all")
	case value == "":
		value = m.one("7", "7", "1", "100")
	}
	return " " + value
}
