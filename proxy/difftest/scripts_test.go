package difftest

import "strings"

// withScript is an exchange whose frontend has rules that a script has registered what for.
func withScript(name, script string, e exchange) exchange {
	e.name = "Lua: " + name
	e.files = map[string]string{"s.lua": script, "map": "a one\ngone two\n", "nets": "10.0.0.0/8 ten\n", "acl": "y\n"}
	e.global = "lua-load DIR/s.lua"
	return e
}

// action is a script with one action, "a", for requests and responses.
func action(body string) string {
	return "core.register_action('a', {'http-req', 'http-res'}, function(txn, arg)\n" + body + "\nend, 1)"
}

// service is a script with one service, "s".
func service(body string) string {
	return "core.register_service('s', 'http', function(applet)\n" + body + "\nend)"
}

const (
	act   = "http-request lua.a x"
	serve = "http-request use-service lua.s"
	tell  = "applet:set_status(200) applet:add_header('content-length', #r) applet:start_response() applet:send(r)"
	// collect sorts what a table of fields has.
	collect = `local function collect(t) local names, r = {}, '' for n in pairs(t) do names[#names + 1] = n end table.sort(names)
for _, n in ipairs(names) do local i = 0 while t[n][i] do r = r .. n .. i .. '=' .. t[n][i] .. ';' i = i + 1 end end return r end
`
)

// values is an action that puts the values of expressions into fields of the request.
func values(of ...string) string {
	var b strings.Builder
	for _, v := range of {
		b.WriteString("do local ok, v = pcall(function() return " + v + " end) txn.http:req_add_header('x-v', (math.type(v) or type(v)) .. ':' .. tostring(v)) end\n")
	}
	return action(b.String())
}

