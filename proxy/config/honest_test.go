package config

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	"bench/internal/sock"
	"bench/proxy/acl"
	"bench/proxy/logformat"
	"bench/proxy/pattern"
	"bench/proxy/rule"
	"bench/proxy/sample"
	"bench/proxy/spec"
	"bench/proxy/txn"
)

// tlsSamples are those of keywords about TLS.
var tlsSamples = map[string]string{
	"ssl-default-bind-ciphers":        "ECDHE+AESGCM",
	"ssl-default-bind-ciphersuites":   "TLS_AES_128_GCM_SHA256",
	"ssl-default-bind-curves":         "P-256",
	"ssl-default-bind-options":        "no-tls-tickets",
	"ssl-default-server-ciphers":      "ECDHE+AESGCM",
	"ssl-default-server-ciphersuites": "TLS_AES_128_GCM_SHA256",
	"ssl-default-server-options":      "no-tls-tickets",
	"ssl-load-extra-files":            "none",
	"option httpslog":                 "mode http\n",
}

// samples are arguments of keywords that cannot be made up from the syntax. What
// comes before a line feed is written before the keyword. Two keywords with the
// same name need the sample of both.
var samples = map[string]string{
	"setenv":                     "A 2\n",
	"presetenv":                  "B 2\n",
	"unsetenv":                   "A\n",
	"resetenv":                   "PORT\n",
	"nbproc":                     "1",
	"user":                       "root",
	"group":                      "root",
	"cpu-map":                    "1 0",
	"tune.poller":                "poll",
	"tune.comp.maxlevel":         "5",
	"stats socket":               "/tmp/x.sock",
	"stats bind-process":         "1",
	"stats admin":                "mode http\nstats enable\nif { src 127.0.0.1 }",
	"stats auth":                 "mode http\nstats enable\nu:p",
	"stats enable":               "mode http\n",
	"stats hide-version":         "mode http\n",
	"stats http-request":         "mode http\nstats enable\ndeny if { src 127.0.0.1 }",
	"stats realm":                "mode http\nstats enable\nx",
	"stats refresh":              "mode http\n7s",
	"stats scope":                "mode http\nstats enable\n.",
	"stats show-desc":            "mode http\nstats enable\nx",
	"stats show-legends":         "mode http\n",
	"stats show-modules":         "mode http\n",
	"stats show-node":            "mode http\nstats enable\nx",
	"stats uri":                  "mode http\nstats enable\n/x",
	"description":                "front of all",
	"bind-process":               "1",
	"log":                        "127.0.0.1 local0",
	"log-tag":                    "tag",
	"log-send-hostname":          "host",
	"log-format":                 "%ci",
	"node":                       "name",
	"mode":                       "http",
	"default_backend":            "other",
	"use_backend":                "other",
	"source":                     "127.0.0.9",
	"retry-on":                   "none",
	"bind":                       "127.0.0.1:8081",
	"http-reuse":                 "always",
	"errorfile":                  "503 /dev/null",
	"errorloc":                   "503 /x",
	"errorloc302":                "503 /x",
	"errorloc303":                "503 /x",
	"balance":                    "leastconn",
	"hash-type":                  "balance source\nconsistent djb2",
	"hash-balance-factor":        "balance random\n150",
	"cookie":                     "mode http\nS insert indirect nocache postonly preserve httponly secure domain .a.example maxidle 1h maxlife 2h dynamic attr a=b",
	"dynamic-cookie-key":         "mode http\ncookie S insert dynamic\nsecret",
	"force-persist":              "if { src 127.0.0.9 }",
	"persist":                    "rdp-cookie",
	"ignore-persist":             "if { src 127.0.0.9 }",
	"use-server":                 "s1 if { src 127.0.0.9 }",
	"server":                     "s9 127.0.0.1:99",
	"server-template":            "t 2 localhost:99",
	"default-server":             "weight 7\n",
	"enabled":                    "disabled\nenabled",
	"acl":                        "mode http\nacl a path /a\nhttp-request deny if a\na src 127.0.0.1",
	"stick-table":                "type ip size 1k",
	"stick on":                   "stick-table type ip size 1k\nsrc",
	"stick match":                "stick-table type ip size 1k\nsrc",
	"stick store-request":        "stick-table type ip size 1k\nsrc",
	"stick store-response":       "stick-table type ip size 1k\nsrc",
	"tune.stick-counters":        "5",
	"capture request header":     "mode http\nHost len 10",
	"capture response header":    "mode http\nServer len 10",
	"declare capture":            "request len 10",
	"capture cookie":             "mode http\nsid len 10",
	"http-error":                 "mode http\nstatus 403 content-type a/b string x",
	"http-request":               "mode http\ndeny if { path /x }",
	"http-response":              "mode http\ndel-header x",
	"http-after-response":        "mode http\ndel-header x",
	"monitor fail":               "mode http\nmonitor-uri /up\nif { src 127.0.0.1 }",
	"redirect":                   "mode http\nlocation /x",
	"tcp-request connection":     "reject if { src 127.0.0.9 }",
	"tcp-request session":        "reject if { src 127.0.0.9 }",
	"tcp-request content":        "reject if { src 127.0.0.9 }",
	"tcp-response content":       "accept",
	"tcp-response inspect-delay": "tcp-response content accept\n5s",
	"tcp-request inspect-delay":  "tcp-request content accept\n5s",
	"http-check send":            "option httpchk\nmeth GET",
	"http-check expect":          "option httpchk\nstatus 204",
	"http-check disable-on-404":  "option httpchk\n",
	"http-check send-state":      "option httpchk\n",
	"option pgsql-check":         "user /x",
	"http-check connect":         "option httpchk\n",
	"tcp-check set-var":          "option tcp-check\n(check.x) int(1)",
	"tcp-check set-var-fmt":      "option tcp-check\n(check.x,ifexists) a%[int(1)]",
	"tcp-check unset-var":        "option tcp-check\n(check.x)",
	"http-check set-var":         "option httpchk\n(check.x) int(1)",
	"http-check set-var-fmt":     "option httpchk\n(check.x) a",
	"http-check unset-var":       "option httpchk\n(check.x)",
	"tcp-check send-lf":          "option tcp-check\n%[be_name]",
	"tcp-check send-binary-lf":   "option tcp-check\n%[be_name,hex]",
	"tcp-check send":             "option tcp-check\nping",
	"tcp-check send-binary":      "option tcp-check\n0aff",
	"tcp-check expect":           "option tcp-check\nmin-recv 4 comment c ! rbinary ^00",
	"tcp-check comment":          "option tcp-check\nphase",
	"tcp-check connect":          "option tcp-check\n",
	"option http-keep-alive":     "option httpclose\n",
	"monitor-uri":                "/up",
	"localpeer":                  "a",
	"ssl-server-verify":          "none",
	"spread-checks":              "5",
	"max-spread-checks":          "5s",
	"tune.maxaccept":             "7",
	"tune.h2.header-table-size":  "8192",
	"tune.h2.max-frame-size":     "32768",
	"tune.pipesize":              "64k",
	"tune.listener.multi-queue":  "off",
	"tune.idle-pool.shared":      "off",
	"tune.fd.edge-triggered":     "on",
	"tune.sched.low-latency":     "on",
	"maxcompcpuusage":            "80",
	"profiling.tasks":            "on",
	"profiling.memory":           "on",
	"option httplog":             "mode http\n",
	"option forwardfor":          "mode http\n",
	"tune.pool-high-fd-ratio":    "30",
	"tune.pool-low-fd-ratio":     "10",
	"uid":                        "7",
	"nbthread":                   "3",
	"http-send-name-header":      "mode http\nX-Server",
	"option http-buffer-request": "mode http\n",

	"httpclient.resolvers.id":            "default",
	"httpclient.resolvers.prefer":        "ipv4",
	"httpclient.ssl.ca-file":             "testdata/tls/site.pem",
	"httpclient.ssl.verify":              "none",
	"load-server-state-from-file":        "local",
	"server-state-file-name":             "load-server-state-from-file local\nx",
	"guid":                               "a",
	"server-state-base":                  "server-state-file x\n/tmp",
	"unique-id-format":                   "%ci",
	"unique-id-header":                   "mode http\nunique-id-format %ci\nX-ID",
	"h1-case-adjust":                     "host Host",
	"h1-case-adjust-file":                "testdata/case.txt",
	"option http-restrict-req-hdr-names": "mode http\ndelete",
	"option originalto":                  "mode http\n",
	"errorfiles":                         "pages",
	"email-alert level":                  "alert",
	"compression algo":                   "mode http\ngzip",
	"clitcpka-cnt":                       "3",
	"srvtcpka-cnt":                       "3",
	"unix-bind":                          "prefix /tmp/x",
	"log-format-sd":                      "log 127.0.0.1:514 format rfc5424 local0\n[a\\ b=%ci]",
	"error-log-format":                   "%ci",
	"tune.ssl.keylog":                    "on",
}

