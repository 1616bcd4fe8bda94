package difftest

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"bench/internal/testpeer"
)

// clientScript has services that say what core.httpclient gives.
const clientScript = `local base, secure, dir = 'http://127.0.0.1:PORT', 'https://127.0.0.1:SECURE', 'DIR'
local said
local function try(name, f)
  local r = table.pack(pcall(f))
  for i = 1, r.n do r[i] = (math.type(r[i]) or type(r[i])) .. ':' .. tostring(r[i]):gsub('^.*s%.lua:%d+: ', ''):gsub('\r\n', '|'):gsub('[\r\n]', '.'):gsub('127%.0%.0%.1:%d+', 'HERE') end
  said = said .. name .. ' => ' .. table.concat(r, ' ! ') .. '\n'
end
local function service(name, f)
  core.register_service(name, 'http', function(applet) said = '' f() applet:set_status(200) applet:add_header('content-length', #said) applet:start_response() applet:send(said) end)
end
local function show(r)
  local t = {}
  for n, v in pairs(r.headers) do local i = 0 while v[i] do t[#t + 1] = n .. i .. '=' .. v[i] i = i + 1 end end
  table.sort(t)
  local body = r.body
  if r.status >= 500 and body:find('<html>') then body, t = 'a page', {} end
  if #body > 2000 then body = #body .. body:sub(1, 3) .. body:sub(-3) end
  return r.status, r.reason, table.concat(t, ';'), body
end
local function ask(name, method, q) try(name, function() local c = core.httpclient() return show(c[method](c, q)) end) end

service('requests', function()
  ask('get', 'get', {url = base .. '/echo'})
  ask('a query', 'get', {url = base .. '/echo?a=b&c'})
  ask('no path', 'get', {url = base})
  for _, m in ipairs({'head', 'put', 'post', 'delete'}) do ask(m, m, {url = base .. '/echo'}) end
  for _, m in ipairs({'get', 'put', 'post', 'delete'}) do ask(m .. ', a body', m, {url = base .. '/echo', body = 'hello'}) end
  ask('an empty body', 'post', {url = base .. '/echo', body = ''})
  ask('a field', 'get', {url = base .. '/echo', headers = {['X-A'] = {'one'}}})
  ask('a field twice', 'get', {url = base .. '/echo', headers = {['x-a'] = {'one', 'two'}}})
  ask('a field counted from 0', 'get', {url = base .. '/echo', headers = {['x-a'] = {[0] = 'one'}}})
  ask('a number', 'get', {url = base .. '/echo', headers = {['x-a'] = {7}}})
  ask('an empty field', 'get', {url = base .. '/echo', headers = {['x-a'] = {''}}})
  ask('a field that is no table', 'get', {url = base .. '/echo', headers = {['x-a'] = 'one'}})
  ask('host', 'get', {url = base .. '/echo', headers = {host = {'other.test'}}})
  ask('agent', 'get', {url = base .. '/echo', headers = {['User-Agent'] = {'mine'}}})
  ask('a length', 'post', {url = base .. '/echo', body = 'hello', headers = {['content-length'] = {'5'}}})
  ask('a long body', 'post', {url = base .. '/count', body = ('x'):rep(300000)})
  ask('a place', 'get', {url = 'http://site.test/echo', dst = '127.0.0.1:PORT'})
  ask('a place in the file system', 'get', {url = 'http://site.test/echo', dst = 'unix@' .. dir .. '/o.sock'})
  ask('a path in the file system', 'get', {url = 'http://site.test/echo', dst = dir .. '/o.sock'})
  ask('a port of its own', 'get', {url = 'http://site.test:99/echo', dst = '127.0.0.1:PORT'})
end)

service('responses', function()
  for _, p in ipairs({'chunked', 'close', 'none', 'moved', 'fields', 'long', 'cut', 'cutchunks', 'old', 'length', 'reason', 'early', 'slow'}) do ask(p, 'get', {url = base .. '/' .. p}) end
  ask('head of a length', 'head', {url = base .. '/length'})
  ask('several', 'get', {url = base .. '/length'})
  ask('time enough', 'get', {url = base .. '/slow', timeout = 2000})
end)

service('failures', function()
  for _, p in ipairs({'bad', 'silent'}) do ask(p, 'get', {url = base .. '/' .. p, timeout = 200}) end
  ask('secure, not trusted', 'get', {url = secure .. '/echo'})
end)

service('refusals', function()
  ask('no URL', 'get', {})
  ask('no table', 'get', nil)
  ask('a text', 'get', 'x')
  for _, q in ipairs({{url = 7}, {url = base, x = 1}, {url = base, timeout = 'x'}, {url = base, headers = 'x'}, {url = base, body = 7}, {url = base, body = {}}}) do ask('odd', 'get', q) end
  try('no method', function() return core.httpclient().patch end)
end)

service('twice', function()
  try('one client, two requests', function() local c = core.httpclient() c:get{url = base .. '/echo'} return show(c:get{url = base .. '/echo'}) end)
end)

service('better', function()
  ask('an interim response', 'get', {url = base .. '/interim'})
  ask('a query and no path', 'get', {url = base .. '?q'})
end)

service('unreached', function()
  ask('refused', 'get', {url = 'http://127.0.0.1:1/'})
  ask('closed', 'get', {url = base .. '/closed'})
end)

service('secure', function()
  ask('secure', 'get', {url = secure .. '/echo'})
end)

core.register_cli({'lua', 'lines'}, 'lua lines : two lines', function(applet)
  applet:send('first? ') local a = applet:getline() applet:send('second? ') local b = applet:getline() applet:send('<' .. a .. b .. '>\n')
end)
core.register_cli({'lua', 'piece'}, 'lua piece : four bytes', function(applet) applet:send('<' .. applet:receive(4) .. '>\n') end)
`

