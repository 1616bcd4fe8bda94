package backends_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"bench/backends/control"
	"bench/backends/redisorigin"
	"bench/internal/testpeer"
)

// startRedis runs a process of Redis origins.
func startRedis(t *testing.T, o redisorigin.Options) *rig {
	t.Helper()
	k, err := redisorigin.NewConfig(o)
	if err != nil {
		t.Fatal(err)
	}
	opts := defaults()
	opts.Kind = k
	return startProcess(t, &opts)
}

// redisLines speaks inline commands and gives the answers as lines.
type redisLines struct {
	t  *testing.T
	c  net.Conn
	in *bufio.Reader
}

func (r *rig) redis() *redisLines {
	c := r.dial()
	return &redisLines{r.t, c, bufio.NewReader(c)}
}

// do sends a command and returns its answer as it came, one line or, for bulk
// strings and aggregates, all of theirs.
func (l *redisLines) do(command string) string {
	l.t.Helper()
	if _, err := io.WriteString(l.c, command+"\r\n"); err != nil {
		l.t.Fatal(err)
	}
	return l.reply()
}

func (l *redisLines) reply() string {
	l.t.Helper()
	line, err := l.in.ReadString('\n')
	if err != nil {
		l.t.Fatalf("after %q: %v", line, err)
	}
	text := strings.TrimSuffix(line, "\r\n")
	n := 0
	for _, c := range text[1:] {
		n = n*10 + int(c-'0')
	}
	switch {
	case strings.HasPrefix(text[1:], "-"):
	case text[0] == '$' || text[0] == '=':
		body := make([]byte, n+2)
		if _, err := io.ReadFull(l.in, body); err != nil {
			l.t.Fatal(err)
		}
		return string(body[:n])
	case text[0] == '*', text[0] == '%':
		parts := []string{}
		if text[0] == '%' {
			n *= 2
		}
		for range n {
			parts = append(parts, l.reply())
		}
		return "[" + strings.Join(parts, " ") + "]"
	}
	return text
}