// elsewhere are keywords that a test of their own holds to what they promise.
var elsewhere = map[string]string{
	"external-check":        "allows what would be refused: TestExternalChecks",
	"option external-check": "needs the global section to allow it: TestExternalChecks",
	"filter cache":          "names a section: TestCacheSections",
	"lua-load":              "needs a script: TestScripts",
	"lua-load-per-thread":   "needs a script: TestScripts",
	"default-path":          "changes where files are found: TestDefaultPath",

	"tune.ssl.lifetime":           "is part of bind lines in TLS: TestSessionsEnd of package certs",
	"tune.ssl.ssl-ctx-cache-size": "is part of bind lines that make certificates: TestMadeCertificates of package certs",
	"set-var":                     "what reads the variable was compiled with it: TestProcessVariables",
	"set-var-fmt":                 "what reads the variable was compiled with it: TestProcessVariables",
	"tune.vars.global-max-size":   variableLimit,
	"tune.vars.proc-max-size":     variableLimit,
	"tune.vars.sess-max-size":     variableLimit,
	"tune.vars.txn-max-size":      variableLimit,
	"tune.vars.reqres-max-size":   variableLimit,
	"tune.vars.check-max-size":    variableLimit,
	"tune.http.cookielen":         "is part of lines \"capture cookie\": TestCookieLength",
}

