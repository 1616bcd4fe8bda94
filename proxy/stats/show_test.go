package stats

import (
	"bytes"
	"iter"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"bench/proxy/state"
)

// exampleRows are the rows of a configuration whose output by the reference
// (2.6.12) is kept in testdata: every type, mode and state of a server once.
func exampleRows() []Row {
	idle := Totals{LastSession: -1}
	server := func(id int, name string, port string, s ServerRow) Row {
		if s.UserWeight == 0 {
			s.UserWeight, s.Weight = 1, 1
		}
		if s.IdleLimit == 0 {
			s.IdleLimit = -1
		}
		s.Check.Rise = 2
		if s.Check.Fall == 0 {
			s.Check.Fall = 3
		}
		return Row{
			Type: RowServer, Proxy: "be", ProxyID: 4, Name: name, ID: id, HTTP: true,
			Sessions: Level{Limit: -1}, Queue: Level{Limit: -1}, Totals: idle,
			Addr: "127.0.0.1:" + port, Server: s,
		}
	}
	s1 := server(1, "s1", "18090", ServerRow{LastChange: 1, Cookie: "c1", NeedConns: 1, Check: CheckState{Enabled: true, Status: "L7OK", Code: 200, Duration: 1, Desc: "Layer7 check passed", Health: 4}})
	s1.Sessions.Limit, s1.Queue.Limit = 100, 7
	s2 := server(2, "s2", "18091", ServerRow{LastChange: 1, Weight: 10, UserWeight: 10})
	s3 := server(3, "s3", "18092", ServerRow{LastChange: 1, Maint: true, Backup: true})
	s4 := server(4, "s4", "18093", ServerRow{LastChange: 1, DownTime: 1, Downs: 1, Health: state.Down, NeedConns: 1, Check: CheckState{Enabled: true, Status: "L4CON", Code: -1, Desc: "Layer4 connection problem", Output: "Connection refused", Fall: 1, Failed: 1}})
	s5 := server(5, "s5", "18091", ServerRow{LastChange: 1, DownTime: 1, Maint: true, Check: CheckState{Enabled: true}})
	s6 := server(6, "s6", "18091", ServerRow{LastChange: 1, Tracked: "be/s1", Followed: s1.Server.Check})
	s7 := server(7, "s7", "18091", ServerRow{Drain: true})
	s8 := server(8, "s8", "18091", ServerRow{LastChange: 1, IdleLimit: 9})
	t1 := server(1, "t1", "18090", ServerRow{LastChange: 1})
	t1.Proxy, t1.ProxyID, t1.HTTP = "tb", 5, false
	be := idle
	be.H1 = H1{Conns: 12, Streams: 12, BytesIn: 686, BytesOut: 108}
	return []Row{
		{Type: RowFrontend, Proxy: "fe", ProxyID: 2, HTTP: true, Sessions: Level{Limit: 200}, SessRateLimit: 30, Totals: idle},
		{Type: RowListener, Proxy: "fe", ProxyID: 2, Name: "sock-1", ID: 1, HTTP: true, Addr: "127.0.0.1:18080"},
		{Type: RowFrontend, Proxy: "tf", ProxyID: 3, Sessions: Level{Limit: 50}, Totals: idle},
		{Type: RowListener, Proxy: "tf", ProxyID: 3, Name: "web", ID: 1, Addr: "127.0.0.1:18081"},
		s1, s2, s3, s4, s5, s6, s7, s8,
		{Type: RowBackend, Proxy: "be", ProxyID: 4, HTTP: true, Sessions: Level{Limit: 20}, Totals: be, Backend: BackendRow{Up: true, Active: 4, Servers: 8, UpServers: 5, Weight: 13, UserWeight: 13, LastChange: 1, Algorithm: "roundrobin", CookieName: "SRV"}},
		t1,
		{Type: RowBackend, Proxy: "tb", ProxyID: 5, Sessions: Level{Limit: 5}, Totals: idle, Backend: BackendRow{Up: true, Active: 1, Servers: 1, UpServers: 1, Weight: 1, UserWeight: 1, LastChange: 1, Algorithm: "leastconn"}},
		{Type: RowBackend, Proxy: "nosrv", ProxyID: 6, HTTP: true, Sessions: Level{Limit: 1}, Totals: idle, Backend: BackendRow{Up: true, LastChange: 1, Algorithm: "roundrobin"}},
	}
}