func TestRedisCommands(t *testing.T) {
	l := startRedis(t, redisorigin.Options{Keys: map[string]string{"there": "1"}}).redis()
	for _, c := range [][2]string{
		{"ping", "+PONG"},
		{"PING hi", "hi"},
		{"echo 'a b'", "a b"},
		{"get there", "1"},
		{"get none", "$-1"},
		{"set k v", "+OK"},
		{"set k w nx", "$-1"},
		{"set none w xx", "$-1"},
		{"set k w xx get", "v"},
		{"set k w ex 100", "+OK"},
		{"ttl k", ":100"},
		{"set k x keepttl", "+OK"},
		{"ttl k", ":100"},
		{"set k x", "+OK"},
		{"ttl k", ":-1"},
		{"ttl none", ":-2"},
		{"set k x ex 0", "-ERR invalid expire time in 'set' command"},
		{"set k x ex a", "-ERR value is not an integer or out of range"},
		{"set k x bogus", "-ERR syntax error"},
		{"setnx k y", ":0"},
		{"setex k 10 y", "+OK"},
		{"persist k", ":1"},
		{"persist k", ":0"},
		{"getset k z", "y"},
		{"append k yx", ":3"},
		{"strlen k", ":3"},
		{"getrange k 0 -2", "zy"},
		{"getrange k 5 9", ""},
		{"getrange k 0 -9", "z"},
		{"incr k", "-ERR value is not an integer or out of range"},
		{"incr n", ":1"},
		{"incrby n 41", ":42"},
		{"decr n", ":41"},
		{"decrby n 50", ":-9"},
		{"set agent 007", "+OK"},
		{"incr agent", "-ERR value is not an integer or out of range"},
		{"incrby n +1", "-ERR value is not an integer or out of range"},
		{"incrby n -0", "-ERR value is not an integer or out of range"},
		{"incrby n ''", "-ERR value is not an integer or out of range"},
		{"getdel agent", "007"},
		{"set big 9223372036854775807", "+OK"},
		{"incr big", "-ERR increment or decrement would overflow"},
		{"mset a 1 b 2", "+OK"},
		{"mset a 1 b", "-ERR wrong number of arguments for 'mset' command"},
		{"mget a none b", "[1 $-1 2]"},
		{"getdel a", "1"},
		{"exists a b b", ":2"},
		{"type b", "+string"},
		{"type a", "+none"},
		{"expire b 100", ":1"},
		{"expire b 100 nx", ":0"},
		{"expire b 50 gt", ":0"},
		{"expire b 200 gt", ":1"},
		{"expire b 300 lt", ":0"},
		{"expire b 150 lt", ":1"},
		{"ttl b", ":150"},
		{"expire there 9 gt", ":0"},
		{"expire b 9 later", "-ERR Unsupported option later"},
		{"expire b 9223372036854775807", "-ERR invalid expire time in 'expire' command"},
		{"pexpire b -1", ":1"},
		{"exists b", ":0"},
		{"keys t*e", "[there]"},
		{"keys [^a-s]here", "[there]"},
		{"scan 0 match th\\ere count 10", "[0 [there]]"},
		{"dbsize", ":4"},
		{"select 3", "+OK"},
		{"dbsize", ":0"},
		{"select 16", "-ERR DB index is out of range"},
		{"select 0", "+OK"},
		{"del k n big none", ":3"},
		{"flushall", "+OK"},
		{"dbsize", ":0"},
		{"config get save", "[save ]"},
		{"config get maxmem*", "[maxmemory 268435456 maxmemory-policy noeviction]"},
		{"config set save x", "-ERR the settings of this origin can be read only: CONFIG GET"},
		{"client setname me", "+OK"},
		{"client getname", "me"},
		{"client id", ":1"},
		{"command docs", "[]"},
		{"wait 0 10", ":0"},
		{"auth secret", "-ERR AUTH <password> called without any password configured for the default user. Are you sure your configuration is correct?"},
		{"get", "-ERR wrong number of arguments for 'get' command"},
		{"bogus", "-ERR unknown command 'bogus', with args beginning with: "},
		{"role", "[master :1000000000 []]"},
		{"hello 4", "-NOPROTO unsupported protocol version"},
		{"hello 3", "[server redis version 7.0.15 proto :3 id :1 mode standalone role master modules []]"},
		{"get none", "_"},
		{"reset", "+RESET"},
		{"get none", "$-1"},
		{"quit", "+OK"},
	} {
		if got := l.do(c[0]); got != c[1] {
			t.Errorf("%s: %q, want %q", c[0], got, c[1])
		}
	}
	if _, err := l.in.ReadByte(); !errors.Is(err, io.EOF) {
		t.Errorf("after quit: %v", err)
	}
}

func TestRedisExpiry(t *testing.T) {
	l := startRedis(t, redisorigin.Options{}).redis()
	l.do("set a 1 px 30")
	l.do("set b 1 px 30")
	if got := l.do("get a"); got != "1" {
		t.Errorf("got %q", got)
	}
	time.Sleep(40 * time.Millisecond)
	if got := l.do("get a"); got != "$-1" {
		t.Errorf("got %q after its time", got)
	}
	if got := l.do("info stats"); !strings.Contains(got, "expired_keys:1\r\n") {
		t.Errorf("stats: %s", got)
	}
	eventually(t, "the sweep", func() bool { return l.do("dbsize") == ":0" })
}

func TestRedisReplicaOf(t *testing.T) {
	l := startRedis(t, redisorigin.Options{}).redis()
	for _, c := range [][2]string{
		{"replicaof 192.0.2.1 6400", "+OK"},
		{"role", "[slave 192.0.2.1 :6400 connected :1000000000]"},
		{"replicaof 192.0.2.1 65536", "-ERR Invalid master port"},
		{"replicaof no one", "+OK"},
		{"role", "[master :1000000000 []]"},
	} {
		if got := l.do(c[0]); got != c[1] {
			t.Errorf("%s: %q, want %q", c[0], got, c[1])
		}
	}
	l.do("replicaof 192.0.2.1 6400")
	if got := l.do("info replication"); !strings.Contains(got, "master_host:192.0.2.1\r\nmaster_port:6400\r\n") {
		t.Errorf("got %s", got)
	}
}

