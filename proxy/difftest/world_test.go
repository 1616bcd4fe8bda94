package difftest

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"bench/internal/testpeer"
)

// worldScript has services that say what functions of the library return which reach out
// of the script: sockets, proxies and servers.
const worldScript = `local port, secure = PORT, SECURE
local said
local function try(name, f)
  local r = table.pack(pcall(f))
  for i = 1, r.n do r[i] = (math.type(r[i]) or type(r[i])) .. ':' .. tostring(r[i]):gsub('^.*s%.lua:%d+: ', ''):gsub('[\r\n]', '.') end
  said = said .. name .. ' => ' .. table.concat(r, ' | ') .. '\n'
end
local function keys(t) local k = {} for n in pairs(t) do k[#k + 1] = tostring(n) end table.sort(k) return table.concat(k, ',') end
local function service(name, f)
  core.register_service(name, 'http', function(applet) said = '' f() applet:set_status(200) applet:add_header('content-length', #said) applet:start_response() applet:send(said) end)
end
local function connected() local s = core.tcp() s:connect('127.0.0.1', port) return s end

local function on(what, name, f)
  try(what .. ', ' .. name, function()
    local s = connected()
    s:send(what .. '\n')
    local r = table.pack(f(s))
    s:close()
    return table.unpack(r, 1, r.n)
  end)
end

service('pieces', function()
  on('slow', 'lines', function(s) return s:receive('*l'), s:receive('*l'), s:receive('*l') end)
end)

service('sockets', function()
  try('connect', function() return core.tcp():connect('127.0.0.1', port) end)
  try('connect, one word', function() return core.tcp():connect('127.0.0.1:' .. port) end)
  try('connect, port as text', function() return core.tcp():connect('127.0.0.1', tostring(port)) end)
  try('connect, refused', function() return core.tcp():connect('127.0.0.1', 1) end)
  try('connect, no port', function() return core.tcp():connect('127.0.0.1') end)
  try('connect, a name', function() return core.tcp():connect('localhost', port) end)
  try('connect, no address', function() return core.tcp():connect() end)
  try('connect, no such file', function() return core.tcp():connect('/none/s') end)
  try('receive without a connection', function() return core.tcp():receive() end)
  try('close without a connection', function() return core.tcp():close() end)
  try('closed twice', function() local s = connected() s:close() return s:close() end)
  try('send when closed', function() local s = connected() s:close() return s:send('x') end)
  try('receive when closed', function() local s = connected() s:close() return s:receive() end)
  try('peer', function() return (connected():getpeername():gsub(':%d+$', '')) end)
  try('own name', function() return (connected():getsockname():gsub(':%d+$', '')) end)
  try('peer of none', function() return core.tcp():getpeername() end)
  for _, v in ipairs({1, 1.5, 0, -1, 'x'}) do try('settimeout ' .. v, function() return core.tcp():settimeout(v) end) end
  try('setoption', function() return core.tcp():setoption('keepalive', true) end)
  try('no method', function() return core.tcp().nosuch end)
  on('lines', 'lines', function(s) return s:receive(), s:receive('*l'), s:receive('*l'), s:receive() end)
  on('lines', 'numbers', function(s) return s:receive(3), s:receive(2), s:receive('*a') end)
  on('lines', 'all', function(s) return s:receive('*a'), s:receive('*a') end)
  on('lines', 'all, behind', function(s) return s:receive('*a', 'pre') end)
  on('lines', 'line, behind', function(s) return s:receive('*l', 'pre') end)
  on('lines', 'number, behind', function(s) return s:receive(5, 'pre') end)
  on('lines', 'number that is there', function(s) return s:receive(3, 'pre') end)
  on('lines', 'more than comes', function(s) return s:receive(100) end)
  on('lines', 'nothing', function(s) return s:receive(0) end)
  on('lines', 'below nothing', function(s) return s:receive(-5) end)
  on('lines', 'number as text', function(s) return s:receive('5') end)
  on('lines', 'no pattern', function(s) return s:receive('*x') end)
  on('empty', 'all', function(s) return s:receive('*a') end)
  on('empty', 'line', function(s) return s:receive('*l') end)
  on('empty', 'number', function(s) return s:receive(1) end)
  on('slow', 'all', function(s) return s:receive('*a') end)
  on('silent', 'line', function(s) s:settimeout(0.1) return s:receive('*l') end)
  on('echo', 'parts', function(s) local a, b = s:send('abcdef'), s:send('abcdef', 2) return a, b, s:receive(11) end)
  on('echo', 'within', function(s) return s:send('abcdef', 2, 3), s:receive(2) end)
  on('count', 'much', function(s) local n = s:send(('x'):rep(3000000)) return n, s:receive('*l') end)
end)

local function over(what, name, f)
  try(what .. ', ' .. name .. ', over TLS', function()
    local s = core.tcp()
    s:connect_ssl('127.0.0.1', secure)
    s:send(what .. '\n')
    local r = table.pack(f(s))
    s:close()
    return table.unpack(r, 1, r.n)
  end)
end

service('secure', function()
  try('connect_ssl', function() return core.tcp():connect_ssl('127.0.0.1', secure) end)
  try('connect_ssl, one word', function() return core.tcp():connect_ssl('127.0.0.1:' .. secure) end)
  try('connect_ssl, refused', function() return core.tcp():connect_ssl('127.0.0.1', 1) end)
  try('connect_ssl, no port', function() return core.tcp():connect_ssl('127.0.0.1') end)
  try('connect_ssl, no address', function() return core.tcp():connect_ssl() end)
  try('connect_ssl, in clear there', function() return core.tcp():connect_ssl('127.0.0.1', port) end)
  try('connect, TLS there', function() local s = core.tcp() s:connect('127.0.0.1', secure) s:send('lines\n') return (s:receive('*l') or ''):find('one') end)
  over('lines', 'lines', function(s) return s:receive(), s:receive('*l'), s:receive('*l'), s:receive() end)
  over('lines', 'all', function(s) return s:receive('*a'), s:receive('*a') end)
  over('lines', 'more than comes', function(s) return s:receive(100) end)
  over('empty', 'line', function(s) return s:receive('*l') end)
  over('slow', 'all', function(s) return s:receive('*a') end)
  over('silent', 'line', function(s) s:settimeout(0.1) return s:receive('*l') end)
  over('echo', 'parts', function(s) local a, b = s:send('abcdef'), s:send('abcdef', 2) return a, b, s:receive(11) end)
  over('count', 'much', function(s) local n = s:send(('x'):rep(3000000)) return n, s:receive('*l') end)
  over('lines', 'peer', function(s) return (s:getpeername():gsub(':%d+$', '')) end)
end)

service('proxies', function()
  try('proxies', function() return keys(core.proxies), keys(core.backends), keys(core.frontends) end)
  local b, f = core.backends.b, core.proxies.f
  try('fields', function() local k = {} for n, v in pairs(b) do k[#k + 1] = tostring(n) .. ':' .. type(v) end table.sort(k) return table.concat(k, ' ') end)
  try('names', function() return b.name, b.uuid, f.name, f.uuid end)
  try('sides', function() return b:get_cap(), f:get_cap(), core.proxies.l:get_cap() end)
  try('modes', function() return b:get_mode(), core.proxies.l:get_mode() end)
  try('parts', function() return keys(b.servers), keys(f.servers), keys(f.listeners), keys(b.listeners) end)
  try('figures', function() local s = b:get_stats() return s.pxname, s.svname, s.status, s.act, s.bck, s.lbtot, s.mode, s.algo, s.qcur end)
  try('figures of a frontend', function() local s = f:get_stats() return s.pxname, s.svname, s.status, s.mode end)
  local s, c = b.servers.s1, b.servers.c
  try('fields of a server', function() local k = {} for n, v in pairs(s) do k[#k + 1] = tostring(n) .. ':' .. type(v) end table.sort(k) return table.concat(k, ' ') end)
  try('names of a server', function() return s.name, s.puid end)
  for _, v in ipairs({'50', '10%', '0', '256', '257', '-1', 'x', '5x', ''}) do try('weight ' .. v, function() return s:get_weight(), s:set_weight(v), s:get_weight() end) end
  for _, v in ipairs({7, '9', 'x', '', 0}) do try('maxconn ' .. v, function() return s:set_maxconn(v), s:get_maxconn() end) end
  try('address', function() return s:get_addr(), s:set_addr('127.0.0.9'), s:get_addr(), s:set_addr('127.0.0.8', 99), s:get_addr() end)
  try('no address', function() return s:set_addr('x'), s:get_addr() end)
  try('states', function() return s:is_draining(), s:set_maint(), s:get_stats().status, s:set_ready(), s:get_stats().status, s:set_drain(), s:is_draining(), s:get_stats().status end)
  try('ready', function() return s:set_ready(), s:is_draining(), s:get_stats().status end)
  try('checks', function() return c:check_disable(), c:check_enable(), c:check_force_down(), c:get_stats().status, c:check_force_up(), c:get_stats().status, c:check_force_nolb(), c:get_stats().status end)
  try('agents', function() return s:agent_disable(), s:agent_enable(), s:agent_force_down(), s:get_stats().status, s:agent_force_up() end)
  try('sessions', function() return s:shut_sess(), b:shut_bcksess() end)
  try('pause', function() return core.proxies.g:pause(), core.proxies.g:get_stats().status, core.proxies.g:resume(), core.proxies.g:get_stats().status end)
  try('the same', function() return core.backends.b == b, b.servers.s1 == s, b.nosuch, s.nosuch, core.proxies.nosuch end)
  try('process', function() local i = core.get_info() return i.Name, i.Nbthread, i.Nbproc, type(i.Uptime_sec), type(i.Version) end)
end)

core.register_cli({'show', 'echo'}, 'show echo <text> : says it', function(applet, ...)
  applet:send('got ' .. table.concat({...}, '+') .. '\n') core.msleep(20) applet:send('more\n')
end)
core.register_cli({'lua', 'fail'}, 'lua fail : fails', function(applet) applet:send('a\n') local x x.y = 1 end)
core.register_cli({'lua', 'none'}, 'lua none', function(applet) end)
core.register_cli({'lua', 'big'}, 'lua big : says much', function(applet) for i = 1, 20000 do applet:send(('0123456789'):rep(5) .. '\n') end end)
`

