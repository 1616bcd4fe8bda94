package difftest

import (
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"bench/internal/testpeer"
)

// realServer is a program of others that is checked. It can be ended, and started again at
// the same address.
type realServer struct {
	addr  string
	start func(t *testing.T) (end func())
	end   func()
}

func (s *realServer) up(t *testing.T) {
	t.Helper()
	s.end = s.start(t)
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(10 * time.Millisecond) {
		c, err := net.Dial("tcp4", s.addr)
		if err == nil {
			_ = c.Close()
			return
		}
		if time.Now().After(deadline) {
			t.Fatal(err)
		}
	}
}

// down ends it as if it had crashed: what it would say while it stops is not looked at.
func (s *realServer) down() {
	s.end()
	s.end = nil
}

// launched starts a program whose end is killing it.
func launched(cmd func() *exec.Cmd) func(t *testing.T) func() {
	return func(t *testing.T) func() {
		t.Helper()
		var out transcript
		c := cmd()
		c.Stdout, c.Stderr = &out, &out
		c.WaitDelay = 2 * time.Second // its children may hold the output open
		if err := testpeer.Launch(c); err != nil {
			t.Fatal(err)
		}
		return func() {
			_ = c.Process.Kill()
			_ = c.Wait()
			if text := out.String(); t.Failed() {
				t.Logf("%s printed at last:\n%s", filepath.Base(c.Path), text[max(len(text)-2000, 0):])
			}
		}
	}
}

func writeShared(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil { //nolint:gosec // somebody else reads it
		t.Fatal(err)
	}
}

// newPostgres is a PostgreSQL that asks users for different things.
func newPostgres(t *testing.T) *realServer {
	t.Helper()
	server, initdb := testpeer.NeedIn(t, "/usr/lib/postgresql/*/bin", "postgres"), testpeer.NeedIn(t, "/usr/lib/postgresql/*/bin", "initdb")
	dir, as := testpeer.Unprivileged(t)
	data := filepath.Join(dir, "data")
	init := exec.Command(initdb, "-D", data, "-U", "open", "-A", "trust", "-E", "UTF8", "--no-locale", "--no-sync")
	init.Dir, init.SysProcAttr = dir, as
	if out, err := init.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	const users = `host all open 127.0.0.1/32 trust
host all missing 127.0.0.1/32 trust
host all word 127.0.0.1/32 password
host all hashed 127.0.0.1/32 md5
host all sworn 127.0.0.1/32 scram-sha-256
host all refused 127.0.0.1/32 reject
`
	writeShared(t, filepath.Join(data, "pg_hba.conf"), users)
	s := &realServer{addr: testpeer.FreeAddr(t)}
	_, port, _ := net.SplitHostPort(s.addr)
	s.start = launched(func() *exec.Cmd {
		cmd := exec.Command(server, "-D", data, "-h", "127.0.0.1", "-p", port, "-k", "", "-F", "-c", "shared_buffers=1MB", "-c", "max_connections=50", "-c", "lc_messages=C")
		again := *as
		cmd.Dir, cmd.SysProcAttr = dir, &again
		return cmd
	})
	return s
}

// newSlapd is an OpenLDAP server. It may let nobody in who does not say who he is.
func newSlapd(t *testing.T, option string) *realServer {
	t.Helper()
	server := testpeer.Need(t, "slapd")
	dir, as := testpeer.Unprivileged(t)
	conf := filepath.Join(dir, "slapd.conf")
	writeShared(t, conf, fmt.Sprintf("include /etc/ldap/schema/core.schema\npidfile %[1]s/pid\nargsfile %[1]s/args\n%[2]s\n", dir, option))
	s := &realServer{addr: testpeer.FreeAddr(t)}
	s.start = launched(func() *exec.Cmd {
		cmd := exec.Command(server, "-h", "ldap://"+s.addr+"/", "-f", conf, "-d", "0")
		again := *as
		cmd.Dir, cmd.SysProcAttr = dir, &again
		return cmd
	})
	return s
}

// newPostfix is Postfix's server of SMTP, one process for each connection, as "sendmail -bs"
// has it: the mail system around it needs root. A client that calls itself "refused" says
// nothing that it understands.
func newPostfix(t *testing.T) *realServer {
	t.Helper()
	libexec, err := exec.Command(testpeer.Need(t, "postconf"), "-d", "-h", "daemon_directory").Output()
	if err != nil {
		t.Fatal(err)
	}
	server := testpeer.Need(t, filepath.Join(strings.TrimSpace(string(libexec)), "smtpd"))
	dir, as := testpeer.Unprivileged(t)
	for _, d := range []string{"queue", "data"} {
		if err := os.Mkdir(filepath.Join(dir, d), 0o755); err != nil { //nolint:gosec // somebody else reads it
			t.Fatal(err)
		}
	}
	writeShared(t, filepath.Join(dir, "commands"), "/^(HELO|EHLO) refused/ WHAT\n")
	writeShared(t, filepath.Join(dir, "main.cf"), fmt.Sprintf(`compatibility_level = 3.6
myhostname = mail.test
queue_directory = %[1]s/queue
data_directory = %[1]s/data
inet_protocols = ipv4
inet_interfaces = loopback-only
alias_maps =
local_recipient_maps =
smtpd_command_filter = regexp:%[1]s/commands
`, dir))
	s := &realServer{addr: testpeer.FreeAddr(t)}
	s.start = func(t *testing.T) func() {
		t.Helper()
		l, err := net.Listen("tcp4", s.addr)
		if err != nil {
			t.Fatal(err)
		}
		done := make(chan struct{})
		go func() {
			defer close(done)
			for {
				c, err := l.Accept()
				if err != nil {
					return
				}
				go func() {
					defer c.Close()
					cmd := exec.Command(server, "-S")
					again := *as
					cmd.Env, cmd.Dir, cmd.SysProcAttr = []string{"MAIL_CONFIG=" + dir, "PATH=/usr/bin:/bin"}, dir, &again
					in, err := cmd.StdinPipe() // it says nothing to a socket
					if cmd.Stdout = c; err != nil || testpeer.Launch(cmd) != nil {
						return
					}
					go func() {
						_, _ = io.Copy(in, c)
						_ = in.Close()
					}()
					_ = cmd.Wait()
				}()
			}
		}()
		return func() { _ = l.Close(); <-done }
	}
	return s
}