func TestRedisAuthentication(t *testing.T) {
	r := startRedis(t, redisorigin.Options{User: "app", Password: "secret"})
	l := r.redis()
	for _, c := range [][2]string{
		{"ping", "-NOAUTH Authentication required."},
		{"auth secret", "-WRONGPASS invalid username-password pair or user is disabled."},
		{"auth app wrong", "-WRONGPASS invalid username-password pair or user is disabled."},
		{"hello 3 auth app wrong", "-WRONGPASS invalid username-password pair or user is disabled."},
		{"auth app secret", "+OK"},
		{"ping", "+PONG"},
	} {
		if got := l.do(c[0]); got != c[1] {
			t.Errorf("%s: %q, want %q", c[0], got, c[1])
		}
	}
	c, err := r.control.Counters(t.Context())
	if err != nil || c.Replicas[0].Connections.Denied != 3 {
		t.Errorf("counted %+v, %v", c.Replicas[0].Connections, err)
	}
}

// What each state answers.
func TestRedisStates(t *testing.T) {
	for _, c := range []struct {
		name  string
		fault control.Fault
		want  map[string]string // beginnings
	}{
		{"loading", control.Fault{Kind: control.KindState, State: control.StateLoading}, map[string]string{
			"ping": "-LOADING ", "get absent": "-LOADING ", "set k v": "-LOADING ", "echo x": "x", "role": "[master",
		}},
		{"misconf", control.Fault{Kind: control.KindState, State: control.StateMisconf}, map[string]string{
			"ping": "-MISCONF ", "get absent": "$-1", "set k v": "-MISCONF ", "echo x": "x",
		}},
		{"masterdown of a primary", control.Fault{Kind: control.KindState, State: control.StateDown}, map[string]string{
			"ping": "+PONG", "get absent": "$-1", "set k v": "+OK",
		}},
		{"replica", control.Fault{Kind: control.Role, Role: control.RoleReplica}, map[string]string{
			"ping": "+PONG", "get absent": "$-1", "set k v": "-READONLY ", "role": "[slave 127.0.0.1 :6379 connected :1000000000]",
		}},
		{"error", control.Fault{Kind: control.Error}, map[string]string{"ping": "-ERR ", "get absent": "-ERR "}},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := startRedis(t, redisorigin.Options{})
			l := r.redis()
			c.fault.For = "1m"
			a := r.apply(c.fault)
			for command, want := range c.want {
				if got := l.do(command); !strings.HasPrefix(got, want) {
					t.Errorf("%s: %q, want %q", command, got, want)
				}
			}
			if _, err := r.control.Clear(t.Context(), control.ClearOrder{ID: a.ID}); err != nil {
				t.Fatal(err)
			}
			if got := l.do("set k v"); got != "+OK" {
				t.Errorf("after it: %q", got)
			}
		})
	}
	t.Run("masterdown of a replica", func(t *testing.T) {
		r := startRedis(t, redisorigin.Options{Role: control.RoleReplica, Lag: 2 * time.Second, Primary: "10.0.0.1:7000"})
		l := r.redis()
		if got := l.do("role"); got != "[slave 10.0.0.1 :7000 connected :999998000]" {
			t.Errorf("role %q", got)
		}
		r.apply(control.Fault{Kind: control.Lag, Lag: "5s", For: "1m"})
		if got := l.do("info replication"); !strings.Contains(got, "slave_repl_offset:999995000") || !strings.Contains(got, "master_link_status:up") {
			t.Errorf("info %q", got)
		}
		r.apply(control.Fault{Kind: control.KindState, State: control.StateDown, For: "1m"})
		for command, want := range map[string]string{"ping": "-MASTERDOWN ", "get k": "-MASTERDOWN ", "role": "[slave 10.0.0.1 :7000 connect :"} {
			if got := l.do(command); !strings.HasPrefix(got, want) {
				t.Errorf("%s: %q, want %q", command, got, want)
			}
		}
		if got := l.do("info replication"); !strings.Contains(got, "master_link_status:down\r\nmaster_last_io_seconds_ago:-1\r\n") ||
			!strings.Contains(got, "master_link_down_since_seconds:5\r\n") {
			t.Errorf("info %q", got)
		}
		if got := l.do("replicaof no one"); got != "+OK" {
			t.Errorf("replicaof: %q", got)
		}
		if got := l.do("set k v"); got != "+OK" {
			t.Errorf("promoted, it answers %q", got)
		}
	})
}

