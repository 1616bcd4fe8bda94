package engine

import (
	"sync"

	"bench/proxy/log"
	"bench/proxy/spec"
)

// messages sends what operators should know, such as a server going down, to
// the log targets of the proxy concerned. It may be used from any goroutine.
type messages struct {
	mu      sync.Mutex
	loggers []*log.Logger // by proxy index
	process *log.Logger   // of what is about no proxy
	sender  *log.Sender
}

func newMessages(process *log.Plan, plans []*log.Plan) *messages {
	m := &messages{sender: log.NewSender(), loggers: make([]*log.Logger, len(plans))}
	m.process = m.sender.Logger(process)
	for i, p := range plans {
		m.loggers[i] = m.sender.Logger(p)
	}
	return m
}

func (m *messages) send(proxy int, level log.Level, text string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if proxy < 0 {
		m.process.Message(level, text)
		return
	}
	m.loggers[proxy].Message(level, text)
}

// dropped counts the messages that a target did not take.
func (m *messages) dropped() uint64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.sender.Dropped
}

func (m *messages) close() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.sender.Close()
}

// logPlans works out how every proxy logs.
func logPlans(cfg *spec.Config, rings *log.Rings) ([]*log.Plan, error) {
	plans := make([]*log.Plan, len(cfg.Proxies))
	for i, p := range cfg.Proxies {
		plan, err := log.NewPlan(&cfg.Global, p, rings)
		if err != nil {
			return nil, err
		}
		plans[i] = plan
	}
	return plans, nil
}

// sinks are one thread's sinks by proxy, nil where nothing is logged.
func sinks(plans []*log.Plan, s *log.Sender) []log.Sink {
	out := make([]log.Sink, len(plans))
	for i, p := range plans {
		if p.Active() {
			out[i] = s.Logger(p)
		}
	}
	return out
}

// proxyMessage tells an operator something about a proxy, in its logs and on
// the console, where it is a warning whatever its level is there.
func (e *Engine) proxyMessage(index int, level log.Level, text string) {
	e.events.add(e.cfg.Proxies[index].Name, text, level)
	e.messages.send(index, level, text)
	e.alert(log.Warning, text)
}
