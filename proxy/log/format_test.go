package log

import (
	"strings"
	"testing"
	"time"

	"bench/internal/sock"
	"bench/proxy/spec"
)

func mustAddr(t testing.TB, s string) sock.Addr {
	t.Helper()
	a, err := sock.Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func sample(t testing.TB) *Record {
	t.Helper()
	accept := time.Date(2026, 11, 3, 11, 36, 33, 816_400_000, time.Local)
	return &Record{
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

func render(t testing.TB, format string, r *Record) string {
	t.Helper()
	f, err := Compile(format)
	if err != nil {
		t.Fatal(err)
	}
	l := line{host: "vm", pid: 0x6B73, logs: 3}
	f.append(&l, r)
	return string(l.b)
}

func TestStandardFormats(t *testing.T) {
	tests := []struct {
		name, format string
		change       func(*Record)
		want         string
	}{
		{"http", HTTPFormat, nil, `10.0.1.2:33317 [03/Nov/2026:11:36:33.823] fe be/s1 10/1/30/69/112 200 2750 - - --NI 5/4/3/2/1 6/7 "GET /p?q=1 HTTP/1.1"`},
		{"http captures", HTTPFormat, func(r *Record) {
			r.RequestCaptures = [][]byte{[]byte("a{b|c}d\"e#f\xe9\\"), nil}
			r.ResponseCaptures = [][]byte{[]byte("x")}
		}, `10.0.1.2:33317 [03/Nov/2026:11:36:33.823] fe be/s1 10/1/30/69/112 200 2750 - - --NI 5/4/3/2/1 6/7 {a#7Bb#7Cc#7Dd#22e#23f#E9\|} {x} "GET /p?q=1 HTTP/1.1"`},
		{"http asap, redispatched", HTTPFormat, func(r *Record) { r.AsSoonAsPossible, r.Redispatched, r.TLS = true, true, true }, `10.0.1.2:33317 [03/Nov/2026:11:36:33.823] fe~ be/s1 10/1/30/69/+112 200 +2750 - - --NI 5/4/3/2/+1 6/7 "GET /p?q=1 HTTP/1.1"`},
		{"http bad request", HTTPFormat, func(r *Record) {
			r.Method, r.URI, r.Version, r.Server, r.Backend = nil, nil, nil, "", "fe"
			r.Request, r.Queue, r.Connect, r.Response, r.Active = -1, -1, -1, -1, 0
			r.Status, r.BytesOut, r.Flags, r.HTTPFlags = 400, 0, [2]byte{'P', 'R'}, [2]byte{}
		}, `10.0.1.2:33317 [03/Nov/2026:11:36:33.823] fe fe/<NOSRV> -1/-1/-1/-1/0 400 0 - - PR-- 5/4/3/2/1 6/7 "<BADREQ>"`},
		{"tcp", TCPFormat, nil, `10.0.1.2:33317 [03/Nov/2026:11:36:33.816] fe be/s1 1/30/119 2750 -- 5/4/3/2/1 6/7`},
		{"tcp from a unix socket", TCPFormat, func(r *Record) { r.Client, r.ListenerID = mustAddr(t, "/run/x"), 2 }, `unix:2 [03/Nov/2026:11:36:33.816] fe be/s1 1/30/119 2750 -- 5/4/3/2/1 6/7`},
		{"clf", CLFFormat, func(r *Record) {
			r.AcceptDate, r.RequestDate = r.AcceptDate.UTC(), r.RequestDate.UTC()
		}, `10.0.1.2 - - [` + sample(t).RequestDate.UTC().Format("02/Jan/2006:15:04:05") + ` +0000] "GET /p?q=1 HTTP/1.1" 200 2750 "" "" 33317 816 "fe" "be" "s1" 10 1 30 69 112 --NI 5 4 3 2 1 6 7 "" "" `},
		{"connect", ConnectFormat, nil, `Connect from 10.0.1.2:33317 to 192.0.2.1:80 (fe/HTTP)`},
		{"unprintable and quote in the target", `%r`, func(r *Record) { r.URI = []byte("/q\"uo\\te{}|#%~^`\xc3\xa9\x7f\x01]") }, "GET /q#22uo\\te{}|#23%~^`#C3#A9#7F#01] HTTP/1.1"},
		{"parts of the target", `%HM %HP %HPO %HQ %HU %HV`, func(r *Record) { r.URI = []byte("http://h/abs?x?y") }, `GET http://h/abs /abs ?x?y http://h/abs?x?y HTTP/1.1`},
		{"empty parts", `%HQ %{+Q}HQ`, func(r *Record) { r.URI = []byte("/") }, `- ""`},
		{"hexadecimal", `%{+X}cp %{+X}ci %{+X}pid`, nil, `8225 0A000102 6B73`},
		{"escapes", `%{+Q,+E}HP %{+E}b`, func(r *Record) { r.URI, r.Backend = []byte(`/a"\]`), `b]"` }, `"/a#22\\\]" b\]\"`},
		{"propagated flags", `%{+Q}o %b %{-Q}b %ID`, nil, `"be" be ""`},
		{"empty captures leave no double space", `a   %hr  b %hrl`, nil, `a b `},
		{"capture lists", `%hrl %{+Q}hrl`, func(r *Record) { r.RequestCaptures = [][]byte{nil, []byte("a")} }, `- a "" "a"`},
		{"numbers", `%Tq %Tu %Td %Th %Ti %U %lc %rt %pid 100%% %H %Ts`, func(r *Record) { r.AcceptDate = time.Unix(1795434301, 0) }, `17 112 2 0 7 82 3 9 27507 100% vm 1795434301`},
		{"addresses", `%si:%sp %bi:%bp %fi:%fp`, func(r *Record) { r.Local = mustAddr(t, "[2001:db8::1]:443") }, `127.0.0.1:18090 127.0.0.1:40000 2001:db8::1:443`},
		{"no server", `%si %sp %sslv %CC`, func(r *Record) { r.ServerAddr = sock.Addr{} }, `- - - -`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := sample(t)
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
		{"%{+W}ci", `"+W" is no flag`},
		{"%[src]", "sample expressions"},
		{"50%", "no log format alias"},
	} {
		_, err := Compile(tt.format)
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("Compile(%q): %v, want an error with %q", tt.format, err, tt.want)
		}
	}
}

// The longest alias wins, so text may follow a name without a space.
func TestLongestAlias(t *testing.T) {
	if got := render(t, "%Tsx %bx", sample(t)); !strings.HasSuffix(got, "x bex") {
		t.Errorf("got %q", got)
	}
}

func TestDateCacheFollowsTheDate(t *testing.T) {
	r := sample(t)
	l := line{}
	f, err := Compile("%tr")
	if err != nil {
		t.Fatal(err)
	}
	for i := range 3 {
		l.b = l.b[:0]
		r.RequestDate = time.Date(2026, 1, 1, 0, 0, i/2, i*1e6, time.Local)
		f.append(&l, r)
		if want := r.RequestDate.Format("02/Jan/2006:15:04:05.000"); string(l.b) != want {
			t.Errorf("got %s, want %s", l.b, want)
		}
	}
}

func TestPlanErrorsNameTheLine(t *testing.T) {
	for _, tt := range []struct{ addr, format, want string }{
		{"ring@buf", "", "not supported"},
		{"fd@x", "", "fd@ and a number"},
		{"127.0.0.1:99999", "", "invalid port"},
		{"127.0.0.1", "csv", "unknown format"},
	} {
		g := &spec.Global{Logs: []spec.LogTarget{{Pos: spec.Pos{File: "h.cfg", Line: 7}, Addr: tt.addr, Format: tt.format}}}
		_, err := NewPlan(g, nil)
		if err == nil || !strings.HasPrefix(err.Error(), "h.cfg:7: ") || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want h.cfg:7: and %q", tt.addr, err, tt.want)
		}
	}
}