// all gives the rows of a list.
func all(rows []Row) iter.Seq[*Row] {
	return func(yield func(*Row) bool) {
		for i := range rows {
			if !yield(&rows[i]) {
				return
			}
		}
	}
}

// golden reads a file of the reference's answer; the empty line that ends an
// answer belongs to the CLI.
func golden(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSuffix(string(b), "\n")
}

func compareLines(t *testing.T, got, want string) {
	t.Helper()
	if got == want {
		return
	}
	g, w := strings.Split(got, "\n"), strings.Split(want, "\n")
	for i := range max(len(g), len(w)) {
		a, b := "<none>", "<none>"
		if i < len(g) {
			a = g[i]
		}
		if i < len(w) {
			b = w[i]
		}
		if a != b {
			t.Errorf("line %d\ngot  %s\nwant %s", i+1, a, b)
		}
	}
}

func TestRowsAsTheReferenceWritesThem(t *testing.T) {
	up := All()
	up.Up = true
	for _, tt := range []struct {
		file   string
		format Format
		sel    Selection
	}{
		{"stat.csv", Text, All()},
		{"stat-up.csv", Text, up},
		{"stat.typed", Typed, All()},
		{"stat.json", JSON, Selection{ProxyID: 4, Types: 4, ServerID: 4}},
	} {
		t.Run(tt.file, func(t *testing.T) {
			var b bytes.Buffer
			if err := WriteRows(&b, all(exampleRows()), tt.sel, tt.format, false); err != nil {
				t.Fatal(err)
			}
			got, want := b.String(), golden(t, tt.file)
			if tt.format == JSON {
				got, want = strings.ReplaceAll(got, "},{", "},\n{"), strings.ReplaceAll(want, "},{", "},\n{")
			}
			compareLines(t, got, want)
		})
	}
}

func TestSelection(t *testing.T) {
	names := func(s Selection) string {
		var b bytes.Buffer
		if err := WriteRows(&b, all(exampleRows()), s, Text, false); err != nil {
			t.Fatal(err)
		}
		var out []string
		for _, l := range strings.Split(strings.TrimSpace(b.String()), "\n")[1:] {
			f := strings.SplitN(l, ",", 3)
			out = append(out, f[0]+"/"+f[1])
		}
		return strings.Join(out, " ")
	}
	for _, tt := range []struct {
		sel  Selection
		want string
	}{
		{Selection{ProxyID: 5, Types: -1, ServerID: -1}, "tb/t1 tb/BACKEND"},
		{Selection{ProxyID: -1, Types: 1, ServerID: -1}, "fe/FRONTEND tf/FRONTEND"},
		{Selection{ProxyID: -1, Types: 8, ServerID: -1}, "fe/sock-1 tf/web"},
		{Selection{ProxyID: 4, Types: 4, ServerID: 2}, "be/s2"},
		{Selection{ProxyID: 4, Types: 6, ServerID: 2}, "be/s2 be/BACKEND"},
		{Selection{ProxyID: 4, Types: 4, ServerID: -1, NoMaint: true}, "be/s1 be/s2 be/s4 be/s6 be/s7 be/s8"},
		{Selection{ProxyID: 99, Types: -1, ServerID: -1}, ""},
	} {
		if got := names(tt.sel); got != tt.want {
			t.Errorf("%+v: got %s, want %s", tt.sel, got, tt.want)
		}
	}
}

