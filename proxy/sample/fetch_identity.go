package sample

import "bench/proxy/txn"

// identityFetches are about what identifies a request (configuration manual, section
// 7.3.6, and "unique-id-format").
func identityFetches() []Fetch {
	return []Fetch{
		{Row: Row{Name: "unique-id", Doc: "Identifier of the request, as \"unique-id-format\" lays it out; it is made the first time."}, Out: txn.Str, At: asked, fn: func(c *Context, _ []Arg, v *txn.Value) bool {
			id := c.Txn.Stream.UniqueID()
			if id == nil {
				return false
			}
			v.Kind = txn.Str
			return c.keep(v, append(c.spare(), id...))
		}},
		{Row: Row{Name: "fc_rcvd_proxy", Doc: "Whether the connection began with a header of the PROXY protocol."}, Out: txn.Bool, At: always, fn: func(c *Context, _ []Arg, v *txn.Value) bool {
			version, _, _ := c.Txn.Stream.Proxied()
			v.SetBool(version > 0)
			return true
		}},
		{Row: Row{Name: "fc_pp_authority", Doc: "Host name that the client asked for, as a header of the PROXY protocol has it."}, Out: txn.Str, At: always, fn: func(c *Context, _ []Arg, v *txn.Value) bool {
			_, authority, _ := c.Txn.Stream.Proxied()
			v.Kind = txn.Str
			return authority != nil && c.keep(v, append(c.spare(), authority...))
		}},
		{Row: Row{Name: "fc_pp_unique_id", Doc: "Identifier of the connection, as a header of the PROXY protocol has it."}, Out: txn.Str, At: always, fn: func(c *Context, _ []Arg, v *txn.Value) bool {
			_, _, id := c.Txn.Stream.Proxied()
			v.Kind = txn.Str
			return id != nil && c.keep(v, append(c.spare(), id...))
		}},
	}
}
