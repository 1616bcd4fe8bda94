package redis

import (
	"math"
	"strings"
	"testing"

	"bench/internal/dist"
	"bench/loadgen/codec"
	"bench/loadgen/draw"
	"bench/loadgen/internal/loadtest"
)

// wrong is what is wrong with a load of commands.
func wrong(r *Spec) string {
	all := [][]codec.Problem{r.Problems()}
	for i := range r.Commands {
		all = append(all, r.Commands[i].Problems())
	}
	return loadtest.Texts(all...)
}

func newSession(t testing.TB, r Spec) codec.Session {
	t.Helper()
	if wrong := wrong(&r); wrong != "" {
		t.Fatal(wrong)
	}
	c, err := New(&codec.Load{Name: "web"}, &r)
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
		s := newSession(t, Spec{Keys: draw.Keys{Prefix: "k:", Law: draw.KeysSequential, Count: 100}, Value: dist.FixedSize(5), Commands: []Command{{Line: c.line}}})
		if out, body := s.Request(nil, &codec.Order{Seq: 1207, Item: -1}); string(out) != c.want || body != nil {
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
	s := newSession(t, Spec{Value: size, Commands: []Command{{Line: "SET {{key}} {{value}}"}}})
	seen := map[string]bool{}
	for seq := range uint64(1000) {
		one, _ := s.Request(nil, &codec.Order{Seq: seq, Item: -1})
		two, _ := s.Request(nil, &codec.Order{Seq: seq, Item: -1})
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
		fault  codec.Cause
		detail string
	}{
		{"+OK\r\n", ExpectReply{}, codec.CauseNone, ""},
		{"$-1\r\n", ExpectReply{}, codec.CauseNone, ""},
		{"$1\r\nv\r\n", ExpectReply{Text: &text, Bytes: &n, Null: new(false)}, codec.CauseNone, ""},
		{"+v\r\n", ExpectReply{Text: &text}, codec.CauseNone, ""},
		{"$2\r\nvw\r\n", ExpectReply{Text: &text}, codec.CauseBody, "another reply than expected"},
		{"$-1\r\n", ExpectReply{Text: &empty}, codec.CauseBody, "another reply than expected"},
		{"$0\r\n\r\n", ExpectReply{Text: &empty}, codec.CauseNone, ""},
		{"$2\r\nvw\r\n", ExpectReply{Bytes: &n}, codec.CauseBody, "a reply of another length"},
		{"$-1\r\n", ExpectReply{Null: new(false)}, codec.CauseBody, "no value where one is expected"},
		{"_\r\n", ExpectReply{Null: new(true)}, codec.CauseNone, ""},
		{"+x\r\n", ExpectReply{Null: new(true)}, codec.CauseBody, "a value where none is expected"},
		{"-READONLY You can't\r\n", ExpectReply{Error: "READONLY"}, codec.CauseNone, ""},
		{"+OK\r\n", ExpectReply{Error: "READONLY"}, codec.CauseBody, "a reply that is not the expected error"},
		{"-READONLY You can't\r\n", ExpectReply{}, codec.CauseReadOnly, "READONLY You can't"},
		{"-ERR syntax error\r\n", ExpectReply{Error: "OOM"}, codec.CauseError, "ERR syntax error"},
		{"-NOAUTH Authentication required.\r\n", ExpectReply{}, codec.CauseDenied, "NOAUTH Authentication required."},
		{"-LOADING Redis\r\n", ExpectReply{}, codec.CauseUnavailable, "LOADING Redis"},
		{"-EXECABORT no\r\n", ExpectReply{}, codec.CauseConflict, "EXECABORT no"},
		{"!12\r\nOOM no\x00\xffmore\r\n", ExpectReply{}, codec.CauseUnavailable, "OOM no??more"},
	} {
		s := newSession(t, Spec{Commands: []Command{{Expect: c.expect}}})
		for _, size := range []int{len(c.in), 1} {
			s.Open()
			for range 2 {
				s.Await(&codec.Order{Item: -1})
				used, st := loadtest.Feed(s, c.in, size)
				if a := s.Answer(); st != codec.Done || used != len(c.in) || a.Fault != c.fault || a.Detail != c.detail || !a.KeepAlive {
					t.Errorf("%q in pieces of %d: state %d, %+v", c.in, size, st, *a)
				}
			}
		}
	}
	s := newSession(t, Spec{})
	s.Await(&codec.Order{Item: -1})
	if _, st := loadtest.Feed(s, "HTTP/1.1 400 Bad\r\n", 100); st != codec.Broken || s.Answer().Detail == "" || s.Answer().KeepAlive {
		t.Errorf("garbage: state %d, %+v", st, *s.Answer())
	}
	if s.Await(&codec.Order{Item: -1}); s.End() != codec.Broken {
		t.Error("an end within a reply is none")
	}
}

func TestRedisSetUp(t *testing.T) {
	for _, c := range []struct {
		client Spec
		said   string
		in     string
		state  codec.State
		why    string
	}{
		{Spec{}, "", "", codec.Done, ""},
		{Spec{Password: "pw", Database: 2}, "*2\r\n$4\r\nAUTH\r\n$2\r\npw\r\n*2\r\n$6\r\nSELECT\r\n$1\r\n2\r\n", "+OK\r\n+OK\r\n", codec.Done, ""},
		{Spec{Password: "pw", User: "u"}, "*3\r\n$4\r\nAUTH\r\n$1\r\nu\r\n$2\r\npw\r\n", "-WRONGPASS no\r\n", codec.Broken, "WRONGPASS no"},
		{Spec{Version: 3}, "*2\r\n$5\r\nHELLO\r\n$1\r\n3\r\n", "%1\r\n+server\r\n+redis\r\n", codec.Done, ""},
		{
			Spec{Version: 3, Client: "me"},
			"*2\r\n$5\r\nHELLO\r\n$1\r\n3\r\n*3\r\n$6\r\nCLIENT\r\n$7\r\nSETNAME\r\n$2\r\nme\r\n",
			"%1\r\n+server\r\n+redis\r\n-ERR no names here\r\n", codec.Done, "",
		},
		{Spec{Version: 3, Password: "pw"}, "*5\r\n$5\r\nHELLO\r\n$1\r\n3\r\n$4\r\nAUTH\r\n$7\r\ndefault\r\n$2\r\npw\r\n", "-NOPROTO no\r\n", codec.Broken, "NOPROTO no"},
	} {
		s := newSession(t, c.client)
		for range 2 { // each connection anew
			st := s.Open()
			if c.said == "" {
				if st != codec.Done {
					t.Errorf("%+v: state %d", c.client, st)
				}
				continue
			}
			if said := string(s.Say(nil)); st != codec.Reply || said != c.said {
				t.Errorf("%+v: state %d, said %q", c.client, st, said)
			}
			used, st := loadtest.Feed(s, c.in, 3)
			if st != c.state || used != len(c.in) || s.Answer().Detail != c.why {
				t.Errorf("%+v: state %d, %+v", c.client, st, *s.Answer())
			}
		}
	}
}

// A name alone is no set-up to wait for: it leaves with the first request of each
// connection, and its reply is no part of the answer.
func TestRedisName(t *testing.T) {
	const name = "*3\r\n$6\r\nCLIENT\r\n$7\r\nSETNAME\r\n$2\r\nme\r\n"
	s := newSession(t, Spec{Client: "me", Commands: []Command{{Line: "ECHO hi", Expect: ExpectReply{Text: new("hi")}}}})
	o := &codec.Order{Item: -1}
	for range 2 {
		if st := s.Open(); st != codec.Done {
			t.Fatalf("state %d", st)
		}
		for i, in := range []string{"+OK\r\n$2\r\nhi\r\n", "$2\r\nhi\r\n"} {
			out, _ := s.Request(nil, o)
			if got := strings.HasPrefix(string(out), name); got != (i == 0) {
				t.Errorf("request %d is %q", i, out)
			}
			s.Await(o)
			if used, st := loadtest.Feed(s, in, 3); st != codec.Done || used != len(in) || s.Answer().Fault != codec.CauseNone || s.Answer().Bytes != 2 {
				t.Errorf("request %d: %d bytes used, state %d, %+v", i, used, st, *s.Answer())
			}
		}
	}
}

func TestRedisValidate(t *testing.T) {
	line := func(text string) Spec { return Spec{Commands: []Command{{Line: text}}} }
	none := int64(-1)
	for want, r := range map[string]Spec{
		"version 4 of the protocol: want 2 or 3":      {Version: 4},
		"a user needs a password":                     {User: "u"},
		"database -1":                                 {Database: -1},
		"law of keys \"zipf\": want uniform, zipfian": {Keys: draw.Keys{Law: "zipf"}},
		"-1 keys":                                               {Keys: draw.Keys{Count: -1}},
		"skew NaN":                                              {Keys: draw.Keys{Law: draw.KeysZipfian, Skew: math.NaN()}},
		"a skew belongs to law zipfian":                         {Keys: draw.Keys{Skew: 1}},
		"values of 536870913 bytes":                             {Value: dist.FixedSize(512<<20 + 1)},
		"request name \"\"":                                     {Commands: []Command{{}, {Name: "a"}}},
		"there are two requests \"a\"":                          {Commands: []Command{{Name: "a"}, {Name: "a"}}},
		"weight -1":                                             {Commands: []Command{{Weight: -1}}},
		"a single quote is not closed":                          line("GET 'a"),
		"text in double quotes is not closed":                   line(`GET "a`),
		"a space is missing after a closing quote":              line(`GET "a"b`),
		"want a command with its arguments":                     line("  "),
		"there is no variable \"keys\"; did you mean key?":      line("GET {{keys}}"),
		"command SUBSCRIBE: it does not have exactly one reply": line("SUBSCRIBE c"),
		"command auth: set user, password":                      line("auth x"),
		"changes which commands have a reply":                   line("client reply off"),
		"a connection has the name of its load":                 line("CLIENT SETNAME me"),
		"expected length -1 of the reply":                       {Commands: []Command{{Expect: ExpectReply{Bytes: &none}}}},
		"nothing else can be expected with it":                  {Commands: []Command{{Expect: ExpectReply{Error: "ERR", Null: new(true)}}}},
		"cannot both be expected":                               {Commands: []Command{{Expect: ExpectReply{Text: new("x"), Null: new(true)}}}},
	} {
		if got := wrong(&r); !strings.Contains(got, want) {
			t.Errorf("problems %q, want %q", got, want)
		}
	}
}

func TestRedisCommandsDoNotAllocate(t *testing.T) {
	size, err := dist.ParseSize("uniform(10B, 100B)")
	if err != nil {
		t.Fatal(err)
	}
	s := newSession(t, Spec{
		Keys: draw.Keys{Law: draw.KeysZipfian}, Value: size,
		Commands: []Command{
			{Name: "a", Line: "GET {{key}}", Expect: ExpectReply{Text: new("some value")}},
			{Name: "b", Line: "SET {{key}}:{{random 1 9}} {{value}}"},
		},
	})
	o, out := codec.Order{Item: -1}, []byte(nil)
	for class, in := range []string{"$10\r\nsome value\r\n", "-OOM no memory\r\n"} {
		p := []byte(in)
		exchange := func() {
			o.Class = class
			out, _ = s.Request(out[:0], &o)
			s.Await(&o)
			o.Seq++
			for _, part := range [][]byte{p[:3], p[3:]} {
				if _, st := s.Feed(part); st == codec.Broken {
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
	s := newSession(b, Spec{Value: dist.FixedSize(3), Commands: []Command{{Line: "SET {{key}} {{value}}"}}})
	in := []byte("+OK\r\n")
	o, out := codec.Order{Item: -1}, []byte(nil)
	b.ReportAllocs()
	for b.Loop() {
		out, _ = s.Request(out[:0], &o)
		s.Await(&o)
		o.Seq++
		if _, st := s.Feed(in); st != codec.Done {
			b.Fatal(s.Answer().Detail)
		}
	}
}
