// Package redis is the Redis serialization protocol, the client's side: what a load of it
// is made of, and its codec. What is on the wire belongs in internal/resp.
package redis

import (
	"bytes"
	"errors"
	"slices"
	"strconv"
	"strings"

	"bench/internal/dist"
	"bench/internal/resp"
	"bench/loadgen/codec"
	"bench/loadgen/draw"
	"bench/loadgen/template"
)

// Help describes the variables that words of Redis commands have beside
// [Templates].
const Help = `{{key}} a key of the set, by its law, {{value}} a value of the given size`

func variables() []template.Variable {
	return []template.Variable{{Name: "key", Kind: template.VarKey}, {Name: "value", Kind: template.VarValue}}
}

// client is the Redis serialization protocol, the client's side.
type client struct {
	seed     uint64
	hello    []byte // what a connection begins with
	replies  int    // to it
	named    bool   // the last of it gives the connection a name
	prompt   bool   // requests need not wait for the replies
	commands []command
	classes  []codec.Class
	keys     *draw.KeySpace
	details  codec.Details
}

// command is one kind of request, prepared: constant bytes, each followed by
// a word that differs from request to request, and the rest.
type command struct {
	parts  []part
	end    []byte
	size   dist.Size
	expect ExpectReply
	keep   int // bytes of the reply that are looked at
}

type part struct {
	text []byte
	word template.Template
}

// New prepares the commands of a load.
func New(l *codec.Load, r *Spec) (codec.Codec, error) {
	c := &client{seed: l.Seed, keys: draw.NewKeySpace(&r.Keys), details: codec.Details{}}
	c.greet(r)
	for _, one := range r.commands() {
		words, err := template.SplitWords(one.line())
		if err != nil {
			return nil, err
		}
		q := command{size: r.Value, expect: one.Expect}
		if one.Value != nil {
			q.size = *one.Value
		}
		if q.expect.Text != nil {
			q.keep = len(*q.expect.Text) + 1
		}
		q.end = resp.AppendArray(q.end, len(words))
		for _, w := range words {
			t, err := template.Parse(w, variables()...)
			if err != nil {
				return nil, err
			}
			if text, fixed := t.Fixed(); fixed {
				q.end = resp.AppendBulk(q.end, text)
				continue
			}
			q.parts = append(q.parts, part{q.end, t})
			q.end = nil
		}
		c.commands = append(c.commands, q)
		c.classes = append(c.classes, codec.Class{Name: one.Name, Weight: max(1, one.Weight), Repeatable: repeatableCommand(words)})
	}
	return c, nil
}

// greet prepares what is said on a new connection.
func (c *client) greet(r *Spec) {
	say := func(words ...string) {
		c.hello = resp.AppendArray(c.hello, len(words))
		for _, w := range words {
			c.hello = resp.AppendBulk(c.hello, w)
		}
		c.replies++
	}
	user := r.User
	if user == "" {
		user = "default"
	}
	switch {
	case r.Version == 3 && r.Password != "":
		say("HELLO", "3", "AUTH", user, r.Password)
	case r.Version == 3:
		say("HELLO", "3")
	case r.User != "":
		say("AUTH", r.User, r.Password)
	case r.Password != "": // servers before version 6 know no users
		say("AUTH", r.Password)
	}
	if r.Database != 0 {
		say("SELECT", strconv.Itoa(r.Database))
	}
	c.prompt = c.replies == 0
	if c.named = r.Client != ""; c.named { // last, so that origins count nothing of the above under it
		say("CLIENT", "SETNAME", r.Client)
	}
}

// commands are the kinds of requests, the default one included.
func (r *Spec) commands() []Command {
	if len(r.Commands) == 0 {
		return []Command{{}}
	}
	return r.Commands
}

func (c *Command) line() string {
	if c.Line == "" {
		return "PING"
	}
	return c.Line
}

// repeatableCommand reports whether a command may be carried out twice: those that
// only read, and those after which a second time changes nothing.
func repeatableCommand(words []string) bool {
	switch strings.ToUpper(words[0]) {
	case "SET": // the others ask for what was there before
		return !slices.ContainsFunc(words, func(w string) bool {
			return strings.EqualFold(w, "NX") || strings.EqualFold(w, "XX") || strings.EqualFold(w, "GET")
		})
	case "PING", "ECHO", "TIME", "DBSIZE", "INFO", "ROLE",
		"GET", "MGET", "GETRANGE", "STRLEN", "EXISTS", "TYPE", "TTL", "PTTL", "KEYS", "SCAN", "RANDOMKEY",
		"HGET", "HMGET", "HGETALL", "HKEYS", "HVALS", "HLEN", "HEXISTS", "HSCAN", "LRANGE", "LINDEX", "LLEN",
		"SMEMBERS", "SISMEMBER", "SMISMEMBER", "SCARD", "SSCAN", "SRANDMEMBER", "SINTER", "SUNION", "SDIFF",
		"ZRANGE", "ZRANGEBYSCORE", "ZSCORE", "ZMSCORE", "ZCARD", "ZCOUNT", "ZRANK", "ZREVRANGE", "ZREVRANK", "ZSCAN",
		"GETBIT", "BITCOUNT", "PFCOUNT", "GEOPOS", "GEODIST", "XRANGE", "XLEN",
		"MSET", "SETEX", "PSETEX", "SETRANGE", "SETBIT", "HSET", "HMSET":
		return true
	}
	return false
}

