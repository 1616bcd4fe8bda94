package runner

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"bench/backends/control"
	"bench/chaos/evidence"
	"bench/internal/result"
	"bench/scenarios/format"
)

// met is what origins have counted, as far as it reports whether a fault of theirs had
// anything to act on.
type met struct {
	requests uint64 // received, and under way when counting began
	cut      uint64
	bytes    uint64
	active   uint64 // connections open when counting began
	refused  uint64
	limited  uint64
	spoilt   uint64 // handshakes
	unknown  string // why nothing can be told
}

// readMet sums the counters of origins.
func readMet(ctx context.Context, targets []*origin) (sum met) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), undoGrace)
	defer cancel()
	for _, o := range targets {
		if !o.running() {
			sum.unknown = "origin " + o.name + " was killed meanwhile, and its counters with it"
			continue
		}
		c, err := o.client.Counters(ctx)
		if err != nil {
			sum.unknown = err.Error()
			continue
		}
		for i := range c.Replicas {
			r := &c.Replicas[i]
			sum.active += r.Connections.Active
			sum.refused += r.Connections.Refused
			sum.limited += r.Connections.Limited
			sum.spoilt += r.Connections.Spoilt
			sum.bytes += r.Connections.BytesIn + r.Connections.BytesOut
			for j := range r.Classes {
				sum.requests += r.Classes[j].Received
				sum.cut += r.Classes[j].Cut
			}
		}
	}
	return sum
}

// open is how many requests were under way.
func open(ctx context.Context, targets []*origin) (n uint64) {
	for _, o := range targets {
		c, err := o.client.Counters(ctx)
		if err != nil {
			continue // readMet tells
		}
		for i := range c.Replicas {
			for j := range c.Replicas[i].Classes {
				n += c.Replicas[i].Classes[j].Open
			}
		}
	}
	return n
}

// effect is the finding about a fault of origins, from what they counted before and
// after it.
func effect(kind, scope string, before, after *met) result.Finding {
	if why := before.unknown + after.unknown; why != "" {
		return result.Finding{What: "what it met", Verdict: result.Inconclusive, Asked: "anything", Achieved: "unknown", Note: why}
	}
	since := func(before, after uint64) uint64 { return after - min(before, after) }
	requests := since(before.requests, after.requests)
	switch kind {
	case control.Reset:
		n := uint64(0)
		if scope != control.ScopeLive {
			n += since(before.refused, after.refused)
		}
		if scope != control.ScopeNew {
			n += before.active
		}
		return evidence.Some("connections reset", n, "connections")
	case control.Limit:
		return evidence.Some("connections turned away", since(before.limited, after.limited), "connections beyond the limit")
	case control.TLSStall, control.Certificate, control.Renegotiation:
		return evidence.Some("handshakes met", since(before.spoilt, after.spoilt), "handshakes")
	case control.Truncate, control.TLSTruncate:
		return evidence.Some("answers cut", since(before.cut, after.cut), "answers")
	}
	if bytes := since(before.bytes, after.bytes); requests == 0 && bytes > 0 {
		return evidence.Some("bytes met", bytes, "traffic")
	}
	return evidence.Some("requests met", requests, "requests")
}

// attempts are the connections that were refused to those who wanted to reach
// origins: as the proxy's counters of its servers have it, and loads past the proxy.
type attempts struct {
	servers []rowKey
	loads   []string
	failed  uint64 // so far, as the proxy has it
}

// refusedColumns count what a server with a closed port costs the proxy: failed
// connections, second tries elsewhere or there, and failed checks.
var refusedColumns = []string{"econ", "wretr", "wredis", "chkfail"}

// attempts finds out who would notice that origins refuse connections.
func (c *cell) attempts(targets []*origin) attempts {
	a := attempts{servers: c.servers(targets)}
	for i := range c.scenario.Load {
		l := &c.scenario.Load[i]
		if slices.ContainsFunc(targets, func(o *origin) bool { return l.Target == "origin/"+o.backend.Name }) {
			a.loads = append(a.loads, l.Name)
		}
	}
	a.failed = c.refusals(a.servers)
	return a
}