const variableLimit = "whoever sets a variable was compiled with it: TestVariableLimits"

// optionSamples are the same for the options of bind and server lines.
var optionSamples = map[string]string{
	"log-proto": "octet-count", "no-tfo": "tfo no-tfo",
	"interface": "lo", "mode": "600", "user": "root", "group": "root", "level": "admin", "expose-fd": "listeners",
	"severity-output": "string", "process": "1", "shards": "2", "proto": "h1", "check-proto": "h1", "ws": "h2", "thread": "1", "name": "n",
	"addr": "127.0.0.9", "cookie": "c", "redir": "http://a", "on-marked-down": "shutdown-sessions", "on-marked-up": "shutdown-backup-sessions",
	"source": "127.0.0.9", "socks4": "127.0.0.1:1080", "init-state": "down", "init-addr": "none", "resolvers": "r", "resolve-prefer": "ipv6", "resolve-net": "10.0.0.0/8", "resolve-opts": "allow-dup-ip",
	"crt": "testdata/tls/rsa.pem", "crt-list": "testdata/tls/list.txt", "ca-file": "testdata/tls/ca.pem", "crl-file": "testdata/tls/crl.pem",
	"alpn": "a,b", "npn": "a,b", "ciphers": "ECDHE+AESGCM", "ciphersuites": "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256", "curves": "P-256", "ecdhe": "P-256",
	"ca-verify-file": "testdata/tls/ca.pem", "ca-ignore-err": "10,18", "crt-ignore-err": "all", "tls-ticket-keys": "testdata/tls/tickets.txt",
	"ca-sign-file": "testdata/tls/site.pem", "ca-sign-pass": "secret",
	"ssl-min-ver": "TLSv1.3", "ssl-max-ver": "TLSv1.2", "sni": "str(a)", "check-alpn": "a", "verifyhost": "a", "check-sni": "a", "verify": "none",
	"enabled": "disabled enabled", "no-check": "check no-check", "proxy-v2-options": "crc32c,unique-id",
	"no-send-proxy": "send-proxy no-send-proxy", "no-send-proxy-v2": "send-proxy-v2 no-send-proxy-v2", "no-send-proxy-v2-ssl": "send-proxy-v2-ssl no-send-proxy-v2-ssl",
	"no-send-proxy-v2-ssl-cn": "send-proxy-v2-ssl-cn no-send-proxy-v2-ssl-cn", "no-check-send-proxy": "check-send-proxy no-check-send-proxy",
	"track":     "followed/s3",
	"namespace": "../../../proc/self/ns/net", "accept-netscaler-cip": "7",
	"observe": "layer4", "on-error": "mark-down",
	"agent-check": "agent-port 7 agent-check", "no-agent-check": "agent-port 7 agent-check no-agent-check", "agent-addr": "127.0.0.9",
	"stick": "non-stick stick", "no-backup": "backup no-backup",
}