// realBackends check servers of others. Behind the name: whose server it is, and how long
// it is well.
var realBackends = []struct {
	name, server, lines string
	well                bool
}{
	{"pgsql-open", "postgres", "option pgsql-check user open", true},
	{"pgsql-missing", "postgres", "option pgsql-check user missing", true}, // it is let in before it is looked for
	{"pgsql-word", "postgres", "option pgsql-check user word", true},
	{"pgsql-hashed", "postgres", "option pgsql-check user hashed", true},
	{"pgsql-sworn", "postgres", "option pgsql-check user sworn", true},
	{"pgsql-refused", "postgres", "option pgsql-check user refused", false},
	{"pgsql-unknown", "postgres", "option pgsql-check user unknown", false},
	{"smtp", "postfix", "option smtpchk", true},
	{"smtp-helo", "postfix", "option smtpchk HELO mx.test", true},
	{"smtp-ehlo", "postfix", "option smtpchk EHLO mx.test", true},
	{"smtp-refused", "postfix", "option smtpchk HELO refused", false},
	{"smtp-refused-ehlo", "postfix", "option smtpchk EHLO refused", false},
	{"ldap", "slapd", "option ldap-check", true},
	{"ldap-stranger", "closed", "option ldap-check", false},
	{"ldap-at-smtp", "postfix", "option ldap-check", false},
	{"smtp-at-pgsql", "postgres", "option smtpchk", false},
}

// stateReason is what messages about states say of the check: of one that met a server that
// was just starting it is chance.
var stateReason = regexp.MustCompile(`, reason: .*check duration: Nms`)

// states are the messages about states of each server, in their order.
func (c *checkedBy) states() map[string][]string {
	c.mu.Lock()
	defer c.mu.Unlock()
	all := map[string][]string{}
	for _, line := range c.said {
		name := strings.Fields(line)[1]
		all[name] = append(all[name], stateReason.ReplaceAllString(line, ""))
	}
	return all
}

// TestChecksOfRealServers compares what both proxies find and say of servers of PostgreSQL,
// mail and directories: while they run, when they have crashed, and when they are back.
func TestChecksOfRealServers(t *testing.T) {
	if tried(t) {
		return
	}
	servers := map[string]*realServer{
		"postgres": newPostgres(t), "postfix": newPostfix(t), "slapd": newSlapd(t, ""), "closed": newSlapd(t, "disallow bind_anon"),
	}
	t.Cleanup(func() {
		for _, s := range servers {
			if s.end != nil {
				s.down()
			}
		}
	})
	everywhere := func(do func(*realServer)) {
		for _, s := range servers {
			do(s)
		}
	}
	everywhere(func(s *realServer) { s.up(t) })
	var kinds []checkKind
	start := func(s *subject) *checkedBy {
		c := newCheckedBy(t)
		conf := strings.Replace(fmt.Sprintf(checksConf, c.port()), "inter 2s", "inter 500ms", 1)
		kinds = nil
		for _, b := range realBackends {
			conf += fmt.Sprintf("backend %s\n    %s\n    server s %s check\n", b.name, b.lines, servers[b.server].addr)
			kinds = append(kinds, checkKind{name: b.name})
			c.origins[b.name+"/s"] = nil
		}
		c.start(t, s, conf)
		return c
	}
	reference := start(&subject{"haproxy", []string{testpeer.Need(t, "haproxy")}})
	engine := start(&subject{"builtin", []string{build(t), "proxy"}})
	// all tells whether everything is found as is wanted of a server that is well.
	all := func(well string) func(map[string]string) bool {
		return func(found map[string]string) bool {
			for _, b := range realBackends {
				want := ` status="DOWN" `
				if b.well {
					want = well
				}
				if !strings.Contains(found[b.name+"/s"], want) || strings.Contains(found[b.name+"/s"], `"L4CON"`) != strings.Contains(well, "L4CON") {
					return false
				}
			}
			return true
		}
	}
	const up, gone = ` status="UP" check_status="L7OK"`, ` status="DOWN" check_status="L4CON"`
	sameFoundOnce(t, kinds, reference, engine, all(up))
	everywhere((*realServer).down)
	sameFoundOnce(t, kinds, reference, engine, all(gone))
	everywhere(func(s *realServer) { s.up(t) })
	sameFoundOnce(t, kinds, reference, engine, all(up))
	want, got := reference.states(), engine.states()
	for _, b := range realBackends {
		name := b.name + "/s"
		if !slices.Equal(want[name], got[name]) || len(want[name]) == 0 {
			t.Errorf("of %s was said\n--- haproxy\n%q\n--- builtin\n%q", name, want[name], got[name])
		}
	}
}
