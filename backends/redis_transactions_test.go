package backends_test

import (
	"bufio"
	"net"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"bench/backends/control"
	"bench/backends/redisorigin"
	"bench/internal/testpeer"
)

// lateCommands are commands with the answers that redis-server gives, on a server
// without keys.
var lateCommands = [][2]string{
	{"exec", "-ERR EXEC without MULTI"},
	{"discard", "-ERR DISCARD without MULTI"},
	{"multi", "+OK"},
	{"multi", "-ERR MULTI calls can not be nested"},
	{"watch a", "-ERR WATCH inside MULTI is not allowed"},
	{"set k 1", "+QUEUED"},
	{"incr k", "+QUEUED"},
	{"incr k x", "-ERR wrong number of arguments for 'incr' command"},
	{"exec", "-EXECABORT Transaction discarded because of previous errors."},
	{"multi", "+OK"},
	{"set k v", "+QUEUED"},
	{"incr k", "+QUEUED"},
	{"get k", "+QUEUED"},
	{"get none", "+QUEUED"},
	{"exec", "[+OK -ERR value is not an integer or out of range v $-1]"},
	{"multi", "+OK"},
	{"bogus a 'b c'", "-ERR unknown command 'bogus', with args beginning with: 'a' 'b c' "},
	{"discard", "+OK"},
	{"multi", "+OK"},
	{"exec", "[]"},
	{"multi", "+OK"},
	{"set k w", "+QUEUED"},
	{"reset", "+RESET"},
	{"get k", "v"},

	// What changes a key that is watched keeps EXEC from its work, once.
	{"watch k other k", "+OK"},
	{"set k w", "+OK"},
	{"multi", "+OK"},
	{"get k", "+QUEUED"},
	{"exec", "*-1"},
	{"multi", "+OK"},
	{"get k", "+QUEUED"},
	{"exec", "[w]"},
	{"watch k", "+OK"},
	{"set k x nx", "$-1"},
	{"del none", ":0"},
	{"select 1", "+OK"},
	{"set k elsewhere", "+OK"},
	{"select 0", "+OK"},
	{"multi", "+OK"},
	{"exec", "[]"},
	{"watch none", "+OK"},
	{"set none x", "+OK"},
	{"del none", ":1"},
	{"multi", "+OK"},
	{"exec", "*-1"},
	{"watch k", "+OK"},
	{"expire k 100", ":1"},
	{"unwatch", "+OK"},
	{"multi", "+OK"},
	{"exec", "[]"},
	{"watch k", "+OK"},
	{"persist k", ":1"},
	{"multi", "+OK"},
	{"exec", "*-1"},
	{"watch k", "+OK"},
	{"append k y", ":2"},
	{"multi", "+OK"},
	{"exec", "*-1"},
	{"watch none", "+OK"},
	{"flushall", "+OK"},
	{"multi", "+OK"},
	{"exec", "[]"},
	{"set k v", "+OK"},
	{"watch k", "+OK"},
	{"flushall sync", "+OK"},
	{"hello 3 setname x", ""},
	{"multi", "+OK"},
	{"exec", "_"},
	{"reset", "+RESET"},

	{"set k v exat 33177117420", "+OK"},
	{"touch k none k", ":2"},
	{"expiretime k", ":33177117420"},
	{"pexpiretime k", ":33177117420000"},
	{"expiretime none", ":-2"},
	{"rename none k", "-ERR no such key"},
	{"rename k k", "+OK"},
	{"rename k l", "+OK"},
	{"expiretime l", ":33177117420"},
	{"exists k", ":0"},
	{"msetnx l 1 m 2", ":0"},
	{"msetnx m 1 n 2", ":1"},
	{"msetnx o 1 p", "-ERR wrong number of arguments for 'msetnx' command"},
	{"expiretime m", ":-1"},
	{"renamenx l m", ":0"},
	{"renamenx l l", ":0"},
	{"rename l m", "+OK"},
	{"expiretime m", ":33177117420"},
	{"renamenx m l", ":1"},
	{"del l n", ":2"},
	{"randomkey", "$-1"},
	{"set f 10.50", "+OK"},
	{"randomkey", "f"},
	{"incrbyfloat f 0.1", "10.6"},
	{"incrbyfloat f -5", "5.6"},
	{"incrbyfloat f 2.0e2", "205.60000000000000001"},
	{"set f 5.0e3", "+OK"},
	{"incrbyfloat f 2.0e2", "5200"},
	{"incrbyfloat f -5200", "0"},
	{"incrbyfloat pi 3.123456789012345678", "3.12345678901234568"},
	{"incrbyfloat f 1e5000", "-ERR value is not a valid float"},
	{"incrbyfloat f x", "-ERR value is not a valid float"},
	{"incrbyfloat f inf", "-ERR increment would produce NaN or Infinity"},
	{"flushall soon", "-ERR syntax error"},
	{"scan x", "-ERR invalid cursor"},
	{"scan 0 count 0", "-ERR syntax error"},
	{"hello x", "-ERR Protocol version is not an integer or out of range"},
}

