package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"bench/internal/dist"
	"bench/loadgen"
)

// foreign are the flags that were given and mean nothing to a protocol.
func (c *loadCmd) foreign(protocol string) (flags []string) {
	const http, tcp, redis = "http1", "tcp", "redis"
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
		{"connect", len(c.Connect) > 0, tcp},
		{"keys", c.Keys != 100_000, redis},
		{"key-law", c.KeyLaw != loadgen.KeysUniform, redis},
		{"skew", c.Skew != 0, redis},
		{"key-prefix", c.KeyPrefix != "key:", redis},
		{"value", c.Value != "3B", redis},
		{"resp", c.RESP != 2, redis},
		{"expect-reply", c.ExpectReply != nil, redis},
		{"expect-value", c.ExpectValue, redis},
		{"expect-error", c.ExpectError != "", redis},
	} {
		if f.given && protocol != "" && !slices.Contains(strings.Fields(f.protocols), protocol) {
			flags = append(flags, f.name)
		}
	}
	return flags
}

// exchanges says what is sent to and expected of any other server.
func (c *loadCmd) exchanges(s *loadgen.Spec, errs *flagErrors) {
	s.TCP.Connect = c.Connect
	if len(c.Step) > 0 {
		s.TCP.Exchanges = []loadgen.Exchange{{Steps: c.Step}}
		if len(c.Request) > 0 {
			errs.add("step", errors.New("the steps of one request, and --request for others, cannot both be given"))
		}
		return
	}
	for _, text := range c.Request {
		var x loadgen.Exchange
		var rest string
		var err error
		x.Name, x.Weight, rest, err = cutName(text)
		errs.add("request", err)
		what, amount, _ := strings.Cut(rest, " ")
		size, err := dist.ParseSize(amount)
		errs.add("request", err)
		switch what {
		case "echo":
			x.Echo = &size
		case "upload":
			x.Upload = &size
		case "download":
			x.Download = &size
		default:
			errs.add("request", fmt.Errorf("%q: want echo SIZE, upload SIZE or download SIZE", rest))
		}
		s.TCP.Exchanges = append(s.TCP.Exchanges, x)
	}
}

// commands says what is sent to and expected of a Redis server.
func (c *loadCmd) commands(s *loadgen.Spec, errs *flagErrors) {
	r := &s.Redis
	r.Version = c.RESP
	r.Keys = loadgen.Keys{Prefix: c.KeyPrefix, Count: c.Keys, Law: c.KeyLaw, Skew: c.Skew}
	var err error
	r.Value, err = dist.ParseSize(c.Value)
	errs.add("value", err)
	expect := loadgen.ExpectReply{Text: c.ExpectReply, Error: c.ExpectError}
	if c.ExpectBytes != "" {
		expect.Bytes = new(errs.size("expect-bytes", c.ExpectBytes))
	}
	if c.ExpectValue {
		expect.Null = new(false)
	}
	for _, text := range c.Request {
		one := loadgen.Command{Expect: expect}
		one.Name, one.Weight, one.Line, err = cutName(text)
		errs.add("request", err)
		r.Commands = append(r.Commands, one)
	}
	if len(c.Request) == 0 {
		r.Commands = []loadgen.Command{{Expect: expect}}
	}
}