// optionBefore is what stands before an option about TLS for it to have an effect, on
// bind and on server lines.
func optionBefore(list, name string) string {
	const file = "testdata/tls/site.pem"
	of := map[string]string{
		"bind/generate-certificates": "ssl crt " + file + " ca-sign-file " + file, "bind/ca-sign-file": "ssl generate-certificates crt " + file + " ca-sign-file testdata/tls/rsa.pem",
		"bind/ca-sign-pass": "ssl generate-certificates crt " + file + " ca-sign-file " + file,
		"bind/ssl":          "crt " + file, "server/ssl": "verify none", "server/check-ssl": "verify none",
		"bind/verify": "ssl crt " + file + " ca-file " + file, "server/verify": "ssl ca-file " + file,
		"bind/crl-file": "ssl crt " + file + " verify optional ca-file " + file, "server/crl-file": "ssl ca-file " + file,
		"server/tls-tickets": "ssl verify none no-tls-tickets", "server/ssl-reuse": "ssl verify none no-ssl-reuse",
		"bind/force-sslv3": "", "server/force-sslv3": "",
		"server/no-verifyhost": "ssl verify none verifyhost a", "server/ws": "ssl verify none alpn h2,http/1.1",
	}
	if b, ok := of[list+"/"+name]; ok {
		return b
	}
	for _, r := range bindTLSOptions() {
		if list == "bind" && r.name == name {
			return "ssl crt " + file
		}
	}
	for _, r := range serverTLSOptions() {
		if list == "server" && r.name == name {
			return "ssl verify none"
		}
	}
	return ""
}

// usual is the arguments of a row, and lines to stand before it.
func usual(name, args string) (before, text string) {
	text, ok := samples[name]
	if !ok {
		text, ok = tlsSamples[name]
	}
	if ok {
		if i := strings.LastIndexByte(text, '\n'); i >= 0 && !strings.HasSuffix(name, "env") && name != "default-server" {
			return text[:i+1], text[i+1:]
		}
		return "", strings.TrimSuffix(text, "\n")
	}
	switch first, _, _ := strings.Cut(args, " "); {
	case strings.HasPrefix(first, "<number>"), strings.HasPrefix(first, "<bits>"), strings.HasPrefix(first, "<size>"):
		return "", "2048"
	case strings.HasPrefix(first, "<time>"):
		return "", "7s"
	case strings.HasPrefix(first, "<"):
		return "", "/x"
	}
	return "", ""
}

// whole is a configuration with the lines in a section of the kind.
func whole(kind scope, lines string) string {
	place := map[scope]string{}
	place[kind] = lines
	return "global\n" + place[inGlobal] +
		"resolvers r\nnameserver d 127.0.0.1:53\n" +
		"http-errors pages\nerrorfile 503 /dev/null\n" +
		"defaults\ntimeout client 5s\ntimeout server 5s\ntimeout connect 5s\n" + place[inDefaults] +
		"frontend front\nbind 127.0.0.1:8080\nbind /run/x.sock\n" + place[inFrontend] +
		"listen both\nbind 127.0.0.1:8090\nserver s1 127.0.0.1:81\n" + place[inListen] + "server s2 127.0.0.1:82\n" +
		"backend back\nserver s1 127.0.0.1:81\n" + place[inBackend] + "server s2 127.0.0.1:82\n" +
		// What environment variables change, and default-server.
		"backend other\nserver s1 \"127.0.0.${A-8}:80\"\nserver s2 \"127.0.0.${B-9}:80\"\n" +
		"backend followed\nserver s3 127.0.0.1:83 check\n"
}

