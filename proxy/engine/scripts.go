package engine

import (
	"crypto/tls"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"bench/proxy/cli"
	"bench/proxy/log"
	"bench/proxy/lua"
	"bench/proxy/sample"
	"bench/proxy/spec"
	"bench/proxy/table"
)

// prepareScripts gives the threads what runs scripts, if there are any.
func (e *Engine) prepareScripts() error {
	p, ok := e.cfg.Scripts.(*lua.Program)
	if !ok {
		return nil
	}
	client, err := e.scriptClient()
	if err != nil {
		return err
	}
	p.Start(lua.Facts{Resolve: e.resolveSample, Counters: e.cfg.Global.Tune.StickCounters, Client: client})
	for i, t := range e.threads {
		m, err := p.Machine(t.ID, e.loops[i], ofScripts{e}, t.Rules(), lua.Wires{Kit: &t.Kit, TLS: t.TLS})
		if err != nil {
			return err
		}
		t.RunScripts(m)
		e.loops[i].AtEnd(m.Stop)
		e.machines = append(e.machines, m)
	}
	return nil
}

// scriptClient is how scripts make requests.
func (e *Engine) scriptClient() (lua.Requests, error) {
	g := &e.cfg.Global.HTTPClient
	r := lua.Requests{Resolvers: g.Resolvers, PreferIPv4: g.PreferIPv4}
	if g.TLS == nil {
		return r, nil
	}
	c, _, err := e.certs.Connector(g.TLS)
	if err != nil {
		return r, fmt.Errorf("requests of scripts: %w", err)
	}
	r.Secure = func(host string) *tls.Config { return c.To([]byte(host)).Config() }
	return r, nil
}

// scriptedCommands are the commands of the runtime API that scripts have registered. They
// run on the first loop.
func (e *Engine) scriptedCommands() []cli.Scripted {
	p, ok := e.cfg.Scripts.(*lua.Program)
	if !ok || len(e.machines) == 0 {
		return nil
	}
	var all []cli.Scripted
	for _, c := range p.Commands() {
		all = append(all, cli.Scripted{Words: c.Words, Usage: c.Usage, Answer: func(words []string, client cli.Dialogue) (rest []byte, err error) {
			return e.machines[0].Answer(c, words, client)
		}})
	}
	return all
}

// startScripts begins the tasks of scripts, on the loops.
func (e *Engine) startScripts() {
	for i, m := range e.machines {
		e.loops[i].Post(func() { m.StartTasks(i == 0) })
	}
}

// ofScripts is the engine as scripts see it.
type ofScripts struct{ *Engine }

// Log implements lua.Host.
func (e ofScripts) Log(proxy, level int, text string) {
	e.messages.send(proxy, log.Level(level), text)
	if level < int(log.Debug) && !e.cfg.Global.Quiet {
		fmt.Fprintln(os.Stderr, lua.ConsoleLine(level, text, time.Now()))
	}
}

// Failed implements lua.Host.
func (e ofScripts) Failed(proxy int, text string) {
	e.messages.send(proxy, log.Error, text)
	e.alert(log.Alert, text)
}

// Runtime implements lua.Host.
func (e ofScripts) Runtime() cli.Engine { return e }

// Server implements cli.Engine.
func (e ofScripts) Server(backend, name string) (cli.Server, error) {
	return e.serverFor("Lua script", backend, name)
}

// resolveSample finds what a sample names that a script calls.
func (e *Engine) resolveSample(r sample.Reference) error {
	side, kind := spec.Backend, "backend"
	if r.Frontend {
		side, kind = spec.Frontend, "frontend"
	}
	switch {
	case r.Users:
		return fmt.Errorf("userlist '%s' cannot be named by a script", r.Name)
	case r.Table:
		i := slices.IndexFunc(e.cfg.Tables, func(t *table.Spec) bool { return t.Name == r.Name })
		if i < 0 {
			return fmt.Errorf("there is no stick table '%s'", r.Name)
		}
		t := e.cfg.Tables[i]
		if r.Fits != nil {
			if err := r.Fits(t); err != nil {
				return err
			}
		}
		r.Arg.Int = int64(i)
		return nil
	}
	name, server, both := strings.Cut(r.Name, "/")
	i := slices.IndexFunc(e.cfg.Proxies, func(p *spec.Proxy) bool { return p.Name == name && p.Caps&side != 0 })
	switch {
	case i < 0 || r.Server && !both:
		return fmt.Errorf("there is no %s '%s'", kind, r.Name)
	case r.Server && !slices.ContainsFunc(e.cfg.Proxies[i].Servers, func(s *spec.Server) bool { return s.Name == server }):
		return fmt.Errorf("there is no server '%s'", r.Name)
	}
	r.Arg.Int, r.Arg.Server = int64(i), server
	return nil
}

var _ lua.Host = ofScripts{}
