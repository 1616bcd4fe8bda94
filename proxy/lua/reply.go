package lua

import (
	"strconv"
	"strings"

	lua "github.com/yuin/gopher-lua"

	"bench/proxy/message"
	"bench/proxy/rule"
	"bench/proxy/txn"
)

// Bounds of statuses.
const (
	leastStatus = 100
	mostStatus  = 599
)

func openReply(w *world) {
	w.class("Reply", map[string]lua.LGFunction{
		"set_status": func(l *lua.LState) int {
			t := l.CheckTable(1)
			t.RawSetString("status", lua.LNumber(checkStatus(l, 2)))
			t.RawSetString("reason", lua.LString(reasonOf(l, 2, 3)))
			return 0
		},
		"add_header": func(l *lua.LState) int {
			headers, ok := l.CheckTable(1).RawGetString("headers").(*lua.LTable)
			if !ok {
				headers = l.NewTable()
				l.CheckTable(1).RawSetString("headers", headers)
			}
			name, value := l.CheckString(2), l.CheckString(3)
			list, ok := headers.RawGetString(name).(*lua.LTable)
			if !ok {
				list = l.NewTable()
				headers.RawSetString(name, list)
			}
			list.Append(lua.LString(value))
			return 0
		},
		"del_header": func(l *lua.LState) int {
			if headers, ok := l.CheckTable(1).RawGetString("headers").(*lua.LTable); ok {
				headers.RawSetString(l.CheckString(2), lua.LNil)
			}
			return 0
		},
		"set_body": func(l *lua.LState) int {
			l.CheckTable(1).RawSetString("body", lua.LString(l.CheckString(2)))
			return 0
		},
	}, nil)
}

func checkStatus(l *lua.LState, arg int) int {
	status := l.CheckInt(arg)
	if status < leastStatus || status > mostStatus {
		l.ArgError(arg, "a status is expected, from 100 to 599")
	}
	return status
}

// reasonOf is the phrase in an argument, or that of the status in another one.
func reasonOf(l *lua.LState, status, arg int) string {
	return l.OptString(arg, rule.Reason(l.CheckInt(status)))
}

// txnReply is "txn:reply": a table with all parts of an answer.
func txnReply(l *lua.LState) int {
	c := self[*call](l, "TXN").alive(l)
	r := l.NewTable()
	r.Metatable = c.w.classes["Reply"]
	status := 200
	from := l.OptTable(2, l.NewTable())
	if n, ok := from.RawGetString("status").(lua.LNumber); ok {
		status = int(n)
	}
	if status < leastStatus || status > mostStatus {
		l.ArgError(2, "a status is expected, from 100 to 599")
	}
	r.RawSetString("status", lua.LNumber(status))
	reason := lua.LVAsString(from.RawGetString("reason"))
	if reason == "" {
		reason = rule.Reason(status)
	}
	r.RawSetString("reason", lua.LString(reason))
	headers, ok := from.RawGetString("headers").(*lua.LTable)
	if !ok {
		headers = l.NewTable()
	}
	r.RawSetString("headers", headers)
	r.RawSetString("body", lua.LString(lua.LVAsString(from.RawGetString("body"))))
	l.Push(r)
	return 1
}

// txnDone is "txn:done": the end of the script and of the transaction, with an answer or
// without.
func txnDone(l *lua.LState) int {
	c := self[*call](l, "TXN").alive(l)
	if c.out != nil {
		c.decided, c.verdict = true, txn.Gone
		c.out.Aborted = true
		if from, ok := l.Get(2).(*lua.LTable); ok && c.t.Method != 0 || ok && c.t.Req != nil {
			c.answerWith(l, from)
		}
	}
	c.task.Done(l)
	return 0
}

// answerWith makes an answer of a table.
func (c *call) answerWith(l *lua.LState, from *lua.LTable) {
	status := 200
	if n, ok := from.RawGetString("status").(lua.LNumber); ok {
		status = int(n)
	}
	if status < 200 || status > mostStatus {
		l.RaiseError("done: a status is expected, from 200 to 599")
	}
	reason := lua.LVAsString(from.RawGetString("reason"))
	if reason == "" {
		reason = rule.Reason(status)
	}
	msg := &message.Response{Version: message.HTTP11, Status: status, Reason: []byte(clean(reason)), KeepAlive: true}
	if headers, ok := from.RawGetString("headers").(*lua.LTable); ok {
		headers.ForEach(func(k, v lua.LValue) {
			name := strings.ToLower(lua.LVAsString(k))
			list, ok := v.(*lua.LTable)
			if !ok || !isToken(name) {
				l.RaiseError("done: the values of header '%s' must be a table", name)
			}
			if framing(name) {
				return
			}
			list.ForEach(func(_, v lua.LValue) { msg.Add([]byte(name), []byte(clean(lua.LVAsString(v)))) })
		})
	}
	body := []byte(lua.LVAsString(from.RawGetString("body")))
	msg.AddID(message.ContentLength, strconv.AppendInt(nil, int64(len(body)), 10))
	msg.Body = message.Body{Kind: message.BodyLength, Length: uint64(len(body))}
	c.verdict = txn.Answered
	c.out.Aborted = false
	c.out.Status, c.out.Reply, c.out.Content = status, msg, body
}

// framing tells whether the proxy writes a field itself.
func framing(name string) bool {
	switch name {
	case "content-length", "transfer-encoding", "connection":
		return true
	}
	return false
}

// clean is a value of a field without what would end its line.
func clean(s string) string {
	return strings.Trim(strings.Map(func(r rune) rune {
		if r == '\r' || r == '\n' || r == 0 {
			return ' '
		}
		return r
	}, s), " \t")
}

func isToken(s string) bool {
	for i := range len(s) {
		c := s[i]
		if (c|0x20 < 'a' || c|0x20 > 'z') && (c < '0' || c > '9') && strings.IndexByte("!#$%&'*+-.^_`|~", c) < 0 {
			return false
		}
	}
	return s != ""
}
