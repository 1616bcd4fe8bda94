package loadgen

import (
	"bytes"
	"errors"
	"slices"
	"strconv"
	"strings"

	"bench/internal/dist"
	"bench/internal/resp"
)

// RedisTemplates describes the variables that words of Redis commands have beside
// [Templates].
const RedisTemplates = `{{key}} a key of the set, by its law, {{value}} a value of the given size`

func redisVariables() []variableRow {
	return []variableRow{{"key", varKey, 0}, {"value", varValue, 0}}
}

// redis is the Redis serialization protocol, the client's side.
type redis struct {
	seed     uint64
	hello    []byte // what a connection begins with
	replies  int    // to it
	named    bool   // the last of it gives the connection a name
	prompt   bool   // requests need not wait for the replies
	commands []redisCommand
	classes  []Class
	keys     *keySpace
	details  details
}

// redisCommand is one kind of request, prepared: constant bytes, each followed by
// a word that differs from request to request, and the rest.
type redisCommand struct {
	parts  []redisPart
	end    []byte
	size   dist.Size
	expect ExpectReply
	keep   int // bytes of the reply that are looked at
}

type redisPart struct {
	text []byte
	word template
}

func newRedis(spec *Spec, _ *trace) (Codec, error) {
	r := &spec.Redis
	c := &redis{seed: spec.Seed, keys: newKeySpace(&r.Keys), details: details{}}
	c.greet(r)
	for _, one := range r.commands() {
		words, err := splitWords(one.line())
		if err != nil {
			return nil, err
		}
		q := redisCommand{size: r.Value, expect: one.Expect}
		if one.Value != nil {
			q.size = *one.Value
		}
		if q.expect.Text != nil {
			q.keep = len(*q.expect.Text) + 1
		}
		q.end = resp.AppendArray(q.end, len(words))
		for _, w := range words {
			t, err := parseTemplate(w, redisVariables()...)
			if err != nil {
				return nil, err
			}
			if text, fixed := t.fixed(); fixed {
				q.end = resp.AppendBulk(q.end, text)
				continue
			}
			q.parts = append(q.parts, redisPart{q.end, t})
			q.end = nil
		}
		c.commands = append(c.commands, q)
		c.classes = append(c.classes, Class{Name: one.Name, Weight: max(1, one.Weight), Repeatable: repeatableCommand(words)})
	}
	return c, nil
}

// greet prepares what is said on a new connection.
func (c *redis) greet(r *Redis) {
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
func (r *Redis) commands() []Command {
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

// repeatableCommand tells whether a command may be carried out twice: those that
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
func (c *redis) Classes() []Class { return c.classes }

// Session implements Codec.
func (c *redis) Session(user int) Session { return &redisSession{codec: c, user: user} }

// redisSession is a virtual user.
type redisSession struct {
	codec   *redis
	user    int
	word    []byte // for a word that differs from request to request
	reader  resp.Reader
	setUp   int           // replies of the set-up to come
	greet   bool          // the next request follows the set-up at once
	command *redisCommand // whose reply it is; nil in the set-up
	answer  Answer
}

// Open implements Session.
func (s *redisSession) Open() State {
	s.setUp, s.command, s.greet = s.codec.replies, nil, s.codec.prompt
	s.begin(0)
	if s.greet {
		return Done
	}
	return Reply
}

// Say implements Session: all of the set-up at once.
func (s *redisSession) Say(dst []byte) []byte { return append(dst, s.codec.hello...) }

// Request implements Session.
func (s *redisSession) Request(dst []byte, o *Order) (out, body []byte) {
	q := &s.codec.commands[o.Class]
	if s.greet {
		dst, s.greet = s.Say(dst), false
	}
	v := values{seq: o.Seq, user: s.user, draws: newDraws(s.codec.seed^drawsOfText, o.Seq), keys: s.codec.keys, size: &q.size}
	for i := range q.parts {
		p := &q.parts[i]
		s.word = p.word.append(s.word[:0], &v)
		dst = append(dst, p.text...)
		dst = resp.AppendBulk(dst, s.word)
	}
	return append(dst, q.end...), nil
}

// Await implements Session.
func (s *redisSession) Await(o *Order) {
	s.command = &s.codec.commands[o.Class]
	s.begin(s.command.keep)
}

func (s *redisSession) begin(keep int) {
	s.reader.Keep = keep
	s.reader.Begin()
	s.answer = Answer{KeepAlive: true}
}

// Feed implements Session.
func (s *redisSession) Feed(p []byte) (n int, st State) {
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
			return n, More
		case s.setUp == 0:
			s.answer.Bytes = s.reader.Bytes
			s.judge(&s.command.expect)
			return n, Done
		}
		if s.isError() && (s.setUp > 1 || !s.codec.named) { // a server need not take a name
			return n, s.fail(s.codec.details.of(s.reader.Text, "an error"))
		}
		if s.setUp--; s.setUp > 0 {
			s.begin(0)
			continue
		}
		if s.command == nil {
			return n, Done
		}
		s.begin(s.command.keep)
	}
}

func (s *redisSession) fail(why string) State {
	s.answer.Detail, s.answer.KeepAlive = why, false
	return Broken
}

// End implements Session.
func (s *redisSession) End() State { return s.fail("the connection ended within the reply") }

// Leave implements Session.
func (s *redisSession) Leave(dst []byte) (out []byte, hangUp bool) {
	return append(dst, "*1\r\n$4\r\nQUIT\r\n"...), false
}

// Answer implements Session.
func (s *redisSession) Answer() *Answer { return &s.answer }

func (s *redisSession) isError() bool { return s.reader.Kind == '-' || s.reader.Kind == '!' }

// judge puts into the answer why it is not a good one.
func (s *redisSession) judge(x *ExpectReply) {
	a, r := &s.answer, &s.reader
	fault := func(detail string) { a.Fault, a.Detail = causeBody, detail }
	switch {
	case s.isError() && x.Error != "" && len(r.Text) >= len(x.Error) && string(r.Text[:len(x.Error)]) == x.Error:
	case s.isError():
		code, _, _ := bytes.Cut(r.Text, []byte(" "))
		a.Fault = redisCause(code)
		a.Detail = s.codec.details.of(r.Text, "an error")
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

// redisCause sorts an error by its code.
func redisCause(code []byte) cause {
	switch string(code) {
	case "NOAUTH", "WRONGPASS", "NOPERM", "DENIED":
		return causeDenied
	case "READONLY":
		return causeReadOnly
	case "LOADING", "MASTERDOWN", "MISCONF", "OOM", "BUSY", "CLUSTERDOWN", "TRYAGAIN", "NOREPLICAS":
		return causeUnavailable
	case "EXECABORT":
		return causeConflict
	}
	return causeError
}
