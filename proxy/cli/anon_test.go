package cli

import (
	"regexp"
	"testing"
	"time"
)

// What names machines and services is hidden, the same by the same word under the same
// key, and by another one under another.
func TestAnonymizedAnswers(t *testing.T) {
	e := newFake()
	began := time.Now().Add(-25*time.Hour - 30*time.Minute) // so that the age stays for a while
	e.sessions = []Session{{
		ID: 1, Proto: "tcpv4", Source: "192.0.2.7:1234", Frontend: "web", Backend: "secret", Server: "host1", Listener: "public", ListenerAddr: "[2001:db8::1]:80", ServerAddr: "192.0.2.8:80", Started: began,
	}, {ID: 2, Proto: "unix_stream", Source: "unix:3", Frontend: "web", ListenerAddr: "unix@/run/secret.sock", Started: began}}
	_, path := start(t, e, Options{AnonKey: 7}, Access{Level: AdminLevel})
	secret := regexp.MustCompile(`web|secret|host1|public|192\.0\.2|2001:db8|run/| be |be/|\bs1\b|127\.0\.0\.1`)
	plain := map[string]string{}
	for _, command := range []string{"show sess", "show sess 0x1", "show sess all", "show servers state", "show servers conn"} {
		plain[command] = ask(t, path, command)
		if !secret.MatchString(plain[command]) {
			t.Errorf("%s tells nothing that is to be hidden: %s", command, plain[command])
		}
		hidden := map[string]string{}
		for _, key := range []string{"", " 7", " 8", " 4294967295"} {
			hidden[key] = ask(t, path, "set anon on"+key+"; "+command)
			if found := secret.FindString(hidden[key]); found != "" {
				t.Errorf("%s tells %q:\n%s", command, found, hidden[key])
			}
		}
		if hidden[""] != hidden[" 7"] || hidden[" 7"] == hidden[" 8"] {
			t.Errorf("%s under the keys of the process, 7 and 8:\n%s\n%s\n%s", command, hidden[""], hidden[" 7"], hidden[" 8"])
		}
		if got := ask(t, path, "set anon on; set anon off; "+command); got != "\n\n"+plain[command] {
			t.Errorf("%s afterwards: %q", command, got)
		}
	}
	all := ask(t, path, "set anon on; show sess all")
	if port := regexp.MustCompile(`source=IPV4\([0-9a-f]{6}\):1234\n`); !port.MatchString(all) || !regexp.MustCompile(`addr=IPV6\([0-9a-f]{6}\):80`).MatchString(all) || !regexp.MustCompile(`addr=UNIX\([0-9a-f]{6}\)\n`).MatchString(all) {
		t.Errorf("kinds and ports are missing:\n%s", all)
	}
}

// The mode is that of a connection, the key that of all; who may not use it is not told it.
func TestAnonCommands(t *testing.T) {
	_, path := start(t, newFake(), Options{}, Access{Level: AdminLevel})
	const usage = "'set anon' only supports :\n   - 'on' [key] to enable the anonymized mode\n   - 'off' to disable the anonymized mode\n\n"
	for line, want := range map[string]string{
		"show anon":                      "Anonymized mode disabled\n\n",
		"set anon on 5; show anon":       "\nAnonymized mode enabled\nKey : 5\n\n",
		"set anon":                       usage,
		"set anon maybe":                 usage,
		"set anon off 5":                 "Key can't be added while disabling anonymized mode\n\n",
		"set anon on 0":                  "Value out of range (1 to 4294967295 expected).\n\n",
		"set anon on x":                  "Value out of range (1 to 4294967295 expected).\n\n",
		"set anon on 4294967296":         "Value out of range (1 to 4294967295 expected).\n\n",
		"set anon global-key":            "Value out of range (0 to 4294967295 expected).\n\n",
		"set anon global-key -1":         "Value out of range (0 to 4294967295 expected).\n\n",
		"user; set anon global-key":      "\nPermission denied\n\n",
		"user; set anon on 5; show anon": "\n\nAnonymized mode enabled\n\n",
		"set anon global-key 9; set anon on; show anon":                       "\n\nAnonymized mode enabled\nKey : 9\n\n",
		"set anon global-key 9; set anon global-key 0; set anon on; user":     "\n\n\n\n",
		"set anon on 5; set anon global-key 9; show anon; operator; set anon": "\n\nAnonymized mode enabled\nKey : 5\n\n\n" + usage,
	} {
		if got := ask(t, path, line); got != want {
			t.Errorf("%s\ngot  %q\nwant %q", line, got, want)
		}
	}
}
