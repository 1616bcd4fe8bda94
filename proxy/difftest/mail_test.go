package difftest

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"bench/internal/testpeer"
)

// mailServers are what servers do that are to take mail.
func mailServers() map[string][]step {
	takes := func(greeting, line string) []step {
		return []step{
			send(greeting), await("HELO "), await("\r\n"), send(line), await("MAIL FROM:<"), await("\r\n"), send(line), await("RCPT TO:<"), await("\r\n"), send(line),
			await("DATA\r\n"), send("354 go on\r\n"), await("\r\n.\r\n"), send("250 queued\r\n"), await("QUIT\r\n"), send("221 bye\r\n"), await("never"),
		}
	}
	return map[string][]step{
		"takes":             takes("220 mail.test ESMTP\r\n", "250 ok\r\n"),
		"in lines":          takes("220 mail.test\r\n", "250-mail.test\r\n250-SIZE\r\n250 HELP\r\n"),
		"full":              {send("421 busy\r\n"), await("never")},
		"refuses":           {send("220 a\r\n"), await("\r\n"), send("250 b\r\n"), await("MAIL"), await("\r\n"), send("250 c\r\n"), await("RCPT"), await("\r\n"), send("550 no\r\n"), await("never")},
		"closes":            {closeNow()},
		"mute":              {await("never")},
		"ends in the midst": {send("220 a\r\n"), await("\r\n"), send("25"), shut()},
		"wants no data":     {send("220 a\r\n"), await("\r\n"), send("250 b\r\n"), await("MAIL"), await("\r\n"), send("250 c\r\n"), await("RCPT"), await("\r\n"), send("250 d\r\n"), await("DATA\r\n"), send("250 what\r\n"), await("never")},
	}
}

// mailLevels are what backends say about mail.
var mailLevels = map[string]string{
	"usual": "", "emerg": "email-alert level emerg", "notice": "email-alert level notice\n    email-alert myhostname host.test",
	"info": "email-alert level info", "logs": "email-alert level info\n    option log-health-checks", "debug": "email-alert level debug",
	"lines": "email-alert level notice", "nobody": "email-alert level notice",
}

var (
	mailDate = regexp.MustCompile(`Date: [A-Z][a-z]{2}, [ 0-9]?[0-9] [A-Z][a-z]{2} [0-9]{4} [0-9]{2}:[0-9]{2}:[0-9]{2} [-+][0-9]{4} \([A-Z0-9+-]+\)\r\n`)
	mailHost = regexp.MustCompile(`(?s)^HELO [^\r]*`)
)

// mailed is one of the proxies, with the servers that take its mail, by backend and name.
type mailed struct {
	*checkedBy
	takers map[string]*origin
}

// mails are what each of those servers has been told, every connection by itself.
func (m *mailed) mails() map[string][]string {
	all := map[string][]string{}
	for name, o := range m.takers {
		o.mu.Lock()
		for _, p := range o.peers {
			p.mu.Lock()
			got := checkTook.ReplaceAllString(mailDate.ReplaceAllString(string(p.got), "Date: NOW\r\n"), "check duration: Nms")
			p.mu.Unlock()
			if !strings.HasPrefix(name, "notice/") {
				got = mailHost.ReplaceAllString(got, "HELO HOST")
			}
			all[name] = append(all[name], got)
		}
		o.mu.Unlock()
	}
	return all
}

// TestMail compares the mail that both proxies send about servers, whatever becomes of it.
func TestMail(t *testing.T) {
	if tried(t) {
		return
	}
	checked, err := newOrigin([][]step{{closeNow()}}, awaitLimit, func() *cutter { return nil })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { checked.stop() })
	start := func(s *subject) *mailed {
		m := &mailed{newCheckedBy(t), map[string]*origin{}}
		var conf strings.Builder
		// Servers are checked once, at the beginning.
		fmt.Fprintf(&conf, strings.NewReplacer("    option log-health-checks\n", "", "maxconn 200\n", "maxconn 200\n    max-spread-checks 500ms\n").Replace(checksConf), m.port())
		for _, level := range slices.Sorted(maps.Keys(mailLevels)) {
			fmt.Fprintf(&conf, "mailers m-%s\n    timeout mail 1s\n", level)
			for name, script := range mailServers() {
				if level != "lines" && name != "takes" {
					continue
				}
				o, err := newOrigin([][]step{script}, awaitLimit, func() *cutter { return nil })
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() { o.stop() })
				m.takers[level+"/"+name] = o
				fmt.Fprintf(&conf, "    mailer %s 127.0.0.1:%d\n", strings.NewReplacer(" ", "-").Replace(name), o.port())
			}
			if level == "nobody" {
				conf.WriteString("    mailer nobody 127.0.0.1:1\n")
			}
			fmt.Fprintf(&conf, "backend %s\n    email-alert from a@from.test\n    email-alert to b@to.test\n    email-alert mailers m-%s\n    %s\n    server s1 127.0.0.1:%d check inter 1h\n    server s2 127.0.0.1:1 backup\n", level, level, mailLevels[level], checked.port())
			m.origins[level+"/s1"] = nil
		}
		m.start(t, s, conf.String())
		return m
	}
	both := []*mailed{start(&subject{"haproxy", []string{testpeer.Need(t, "haproxy")}}), start(&subject{"builtin", []string{build(t), "proxy"}})}
	var kinds []checkKind
	for level := range mailLevels {
		kinds = append(kinds, checkKind{name: level})
	}
	sameFound(t, kinds, both[0].checkedBy, both[1].checkedBy)
	same := func(after string) {
		var want, got map[string][]string
		for deadline := time.Now().Add(3 * awaitLimit); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
			want, got = both[0].mails(), both[1].mails()
			if len(want) > 0 && maps.EqualFunc(want, got, slices.Equal[[]string]) {
				return
			}
		}
		for name := range both[0].takers {
			if !slices.Equal(want[name], got[name]) {
				t.Errorf("after %q, %s was told\n--- haproxy\n%q\n--- builtin\n%q", after, name, want[name], got[name])
			}
		}
	}
	same("the first checks")
	for _, command := range []string{"health down", "health up", "state drain", "state ready", "state maint", "health down"} {
		for level := range mailLevels {
			for _, m := range both {
				askTables(m.socket, "set server "+level+"/s1 "+command)
			}
		}
		if same(command); t.Failed() {
			return
		}
	}
}
