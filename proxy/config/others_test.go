package config

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// refusals are the errors and warnings of a configuration.
func remarks(text string) string {
	_, diags := Load([]Source{{Name: "t.cfg", Text: []byte(text)}}, testEnv())
	return printed(diags)
}

func TestUserlist(t *testing.T) {
	p := newParser(testEnv())
	p.file(&Source{Name: "t.cfg", Text: []byte(`userlist staff
  group admin users anna,bert
  group all
  user anna insecure-password secret groups all
  user bert password $5$anonanon$Cn0o/MWp1mQhTCMrPMcsJGdTNoKJmjYYqAvpaHgXK7C
  user carl
`)})
	p.resolveOthers()
	if p.diags.HasErrors() {
		t.Fatal(printed(p.diags))
	}
	l := p.others.userlists["staff"].list
	anna := l.Check([]byte("anna"), []byte("secret"))
	if anna == nil || !anna.In([]byte("admin")) || !anna.In([]byte("all")) {
		t.Errorf("anna: %+v", anna)
	}
	if l.Check([]byte("anna"), []byte("Secret")) != nil || l.Check([]byte("carl"), nil) != nil || l.Check([]byte("dora"), nil) != nil {
		t.Error("a wrong password is right")
	}
	if bert := l.User("bert"); bert == nil || !bert.In([]byte("admin")) || bert.In([]byte("all")) {
		t.Errorf("bert: %+v", bert)
	}
}

// A list that nothing uses is no protection, and says so.
func TestUserlistWithoutUse(t *testing.T) {
	if got := remarks("userlist u\n  user a insecure-password b\n"); !strings.Contains(got, "userlist 'u' has no effect") {
		t.Error(got)
	}
}

