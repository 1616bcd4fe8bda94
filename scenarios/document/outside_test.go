package document

import (
	"net"
	"path/filepath"
	"slices"
	"testing"

	"bench/scenarios/format"
)

func TestOutside(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "plain")
	l, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	for _, c := range []struct {
		name     string
		p        format.Proxy
		isolated bool
		want     []string
	}{
		{"the run's own", format.Proxy{Driver: "haproxy", Config: "global\n stats socket {{.Stats}} level admin\n pidfile {{.Dir}}/p\n log 127.0.0.1:514 local0\n log stdout format raw local0\nfrontend a\n bind {{bind \"a\"}}\n bind unix@{{.Dir}}/x\n"}, false, nil},
		{"a production proxy's", format.Proxy{Driver: "builtin", ConfigFile: "h.cfg", Config: "global\n    stats socket /run/haproxy/admin.sock mode 660\n    pidfile /run/haproxy.pid # here\n    log /dev/log local0\n"}, false, []string{
			"h.cfg:2: stats socket /run/haproxy/admin.sock", "h.cfg:3: pidfile /run/haproxy.pid", "h.cfg:4: log /dev/log",
		}},
		{"commented out", format.Proxy{Driver: "haproxy", Config: "#stats socket /run/haproxy/admin.sock"}, false, nil},
		{"quoted", format.Proxy{Driver: "haproxy", Config: "stats socket \"/run/haproxy/admin.sock\" level admin"}, false, []string{"proxy.config:1: stats socket /run/haproxy/admin.sock"}},
		{"binds", format.Proxy{Driver: "haproxy", Config: "bind 127.0.0.1:80,unix@run/x\nbind abns@web\nbind :80\nserver a unix@/run/x"}, false, []string{"proxy.config:1: bind unix@run/x", "proxy.config:2: bind abns@web"}},
		{"another machine's log", format.Proxy{Driver: "haproxy", Config: "log 192.0.2.1:514 local0\nlog 192.0.2.1 local0\nlog global\nlog [::1]:514 local0"}, false, []string{
			"proxy.config:1: log 192.0.2.1:514 (another machine)", "proxy.config:2: log 192.0.2.1 (another machine)",
		}},
		{"in a network of its own", format.Proxy{Driver: "haproxy", Config: "log 192.0.2.1:514 local0\nlog /dev/log local0"}, true, []string{"proxy.config:2: log /dev/log"}},
		{"nginx", format.Proxy{Driver: "nginx", Config: "pid /run/nginx.pid;\nhttp { access_log /var/log/nginx/access.log; server { listen unix:/run/n.sock; root /srv/www; } }\nproxy_pass http://127.0.0.1/x.log;"}, false, []string{
			"proxy.config:1: /run/nginx.pid", "proxy.config:2: /var/log/nginx/access.log",
		}},
		{"any program", format.Proxy{Driver: "exec", Command: []string{"envoy", "-c", "{{.Config}}", "--log={{.Dir}}/x.log", "--admin=" + socket}}, false, []string{"proxy.command: " + socket}},
		{"arguments", format.Proxy{Driver: "haproxy", Args: []string{"-S", "/run/haproxy-master.sock,level,admin"}}, false, []string{"proxy.args: /run/haproxy-master.sock"}},
	} {
		if got := ofProxy(&c.p, c.isolated); !slices.Equal(got, c.want) {
			t.Errorf("%s:\n got %q\nwant %q", c.name, got, c.want)
		}
	}
}
