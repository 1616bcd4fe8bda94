package config

import (
	"errors"
	"net/netip"
	"strings"
	"testing"
	"time"

	"bench/proxy/spec"
)

// testEnv is an environment that does not depend on the machine.
func testEnv() *Env {
	resolve := func(network, host string) ([]netip.Addr, error) {
		switch {
		case host != "localhost":
			return nil, errors.New("no such host")
		case network == "ip6":
			return []netip.Addr{netip.IPv6Loopback()}, nil
		}
		return []netip.Addr{netip.IPv6Loopback(), netip.AddrFrom4([4]byte{127, 0, 0, 1})}, nil
	}
	return &Env{Resolve: resolve, Vars: map[string]string{"A": "1", "LIST": "a b  c", "PORT": "8080", "EMPTY": ""}, Version: "2.6.12", Features: []string{"EPOLL"}, Enabled: map[string]bool{"POLL": true}}
}

// load reads one text that must be right.
func load(t *testing.T, text string) (*spec.Config, Diagnostics) {
	t.Helper()
	cfg, diags := Load([]Source{{Name: "t.cfg", Text: []byte(text)}}, testEnv())
	if diags.HasErrors() {
		t.Fatalf("refused:\n%s", printed(diags))
	}
	return cfg, diags
}

func printed(d Diagnostics) string {
	var b strings.Builder
	_ = d.Write(&b, 1, Diag)
	return b.String()
}

func TestLoadWhole(t *testing.T) {
	cfg, diags := load(t, `
global
  maxconn 2000
  nbthread 2
  stats socket /tmp/x.sock mode 600 level admin expose-fd listeners
  log 127.0.0.1 local0 notice
  tune.maxrewrite 16000
defaults base
  mode http
  log global
  option httplog
  option dontlognull
  timeout client 10s
  timeout server 20
  timeout connect 3s
  retries 0
  errorloc 503 /sorry
  default-server inter 1s weight 7
frontend web from base
  bind 127.0.0.1:8080-8082,[::1]:90 name x maxconn 5
  bind "fd@3"
  no option dontlognull
  option forwardfor except 10.0.0.0/8 header X-Client if-none
  default_backend app
backend app
  balance leastconn
  option redispatch 2
  option httpchk GET /health
  http-check expect ! status 500-599
  server a 127.0.0.1:1 check
  server b 127.0.0.2:2 weight 0 backup id 5
  server c unix@/tmp/s.sock
`)
	if len(diags) != 0 {
		t.Errorf("remarks:\n%s", printed(diags))
	}
	web, app := cfg.Proxies[0], cfg.Proxies[1]
	if cfg.Global.Tune.MaxRewrite != 8192 || cfg.Global.MaxConn != 2000 || cfg.Global.NbThread != 2 {
		t.Errorf("global: %+v", cfg.Global)
	}
	if s := cfg.Global.Stats; len(s) != 1 || s[0].Level != spec.LevelAdmin || !s[0].ExposeFDs || s[0].Options.Mode != 0o600 {
		t.Errorf("stats socket: %+v", s)
	}
	if len(web.Binds) != 5 || web.Binds[2].Addr.AddrPort().Port() != 8082 || web.Binds[4].FD != 3 || web.Binds[0].MaxConn != 5 || web.Binds[4].ID != 5 {
		t.Errorf("binds: %+v", web.Binds)
	}
	if web.Options.DontLogNull || !app.Options.DontLogNull {
		t.Error("'no option' did not undo what came from defaults, or undid it elsewhere")
	}
	if web.DefaultBackend != app || web.ForwardFor == nil || web.ForwardFor.Header != "X-Client" || !web.ForwardFor.IfNone {
		t.Errorf("frontend: %+v", web)
	}
	if len(web.Logs) != 1 || web.Logs[0].Facility != 16 || web.Logs[0].Level != 5 || web.LogFormat != spec.LogHTTP {
		t.Errorf("logs: %+v", web.Logs)
	}
	if app.Retries != 0 || app.Timeouts.Server != 20*time.Millisecond || app.Redispatch != 2 || app.FullConn != 200 || app.Balance != "leastconn" {
		t.Errorf("backend: %+v", app)
	}
	if a, b := app.Servers[0], app.Servers[1]; a.Weight != 7 || a.Inter != time.Second || !a.Check || a.ID != 1 || b.Weight != 0 || b.ID != 5 || !b.Backup || app.Servers[2].ID != 3 {
		t.Errorf("servers: %+v %+v", a, b)
	}
	if c := app.Check; c == nil || c.Kind != spec.CheckHTTP || len(c.Steps) != 2 || c.Steps[0].Request.Method != "GET" || c.Steps[0].Request.URI != "/health" || !c.Steps[1].Negate {
		t.Errorf("check: %+v", c)
	}
	if !strings.Contains(string(app.ErrorFiles[503]), "Location: /sorry\r\n") {
		t.Errorf("errorloc: %q", app.ErrorFiles[503])
	}
}

func TestDefaultsInherit(t *testing.T) {
	cfg, _ := load(t, `
defaults one
  mode http
  log 127.0.0.1 local0
  log-format "%ci %ST"
  timeout client 0
  maxconn 5
  retry-on none
  errorloc 502 /a
defaults two from one
  errorloc 503 /b
  no log
listen a from one
  bind 127.0.0.1:1
  option tcplog
listen b from two
  bind 127.0.0.1:2
  retry-on conn-failure
  maxconn 0
listen c
  bind 127.0.0.1:3
`)
	a, b, c := cfg.Proxies[0], cfg.Proxies[1], cfg.Proxies[2]
	if a.LogFormat != spec.LogTCP || len(a.Logs) != 1 || a.RetryOn != 0 || a.MaxConn != 5 || len(a.ErrorFiles) != 1 {
		t.Errorf("a: %+v", a)
	}
	if b.LogFormat != spec.LogCustom || b.LogLine.String() != "%ci %ST" || len(b.Logs) != 0 || b.RetryOn != spec.RetryConnFailure || b.MaxConn != 0 || len(b.ErrorFiles) != 2 {
		t.Errorf("b: %+v", b)
	}
	if c.Mode != spec.ModeHTTP || c.LogFormat != spec.LogCustom || len(c.ErrorFiles) != 2 {
		t.Errorf("c does not take the last defaults section: %+v", c)
	}
}