const clientConf = `global
    lua-load DIR/s.lua
    nbthread 1
    stats socket DIR/stats level user
    stats timeout 3s
    TLS
defaults
    mode http
    timeout connect 1s
    timeout client 60s
    timeout server 60s
frontend f
    bind fd@3
    http-request use-service lua.requests if { path /requests }
    http-request use-service lua.responses if { path /responses }
    http-request use-service lua.failures if { path /failures }
    http-request use-service lua.refusals if { path /refusals }
    http-request use-service lua.twice if { path /twice }
    http-request use-service lua.better if { path /better }
    http-request use-service lua.unreached if { path /unreached }
    http-request use-service lua.secure if { path /secure }
frontend ready
    bind fd@4
    http-request return status 200
`

var lengths = regexp.MustCompile(`content-length0=[0-9]+`) // which depend on ports

// answersOf are what the origin of TestScriptsAsk says by path.
var answersOf = map[string]string{
	"chunked":   "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n7;x=y\r\n, world\r\n0\r\nX-Trailer: t\r\n\r\n",
	"close":     "HTTP/1.1 200 OK\r\n\r\nuntil the end",
	"none":      "HTTP/1.1 204 No Content\r\nX-A: b\r\n\r\n",
	"interim":   "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
	"moved":     "HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n",
	"fields":    "HTTP/1.1 200 OK\r\nX-A: one\r\nX-A: two\r\nSet-Cookie: a=b\r\nX-B:  c  \r\nX-E:\r\nContent-Length: 2\r\n\r\nok",
	"long":      "HTTP/1.1 200 OK\r\nContent-Length: 300000\r\n\r\nabc" + strings.Repeat("x", 299994) + "xyz",
	"cut":       "HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhello",
	"cutchunks": "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
	"old":       "HTTP/1.0 404 Not Here\r\nContent-Length: 2\r\n\r\nno",
	"length":    "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
	"reason":    "HTTP/1.1 299 \r\nContent-Length: 0\r\n\r\n",
	"early":     "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok",
	"bad":       "this is no HTTP at all\r\n\r\n",
}

// servesScripts serves one connection of a script that makes requests.
func servesScripts(c net.Conn) {
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(20 * time.Second))
	r := bufio.NewReader(c)
	for {
		got, err := readMessage(r, true, false)
		if err != nil {
			return
		}
		line, _, _ := strings.Cut(string(got), "\r\n")
		words := strings.Fields(line)
		path := words[1]
		if i := strings.Index(path, "://"); i >= 0 {
			path = path[i+3:]
			path = path[max(strings.IndexByte(path, '/'), 0):]
		}
		name := strings.TrimPrefix(path, "/")
		switch answer := answersOf[name]; {
		case answer != "":
			if words[0] == "HEAD" {
				answer = answer[:strings.Index(answer, "\r\n\r\n")+4]
			}
			_, _ = io.WriteString(c, answer)
			if name == "length" || name == "interim" || name == "moved" || name == "none" {
				continue
			}
			return
		case name == "closed":
			return
		case name == "silent":
			_, _ = io.Copy(io.Discard, r)
			return
		case name == "slow":
			for _, piece := range []string{"HTTP/1.1 2", "00 OK\r\nContent-", "Length: 6\r\n\r\nab", "cd", "ef"} {
				_, _ = io.WriteString(c, piece)
				time.Sleep(20 * time.Millisecond)
			}
		case name == "count":
			text := fmt.Sprintf("%d bytes", len(got)/1000)
			fmt.Fprintf(c, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(text), text)
		default:
			body := string(got)
			if words[0] == "HEAD" {
				body = ""
			}
			fmt.Fprintf(c, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
		}
	}
}

