package engine_test

import (
	"strings"
	"testing"

	"bench/internal/poller"
	"bench/internal/testpeer"
	"bench/proxy/engine"
	"bench/proxy/log"
	"bench/proxy/spec"
)

// TestChoiceOfPoller shows what becomes of the poller that a configuration names,
// and of those that are switched off.
func TestChoiceOfPoller(t *testing.T) {
	for _, c := range []struct {
		name    string
		named   string
		off     func(g *spec.Global)
		want    string
		warning string
	}{
		{name: "nothing said", want: "epoll"},
		{name: "named", named: "select", want: "select"},
		{name: "io_uring", named: "io_uring", want: "io_uring"},
		{name: "epoll off", off: func(g *spec.Global) { g.NoEpoll = true }, want: "poll"},
		{name: "epoll and poll off", off: func(g *spec.Global) { g.NoEpoll, g.NoPoll = true, true }, want: "select"},
		{
			name: "named and off", named: "io_uring", off: func(g *spec.Global) { g.NoIOUring = true }, want: "epoll",
			warning: "tune.poller io_uring cannot be used, epoll takes its place: it is switched off",
		},
		{
			name: "named and off, and the next too", named: "epoll", off: func(g *spec.Global) { g.NoEpoll, g.NoPoll = true, true }, want: "select",
			warning: "tune.poller epoll cannot be used, select takes its place: it is switched off",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, m := range poller.Mechanisms() {
				if m.Name == c.want {
					testpeer.Poller(t, &m)
				}
			}
			cfg := &spec.Config{Global: spec.Global{NbThread: 1}}
			cfg.Global.Tune = spec.Tune{BufSize: 16384, MaxRewrite: 1024, HTTPMaxHdr: 101, Poller: c.named}
			if c.off != nil {
				c.off(&cfg.Global)
			}
			var said []string
			e, err := engine.New(cfg, engine.Options{Version: "test", Alert: func(_ log.Level, msg string) { said = append(said, msg) }})
			if err != nil {
				t.Fatal(err)
			}
			if err := e.Start(); err != nil {
				t.Fatal(err)
			}
			defer e.HardStop()
			if got := e.Threads()[0].Poller; got != c.want {
				t.Errorf("poller %s, want %s", got, c.want)
			}
			if got := strings.Join(said, "\n"); got != c.warning {
				t.Errorf("said %q, want %q", got, c.warning)
			}
		})
	}
}