// effect is what lines change in the configuration, as Type.Field, and whether
// they are warned about.
func effect(t *testing.T, kind scope, before, lines string) (changed []string, warned bool) {
	t.Helper()
	without, _ := load(t, whole(kind, before))
	with, diags := load(t, whole(kind, before+lines))
	_, quiet := load(t, whole(kind, before))
	set := map[string]bool{}
	differences(reflect.ValueOf(without), reflect.ValueOf(with), "", set, map[[2]uintptr]bool{})
	return slices.Sorted(maps.Keys(set)), notedIn(diags) > notedIn(quiet)
}

// differences collects the fields of the specification that differ.
func differences(a, b reflect.Value, field string, set map[string]bool, seen map[[2]uintptr]bool) {
	differ := func() { set[field] = true }
	// What was compiled is compared by what it was compiled from.
	if a.CanInterface() && !isNil(a) && !isNil(b) {
		x, compiled := sourceOf(a.Interface())
		if y, _ := sourceOf(b.Interface()); compiled {
			if x != y {
				differ()
			}
			return
		}
	}
	switch a.Kind() {
	case reflect.Pointer:
		switch {
		case a.IsNil() && b.IsNil():
		case a.IsNil() || b.IsNil():
			differ()
		case !seen[[2]uintptr{a.Pointer(), b.Pointer()}]:
			seen[[2]uintptr{a.Pointer(), b.Pointer()}] = true
			differences(a.Elem(), b.Elem(), field, set, seen)
		}
	case reflect.Struct:
		switch a.Type() {
		case reflect.TypeFor[spec.Pos](): // moves with every line
			return
		case reflect.TypeFor[sock.Addr](), reflect.TypeFor[sock.Prefix]():
			if a.Interface() != b.Interface() {
				differ()
			}
			return
		}
		for i := range a.NumField() {
			differences(a.Field(i), b.Field(i), a.Type().Name()+"."+a.Type().Field(i).Name, set, seen)
		}
	case reflect.Slice, reflect.Array:
		if a.Len() != b.Len() {
			differ()
			return
		}
		for i := range a.Len() {
			differences(a.Index(i), b.Index(i), field, set, seen)
		}
	case reflect.Map:
		if !reflect.DeepEqual(a.Interface(), b.Interface()) {
			differ()
		}
	default:
		if !a.Equal(b) {
			differ()
		}
	}
}

func isNil(v reflect.Value) bool { return v.Kind() == reflect.Pointer && v.IsNil() }

// sourceOf is the text that something was compiled from, and what it refers to.
func sourceOf(x any) (string, bool) {
	switch x := x.(type) {
	case *rule.Rule:
		return x.String() + tests(x.Cond()), true
	case *acl.Cond:
		return x.String() + tests(x), true
	case *pattern.Lists:
		return "", true // the patterns are in the tests that have them
	case *txn.Names:
		return "", true // the variables are in the expressions that name them
	case *sample.Expr:
		return x.String(), true
	case *logformat.Format:
		return x.String(), true
	}
	return "", false
}

// tests are the samples that a condition tests.
func tests(c *acl.Cond) string {
	text := ""
	if c != nil {
		for _, a := range c.ACLs() {
			for _, t := range a.Tests() {
				text += " " + t.Expr().String()
			}
		}
	}
	return text
}

