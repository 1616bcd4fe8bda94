package loadgen

import (
	"math"
	"strings"
	"testing"

	"bench/internal/dist"
)

func redisSpec(r Redis) *Spec {
	s := testSpec()
	s.Protocol, s.Redis = "redis", r
	return s
}

func newRedisSession(t testing.TB, r Redis) Session {
	t.Helper()
	spec := redisSpec(r)
	if err := spec.Validate(); err != nil {
		t.Fatal(err)
	}
	c, err := newRedis(spec, nil)
	if err != nil {
		t.Fatal(err)
	}
	return c.Session(7)
}

func TestRedisRequest(t *testing.T) {
	for _, c := range []struct{ line, want string }{
		{"", "*1\r\n$4\r\nPING\r\n"},
		{"PING", "*1\r\n$4\r\nPING\r\n"},
		{"SET {{key}} {{value}} EX 60", "*5\r\n$3\r\nSET\r\n$14\r\nk:000000000007\r\n$5\r\nxxxxx\r\n$2\r\nEX\r\n$2\r\n60\r\n"},
		{`SET "a b\x00" 'c"d'`, "*3\r\n$3\r\nSET\r\n$4\r\na b\x00\r\n$3\r\nc\"d\r\n"},
		{"ECHO ''", "*2\r\n$4\r\nECHO\r\n$0\r\n\r\n"},
		{"HSET h:{{user}} f{{seq}} 1", "*4\r\n$4\r\nHSET\r\n$3\r\nh:7\r\n$5\r\nf1207\r\n$1\r\n1\r\n"},
	} {
		s := newRedisSession(t, Redis{Keys: Keys{Prefix: "k:", Law: KeysSequential, Count: 100}, Value: dist.FixedSize(5), Commands: []Command{{Line: c.line}}})
		if out, body := s.Request(nil, &Order{Seq: 1207, Item: -1}); string(out) != c.want || body != nil {
			t.Errorf("%s: %q, want %q", c.line, out, c.want)
		}
	}
}

// What is random in a command is the same in a second try.
func TestRedisRequestRepeats(t *testing.T) {
	size, err := dist.ParseSize("uniform(1B, 1KiB)")
	if err != nil {
		t.Fatal(err)
	}
	s := newRedisSession(t, Redis{Value: size, Commands: []Command{{Line: "SET {{key}} {{value}}"}}})
	seen := map[string]bool{}
	for seq := range uint64(1000) {
		one, _ := s.Request(nil, &Order{Seq: seq, Item: -1})
		two, _ := s.Request(nil, &Order{Seq: seq, Item: -1})
		if string(one) != string(two) {
			t.Fatalf("request %d differs: %.60q and %.60q", seq, one, two)
		}
		seen[string(one)] = true
	}
	if len(seen) < 990 {
		t.Errorf("only %d different requests of 1000", len(seen))
	}
}

func TestRedisReplies(t *testing.T) {
	text, empty, n := "v", "", int64(1)
	for _, c := range []struct {
		in     string
		expect ExpectReply
		fault  cause
		detail string
	}{
		{"+OK\r\n", ExpectReply{}, causeNone, ""},
		{"$-1\r\n", ExpectReply{}, causeNone, ""},
		{"$1\r\nv\r\n", ExpectReply{Text: &text, Bytes: &n, Null: new(false)}, causeNone, ""},
		{"+v\r\n", ExpectReply{Text: &text}, causeNone, ""},
		{"$2\r\nvw\r\n", ExpectReply{Text: &text}, causeBody, "another reply than expected"},
		{"$-1\r\n", ExpectReply{Text: &empty}, causeBody, "another reply than expected"},
		{"$0\r\n\r\n", ExpectReply{Text: &empty}, causeNone, ""},
		{"$2\r\nvw\r\n", ExpectReply{Bytes: &n}, causeBody, "a reply of another length"},
		{"$-1\r\n", ExpectReply{Null: new(false)}, causeBody, "no value where one is expected"},
		{"_\r\n", ExpectReply{Null: new(true)}, causeNone, ""},
		{"+x\r\n", ExpectReply{Null: new(true)}, causeBody, "a value where none is expected"},
		{"-READONLY You can't\r\n", ExpectReply{Error: "READONLY"}, causeNone, ""},
		{"+OK\r\n", ExpectReply{Error: "READONLY"}, causeBody, "a reply that is not the expected error"},
		{"-READONLY You can't\r\n", ExpectReply{}, causeReadOnly, "READONLY You can't"},
		{"-ERR syntax error\r\n", ExpectReply{Error: "OOM"}, causeError, "ERR syntax error"},
		{"-NOAUTH Authentication required.\r\n", ExpectReply{}, causeDenied, "NOAUTH Authentication required."},
		{"-LOADING Redis\r\n", ExpectReply{}, causeUnavailable, "LOADING Redis"},
		{"-EXECABORT no\r\n", ExpectReply{}, causeConflict, "EXECABORT no"},
		{"!12\r\nOOM no\x00\xffmore\r\n", ExpectReply{}, causeUnavailable, "OOM no??more"},
	} {
		s := newRedisSession(t, Redis{Commands: []Command{{Expect: c.expect}}})
		for _, size := range []int{len(c.in), 1} {
			s.Open()
			for range 2 {
				s.Await(&Order{Item: -1})
				used, st := feedAll(s, c.in, size)
				if a := s.Answer(); st != Done || used != len(c.in) || a.Fault != c.fault || a.Detail != c.detail || !a.KeepAlive {
					t.Errorf("%q in pieces of %d: state %d, %+v", c.in, size, st, *a)
				}
			}
		}
	}
	s := newRedisSession(t, Redis{})
	s.Await(&Order{Item: -1})
	if _, st := feedAll(s, "HTTP/1.1 400 Bad\r\n", 100); st != Broken || s.Answer().Detail == "" || s.Answer().KeepAlive {
		t.Errorf("garbage: state %d, %+v", st, *s.Answer())
	}
	if s.Await(&Order{Item: -1}); s.End() != Broken {
		t.Error("an end within a reply is none")
	}
}

