package cli

import (
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"testing"
	"time"
)

// talk sends the pieces one after the other and returns everything that came,
// and whether the connection was ended by the service.
func talk(t *testing.T, path string, pieces ...string) (got string, ended bool) {
	t.Helper()
	c := dial(t, path)
	for i, p := range pieces {
		if i > 0 {
			// The answer to the piece before must be there first.
			got += readFor(c, 30*time.Millisecond)
		}
		if _, err := c.Write([]byte(p)); err != nil {
			return got, true
		}
	}
	_ = c.SetReadDeadline(time.Now().Add(300 * time.Millisecond))
	b, err := io.ReadAll(c)
	return got + string(b), err == nil
}

func readFor(c net.Conn, d time.Duration) string {
	_ = c.SetReadDeadline(time.Now().Add(d))
	b, _ := io.ReadAll(c)
	return string(b)
}

// The bytes of whole dialogues, as the reference exchanges them.
func TestDialogues(t *testing.T) {
	_, path := start(t, newFake(), Options{Version: "2.6.12", MaxConn: 50}, Access{Level: AdminLevel})
	for _, tt := range []struct {
		name   string
		pieces []string
		want   string
		ended  bool
	}{
		{"one command", []string{"show version\n"}, "2.6.12\n\n", true},
		{"carriage return", []string{"show version\r\n"}, "2.6.12\n\n", true},
		{"several lines at once", []string{"show version\nshow version\n"}, "2.6.12\n\n2.6.12\n\n", true},
		{"joined", []string{"show version;show cli level\n"}, "2.6.12\n\nadmin\n\n", true},
		{"prompt", []string{"prompt\n"}, "\n> ", false},
		{"interactive", []string{"prompt\n", "show version\n", "quit\n"}, "\n> 2.6.12\n\n> ", true},
		{"prompt joined", []string{"prompt;show version\n"}, "\n> 2.6.12\n\n> ", false},
		{"prompt last", []string{"show version;prompt\n"}, "2.6.12\n\n\n> ", false},
		{"prompt off", []string{"prompt\n", "prompt\n"}, "\n> \n", true},
		{"empty answer", []string{"prompt\n", "user\n", "show cli level\n"}, "\n> \n> user\n\n> ", false},
		{"payload", []string{"show version <<\nabc\n\n"}, "2.6.12\n\n", true},
		{"payload, interactive", []string{"prompt\n", "show version <<\n", "abc\n", "\n", "show version\n"}, "\n> + + 2.6.12\n\n> 2.6.12\n\n> ", false},
		{"quit", []string{"quit\n"}, "", true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, ended := talk(t, path, tt.pieces...)
			if got != tt.want || ended != tt.ended {
				t.Errorf("got %q, ended %v; want %q, ended %v", got, ended, tt.want, tt.ended)
			}
		})
	}
}

func TestHalfClose(t *testing.T) {
	_, path := start(t, newFake(), Options{Version: "v"}, Access{Level: AdminLevel})
	if got := ask(t, path, "prompt\nshow version\nget weight be/s1"); got != "\n> v\n\n> 1 (initial 1)\n\n> " {
		t.Errorf("lines before the end of the client's side: %q", got)
	}
	c := dial(t, path)
	_, _ = c.Write([]byte("show version"))
	_ = c.CloseWrite()
	if b, err := io.ReadAll(c); err != nil || len(b) != 0 {
		t.Errorf("a line cut short was answered with %q, %v", b, err)
	}
}

// A reader much slower than the timeout of the connection gets a big answer
// whole, and the service does not keep it in memory meanwhile.
func TestSlowReaderGetsAll(t *testing.T) {
	e := newFake()
	for range 9000 {
		e.rows = append(e.rows, e.rows[1])
	}
	const timeout = 2 * time.Second
	_, path := start(t, e, Options{Timeout: timeout}, Access{})
	c := dial(t, path)
	if _, err := c.Write([]byte("show stat\n")); err != nil {
		t.Fatal(err)
	}
	_ = c.CloseWrite()
	var all strings.Builder
	buf := make([]byte, 24<<10)
	begin := time.Now()
	for {
		n, err := c.Read(buf)
		all.Write(buf[:n])
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatalf("after %d bytes: %v", all.Len(), err)
		}
		time.Sleep(30 * time.Millisecond)
	}
	if d := time.Since(begin); d < timeout {
		t.Fatalf("read in %v: too fast to show anything", d)
	}
	if n := strings.Count(all.String(), "\n"); n != len(e.rows)+2 {
		t.Errorf("%d lines, want %d", n, len(e.rows)+2)
	}
}