func TestMistakesInOtherSections(t *testing.T) {
	for text, want := range map[string]string{
		"userlist u\n user a groups admn\n group admin\n":                     "no group 'admn' in userlist 'u', but user 'a' is in it; did you mean 'admin'?",
		"userlist u\n group g users ana\n user anna\n":                        "no user 'ana' in userlist 'u', but group 'g' has them; did you mean 'anna'?",
		"userlist u\n user a password x\n":                                    "want a hash that begins with",
		"userlist u\n user a\n user a\n":                                      "already defined",
		"userlist u\n group a\n group a\n":                                    "already defined",
		"userlist u\n user a pasword x\n":                                     "did you mean 'password'?",
		"userlist u\n users a\n":                                              "unknown keyword 'users' in 'userlist' section; did you mean 'user'?",
		"userlist u\nuserlist u\n":                                            "has the same name as the one at t.cfg:1",
		"userlist\n":                                                          "'userlist' expects a name",
		"userlist a b\n":                                                      "unexpected argument 'b'",
		"http-errors e\n errorfile 999 /dev/null\n":                           "cannot replace status '999'",
		"frontend f\n bind :1\n errorfiles nil\n":                             "there is no section 'http-errors nil'",
		"http-errors e\nfrontend f\n bind :1\n errorfiles e 503\n":            "has no answer with status 503",
		"mailers m\n mailer x 127.0.0.1\n":                                    "missing port number",
		"mailers m\n timeout mail x\n":                                        "expects a time",
		"peers p\n peer x 127.0.0.1\n":                                        "missing port number",
		"peers p\n peer x\n":                                                  "the address of peer 'x'",
		"peers p\n peer x :1\n peer x :2\n":                                   "already defined on line 2",
		"peers p\n peer x 127.0.0.1:1 sni str(a)\n":                           "'sni' is not supported in 'peers'",
		"peers p\n peer x 127.0.0.1:1 weight 3\n":                             "'weight' has no effect in 'peers'",
		"peers p\n peer x 127.0.0.1:1 bogus\n":                                "unknown option 'bogus'",
		"peers p\n peer x 127.0.0.1:1 ssl verify none\n":                      "is ignored: no peer in it is named",
		"peers p\n bind 127.0.0.1:1 accept-proxy\n":                           "'accept-proxy' is not supported in 'peers'",
		"peers p\n bind 127.0.0.1:1 maxconn 3\n":                              "'maxconn' has no effect in 'peers'",
		"peers p\n bind 127.0.0.1\n":                                          "missing port number",
		"peers p\n default-bind bogus\n":                                      "unknown option 'bogus'",
		"peers p\n default-server bogus\n":                                    "unknown option 'bogus'",
		"peers p\n table t type ip size 1 peers p\n":                          "'table' expects no 'peers'",
		"peers p\npeers p\n":                                                  "has the same name as the one at",
		"peers p\n bogus\n":                                                   "unknown keyword 'bogus'",
		"peers p\n peer x :1\nglobal\n localpeer x\n":                         "'localpeer' is ignored: it stands behind a section 'peers'",
		"global\n localpeer a\npeers p\n peer a :1\n bind :2\n":               "either on a 'bind' line or on the 'peer' line",
		"global\n localpeer a\npeers p\n bind :2\n server a :1\n":             "none is expected here",
		"global\n localpeer a\npeers p\n server a\n":                          "has no address in it",
		"backend b\n stick-table type ip size 1 peers q\npeers p\n":           "there is no section 'peers q'; did you mean 'p'?",
		"global\n localpeer a\npeers p\n log x\n":                             "connections of peers are not logged",
		"program p\n command\n":                                               "'command' expects a program",
		"program p\n user nobody-of-that-name\n":                              "cannot find user",
		"program p\n user root\n":                                             "section 'program p' has no 'command'",
		"program p\n command a\nprogram p\n command a\n":                      "has the same name as the one at",
		"program p\n command a\n option start-on-reload now\n":                "unexpected argument 'now'",
		"program p\n no command /bin/true\n":                                  "'no' and 'default' are not allowed before 'command'",
		"ring r\n size 10\n":                                                  "the size 10 is ignored",
		"ring r\n size x\n":                                                   "expects a size",
		"ring r\n format foo\n":                                               "unknown log format 'foo'",
		"ring r\n server a 127.0.0.1\n":                                       "missing port number",
		"ring r\n server a 127.0.0.1:1 log-proto x\n":                         "unknown argument of 'log-proto' 'x'",
		"ring r\n server a 127.0.0.1:1 check\n":                               "unknown option 'check'",
		"ring r\nring r\n":                                                    "has the same name as the one at",
		"defaults\n log ring@rings local0\nring ring\nbackend a\nbackend b\n": "there is no section 'ring rings'; did you mean 'ring'?",
		"frontend f\n bind :1\n log tcp@127.0.0.1 local0\n":                   "missing port number",
		"frontend f\n bind :1\n log 127.0.0.1 sample 3-2:5 local0\n":          "expects a sample like",
		"frontend f\n bind :1\n log 127.0.0.1 local0\n log-format-sd %ci\n":   "no 'log' line has 'format rfc5424'",
		"cache c\n":                                                      "'cache c' needs 'total-max-size'",
		"global\n default-path origin\n":                                 "'default-path' expects a directory",
		"global\n default-path nowhere\n":                                "unknown argument 'nowhere'",
		"global\n unix-bind prefix\n":                                    "a value after 'prefix'",
		"global\n unix-bind mode 9\n":                                    "access rights in octal",
		"global\n h1-case-adjust host Hosts\n":                           "differ in more than their capital letters",
		"global\n h1-case-adjust host Host\n h1-case-adjust host HOST\n": "is already to be written as 'Host'",
		"frontend f\n bind :1\n compression algo zip\n":                  "unknown algorithm 'zip' in 'compression algo'; did you mean 'gzip'?",
		"frontend f\n bind :1\n timeout client 5s;\n":                    "';' is ignored after the time in '5s;'",
		"frontend f\n bind :1\n timeout client 5w\n":                     "expects a time with one of the units",
		"defaults b foo\n":                                               "'foo' is ignored on the line of a 'defaults' section",
	} {
		if got := remarks(text); !strings.Contains(got, want) {
			t.Errorf("%q: want %q, got\n%s", text, want, got)
		}
	}
}

