package engine

import (
	"slices"
	"sync"
	"time"

	"bench/proxy/cli"
	"bench/proxy/exporter"
	"bench/proxy/log"
	"bench/proxy/service"
	"bench/proxy/statspage"
)

// prepareServices makes what answers requests inside the engine: the exporter, and the
// statistics page, if a proxy has one.
func (e *Engine) prepareServices() {
	e.shared.Services = map[string]*service.Service{exporter.Name: exporter.New(e, e.cfg)}
	for _, px := range e.cfg.Proxies {
		if px.StatsPage != nil && !px.Disabled {
			e.page = statspage.New(ofPage{e}, e.cfg)
			e.shared.Stats = e.page.Service()
			return
		}
	}
}

// ofPage is the engine as the statistics page sees it.
type ofPage struct{ *Engine }

// Server implements statspage.Engine.
func (e ofPage) Server(backend, name string) (cli.Server, error) {
	return e.serverFor("Web interface", backend, name)
}

// Events implements statspage.Engine.
func (e *Engine) Events() []statspage.Event { return e.events.list() }

// Generation implements statspage.Engine.
func (e *Engine) Generation() statspage.Generation {
	if e.opt.Generation == nil {
		return statspage.Generation{}
	}
	return e.opt.Generation()
}

// keptEvents is how many changes of state are remembered.
const keptEvents = 100

// events are the latest changes of state. The zero value is empty; it may be used from
// any goroutine.
type events struct {
	mu   sync.Mutex
	kept []statspage.Event // the newest last
}

func (l *events) add(proxy, text string, level log.Level) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.kept) == keptEvents {
		l.kept = slices.Delete(l.kept, 0, 1)
	}
	l.kept = append(l.kept, statspage.Event{At: time.Now(), Proxy: proxy, Text: text, Bad: level <= log.Alert})
}

// list is the newest first.
func (l *events) list() []statspage.Event {
	l.mu.Lock()
	defer l.mu.Unlock()
	list := slices.Clone(l.kept)
	slices.Reverse(list)
	return list
}
