package sample

import "bench/proxy/txn"

// workFetches are about what the request has cost, and what became of its connections
// (configuration manual, sections 7.3.2 and 7.3.3). The time of single streams is not
// measured, as it is not in the reference either unless profiling is on.
func workFetches() []Fetch {
	unmeasured := func(name, doc string) Fetch {
		return Fetch{Row: Row{Name: name, Doc: doc + ": 0, as only whole kinds of handlers are measured (\"show profiling\")."}, Out: txn.Int, At: always, fn: func(_ *Context, _ []Arg, v *txn.Value) bool {
			v.SetInt(0)
			return true
		}}
	}
	// beyond is whether there is a connection to the server, which works then.
	beyond := func(c *Context) bool { return c.Txn.Stream.Reached() }
	return []Fetch{
		{Row: Row{Name: "cpu_calls", Doc: "How often the request was gone on with, in its thread, since it came."}, Out: txn.Int, At: always, fn: func(c *Context, _ []Arg, v *txn.Value) bool {
			v.SetInt(c.Txn.Stream.Calls())
			return true
		}},
		unmeasured("cpu_ns_tot", "Nanoseconds of processor time for the request"),
		unmeasured("cpu_ns_avg", "The same for each time it was gone on with"),
		unmeasured("lat_ns_tot", "Nanoseconds that the request has waited for its thread"),
		unmeasured("lat_ns_avg", "The same for each time it was gone on with"),
		{Row: Row{Name: "bc_err", Doc: "Number of the error of the server's connection: 0, as it works."}, Out: txn.Int, At: served, fn: func(c *Context, _ []Arg, v *txn.Value) bool {
			v.SetInt(0)
			return beyond(c)
		}},
		{Row: Row{Name: "bc_err_str", Doc: "The error of the server's connection: Success, as it works."}, Out: txn.Str, At: served, fn: func(c *Context, _ []Arg, v *txn.Value) bool {
			return beyond(c) && c.text(v, "Success")
		}},
		{Row: Row{Name: "res.comp", Doc: "Whether the content of the response is encoded here."}, Out: txn.Bool, At: txn.Between(txn.StepResponse, txn.StepLog), fn: func(c *Context, _ []Arg, v *txn.Value) bool {
			v.SetBool(c.Txn.Stream.Encoding() != "")
			return true
		}},
		{Row: Row{Name: "res.comp_algo", Doc: "How the content of the response is encoded here."}, Out: txn.Str, At: txn.Between(txn.StepResponse, txn.StepLog), fn: func(c *Context, _ []Arg, v *txn.Value) bool {
			return c.text(v, c.Txn.Stream.Encoding())
		}},
	}
}
