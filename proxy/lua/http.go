package lua

import (
	"bytes"
	"strings"

	lua "github.com/yuin/gopher-lua"

	"bench/proxy/message"
	"bench/proxy/regex"
	"bench/proxy/rule"
)

// edited is the message that a method is about.
func edited(l *lua.LState, ofResponse bool) (*call, *message.Header, *message.Arena) {
	c := self[*call](l, "HTTP").alive(l)
	switch {
	case c.t == nil || ofResponse && c.t.Res == nil || !ofResponse && c.t.Req == nil:
		l.RaiseError("the message is not there at this moment")
	case ofResponse:
		return c, &c.t.Res.Header, &c.t.Res.Arena
	}
	return c, &c.t.Req.Header, &c.t.Req.Arena
}

// fieldName takes the name of a field that may be changed.
func fieldName(l *lua.LState) string {
	name := strings.ToLower(l.CheckString(2))
	switch {
	case !isToken(name):
		l.ArgError(2, "'"+name+"' is not the name of a header field")
	case framing(name):
		l.ArgError(2, "field '"+name+"' cannot be changed: the proxy frames messages itself")
	}
	return name
}

func openHTTP(w *world) {
	methods := map[string]lua.LGFunction{}
	for _, of := range []struct {
		prefix     string
		ofResponse bool
	}{{"req_", false}, {"res_", true}} {
		methods[of.prefix+"get_headers"] = func(l *lua.LState) int {
			_, h, _ := edited(l, of.ofResponse)
			l.Push(headers(l, h))
			return 1
		}
		methods[of.prefix+"add_header"] = func(l *lua.LState) int {
			_, h, a := edited(l, of.ofResponse)
			name := fieldName(l)
			h.Add(a.CopyString(name), a.CopyString(clean(l.CheckString(3))))
			return 0
		}
		methods[of.prefix+"del_header"] = func(l *lua.LState) int {
			_, h, _ := edited(l, of.ofResponse)
			h.Del(fieldName(l))
			return 0
		}
		methods[of.prefix+"set_header"] = func(l *lua.LState) int {
			c, h, a := edited(l, of.ofResponse)
			name := fieldName(l)
			h.Del(name)
			h.Add(a.CopyString(name), a.CopyString(clean(l.CheckString(3))))
			if name == "host" && !of.ofResponse {
				c.m.rules.Replace(c.t, rule.Host, nil)
			}
			return 0
		}
		methods[of.prefix+"rep_header"] = func(l *lua.LState) int { return replaceField(l, of.ofResponse, false) }
		methods[of.prefix+"rep_value"] = func(l *lua.LState) int { return replaceField(l, of.ofResponse, true) }
	}
	for name, part := range map[string]rule.Part{"req_set_method": rule.Method, "req_set_path": rule.Path, "req_set_query": rule.Query, "req_set_uri": rule.URI} {
		methods[name] = func(l *lua.LState) int {
			c, _, _ := edited(l, false)
			l.Push(lua.LBool(c.m.rules.Replace(c.t, part, []byte(l.CheckString(2)))))
			return 1
		}
	}
	methods["res_set_status"] = func(l *lua.LState) int {
		c, _, a := edited(l, true)
		c.t.Res.Status = checkStatus(l, 2)
		c.t.Status = c.t.Res.Status
		c.t.Res.Reason = a.CopyString(clean(reasonOf(l, 2, 3)))
		return 0
	}
	w.class("HTTP", methods, nil)
}

// replaceField replaces what matches in all fields of a name, or in each of their values.
func replaceField(l *lua.LState, ofResponse, values bool) int {
	c, h, a := edited(l, ofResponse)
	name := fieldName(l)
	re, err := regex.Compile(l.CheckString(3), false)
	if err != nil {
		l.ArgError(3, "invalid regex: "+err.Error())
	}
	template := []byte(l.CheckString(4))
	replace := func(b []byte) ([]byte, bool) {
		loc := re.Find(&c.m.ctx.Regex, b, 0)
		if loc == nil {
			return b, false
		}
		return regex.Expand(nil, template, b, loc), true
	}
	for _, f := range h.All() {
		if string(f.Name) != name {
			continue
		}
		if !values {
			if v, ok := replace(f.Value); ok {
				f.Value = a.CopyString(clean(string(v)))
			}
			continue
		}
		parts := bytes.Split(f.Value, []byte{','})
		for i, p := range parts {
			if v, ok := replace(bytes.Trim(p, " \t")); ok {
				parts[i] = v
			}
		}
		f.Value = a.CopyString(clean(string(bytes.Join(parts, []byte{','}))))
	}
	if name == "host" && !ofResponse {
		c.m.rules.Replace(c.t, rule.Host, nil)
	}
	return 0
}