func TestReaderThatStopsIsCutOff(t *testing.T) {
	e := newFake()
	for range 3000 {
		e.rows = append(e.rows, e.rows[1])
	}
	s, path := start(t, e, Options{Timeout: 50 * time.Millisecond}, Access{})
	c := dial(t, path)
	if _, err := c.Write([]byte("show stat\n")); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the connection ends", func() bool { return s.Connections() == 0 })
}

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(5 * time.Second); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not within 5 s: %s", what)
		}
	}
}

func TestIdleConnectionsEnd(t *testing.T) {
	_, path := start(t, newFake(), Options{Timeout: 30 * time.Millisecond}, Access{Level: AdminLevel})
	got, ended := talk(t, path, "prompt\n")
	if got != "\n> " || !ended {
		t.Errorf("got %q, ended %v", got, ended)
	}
	// "set timeout cli" holds for the connection.
	got, ended = talk(t, path, "prompt;set timeout cli 10\n")
	if got != "\n> \n> " || ended {
		t.Errorf("got %q, ended %v; want a connection that stays", got, ended)
	}
}

func TestLongLines(t *testing.T) {
	_, path := start(t, newFake(), Options{}, Access{})
	got, ended := talk(t, path, strings.Repeat("x", 2*LineSize)+"\n")
	if got != "Line too long: at most 16384 bytes.\n\n" || !ended {
		t.Errorf("got %q, ended %v", got, ended)
	}
	got, ended = talk(t, path, "show version <<\n"+strings.Repeat("x", 2*LineSize)+"\n\n")
	if got != "Line too long: at most 16384 bytes.\n\n" || !ended {
		t.Errorf("in a payload: got %q, ended %v", got, ended)
	}
	got, ended = talk(t, path, "show version <<\n"+strings.Repeat(strings.Repeat("x", LineSize/2)+"\n", 2*PayloadSize/LineSize+1)+"\n")
	if got != "Payload too long: at most 1048576 bytes.\n\n" || !ended {
		t.Errorf("a payload: got %q, ended %v", got, ended)
	}
	if got := ask(t, path, "a "+strings.Repeat("b ", maxWords)); !strings.Contains(got, "too many words") {
		t.Errorf("got %q", got)
	}
}

// Connections beyond the limit wait for a slot.
func TestMaxConn(t *testing.T) {
	_, path := start(t, newFake(), Options{MaxConn: 1, Version: "v"}, Access{})
	first := dial(t, path)
	_, _ = first.Write([]byte("prompt\n"))
	if got := readFor(first, 100*time.Millisecond); got != "\n> " {
		t.Fatalf("got %q", got)
	}
	second := dial(t, path)
	_, _ = second.Write([]byte("show version\n"))
	if got := readFor(second, 50*time.Millisecond); got != "" {
		t.Errorf("answered %q beyond the limit", got)
	}
	_ = first.Close()
	_ = second.SetReadDeadline(time.Now().Add(5 * time.Second))
	if b, err := io.ReadAll(second); string(b) != "v\n\n" {
		t.Errorf("got %q, %v after the first connection ended", b, err)
	}
}

func TestStopAccepting(t *testing.T) {
	s, path := start(t, newFake(), Options{Version: "v"}, Access{})
	c := dial(t, path)
	_, _ = c.Write([]byte("prompt\n"))
	_ = readFor(c, 50*time.Millisecond)
	s.StopAccepting()
	_, _ = c.Write([]byte("show version\n"))
	if got := readFor(c, 100*time.Millisecond); got != "v\n\n> " {
		t.Errorf("an open connection answers %q after the listeners are gone", got)
	}
	s.Close()
	_ = c.SetReadDeadline(time.Now().Add(5 * time.Second))
	if _, err := c.Read(make([]byte, 1)); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("read after Close: %v, want the end", err)
	}
}

