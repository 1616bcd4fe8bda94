package tcp

import (
	"strings"
	"testing"

	"bench/internal/dist"
	"bench/loadgen/codec"
	"bench/loadgen/internal/loadtest"
)

func newSession(t testing.TB, p Spec) *session {
	t.Helper()
	if wrong := wrong(&p, 1); wrong != "" {
		t.Fatal(wrong)
	}
	c, err := New(&codec.Load{Name: "web"}, &p)
	if err != nil {
		t.Fatal(err)
	}
	return c.Session(7).(*session)
}

// wrong is what is wrong with a load of exchanges.
func wrong(p *Spec, pipeline int) string {
	all := [][]codec.Problem{p.Problems()}
	for i := range p.Exchanges {
		all = append(all, p.Exchanges[i].Problems(pipeline))
	}
	return loadtest.Texts(all...)
}

func steps(texts ...string) []Exchange { return []Exchange{{Steps: texts}} }

// A conversation in pieces of any size goes the same way.
func TestTCPSteps(t *testing.T) {
	for size := range 40 {
		s := newSession(t, Spec{
			Connect:   []string{"expect 220 ", `expect \r\n`, `send HELO {{user}}\r\n`, `expect "250 ok\r\n"`, `send EARLY\r\n`},
			Exchanges: steps(`send A{{seq}}\r\n`, "expect abac", "read 3", "send B", "send C", `expect \n`),
		})
		if st := s.Open(); st != codec.More {
			t.Fatalf("state %d at the beginning", st)
		}
		feed := func(in string, want codec.State) {
			t.Helper()
			if used, st := loadtest.Feed(s, in, size+1); st != want || used != len(in) {
				t.Fatalf("pieces of %d, %q: %d bytes, state %d", size+1, in, used, st)
			}
		}
		say := func(want string) {
			t.Helper()
			if got := string(s.Say(nil)); got != want {
				t.Fatalf("said %q, want %q", got, want)
			}
		}
		feed("noise 2220 ready\r\n", codec.Reply)
		say("HELO 7\r\n")
		feed("250 ok\r\n", codec.Done)
		o := codec.Order{Seq: 12, Item: -1}
		for _, want := range []string{"EARLY\r\nA12\r\n", "A12\r\n"} {
			if out, _ := s.Request(nil, &o); string(out) != want {
				t.Fatalf("request %q, want %q", out, want)
			}
			s.Await(&o)
			feed("ababac123", codec.Reply)
			say("BC")
			feed("x\n", codec.Done)
			if a := s.Answer(); a.Bytes != 11 || !a.KeepAlive || a.Fault != codec.CauseNone {
				t.Fatalf("answer %+v", *a)
			}
		}
	}
	s := newSession(t, Spec{Connect: []string{"send PROXY x"}, Exchanges: steps("expect a")})
	if st := s.Open(); st != codec.Done {
		t.Errorf("state %d where nothing is to come", st)
	}
	s.Await(&codec.Order{Item: -1})
	if n, st := s.Feed([]byte("ab")); n != 1 || st != codec.Done {
		t.Errorf("%d bytes, state %d", n, st)
	}
	if s.Await(&codec.Order{Item: -1}); s.End() != codec.Broken || s.Answer().KeepAlive {
		t.Error("an end within an exchange is none")
	}
}

func TestTCPEcho(t *testing.T) {
	s := newSession(t, Spec{Exchanges: []Exchange{{Name: "small", Echo: new(dist.FixedSize(100))}, {Name: "large", Echo: new(dist.FixedSize(codec.Apart))}}})
	seen := map[string]bool{}
	for class := range 2 {
		for seq := range uint64(50) {
			o := codec.Order{Seq: seq, Class: class, Item: -1}
			out, body := s.Request(nil, &o)
			sent := string(out) + string(body)
			seen[sent[:100]] = true
			for _, size := range []int{len(sent), 33} {
				s.Await(&o)
				if used, st := loadtest.Feed(s, sent, size); st != codec.Done || used != len(sent) || s.Answer().Bytes != int64(len(sent)) {
					t.Fatalf("%d bytes, state %d, %+v", used, st, *s.Answer())
				}
			}
			s.Await(&o)
			wrong := []byte(sent)
			wrong[len(wrong)-1] ^= 1
			if _, st := loadtest.Feed(s, string(wrong), 33); st != codec.Broken {
				t.Fatal("a wrong echo passes")
			}
		}
	}
	if len(seen) < 45 {
		t.Errorf("only %d different echoes", len(seen))
	}
}