// Scripts make the same requests, and get the same responses; and commands of scripts hear
// the same of what their clients say next.
func TestScriptsAsk(t *testing.T) {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var tries atomic.Int32
	serve := func(l net.Listener) {
		t.Cleanup(func() { l.Close() })
		go func() {
			for {
				c, err := l.Accept()
				if err != nil {
					return
				}
				tries.Add(1)
				go servesScripts(c)
			}
		}()
	}
	serve(l)
	_, port, _ := net.SplitHostPort(l.Addr().String())
	secure := securely(t, servesScripts)
	subjects := [2]*subject{{"haproxy", []string{testpeer.Need(t, "haproxy")}}, {"builtin", []string{build(t), "proxy"}}}
	var got [2]string
	for i, s := range subjects {
		dir := t.TempDir()
		u, err := net.Listen("unix", filepath.Join(dir, "o.sock"))
		if err != nil {
			t.Fatal(err)
		}
		serve(u)
		if err := os.WriteFile(filepath.Join(dir, "s.lua"), []byte(strings.NewReplacer("PORT", port, "SECURE", secure, "DIR", dir).Replace(clientScript)), 0o600); err != nil {
			t.Fatal(err)
		}
		started := func(more string) *running {
			r, err := s.startWith(dir, strings.NewReplacer("DIR", dir, "TLS", more).Replace(clientConf), 0, 2)
			if err != nil {
				t.Fatalf("%s: %v", s.name, err)
			}
			return r
		}
		r := started("")
		for _, path := range []string{"/requests", "/responses", "/failures", "/refusals", "/twice"} {
			got[i] += path + "\n" + contentOf(t, r.addr, path)
		}
		if i == 1 { // the reference gives what comes first for the response, and does not ask at all
			const want = "an interim response => boolean:true ! integer:200 ! string:OK ! string:content-length0=2 ! string:ok\n" +
				"a query and no path => boolean:true ! integer:200 ! string:OK ! string:content-length0=77 ! string:GET /?q HTTP/1.1|host: HERE|accept: */*|user-agent: HAProxy||\n"
			if got := contentOf(t, r.addr, "/better"); lengths.ReplaceAllString(got, "") != lengths.ReplaceAllString(want, "") {
				t.Errorf("%q, want %q", got, want)
			}
		}
		tries.Store(0)
		got[i] += contentOf(t, r.addr, "/unreached") + fmt.Sprintf("tried again: %v\n", tries.Load() > 1)
		for _, said := range []string{"lua lines\none\ntwo\n", "lua lines\none\n", "lua lines\none\ntwo\nshow cli level\n", "lua lines\n", "lua piece\nabcdef\n", "lua piece\nab", "prompt\nlua lines\none\ntwo\nlua piece\nabcdshow cli level\nquit\n"} {
			got[i] += fmt.Sprintf("%q\n", said) + heard(t, filepath.Join(dir, "stats"), said)
		}
		if err := r.stop(); err != nil {
			t.Errorf("%s: %v", s.name, err)
		}
		r = started("httpclient.ssl.verify none")
		got[i] += contentOf(t, r.addr, "/secure")
		if err := r.stop(); err != nil {
			t.Errorf("%s: %v", s.name, err)
		}
	}
	compareTold(t, got)
}

// heard is what the runtime API answers to a client that says something and then nothing
// more.
func heard(t *testing.T, path, text string) string {
	t.Helper()
	c, err := net.DialTimeout("unix", path, awaitLimit)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(20 * time.Second))
	_, _ = io.WriteString(c, text)
	_ = c.(*net.UnixConn).CloseWrite()
	all, _ := io.ReadAll(c)
	return helpLine.ReplaceAllString(string(all), "")
}

// helpLine is one of the list of commands, whose words are each program's own.
var helpLine = regexp.MustCompile(`(?m)^  .*\n`)
