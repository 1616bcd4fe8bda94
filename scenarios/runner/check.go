package runner

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"

	"bench/internal/proc"
	"bench/scenarios/certmaker"
	"bench/scenarios/document"
	"bench/scenarios/driver"
	"bench/scenarios/format"
	"bench/scenarios/proxyconf"
)

// Check lets the proxies of a scenario check their configurations, as a run would do
// before it begins: rendered, with addresses that nobody listens on. Notes say what
// could not be checked. An error about a configuration is scenarios.Errors.
func Check(ctx context.Context, doc *document.Document, self []string) (notes []string, err error) {
	group, err := proc.NewGroup(proc.Options{})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, group.Close()) }()
	found := document.NewConfigErrors(doc)
	seen := map[string]bool{}
	for i := range doc.Cells {
		cell := &doc.Cells[i]
		if cell.Obstacle != "" {
			continue
		}
		said, err := checkCell(ctx, group, cell, self, found, seen)
		for _, note := range said {
			if note != "" && !seen[note] {
				seen[note] = true
				notes = append(notes, note)
			}
		}
		if err != nil {
			return notes, err
		}
	}
	return notes, found.Err()
}

// checked is a proxy whose configuration is to be checked.
type checked struct {
	*format.Proxy
	name string
	at   *proxyconf.Text
	dir  string
	data proxyconf.Data
}

// checkCell checks the configurations of one combination of the matrix.
func checkCell(ctx context.Context, group *proc.Group, cell *document.Cell, self []string, found *document.ConfigErrors, seen map[string]bool) (notes []string, err error) {
	s := cell.Scenario
	dir, err := group.Dir("bench-check-")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	data, listener := standIns(s, dir)
	all := []checked{{&s.Proxy, format.ProxyName, &cell.Config, dir, data}}
	for i := range s.Companions {
		p := s.Companions[i].AsProxy(s)
		one := checked{&p, s.Companions[i].Name, &cell.Companions[i], filepath.Join(dir, s.Companions[i].Name), data}
		if err := os.Mkdir(one.dir, 0o700); err != nil {
			return nil, err
		}
		one.data.Dir, one.data.Stats = one.dir, filepath.Join(one.dir, "stats.sock")
		all = append(all, one)
	}
	for i := range all {
		p := &all[i]
		key := p.Driver + "\x00" + p.Binary + "\x00" + p.Config
		if seen[key] {
			continue
		}
		seen[key] = true
		note, err := p.check(ctx, group, self, found, func(name string) string { return listener(p.name, name) })
		if err != nil {
			return notes, fmt.Errorf("driver %s: %w", p.Driver, err)
		}
		notes = append(notes, note)
	}
	return notes, nil
}

// check lets a proxy check its configuration.
func (p *checked) check(ctx context.Context, group *proc.Group, self []string, found *document.ConfigErrors, bind func(string) string) (note string, err error) {
	switch p.Driver {
	case "external":
		return "", nil // it runs already
	case "exec":
		return fmt.Sprintf("the configuration was not checked: driver %s cannot check one", p.Driver), nil
	}
	config, err := proxyconf.Render(p.Config, p.data, bind)
	if err != nil {
		return "", err
	}
	o := driver.Options{
		Group: group, Dir: p.dir, Config: config, Stats: p.data.Stats, Threads: p.Threads, Args: p.Args, Ready: p.Ready.D(), Reload: p.Reload,
	}
	from, err := findProgram(p.Proxy, self)
	if err != nil {
		return "", err
	}
	err = newDriver(p.Proxy, from, nil, o).Prepare(ctx)
	var refused *driver.ConfigError
	switch {
	case err == nil:
		return "", nil
	case errors.As(err, &refused):
		from := proxyconf.Lines(p.Config, p.data, bind)
		for _, said := range refused.Complaints() {
			found.Add(p.at, p.Config, from, said.Line, p.Driver+": "+said.Text)
		}
		return "", nil
	case errors.Is(err, exec.ErrNotFound), errors.Is(err, fs.ErrNotExist):
		return fmt.Sprintf("the configuration was not checked: %v", err), nil
	}
	return "", err
}

// standIns are the addresses and paths of a run that does not take place.
func standIns(s *format.Scenario, dir string) (data proxyconf.Data, listener func(proxy, name string) string) {
	port := 20_000
	next := func() string {
		port++
		return fmt.Sprintf("127.0.0.1:%d", port)
	}
	data = proxyconf.Data{
		Certs:    certmaker.New(dir),
		Backends: map[string][]proxyconf.Origin{}, Stats: filepath.Join(dir, "stats.sock"), Dir: dir,
		Poller: s.Proxy.Poller, Seed: s.Seed, Config: driver.ExecConfig(dir),
	}
	for i := range s.Backends {
		b := &s.Backends[i]
		for n := 1; n <= b.Replicas; n++ {
			addr := next()
			data.Backends[b.Name] = append(data.Backends[b.Name],
				proxyconf.Origin{Name: fmt.Sprintf("%s.%d", b.Name, n), Addr: addr, Host: "127.0.0.1", Port: port})
		}
	}
	listeners := map[string]string{}
	listener = func(proxy, name string) string {
		target := proxy + "/" + name
		if listeners[target] == "" {
			listeners[target] = next()
		}
		return listeners[target]
	}
	data.Listener = func(proxy, name string) (string, error) { return listener(proxy, name), nil }
	return data, listener
}
