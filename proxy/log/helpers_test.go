package log

import (
	"strings"
	"testing"
	"time"

	"bench/internal/sock"
	"bench/proxy/logformat"
	"bench/proxy/sample"
	"bench/proxy/spec"
	"bench/proxy/txn"
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
		Count: 9,
	}
}

func render(t testing.TB, format string, r *txn.Record) string {
	t.Helper()
	f, err := logformat.CompileLog(format, &sample.Env{})
	if err != nil {
		t.Fatal(err)
	}
	return string(f.AppendLine(nil, &logformat.Writer{Host: "vm", PID: 0x6B73, Logs: 3}, nil, r))
}

// A rule may log a transaction at another level, or not at all.
func TestLevelOfRules(t *testing.T) {
	pc := listen(t, "udp", "127.0.0.1:0")
	p := plan(t, spec.Global{}, spec.LogTarget{Addr: pc.LocalAddr().String(), Facility: 16})
	l := newSender(t, time.Now()).Logger(p)
	x := sample.NewContext(1024, 1)
	x.Txn = &txn.Txn{LogLevel: 4}
	l.Log(record(t), x)
	if got := receive(t, pc); !strings.HasPrefix(got, "<131>") {
		t.Errorf("at level err: %q", got)
	}
	x.Txn.LogLevel = -1
	l.Log(record(t), x)
	nothing(t, pc)
}

func TestPlanErrorsNameTheLine(t *testing.T) {
	for _, tt := range []struct{ addr, format, want string }{
		{"fd@x", "", "fd@ and a number"},
		{"127.0.0.1:99999", "", "invalid port"},
		{"127.0.0.1", "csv", "unknown format"},
	} {
		g := &spec.Global{Logs: []spec.LogTarget{{Pos: spec.Pos{File: "h.cfg", Line: 7}, Addr: tt.addr, Format: tt.format}}}
		_, err := NewPlan(g, nil, nil)
		if err == nil || !strings.HasPrefix(err.Error(), "h.cfg:7: ") || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want h.cfg:7: and %q", tt.addr, err, tt.want)
		}
	}
}

func mustFormat(t testing.TB, text string) *logformat.Format {
	t.Helper()
	f, err := logformat.CompileLog(text, &sample.Env{})
	if err != nil {
		t.Fatal(err)
	}
	return f
}
