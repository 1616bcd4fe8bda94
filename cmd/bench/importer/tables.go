package importer

import (
	"slices"
	"strings"
)

// foreignSections are sections that lead out of a scenario.
var foreignSections = map[string]string{
	"peers":       "a scenario has one proxy",
	"mailers":     "a scenario sends no mail",
	"program":     "a scenario starts no other programs",
	"log-forward": "a scenario forwards no logs",
	"ring":        "a scenario keeps no logs",
	"traces":      "a scenario traces nothing",
	"log-profile": "a scenario keeps no logs",
	"crt-store":   "loads of scenarios speak no TLS",
	"acme":        "loads of scenarios speak no TLS",
}

// globalDropped are keywords of the global section that belong to a machine.
var globalDropped = map[string]string{
	"stats socket": "the scenario has its own", "stats timeout": "the scenario has its own", "stats bind-process": "there is one process", "stats maxconn": "the scenario has its own",
	"daemon": "the runner keeps the proxy in the foreground", "master-worker": "the runner starts the proxy", "pidfile": "the runner knows the process",
	"mworker-max-reloads": "the runner starts the proxy", "program": "the runner starts the proxy",
	"chroot": "it needs root", "user": "it needs root", "group": "it needs root", "uid": "it needs root", "gid": "it needs root",
	"ulimit-n": "limits are this machine's", "fd-hard-limit": "limits are this machine's", "cpu-map": "processors are this machine's", "numa-cpu-mapping": "processors are this machine's",
	"nbproc": "there is one process", "log-send-hostname": "a scenario keeps no logs", "localpeer": "a scenario has one proxy",
	"server-state-file": "servers begin anew", "server-state-base": "servers begin anew", "external-check": "checks start no programs", "insecure-fork-wanted": "checks start no programs",
	"lua-load": "scripts are not part of a scenario", "lua-load-per-thread": "scripts are not part of a scenario", "lua-prepend-path": "scripts are not part of a scenario",
	"ca-base": "loads of scenarios speak no TLS", "crt-base": "loads speak no TLS", "ssl-dh-param-file": "loads speak no TLS", "ssl-engine": "loads speak no TLS",
	"h1-case-adjust-file": "files are this machine's", "wurfl-data-file": "files are this machine's", "51degrees-data-file": "files are this machine's", "deviceatlas-json-file": "files are this machine's",
}

// proxyDropped are keywords of proxies that mock origins or loads do not go along
// with.
var proxyDropped = map[string]string{
	"bind-process": "there is one process", "dispatch": "mock origins are servers", "email-alert": "a scenario sends no mail",
	"load-server-state-from-file": "servers begin anew", "server-state-file-name": "servers begin anew",
	"external-check": "checks start no programs", "option external-check": "checks start no programs",
	"option ldap-check": "mock origins do not speak it", "option pgsql-check": "mock origins do not speak it", "option smtpchk": "mock origins do not speak it",
	"option ssl-hello-chk": "mock origins do not speak it", "option spop-check": "mock origins do not speak it", "option mysql-check": "the user is not known to mock origins",
	"option transparent": "mock origins are servers", "option http_proxy": "mock origins are servers", "transparent": "mock origins are servers",
	"tcp-check": "mock origins do not know the dialogue", "source": "addresses are this machine's", "filter": "what filters speak to is not part of a scenario",
	"use-fcgi-app": "mock origins do not speak FastCGI", "errorfiles": "files are this machine's",
}

// bindDropped are options of listeners with the number of their arguments.
var bindDropped = map[string]int{
	"ssl": 0, "crt": 1, "crt-list": 1, "ca-file": 1, "ca-verify-file": 1, "ca-sign-file": 1, "ca-sign-pass": 1, "crl-file": 1, "alpn": 1, "npn": 1, "ciphers": 1, "ciphersuites": 1, "curves": 1, "ecdhe": 1,
	"verify": 1, "no-sslv3": 0, "no-tlsv10": 0, "no-tlsv11": 0, "no-tlsv12": 0, "no-tlsv13": 0, "no-tls-tickets": 0, "force-sslv3": 0, "force-tlsv10": 0, "force-tlsv11": 0, "force-tlsv12": 0, "force-tlsv13": 0,
	"ssl-min-ver": 1, "ssl-max-ver": 1, "strict-sni": 0, "prefer-client-ciphers": 0, "generate-certificates": 0, "tls-ticket-keys": 1, "allow-0rtt": 0, "crt-ignore-err": 1, "ca-ignore-err": 1, "no-ca-names": 0,
	"accept-proxy": 0, "accept-netscaler-cip": 1, "interface": 1, "namespace": 1, "transparent": 0, "process": 1, "thread": 1, "proto": 1, "id": 1,
	"user": 1, "group": 1, "uid": 1, "gid": 1, "mode": 1, "level": 1, "expose-fd": 1, "v4v6": 0, "v6only": 0, "nice": 1, "tfo": 0, "quic-force-retry": 0, "quic-cc-algo": 1,
}