func TestGetSocks(t *testing.T) {
	e := newFake()
	_, path := start(t, e, Options{}, Access{Level: AdminLevel, ExposeFDs: true})
	if got := ask(t, path, "_getsocks"); got != "listeners" {
		t.Errorf("got %q", got)
	}
	if got := e.take(); got != "send listeners" {
		t.Errorf("engine: %q", got)
	}
	_, path = start(t, e, Options{}, Access{Level: AdminLevel})
	if got := ask(t, path, "_getsocks"); got != "" || e.take() != "" {
		t.Errorf("got %q from a socket that does not expose its listeners", got)
	}
}

func TestWhatTheCommandsDo(t *testing.T) {
	e := newFake()
	_, path := start(t, e, Options{}, Access{Level: AdminLevel})
	for _, tt := range []struct{ line, want string }{
		{"set server be/s1 state drain", "s1 admin 1"},
		{"disable server be/s2", "s2 admin 2"},
		{"set server be/s1 weight 50%", "s1 weight 0"},
		{"set weight be/s2 150%", "s2 weight 15"},
		{"set weight be/s2 10000%", "s2 weight 256"},
		{"set server be/s1 health stopping", "s1 health 1"},
		{"set server be/s1 addr 192.0.2.7 port 81", "s1 addr 192.0.2.7:81"},
		{"set server be/s1 addr 192.0.2.7", ""},
		{"set server be/s1 check-port 82", "s1 check-addr invalid IP 82"},
		{"set server be/s1 check-addr 192.0.2.9", "s1 check-addr 192.0.2.9 0"},
		{"set server be/s1 check-addr 192.0.2.9 port 83", "s1 check-addr 192.0.2.9 83"},
		{"disable health be/s1", "s1 check false"},
		{"set maxconn server be/s1 7", "s1 maxconn 7"},
		{"shutdown sessions server be/s1", "s1 end sessions"},
		{"set maxconn frontend fe 9", "fe maxconn 9"},
		{"disable frontend fe; enable frontend fe; shutdown frontend fe", "fe disable; fe enable; fe shutdown"},
		{"set maxconn global 100", "maxconn 100"},
		{"set maxconn global 201", ""},
		{"enable dynamic-cookie backend be", "cookies of be true"},
		{"disable dynamic-cookie backend be", "cookies of be false"},
		{"set dynamic-cookie-key backend be secret", `cookie key of be "secret"`},
		{"set rate-limit connections global 5", "rate limit 0 5"},
		{"set rate-limit sessions global 0", "rate limit 1 0"},
		{"set rate-limit sessions global -1", ""},
		{"set rate-limit sessions global", ""},
		{"set rate-limit sessions other 1", ""},
		{"clear counters", "clear all=false"},
		{"clear counters all", "clear all=true"},
		{"shutdown session 0x2a", "end session 2a"},
		{"operator; set weight be/s1 1", ""},
	} {
		answer := ask(t, path, tt.line)
		if got := e.take(); got != tt.want {
			t.Errorf("%s: did %q, want %q (answered %q)", tt.line, got, tt.want, answer)
		}
	}
}

func TestServerDumps(t *testing.T) {
	_, path := start(t, newFake(), Options{}, Access{})
	for file, line := range map[string]string{"servers-state.txt": "show servers state", "servers-conn.txt": "show servers conn"} {
		b, err := os.ReadFile("testdata/" + file)
		if err != nil {
			t.Fatal(err)
		}
		// The reference had one thread, the fake has two.
		got := strings.ReplaceAll(ask(t, path, line), "idle_per_thr[2]", "idle_per_thr[1]")
		if file == "servers-conn.txt" {
			got = strings.ReplaceAll(got, " 0 0 0\n", " 0 0\n")
		}
		g, w := strings.Split(got, "\n"), strings.Split(string(b), "\n")
		for i := range max(len(g), len(w)) {
			if i >= len(g) || i >= len(w) || g[i] != w[i] {
				t.Errorf("%s differs at line %d\ngot  %q\nwant %q", line, i+1, g[min(i, len(g)-1)], w[min(i, len(w)-1)])
			}
		}
	}
	if got := ask(t, path, "show servers state 5"); strings.Count(got, "\n") != 4 || !strings.Contains(got, "5 tb 1 t1") {
		t.Errorf("by number: %q", got)
	}
}