const worldConf = `global
    lua-load DIR/s.lua
    nbthread 1
    stats socket DIR/stats level user
defaults
    mode http
    timeout connect 1s
    timeout client 20s
    timeout server 20s
frontend f
    bind fd@3 name one
    http-request use-service lua.sockets if { path /sockets }
    http-request use-service lua.pieces if { path /pieces }
    http-request use-service lua.secure if { path /secure }
    http-request use-service lua.proxies if { path /proxies }
frontend ready
    bind fd@4
    http-request return status 200
frontend g
    bind fd@5
listen l
    mode tcp
    bind fd@6
    server x 127.0.0.1:1
backend b
    server s1 127.0.0.1:2
    server s2 127.0.0.1:3 backup
    server c 127.0.0.1:4 check inter 100s fall 10
`

// conversing serves one connection of a script as its first line says.
func conversing(c net.Conn) {
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(30 * time.Second))
	r := bufio.NewReader(c)
	line, err := r.ReadString('\n')
	if err != nil {
		return
	}
	switch strings.TrimSpace(line) {
	case "lines":
		_, _ = io.WriteString(c, "one\r\ntwo\nthree\n\nfour")
	case "slow":
		for _, p := range []string{"ab", "c\r", "\nde"} {
			_, _ = io.WriteString(c, p)
			time.Sleep(20 * time.Millisecond)
		}
	case "silent":
		_, _ = io.Copy(io.Discard, r)
	case "echo":
		_, _ = io.Copy(c, r)
	case "count":
		n, _ := io.CopyN(io.Discard, r, 3000000)
		fmt.Fprintf(c, "got %d\n", n)
	}
}