// TestNoRowIsSilent holds that nothing is accepted and silently ignored: whatever
// may be written, in whichever section, changes a field of the specification that
// the engine reads, or is warned about, or is declared to ask for what is done
// anyway.
func TestNoRowIsSilent(t *testing.T) {
	used := fieldsUsed(t)
	judge := func(t *testing.T, inert string, same bool, changed []string, warned bool) {
		t.Helper()
		switch {
		case inert != "" && !warned:
			t.Error("declared to be without effect, and not warned about")
		case same && (len(changed) > 0 || warned):
			t.Errorf("declared to change nothing; changes %v, is warned about: %v", changed, warned)
		case len(changed) == 0 && !warned && !same:
			t.Error("silent: changes nothing and is not warned about")
		}
		for _, f := range changed {
			if !used.read[f] {
				t.Errorf("changes %s, which the engine does not read", f)
			}
		}
	}
	for _, k := range keywords() {
		inert := inertOf(k)
		for _, kind := range []scope{inGlobal, inDefaults, inFrontend, inBackend, inListen} {
			if k.scope&kind == 0 {
				continue
			}
			t.Run(letters(kind)+"/"+k.name, func(t *testing.T) {
				if why, ok := elsewhere[k.name]; ok {
					t.Skip(why)
				}
				before, args := usual(k.name, k.args)
				if k.name == "enabled" {
					before, args = "disabled\n", ""
				}
				gap := " "
				if k.named {
					gap = ""
				}
				changed, warned := effect(t, kind, before, k.name+gap+args+"\n")
				judge(t, inert, k.same, changed, warned)
			})
		}
	}
	for _, o := range bindOptions() {
		t.Run("bind/"+o.name, func(t *testing.T) {
			line := "bind 127.0.0.1:8099 " + optionBefore("bind", o.name) + " "
			if o.name == "level" || o.name == "expose-fd" {
				line = "stats socket /tmp/x.sock "
			}
			kind := inFrontend
			if strings.HasPrefix(line, "stats") {
				kind = inGlobal
			}
			changed, warned := changedByOption(t, kind, line, o.name, o.args)
			judge(t, o.inert, o.same, changed, warned)
		})
	}
	for _, o := range serverOptions() {
		t.Run("server/"+o.name, func(t *testing.T) {
			line := "server s9 127.0.0.1:99 " + optionBefore("server", o.name) + " "
			if o.name == "resolvers" || o.name == "init-addr" {
				line = "server s9 nowhere.invalid:99 init-addr 127.0.0.1 "
			}
			if o.name == "cookie" || o.name == "redir" {
				line = "mode http\n" + line
			}
			if o.name == "resolve-prefer" {
				line = "server s9 localhost:99 "
			}
			changed, warned := changedByOption(t, inBackend, line, o.name, o.args)
			judge(t, o.inert, o.same, changed, warned)
		})
	}
}

// changedByOption is the effect of an option at the end of a line.
func changedByOption(t *testing.T, kind scope, line, name string, args int) (changed []string, warned bool) {
	t.Helper()
	value, before := optionSamples[name], ""
	if first, second, ok := strings.Cut(value, " "); ok && second == name {
		before, value = first+" ", ""
	}
	if value == "" && args > 0 {
		value = "7"
	}
	if strings.HasPrefix(line, "bind") && name == "verify" {
		value = "optional"
	}
	without, quiet := load(t, whole(kind, line+before+"\n"))
	with, diags := load(t, whole(kind, line+before+name+" "+value+"\n"))
	set := map[string]bool{}
	differences(reflect.ValueOf(without), reflect.ValueOf(with), "", set, map[[2]uintptr]bool{})
	return slices.Sorted(maps.Keys(set)), notedIn(diags) > notedIn(quiet)
}

// notedIn is the number of warnings and notices.
func notedIn(d Diagnostics) int { return d.Count(Warning) + d.Count(Notice) }

