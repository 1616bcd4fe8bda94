package loadgen

import (
	"io"
	"net"
	"strings"
	"testing"

	"bench/internal/dist"
	"bench/internal/result"
)

func tcpSpec(t TCP) *Spec {
	s := testSpec()
	s.Protocol, s.TCP = "tcp", t
	return s
}

func newTCPSession(t testing.TB, p TCP) *tcpSession {
	t.Helper()
	spec := tcpSpec(p)
	if err := spec.Validate(); err != nil {
		t.Fatal(err)
	}
	c, err := newTCP(spec, nil)
	if err != nil {
		t.Fatal(err)
	}
	return c.Session(7).(*tcpSession)
}

func steps(texts ...string) []Exchange { return []Exchange{{Steps: texts}} }

func fixedSize(n int64) *dist.Size {
	s := dist.FixedSize(n)
	return &s
}

// A conversation in pieces of any size goes the same way.
func TestTCPSteps(t *testing.T) {
	for size := range 40 {
		s := newTCPSession(t, TCP{
			Connect:   []string{"expect 220 ", `expect \r\n`, `send HELO {{user}}\r\n`, `expect "250 ok\r\n"`, `send EARLY\r\n`},
			Exchanges: steps(`send A{{seq}}\r\n`, "expect abac", "read 3", "send B", "send C", `expect \n`),
		})
		if st := s.Open(); st != More {
			t.Fatalf("state %d at the beginning", st)
		}
		feed := func(in string, want State) {
			t.Helper()
			if used, st := feedAll(s, in, size+1); st != want || used != len(in) {
				t.Fatalf("pieces of %d, %q: %d bytes, state %d", size+1, in, used, st)
			}
		}
		say := func(want string) {
			t.Helper()
			if got := string(s.Say(nil)); got != want {
				t.Fatalf("said %q, want %q", got, want)
			}
		}
		feed("noise 2220 ready\r\n", Reply)
		say("HELO 7\r\n")
		feed("250 ok\r\n", Done)
		o := Order{Seq: 12, Item: -1}
		for _, want := range []string{"EARLY\r\nA12\r\n", "A12\r\n"} {
			if out, _ := s.Request(nil, &o); string(out) != want {
				t.Fatalf("request %q, want %q", out, want)
			}
			s.Await(&o)
			feed("ababac123", Reply)
			say("BC")
			feed("x\n", Done)
			if a := s.Answer(); a.Bytes != 11 || !a.KeepAlive || a.Fault != causeNone {
				t.Fatalf("answer %+v", *a)
			}
		}
	}
	s := newTCPSession(t, TCP{Connect: []string{"send PROXY x"}, Exchanges: steps("expect a")})
	if st := s.Open(); st != Done {
		t.Errorf("state %d where nothing is to come", st)
	}
	s.Await(&Order{Item: -1})
	if n, st := s.Feed([]byte("ab")); n != 1 || st != Done {
		t.Errorf("%d bytes, state %d", n, st)
	}
	if s.Await(&Order{Item: -1}); s.End() != Broken || s.Answer().KeepAlive {
		t.Error("an end within an exchange is none")
	}
}

func TestTCPEcho(t *testing.T) {
	s := newTCPSession(t, TCP{Exchanges: []Exchange{{Name: "small", Echo: fixedSize(100)}, {Name: "large", Echo: fixedSize(apart)}}})
	seen := map[string]bool{}
	for class := range 2 {
		for seq := range uint64(50) {
			o := Order{Seq: seq, Class: class, Item: -1}
			out, body := s.Request(nil, &o)
			sent := string(out) + string(body)
			seen[sent[:100]] = true
			for _, size := range []int{len(sent), 33} {
				s.Await(&o)
				if used, st := feedAll(s, sent, size); st != Done || used != len(sent) || s.Answer().Bytes != int64(len(sent)) {
					t.Fatalf("%d bytes, state %d, %+v", used, st, *s.Answer())
				}
			}
			s.Await(&o)
			wrong := []byte(sent)
			wrong[len(wrong)-1] ^= 1
			if _, st := feedAll(s, string(wrong), 33); st != Broken {
				t.Fatal("a wrong echo passes")
			}
		}
	}
	if len(seen) < 45 {
		t.Errorf("only %d different echoes", len(seen))
	}
}