// What a master is to run beside its workers.
func TestPrograms(t *testing.T) {
	cfg, diags := Load([]Source{{Name: "t.cfg", Text: []byte(`program a
  command /bin/false
  command /bin/sh -c "echo a b" c\ d
  user root
program b
  command sleep 3
  group root
  no option start-on-reload
program c
  command sleep 3
  no option start-on-reload
  option start-on-reload
`)}}, testEnv())
	if diags.HasErrors() {
		t.Fatal(printed(diags))
	}
	var got []string
	for _, p := range cfg.Programs {
		got = append(got, fmt.Sprintf("%s %q %d %d %v", p.Name, p.Command, p.UID, p.GID, p.Once))
	}
	want := []string{`a ["/bin/sh" "-c" "echo a b" "c d"] 0 -1 false`, `b ["sleep" "3"] -1 0 true`, `c ["sleep" "3"] -1 -1 false`}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// "errorfiles" takes the answers of a section, wherever that stands; the last word
// counts.
func TestErrorFiles(t *testing.T) {
	dir := t.TempDir()
	page := func(name string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte("HTTP/1.0 500 "+name+"\r\n\r\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	cfg, _ := load(t, `
defaults
  errorfile 400 `+page("default")+`
frontend f
  bind 127.0.0.1:80
  errorfiles pages
  errorfile 502 `+page("own")+`
frontend g
  bind 127.0.0.1:81
  errorfiles pages 503
http-errors pages
  errorfile 400 `+page("400")+`
  errorfile 502 `+page("502")+`
  errorfile 503 `+page("503")+`
`)
	for i, want := range []map[int]string{{400: "400", 502: "own", 503: "503"}, {400: "default", 503: "503"}} {
		got := cfg.Proxies[i].ErrorFiles
		if len(got) != len(want) {
			t.Errorf("%s has %d answers, want %d", cfg.Proxies[i].Name, len(got), len(want))
		}
		for code, name := range want {
			if !strings.Contains(string(got[code]), name) {
				t.Errorf("%s, %d: %q, want that of %s", cfg.Proxies[i].Name, code, got[code], name)
			}
		}
	}
}

func TestUnixBind(t *testing.T) {
	cfg, _ := load(t, `
global
  stats socket /run/stats.sock
  unix-bind prefix /tmp/x mode 0640 user root
frontend f
  bind /a.sock
  bind unix@/b.sock mode 600
  bind 127.0.0.1:80
`)
	b := cfg.Proxies[0].Binds
	if got := []string{b[0].Addr.String(), b[1].Addr.String(), b[2].Addr.String()}; !slices.Equal(got, []string{"unix@/tmp/x/a.sock", "unix@/tmp/x/b.sock", "127.0.0.1:80"}) {
		t.Errorf("addresses: %q", got)
	}
	if o := b[0].Options; o.Mode != 0o640 || !o.ChangeOwner || o.UID != 0 || o.GID != -1 {
		t.Errorf("options: %+v", o)
	}
	if o := b[1].Options; o.Mode != 0o600 {
		t.Errorf("mode: %o", o.Mode)
	}
	if got := cfg.Global.Stats[0].Addr.String(); got != "unix@/run/stats.sock" {
		t.Errorf("stats socket: %s", got)
	}
}

// Names of files are relative to where "default-path" says, file by file, and the
// process is where it was afterwards.
func TestDefaultPath(t *testing.T) {
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"start/here", "etc/here", "etc/sub/here", "other/here"} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte("HTTP/1.0 503 "+filepath.Dir(name)+"\r\n\r\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	t.Chdir(filepath.Join(dir, "start"))
	for how, want := range map[string]string{"current": "start", "config": "etc/sub", "parent": "etc", "origin ../other": "other"} {
		env := testEnv()
		env.Chdir = os.Chdir
		cfg, diags := Load([]Source{
			{Name: "first.cfg", Text: []byte("global\n  default-path " + how + "\n")},
			{Name: "../etc/sub/second.cfg", Text: []byte("frontend f\n  bind 127.0.0.1:80\n  errorfile 503 here\n")},
		}, env)
		if cfg == nil {
			t.Errorf("%s: %s", how, printed(diags))
			continue
		}
		if got := string(cfg.Proxies[0].ErrorFiles[503]); !strings.Contains(got, " "+want+"\r\n") {
			t.Errorf("%s: %q, want that of %s", how, got, want)
		}
		if wd, _ := os.Getwd(); wd != filepath.Join(dir, "start") {
			t.Fatalf("%s: the process is in %s", how, wd)
		}
	}
}

// Rings are found wherever they stand; "log" lines with an address of TCP have one of
// their own, and buf0 is always there.
func TestRings(t *testing.T) {
	cfg, _ := load(t, `
global
  log ring@later local0
  log ring@buf0 local1
  log tcp@127.0.0.1:1514 len 2000 sample 1,3-4:5 local2
frontend f
  bind 127.0.0.1:80
  log global
ring later
  size 20k
  maxlen 3000
  format rfc5424
  timeout connect 3s
  timeout server 4s
  server a 127.0.0.1:514 log-proto octet-count
  server b /run/syslog.sock
`)
	logs := cfg.Proxies[0].Logs
	if len(logs) != 3 || len(cfg.Rings) != 3 {
		t.Fatalf("%d targets and %d rings", len(logs), len(cfg.Rings))
	}
	r := logs[0].Ring
	if r == nil || r.Name != "later" || r.Size != 20<<10 || r.MaxLen != 3000 || r.Format != "rfc5424" || r.Connect != 3*time.Second || r.Server != 4*time.Second {
		t.Fatalf("%+v", r)
	}
	if s := r.Servers; len(s) != 2 || s[0].Addr.String() != "127.0.0.1:514" || !s[0].OctetCount || s[1].Addr.Path() != "/run/syslog.sock" || s[1].OctetCount {
		t.Errorf("servers: %+v", s)
	}
	if b := logs[1].Ring; b == nil || b.Name != "buf0" || b.Size != builtinRingSize || b.Format != "timed" {
		t.Errorf("buf0: %+v", b)
	}
	if x := logs[2]; x.Ring == nil || x.Ring.Servers[0].Addr.String() != "127.0.0.1:1514" || x.Sample.Size != 5 || len(x.Sample.Ranges) != 2 {
		t.Errorf("tcp: %+v", x)
	}
	for _, l := range logs {
		if !slices.Contains(cfg.Rings, l.Ring) {
			t.Errorf("ring %s is not among those of the configuration", l.Ring.Name)
		}
	}
}
