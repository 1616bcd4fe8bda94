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
	}
}
