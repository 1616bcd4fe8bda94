package lua

import (
	"bytes"
	"fmt"
	"maps"
	"strconv"
	"strings"

	lua "github.com/yuin/gopher-lua"

	"bench/proxy/lua/lang"
	"bench/proxy/message"
	"bench/proxy/script"
	"bench/proxy/service"
)

// answer is what a service has said so far, and what it has not taken yet of what the
// client has sent.
type answer struct {
	head  service.Head
	begun bool
	in    []byte
	ended bool
}

// maxReceived is how much one call takes of a content at most.
const maxReceived = 64 << 20

// more waits until there is something to take, or nothing will come any more.
func (c *call) more(l *lua.LState) bool {
	a := c.answer
	for !a.ended {
		data, end := c.applet.Receive(maxReceived)
		a.in = append(a.in, data...)
		a.ended = end
		if len(data) > 0 {
			return true
		}
		if !end {
			c.pause(l, 0)
		}
	}
	return false
}

// take takes the first bytes of what has come.
func (a *answer) take(n int) lua.LString {
	s := lua.LString(a.in[:n])
	a.in = a.in[n:]
	return s
}

// content are the methods of applets about contents.
func content(class string) map[string]lua.LGFunction {
	return map[string]lua.LGFunction{
		"getline": func(l *lua.LState) int {
			c := self[*call](l, class).alive(l)
			from := 0
			for {
				if i := bytes.IndexByte(c.answer.in[from:], '\n'); i >= 0 {
					l.Push(c.answer.take(from + i + 1))
					return 1
				}
				if from = len(c.answer.in); from >= maxReceived || !c.more(l) {
					l.Push(c.answer.take(len(c.answer.in)))
					return 1
				}
			}
		},
		"receive": func(l *lua.LState) int {
			c := self[*call](l, class).alive(l)
			size := l.OptInt(2, maxReceived)
			if size < 0 {
				size = maxReceived
			}
			for len(c.answer.in) < size && c.more(l) {
				// Once more.
			}
			l.Push(c.answer.take(min(size, len(c.answer.in))))
			return 1
		},
		"send": func(l *lua.LState) int {
			c := self[*call](l, class).alive(l)
			text := l.CheckString(2)
			if !c.answer.begun {
				l.RaiseError("send: the response has not begun: call start_response first")
			}
			l.Push(lua.LNumber(c.send(l, []byte(text))))
			return 1
		},
	}
}

// send gives a piece of the answer to the client, and waits until it has room for it.
func (c *call) send(l *lua.LState, p []byte) int {
	sent := 0
	for sent < len(p) {
		n := c.applet.Send(p[sent:])
		if sent += n; c.applet.Gone() {
			break
		}
		if sent < len(p) {
			c.pause(l, 0)
		}
	}
	return sent
}

func openApplets(w *world) {
	const class, tcp = "AppletHTTP", "AppletTCP"
	methods := common(w, class)
	maps.Copy(methods, content(class))
	methods["set_status"] = func(l *lua.LState) int {
		a := self[*call](l, class).alive(l).answer
		a.head.Status, a.head.Reason = checkStatus(l, 2), clean(reasonOf(l, 2, 3))
		return 0
	}
	methods["add_header"] = func(l *lua.LState) int {
		a := self[*call](l, class).alive(l).answer
		name := strings.ToLower(l.CheckString(2))
		if !isToken(name) {
			l.ArgError(2, "'"+name+"' is not the name of a header field")
		}
		a.head.Fields = append(a.head.Fields, [2]string{name, clean(argText(l.Get(3)))})
		return 0
	}
	methods["start_response"] = func(l *lua.LState) int {
		c := self[*call](l, class).alive(l)
		if c.answer.begun {
			l.RaiseError("start_response: the response has begun")
		}
		c.startResponse(l)
		return 0
	}
	w.class(class, methods, func(l *lua.LState, of *lua.LTable, key string) lua.LValue {
		if v := w.part(l, of, key); v != lua.LNil {
			return v
		}
		return requestPart(l, of, key)
	})
	methods = common(w, tcp)
	maps.Copy(methods, content(tcp))
	w.class(tcp, methods, func(l *lua.LState, of *lua.LTable, key string) lua.LValue { return w.part(l, of, key) })
}

