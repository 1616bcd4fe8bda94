package lua

import (
	"crypto/tls"
	"math"
	"strconv"
	"strings"
	"time"

	lua "github.com/yuin/gopher-lua"

	"bench/internal/sock"
	"bench/proxy/h1"
)

// Requests is how scripts make requests, core.httpclient.
type Requests struct {
	// Resolvers is the section whose name servers know hosts, by its index; -1: there is none.
	Resolvers  int
	PreferIPv4 bool
	// Secure is how a host is spoken to by https; nil: none is.
	Secure func(host string) *tls.Config
}

// client is core.httpclient, which makes requests.
type client struct{ m *Machine }

// clientMethods are the methods of HTTP by those of the class.
var clientMethods = []string{"get", "head", "put", "post", "delete"}

func openClients(w *world) {
	const class = "HTTPClient"
	w.state.Library("core").RawSetString("httpclient", w.state.L.NewFunction(func(l *lua.LState) int {
		l.Push(w.object(class, &client{m: machine(l, "core.httpclient").m}))
		return 1
	}))
	methods := map[string]lua.LGFunction{}
	for _, name := range clientMethods {
		methods[name] = func(l *lua.LState) int {
			x, c := self[*client](l, class), machine(l, class)
			if x.m != c.m {
				l.RaiseError("%s: this HTTP client belongs to another thread", name)
			}
			q := readQuestion(l, name)
			l.Push(q.ask(l, c))
			return 1
		}
	}
	w.class(class, methods, nil)
}

// question is a request of a script.
type question struct {
	method   string
	secure   bool   // by https
	host     string // with its port, as the URL has it
	name     string // without
	port     uint16
	target   string
	to       *sock.Addr    // where to connect to; nil: to the host
	patience time.Duration // for anything to come or go
	head     []byte        // its fields
	named    [3]bool       // Host, Accept and User-Agent are among them
	length   bool          // Content-Length is
	body     string
}

// whenever is how long a script waits that has given no time.
const whenever = 24 * time.Hour

// readQuestion reads the table that a script has given to a method.
func readQuestion(l *lua.LState, name string) *question {
	t, ok := l.Get(2).(*lua.LTable)
	if !ok || l.GetTop() != 2 {
		l.RaiseError("%s: a table is expected, as {url = ...}", name)
	}
	q := &question{method: strings.ToUpper(name), patience: whenever}
	text := func(key string, v lua.LValue) string {
		s, ok := v.(lua.LString)
		if !ok {
			l.RaiseError("'%s' of a request is a string", key)
		}
		return string(s)
	}
	var fields *lua.LTable
	url := ""
	t.ForEach(func(k, v lua.LValue) {
		switch key := lua.LVAsString(k); key {
		case "url":
			url = text(key, v)
		case "body":
			q.body = text(key, v)
		case "dst":
			to, err := sock.Parse(text(key, v))
			if err != nil || !to.IsUnix() && to.AddrPort().Port() == 0 {
				l.RaiseError("'dst' of a request is an address with its port")
			}
			q.to = &to
		case "timeout":
			n, ok := v.(lua.LNumber)
			if !ok {
				l.RaiseError("'timeout' of a request is a number of milliseconds")
			}
			if q.patience = whenever; n > 0 && n < math.MaxInt32 {
				q.patience = time.Duration(n) * time.Millisecond
			}
		case "headers":
			if fields, ok = v.(*lua.LTable); !ok {
				l.RaiseError("'headers' of a request is a table of lists")
			}
		default:
			l.RaiseError("a request has no '%s': want url, body, headers, dst or timeout", key)
		}
	})
	if url == "" {
		l.RaiseError("%s: 'url' is missing", name)
	}
	q.readURL(l, url)
	if fields != nil {
		q.readFields(l, fields)
	}
	return q
}

// readURL takes a URL apart.
func (q *question) readURL(l *lua.LState, url string) {
	scheme, rest, ok := strings.Cut(url, "://")
	end := strings.IndexAny(rest, "/?#")
	if end < 0 {
		end = len(rest)
	}
	q.host, q.target = rest[:end], rest[end:]
	q.target, _, _ = strings.Cut(q.target, "#")
	if !strings.HasPrefix(q.target, "/") {
		q.target = "/" + q.target
	}
	q.secure = strings.EqualFold(scheme, "https")
	odd := strings.ContainsFunc(url, func(r rune) bool { return r <= ' ' || r == 127 })
	if !ok || odd || q.host == "" || strings.Contains(q.host, "@") || !q.secure && !strings.EqualFold(scheme, "http") {
		l.RaiseError("'%s' is not a URL of HTTP", url)
	}
	if q.name, q.port = authority(q.host, q.secure); q.port == 0 {
		l.RaiseError("'%s' has a port that is none", q.host)
	}
}

// authority takes a host and its port apart; port 0: it is none.
func authority(host string, secure bool) (name string, port uint16) {
	if port = 80; secure {
		port = 443
	}
	name = host
	if i := strings.LastIndexByte(host, ':'); i > strings.LastIndexByte(host, ']') {
		n, err := strconv.ParseUint(host[i+1:], 10, 16)
		if name, port = host[:i], uint16(n); err != nil {
			port = 0
		}
	}
	return strings.TrimSuffix(strings.TrimPrefix(name, "["), "]"), port
}

// readFields takes header fields: of each name a list of values. How the message is framed
// is not theirs to say, but they may say it rightly.
func (q *question) readFields(l *lua.LState, fields *lua.LTable) {
	fields.ForEach(func(k, v lua.LValue) {
		name := strings.ToLower(lua.LVAsString(k))
		values, ok := v.(*lua.LTable)
		if !ok {
			return // as in the reference
		}
		if !isToken(name) {
			l.RaiseError("'%s' is not the name of a header field", name)
		}
		values.ForEach(func(_, v lua.LValue) {
			value := clean(lua.LVAsString(v))
			switch name {
			case "host":
				q.named[0] = true
			case "accept":
				q.named[1] = true
			case "user-agent":
				q.named[2] = true
			case "content-length":
				if n, err := strconv.Atoi(value); err != nil || n != len(q.body) {
					l.RaiseError("the body of the request has %d bytes, and not '%s' as its Content-Length says", len(q.body), value)
				}
				if q.length {
					return
				}
				q.length = true
			case "transfer-encoding", "connection":
				return // the body comes in chunks, and the connection is closed, in any case
			}
			q.head = appendField(q.head, name, value)
		})
	})
}

func appendField(b []byte, name, value string) []byte {
	return append(append(append(append(b, name...), ": "...), value...), "\r\n"...)
}

// message is the request as it is sent.
func (q *question) message() []byte {
	b := append([]byte(nil), q.method+" "+q.target+" HTTP/1.1\r\n"...)
	b = append(b, q.head...)
	if !q.named[0] {
		b = appendField(b, "host", q.host)
	}
	if !q.named[1] {
		b = appendField(b, "accept", "*/*")
	}
	if !q.named[2] {
		b = appendField(b, "user-agent", "HAProxy")
	}
	if q.body == "" {
		return append(b, "\r\n"...)
	}
	if q.length {
		return append(append(b, "\r\n"...), q.body...)
	}
	b = append(appendField(b, "transfer-encoding", "chunked"), "\r\n"...)
	b = h1.AppendChunkHead(b, uint64(len(q.body)))
	return append(append(b, q.body...), "\r\n0\r\n\r\n"...)
}