// TestSpecIsUsed holds that every field of the specification is filled in by this
// package and read by the engine.
func TestSpecIsUsed(t *testing.T) {
	used := fieldsUsed(t)
	for _, typ := range []reflect.Type{
		reflect.TypeFor[spec.Config](), reflect.TypeFor[spec.Global](), reflect.TypeFor[spec.Tune](), reflect.TypeFor[spec.CPUMap](), reflect.TypeFor[spec.LogTarget](), reflect.TypeFor[spec.LogSample](), reflect.TypeFor[spec.Ring](), reflect.TypeFor[spec.RingServer](),
		reflect.TypeFor[spec.Proxy](), reflect.TypeFor[spec.Timeouts](), reflect.TypeFor[spec.Options](), reflect.TypeFor[spec.ForwardFor](),
		reflect.TypeFor[spec.Bind](), reflect.TypeFor[spec.Server](), reflect.TypeFor[spec.Resolution](), reflect.TypeFor[spec.Resolvers](), reflect.TypeFor[spec.Nameserver](), reflect.TypeFor[spec.Hold](), reflect.TypeFor[spec.Source](), reflect.TypeFor[spec.ProxyHeader](), reflect.TypeFor[spec.Check](), reflect.TypeFor[spec.CheckStep](), reflect.TypeFor[spec.Expect](),
		reflect.TypeFor[spec.StatsPage](), reflect.TypeFor[spec.StatsAccess](), reflect.TypeFor[spec.Account](),
		reflect.TypeFor[spec.Hash](), reflect.TypeFor[spec.Cookie](), reflect.TypeFor[spec.PersistRule](), reflect.TypeFor[spec.ServerRule](),
	} {
		for field := range typ.Fields() {
			name := fmt.Sprintf("%s.%s", typ.Name(), field.Name)
			if field.Anonymous {
				continue
			}
			if !used.read[name] {
				t.Errorf("nothing reads %s", name)
			}
			if !used.written[name] {
				t.Errorf("no keyword sets %s", name)
			}
		}
	}
}

// TestNamesNotFound holds what becomes of a server whose host name is not found.
func TestNamesNotFound(t *testing.T) {
	cfg, _ := load(t, whole(inBackend, "server n nowhere.invalid:99 resolvers r\nserver m nowhere.invalid:99 init-addr libc,127.0.0.9\nserver l localhost:99\n"))
	servers := cfg.Proxies[2].Servers
	if n := servers[1]; !n.Unresolved || n.Host != "nowhere.invalid" || n.Addr.AddrPort().Port() != 99 {
		t.Errorf("resolvers: %+v", n)
	}
	if m := servers[2]; m.Unresolved || m.Addr.String() != "127.0.0.9:99" {
		t.Errorf("init-addr: %+v", m)
	}
	if l := servers[3]; l.Unresolved || l.Host != "localhost" || l.Addr.String() != "127.0.0.1:99" {
		t.Errorf("a name that is found: %+v", l)
	}
}

// A port with a sign is counted from the one that the client came to.
func TestPortsRelativeToTheClients(t *testing.T) {
	cfg, _ := load(t, whole(inBackend, "server up 127.0.0.1:+10\nserver down 127.0.0.1:-10\nserver same 127.0.0.1\nserver fixed 127.0.0.1:80\n"))
	for i, want := range []struct {
		follows bool
		offset  int
		port    uint16
	}{{true, 10, 0}, {true, -10, 0}, {true, 0, 0}, {false, 0, 80}} {
		s := cfg.Proxies[2].Servers[i+1]
		if s.MapPort != want.follows || s.PortOffset != want.offset || s.Addr.AddrPort().Port() != want.port {
			t.Errorf("server %s: follows %v by %d, port %d; want %+v", s.Name, s.MapPort, s.PortOffset, s.Addr.AddrPort().Port(), want)
		}
	}
}

// A range of source ports begins and ends with the ports that are written.
func TestSourcePortsAsWritten(t *testing.T) {
	cfg, _ := load(t, whole(inBackend, "server range 127.0.0.1:80 source 127.0.0.2:2000-2009\nserver one 127.0.0.1:80 source 127.0.0.2:2000\n"))
	for i, last := range []uint16{2009, 0} {
		s := cfg.Proxies[2].Servers[i+1].Source
		if s == nil || s.Addr.String() != "127.0.0.2:2000" || s.LastPort != last {
			t.Errorf("server %d comes from %+v, want 127.0.0.2:2000 to %d", i, s, last)
		}
	}
}
