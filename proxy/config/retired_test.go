package config

import (
	"strings"
	"testing"
)

// An old spelling is answered with today's spelling of that very line.
func TestRetiredLines(t *testing.T) {
	for _, tt := range []struct{ old, now string }{
		{`clitimeout 50s`, `timeout client 50s`},
		{`contimeout 5000`, `timeout connect 5000`},
		{`timeout srvtimeout 1m`, `timeout server 1m`},
		{`redispatch`, `option redispatch`},
		{`block if { path /admin }`, `http-request deny if { path /admin }`},
		{`monitor-net 10.0.0.0/8`, `http-request return status 200 if { src 10.0.0.0/8 }`},
		{`option forceclose`, `option httpclose`},
		{`reqadd X-Proto:\ https if { dst_port 443 }`, `http-request add-header X-Proto https if { dst_port 443 }`},
		{`rspadd "X-Text: a b 100%"`, `http-response add-header X-Text 'a b 100%%'`},
		{`reqdel ^X-Forwarded-For:.*`, `http-request del-header X-Forwarded-For`},
		{`rspidel ^Server:`, `http-response del-header Server`},
		{`reqrep ^([^\ :]*)\ /static/(.*) \1\ /\2`, `http-request replace-uri ^/static/(.*) '/\1'`},
		{`reqirep ^([^\ ]*)\ /old/(.*) \1\ /new/\2 if { hdr(host) a }`, `http-request replace-uri (?i)^/old/(.*) '/new/\1' if { hdr(host) a }`},
		{`reqrep ^Host:\ (.*) Host:\ www.\1`, `http-request replace-header Host (.*) 'www.\1'`},
		{`rspirep ^Location:\ http://(.*) Location:\ https://\1`, `http-response replace-header Location (?i)http://(.*) 'https://\1'`},
		{`reqdeny ^([^\ :]*)\ /private`, `http-request deny if { url_reg ^/private }`},
		{`reqideny ^User-Agent:\ .*bot if { src 10.0.0.1 }`, `http-request deny if { req.hdr(User-Agent) -m reg -i .*bot } { src 10.0.0.1 }`},
		{`rspdeny ^X-Secret:`, `http-response deny if { res.hdr(X-Secret) -m found }`},
		{`reqitarpit ^([^\ :]*)\ /slow`, `http-request tarpit if { url_reg -i ^/slow }`},
	} {
		_, diags := Load([]Source{{Name: "t.cfg", Text: []byte("listen l\n  mode http\n  bind 127.0.0.1:80\n  " + tt.old + "\n")}}, testEnv())
		if diags.Count(Alert) != 1 {
			t.Errorf("%s: %s", tt.old, printed(diags))
			continue
		}
		msg := diags[len(diags)-1].Msg
		if want := "write '" + tt.now + "'"; !strings.Contains(msg, want) {
			t.Errorf("%s\n%s, want\n%s", tt.old, msg, want)
			continue
		}
		// What is advised is today's language.
		if _, diags := Load([]Source{{Name: "t.cfg", Text: []byte("listen l\n  mode http\n  bind 127.0.0.1:80\n  " + tt.now + "\n")}}, testEnv()); diags.HasErrors() {
			t.Errorf("%s is advised, and refused:\n%s", tt.now, printed(diags))
		}
	}
}

// Every one of them is known, and says what to do.
func TestRetirementsSayWhatToDo(t *testing.T) {
	for _, r := range retirements() {
		_, diags := Load([]Source{{Name: "t.cfg", Text: []byte("listen l\n  mode http\n  bind 127.0.0.1:80\n  " + r.words + "\n")}}, testEnv())
		err := diags.Err()
		if err == nil || !strings.Contains(err.Error(), "does not exist any more: ") || strings.HasSuffix(err.Error(), ": ") {
			t.Errorf("%s: %v", r.words, err)
		}
	}
}
