local line, show = "", print
local io = {write = function(...) for _, v in ipairs({...}) do line = line .. tostring(v) end end}
local function print(...)
  if line ~= "" then show(line) line = "" end
  if select('#', ...) > 0 then show(...) end
end
-- operators
print(7 // 2, -7 // 2, 7 % -3, -7 % 3, 2^0.5 * 2^0.5 > 1.9, 1 << 4, 0xff >> 4, 5 & 3, 5 | 3, 5 ~ 3, ~0, 1 << 63, 1 << 64, -1 >> 60)
print(10 // 3 * 2 + 1 .. "x", 1 .. 2, "10" + 5 == 15, "0x10" + 0 == 16)
print(not nil == true, #"abc" == 3, -2^2 == -4, 2^-1, 1 < 2 == true)
local a = 5
print(a, 'a\65\x41\u{48}\z
       b', [[
long]], [==[a]]b]==])
-- goto
for i = 1, 3 do
  for j = 1, 3 do
    if j == 2 then goto continue end
    io.write(i, ":", j, " ")
    ::continue::
  end
end
print()
-- metamethods
local mt = {__idiv = function(a, b) return "idiv" end, __band = function() return "band" end, __bnot = function() return "bnot" end, __shl = function() return "shl" end,
  __index = function(t, k) return k .. "!" end, __call = function(self, x) return x * 2 end, __tostring = function() return "OBJ" end, __len = function() return 42 end, __eq = function() return true end,
  __lt = function() return true end, __le = function() return false end, __concat = function(a, b) return "cat" end, __unm = function() return "neg" end}