func TestTCPValidate(t *testing.T) {
	for want, c := range map[string]TCP{
		"no exchange": {},
		"one of steps, echo, upload and download":             {Exchanges: []Exchange{{Echo: fixedSize(1), Upload: fixedSize(1)}}},
		"echo of 0 bytes":                                     {Exchanges: []Exchange{{Echo: fixedSize(0)}}},
		"upload of 1073741825 bytes":                          {Exchanges: []Exchange{{Upload: fixedSize(1<<30 + 1)}}},
		"weight -1":                                           {Exchanges: []Exchange{{Weight: -1, Echo: fixedSize(1)}}},
		"there are two requests \"a\"":                        {Exchanges: []Exchange{{Name: "a", Echo: fixedSize(1)}, {Name: "a", Echo: fixedSize(1)}}},
		"step 1: unknown step \"say\"":                        {Exchanges: steps("say x")},
		"step 1: send has 0 bytes":                            {Exchanges: steps("send ", "expect a")},
		"step 2: expect: invalid text":                        {Exchanges: steps("send a", `expect \q`)},
		"step 1: {{sec}}: there is no variable":               {Exchanges: steps("send {{sec}}", "expect a")},
		"step 2: invalid size \"0\"":                          {Exchanges: steps("send a", "read 0")},
		"step 2: the end of an exchange":                      {Exchanges: steps("expect a", "send b")},
		"step 3: a script that answers cannot be sent ahead":  {Exchanges: steps("send a", "expect b", "send c", "expect d")},
		"step 1: unknown step \"wait\": want send TEXT, expe": {Connect: []string{"wait 1s"}, Exchanges: steps("expect a")},
	} {
		spec := tcpSpec(c)
		spec.Connections.Pipeline = 2
		if err := spec.Validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
}

// serve accepts connections until the end of the test.
func serve(t *testing.T, handle func(*net.TCPConn)) (addr string) {
	t.Helper()
	l, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.AcceptTCP()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				handle(c)
			}()
		}
	}()
	return l.Addr().String()
}

func echo(c *net.TCPConn) { _, _ = io.Copy(c, c) }

func swallow(c *net.TCPConn) { _, _ = io.Copy(io.Discard, c) }

func TestTCPLoads(t *testing.T) {
	spread, err := dist.ParseSize("uniform(1B, 200KiB)")
	if err != nil {
		t.Fatal(err)
	}
	pour := func(n int) func(*net.TCPConn) {
		return func(c *net.TCPConn) { _, _ = c.Write(make([]byte, n)) }
	}
	for _, c := range []struct {
		name     string
		handle   func(*net.TCPConn)
		exchange Exchange
		perConn  int
		cause    string
		in, out  uint64 // bytes of all 100 requests; 0: unknown
	}{
		{"echo", echo, Exchange{Echo: fixedSize(1000)}, 0, "", 100_000, 100_000},
		{"bulk", echo, Exchange{Echo: &spread}, 7, "", 0, 0},
		{"a connection for each", echo, Exchange{Echo: fixedSize(10)}, 1, "", 1000, 1000},
		{"wrong echo", func(c *net.TCPConn) { _, _ = c.Write(make([]byte, 100)); swallow(c) }, Exchange{Echo: fixedSize(100)}, 1, result.CauseProtocol, 0, 0},
		{"upload", swallow, Exchange{Upload: fixedSize(100_000)}, 0, "", 0, 10_000_000},
		{"upload cut off", func(c *net.TCPConn) { _, _ = c.Read(make([]byte, 1)); _ = c.SetLinger(0) }, Exchange{Upload: fixedSize(8 << 20)}, 0, result.CauseResetBefore, 0, 0},
		{"upload answered", func(c *net.TCPConn) { _, _ = io.WriteString(c, "no"); swallow(c) }, Exchange{Upload: fixedSize(10)}, 0, result.CauseProtocol, 0, 0},
		{"download", pour(100_000), Exchange{Download: fixedSize(100_000)}, 0, "", 10_000_000, 0},
		{"download of a part", pour(100_000), Exchange{Download: fixedSize(10)}, 0, "", 0, 0},
		{"download cut off", pour(99), Exchange{Download: fixedSize(100)}, 0, result.CauseTruncated, 9900, 0},
		{"silent peer", func(*net.TCPConn) {}, Exchange{Download: fixedSize(100)}, 0, result.CauseResetAfter, 0, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			spec := steady(serve(t, c.handle), 1000, 100_000)
			spec.Protocol, spec.TCP.Exchanges = "tcp", []Exchange{c.exchange}
			spec.Connections.RequestsPerConnection = c.perConn
			got, _ := load(t, spec)
			if c.cause == "" && got.Failed > 0 || c.cause != "" && got.FailuresByCause[c.cause] != 100 {
				t.Errorf("failures %v, want 100 %s", got.FailuresByCause, c.cause)
			}
			if c.in > 0 && got.BytesIn != c.in || c.out > 0 && got.BytesOut != c.out {
				t.Errorf("%d bytes in and %d out, want %d and %d", got.BytesIn, got.BytesOut, c.in, c.out)
			}
			if got.Service.Max > got.Response.Max || got.Sent < 100 {
				t.Errorf("%d sent, service %+v", got.Sent, got.Service)
			}
		})
	}
}