func TestRedisSetUp(t *testing.T) {
	for _, c := range []struct {
		redis Redis
		said  string
		in    string
		state State
		why   string
	}{
		{Redis{}, "", "", Done, ""},
		{Redis{Password: "pw", Database: 2}, "*2\r\n$4\r\nAUTH\r\n$2\r\npw\r\n*2\r\n$6\r\nSELECT\r\n$1\r\n2\r\n", "+OK\r\n+OK\r\n", Done, ""},
		{Redis{Password: "pw", User: "u"}, "*3\r\n$4\r\nAUTH\r\n$1\r\nu\r\n$2\r\npw\r\n", "-WRONGPASS no\r\n", Broken, "WRONGPASS no"},
		{Redis{Version: 3}, "*2\r\n$5\r\nHELLO\r\n$1\r\n3\r\n", "%1\r\n+server\r\n+redis\r\n", Done, ""},
		{
			Redis{Version: 3, Client: "me"},
			"*2\r\n$5\r\nHELLO\r\n$1\r\n3\r\n*3\r\n$6\r\nCLIENT\r\n$7\r\nSETNAME\r\n$2\r\nme\r\n",
			"%1\r\n+server\r\n+redis\r\n-ERR no names here\r\n", Done, "",
		},
		{Redis{Version: 3, Password: "pw"}, "*5\r\n$5\r\nHELLO\r\n$1\r\n3\r\n$4\r\nAUTH\r\n$7\r\ndefault\r\n$2\r\npw\r\n", "-NOPROTO no\r\n", Broken, "NOPROTO no"},
	} {
		s := newRedisSession(t, c.redis)
		for range 2 { // each connection anew
			st := s.Open()
			if c.said == "" {
				if st != Done {
					t.Errorf("%+v: state %d", c.redis, st)
				}
				continue
			}
			if said := string(s.Say(nil)); st != Reply || said != c.said {
				t.Errorf("%+v: state %d, said %q", c.redis, st, said)
			}
			used, st := feedAll(s, c.in, 3)
			if st != c.state || used != len(c.in) || s.Answer().Detail != c.why {
				t.Errorf("%+v: state %d, %+v", c.redis, st, *s.Answer())
			}
		}
	}
}

// A name alone is no set-up to wait for: it leaves with the first request of each
// connection, and its reply is no part of the answer.
func TestRedisName(t *testing.T) {
	const name = "*3\r\n$6\r\nCLIENT\r\n$7\r\nSETNAME\r\n$2\r\nme\r\n"
	s := newRedisSession(t, Redis{Client: "me", Commands: []Command{{Line: "ECHO hi", Expect: ExpectReply{Text: new("hi")}}}})
	o := &Order{Item: -1}
	for range 2 {
		if st := s.Open(); st != Done {
			t.Fatalf("state %d", st)
		}
		for i, in := range []string{"+OK\r\n$2\r\nhi\r\n", "$2\r\nhi\r\n"} {
			out, _ := s.Request(nil, o)
			if got := strings.HasPrefix(string(out), name); got != (i == 0) {
				t.Errorf("request %d is %q", i, out)
			}
			s.Await(o)
			if used, st := feedAll(s, in, 3); st != Done || used != len(in) || s.Answer().Fault != causeNone || s.Answer().Bytes != 2 {
				t.Errorf("request %d: %d bytes used, state %d, %+v", i, used, st, *s.Answer())
			}
		}
	}
}

