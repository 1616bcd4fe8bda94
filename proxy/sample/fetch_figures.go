package sample

import (
	"time"

	"bench/internal/sock"
	"bench/proxy/hash"
	"bench/proxy/message"
	"bench/proxy/txn"
)

// figureFetches are about the farm, and about the way of the stream through it
// (configuration manual, sections 7.3.2 to 7.3.4).
func figureFetches() []Fetch {
	farm := func(c *Context) txn.Farm { return c.Txn.Stream.Farm() }
	backendRow := func(name, doc string, what txn.Figure) Fetch {
		return Fetch{Row: Row{Name: name, Usage: "([<backend>])", params: "|b", Doc: doc}, Out: txn.Int, At: inside, fn: func(c *Context, a []Arg, v *txn.Value) bool {
			b := int(a[0].Int)
			if !a[0].set {
				b = c.Txn.Stream.Backend()
			}
			if b < 0 {
				return false
			}
			v.SetInt(farm(c).BackendFigure(what, b))
			return true
		}}
	}
	frontendRow := func(name, doc string, what txn.Figure) Fetch {
		return Fetch{Row: Row{Name: name, Usage: "([<frontend>])", params: "|f", check: checkRate, Doc: doc}, Out: txn.Int, At: inside, fn: func(c *Context, a []Arg, v *txn.Value) bool {
			f := int(a[0].Int)
			if !a[0].set {
				f = c.Txn.Stream.Frontend()
			}
			v.SetInt(farm(c).FrontendFigure(what, f))
			return true
		}}
	}
	rated := func(f Fetch) Fetch {
		f.check = checkRate
		return f
	}
	serverRow := func(name, doc string, what txn.Figure) Fetch {
		return Fetch{Row: Row{Name: name, Usage: "([<backend>/]<server>)", params: "S", Doc: doc}, Out: txn.Int, At: inside, fn: func(c *Context, a []Arg, v *txn.Value) bool {
			v.SetInt(farm(c).ServerFigure(what, int(a[0].Int), a[0].Server))
			return true
		}}
	}
	number := func(name, doc string, at txn.Steps, get func(*Context) (int64, bool)) Fetch {
		return Fetch{Row: Row{Name: name, Doc: doc}, Out: txn.Int, At: at, fn: func(c *Context, _ []Arg, v *txn.Value) bool {
			n, ok := get(c)
			v.SetInt(n)
			return ok
		}}
	}
	millis := func(d time.Duration) (int64, bool) { return d.Milliseconds(), true }
	address := func(name, doc string, at txn.Steps, of func(txn.Stream) sock.Addr) Fetch {
		return Fetch{Row: Row{Name: name, Doc: doc}, Out: txn.Address, At: at, fn: func(c *Context, _ []Arg, v *txn.Value) bool {
			a := of(c.Txn.Stream)
			return setAddr(v, &a)
		}}
	}
	port := func(name, doc string, at txn.Steps, of func(txn.Stream) sock.Addr) Fetch {
		return number(name, doc, at, func(c *Context) (int64, bool) {
			a := of(c.Txn.Stream)
			if !a.IsValid() || a.IsUnix() {
				return 0, false
			}
			return int64(a.AddrPort().Port()), true
		})
	}
	local := func(name, doc string, of func(txn.Stream) sock.Addr) Fetch {
		return Fetch{Row: Row{Name: name, Doc: doc}, Out: txn.Bool, At: always, fn: func(c *Context, _ []Arg, v *txn.Value) bool {
			a := of(c.Txn.Stream)
			if !a.IsValid() || a.IsUnix() {
				return false
			}
			v.SetBool(sock.IsLocal(a.AddrPort().Addr()))
			return true
		}}
	}
	from := func(s txn.Stream) sock.Addr { a, _ := s.Arrived(); return a }
	to := func(s txn.Stream) sock.Addr { _, a := s.Arrived(); return a }
	ours := func(s txn.Stream) sock.Addr { a, _ := s.Beyond(); return a }
	theirs := func(s txn.Stream) sock.Addr { _, a := s.Beyond(); return a }
	return []Fetch{
		backendRow("avg_queue", "Streams that wait for a server of a backend, for each of its usable servers.", txn.AverageQueue),
		backendRow("be_conn_free", "Free slots of a backend's usable servers, -1 if one has no maxconn.", txn.FreeSlots),
		backendRow("connslots", "Free slots of a backend's usable servers and of their queues, -1 if one has no maxconn or no maxqueue.", txn.FreePlaces),
		serverRow("srv_conn_free", "Free slots of a server, -1 without maxconn.", txn.ServerFree),
		serverRow("srv_queue", "Streams that wait for a server.", txn.ServerQueue),
		serverRow("srv_weight", "Weight of a server that is in force.", txn.ServerWeight),
		serverRow("srv_iweight", "Weight of a server as it was configured.", txn.ServerInitial),
		serverRow("srv_uweight", "Weight of a server as it was set.", txn.ServerUser),
		frontendRow("fe_sess_rate", "Sessions of a frontend in the last second, by default of that of the transaction.", txn.FrontendSessions),
		frontendRow("fe_req_rate", "Requests of a frontend in the last second, by default of that of the transaction.", txn.FrontendRequests),
		rated(backendRow("be_sess_rate", "Streams that came to a backend in the last second, by default to that of the transaction.", txn.BackendSessions)),
		rated(serverRow("srv_sess_rate", "Streams that came to a server in the last second.", txn.ServerSessions)),
		number("dst_conn", "Connections to the address that the client came to.", always, func(c *Context) (int64, bool) { return c.Txn.Stream.Listening(), true }),
		number("so_id", "Number of the bind line.", always, func(c *Context) (int64, bool) { id, _ := c.Txn.Stream.Listener(); return int64(id), true }),
		{Row: Row{Name: "so_name", Doc: "Name of the bind line."}, Out: txn.Str, At: always, fn: func(c *Context, _ []Arg, v *txn.Value) bool {
			_, name := c.Txn.Stream.Listener()
			return c.text(v, name)
		}},
		{Row: Row{Name: "fe_defbe", Doc: "Name of the frontend's default backend."}, Out: txn.Str, At: always, fn: func(c *Context, _ []Arg, v *txn.Value) bool {
			return c.text(v, farm(c).DefaultBackend(c.Txn.Stream.Frontend()))
		}},
		number("fe_client_timeout", "\"timeout client\" of the frontend, in milliseconds.", always, func(c *Context) (int64, bool) {
			return millis(farm(c).Timeout(txn.TimeoutClient, c.Txn.Stream.Frontend()))
		}),
		number("be_server_timeout", "\"timeout server\" of the backend, in milliseconds.", backend, func(c *Context) (int64, bool) {
			b := c.Txn.Stream.Backend()
			if b < 0 {
				return 0, false
			}
			return millis(farm(c).Timeout(txn.TimeoutServer, b))
		}),
		number("be_tunnel_timeout", "\"timeout tunnel\" of the backend, in milliseconds.", backend, func(c *Context) (int64, bool) {
			b := c.Txn.Stream.Backend()
			if b < 0 {
				return 0, false
			}
			return millis(farm(c).Timeout(txn.TimeoutTunnel, b))
		}),
		number("cur_server_timeout", "How long the server may be silent, in milliseconds, as rules have it.", backend, func(c *Context) (int64, bool) { return millis(c.Txn.Stream.Timeout(txn.TimeoutServer)) }),
		number("cur_tunnel_timeout", "How long either side of a tunnel may be silent, in milliseconds, as rules have it.", backend, func(c *Context) (int64, bool) { return millis(c.Txn.Stream.Timeout(txn.TimeoutTunnel)) }),
		number("prio_class", "Priority class in queues.", asked, func(c *Context) (int64, bool) { return int64(c.Txn.Class), true }),
		number("prio_offset", "Priority offset in queues.", asked, func(c *Context) (int64, bool) { return int64(c.Txn.Offset), true }),
		{Row: Row{Name: "last_rule_file", Doc: "File of the last rule that ended a list."}, Out: txn.Str, At: asked, fn: func(c *Context, _ []Arg, v *txn.Value) bool { return c.text(v, c.Txn.RuleFile) }},
		number("last_rule_line", "Line of the last rule that ended a list.", asked, func(c *Context) (int64, bool) { return int64(c.Txn.RuleLine), c.Txn.RuleLine > 0 }),
		address("fc_src", "Address of the client, whatever rules but \"tcp-request connection\" have made of it.", always, from),
		port("fc_src_port", "Port of the client, whatever rules have made of it.", always, from),
		address("fc_dst", "Address that the client connected to, whatever rules but \"tcp-request connection\" have made of it.", always, to),
		port("fc_dst_port", "Port that the client connected to, whatever rules have made of it.", always, to),
		local("src_is_local", "Whether the client's address is one of this host.", txn.Stream.Source),
		local("dst_is_local", "Whether the address that the client connected to is one of this host.", txn.Stream.Destination),
		local("fc_src_is_local", "As src_is_local, whatever rules have made of the address.", from),
		local("fc_dst_is_local", "As dst_is_local, whatever rules have made of the address.", to),
		number("fc_http_major", "Version of HTTP that the client speaks.", always, func(*Context) (int64, bool) { return 1, true }),
		number("bc_http_major", "Version of HTTP that the server speaks.", served, func(c *Context) (int64, bool) {
			name, _ := c.Txn.Stream.Server()
			return 1, name != ""
		}),
		address("bc_src", "Our address towards the server.", served, ours),
		port("bc_src_port", "Our port towards the server.", served, ours),
		address("bc_dst", "Address of the server.", served, theirs),
		port("bc_dst_port", "Port of the server.", served, theirs),
		number("date_us", "Microseconds of the present second.", inside, func(*Context) (int64, bool) { return int64(time.Now().Nanosecond() / 1000), true }),
	}
}

