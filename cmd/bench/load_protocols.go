package main

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"bench/internal/dist"
	"bench/loadgen/draw"
	"bench/loadgen/mysql"
	"bench/loadgen/redis"
	"bench/loadgen/tcp"
	"bench/loadgen/workload"
)

// foreign are the flags that were given and mean nothing to a protocol.
func (c *loadCmd) foreign(protocol string) (flags []string) {
	const http, tcp, mysql, redis = "http1", "tcp", "mysql", "redis"
	for _, f := range []struct {
		name      string
		given     bool
		protocols string
	}{
		{"trace", c.Trace != "", http},
		{"method", c.Method != "GET", http},
		{"header", len(c.Header) > 0, http},
		{"data", c.Data != "", http},
		{"template", c.Varied, http},
		{"chunked", c.Chunked != "", http},
		{"cookies", c.Cookies, http},
		{"expect", len(c.Expect) > 0, http},
		{"expect-header", len(c.ExpectHeader) > 0, http},
		{"expect-text", c.ExpectText != "", http},
		{"expect-sha256", c.ExpectSHA256 != "", http},
		{"expect-bytes", c.ExpectBytes != "", http + " " + redis},
		{"step", len(c.Step) > 0, tcp},
		{"connect", len(c.Connect) > 0, tcp + " " + mysql},
		{"prepared", c.Prepared, mysql},
		{"transaction", len(c.Transaction) > 0, mysql},
		{"expect-rows", c.ExpectRows != nil, mysql},
		{"expect-affected", c.ExpectAffected != nil, mysql},
		{"keys", c.Keys != 100_000, redis},
		{"key-law", c.KeyLaw != draw.KeysUniform, redis},
		{"skew", c.Skew != 0, redis},
		{"key-prefix", c.KeyPrefix != "key:", redis},
		{"value", c.Value != "3B", redis},
		{"resp", c.RESP != 2, redis},
		{"expect-reply", c.ExpectReply != nil, redis},
		{"expect-value", c.ExpectValue, redis},
		{"expect-error", c.ExpectError != "", redis + " " + mysql},
	} {
		if f.given && protocol != "" && !slices.Contains(strings.Fields(f.protocols), protocol) {
			flags = append(flags, f.name)
		}
	}
	return flags
}

// exchanges says what is sent to and expected of any other server.
func (c *loadCmd) exchanges(s *workload.Spec, errs *flagErrors) {
	s.TCP.Connect = c.Connect
	if len(c.Step) > 0 {
		s.TCP.Exchanges = []tcp.Exchange{{Steps: c.Step}}
		if len(c.Request) > 0 {
			errs.add("step", errors.New("the steps of one request, and --request for others, cannot both be given"))
		}
	}
	for _, text := range c.Request {
		var x tcp.Exchange
		var rest string
		var err error
		x.Name, x.Weight, rest, err = cutName(text)
		errs.add("request", err)
		what, amount, _ := strings.Cut(rest, " ")
		size, bad := dist.ParseSize(amount)
		switch what {
		case "echo":
			x.Echo = &size
		case "upload":
			x.Upload = &size
		case "download":
			x.Download = &size
		default:
			bad = fmt.Errorf("%q: want echo SIZE, upload SIZE or download SIZE", rest)
		}
		errs.add("request", bad)
		s.TCP.Exchanges = append(s.TCP.Exchanges, x)
	}
	echoes := func(x tcp.Exchange) bool { return x.Echo != nil }
	if c.Integrity && !slices.ContainsFunc(s.TCP.Exchanges, echoes) {
		errs.add("integrity", errors.New("for protocol tcp only echoes can be checked, and none is requested"))
	}
}

// statements says what is sent to and expected of a MySQL server.
func (c *loadCmd) statements(s *workload.Spec, errs *flagErrors) {
	m := &s.MySQL
	m.Connect = c.Connect
	expect := mysql.ExpectResult{Rows: c.ExpectRows, Affected: c.ExpectAffected}
	if c.ExpectError != "" {
		var err error
		if expect.Error, err = strconv.Atoi(c.ExpectError); err != nil {
			errs.add("expect-error", fmt.Errorf("%q: want the number of an error, like 1213", c.ExpectError))
		}
	}
	for _, text := range c.Request {
		one := mysql.Statement{Expect: expect, Prepared: c.Prepared}
		var err error
		one.Name, one.Weight, one.Query, err = cutName(text)
		errs.add("request", err)
		if c.Prepared {
			one.Query, one.Params = parameters(one.Query)
		}
		m.Statements = append(m.Statements, one)
	}
	switch {
	case len(c.Transaction) > 0 && (len(c.Request) > 0 || c.Prepared):
		errs.add("transaction", errors.New("a transaction is the only request, and is not prepared"))
	case len(c.Request) == 0:
		m.Statements = []mysql.Statement{{Expect: expect, Prepared: c.Prepared, Transaction: c.Transaction}}
	}
}

// parameters puts a question mark in place of each variable of a statement.
func parameters(query string) (text string, params []string) {
	for {
		before, rest, ok := strings.Cut(query, "{{")
		inner, after, closed := strings.Cut(rest, "}}")
		if !ok || !closed {
			return text + query, params
		}
		text, query = text+before+"?", after
		params = append(params, "{{"+inner+"}}")
	}
}

// commands says what is sent to and expected of a Redis server.
func (c *loadCmd) commands(s *workload.Spec, errs *flagErrors) {
	r := &s.Redis
	r.Version = c.RESP
	r.Keys = draw.Keys{Prefix: c.KeyPrefix, Count: c.Keys, Law: c.KeyLaw, Skew: c.Skew}
	var err error
	r.Value, err = dist.ParseSize(c.Value)
	errs.add("value", err)
	expect := redis.ExpectReply{Text: c.ExpectReply, Error: c.ExpectError}
	if c.ExpectBytes != "" {
		expect.Bytes = new(errs.size("expect-bytes", c.ExpectBytes))
	}
	if c.ExpectValue {
		expect.Null = new(false)
	}
	for _, text := range c.Request {
		one := redis.Command{Expect: expect}
		one.Name, one.Weight, one.Line, err = cutName(text)
		errs.add("request", err)
		r.Commands = append(r.Commands, one)
	}
	if len(c.Request) == 0 {
		r.Commands = []redis.Command{{Expect: expect}}
	}
}