func TestRedisValidate(t *testing.T) {
	line := func(text string) Redis { return Redis{Commands: []Command{{Line: text}}} }
	none := int64(-1)
	for want, r := range map[string]Redis{
		"version 4 of the protocol: want 2 or 3":      {Version: 4},
		"a user needs a password":                     {User: "u"},
		"database -1":                                 {Database: -1},
		"law of keys \"zipf\": want uniform, zipfian": {Keys: Keys{Law: "zipf"}},
		"-1 keys":                                          {Keys: Keys{Count: -1}},
		"skew NaN":                                         {Keys: Keys{Law: KeysZipfian, Skew: math.NaN()}},
		"a skew belongs to law zipfian":                    {Keys: Keys{Skew: 1}},
		"values of 536870913 bytes":                        {Value: dist.FixedSize(512<<20 + 1)},
		"request name \"\"":                                {Commands: []Command{{}, {Name: "a"}}},
		"there are two requests \"a\"":                     {Commands: []Command{{Name: "a"}, {Name: "a"}}},
		"weight -1":                                        {Commands: []Command{{Weight: -1}}},
		"a single quote is not closed":                     line("GET 'a"),
		"text in double quotes is not closed":              line(`GET "a`),
		"a space is missing behind a closing quote":        line(`GET "a"b`),
		"want a command with its words":                    line("  "),
		"there is no variable \"keys\"; did you mean key?": line("GET {{keys}}"),
		"command SUBSCRIBE: it has not one reply":          line("SUBSCRIBE c"),
		"command auth: set user, password":                 line("auth x"),
		"changes which commands have a reply":              line("client reply off"),
		"a connection has the name of its load":            line("CLIENT SETNAME me"),
		"expected length -1 of the reply":                  {Commands: []Command{{Expect: ExpectReply{Bytes: &none}}}},
		"nothing else can be expected with it":             {Commands: []Command{{Expect: ExpectReply{Error: "ERR", Null: new(true)}}}},
		"cannot both be expected":                          {Commands: []Command{{Expect: ExpectReply{Text: new("x"), Null: new(true)}}}},
	} {
		if err := redisSpec(r).Validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
	s := testSpec()
	s.HTTP.Requests = []Request{{Path: "/{{key}}"}}
	if err := s.Validate(); err == nil || !strings.Contains(err.Error(), "there is no variable \"key\"") {
		t.Errorf("variables of Redis in HTTP: %v", err)
	}
}

func TestRedisCommandsDoNotAllocate(t *testing.T) {
	size, err := dist.ParseSize("uniform(10B, 100B)")
	if err != nil {
		t.Fatal(err)
	}
	s := newRedisSession(t, Redis{
		Keys: Keys{Law: KeysZipfian}, Value: size,
		Commands: []Command{
			{Name: "a", Line: "GET {{key}}", Expect: ExpectReply{Text: new("some value")}},
			{Name: "b", Line: "SET {{key}}:{{random 1 9}} {{value}}"},
		},
	})
	o, out := Order{Item: -1}, []byte(nil)
	for class, in := range []string{"$10\r\nsome value\r\n", "-OOM no memory\r\n"} {
		p := []byte(in)
		exchange := func() {
			o.Class = class
			out, _ = s.Request(out[:0], &o)
			s.Await(&o)
			o.Seq++
			for _, part := range [][]byte{p[:3], p[3:]} {
				if _, st := s.Feed(part); st == Broken {
					t.Fatal(s.Answer().Detail)
				}
			}
		}
		for range 100 { // what is kept grows
			exchange()
		}
		if n := testing.AllocsPerRun(1000, exchange); n != 0 {
			t.Errorf("%s: %v allocations per request", in, n)
		}
	}
}

func BenchmarkRedis(b *testing.B) {
	s := newRedisSession(b, Redis{Value: dist.FixedSize(3), Commands: []Command{{Line: "SET {{key}} {{value}}"}}})
	in := []byte("+OK\r\n")
	o, out := Order{Item: -1}, []byte(nil)
	b.ReportAllocs()
	for b.Loop() {
		out, _ = s.Request(out[:0], &o)
		s.Await(&o)
		o.Seq++
		if _, st := s.Feed(in); st != Done {
			b.Fatal(s.Answer().Detail)
		}
	}
}
