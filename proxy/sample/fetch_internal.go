package sample

import (
	"bench/proxy/txn"
)

// internalFetches are about the proxy itself (configuration manual, section 7.3.2).
func internalFetches() []Fetch {
	type f = func(c *Context, a []Arg, v *txn.Value) bool
	number := func(get func(c *Context, a []Arg) int64) f {
		return func(c *Context, a []Arg, v *txn.Value) bool { v.SetInt(get(c, a)); return true }
	}
	farm := func(c *Context) txn.Farm { return c.Txn.Stream.Farm() }
	// of are counts of a proxy that is named, or of the transaction's own.
	of := func(own func(txn.Stream) int, get func(txn.Farm, int) int64) f {
		return func(c *Context, a []Arg, v *txn.Value) bool {
			proxy := int(a[0].Int)
			if !a[0].set {
				proxy = own(c.Txn.Stream)
			}
			if proxy < 0 {
				return false
			}
			v.SetInt(get(farm(c), proxy))
			return true
		}
	}
	return []Fetch{
		{Row: Row{Name: "fe_name", Doc: "Name of the frontend."}, Out: txn.Str, At: always, fn: func(c *Context, _ []Arg, v *txn.Value) bool {
			return c.text(v, farm(c).Name(c.Txn.Stream.Frontend()))
		}},
		{Row: Row{Name: "fe_id", Doc: "Number of the frontend."}, Out: txn.Int, At: always, fn: number(func(c *Context, _ []Arg) int64 { return int64(farm(c).ID(c.Txn.Stream.Frontend())) })},
		{Row: Row{Name: "fe_conn", Usage: "([<frontend>])", params: "|f", Doc: "Connections of a frontend, by default that of the transaction."}, Out: txn.Int, At: inside, fn: of(txn.Stream.Frontend, txn.Farm.Conns)},
		{Row: Row{Name: "be_name", Doc: "Name of the backend."}, Out: txn.Str, At: backend, fn: func(c *Context, _ []Arg, v *txn.Value) bool {
			b := c.Txn.Stream.Backend()
			return b >= 0 && c.text(v, farm(c).Name(b))
		}},
		{Row: Row{Name: "be_id", Doc: "Number of the backend."}, Out: txn.Int, At: backend, fn: func(c *Context, _ []Arg, v *txn.Value) bool {
			b := c.Txn.Stream.Backend()
			if b >= 0 {
				v.SetInt(int64(farm(c).ID(b)))
			}
			return b >= 0
		}},
		{Row: Row{Name: "be_conn", Usage: "([<backend>])", params: "|b", Doc: "Streams of a backend, by default that of the transaction."}, Out: txn.Int, At: inside, fn: of(txn.Stream.Backend, txn.Farm.Streams)},
		{Row: Row{Name: "nbsrv", Usage: "([<backend>])", params: "|b", Doc: "Servers of a backend that take requests, by default of that of the transaction."}, Out: txn.Int, At: inside, fn: of(txn.Stream.Backend, func(f txn.Farm, b int) int64 { return int64(f.Usable(b)) })},
		{Row: Row{Name: "queue", Usage: "([<backend>])", params: "|b", Doc: "Streams that wait for a server of a backend, by default of that of the transaction."}, Out: txn.Int, At: inside, fn: of(txn.Stream.Backend, txn.Farm.Queue)},
		{Row: Row{Name: "srv_name", Doc: "Name of the server."}, Out: txn.Str, At: served, fn: func(c *Context, _ []Arg, v *txn.Value) bool {
			name, _ := c.Txn.Stream.Server()
			return c.text(v, name)
		}},
		{Row: Row{Name: "srv_id", Doc: "Number of the server."}, Out: txn.Int, At: served, fn: func(c *Context, _ []Arg, v *txn.Value) bool {
			name, id := c.Txn.Stream.Server()
			v.SetInt(int64(id))
			return name != ""
		}},
		{Row: Row{Name: "srv_is_up", Usage: "([<backend>/]<server>)", params: "S", Doc: "Whether a server takes requests."}, Out: txn.Bool, At: inside, fn: func(c *Context, a []Arg, v *txn.Value) bool {
			v.SetBool(farm(c).ServerUp(int(a[0].Int), a[0].Server))
			return true
		}},
		{Row: Row{Name: "srv_conn", Usage: "([<backend>/]<server>)", params: "S", Doc: "Streams of a server."}, Out: txn.Int, At: inside, fn: number(func(c *Context, a []Arg) int64 { return farm(c).ServerConns(int(a[0].Int), a[0].Server) })},
		{Row: Row{Name: "stopping", Doc: "Whether the process is stopping."}, Out: txn.Bool, At: inside, fn: func(c *Context, _ []Arg, v *txn.Value) bool { v.SetBool(farm(c).Stopping()); return true }},
		{Row: Row{Name: "thread", Doc: "Number of the thread, from 0."}, Out: txn.Int, At: inside, fn: number(func(c *Context, _ []Arg) int64 { return int64(farm(c).Thread()) })},
		{Row: Row{Name: "var", Usage: "(<variable>[,<default>])", params: "v|s", Doc: "A variable, or the default if it is not set."}, Out: txn.None, At: anywhere, fn: fetchVar},
	}
}

func fetchVar(c *Context, a []Arg, v *txn.Value) bool {
	if *v = c.Var(a[0].Var); v.Kind != txn.None {
		return true
	}
	v.SetStr(a[1].Str)
	return a[1].set
}
