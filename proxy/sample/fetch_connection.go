package sample

import (
	"bench/internal/sock"
	"bench/proxy/txn"
)

// connectionFetches are about the client's connection (configuration manual, sections
// 7.3.3 and 7.3.4).
func connectionFetches() []Fetch {
	port := func(of func(txn.Stream) sock.Addr) func(*Context, []Arg, *txn.Value) bool {
		return func(c *Context, _ []Arg, v *txn.Value) bool {
			a := of(c.Txn.Stream)
			if !a.IsValid() || a.IsUnix() {
				return false
			}
			v.SetInt(int64(a.AddrPort().Port()))
			return v.Lo != 0
		}
	}
	return []Fetch{
		{Row: Row{Name: "src", Doc: "Address of the client."}, Out: txn.Address, At: always, quick: opSrc, fn: fetchSrc},
		{Row: Row{Name: "src_port", Doc: "Port of the client."}, Out: txn.Int, At: always, fn: port(txn.Stream.Source)},
		{Row: Row{Name: "dst", Doc: "Address that the client connected to."}, Out: txn.Address, At: always, fn: func(c *Context, _ []Arg, v *txn.Value) bool {
			a := c.Txn.Stream.Destination()
			return setAddr(v, &a)
		}},
		{Row: Row{Name: "dst_port", Doc: "Port that the client connected to."}, Out: txn.Int, At: always, fn: port(txn.Stream.Destination)},
		{Row: Row{Name: "http_first_req", Doc: "Whether it is the first request of the connection."}, Out: txn.Bool, At: reading, http: true, fn: func(c *Context, _ []Arg, v *txn.Value) bool {
			v.SetBool(c.Txn.Stream.Requests() <= 1)
			return true
		}},
	}
}

func fetchSrc(c *Context, _ []Arg, v *txn.Value) bool {
	a := c.Txn.Stream.Source()
	return setAddr(v, &a)
}

// setAddr makes the value the IP of an address; unix sockets have none.
func setAddr(v *txn.Value, a *sock.Addr) bool {
	return a.IsValid() && !a.IsUnix() && v.SetIP(a.AddrPort().Addr())
}