func TestRedisTransactions(t *testing.T) {
	play := func(t *testing.T, l *redisLines) {
		for _, c := range lateCommands {
			if got := l.do(c[0]); got != c[1] && c[1] != "" {
				t.Errorf("%s: %q, want %q", c[0], got, c[1])
			}
		}
	}
	t.Run("origin", func(t *testing.T) { play(t, startRedis(t, redisorigin.Options{}).redis()) })
	t.Run("redis-server", func(t *testing.T) {
		server := testpeer.Need(t, "redis-server")
		dir := t.TempDir()
		at := filepath.Join(dir, "s")
		cmd := exec.CommandContext(t.Context(), server, "--port", "0", "--unixsocket", at, "--save", "", "--dir", dir)
		testpeer.Start(t, cmd)
		var c net.Conn
		eventually(t, "redis-server", func() bool {
			var err error
			c, err = net.Dial("unix", at)
			return err == nil
		})
		defer c.Close()
		_ = c.SetDeadline(time.Now().Add(10 * time.Second))
		play(t, &redisLines{t, c, bufio.NewReader(c)})
	})
}

// Another client, the time and the state of the server come between a transaction
// and its end.
func TestRedisTransactionsAmongOthers(t *testing.T) {
	r := startRedis(t, redisorigin.Options{})
	l, other := r.redis(), r.redis()
	say := func(l *redisLines, command, want string) {
		t.Helper()
		if got := l.do(command); got != want {
			t.Errorf("%s: %q, want %q", command, got, want)
		}
	}
	l.do("watch k")
	say(other, "set k v px 30", "+OK")
	l.do("multi")
	say(l, "exec", "*-1")
	l.do("watch k")
	time.Sleep(40 * time.Millisecond)
	l.do("multi")
	say(l, "exec", "*-1")

	l.do("multi")
	l.do("get k")
	l.do("set k v")
	a := r.apply(control.Fault{Kind: control.Role, Role: control.RoleReplica, For: "1m"})
	say(l, "exec", "-EXECABORT Transaction discarded because of: READONLY You can't write against a read only replica.")
	say(l, "exec", "-ERR EXEC without MULTI")
	l.do("multi")
	l.do("get k")
	say(l, "set k v", "-READONLY You can't write against a read only replica.")
	say(l, "exec", "-EXECABORT Transaction discarded because of previous errors.")
	l.do("multi")
	l.do("get k")
	say(l, "exec", "[$-1]")
	if _, err := r.control.Clear(t.Context(), control.ClearOrder{ID: a.ID}); err != nil {
		t.Fatal(err)
	}
	l.do("multi")
	l.do("get k")
	r.apply(control.Fault{Kind: control.KindState, State: control.StateLoading, For: "1m"})
	if got := l.do("exec"); !strings.HasPrefix(got, "-EXECABORT Transaction discarded because of: LOADING ") {
		t.Errorf("while it loads: %q", got)
	}
	l.do("multi")
	l.do("echo x")
	say(l, "exec", "[x]")
}