// Classes implements Codec.
func (c *client) Classes() []codec.Class { return c.classes }

// Session implements Codec.
func (c *client) Session(user int) codec.Session { return &session{codec: c, user: user} }

// session is a virtual user.
type session struct {
	codec   *client
	user    int
	word    []byte // for a word that differs from request to request
	reader  resp.Reader
	setUp   int      // replies of the set-up to come
	greet   bool     // the next request follows the set-up at once
	command *command // whose reply it is; nil in the set-up
	answer  codec.Answer
}

// Open implements Session.
func (s *session) Open() codec.State {
	s.setUp, s.command, s.greet = s.codec.replies, nil, s.codec.prompt
	s.begin(0)
	if s.greet {
		return codec.Done
	}
	return codec.Reply
}

// Say implements Session: all of the set-up at once.
func (s *session) Say(dst []byte) []byte { return append(dst, s.codec.hello...) }

// Request implements Session.
func (s *session) Request(dst []byte, o *codec.Order) (out, body []byte) {
	q := &s.codec.commands[o.Class]
	if s.greet {
		dst, s.greet = s.Say(dst), false
	}
	v := template.Values{Seq: o.Seq, User: s.user, Draws: draw.New(s.codec.seed^draw.OfText, o.Seq), Keys: s.codec.keys, Size: &q.size}
	for i := range q.parts {
		p := &q.parts[i]
		s.word = p.word.Append(s.word[:0], &v)
		dst = append(dst, p.text...)
		dst = resp.AppendBulk(dst, s.word)
	}
	return append(dst, q.end...), nil
}

// Await implements Session.
func (s *session) Await(o *codec.Order) {
	s.command = &s.codec.commands[o.Class]
	s.begin(s.command.keep)
}

func (s *session) begin(keep int) {
	s.reader.Keep = keep
	s.reader.Begin()
	s.answer = codec.Answer{KeepAlive: true}
}

// Feed implements Session.
func (s *session) Feed(p []byte) (n int, st codec.State) {
	for {
		used, done, err := s.reader.Feed(p[n:])
		n += used
		switch {
		case err != nil:
			what, ok := errors.AsType[resp.ProtocolError](err)
			if !ok {
				what = resp.ProtocolError(err.Error())
			}
			return n, s.fail(string(what))
		case !done:
			return n, codec.More
		case s.setUp == 0:
			s.answer.Bytes = s.reader.Bytes
			s.judge(&s.command.expect)
			return n, codec.Done
		}
		if s.isError() && (s.setUp > 1 || !s.codec.named) { // a server need not take a name
			return n, s.fail(s.codec.details.Text(s.reader.Text, "an error"))
		}
		if s.setUp--; s.setUp > 0 {
			s.begin(0)
			continue
		}
		if s.command == nil {
			return n, codec.Done
		}
		s.begin(s.command.keep)
	}
}

func (s *session) fail(why string) codec.State {
	s.answer.Detail, s.answer.KeepAlive = why, false
	return codec.Broken
}

// End implements Session.
func (s *session) End() codec.State { return s.fail("the connection ended within the reply") }

// Leave implements Session.
func (s *session) Leave(dst []byte) (out []byte, hangUp bool) {
	return append(dst, "*1\r\n$4\r\nQUIT\r\n"...), false
}

// Answer implements Session.
func (s *session) Answer() *codec.Answer { return &s.answer }

func (s *session) isError() bool { return s.reader.Kind == '-' || s.reader.Kind == '!' }

// judge puts into the answer why it is not a good one.
func (s *session) judge(x *ExpectReply) {
	a, r := &s.answer, &s.reader
	fault := func(detail string) { a.Fault, a.Detail = codec.CauseBody, detail }
	switch {
	case s.isError() && x.Error != "" && len(r.Text) >= len(x.Error) && string(r.Text[:len(x.Error)]) == x.Error:
	case s.isError():
		code, _, _ := bytes.Cut(r.Text, []byte(" "))
		a.Fault = causeOf(code)
		a.Detail = s.codec.details.Text(r.Text, "an error")
	case x.Error != "":
		fault("a reply that is not the expected error")
	case x.Null != nil && r.Null && !*x.Null:
		fault("no value where one is expected")
	case x.Null != nil && !r.Null && *x.Null:
		fault("a value where none is expected")
	case x.Bytes != nil && r.Bytes != *x.Bytes:
		fault("a reply of another length")
	case x.Text != nil && (r.Null || string(r.Text) != *x.Text):
		fault("another reply than expected")
	}
}

// causeOf sorts an error by its code.
func causeOf(code []byte) codec.Cause {
	switch string(code) {
	case "NOAUTH", "WRONGPASS", "NOPERM", "DENIED":
		return codec.CauseDenied
	case "READONLY":
		return codec.CauseReadOnly
	case "LOADING", "MASTERDOWN", "MISCONF", "OOM", "BUSY", "CLUSTERDOWN", "TRYAGAIN", "NOREPLICAS":
		return codec.CauseUnavailable
	case "EXECABORT":
		return codec.CauseConflict
	}
	return codec.CauseError
}
