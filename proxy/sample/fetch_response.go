package sample

import (
	"bytes"
	"fmt"

	"bench/proxy/txn"
)

// responseFetches are about the status line (configuration manual, section 7.3.6).
func responseFetches() []Fetch {
	return []Fetch{
		{Row: Row{Name: "status", Doc: "Status of the response."}, Out: txn.Int, At: known | checks, http: true, fn: func(c *Context, _ []Arg, v *txn.Value) bool {
			n := c.Txn.Status
			if c.Txn.Res != nil {
				n = c.Txn.Res.Status
			}
			v.SetInt(int64(n))
			return n > 0
		}},
		{Row: Row{Name: "res.cache_hit", Doc: "Whether the response comes from a cache."}, Out: txn.Bool, At: answered, http: true, fn: func(c *Context, _ []Arg, v *txn.Value) bool {
			v.SetBool(c.Txn.Cached != "")
			return true
		}},
		{Row: Row{Name: "res.cache_name", Doc: "Name of the cache that the response comes from."}, Out: txn.Str, At: answered, http: true, fn: func(c *Context, _ []Arg, v *txn.Value) bool {
			return c.text(v, c.Txn.Cached)
		}},
		{Row: Row{Name: "res.ver", Doc: "Version of HTTP of the response, such as 1.1."}, Out: txn.Str, At: answered, http: true, fn: func(c *Context, _ []Arg, v *txn.Value) bool {
			return c.Txn.Res != nil && c.version(v, c.Txn.Res.Version)
		}},
	}
}

// keptFetches are about what was kept of messages that are gone.
func keptFetches() []Fetch {
	type get = func(*txn.Txn) []byte
	kept := func(name, doc string, of get) Fetch {
		return Fetch{Row: Row{Name: name, Doc: doc}, Out: txn.Str, At: asked, http: true, fn: func(c *Context, _ []Arg, v *txn.Value) bool {
			v.SetStr(of(c.Txn))
			return v.B != nil
		}}
	}
	return []Fetch{
		kept("capture.req.method", "Method of the request as it came.", func(t *txn.Txn) []byte { return t.MethodText }),
		kept("capture.req.uri", "Path and query of the request as it came.", func(t *txn.Txn) []byte {
			uri := t.URI
			if i := bytes.Index(uri, []byte("://")); i >= 0 && uri[0] != '/' {
				uri = uri[i+len("://"):]
				uri = uri[max(bytes.IndexByte(uri, '/'), 0):]
			}
			if len(uri) == 0 || uri[0] != '/' {
				return nil
			}
			return uri
		}),
		kept("capture.req.ver", "Version of HTTP of the request, such as HTTP/1.1.", func(t *txn.Txn) []byte { return t.Version }),
		{Row: Row{Name: "capture.req.hdr", Usage: "(<index>)", params: "i", check: checkIndex, Doc: "What a \"capture request\" line has kept."}, Out: txn.Str, At: asked, http: true, fn: func(c *Context, a []Arg, v *txn.Value) bool {
			b, ok := c.Txn.ReqCaptures.Get(int(a[0].Int))
			v.SetStr(b)
			return ok
		}},
		{Row: Row{Name: "capture.res.hdr", Usage: "(<index>)", params: "i", check: checkIndex, Doc: "What a \"capture response\" line has kept."}, Out: txn.Str, At: known, http: true, fn: func(c *Context, a []Arg, v *txn.Value) bool {
			b, ok := c.Txn.ResCaptures.Get(int(a[0].Int))
			v.SetStr(b)
			return ok
		}},
	}
}

func checkIndex(_ *Env, a []Arg) error {
	if a[0].Int < 0 {
		return fmt.Errorf("captures count from 0, not from %d", a[0].Int)
	}
	return nil
}
