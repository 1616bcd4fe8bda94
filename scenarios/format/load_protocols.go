package format

import (
	"bench/internal/dist"
	"bench/loadgen/draw"
	"bench/loadgen/http2"
	"bench/loadgen/mysql"
	"bench/loadgen/redis"
	"bench/loadgen/tcp"
)

// Spec is how a load uses connections of HTTP/2 as the generator reads it.
func (h *HTTP2Load) Spec() http2.Spec {
	if h == nil {
		return http2.Spec{}
	}
	return http2.Spec{Streams: h.Streams, Window: int64(h.Window)}
}

// Spec is what a load sends to and expects of any servers as the generator reads
// it.
func (t *TCPLoad) Spec() tcp.Spec {
	if t == nil {
		return tcp.Spec{}
	}
	g := tcp.Spec{Connect: t.Connect}
	for i := range t.Exchanges {
		x := &t.Exchanges[i]
		g.Exchanges = append(g.Exchanges, tcp.Exchange{
			Name: x.Name, Weight: x.Weight, Steps: x.Steps, Echo: x.Echo.sizes(), Upload: x.Upload.sizes(), Download: x.Download.sizes(),
		})
	}
	return g
}

// Spec is what a load sends to MySQL servers as the generator reads it.
func (m *MySQLLoad) Spec() mysql.Spec {
	if m == nil {
		return mysql.Spec{}
	}
	g := mysql.Spec{User: m.User, Password: m.Password, Database: m.Database, Connect: m.Connect}
	for i := range m.Statements {
		s := &m.Statements[i]
		g.Statements = append(g.Statements, mysql.Statement{
			Name: s.Name, Weight: s.Weight, Query: s.Query, Prepared: s.Prepared, Params: s.Params, Transaction: s.Transaction,
			Expect: mysql.ExpectResult{Rows: long(s.Expect.Rows), Affected: long(s.Expect.Affected), Error: s.Expect.Error},
		})
	}
	return g
}

// long is a number of 64 bits, nil without one.
func long(n *int) *int64 {
	if n == nil {
		return nil
	}
	return new(int64(*n))
}

// Spec is what a load sends to Redis servers as the generator reads it.
func (r *RedisLoad) Spec() redis.Spec {
	if r == nil {
		return redis.Spec{}
	}
	g := redis.Spec{
		User: r.User, Password: r.Password, Database: r.Database, Version: r.Version, Value: r.Value.size(),
		Keys: draw.Keys{Prefix: r.Keys.Prefix, Count: int64(r.Keys.Count), Law: r.Keys.Law, Skew: r.Keys.Skew},
	}
	for i := range r.Commands {
		c := &r.Commands[i]
		g.Commands = append(g.Commands, redis.Command{
			Name: c.Name, Weight: c.Weight, Line: c.Command, Value: c.Value.sizes(),
			Expect: redis.ExpectReply{Text: c.Expect.Text, Bytes: c.Expect.Bytes.bytes(), Null: c.Expect.Null, Error: c.Expect.Error},
		})
	}
	return g
}

// size is the distribution; always 0 where the text is none, which the validator
// has said then.
func (d Distribution) size() dist.Size {
	s, _ := dist.ParseSize(string(d))
	return s
}

// sizes is the distribution, nil without one.
func (d *Distribution) sizes() *dist.Size {
	if d == nil {
		return nil
	}
	return new(d.size())
}

// bytes is the size as a number, nil without one.
func (s *Size) bytes() *int64 {
	if s == nil {
		return nil
	}
	return new(int64(*s))
}