// hashFetches hash parts of the request (configuration manual, section 7.3.6).
func hashFetches() []Fetch {
	row := func(name, doc string, part func(*message.Request) []byte, src bool) Fetch {
		out := txn.Int
		if src {
			out = txn.Bin
		}
		return Fetch{Row: Row{Name: name, Doc: doc}, Out: out, At: reading, http: true, fn: func(c *Context, _ []Arg, v *txn.Value) bool {
			r := c.Txn.Req
			if r == nil {
				return c.noRequest()
			}
			h := hash.SDBMOn(hash.SDBMOn(0, r.GetID(message.Host)), part(r))
			if !src {
				v.SetInt(int64(hash.Avalanche(h)))
				return true
			}
			b := append(c.spare(), byte(hash.Avalanche(h)>>24), byte(hash.Avalanche(h)>>16), byte(hash.Avalanche(h)>>8), byte(hash.Avalanche(h)))
			a := c.Txn.Stream.Source()
			if a.IsValid() && !a.IsUnix() {
				b = append(b, a.AddrPort().Addr().Unmap().AsSlice()...)
			}
			v.Kind = txn.Bin
			return c.keep(v, b)
		}}
	}
	return []Fetch{
		row("base32", "Hash of host and path.", pathOf, false),
		row("base32+src", "Hash of host and path, and the client's address behind it.", pathOf, true),
		row("url32", "Hash of host, path and query.", pathAndQuery, false),
		row("url32+src", "Hash of host, path and query, and the client's address behind it.", pathAndQuery, true),
	}
}

// checkRate notes that rates are asked for, which are kept for all threads together only then.
func checkRate(env *Env, _ []Arg) error {
	if env.Rated != nil {
		*env.Rated = true
	}
	return nil
}
