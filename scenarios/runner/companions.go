package runner

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"bench/scenarios/driver"
	"bench/scenarios/format"
	"bench/scenarios/proxyconf"
)

// companion is a proxy beside the one under test, while the cell runs.
type companion struct {
	*format.Companion
	dir    string // sockets and configuration, within that of the cell
	config string
	driver driver.Driver      // nil until it is prepared
	serves *driver.Generation // nil until it is started
}

// render fills in its configuration out of what that of the proxy under test is filled in
// with; the sockets and the directory are its own.
func (p *companion) render(c *cell, data proxyconf.Data, listener func(proxy, name string) string) (err error) {
	p.dir = filepath.Join(c.dir, p.Name)
	data.Dir, data.Stats, data.Config = p.dir, filepath.Join(p.dir, "stats.sock"), driver.ExecConfig(p.dir)
	p.config, err = proxyconf.Render(p.Config, data, func(name string) string { return listener(p.Name, name) })
	return err
}

func (p *companion) stop(ctx context.Context) {
	if p.driver != nil {
		p.driver.Stop(ctx)
	}
}

// listenersOf are the addresses of a proxy's listeners.
func (c *cell) listenersOf(proxy string) (all []string) {
	for target, addr := range c.listeners {
		if strings.HasPrefix(target, proxy+"/") {
			all = append(all, addr)
		}
	}
	return all
}

// isCompanion reports whether an address is that of a listener of another proxy.
func (c *cell) isCompanion(addr string) bool {
	return slices.ContainsFunc(c.companions, func(p *companion) bool { return slices.Contains(c.listenersOf(p.Name), addr) })
}

// prepareCompanions lets the other proxies check their configurations.
func (c *cell) prepareCompanions(ctx context.Context) error {
	for _, own := range c.companions {
		if err := own.prepare(ctx, c); err != nil {
			if _, ok := errors.AsType[*driver.ConfigError](err); ok {
				return fail(exitUsage, fmt.Errorf("companion %s: %w", own.Name, err))
			}
			return fail(exitLost, fmt.Errorf("companion %s: %w", own.Name, err))
		}
	}
	return nil
}

func (p *companion) prepare(ctx context.Context, c *cell) error {
	if err := os.Mkdir(p.dir, 0o700); err != nil {
		return err
	}
	as := p.AsProxy(c.scenario)
	from, err := findProgram(&as, c.self)
	if err != nil {
		return err
	}
	p.driver = newDriver(&as, from, nil, driver.Options{
		Group: c.group, Dir: p.dir, Config: p.config, Stats: filepath.Join(p.dir, "stats.sock"),
		Listeners: c.listenersOf(p.Name), Poller: as.Poller, CPUs: c.place.origins, Nice: niceness, Ready: as.Ready.D(),
		Namespace: c.network.Node(c.scenario.ProxyNodeOf(p.Name)),
	})
	return p.driver.Prepare(ctx)
}

func (c *cell) startCompanions(ctx context.Context) (err error) {
	for _, own := range c.companions {
		if own.serves, err = own.driver.Start(ctx); err != nil {
			return proxyFailed(fmt.Errorf("companion %s: %w", own.Name, err))
		}
	}
	return nil
}

// watchCompanions ends the cell when one of the other proxies dies: nothing that is said
// of the proxy under test would be of what was asked.
func (c *cell) watchCompanions(ctx context.Context, workers *sync.WaitGroup) {
	for _, own := range c.companions {
		workers.Go(func() {
			select {
			case <-ctx.Done():
			case <-own.serves.Ended():
				c.fail(fail(exitProxy, fmt.Errorf("companion %s: %w", own.Name, own.serves.Exit(own.AsProxy(c.scenario).Driver))))
			}
		})
	}
}