// Of several reasons to refuse a command Redis gives one, whatever came first.
func TestRedisReasons(t *testing.T) {
	for _, c := range []struct {
		role, state, command, want string
	}{
		{control.RoleReplica, control.StateDown, "set k v", "-READONLY "},
		{control.RoleReplica, control.StateDown, "get k", "-MASTERDOWN "},
		{control.RoleReplica, control.StateLoading, "set k v", "-READONLY "},
		{control.RoleReplica, control.StateLoading, "get k", "-LOADING "},
		{control.RoleReplica, control.StateMisconf, "set k v", "-MISCONF "},
		{control.RolePrimary, control.StateMisconf, "set k v", "-OOM "},
		{control.RolePrimary, control.StateMisconf, "del k", "-MISCONF "},
	} {
		r := startRedis(t, redisorigin.Options{Role: c.role, MaxMemory: 1, Keys: map[string]string{"full": "x"}})
		r.apply(control.Fault{Kind: control.KindState, State: c.state, For: "1m"})
		if got := r.redis().do(c.command); !strings.HasPrefix(got, c.want) {
			t.Errorf("%s of a %s that is %s: %q, want %q", c.command, c.role, c.state, got, c.want)
		}
	}
}

func TestRedisLimits(t *testing.T) {
	r := startRedis(t, redisorigin.Options{MaxConnections: 1, MaxMemory: 1000})
	l := r.redis()
	if got := l.do("set k " + strings.Repeat("v", 1000)); got != "+OK" {
		t.Errorf("got %q", got)
	}
	if got := l.do("set l v"); !strings.HasPrefix(got, "-OOM ") {
		t.Errorf("got %q", got)
	}
	if got := r.redis().reply(); got != "-ERR max number of clients reached" {
		t.Errorf("got %q", got)
	}
	c, err := r.control.Counters(t.Context())
	if err != nil || c.Replicas[0].Connections.Limited != 1 {
		t.Errorf("counted %+v, %v", c.Replicas[0].Connections, err)
	}
}

func TestRedisCounts(t *testing.T) {
	r := startRedis(t, redisorigin.Options{})
	l := r.redis()
	l.do("client setname shop")
	l.do("ping")
	l.do("bogus")
	if k := r.class("shop"); k.Received != 2 || k.Answered != 2 || k.Errors != 1 {
		t.Errorf("class shop %+v", k)
	}
	if k := r.class("-"); k.Received != 1 {
		t.Errorf("class - %+v", k)
	}
	if got := l.do("*1\r\n+x"); got != "-ERR Protocol error: expected '$', got '+'" {
		t.Errorf("got %q", got)
	}
	if _, err := l.in.ReadByte(); !errors.Is(err, io.EOF) {
		t.Errorf("after a protocol error: %v", err)
	}
}

// Pipelines come out in order whatever their length, with and without latency.
func TestRedisPipeline(t *testing.T) {
	r := startRedis(t, redisorigin.Options{})
	l := r.redis()
	value := strings.Repeat("x", 300)
	l.do("set k " + value)
	const n = 3000 // a megabyte of answers
	go func() { _, _ = io.WriteString(l.c, strings.Repeat("get k\r\nincr n\r\n", n)) }()
	for i := range n {
		if got := l.reply(); got != value {
			t.Fatalf("answer %d is %.20q", i, got)
		}
		l.reply()
	}
	if got := l.do("get n"); got != "3000" {
		t.Errorf("counted %s", got)
	}
	r.apply(control.Fault{Kind: control.Latency, Latency: "1ms", For: "1m"})
	begin := time.Now()
	_, _ = io.WriteString(l.c, strings.Repeat("incr n\r\n", 20))
	for range 20 {
		l.reply()
	}
	if took := time.Since(begin); took < 20*time.Millisecond {
		t.Errorf("20 commands of 1 ms took %v", took)
	}
}

