package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"bench/proxy/lua"
)

const scriptBase = "defaults\n mode http\n timeout client 1s\n timeout server 1s\n timeout connect 1s\nfrontend f\n bind 127.0.0.1:8080\n default_backend b\n"

const someScript = `
core.register_action("act", {"http-req"}, function(txn) end)
core.register_action("args", {"http-req", "http-res", "tcp-req"}, function(txn, a, b) end, 2)
core.register_fetches("fetch", function(txn) return "x" end)
core.register_converters("conv", function(s) return s end)
core.register_service("http", "http", function(applet) end)
core.register_service("tcp", "tcp", function(applet) end)
local given = ...
if given then core.register_fetches("given-" .. given, function() return given end) end
`

// What scripts register can be named, and what they do not is a mistake, as is one in a
// script, which is reported with its place.
func TestScripts(t *testing.T) {
	dir := t.TempDir()
	files := map[string]string{
		"some.lua": someScript, "syntax.lua": "local a = 1\nlocal b = = 2\n", "fails.lua": "local a\n\nerror('no way')\n", "index.lua": "local a\na.b = 1\n", "place.lua": "core.register_action('x', {'nowhere'}, function() end)\n",
		"uses.lua": "local m = require('module')\ncore.register_fetches('of-module', function() return m.value end)\n", "module.lua": "return {value = 'v'}\n", "init.lua": "core.register_init(function() error('in init') end)\n", "late.lua": "core.register_init(function() core.register_action('x', {'http-req'}, function() end) end)\n",
		"cli.lua": "core.register_cli({'show', 'x'}, 'x', function() end)\n", "noword.lua": "core.register_cli({}, 'x', function() end)\n", "tcp.lua": "local s = core.tcp()\n",
		"proxies.lua": "assert(core.proxies == nil) core.register_init(function() assert(core.proxies.b.servers.s and core.backends.b and not core.frontends.b) end)\n", "client.lua": "core.httpclient()\n", "filter.lua": "core.register_filter('f', {}, function() end)\n",
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	const load = "lua-load DIR/some.lua\n"
	for _, c := range []struct{ global, rules, want string }{
		{load, "http-request lua.act", ""},
		{load, "http-request lua.args a b if { path / }\n http-response lua.args a b\n tcp-request inspect-delay 1s\n tcp-request content lua.args a b", ""},
		{load, "http-request set-header x %[lua.fetch(a,b),lua.conv,upper]", ""},
		{load, "http-request use-service lua.http\n tcp-request content use-service lua.tcp", ""},
		{"lua-load DIR/some.lua one", "http-request set-header x %[lua.given-one]", ""},
		{"lua-load-per-thread DIR/some.lua", "http-request lua.act", ""},
		{"lua-prepend-path DIR/?.lua\nlua-load DIR/uses.lua", "http-request set-header x %[lua.of-module]", ""},
		{"tune.lua.session-timeout 3s\n" + load, "http-request lua.act", ""},
		{"lua-load DIR/none.lua", "", "cannot open DIR/none.lua: no such file or directory"},
		{"lua-load DIR/syntax.lua", "", "DIR/syntax.lua:2: unexpected symbol near '='"},
		{"lua-load DIR/fails.lua", "", "runtime error: DIR/fails.lua:3: no way"},
		{"lua-load DIR/index.lua", "", "runtime error: DIR/index.lua:2: attempt to index"},
		{"lua-load DIR/place.lua", "", "want 'tcp-req', 'tcp-res', 'http-req' or 'http-res'"},
		{"lua-load DIR/filter.lua", "", "filters in scripts are not supported"},
		{"lua-load DIR/cli.lua", "", ""},
		{"lua-load DIR/noword.lua", "", "DIR/noword.lua:1: bad argument #1 to register_cli (a list of words is expected)"},
		{"lua-load DIR/tcp.lua", "", "DIR/tcp.lua:1: core.tcp: not available before the proxy runs"},
		{"lua-load DIR/proxies.lua", "", ""},
		{"lua-load DIR/client.lua", "", "DIR/client.lua:1: core.httpclient: not available before the proxy runs"},
		{"lua-load DIR/uses.lua", "", "module 'module' not found"},
		{"lua-load DIR/init.lua", "", "DIR/init.lua:1: in init"},
		{"lua-load DIR/late.lua", "", "only available from the body of a script"},
		{"lua-prepend-path x other", "", "unknown kind of path 'other'"},
		{"", "http-request lua.act", "no script has registered an action 'lua.act' for 'http-request' rules"},
		{load, "http-request lua.other", "no script has registered an action 'lua.other'"},
		{load, "http-response lua.act", "no script has registered an action 'lua.act' for 'http-response' rules"},
		{load, "http-request lua.args a", "an argument of 'lua.args' is missing"},
		{load, "http-request lua.args a b c", "unexpected word 'c'"},
		{load, "http-request set-header x %[lua.other]", "unknown sample fetch 'lua.other'"},
		{load, "http-request use-service lua.other", "no script has registered a service 'lua.other'"},
		{load, "http-request use-service lua.tcp", "service 'lua.tcp' does not speak HTTP"},
		{load, "tcp-request content use-service lua.http", "service 'lua.http' speaks HTTP"},
		{load, "tcp-request content use-service prometheus-exporter", "there is no service 'prometheus-exporter' for 'tcp-request content' rules"},
	} {
		text := "global\n" + c.global + "\n" + scriptBase + " " + c.rules + "\nbackend b\n server s 127.0.0.1:80\n"
		_, diags := Load([]Source{{Name: "t.cfg", Text: []byte(strings.ReplaceAll(text, "DIR", dir))}}, SystemEnv("2.6.12"))
		want, found := strings.ReplaceAll(c.want, "DIR", dir), false
		for i := range diags {
			found = found || strings.Contains(diags[i].Msg, want)
		}
		if diags.HasErrors() == (want == "") || want != "" && !found {
			t.Errorf("%q, %q: %v, want %q", c.global, c.rules, diags, want)
		}
	}
}

// Settings count wherever they stand, and nothing is made where nobody asks for scripts.
func TestScriptSettings(t *testing.T) {
	// What nobody limits ends after the time of the manual: a service without an end would
	// else go on after its client has left.
	of := func(text string) lua.Settings {
		t.Helper()
		cfg, diags := Load([]Source{{Name: "t.cfg", Text: []byte(text + scriptBase + "backend b\n")}}, SystemEnv("2.6.12"))
		p, ok := cfg.Scripts.(*lua.Program)
		if diags.HasErrors() || !ok {
			t.Fatalf("%+v, %v", cfg.Scripts, diags)
		}
		return p.Settings
	}
	if got, want := of("global\ntune.lua.session-timeout 4s\n"), (lua.Settings{ForcedYield: 10000, Session: 4 * time.Second, Service: 4 * time.Second}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	if got, want := of("global\ntune.lua.session-timeout 3s\ntune.lua.task-timeout 1m\ntune.lua.service-timeout 5\ntune.lua.forced-yield 77\n"), (lua.Settings{ForcedYield: 77, Session: 3 * time.Second, Task: time.Minute, Service: 5 * time.Millisecond}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	if cfg, _ := Load([]Source{{Name: "t.cfg", Text: []byte(scriptBase + "backend b\n")}}, SystemEnv("2.6.12")); cfg.Scripts != nil {
		t.Error("a configuration without scripts has some")
	}
}
