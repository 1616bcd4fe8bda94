package difftest

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"bench/internal/testpeer"
)

// startRealServers runs MariaDB, and Redis with and without a password. They listen on
// files in dir.
func startRealServers(t *testing.T, dir string) {
	t.Helper()
	server, install := testpeer.Need(t, "mariadbd"), testpeer.Need(t, "mariadb-install-db")
	data := filepath.Join(dir, "data")
	out, err := exec.Command(install, "--no-defaults", "--datadir="+data, "--auth-root-authentication-method=normal",
		"--skip-test-db", "--innodb-log-file-size=4M", "--innodb-buffer-pool-size=16M", "--user=root").CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	init := filepath.Join(dir, "init.sql")
	users := "CREATE USER checker@localhost IDENTIFIED BY '';\nCREATE USER secret@localhost IDENTIFIED BY 'secret';\n"
	if err := os.WriteFile(init, []byte(users), 0o600); err != nil {
		t.Fatal(err)
	}
	testpeer.Start(t, exec.Command(server, "--no-defaults", "--datadir="+data, "--user=root", "--skip-networking", "--socket="+filepath.Join(dir, "mariadb"), "--init-file="+init,
		"--innodb-buffer-pool-size=16M", "--innodb-log-file-size=4M", "--skip-log-bin", "--performance-schema=OFF"))
	redis := testpeer.Need(t, "redis-server")
	testpeer.Start(t, exec.Command(redis, "--port", "0", "--unixsocket", filepath.Join(dir, "redis"), "--save", "", "--dir", dir))
	testpeer.Start(t, exec.Command(redis, "--port", "0", "--unixsocket", filepath.Join(dir, "locked"), "--requirepass", "secret", "--save", "", "--dir", dir))
	for _, name := range []string{"mariadb", "redis", "locked"} {
		waitForFile(t, filepath.Join(dir, name))
	}
}

func waitForFile(t *testing.T, path string) {
	t.Helper()
	for range 3000 {
		if _, err := os.Stat(path); err == nil {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatalf("nothing listens on %s", path)
}

// checksCommand is a command that tells how a server is by its name, and writes down what
// it was told.
const checksCommand = `#!/bin/sh
echo "$@" > "OUT/$HAPROXY_PROXY_NAME-$HAPROXY_SERVER_NAME"
env | grep -v -e ^PWD= -e ^_= -e ^SHLVL= -e ^OLDPWD= | sort >> "OUT/$HAPROXY_PROXY_NAME-$HAPROXY_SERVER_NAME"
case "$HAPROXY_SERVER_NAME" in
good) exit 0 ;;
bad) exit 3 ;;
killed) kill -9 $$ ;;
slow) sleep 60 ;;
esac
`

const programsConf = `    external-check
    insecure-fork-wanted
`

const programBackends = `backend redis
    option redis-check
    server open unix@SERVERS/redis check
    server locked unix@SERVERS/locked check
backend redis-tcp
    option tcp-check
    tcp-check connect
    tcp-check send PING\r\n
    tcp-check expect string +PONG
    tcp-check send info\ replication\r\n
    tcp-check expect string role:master
    tcp-check send QUIT\r\n
    tcp-check expect string +OK
    server open unix@SERVERS/redis check
    server locked unix@SERVERS/locked check
backend mysql
    option mysql-check
    server open unix@SERVERS/mariadb check
backend mysql-user
    option mysql-check user checker
    server open unix@SERVERS/mariadb check
backend mysql-secret
    option mysql-check user secret post-41
    server open unix@SERVERS/mariadb check
backend mysql-unknown
    option mysql-check user nobody
    server open unix@SERVERS/mariadb check
backend mysql-old
    option mysql-check user checker pre-41
    server open unix@SERVERS/mariadb check
listen command
    bind unix@DIR/sock
    option external-check
    external-check command OUT/check
    external-check path /usr/bin:/bin
    server good 127.0.0.1:81 check maxconn 7
    server bad 127.0.0.1:82 check
    server killed [::1]:83 check
    server slow 127.0.0.1:84 check
    server missing 127.0.0.1:85 check
backend command-missing
    option external-check
    external-check command /no/such/command
    server any 127.0.0.1:81 check
backend command-path
    option external-check
    external-check command true
    external-check path /usr/bin:/bin
    server any 127.0.0.1:81 check
`

// TestChecksOfPrograms compares what both proxies find of real servers, and by commands.
func TestChecksOfPrograms(t *testing.T) {
	if tried(t) {
		return
	}
	servers := t.TempDir()
	startRealServers(t, servers)
	var kinds []checkKind
	start := func(s *subject) (*checkedBy, string) {
		c := newCheckedBy(t)
		out := t.TempDir()
		if err := os.WriteFile(filepath.Join(out, "check"), []byte(strings.ReplaceAll(checksCommand, "OUT", out)), 0o700); err != nil {
			t.Fatal(err)
		}
		backend := ""
		kinds = nil
		for line := range strings.Lines(programBackends) {
			switch f := strings.Fields(line); f[0] {
			case "backend", "listen":
				backend = f[1]
				kinds = append(kinds, checkKind{name: backend})
			case "server":
				c.origins[backend+"/"+f[1]] = nil
			}
		}
		conf := strings.Replace(fmt.Sprintf(checksConf, c.port()), "defaults\n", programsConf+"defaults\n", 1)
		c.start(t, s, conf+strings.NewReplacer("SERVERS", servers, "OUT", out).Replace(programBackends))
		return c, out
	}
	reference, theirs := start(&subject{"haproxy", []string{testpeer.Need(t, "haproxy")}})
	engine, ours := start(&subject{"builtin", []string{build(t), "proxy"}})
	sameFound(t, kinds, reference, engine)
	for _, name := range []string{"command-good", "command-killed"} {
		want, got := told(t, filepath.Join(theirs, name)), told(t, filepath.Join(ours, name))
		if want != got {
			t.Errorf("%s was told\n--- haproxy\n%s--- builtin\n%s", name, want, got)
		}
	}
}

// told is what a command was told, without the directory of the proxy.
func told(t *testing.T, path string) string {
	t.Helper()
	waitForFile(t, path)
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(string(text), "\n")
	for i, l := range lines {
		if at := strings.Index(l, "/"); at >= 0 && strings.Contains(l, "/sock") {
			lines[i] = l[:at] + "DIR" + l[strings.Index(l, "/sock"):]
		}
	}
	slices.Sort(lines[1:])
	return strings.Join(lines, "\n")
}
