package sample

import (
	"bench/internal/tlsio"
	"bench/proxy/txn"
)

// faultFetches are about what has gone wrong with connections, which logs of failed
// handshakes ask for ("error-log-format").
func faultFetches(client, server tlsSide) (list []Fetch) {
	for _, x := range []struct {
		name, who string
		at        txn.Steps
		of        func(*Context) (txn.Fault, bool)
	}{
		{"fc_err", "the client's connection", client.at, func(c *Context) (txn.Fault, bool) { return c.Txn.Stream.Fault(), true }},
		{"bc_err", "the server's connection", server.at, func(c *Context) (txn.Fault, bool) { return c.Txn.Stream.ServerFault() }},
	} {
		list = append(list,
			Fetch{Row: Row{Name: x.name, Doc: "Number of the error of " + x.who + ", 0 for none."}, Out: txn.Int, At: x.at, fn: func(c *Context, _ []Arg, v *txn.Value) bool {
				f, known := x.of(c)
				v.SetInt(int64(f))
				return known
			}},
			Fetch{Row: Row{Name: x.name + "_str", Doc: "The error of " + x.who + " in words, Success for none."}, Out: txn.Str, At: x.at, fn: func(c *Context, _ []Arg, v *txn.Value) bool {
				f, known := x.of(c)
				return known && c.text(v, f.String())
			}})
	}
	for _, x := range []tlsSide{client, server} {
		list = append(list,
			x.number(x.name+"_err", "Number that OpenSSL has for the error of the handshake with "+x.who+", 0 for none.", func(i *tlsio.Info) int {
				n, _ := tlsio.FaultNumber(i.Fault)
				return n
			}),
			x.row(x.name+"_err_str", txn.Str, "Words that OpenSSL has for the error of the handshake with "+x.who+".", func(c *Context, i *tlsio.Info, v *txn.Value) bool {
				_, text := tlsio.FaultNumber(i.Fault)
				return text != "" && c.text(v, text)
			}))
	}
	return list
}
