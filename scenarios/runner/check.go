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
		p := &cell.Scenario.Proxy
		if cell.Obstacle != "" {
			continue
		}
		note, err := checkCell(ctx, group, cell, self, found, seen)
		if err != nil {
			return notes, fmt.Errorf("driver %s: %w", p.Driver, err)
		}
		if note != "" && !seen[note] {
			seen[note] = true
			notes = append(notes, note)
		}
	}
	return notes, found.Err()
}

// checkCell checks the configuration of one combination of the matrix, unless it has
// been seen.
func checkCell(ctx context.Context, group *proc.Group, cell *document.Cell, self []string, found *document.ConfigErrors, seen map[string]bool) (note string, err error) {
	p := &cell.Scenario.Proxy
	switch p.Driver {
	case "external":
		return "", nil // it runs already
	case "exec":
		return fmt.Sprintf("the configuration was not checked: driver %s cannot check one", p.Driver), nil
	}
	dir, err := group.Dir("bench-check-")
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	data, bind := standIns(cell.Scenario, dir)
	config, err := proxyconf.Render(p.Config, data, bind)
	if err != nil {
		return "", err
	}
	key := p.Driver + "\x00" + p.Binary + "\x00" + p.Config
	if seen[key] {
		return "", nil
	}
	seen[key] = true
	o := driver.Options{Group: group, Dir: dir, Config: config, Stats: data.Stats, Threads: p.Threads, Args: p.Args, Ready: p.Ready.D(), Reload: p.Reload}
	from, err := findProgram(p, self)
	if err != nil {
		return "", err
	}
	err = newDriver(p, from, nil, o).Prepare(ctx)
	var refused *driver.ConfigError
	switch {
	case err == nil:
		return "", nil
	case errors.As(err, &refused):
		from := proxyconf.Lines(p.Config, data, bind)
		for _, said := range refused.Complaints() {
			found.Add(cell, from, said.Line, p.Driver+": "+said.Text)
		}
		return "", nil
	case errors.Is(err, exec.ErrNotFound), errors.Is(err, fs.ErrNotExist):
		return fmt.Sprintf("the configuration was not checked: %v", err), nil
	}
	return "", err
}

// standIns are the addresses and paths of a run that does not take place.
func standIns(s *format.Scenario, dir string) (data proxyconf.Data, bind func(string) string) {
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
	return data, func(name string) string {
		if listeners[name] == "" {
			listeners[name] = next()
		}
		return listeners[name]
	}
}