var memory = regexp.MustCompile(`0x[0-9a-f]+`)

// mistake is what a script is told of a mistake of its own: each program has its words.
var mistake = regexp.MustCompile(`(?m)( => boolean:false [|!] string:).*$`)

// Scripts see the same of what is around them, and change the same.
func TestScriptsReachOut(t *testing.T) {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go conversing(c)
		}
	}()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	secure := securely(t, conversing)
	subjects := [2]*subject{{"haproxy", []string{testpeer.Need(t, "haproxy")}}, {"builtin", []string{build(t), "proxy"}}}
	var got [2]string
	for i, s := range subjects {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "s.lua"), []byte(strings.NewReplacer("PORT", port, "SECURE", secure).Replace(worldScript)), 0o600); err != nil {
			t.Fatal(err)
		}
		r, err := s.startWith(dir, strings.ReplaceAll(worldConf, "DIR", dir), 0, 2)
		if err != nil {
			t.Fatalf("%s: %v", s.name, err)
		}
		for _, path := range []string{"/sockets", "/secure", "/proxies"} {
			got[i] += path + "\n" + contentOf(t, r.addr, path)
		}
		for _, command := range []string{"show echo", "show echo a b c", "show echo a; show echo b", "lua fail", "lua none", "lua big", "prompt\nshow echo a\nlua none\nquit"} {
			got[i] += command + "\n" + commanded(t, filepath.Join(dir, "stats"), command)
		}
		if i == 1 { // the reference ends itself where a line comes in pieces
			const want = "slow, lines => boolean:true | string:abc | string:de | nil:nil | string:connection closed.\n"
			if got := contentOf(t, r.addr, "/pieces"); got != want {
				t.Errorf("lines in pieces: %q, want %q", got, want)
			}
		}
		if err := r.stop(); err != nil {
			t.Errorf("%s: %v", s.name, err)
		}
	}
	compareTold(t, got)
}

