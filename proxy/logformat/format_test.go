package logformat

import (
	"strings"
	"testing"
	"time"

	"bench/internal/sock"
	"bench/proxy/sample"
	"bench/proxy/txn"
	"bench/proxy/txn/txntest"
)

func mustAddr(t testing.TB, s string) sock.Addr {
	t.Helper()
	a, err := sock.Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func record(t testing.TB) *txn.Record {
	t.Helper()
	accept := time.Date(2026, 11, 3, 11, 36, 33, 816_400_000, time.Local)
	return &txn.Record{
		Client: mustAddr(t, "10.0.1.2:33317"), Local: mustAddr(t, "192.0.2.1:80"),
		Frontend: "fe", Backend: "be", Server: "s1", Mode: "HTTP",
		AcceptDate: accept, RequestDate: accept.Add(7 * time.Millisecond),
		Idle: 7, Request: 10, Queue: 1, Connect: 30, Response: 69, Data: 2, Active: 112, Total: 119,
		Status: 200, BytesOut: 2750, BytesIn: 82,
		Flags: [2]byte{'-', '-'}, HTTPFlags: [2]byte{'N', 'I'},
		ActConn: 5, FeConn: 4, BeConn: 3, SrvConn: 2, Retries: 1,
		SrvQueue: 6, BeQueue: 7,
		Method: []byte("GET"), URI: []byte("/p?q=1"), Version: []byte("HTTP/1.1"),
		ServerAddr: mustAddr(t, "127.0.0.1:18090"), SourceAddr: mustAddr(t, "127.0.0.1:40000"),
		Count: 9,
	}
}

func render(t testing.TB, format string, r *txn.Record) string {
	t.Helper()
	f, err := CompileLog(format, env())
	if err != nil {
		t.Fatal(err)
	}
	w := Writer{Host: "vm", PID: 0x6B73, Logs: 3}
	return string(f.AppendLine(nil, &w, nil, r))
}

func env() *sample.Env {
	return &sample.Env{Names: &txn.Names{}, At: txn.At(txn.StepLog), Where: "logs"}
}

func TestStandardFormats(t *testing.T) {
	tests := []struct {
		name, format string
		change       func(*txn.Record)
		want         string
	}{
		{"http", HTTPFormat, nil, `10.0.1.2:33317 [03/Nov/2026:11:36:33.823] fe be/s1 10/1/30/69/112 200 2750 - - --NI 5/4/3/2/1 6/7 "GET /p?q=1 HTTP/1.1"`},
		{"http captures", HTTPFormat, func(r *txn.Record) {
			r.RequestCaptures = [][]byte{[]byte("a{b|c}d\"e#f\xe9\\"), nil}
			r.ResponseCaptures = [][]byte{[]byte("x")}
		}, `10.0.1.2:33317 [03/Nov/2026:11:36:33.823] fe be/s1 10/1/30/69/112 200 2750 - - --NI 5/4/3/2/1 6/7 {a#7Bb#7Cc#7Dd#22e#23f#E9\|} {x} "GET /p?q=1 HTTP/1.1"`},
		{"http asap, redispatched", HTTPFormat, func(r *txn.Record) { r.AsSoonAsPossible, r.Redispatched, r.TLS = true, true, true }, `10.0.1.2:33317 [03/Nov/2026:11:36:33.823] fe~ be/s1 10/1/30/69/+112 200 +2750 - - --NI 5/4/3/2/+1 6/7 "GET /p?q=1 HTTP/1.1"`},
		{"http bad request", HTTPFormat, func(r *txn.Record) {
			r.Method, r.URI, r.Version, r.Server, r.Backend = nil, nil, nil, "", "fe"
			r.Request, r.Queue, r.Connect, r.Response, r.Active = -1, -1, -1, -1, 0
			r.Status, r.BytesOut, r.Flags, r.HTTPFlags = 400, 0, [2]byte{'P', 'R'}, [2]byte{}
		}, `10.0.1.2:33317 [03/Nov/2026:11:36:33.823] fe fe/<NOSRV> -1/-1/-1/-1/0 400 0 - - PR-- 5/4/3/2/1 6/7 "<BADREQ>"`},
		{"tcp", TCPFormat, nil, `10.0.1.2:33317 [03/Nov/2026:11:36:33.816] fe be/s1 1/30/119 2750 -- 5/4/3/2/1 6/7`},
		{"tcp from a unix socket", TCPFormat, func(r *txn.Record) { r.Client, r.ListenerID = mustAddr(t, "/run/x"), 2 }, `unix:2 [03/Nov/2026:11:36:33.816] fe be/s1 1/30/119 2750 -- 5/4/3/2/1 6/7`},
		{"clf", CLFFormat, func(r *txn.Record) {
			r.AcceptDate, r.RequestDate = r.AcceptDate.UTC(), r.RequestDate.UTC()
		}, `10.0.1.2 - - [` + record(t).RequestDate.UTC().Format("02/Jan/2006:15:04:05") + ` +0000] "GET /p?q=1 HTTP/1.1" 200 2750 "" "" 33317 816 "fe" "be" "s1" 10 1 30 69 112 --NI 5 4 3 2 1 6 7 "" "" `},
		{"connect", ConnectFormat, nil, `Connect from 10.0.1.2:33317 to 192.0.2.1:80 (fe/HTTP)`},
		{"unprintable and quote in the target", `%r`, func(r *txn.Record) { r.URI = []byte("/q\"uo\\te{}|#%~^`\xc3\xa9\x7f\x01]") }, "GET /q#22uo\\te{}|#23%~^`#C3#A9#7F#01] HTTP/1.1"},
		{"parts of the target", `%HM %HP %HPO %HQ %HU %HV`, func(r *txn.Record) { r.URI = []byte("http://h/abs?x?y") }, `GET http://h/abs /abs ?x?y http://h/abs?x?y HTTP/1.1`},
		{"empty parts", `<%HQ> %{+Q}HQ`, func(r *txn.Record) { r.URI = []byte("/") }, `<> ""`},
		{"what is empty, without a sign", `<%CC> <%{-M}CC> <%{-M,+M}CC> <%{-M}sslv> <%{+Q,-M}CC>`, func(r *txn.Record) { r.RequestCookie = nil }, `<-> <> <-> <> <"">`},
		{"hexadecimal counts", `%{+X}lc`, nil, `0003`},
		{"hexadecimal", `%{+X}cp %{+X}ci %{+X}pid`, nil, `8225 0A000102 6B73`},
		{"hexadecimal, of more digits", `%{+X}o %rt %ms %lc %ac`, func(r *txn.Record) { r.Count = 0x12345 }, `12345 330 0003 5`},
		{"hexadecimal, of fewer digits", `%{+X}o %rt %ms`, func(r *txn.Record) { r.AcceptDate = time.Unix(1, 7e6) }, `0009 07`},
		{"escapes", `%{+Q,+E}HP %{+E}b`, func(r *txn.Record) { r.URI, r.Backend = []byte(`/a"\]`), `b]"` }, `"/a#22\\\]" b\]\"`},
		{"propagated flags", `%{+Q}o %b %{-Q}b %ID`, nil, `"be" be ""`},
		{"empty captures leave no double space", `a   %hr  b %hrl`, nil, `a b `},
		{"capture lists", `%hrl %{+Q}hrl`, func(r *txn.Record) { r.RequestCaptures = [][]byte{nil, []byte("a")} }, `- a "" "a"`},
		{"numbers", `%Tq %Tu %Td %Th %Ti %U %lc %rt %pid 100%% %H %Ts`, func(r *txn.Record) { r.AcceptDate = time.Unix(1795434301, 0) }, `17 112 2 0 7 82 3 9 27507 100% vm 1795434301`},
		{"addresses", `%si:%sp %bi:%bp %fi:%fp`, func(r *txn.Record) { r.Local = mustAddr(t, "[2001:db8::1]:443") }, `127.0.0.1:18090 127.0.0.1:40000 2001:db8::1:443`},
		{"no server", `%si %sp %sslv %CC`, func(r *txn.Record) { r.ServerAddr = sock.Addr{} }, `- - - -`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := record(t)
			if tt.change != nil {
				tt.change(r)
			}
			if got := render(t, tt.format, r); got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}

func TestCompileErrors(t *testing.T) {
	for _, tt := range []struct{ format, want string }{
		{"abc %zz", "column 5"},
		{"%{+Q", "no closing brace"},
		{"%{+Q}", "no log format alias"},
		{"%{+Q}_ci", "no log format alias"},
		{"%cix", `no log format alias "%cix"`},
		{"%ci9", `no log format alias "%ci9"`},
		{"100%25", "no log format alias"},
		{"100% sure", "no log format alias"},
		{"%[srk]", "unknown sample fetch 'srk'; did you mean 'src'? (column 3 of the format)"},
		{"ab %{+Q}[src,lowr]", "unknown converter 'lowr'; did you mean 'lower'? (column 14 of the format)"},
		{"%[src", "no ']' ends the expression 'src' (column 6 of the format)"},
		{"%[path]", "sample fetch 'path' has no value in logs"},
		{"50%", "no log format alias"},
	} {
		_, err := CompileLog(tt.format, env())
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("Compile(%q): %v, want an error with %q", tt.format, err, tt.want)
		}
	}
}

// As there, percent signs before other characters vanish, and so do flags that there are not.
func TestOddFormats(t *testing.T) {
	remarks := 0
	e := env()
	e.Warn = func(string) { remarks++ }
	for format, want := range map[string]string{"a%]b": "a]b", "%-%/": "-/", "%_x": "_x", "%{Q}[int(1)]": "1", "%{+Z,+Q}[int(1)]": "1", "%{+Q,}[int(1)]]": "1]"} {
		f, err := CompileText(format, e)
		if err != nil {
			t.Errorf("%s: %v", format, err)
			continue
		}
		c := sample.NewContext(1024, 0)
		c.Txn = &txn.Txn{Final: true}
		if got := string(f.Append(nil, &Writer{}, c)); got != want {
			t.Errorf("%s: %q, want %q", format, got, want)
		}
	}
	if remarks != 6 {
		t.Errorf("%d remarks", remarks)
	}
}

func TestDateCacheFollowsTheDate(t *testing.T) {
	r := record(t)
	w := Writer{}
	f, err := CompileLog("%tr", env())
	if err != nil {
		t.Fatal(err)
	}
	for i := range 3 {
		r.RequestDate = time.Date(2026, 1, 1, 0, 0, i/2, i*1e6, time.Local)
		got := string(f.AppendLine(nil, &w, nil, r))
		if want := r.RequestDate.Format("02/Jan/2006:15:04:05.000"); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

// Samples stand in logs and in texts of rules, which differ in how they write what is
// empty, and what could not be part of a message.
func TestSamples(t *testing.T) {
	x := sample.NewContext(1024, 1)
	x.Txn = txntest.New(t, "GET / HTTP/1.1\r\nHost: h\r\n\r\n", "")
	x.Txn.Stream.(*txntest.Stream).Log = *record(t)
	control := txn.Value{Kind: txn.Str, B: []byte("a\r\n\"]b")}
	x.Txn.Vars.Set(0, &control)
	for _, tt := range []struct{ format, log, text string }{
		{"%[src]:%[src_port] %ci", "10.1.2.3:4567 10.0.1.2", "10.1.2.3:4567 10.0.1.2"},
		{"a  %[var(txn.c)]  %{+Q}[var(txn.b)] b", `a - "" b`, `a     b`},
		{"%[src,ipmask(8)]%%", "10.0.0.0%", "10.0.0.0%"},
		{"%[var(txn.a)]", "a\r\n\"]b", `a%0D%0A"]b`},
		{"%{+Q,+E}[var(txn.a)]", "\"a\r\n\\\"\\]b\"", `a%0D%0A\"\]b`},
		{"%CC|%B", "-|2750", "|2750"},
		{"", "", ""},
	} {
		e := env()
		e.Names.Slot(txn.ScopeTxn, "a")
		line, err := CompileLog(tt.format, e)
		if err != nil {
			t.Fatal(err)
		}
		text, err := CompileText(tt.format, e)
		if err != nil {
			t.Fatal(err)
		}
		var w Writer
		if got := string(line.AppendLine(nil, &w, x, record(t))); got != tt.log {
			t.Errorf("%s in a log: %q, want %q", tt.format, got, tt.log)
		}
		if got := string(text.Append(nil, &w, x)); got != tt.text {
			t.Errorf("%s in a rule: %q, want %q", tt.format, got, tt.text)
		}
	}
}

// Only texts with aliases ask the stream to describe itself.
func TestDescribedWhereNeeded(t *testing.T) {
	x := sample.NewContext(1024, 1)
	x.Txn = txntest.New(t, "", "")
	s := x.Txn.Stream.(*txntest.Stream)
	for format, want := range map[string]int{"x %[src]": 0, "%ci %cp": 1} {
		f, err := CompileText(format, env())
		if err != nil {
			t.Fatal(err)
		}
		s.Described = 0
		if f.Append(nil, &Writer{}, x); s.Described != want {
			t.Errorf("%s: described %d times, want %d", format, s.Described, want)
		}
	}
}

func TestNoAllocations(t *testing.T) {
	x := sample.NewContext(1024, 1)
	x.Txn = txntest.New(t, "GET / HTTP/1.1\r\nHost: h\r\n\r\n", "")
	f, err := CompileLog(HTTPFormat+" %[src] %[method,lower] %{+Q}[var(txn.x)]", env())
	if err != nil {
		t.Fatal(err)
	}
	r, w, b := record(t), &Writer{}, make([]byte, 0, 1024)
	f.AppendLine(b, w, x, r)
	if n := testing.AllocsPerRun(100, func() { f.AppendLine(b, w, x, r) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkHTTPLine(b *testing.B) {
	r := record(b)
	r.RequestCaptures = [][]byte{[]byte("www.example.com")}
	f, err := CompileLog(HTTPFormat, env())
	if err != nil {
		b.Fatal(err)
	}
	w, line := &Writer{}, make([]byte, 0, 1024)
	b.ReportAllocs()
	for b.Loop() {
		f.AppendLine(line, w, nil, r)
	}
}