func TestRedisCLI(t *testing.T) {
	cli := testpeer.Need(t, "redis-cli")
	r := startRedis(t, redisorigin.Options{Password: "secret"})
	host, port, _ := net.SplitHostPort(r.addr[0])
	run := func(args ...string) string {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		out, err := exec.CommandContext(ctx, cli, append([]string{"-h", host, "-p", port, "--no-auth-warning", "-a", "secret"}, args...)...).CombinedOutput()
		if err != nil {
			t.Fatalf("redis-cli %v: %v: %s", args, err, out)
		}
		return strings.TrimSpace(string(out))
	}
	for want, args := range map[string][]string{
		"OK":       {"set", "k", "v"},
		"PONG":     {"-3", "ping"},
		"(nil)":    {"--no-raw", "get", "none"},
		"\"none\"": {"--no-raw", "-3", "type", "none"},
	} {
		if got := run(args...); got != strings.Trim(want, "\"") {
			t.Errorf("%v: %q, want %q", args, got, want)
		}
	}
	if got := run("info", "server"); !strings.Contains(got, "redis_version:"+redisorigin.Version) {
		t.Errorf("info: %q", got)
	}
}

func TestRedisBenchmark(t *testing.T) {
	program := testpeer.Need(t, "redis-benchmark")
	r := startRedis(t, redisorigin.Options{})
	host, port, _ := net.SplitHostPort(r.addr[0])
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	out, err := exec.CommandContext(ctx, program, "-h", host, "-p", port, "-t", "ping,set,get,incr,mset", "-n", "2000", "-c", "10", "-P", "4", "--csv").CombinedOutput()
	if err != nil || strings.Count(string(out), "\n") != 7 || strings.Contains(strings.ToLower(string(out)), "err") {
		t.Errorf("%v: %s", err, out)
	}
	if k := r.class("-"); k.Received < 12_000 || k.Answered != k.Received || k.Errors > 0 {
		t.Errorf("counted %+v", k)
	}
}

func TestGoRedis(t *testing.T) {
	for _, version := range []int{2, 3} {
		r := startRedis(t, redisorigin.Options{Password: "secret"})
		c := redis.NewClient(&redis.Options{Addr: r.addr[0], Protocol: version, Password: "secret", DB: 2, ClientName: "shop"})
		defer c.Close()
		ctx := t.Context()
		if err := c.Set(ctx, "k", "v", time.Minute).Err(); err != nil {
			t.Fatal(err)
		}
		if v, err := c.Get(ctx, "k").Result(); v != "v" || err != nil {
			t.Errorf("RESP%d: %q, %v", version, v, err)
		}
		if _, err := c.Get(ctx, "none").Result(); !errors.Is(err, redis.Nil) {
			t.Errorf("RESP%d: %v", version, err)
		}
		if d, err := c.TTL(ctx, "k").Result(); d != time.Minute || err != nil {
			t.Errorf("RESP%d: %v, %v", version, d, err)
		}
		n, err := c.Pipelined(ctx, func(p redis.Pipeliner) error {
			for range 100 {
				p.Incr(ctx, "n")
			}
			return nil
		})
		if err != nil || n[99].(*redis.IntCmd).Val() != 100 {
			t.Errorf("RESP%d: %v", version, err)
		}
		found, _, err := c.Scan(ctx, 0, "?", 10).Result()
		if err != nil || len(found) != 2 {
			t.Errorf("RESP%d: %v, %v", version, found, err)
		}
		r.apply(control.Fault{Kind: control.Role, Role: control.RoleReplica, For: "1m"})
		if err := c.Set(ctx, "k", "v", 0).Err(); err == nil || !strings.HasPrefix(err.Error(), "READONLY") {
			t.Errorf("RESP%d: %v", version, err)
		}
	}
}

func TestBadRedisOptions(t *testing.T) {
	for _, o := range []redisorigin.Options{{Role: "boss"}, {Lag: -1}, {MaxConnections: -1}, {Primary: "nowhere"}} {
		if _, err := redisorigin.NewConfig(o); err == nil {
			t.Errorf("%+v is taken", o)
		}
	}
}