func TestHelp(t *testing.T) {
	_, path := start(t, newFake(), Options{}, Access{})
	all := ask(t, path, "help")
	for _, c := range commands() {
		if listed := strings.Contains(all, "\n  "+c.Words); listed == (c.Hidden || c.Expert) {
			t.Errorf("%s: listed %v, hidden %v, for experts %v", c.Words, listed, c.Hidden, c.Expert)
		}
	}
	names := func(answer string) string {
		var out []string
		for _, l := range strings.Split(answer, "\n")[1:] {
			if l, _, ok := strings.Cut(strings.TrimSpace(l), " :"); ok {
				out = append(out, strings.TrimSpace(l))
			}
		}
		return strings.Join(out, ",")
	}
	const own = ",help [<command>],prompt,quit"
	for _, tt := range []struct{ line, title, want string }{
		{"help show info", "The following commands are valid at this level:", "show info [desc|json|typed|float]*" + own},
		{"show servers", "Unknown command, but maybe one of the following ones is a better match:", "show servers conn [<backend>],show servers state [<backend>]" + own},
		{"help clear", "The following commands are valid at this level:", "clear acl [@<ver>] <acl>,clear counters [all],clear map [@<ver>] <map>,clear table <table> ..." + own},
	} {
		got := ask(t, path, tt.line)
		if !strings.HasPrefix(got, tt.title+"\n") || names(got) != tt.want {
			t.Errorf("%s: got %q", tt.line, got)
		}
	}
	// Misspelled commands are found.
	for wrong, right := range map[string]string{"shwo info": "show info", "show inof": "show info", "disable servr be/s1": "disable server", "sho ver": "show"} {
		if got := ask(t, path, wrong); !strings.Contains(got, "\n  "+right) {
			t.Errorf("%s: %s is not offered in %q", wrong, right, got)
		}
	}
	// A blank that was escaped does not separate words.
	if got := ask(t, path, `show\ info`); !strings.HasPrefix(got, "Unknown command, but") || !strings.Contains(got, "\n  show info ") {
		t.Errorf("escaped blank: %q", got)
	}
	if got := ask(t, path, ""); !strings.HasPrefix(got, "Unknown command. Please enter one of the following commands only:\n  abort ssl ca-file") {
		t.Errorf("empty line: %q", got)
	}
}

func TestUnsupportedCommandsAreTold(t *testing.T) {
	_, path := start(t, newFake(), Options{}, Access{Level: AdminLevel})
	table := NewTable(commands(), unsupported())
	for _, u := range unsupported() {
		if c, _ := table.Find(strings.Split(u.Words, " ")); c != nil {
			t.Errorf("%s is called unsupported but exists", u.Words)
		}
	}
	for line, want := range map[string]string{
		"debug dev hex 0x1":         "'debug dev hex' is not supported by this engine.\n\n",
		"add backend b from d":      "'add backend' is not supported by this engine: backends come with the configuration; servers of theirs can be added and deleted ('add server').\n\n",
		"unpublish backend be guid": "'unpublish backend' is not supported by this engine: backends come with the configuration; servers of theirs can be added and deleted ('add server').\n\n",
	} {
		if got := ask(t, path, line); got != want {
			t.Errorf("%s: %q", line, got)
		}
	}
}