// scripted: actions, fetches, converters and services of scripts.
var scripted = []exchange{
	withScript("headers of a request", collect+action(`local h = txn.http
h:req_add_header('X-Added', 'one') h:req_add_header('x-added', 'two') h:req_del_header('X-Secret') h:req_set_header('User-Agent', 'script')
h:req_rep_header('x-a', '^t(.*)$', 'T\\1') h:req_rep_value('x-a', 'o(.)', '[\\1]') h:req_set_header('x-all', collect(h:req_get_headers()))`), exchange{frontend: act, client: sends(secure), origin: origins(answer(poem))}),
	withScript("target of a request", action(`local h = txn.http
h:req_set_method('PUT') h:req_set_path('/new') h:req_set_query('c=3')`), exchange{frontend: act, client: sends(secure), origin: origins(answer(ok))}),
	withScript("URI of a request", action(`txn.http:req_set_uri('/all/new?x')`), exchange{frontend: act, client: sends(secure), origin: origins(answer(ok))}),
	withScript("headers of a response", collect+action(`local h = txn.http
h:res_add_header('X-Added', 'one') h:res_del_header('X-Powered-By') h:res_set_header('server', 'script') h:res_rep_header('set-cookie', '(.*)', '\\1; Secure')
h:res_set_header('x-all', collect(h:res_get_headers())) h:res_set_status(418, 'Tea')`), exchange{frontend: "http-response lua.a x", client: sends(secure), origin: origins(answer(poem))}),
	withScript("status without a reason", action(`txn.http:res_set_status(404)`), exchange{frontend: "http-response lua.a x", client: sends(secure), origin: origins(answer(poem))}),
	withScript("fetches", values("txn.f:path()", "txn.f:method()", "txn.f:src()", "txn.f:dst_port() > 0", "txn.f:req_hdr('x-a')", "txn.f:req_hdr('x-a', 1)", "txn.f:req_hdr_cnt('x-a')", "txn.f:urlp('b')", "txn.f.nosuch", "txn.f:req_hdr('none')", "txn.sf:req_hdr('none')",
		"txn.sf:req_hdr_cnt('x-a')", "txn.f:ssl_fc()", "txn.f:always_true()", "txn.f:req_cook('theme')", "txn.f:url_param('a')", "txn.f:nbsrv('be')", "txn.f:fe_name()", "txn.f:status()", "txn.f:query()", "txn.f:hdr('host')", "txn.f:int(5)", "txn.f:str('x')", "txn.f:bin('0102')", "txn.f:http_first_req()", "txn.f:rand(1)"), exchange{frontend: act, client: sends(secure), origin: origins(answer(ok))}),
	withScript("converters", values("txn.c:upper('abc')", "txn.c:base64('abc')", "txn.c:b64dec('YWJj')", "txn.c:djb2('x')", "txn.sc:crc32('x')", "txn.c:field('a,b,c', 2, ',')", "txn.c:url_dec('a%20b')", "txn.c:length('abc')", "txn.c:hex('AB')", "txn.c.nosuch", "txn.c:ipmask('10.1.2.3', 8)", "txn.sc:bool(3)", "txn.c:sha1('x'):byte()", "txn.c:regsub('foo', 'o', 'a', 'g')"), exchange{frontend: act, client: sends(secure), origin: origins(answer(ok))}),
	withScript("variables", action(`txn:set_var('txn.a', 'text') txn:set_var('req.b', 42) txn:set_var('sess.c', true) txn:set_var('txn.f', 1.7)
for _, n in ipairs({'txn.a', 'req.b', 'sess.c', 'txn.f', 'txn.none', 'nonsense', 'txn.conf'}) do local v = txn:get_var(n) txn.http:req_add_header('x-v', n .. '=' .. (math.type(v) or type(v)) .. ':' .. tostring(v)) end
txn:unset_var('txn.a') txn.http:req_add_header('x-v', tostring(txn:get_var('txn.a')))
txn:set_priv({7}) txn.http:req_add_header('x-v', txn:get_priv()[1])`),
		exchange{frontend: lines("http-request set-var(txn.conf) int(3)", act, "http-request set-header x-w %[var(req.b)]-%[var(txn.a)]-%[var(sess.c)]"), client: sends(get), origin: origins(answer(ok))}),
	withScript("what an action returns", "core.register_action('a', {'http-req', 'http-res'}, function(txn, n) return tonumber(n) end, 1)", exchange{
		frontend: lines("http-request lua.a 0 if { path /0 }", "http-request lua.a 1 if { path /1 }", "http-request lua.a 3 if { path /3 }", "http-request lua.a 5 if { path /5 }", "http-request lua.a 6 if { path /6 }", "http-request lua.a 7 if { path /7 }", "http-request set-header x-after 1"),
		client:   asks("/0", "/1", "/3", "/5", "/6", "/7"), origin: origins(answer(ok)), logs: 6,
	}),
	withScript("an answer of an action", action(`txn:done({status = 418, reason = 'Tea', headers = {['x-a'] = {'1', '2'}}, body = 'body of ' .. txn.f:path()})`), exchange{frontend: act, client: []step{send(get), await("body of"), send(last)}, logs: 2}),
	withScript("an answer made of a reply", action(`local r = txn:reply({status = 400}) r:add_header('x-a', 'b') r:add_header('x-a', 'c') r:add_header('gone', '1') r:del_header('gone') r:set_body('hello') r:set_status(410) txn:done(r)`), exchange{frontend: act, client: sends(get)}),
	withScript("an answer instead of a response", action(`txn:done({status = 200, body = 'mine'})`), exchange{frontend: "http-response lua.a x", client: sends(get), origin: origins(answer(ok))}),
	withScript("an error", action(`local x x.y = 1`), exchange{frontend: lines(act, "http-request set-header x-after 1"), client: sends(get), origin: origins(answer(ok)), logs: -1}),
	withScript("sleep", action(`core.msleep(100) txn.http:req_set_header('x-slept', txn.f:path()) core.yield() txn.http:req_set_header('x-yielded', txn.f:path())`), exchange{frontend: act, client: []step{send(get), await("ok"), send(last)}, origin: origins(answer(ok)), logs: 2}),
	withScript("sleep on a response", action(`core.msleep(100) txn.http:res_set_header('x-slept', 'yes')`), exchange{frontend: "http-response lua.a x", client: []step{send(get), await("ok"), send(last)}, origin: origins(answer(ok)), logs: 2}),
	withScript("sleep with a body on its way", action(`core.msleep(150)`), exchange{frontend: act, client: []step{send(post10 + "012"), pause(ms(50)), send("3456789"), await("ok"), send(last)}, origin: origins(answer(ok)), logs: 2}),
	withScript("a long computation", action(`local n = 0 for i = 1, 200000 do n = n + i end txn.http:req_set_header('x-n', string.format('%d', n))`), exchange{frontend: act, client: sends(get), origin: origins(answer(ok))}),
	withScript("a computation without an end", action(`while true do pcall(function() while true do end end) end`), exchange{frontend: lines(act, "http-request set-header x-after 1"), defaults: "", client: sends(get), quiet: ms(1500), origin: origins(answer(ok)), logs: -1}),
	withScript("fetches of scripts", `core.register_fetches('t', function(txn, ...) return txn.f:path() .. '|' .. table.concat({...}, '|') end)
core.register_fetches('n', function() return 42 end) core.register_fetches('b', function() return true end) core.register_fetches('nil', function() return nil end) core.register_fetches('none', function() end) core.register_fetches('d', function() core.done('done') end)
core.register_converters('c', function(s, ...) return s .. '+' .. table.concat({...}, '+') end) core.register_converters('l', function(s) return #s end)`, exchange{frontend: lines(
		"http-request set-header x-1 %[lua.t(a,b)]-%[lua.n]-%[lua.n,add(1)]-%[lua.b]-<%[lua.nil]>-<%[lua.none]>-%[lua.d]", "http-request set-header x-2 %[path,lua.c(1,2)]-%[int(7),lua.c]-%[path,lua.l]-%[path,lua.l,mul(2)]-%[src,lua.c(x)]",
		"http-request set-header x-3 yes if { lua.n -m int 42 } { lua.t -m beg / } { lua.b -m bool } !{ lua.none -m found }", "http-request set-var(txn.n) lua.n", "http-request set-header x-4 %[var(txn.n),add(1)]",
	), client: sends(secure), origin: origins(answer(ok))}),
	withScript("the backend that a script picks", `core.register_fetches('pick', function(txn) return txn.f:path() == '/b' and 'second' or 'be' end)`, exchange{
		frontend: "use_backend %[lua.pick]", backend: lines("server dead 127.0.0.1:1 backup", "backend second", "http-request set-header x-second 1", "server a1 127.0.0.1:PORT", "backend tail"),
		client: asks("/a", "/b"), origin: origins(answer(ok)), second: origins(answer(ok)), logs: 2, onlyAtOnce: "the servers' names depend on the order in which connections come",
	}),
	withScript("a service", service(`applet:set_status(200) applet:add_header('content-length', 5) applet:add_header('X-Mine', 'a') applet:start_response() applet:send('he') applet:send('llo')`), exchange{frontend: lines(serve, "http-response set-header x-after 1"), client: []step{send(get), await("hello"), send(last)}, logs: 2}),
	withScript("a service with chunks", service(`applet:set_status(201, 'Made') applet:start_response() applet:send(('x'):rep(100))`), exchange{frontend: serve, client: []step{send(get), await("xxx"), send(last)}, logs: 2}),
	withScript("a service asked by HEAD", service(`local r = 'hello' `+tell), exchange{frontend: serve, client: sends("HEAD / HTTP/1.1\r\nHost: a\r\n\r\n"), heads: true}),
	withScript("a service asked by HTTP/1.0", service(`applet:set_status(200) applet:start_response() applet:send('hello')`), exchange{frontend: serve, client: sends("GET / HTTP/1.0\r\n\r\n")}),
	withScript("what a service knows", service(`local r = applet.method .. ' ' .. applet.version .. ' ' .. applet.path .. ' ' .. applet.qs .. ' ' .. applet.length .. ' ' .. applet.headers['x-a'][0] .. applet.headers['x-a'][1] .. applet.f:src() .. applet.sc:upper('x') applet:set_var('txn.a', 'v') r = r .. applet:get_var('txn.a') `+tell), exchange{frontend: serve, client: sends(secure)}),
	withScript("a service takes a content", service(`local r = applet:receive() `+tell), exchange{frontend: serve, client: []step{send(post10 + "012"), pause(ms(50)), send("34"), pause(ms(50)), send("56789"), await("9"), send(last)}, logs: 2}),
	withScript("a service takes a content in chunks", service(`local r = applet:receive() `+tell), exchange{frontend: serve, client: []step{send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n012\r\n4\r\n3"), pause(ms(50)), send("456\r\n0\r\n\r\n"), await("456"), send(last)}, logs: 2}),
	withScript("a service takes a large content", service(`local r = applet:receive() r = #r .. r:sub(1, 3) .. r:sub(-3) `+tell), exchange{frontend: serve, client: sends("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\nabc" + strings.Repeat("q", 99994) + "xyz")}),
	withScript("a service takes lines and pieces", service(`local r = applet:getline() .. '|' .. applet:receive(3) .. '|' .. applet:getline() .. '|' .. applet:getline() .. '|' .. applet:receive() `+tell), exchange{frontend: serve, client: []step{send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 16\r\n\r\none\ntw"), pause(ms(50)), send("o\nthree\nfo")}}),
	withScript("a service answers a client that waits to send", service(`local r = applet:receive() `+tell), exchange{frontend: serve, client: []step{send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n"), await("100"), send("abc")}}),
	withScript("a service that sleeps", service(`core.msleep(50) applet:set_status(200) applet:add_header('content-length', 10) applet:start_response() applet:send('01234') core.msleep(50) applet:send('56789')`), exchange{frontend: serve, client: []step{send(get), await("9"), send(last)}, logs: 2}),
	withScript("a service with a large answer", service(`local r = ('0123456789'):rep(30000) `+tell), exchange{frontend: serve, client: []step{send(get), await("\r\n\r\n"), pause(ms(100)), send(last)}, logs: 2, onlyAtOnce: "it is long"}),
	withScript("a service that does not answer", service(``), exchange{frontend: lines(serve, "errorfile 500 /dev/null", "http-response set-header x-response %[status]", "http-after-response set-header x-after %[status]"), client: []step{send(get), await("</html>\n"), send(last)}, logs: 2}),
	withScript("a service that fails before its answer", service(`applet:set_status(201) local x x.y = 1`), exchange{frontend: lines(serve, "http-response set-header x-response %[status]"), client: sends("HEAD / HTTP/1.1\r\nHost: a\r\n\r\n"), heads: true, logs: -1}),
	withScript("a service that fails, asked by HTTP/1.0", service(``), exchange{frontend: serve, client: sends("GET / HTTP/1.0\r\n\r\n")}),
	withScript("a service that fails within its answer", service(`applet:set_status(201) applet:start_response() applet:send('abc') local x x.y = 1`), exchange{frontend: lines(serve, "http-response set-header x-response %[status]"), client: sends(get), logs: -1}),
	withScript("dates", values("core.http_date('Sun, 06 Nov 1994 08:49:37 GMT')", "core.imf_date('Sun, 06 Nov 1994 08:49:37 GMT')", "core.rfc850_date('Sunday, 06-Nov-94 08:49:37 GMT')", "core.asctime_date('Sun Nov  6 08:49:37 1994')", "core.http_date('Sunday, 06-Nov-94 08:49:37 GMT')", "core.http_date('nonsense')", "core.now().sec > 1000000"), exchange{frontend: act, client: sends(get), origin: origins(answer(ok))}),
	withScript("tokens, networks, texts", values("table.concat(core.tokenize('This function is useful, for tokenizing an entry.', '., ', true), '|')", "table.concat(core.tokenize('a,,b,', ','), '|')", "core.match_addr(core.parse_addr('127.0.0.1/32'), core.parse_addr('127.0.0.0/8'))", "core.match_addr(core.parse_addr('10.0.0.1'), core.parse_addr('127.0.0.0/8'))", "core.match_addr(core.parse_addr('::1'), core.parse_addr('::/0'))", "core.parse_addr('nonsense')",
		"(function() local c = core.concat() c:add('a') c:add('b') return c:dump() end)()", "core.thread", "core.err", "act.DENY"), exchange{frontend: act, client: sends(get), origin: origins(answer(ok))}),
	withScript("a client that half-closes while a script sleeps", action(`core.msleep(200)`), exchange{frontend: act, client: []step{send(get), pause(ms(50)), shut()}, quiet: ms(900), origin: origins(answer(ok))}),
	withScript("lists and maps", `local dir = (debug.getinfo(1, 'S').source:gsub('^@', ''):gsub('/s.lua$', '')) local m, n = Map.new(dir .. '/map', Map._str), Map.new(dir .. '/nets', Map._ip)
`+action(`core.set_map(dir .. '/map', 'new', 'three') core.del_map(dir .. '/map', 'gone') core.add_acl(dir .. '/acl', 'x') core.del_acl(dir .. '/acl', 'y')
for _, k in ipairs({'a', 'none', 'new', 'gone'}) do txn.http:req_add_header('x-m', tostring(m:lookup(k)) .. ',' .. m:slookup(k)) end txn.http:req_add_header('x-m', tostring(n:lookup('10.1.2.3')))`), exchange{frontend: lines(act, "http-request set-header x-x yes if { str(x) -f DIR/acl }", "http-request set-header x-y yes if { str(y) -f DIR/acl }"), client: sends(get), origin: origins(answer(ok))}),
	withScript("a service without HTTP", `core.register_service('t', 'tcp', function(applet) applet:send('hello ') local l = applet:getline() applet:send(l) applet:send(applet:receive(3)) end)`, exchange{
		tcp: true, frontend: lines("tcp-request inspect-delay 1s", "tcp-request content use-service lua.t"), client: []step{await("hello "), send("li"), pause(ms(50)), send("ne\nab"), pause(ms(50)), send("c")},
		why: "a service ends the way of a connection: no backend is chosen", differs: outcome{logs: "fe fe/<lua.t> bytes=14 flags=LR retries=0"},
	}),
	withScript("an action without HTTP", `core.register_action('a', {'tcp-req'}, function(txn, arg) core.msleep(20) txn:set_var('sess.a', arg) end, 1)`, exchange{
		frontend: lines("tcp-request inspect-delay 1s", "tcp-request content lua.a x", "http-request set-header x-a %[var(sess.a)]"), client: sends(get), origin: origins(answer(ok)),
	}),
	withScript("regular expressions", `local ok, re = Regex.new('needle (..) (...)', true)
`+values("ok", "re:exec('Looking for a needle in the haystack')", "re:exec('a cat')", "select(2, re:match('a needle in the haystack'))[3]", "(re:match('no'))", "select(2, Regex.new('a', false)):exec('BAB')", "(Regex.new('(', true))"), exchange{frontend: act, client: sends(get), origin: origins(answer(ok))}),
}