func TestTCPValidate(t *testing.T) {
	for want, c := range map[string]Spec{
		"no exchange": {},
		"one of steps, echo, upload and download":             {Exchanges: []Exchange{{Echo: new(dist.FixedSize(1)), Upload: new(dist.FixedSize(1))}}},
		"echo of 0 bytes":                                     {Exchanges: []Exchange{{Echo: new(dist.FixedSize(0))}}},
		"upload of 1073741825 bytes":                          {Exchanges: []Exchange{{Upload: new(dist.FixedSize(1<<30 + 1))}}},
		"weight -1":                                           {Exchanges: []Exchange{{Weight: -1, Echo: new(dist.FixedSize(1))}}},
		"there are two requests \"a\"":                        {Exchanges: []Exchange{{Name: "a", Echo: new(dist.FixedSize(1))}, {Name: "a", Echo: new(dist.FixedSize(1))}}},
		"step 1: unknown step \"say\"":                        {Exchanges: steps("say x")},
		"step 1: send has 0 bytes":                            {Exchanges: steps("send ", "expect a")},
		"step 2: expect: invalid text":                        {Exchanges: steps("send a", `expect \q`)},
		"step 1: {{sec}}: there is no variable":               {Exchanges: steps("send {{sec}}", "expect a")},
		"step 2: invalid size \"0\"":                          {Exchanges: steps("send a", "read 0")},
		"step 2: an exchange ends with":                       {Exchanges: steps("expect a", "send b")},
		"step 3: a script that answers cannot be sent ahead":  {Exchanges: steps("send a", "expect b", "send c", "expect d")},
		"step 1: unknown step \"wait\": want send TEXT, expe": {Connect: []string{"wait 1s"}, Exchanges: steps("expect a")},
	} {
		if got := wrong(&c, 2); !strings.Contains(got, want) {
			t.Errorf("problems %q, want %q", got, want)
		}
	}
}

func TestTCPDoesNotAllocate(t *testing.T) {
	s := newSession(t, Spec{Exchanges: []Exchange{
		{Name: "echo", Echo: new(dist.FixedSize(500))},
		{Name: "steps", Steps: []string{"send {{hex 9}}{{seq}}", "expect ab", "send c", "read 1"}},
	}})
	s.Open()
	o, out, said := codec.Order{Item: -1}, []byte(nil), []byte(nil)
	exchange := func() {
		out, _ = s.Request(out[:0], &o)
		s.Await(&o)
		o.Seq++
		if o.Class == 0 {
			if _, st := s.Feed(out); st != codec.Done {
				t.Fatal(s.Answer().Detail)
			}
			return
		}
		if _, st := s.Feed([]byte("1a2ab")); st != codec.Reply {
			t.Fatal(st)
		}
		said = s.Say(said[:0])
		if _, st := s.Feed([]byte("x")); st != codec.Done {
			t.Fatal(st)
		}
	}
	for o.Class = range 2 {
		exchange()
		if n := testing.AllocsPerRun(1000, exchange); n != 0 {
			t.Errorf("class %d: %v allocations per request", o.Class, n)
		}
	}
}

func BenchmarkTCPEcho(b *testing.B) {
	s := newSession(b, Spec{Exchanges: []Exchange{{Echo: new(dist.FixedSize(128))}}})
	o, out := codec.Order{Item: -1}, []byte(nil)
	b.ReportAllocs()
	for b.Loop() {
		out, _ = s.Request(out[:0], &o)
		s.Await(&o)
		o.Seq++
		if _, st := s.Feed(out); st != codec.Done {
			b.Fatal(s.Answer().Detail)
		}
	}
}

// However the bytes come, a script ends at the same place.
func FuzzTCPSteps(f *testing.F) {
	f.Add([]byte("xxababac123\n"), uint8(2))
	f.Fuzz(func(t *testing.T, in []byte, size uint8) {
		run := func(size int) (used int, st codec.State) {
			s := newSession(t, Spec{Exchanges: steps("send x", "expect abac", "read 3", `expect \n`)})
			s.Open()
			s.Await(&codec.Order{Item: -1})
			return loadtest.Feed(s, string(in), size)
		}
		n, a := run(max(1, len(in)))
		m, b := run(int(size) + 1)
		if n != m || a != b {
			t.Fatalf("whole %d, %d; in pieces %d, %d", n, a, m, b)
		}
	})
}