// serverDropped are options of servers with the number of their arguments, -1 for
// the rest of the line.
var serverDropped = map[string]int{
	"ssl": 0, "verify": 1, "verifyhost": 1, "no-verifyhost": 0, "ca-file": 1, "crt": 1, "crl-file": 1, "sni": 1, "check-sni": 1, "alpn": 1, "check-alpn": 1, "npn": 1, "ciphers": 1, "ciphersuites": 1,
	"check-ssl": 0, "no-check-ssl": 0, "no-ssl-reuse": 0, "no-sslv3": 0, "no-tlsv10": 0, "no-tlsv11": 0, "no-tlsv12": 0, "no-tlsv13": 0, "no-tls-tickets": 0, "force-sslv3": 0, "force-tlsv10": 0, "force-tlsv11": 0, "force-tlsv12": 0, "force-tlsv13": 0,
	"ssl-min-ver": 1, "ssl-max-ver": 1, "send-proxy": 0, "send-proxy-v2": 0, "send-proxy-v2-ssl": 0, "send-proxy-v2-ssl-cn": 0, "proxy-v2-options": 1, "check-send-proxy": 0,
	"resolvers": 1, "init-addr": 1, "resolve-prefer": 1, "resolve-net": 1, "resolve-opts": 1, "source": 1, "usesrc": 1, "interface": 1, "namespace": 1, "socks4": 1, "check-via-socks4": 0,
	"port": 1, "addr": 1, "agent-check": 0, "agent-port": 1, "agent-addr": 1, "agent-inter": 1, "agent-send": 1, "proto": 1, "check-proto": 1, "ws": 1, "tfo": 0, "log-proto": 1,
}

// unwanted is why a line is left out, "" if it stays.
func (im *importer) unwanted(s *section, l *line) string {
	table := proxyDropped
	if s.kind == "global" {
		table = globalDropped
	}
	for n := 1; n <= 2; n++ {
		if why := table[l.head(n)]; why != "" && len(l.words) >= n {
			return why
		}
	}
	has := func(parts ...string) bool {
		return slices.ContainsFunc(l.words, func(w string) bool {
			return slices.ContainsFunc(parts, func(p string) bool { return strings.Contains(w, p) })
		})
	}
	inProxy := s.front() || s.back() || s.kind == "defaults"
	switch head := l.head(1); {
	case (l.head(2) == "option httpchk" || head == "http-check") && im.servers[s] != nil && im.servers[s].kind != "http":
		return "mock origins of kind " + im.servers[s].kind + " do not speak HTTP"
	case head == "log" && !slices.Contains(l.words, "global"):
		return "a scenario keeps no logs"
	case head == "log" && inProxy, head == "option" && slices.Contains([]string{"httplog", "tcplog", "httpslog"}, l.head(2)[len("option "):]), head == "log-format", head == "error-log-format", head == "log-format-sd", head == "log-tag":
		return "a scenario keeps no logs"
	case strings.HasPrefix(head, "tune.lua"):
		return "scripts are not part of a scenario"
	case strings.HasPrefix(head, "ssl-") && s.kind == "global", strings.HasPrefix(head, "tune.ssl"), strings.HasPrefix(head, "httpclient."):
		return "loads of scenarios speak no TLS"
	case head == "errorfile" && len(l.words) > 2 && !im.Exists(l.words[2]):
		return "'" + l.words[2] + "' is not there"
	case inProxy && has("lua."):
		return "scripts are not part of a scenario"
	case inProxy && head != "acl" && has("scheme") && has("https") && has("redirect"):
		return "loads of scenarios speak no TLS"
	case (head == "tcp-request" || head == "tcp-response") && (has("req_ssl", "req.ssl") || slices.ContainsFunc(l.words, func(w string) bool { return s.aboutTLS(strings.TrimPrefix(w, "!")) })):
		return "loads of scenarios speak no TLS"
	case inProxy && has("spoe"):
		return "what filters speak to is not part of a scenario"
	case inProxy && l.head(2) == "http-check expect" && !expectsGood(l.words):
		return "mock origins answer with status 200 and other contents"
	case inProxy && head == "redirect" && has("{", "ssl_fc") && has("ssl_fc"):
		return "loads of scenarios speak no TLS"
	}
	return ""
}

// aboutTLS reports whether an acl of the section looks at the beginning of TLS.
func (s *section) aboutTLS(name string) bool {
	return slices.ContainsFunc(s.lines, func(l line) bool {
		return len(l.words) > 2 && l.words[0] == "acl" && l.words[1] == name && (strings.HasPrefix(l.words[2], "req_ssl") || strings.HasPrefix(l.words[2], "req.ssl"))
	})
}

// expectsGood reports whether the answer of a mock origin is what a check expects.
func expectsGood(words []string) bool {
	i := slices.IndexFunc(words, func(w string) bool { return w == "status" || w == "rstatus" })
	return i > 0 && i+1 < len(words) && !slices.Contains(words, "!") && (strings.Contains(words[i+1], "200") || strings.HasPrefix(words[i+1], "2") || strings.Contains(words[i+1], "(2") || strings.Contains(words[i+1], "^2") || strings.Contains(words[i+1], "[23]"))
}
