package runner

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"bench/internal/result"
	"bench/scenarios/driver"
	"bench/scenarios/format"
	"bench/scenarios/proxyconf"
)

// render fills in the templates of the configuration and of the command.
func (c *cell) render() (words []string, err error) {
	data := proxyconf.Data{
		Certs:    c.certs,
		Backends: map[string][]proxyconf.Origin{},
		Stats:    filepath.Join(c.dir, "stats.sock"),
		Dir:      c.dir, Poller: c.scenario.Proxy.Poller, Seed: c.scenario.Seed, Config: driver.ExecConfig(c.dir),
	}
	for _, o := range c.origins {
		host, port, err := net.SplitHostPort(o.addr)
		if err != nil {
			return nil, err
		}
		n, err := strconv.Atoi(port)
		if err != nil {
			return nil, fmt.Errorf("address %s: %w", o.addr, err)
		}
		data.Backends[o.backend.Name] = append(data.Backends[o.backend.Name],
			proxyconf.Origin{Name: o.name, Addr: o.addr, Host: host, Port: n})
	}
	c.listeners = map[string]string{}
	for _, l := range c.scenario.Proxy.Listeners {
		c.listeners[format.ProxyName+"/"+l.Name] = l.Address
	}
	var failed error
	listener := func(proxy, name string) string {
		target := proxy + "/" + name
		if _, ok := c.listeners[target]; !ok {
			addr, err := c.listenerAddr(proxy, name)
			failed = errors.Join(failed, err)
			c.listeners[target] = addr
		}
		return c.listeners[target]
	}
	names := c.scenario.ProxyNames()
	data.Listener = func(proxy, name string) (string, error) {
		if !slices.Contains(names, proxy) {
			return "", proxyconf.NoProxy(proxy, names)
		}
		return listener(proxy, name), nil
	}
	c.fill = func(text string) (string, error) {
		return proxyconf.Render(text, data, func(name string) string { return listener(format.ProxyName, name) })
	}
	if c.config, err = c.fill(c.scenario.Proxy.Config); err != nil {
		return nil, err
	}
	for i := range c.scenario.Companions {
		own := &companion{Companion: &c.scenario.Companions[i]}
		if err := own.render(c, data, listener); err != nil {
			return nil, fmt.Errorf("companion %s: %w", own.Name, err)
		}
		c.companions = append(c.companions, own)
	}
	for _, word := range c.scenario.Proxy.Command {
		text, err := c.fill(word)
		if err != nil {
			return nil, err
		}
		words = append(words, text)
	}
	return words, failed
}

// prepareProxy writes the configuration and lets the proxy check it.
func (c *cell) prepareProxy(ctx context.Context) error {
	words, err := c.render()
	if err != nil {
		return fail(exitUsage, err)
	}
	p := &c.scenario.Proxy
	o := driver.Options{
		Group: c.group, Dir: c.dir, Config: c.config, Stats: filepath.Join(c.dir, "stats.sock"),
		Poller: p.Poller, Threads: p.Threads, CPUs: c.place.proxy, Nice: niceness, Args: p.Args, Ready: p.Ready.D(),
		Reload: p.Reload, Host: processHost(c.proxyHost()), Namespace: c.network.Node(format.On(p.Node, format.ProxyNode)),
	}
	if h := c.proxyHost(); h != nil {
		o.Sockets, o.CPUs = h.Dial, p.CPUs
	}
	c.dialStats = o.DialStats
	o.Listeners = c.listenersOf(format.ProxyName)
	program, err := findProgram(p, c.self)
	if err == nil && c.proxyHost() != nil {
		// What is there is started, and of that nothing is known here.
		if program.path != c.self[0] {
			program.path = ""
		}
	} else if err == nil && c.fresh {
		err = program.copyTo(c.dir)
	}
	if err != nil {
		return fail(exitLost, err)
	}
	c.driver = newDriver(p, program, words, o)
	if err := c.driver.Prepare(ctx); err != nil {
		var refused *driver.ConfigError
		switch {
		case errors.As(err, &refused):
			return fail(exitUsage, err)
		case errors.Is(err, exec.ErrNotFound), errors.Is(err, fs.ErrNotExist), errors.Is(err, fs.ErrPermission), errors.Is(err, syscall.ENOEXEC):
			return fail(exitLost, err) // there is no proxy that could have failed
		}
		return proxyFailed(err)
	}
	version, build, err := c.driver.Version(ctx)
	if err != nil {
		return proxyFailed(err)
	}
	c.record.Proxy = result.Proxy{
		Driver: p.Driver, Version: version, Build: build, Command: c.driver.Command(),
		Config: c.config, Poller: p.Poller, CPUs: c.place.proxy, Program: program.path,
	}
	c.record.Proxy.ProgramHash, err = program.hash()
	return fail(exitLost, err)
}

func (c *cell) startProxy(ctx context.Context) error {
	g, err := c.driver.Start(ctx)
	if err != nil {
		return proxyFailed(err)
	}
	n, err := openGeneration(ctx, g, c.driver.StatsSocket(), c.dialStats)
	if err != nil {
		return proxyFailed(err)
	}
	c.history.add(n)
	return fail(exitUsage, c.checkListeners(n))
}

// checkListeners refuses listeners of a proxy that runs already whose counters could
// not be found.
func (c *cell) checkListeners(g *generation) error {
	rows, err := g.read()
	if err != nil || rows == nil {
		return err
	}
	var known []string
	for i := range rows {
		if rows[i].Server == "FRONTEND" {
			known = append(known, rows[i].Proxy)
		}
	}
	for i := range c.scenario.Proxy.Listeners {
		if l := &c.scenario.Proxy.Listeners[i]; !slices.Contains(known, l.CountedAs()) {
			return fmt.Errorf("listener %s: the proxy has no frontend %q, it has %s: name the one that listens on %s by frontend",
				l.Name, l.CountedAs(), strings.Join(known, ", "), l.Address)
		}
	}
	return nil
}

// healthy waits until every server with a health check has passed it; of a proxy that
// runs already those that are origins of the run.
func (c *cell) healthy(ctx context.Context) error {
	g := c.history.latest()
	deadline := time.Now().Add(healthyLimit)
	for {
		rows, err := g.read()
		if err != nil {
			return fail(exitProxy, c.ended(g, err))
		}
		var waiting []string
		for i := range rows {
			r := &rows[i]
			if r.Server == "FRONTEND" || r.Server == "BACKEND" || g.Process == nil && !c.isOrigin(r.Text("addr")) {
				continue
			}
			if status, check := r.Text("status"), r.Text("check_status"); !strings.HasPrefix(status, "UP") && status != "no check" ||
				check == "INI" || check == "* INI" {
				waiting = append(waiting, r.Proxy+"/"+r.Server+" "+status)
			}
		}
		if len(waiting) == 0 {
			return nil
		}
		if time.Now().After(deadline) {
			return fail(exitProxy, fmt.Errorf("after %v these servers are not up: %s", healthyLimit, strings.Join(waiting, ", ")))
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(drainStep):
		}
	}
}

// ended explains an error of a generation by the end of its process.
func (c *cell) ended(g *generation, err error) error {
	select {
	case <-g.Ended():
		return g.Exit(c.scenario.Proxy.Driver)
	case <-time.After(100 * time.Millisecond):
		return err
	}
}