func TestShowSessions(t *testing.T) {
	e := newFake()
	e.sessions = []Session{
		{ID: 0x2a, Proto: "tcpv4", Source: "127.0.0.1:4000", Frontend: "fe", Backend: "be", Server: "s1", ServerAddr: "127.0.0.1:80", HTTP: true, Thread: 1, Started: time.Now().Add(-65 * time.Second), BytesIn: 10, BytesOut: 20, RequestState: "data", Expires: 9 * time.Second, ClientExpires: 9 * time.Second, ClientFD: 7, ServerFD: 8, FrontendID: 2, BackendID: 4, ServerID: 1, FrontendHTTP: true, BackendHTTP: true, ListenerID: 1, ListenerAddr: "127.0.0.1:8080", ServerTLS: true},
		{ID: 0x2b, Proto: "unix_stream", Source: "unix:1", Frontend: "fe", Thread: 2, Started: time.Now(), ClientFD: 9, ServerFD: -1},
	}
	_, path := start(t, e, Options{}, Access{Level: AdminLevel})
	want := "0x2a: proto=tcpv4 src=127.0.0.1:4000 fe=fe be=be srv=s1 ts=01 age=1m5s in=10 out=20 state=data rq[rx=9s] rp[rx=] scf=[fd=7] scb=[fd=8] exp=9s rc=0\n" +
		"0x2b: proto=unix_stream src=unix:1 fe=fe be=<NONE> srv=<none> ts=02 age=0s in=0 out=0 state=- rq[rx=] rp[rx=] scf=[fd=9] scb=[fd=-1] exp= rc=0\n\n"
	if got := ask(t, path, "show sess"); got != want {
		t.Errorf("got %q\nwant %q", got, want)
	}
	if got := ask(t, path, "show sess 0x2b"); !strings.HasPrefix(got, "0x2b: [") || strings.Contains(got, "0x2a") {
		t.Errorf("one session: %q", got)
	}
	if got := ask(t, path, "show sess all"); strings.Count(got, "proto=") != 2 {
		t.Errorf("all: %q", got)
	}
	for line, answer := range map[string]string{
		"show sess older 60": strings.SplitAfter(want, "\n")[0] + "\n", "show sess older 10m": "\n", "show sess older": "Expects a minimum age (in seconds by default).\n\n",
		"show sess 44": "Session not found.\n\n", "show sess x": want, "show sess 0x": want,
	} {
		if got := ask(t, path, line); got != answer {
			t.Errorf("%s: %q, want %q", line, got, answer)
		}
	}
	got := ask(t, path, "show sess 42")
	for _, line := range []string{
		"frontend=fe (id=2 mode=http), listener=? (id=1) addr=127.0.0.1:8080", "backend=be (id=4 mode=http)", "server=s1 (id=1) addr=127.0.0.1:80",
		"task: exp=9s age=1m5s", "txn: status=-1", "scf: co0 ctrl=tcpv4 xprt=RAW mux=H1 fd=7", "scb: co1 xprt=SSL mux=H1 fd=8", "req: total=10 rex=9s", "res: total=20 rex=<NEVER>",
	} {
		if !strings.Contains(got, "\n  "+line+"\n") {
			t.Errorf("%q is missing in %q", line, got)
		}
	}
}

func TestShowErrors(t *testing.T) {
	e := newFake()
	when := time.Date(2026, 11, 23, 12, 2, 15, 494e6, time.Local)
	e.errors = []CapturedError{{ID: 3, When: when, Frontend: "fe", FrontendID: 2, BackendID: -1, Source: "127.0.0.1:53578", State: "header name", Pos: 26, Data: []byte("GET / HTTP/1.1\r\nX y: " + strings.Repeat("y", 80) + "\t\x01\\\r\n\r\n")}}
	_, path := start(t, e, Options{}, Access{Level: Operator})
	got := ask(t, path, "show errors")
	want := ` : 1
 
[23/Nov/2026:12:02:15.494] frontend fe (#2): invalid request
  backend <NONE> (#-1), server <NONE> (#-1), event #3, src 127.0.0.1:53578
  len 108, error at position 26, state header name :
  
  00000  GET / HTTP/1.1\r\n
  00016  X y: yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy
  00086+ yyyyyyyyyyyyyyy\t\x01\\\r\n
  00106  \r\n

`
	if !strings.HasPrefix(got, "Total events captured on [") || !strings.HasSuffix(got, want) {
		t.Errorf("got %s\nwant …%s", got, want)
	}
	for line, shown := range map[string]bool{"show errors fe": true, "show errors be": false, "show errors -1 response": false, "show errors 2 request": true} {
		if got := ask(t, path, line); strings.Contains(got, "invalid request") != shown {
			t.Errorf("%s: %q", line, got)
		}
	}
}