local o = setmetatable({}, mt)
print(o // 1, 1 // o, o & 1, ~o, o << 1, o.foo, o(21), tostring(o), #o, o == setmetatable({}, mt), o < o, o <= o, o .. "x", "x" .. o, -o)
-- closures, varargs
local function va(...) local t = {...}; return select('#', ...), #t, ... end
print(va(1, nil, 3))
print((va(1, 2)))
print(select(-1, 1, 2, 3), select(2, "a", "b", "c"))
print(table.unpack({1, 2, 3}, 2), table.pack(1, nil, 3).n)
local type = function(x) return type(x) end
print(type(1))
-- strings
print(string.format("%d %5d %-5d| %05d %x %X %o %c %s %10s %-10s| %.3s %q %5.2f %g %e %i %%", 42, 42, 42, 42, 255, 255, 8, 65, "s", "right", "left", "truncate", 'q"\n', 3.14159, 0.1, 12345.678, 7))
print(string.format("%s %s %s", nil, true, {} ~= nil), string.format("%5s|%-5s|", 1, 2), string.format("%+d % d", 5, 5), string.format("%.3d", 5), string.format("%#x", 255))
print(("x"):rep(3), ("x"):rep(3, ","), ("x"):rep(0), ("abc"):reverse(), ("abc"):upper(), ("abc"):sub(2), ("abc"):sub(-2, -1), ("abc"):byte(1, -1), ("abc"):len())
print(("hello world"):find("o w"), ("hello"):find("l", 1, true), ("hello"):find("xyz"), ("hello"):find("l+"), ("a.b"):find(".", 1, true), ("abc"):find("b", -1), ("abc"):find("", 10), ("abc"):find("", 4))
print(("key = value"):match("^(%w+)%s*=%s*(%w+)$"), ("2024-01-02"):match("(%d+)-(%d+)-(%d+)"), ("abc"):match("()b()"), ("[[x]]"):match("%[%[(.-)%]%]"))
print(("hello world"):gsub("o", "0"), ("hello"):gsub("", "-"), ("abc"):gsub("%w", "%0%0"), ("abc"):gsub("(a)(b)", "%2%1"), ("hello"):gsub("l", {l = "L"}), ("hello"):gsub("l", function(c) return nil end), ("abc"):gsub("b", "%%"), ("a b c"):gsub(" ", "_", 1))
for k, v in ("a=1, b=2"):gmatch("(%w+)=(%w+)") do io.write(k, v, ";") end print()
for w in ("one two"):gmatch("%a+") do io.write(w, ".") end print()
print(("THE (quick) fox"):find("%((%a+)%)"), ("f(a(b)c)d"):match("%b()"), ("THE fox"):gsub("%f[%a]%a+", "W"), ("x^y"):gsub("%^", "-"), ("a-b"):gsub("[%-]", "+"), ("a]b"):find("[]]"), ("ab1"):match("[^%d]+"), ("%d"):gsub("%%d", "x"))
print(("äö"):len(), utf8.len("äö"), utf8.char(228, 8364), utf8.codepoint("äö", 1, -1), utf8.offset("äö", 2), utf8.len("\xff"))
for p, c in utf8.codes("aä") do io.write(p, "=", c, " ") end print()
print(string.pack("<I4", 100):byte(1, -1)) print(string.unpack("<I4", "\100\0\0\0")) print(string.pack(">s2z", "abc", "de"):byte(1, -1)) print(string.packsize("i4i8"), string.unpack(">I2<I2", "\1\2\1\2"), string.pack("!8 b i8", 1, 2):len())
-- numbers
print(tostring(10), tostring(-0.5), 0.1, 1/3, 100 // 1, math.floor(3.7), math.ceil(3.2), math.max(1, 5, 3), math.huge, -math.huge, math.tointeger(3.0), math.tointeger(3.5), math.type(1), math.type(1.5), math.type("1"), math.ult(1, -1))
print(tonumber("10"), tonumber("0x1F"), tonumber("  12  "), tonumber("1e2") == 100, tonumber("abc"), tonumber("z", 36), tonumber("11", 2), tonumber("8", 8), tonumber(""), tonumber("1 2"), tonumber("0x"), tonumber("inf"), tonumber("nan"), tonumber("1_0"), tonumber(nil == nil and "5" or ""))
print(math.fmod(7, 3), math.fmod(-7, 3), math.abs(-5), math.sqrt(16) == 4, math.pi)
-- tables
local t = {3, 1, 2} table.sort(t) print(table.concat(t, ",")) table.sort(t, function(a, b) return a > b end) print(table.concat(t, "-"), #t)
table.insert(t, 9) table.insert(t, 1, 8) print(table.concat(t, " "), table.remove(t), table.remove(t, 1), table.concat(t, " "), table.remove({}), #t)
print(table.concat({1, 2, 3}, ", ", 2, 3), table.concat({}), table.move({1, 2, 3}, 1, 3, 2)[3], next({}), rawlen({1, 2}), rawequal(t, t), rawget(t, 1))
print((pcall(table.concat, {1, {}, 3})), (pcall(table.insert, {1}, 5, 2)))
-- errors
print(pcall(error, "msg"), pcall(error, {code = 1}) , pcall(error), select('#', pcall(error)))
print(pcall(function() error("with place") end))
print(pcall(function() error("no place", 0) end))
print(xpcall(function(a, b) return a + b end, print, 1, 2))
print(xpcall(function() error("x", 0) end, function(m) return "handled " .. m end))
print((pcall(string.rep)))
print(select(2, pcall(function() local x = nil; return x.y end)) ~= nil, (pcall(function() return 1 + {} end)), (pcall(function() return #5 end)))
-- coroutines
local co = coroutine.create(function(a, b) local c = coroutine.yield(a + b); local d, e = coroutine.yield(c * 2); return d + e end)
print(coroutine.resume(co, 1, 2)) print(coroutine.resume(co, 10)) print(coroutine.status(co), coroutine.resume(co, 3, 4)) print(coroutine.status(co), (coroutine.resume(co)))
local gen = coroutine.wrap(function() for i = 1, 3 do coroutine.yield(i) end end)
print(gen(), gen(), gen())
print(pcall(coroutine.wrap(function() error("in co", 0) end)))
print(select(2, coroutine.running()))
local w = coroutine.wrap(function() return pcall(function() return 5 end) end) print(w())
-- load
print(load("return 1 + 1")(), load("syntax error here"), load(function() return nil end) ~= nil)
local env = {x = 5} print(load("return x", "chunk", "t", env)(), load("x = 7; return x", "c", "t", env)(), env.x)
print(pcall(load("error('boom')", "=mychunk")))
print(pcall(load("error('boom')", "@file.lua")))
print(pcall(load("local x = 1\nerror('boom')", "some code")))
-- integer loops
for i = 10, 1, -3 do io.write(i, " ") end print()
for i = 1, 0 do print("never") end
local s = 0 for i, v in ipairs({1, 2, nil, 4}) do s = s + v end print(s)
for k, v in pairs(setmetatable({}, {__pairs = function() return function(_, k) if not k then return 1, 2 end end, nil, nil end})) do print(k, v) end
print(_VERSION, type(os.time()), os.time({year = 2020, month = 1, day = 1, hour = 12}), os.date("!%Y-%m-%d %H:%M:%S", 0), os.date("!*t", 86400).day, type(os.clock()), os.getenv("NOPE"))
print(bit32.band(0xff, 0x0f), bit32.bxor(1, 3), bit32.lshift(1, 4), bit32.rshift(256, 4), bit32.bnot(0), bit32.extract(0xff, 4, 4), bit32.rrotate(1, 1), bit32.arshift(-8, 1))
do local x = 1; do local x = 2 end print(x) end
repeat local z = 1 until z == 1
