package sample

import (
	"bytes"

	"bench/proxy/message"
	"bench/proxy/txn"
)

// requestFetches are about the request line (configuration manual, section 7.3.6).
func requestFetches() []Fetch {
	row := func(name, doc string, get func(*message.Request) []byte) Fetch {
		return Fetch{Row: Row{Name: name, Doc: doc}, Out: txn.Str, At: reading, http: true, fn: func(c *Context, _ []Arg, v *txn.Value) bool {
			if c.Txn.Req == nil {
				return c.noRequest()
			}
			v.SetStr(get(c.Txn.Req))
			return v.B != nil
		}}
	}
	path := row("path", "Path of the request, without the query.", pathOf)
	path.quick, path.fn = opPath, fetchPath
	return []Fetch{
		{Row: Row{Name: "method", Doc: "Method of the request as the client sent it."}, Out: txn.Method, At: asked, http: true, quick: opMethod, fn: fetchMethod},
		path,
		row("pathq", "Path of the request with the query.", pathAndQuery),
		row("query", "What follows the question mark.", (*message.Request).Query),
		row("url", "Target of the request as it was sent, or as it was changed.", func(r *message.Request) []byte { return r.Target }),
		{Row: Row{Name: "base", Doc: "Host and path of the request."}, Out: txn.Str, At: reading, http: true, fn: fetchBase(pathOf)},
		{Row: Row{Name: "baseq", Doc: "Host, path and query of the request."}, Out: txn.Str, At: reading, http: true, fn: fetchBase(pathAndQuery)},
		{Row: Row{Name: "url_param", Usage: "([<name>][,<delimiter>])", params: "|ss", Doc: "Value of a parameter of the query, of the first one without a name."}, Out: txn.Str, At: reading, http: true, fn: fetchParam},
		{Row: Row{Name: "urlp_val", Usage: "([<name>][,<delimiter>])", params: "|ss", Doc: "Value of a parameter of the query, as a number."}, Out: txn.Int, At: reading, http: true, fn: asInt(fetchParam)},
		{Row: Row{Name: "req.ver", Doc: "Version of HTTP of the request, such as 1.1."}, Out: txn.Str, At: reading, http: true, fn: func(c *Context, _ []Arg, v *txn.Value) bool {
			if c.Txn.Req == nil {
				return c.noRequest()
			}
			return c.version(v, c.Txn.Req.Version)
		}},
	}
}

// noRequest fails for want of a request that may yet come.
func (c *Context) noRequest() bool {
	c.Unknown = !c.Txn.Final
	return false
}

// asInt is a fetch whose text is taken for a number.
func asInt(fetch func(*Context, []Arg, *txn.Value) bool) func(*Context, []Arg, *txn.Value) bool {
	return func(c *Context, a []Arg, v *txn.Value) bool {
		if !fetch(c, a, v) {
			return false
		}
		v.SetInt(leadingInt(v.B))
		return true
	}
}

// pathOf is the path of the target, nil if that has none or an empty one.
func pathOf(r *message.Request) []byte {
	if p := r.Path(); len(p) > 0 && r.Form != message.AsteriskForm {
		return p
	}
	return nil
}

func fetchPath(c *Context, _ []Arg, v *txn.Value) bool {
	if c.Txn.Req == nil {
		return c.noRequest()
	}
	v.Kind, v.B = txn.Str, pathOf(c.Txn.Req)
	return v.B != nil
}

func pathAndQuery(r *message.Request) []byte {
	p := pathOf(r)
	if p == nil {
		return nil
	}
	// The path and what follows it end the target.
	return r.Target[len(r.Target)-len(p)-queryLen(r):]
}

// queryLen is the length of the query with its question mark.
func queryLen(r *message.Request) int {
	if q := r.Query(); q != nil {
		return len(q) + 1
	}
	return 0
}

func fetchMethod(c *Context, _ []Arg, v *txn.Value) bool {
	switch t := c.Txn; {
	case t.MethodText != nil:
		v.Lo, v.B = uint64(t.Method), t.MethodText
	case t.Req != nil:
		v.Lo, v.B = uint64(t.Req.MethodID), t.Req.Method
	default:
		return c.noRequest()
	}
	v.Kind = txn.Method
	return true
}

func fetchBase(part func(*message.Request) []byte) func(*Context, []Arg, *txn.Value) bool {
	return func(c *Context, _ []Arg, v *txn.Value) bool {
		r := c.Txn.Req
		if r == nil {
			return c.noRequest()
		}
		v.Kind = txn.Str
		host, path := r.GetID(message.Host), part(r)
		if len(host) == 0 && path == nil {
			return false
		}
		return c.keep(v, append(append(c.spare(), host...), path...))
	}
}

// version writes a version of HTTP.
func (c *Context) version(v *txn.Value, of message.Version) bool {
	v.Kind = txn.Str
	return c.keep(v, append(c.spare(), byte('0'+of>>8), '.', byte('0'+of&0xff)))
}

// fetchParam finds name=value in the query; several values of a name are several.
func fetchParam(c *Context, a []Arg, v *txn.Value) bool {
	if c.Txn.Req == nil {
		return c.noRequest()
	}
	query, delimiter := c.Txn.Req.Query(), byte('?')
	if a[1].set && len(a[1].Str) > 0 && a[1].Str[0] != '?' {
		// Parameters begin at another delimiter, somewhere in the target.
		delimiter = a[1].Str[0]
		i := bytes.IndexByte(c.Txn.Req.Target, delimiter)
		if i < 0 {
			return false
		}
		query = c.Txn.Req.Target[i+1:]
	}
	value, off, ok := param(query, a[0].Str, delimiter, c.at.off)
	if !ok {
		return false
	}
	c.at.off, c.more = off, c.every
	v.SetStr(value)
	return true
}

// param finds a parameter from an offset on, and returns where the next one begins. As
// in the reference it ends at another delimiter as well.
func param(query, name []byte, delimiter byte, off int) (value []byte, next int, ok bool) {
	for off < len(query) {
		end := off
		for end < len(query) && query[end] != '&' && query[end] != ';' && query[end] != delimiter {
			end++
		}
		part := query[off:end]
		if i := bytes.IndexByte(part, '='); len(name) == 0 && i >= 0 {
			return part[i+1:], end + 1, true
		}
		if len(name) > 0 && len(part) > len(name) && part[len(name)] == '=' && bytes.Equal(part[:len(name)], name) {
			return part[len(name)+1:], end + 1, true
		}
		off = end + 1
	}
	return nil, 0, false
}
