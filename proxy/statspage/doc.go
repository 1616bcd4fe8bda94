// Package statspage is the statistics page: what it shows, how it is written, and what
// it changes when somebody asks for that. It knows the engine by an interface, and
// answers as a service; who may see it was decided before.
//
// The page goes by the reference's where programs read it (targets, CSV, JSON, forms and
// the answers to them, classes of rows) and by people's needs elsewhere.
package statspage

import (
	"iter"
	"time"

	"bench/proxy/cli"
	"bench/proxy/service"
	"bench/proxy/spec"
	"bench/proxy/stats"
)

// Engine is what the page shows and acts on. Methods may be called from any goroutine.
type Engine interface {
	Info() stats.Info
	// Rows are those of "show stat", with how long streams took if latency is set. A
	// row is good until the next one.
	Rows(latency bool) iter.Seq[*stats.Row]
	// Server looks a server up by the names of its backend and its own, or by their
	// numbers behind a "#".
	Server(backend, name string) (cli.Server, error)
	// Events are the latest changes of state, the newest first.
	Events() []Event
	// Generation is which start of the proxy this process is.
	Generation() Generation
}

// Event is a change of state that operators were told of.
type Event struct {
	At    time.Time
	Proxy string
	Text  string // "Server be/s1 is DOWN, reason: ..."
	Bad   bool   // something works worse than before
}

// Generation is which start of the proxy a process is.
type Generation struct {
	// Reloads is how many times the configuration was read again, if a master knows.
	Reloads int
	// ConfigHash tells configurations apart, "" where it is not known.
	ConfigHash string
	// Former are the processes before this one, by number, that were to finish.
	Former []int
}

// name stands in log lines in the place of a server's.
const name = "<STATS>"

// Page is the service.
type Page struct {
	engine  Engine
	proxies []*spec.Proxy
	history *history
	now     func() time.Time
	// counters says what they count.
	counters string
}

// New makes the page of the proxies of a configuration.
func New(e Engine, cfg *spec.Config) *Page {
	p := &Page{engine: e, proxies: cfg.Proxies, history: newHistory(), now: time.Now, counters: "of this process; a reload begins them anew"}
	if cfg.Global.StatsFile != "" {
		p.counters = "of what has a guid go on from the stats-file, others begin with this process"
	}
	return p
}

// Service is what answers requests.
func (p *Page) Service() *service.Service {
	return &service.Service{Name: name, Plain: true, Serve: p.serve}
}

// Watch takes samples for the figures of the last seconds and minutes, until done is
// closed.
func (p *Page) Watch(done <-chan struct{}) {
	tick := time.NewTicker(sampleEvery)
	defer tick.Stop()
	for {
		select {
		case <-done:
			return
		case <-tick.C:
			p.history.take(p.now(), p.engine.Rows(true))
		}
	}
}