// servers are the lines of "show stat" that stand for origins, by their addresses.
func (c *cell) servers(targets []*origin) (keys []rowKey) {
	for key, addr := range c.history.addresses() {
		if slices.ContainsFunc(targets, func(o *origin) bool { return o.addr == addr }) {
			keys = append(keys, key)
		}
	}
	return keys
}

// refusals reads the proxy's counters and sums what refused connections have cost.
func (c *cell) refusals(servers []rowKey) (sum uint64) {
	// A process that has just ended has been read before.
	_, _ = c.history.latest().read()
	for _, key := range servers {
		for _, column := range refusedColumns {
			sum += c.history.total(key, column)
		}
	}
	return sum
}

// refusedSince is the finding about a fault that refuses connections.
func (c *cell) refusedSince(a *attempts, beginUs, endUs int64) result.Finding {
	n := c.refusals(a.servers)
	n -= min(a.failed, n)
	c.mu.Lock()
	for i := range c.intervals {
		in := &c.intervals[i]
		if slices.Contains(a.loads, in.Load) && in.StartUs < endUs && in.StartUs+in.LengthUs > beginUs {
			n += in.Errors[result.CauseRefused]
		}
	}
	c.mu.Unlock()
	if n == 0 && len(a.loads) == 0 && (len(a.servers) == 0 || c.history.latest().conn == nil) {
		return result.Finding{
			What: "connections refused", Verdict: result.Inconclusive, Asked: "new connections", Achieved: "unknown",
			Note: "they are counted nowhere: the proxy has no stats socket, or no server with this address",
		}
	}
	f := evidence.Some("connections refused", n, "new connections")
	if n == 0 {
		f.Note = "nobody opened a connection: those that were open are kept"
	}
	return f
}

// noEffect says which event had nothing to act on, "" if all had.
func noEffect(c *result.Cell) string {
	for i := range c.Events {
		e := &c.Events[i]
		if e.Certificate == nil || e.Certificate.Verdict != result.NoEffect {
			continue
		}
		why := "nothing was affected"
		if j := slices.IndexFunc(e.Certificate.Findings, func(f result.Finding) bool { return f.Verdict == result.NoEffect }); j >= 0 {
			f := &e.Certificate.Findings[j]
			if why = f.What + ": " + f.Achieved; f.Note != "" {
				why += ", " + f.Note
			}
		}
		return strings.TrimSpace(fmt.Sprintf("event %d %s %s", e.ID, e.Kind, e.Target)) + " had no effect (" + why + "): the run says nothing about it"
	}
	for i := range c.Abuse {
		if a := &c.Abuse[i]; a.Opened == 0 {
			return fmt.Sprintf("abuse %s reached nobody (%d connections tried, none opened): the run says nothing about it", a.Name, a.Attempts)
		}
	}
	return ""
}

// killed waits until processes have ended that were killed.
func killed(done []<-chan struct{}) *result.Certificate {
	gone := uint64(0)
	limit := time.After(undoGrace)
	for _, d := range done {
		select {
		case <-d:
			gone++
		case <-limit:
		}
	}
	return evidence.Certificate("SIGKILL", true, evidence.All("processes ended", gone, uint64(len(done))))
}

// awaitEvents waits until the events have come to their end: what they say of
// themselves belongs into the record.
func (c *cell) awaitEvents() {
	over := make(chan struct{})
	go func() {
		c.acting.Wait()
		close(over)
	}()
	select {
	case <-over:
	case <-time.After(settleLimit):
		c.record.Warnings = append(c.record.Warnings, fmt.Sprintf("an event was still going on %v after the loads", settleLimit))
	}
}

// leftOutEvents are the events that a loopback cannot have.
func leftOutEvents(events []format.Event, why string) (out []result.LeftOut) {
	for i := range events {
		e := &events[i]
		if a, _ := format.FindAction(e.Do); a.NeedsWire() {
			out = append(out, result.LeftOut{Name: strings.TrimSpace(e.Do + " " + e.Target()), Reason: why})
		}
	}
	return out
}
