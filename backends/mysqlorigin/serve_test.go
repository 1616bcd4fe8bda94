package mysqlorigin

import (
	"testing"
	"time"

	"bench/backends/fault"
	"bench/backends/origin"
	"bench/backends/origintest"
	"bench/internal/dist"
	"bench/internal/loop"
	"bench/internal/mysqlwire"
	"bench/internal/sock"
)

// loggedIn is a client of an origin with one answer, past the handshake.
func loggedIn(tb testing.TB, latency time.Duration) *origintest.Client {
	tb.Helper()
	cfg, err := NewConfig(Options{
		Latency: dist.FixedDuration(latency),
		Answers: []Answer{
			{Query: "insert into a*", Affected: 1},
			{Query: "select c from t* where id=*", Columns: []mysqlwire.Column{{Name: "c", Type: mysqlwire.Text}}, Rows: [][]mysqlwire.Value{{{Text: "some text"}}}},
		},
	})
	if err != nil {
		tb.Fatal(err)
	}
	c := origintest.Dial(tb, origintest.Serve(tb, cfg))
	c.Read()
	login := make([]byte, 32, 64)
	login[1], login[4] = 0x82, 1
	login = append(login, "app\x00\x00"...)
	c.Write(append([]byte{byte(len(login)), 0, 0, 1}, login...))
	if ok := c.Read(); len(ok) != 11 || ok[4] != 0 {
		tb.Fatalf("not logged in: %q", ok)
	}
	return c
}

func command(code byte, rest string) []byte {
	return append([]byte{byte(1 + len(rest)), 0, 0, 0, code}, rest...)
}

// exchanges are the commands of the hot path.
func exchanges() []struct {
	name    string
	request []byte
	latency time.Duration
} {
	return []struct {
		name    string
		request []byte
		latency time.Duration
	}{
		{"ping", command(mysqlwire.ComPing, ""), 0},
		{"query", command(mysqlwire.ComQuery, "/* X-Bench-Id: shop.7 */ SELECT c FROM t1 WHERE id=42"), 0},
		{"execute", command(mysqlwire.ComStmtExecute, "\x01\x00\x00\x00\x00\x01\x00\x00\x00"), 0},
		{"insert", command(mysqlwire.ComQuery, "INSERT INTO a VALUES (1)"), 0},
		{"delayed", command(mysqlwire.ComPing, ""), 20 * time.Microsecond},
	}
}

// ready is a client with a prepared statement, and the length of the answer to
// a request.
func ready(tb testing.TB, request []byte, latency time.Duration) (*origintest.Client, int) {
	tb.Helper()
	c := loggedIn(tb, latency)
	c.Write(command(mysqlwire.ComStmtPrepare, "select c from t where id=7"))
	if p := c.Read(); p[4] != 0 {
		tb.Fatalf("not prepared: %q", p)
	}
	c.Write(request)
	p := c.Read()
	if p[4] == 0xff {
		tb.Fatalf("answer %q", p)
	}
	return c, len(p)
}

func TestServingAllocatesNothing(t *testing.T) {
	for _, e := range exchanges() {
		t.Run(e.name, func(t *testing.T) {
			c, size := ready(t, e.request, e.latency)
			origintest.NoAllocations(t, c, e.request, size)
		})
	}
}

func BenchmarkServe(b *testing.B) {
	for _, e := range exchanges() {
		b.Run(e.name, func(b *testing.B) {
			c, size := ready(b, e.request, e.latency)
			origintest.Measure(b, c, e.request, size)
		})
	}
}

func TestNormalize(t *testing.T) {
	for _, c := range []struct {
		in, want string
		params   int
	}{
		{" SELECT  1 ;; ", "select 1", 0},
		{"/* a */ select/**/A -- x\n from\tT # y", "select a from t", 0},
		{"select 'A  B\\'?', \"C\", `D` where a=? and b = ?", "select 'A  B\\'?', \"C\", `D` where a=? and b = ?", 2},
		{"select 'open", "select 'open", 0},
		{"/* open", "", 0},
		{"a--b", "a--b", 0},
		{"", "", 0},
	} {
		got := normalize(nil, []byte(c.in))
		if string(got) != c.want || params(got) != c.params {
			t.Errorf("%q: %q with %d, want %q with %d", c.in, got, params(got), c.want, c.params)
		}
	}
}

func TestLike(t *testing.T) {
	for _, c := range []struct {
		pattern, s string
		want       bool
	}{
		{"", "", true},
		{"%", "", true},
		{"a%c", "abbc", true},
		{"a%c", "abb", false},
		{"a_c", "abc", true},
		{`a\_c`, "abc", false},
		{`a\_c`, "a_c", true},
		{"a", "ab", false},
		{"%b%", "abc", true},
	} {
		if got := like(c.pattern, c.s); got != c.want {
			t.Errorf("%q, %q: %v", c.pattern, c.s, got)
		}
	}
}

// Statements come from clients: what is normal stays so, and is answered
// somehow.
func FuzzStatement(f *testing.F) {
	for _, s := range []string{
		"SELECT @@version, 1 as a limit 1", "show variables like 'a%'", "/* X-Bench-Id: a.1 */ x", "select 'a\\'", "-- \n;", "use `a`", "start transaction",
		"show variables where Variable_name in ('version')", "Select 1 As A, 'b\\', 2", "set session autocommit = off, names utf8",
		"prepare a from 'select 1'", "prepare a from b", "deallocate prepare a",
	} {
		f.Add([]byte(s))
	}
	cfg, err := NewConfig(Options{})
	if err != nil {
		f.Fatal(err)
	}
	l, err := loop.New("", 64)
	if err != nil {
		f.Fatal(err)
	}
	local, err := sock.Parse("127.0.0.1:0")
	if err != nil {
		f.Fatal(err)
	}
	r, err := cfg.start(&origin.Place{Loop: l, Name: "db", Addr: local, Ledger: &fault.Ledger{}})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(r.server.Close)
	f.Fuzz(func(t *testing.T, in []byte) {
		once := normalize(nil, in)
		requestID(in)
		if n := params(once); n > len(once) {
			t.Fatalf("%d parameters", n)
		}
		if !matches([]byte("*"), once) || !matches([]byte("*"), in) {
			t.Fatal("* is not all")
		}
		if !like("%", string(in)) || like(string(in), "a") && like(string(in), "b") && len(in) == 0 {
			t.Fatal("% is not all, or nothing is something")
		}
		s := &session{r: r}
		o, e := s.builtin(&statement{text: once, said: in})
		if e != nil {
			if e.Code < 1000 || e.Message == "" {
				t.Fatalf("error %+v", e)
			}
			return
		}
		if o.effect != nil {
			o.effect(s)
		}
		for _, binary := range []bool{false, true} {
			if _, err := mysqlwire.AppendResult(nil, o.columns, o.rows, mysqlwire.Format{Binary: binary}); err != nil {
				t.Fatal(err)
			}
		}
	})
}