func TestTCPDoesNotAllocate(t *testing.T) {
	s := newTCPSession(t, TCP{Exchanges: []Exchange{
		{Name: "echo", Echo: fixedSize(500)},
		{Name: "steps", Steps: []string{"send {{hex 9}}{{seq}}", "expect ab", "send c", "read 1"}},
	}})
	s.Open()
	o, out, said := Order{Item: -1}, []byte(nil), []byte(nil)
	exchange := func() {
		out, _ = s.Request(out[:0], &o)
		s.Await(&o)
		o.Seq++
		if o.Class == 0 {
			if _, st := s.Feed(out); st != Done {
				t.Fatal(s.Answer().Detail)
			}
			return
		}
		if _, st := s.Feed([]byte("1a2ab")); st != Reply {
			t.Fatal(st)
		}
		said = s.Say(said[:0])
		if _, st := s.Feed([]byte("x")); st != Done {
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

func TestTCPWorkerDoesNotAllocate(t *testing.T) {
	if raceDetector {
		t.Skip("the race detector allocates")
	}
	var wrong error
	for range 3 {
		spec := steady(serve(t, echo), 0, 60_000_000)
		spec.Protocol, spec.Arrival = "tcp", Closed
		spec.TCP.Exchanges = []Exchange{
			{Name: "echo", Echo: fixedSize(100)},
			{Name: "large", Echo: fixedSize(apart)},
			{Name: "steps", Steps: []string{"send a{{seq}}b", "expect b", "send c", "expect c"}},
		}
		if wrong = allocating(t, spec); wrong == nil {
			return
		}
	}
	t.Error(wrong)
}

func BenchmarkTCPEcho(b *testing.B) {
	s := newTCPSession(b, TCP{Exchanges: []Exchange{{Echo: fixedSize(128)}}})
	o, out := Order{Item: -1}, []byte(nil)
	b.ReportAllocs()
	for b.Loop() {
		out, _ = s.Request(out[:0], &o)
		s.Await(&o)
		o.Seq++
		if _, st := s.Feed(out); st != Done {
			b.Fatal(s.Answer().Detail)
		}
	}
}

// However the bytes come, a script ends at the same place.
func FuzzTCPSteps(f *testing.F) {
	f.Add([]byte("xxababac123\n"), uint8(2))
	f.Fuzz(func(t *testing.T, in []byte, size uint8) {
		run := func(size int) (used int, st State) {
			s := newTCPSession(t, TCP{Exchanges: steps("send x", "expect abac", "read 3", `expect \n`)})
			s.Open()
			s.Await(&Order{Item: -1})
			return feedAll(s, string(in), size)
		}
		n, a := run(max(1, len(in)))
		m, b := run(int(size) + 1)
		if n != m || a != b {
			t.Fatalf("whole %d, %d; in pieces %d, %d", n, a, m, b)
		}
	})
}