func TestServerStatus(t *testing.T) {
	check := func(health int) CheckState { return CheckState{Enabled: true, Rise: 2, Fall: 3, Health: health} }
	for _, tt := range []struct {
		row  ServerRow
		want string
	}{
		{ServerRow{Check: check(4)}, "UP"},
		{ServerRow{Check: check(3)}, "UP 2/3"},
		{ServerRow{Check: check(2)}, "UP 1/3"},
		{ServerRow{Check: check(1), Health: state.Down}, "DOWN 1/2"},
		{ServerRow{Check: check(0), Health: state.Down}, "DOWN"},
		{ServerRow{Check: check(4), Health: state.Stopping}, "NOLB"},
		{ServerRow{Check: check(3), Drain: true}, "DRAIN 2/3"},
		{ServerRow{Drain: true}, "DRAIN"},
		{ServerRow{}, "no check"},
		{ServerRow{Tracked: "be/s1"}, "no check"},
		{ServerRow{Tracked: "be/s1", Followed: check(3)}, "UP 2/3"},
		{ServerRow{Tracked: "be/s1", FollowedAgent: check(0), Health: state.Down}, "DOWN (agent)"},
		{ServerRow{Tracked: "be/s1", FollowedAgent: check(1), Drain: true}, "DRAIN (agent)"},
		{ServerRow{Maint: true, Check: check(0), Health: state.Down}, "MAINT"},
		{ServerRow{Maint: true, MaintReason: "via be/s1"}, "MAINT (via be/s1)"},
	} {
		if got := tt.row.status(); got != tt.want {
			t.Errorf("%+v: got %s, want %s", tt.row, got, tt.want)
		}
	}
}

func TestFieldsThatNeedQuoting(t *testing.T) {
	r := exampleRows()[4]
	r.Server.Check.Output = "a, \"b\"\nc\xe9"
	var csv, js bytes.Buffer
	if err := WriteRows(&csv, all([]Row{r}), All(), Text, false); err != nil {
		t.Fatal(err)
	}
	if want := ",\"a, \"\"b\"\"\nc\xe9\","; !strings.Contains(csv.String(), want) {
		t.Errorf("CSV without %q", want)
	}
	if err := WriteRows(&js, all([]Row{r}), All(), JSON, false); err != nil {
		t.Fatal(err)
	}
	if want := `"value":"a, \"b\"\u000ac\u00e9"`; !strings.Contains(js.String(), want) {
		t.Errorf("JSON without %s", want)
	}
}

func exampleInfo() *Info {
	start := time.Unix(1795435079, 0)
	return &Info{
		Version: "2.6.12-1+deb12u4", ReleaseDate: "2026/10/17", Node: "vm", Threads: 1, Pid: 1,
		Started: start, Now: start.Add(90061 * time.Second),
		MaxConn: 200, HardMaxConn: 200, IdlePct: 100,
	}
}

// The reference's fields must all be there, in its order, with its tags.
func TestInfoFieldsAreTheReferences(t *testing.T) {
	for _, tt := range []struct {
		file   string
		format Format
		key    func(line string) string
	}{
		{"info.txt", Text, func(l string) string { k, _, _ := strings.Cut(l, ":"); return k }},
		{"info.typed", Typed, func(l string) string {
			return strings.Join(strings.SplitN(l, ":", 4)[:min(3, strings.Count(l, ":")+1)], ":")
		}},
		{"info.json", JSON, func(l string) string { k, _, _ := strings.Cut(l, `,"value":`); return k }},
	} {
		t.Run(tt.file, func(t *testing.T) {
			var b bytes.Buffer
			if err := WriteInfo(&b, exampleInfo(), tt.format, false, false); err != nil {
				t.Fatal(err)
			}
			keys := func(s string) string {
				var out []string
				for l := range strings.SplitSeq(strings.ReplaceAll(s, `}},{`, "}}\n{"), "\n") {
					out = append(out, tt.key(l))
				}
				return strings.Join(out, "\n")
			}
			compareLines(t, keys(b.String()), keys(golden(t, tt.file)))
		})
	}
}

func TestInfoValues(t *testing.T) {
	i := exampleInfo()
	i.Description = "a node"
	i.Stopping, i.MemAlloc, i.BytesOut, i.DroppedLogs = true, 3<<20, 1<<40, 5
	var b bytes.Buffer
	if err := WriteInfo(&b, i, Text, true, false); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"Uptime: 1d 1h01m01s:\"", "Uptime_sec: 90061:\"", "description: a node:\"", "Stopping: 1:\"",
		"PoolAlloc_MB: 3:\"", "PoolAlloc_bytes: 3145728:\"", "TotalBytesOut: 1099511627776:\"", "DroppedLogs: 5:\"",
	} {
		if !strings.Contains(b.String(), "\n"+want) {
			t.Errorf("no line begins with %s", want)
		}
	}
}