// compareTold compares, line by line, what scripts have told of what they tried.
func compareTold(t *testing.T, got [2]string) {
	t.Helper()
	var told [2][]string
	for i := range got {
		told[i] = strings.Split(mistake.ReplaceAllString(memory.ReplaceAllString(got[i], "0x"), "$1"), "\n")
	}
	there, here := told[0], told[1]
	if len(there) != len(here) {
		t.Errorf("%d lines there, %d here", len(there), len(here))
	}
	for i := range min(len(there), len(here)) {
		if there[i] != here[i] {
			t.Errorf("\nthere %.600s\nhere  %.600s", there[i], here[i])
		}
	}
}

// securely serves connections over TLS until the end of the test, and returns the port.
func securely(t *testing.T, serve func(net.Conn)) (port string) {
	t.Helper()
	dir := t.TempDir()
	makeCert(t, dir, "site", []string{"site.test"}, nil, nil)
	pair, err := tls.LoadX509KeyPair(filepath.Join(dir, "site"), filepath.Join(dir, "site"))
	if err != nil {
		t.Fatal(err)
	}
	l, err := tls.Listen("tcp4", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{pair}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go serve(c)
		}
	}()
	_, port, _ = net.SplitHostPort(l.Addr().String())
	return port
}

// contentOf is the content of an answer.
func contentOf(t *testing.T, addr, path string) string {
	t.Helper()
	c, err := net.DialTimeout("tcp4", addr, awaitLimit)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(time.Minute))
	fmt.Fprintf(c, "GET %s HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", path)
	all, err := io.ReadAll(c)
	if err != nil {
		t.Errorf("%s: %v", path, err)
	}
	_, text, _ := strings.Cut(string(all), "\r\n\r\n")
	return text
}

// commanded is what the runtime API answers.
func commanded(t *testing.T, path, command string) string {
	t.Helper()
	c, err := net.DialTimeout("unix", path, awaitLimit)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(time.Minute))
	fmt.Fprintf(c, "%s\n", command)
	all, err := io.ReadAll(c)
	if err != nil {
		t.Errorf("%s: %v", command, err)
	}
	return string(all)
}