// requestPart is an attribute of an applet that speaks HTTP.
func requestPart(l *lua.LState, of *lua.LTable, key string) lua.LValue {
	u, ok := of.RawGet(lua.LNumber(0)).(*lua.LUserData)
	if !ok {
		return lua.LNil
	}
	c, ok := u.Value.(*call)
	if !ok || c.over {
		return lua.LNil
	}
	r := c.applet.Request()
	v := lua.LNil
	switch key {
	case "method":
		v = lua.LString(r.Method)
	case "version":
		v = lua.LString(fmt.Sprintf("HTTP/%d.%d", r.Version>>8, r.Version&0xff))
	case "path":
		v = lua.LString(r.Path())
	case "qs":
		v = lua.LString(r.Query())
	case "length":
		v = lua.LNumber(0)
		if r.Body.Kind == message.BodyLength {
			v = lua.LNumber(r.Body.Length)
		}
	case "headers":
		v = headers(l, &r.Header)
	}
	if v != lua.LNil {
		of.RawSetString(key, v)
	}
	return v
}

// startResponse sends the head of an answer.
func (c *call) startResponse(l *lua.LState) {
	h := &c.answer.head
	if h.Status < 200 {
		l.RaiseError("start_response: status %d is not that of an answer", h.Status)
	}
	fields := h.Fields[:0]
	for _, f := range h.Fields {
		if f[0] == "content-length" {
			n, err := strconv.Atoi(f[1])
			if err != nil || n < 0 {
				l.RaiseError("start_response: 'content-length' is not a number: '%s'", f[1])
			}
			h.Length, h.Known = n, true
			continue
		}
		if !framing(f[0]) {
			fields = append(fields, f)
		}
	}
	h.Fields = fields
	c.answer.begun = true
	c.applet.Begin(*h)
}

// serving is a service at work. It implements script.Serving.
type serving struct {
	m *Machine
	f *script.Function
	a script.Applet
	c *call
}

// Serve implements script.Machine.
func (m *Machine) Serve(f *script.Function, a script.Applet) script.Serving {
	s := &serving{m: m, f: f, a: a}
	s.c = m.begin(f, m.program.Settings.Service, func(c *call) []lua.LValue {
		c.applet, c.t, c.wake = a, a.Txn(), a.Wake
		c.answer = &answer{head: service.Head{Status: 200, Reason: "OK"}}
		if f.HTTP {
			return []lua.LValue{c.w.object("AppletHTTP", c)}
		}
		c.answer.begun = true
		return []lua.LValue{c.w.object("AppletTCP", c)}
	})
	return s
}

// Resume implements script.Serving.
func (s *serving) Resume() (over, failed bool, wait int64) {
	c := s.c
	if c == nil {
		return true, true, 0
	}
	if !c.task.Resume() {
		return false, false, c.wait()
	}
	err, begun := c.task.Err(), c.answer.begun
	t, w := c.t, c.w
	c.end()
	s.c = nil
	if err != nil {
		kind := "tcp"
		if s.f.HTTP {
			kind = "http"
		}
		s.m.host.Failed(proxyOf(t), fmt.Sprintf("Lua applet %s '<%s%s>': %s.", kind, script.Prefix, s.f.Name, w.describe(err)))
	}
	return true, err != nil || !begun, 0
}

// Abort implements script.Serving.
func (s *serving) Abort() {
	if c := s.c; c != nil {
		s.c = nil
		c.task.Abort(lang.ErrStopped)
		c.end()
	}
}