func TestOtherDumps(t *testing.T) {
	e := newFake()
	_, path := start(t, e, Options{}, Access{Level: AdminLevel})
	t.Setenv("BENCH_CLI_TEST", "x=y")
	for line, want := range map[string]string{
		"show env BENCH_CLI_TEST": "BENCH_CLI_TEST=x=y\n\n",
		"show cli sockets":        "# socket lvl processes\nunix@/run/a.sock admin all\n127.0.0.1:9999 user all\n\n",
		"show backend":            "# name\nbe\ntb\n\n",
	} {
		if got := ask(t, path, line); got != want {
			t.Errorf("%s: got %q, want %q", line, got, want)
		}
	}
	for line, part := range map[string]string{
		"show activity":                       "\nloops: 12 [ 5 7 ]\n",
		"show threads":                        "  Thread 2 : id=0x0 act=1 glob=0 wq=0 rq=1 tl=1 tlsz=2 rqsz=2\n      1/2    stuck=0 prof=0 harmless=0 wantrdv=0\n             cpu_ns: poll=0 now=0 diff=0\n             poller=epoll loops=7 ",
		"show pools":                          "\n  - Pool stream (400 bytes) : 5 allocated (2000 bytes), 5 used (~3 by thread caches), needed_avg 2, 0 failures, 1 users\nTotal: 1 pools, 2000 bytes allocated, 2000 used (~1200 by thread caches).\nRuntime: ",
		"show fd 0":                           "      0 : ",
		"show fd":                             " the first\n",
		"show tasks":                          "Running tasks: 5 (2 threads)\n  function                     places     %    lat_tot   lat_avg\n  a                                 3  60.0         -         -\n  b                                 2  40.0         -         -\n",
		"show info":                           "\nNbthread: 2\n",
		"show info json":                      `{"field":{"pos":3,"name":"Nbthread"}`,
		"show info typed desc":                "3.Nbthread.1:CGS:u32:2:\"",
		"show stat be 4 1":                    "\nbe,s1,",
		"show stat -1 2 -1 typed":             "B.4.0.1.svname.1:KNS:str:BACKEND\n",
		"show stat domain proxy fe 1 -1 json": `[[{"objType":"Frontend","proxyId":2`,
	} {
		if got := ask(t, path, line); !strings.Contains(got, part) {
			t.Errorf("%s: %q is not in %q", line, part, got)
		}
	}
}

func TestShowProfiling(t *testing.T) {
	e := newFake()
	_, path := start(t, e, Options{}, Access{Level: AdminLevel})
	const title = "Tasks activity:\n  function                      calls   cpu_tot   cpu_avg   lat_tot   lat_avg\n"
	const memory = "Memory usage profiling              : off           # set profiling memory {on|off}\n"
	if got, want := ask(t, path, "show profiling"), "Per-task CPU profiling              : auto-off      # set profiling tasks {on|auto|off}\n"+memory+title+"\n"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	e.profiles = map[string]Profile{"a": {2, 3 * time.Millisecond}, "b": {3, 1500}, "c": {0, 0}}
	rows := []string{
		"  b                                 3     1.5us     500ns         -         -\n",
		"  a                                 2       3ms     1.5ms         -         -\n",
		"  c                                 0       0ns       0ns         -         -\n",
	}
	for line, want := range map[string]string{
		"show profiling tasks":            title + rows[0] + rows[1] + rows[2],
		"show profiling tasks 1":          title + rows[0],
		"show profiling tasks byaddr 2":   title + rows[1] + rows[0],
		"show profiling status":           "Per-task CPU profiling              : auto-on       # set profiling tasks {on|auto|off}\n" + memory,
		"show profiling memory":           "",
		"show threads":                    "",
		"operator; set profiling tasks 1": "\nPermission denied\n",
	} {
		got := ask(t, path, line)
		if line == "show threads" {
			if !strings.Contains(got, "prof=1") || !strings.Contains(got, "prof=0") {
				t.Errorf("%s: %q", line, got)
			}
			continue
		}
		if strings.TrimSuffix(got, "\n") != want && got != want {
			t.Errorf("%s: %q, want %q", line, got, want)
		}
	}
	if got := ask(t, path, "set profiling tasks on"); strings.TrimSpace(got) != "" {
		t.Errorf("switching on: %q", got)
	}
	if got := ask(t, path, "show profiling status"); !strings.Contains(got, ": on  ") {
		t.Errorf("switched on: %q", got)
	}
	if got := e.take(); got != "profiling 1" {
		t.Errorf("done: %q", got)
	}
}
