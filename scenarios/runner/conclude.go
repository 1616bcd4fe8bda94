package runner

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"net"
	"slices"
	"strings"
	"time"

	"bench/backends/idset"
	"bench/internal/result"
	"bench/internal/units"
	"bench/loadgen/abuse"
	"bench/loadgen/certify"
	"bench/loadgen/workload"
	"bench/scenarios/conserve"
	"bench/scenarios/objective"
)

// conclude reads the end states and judges the cell.
func (c *cell) conclude(ctx context.Context) {
	c.live.Message("reading the last counters")
	ctx, cancel := context.WithTimeout(ctx, settleLimit)
	defer cancel()
	c.settle(ctx)
	c.askOrigins(ctx)
	c.record.Receipts = c.receipts
	conservation, err := c.conservation(ctx)
	if err != nil {
		c.record.Warnings = append(c.record.Warnings, "conservation: "+err.Error())
	}
	c.record.Conservation = conservation
	c.compareMachines(ctx) // what happened since the last comparison is bounded by it
	c.collect()
	c.record.AlteredUnreported = unreported(c.record.Loads, c.altered)
	c.waits = c.usage.waits.measured(c.record.Phases, c.record.Events)
	c.record.Trust = c.trust(c.waits)
	// A clock that was set comes first: other doubts may follow from it.
	c.record.Trust.Doubts = append(c.noteMachines(), c.record.Trust.Doubts...)
	data := &objective.Data{
		Loads: c.record.Loads, Abuse: c.record.Abuse, Intervals: c.intervals, Phases: c.record.Phases, Events: c.record.Events,
		Conservation: conservation, Waits: c.waits, Doubts: c.record.Trust.Doubts, Unreported: c.record.AlteredUnreported,
		Receipts: c.receipts,
	}
	for _, o := range c.objectives {
		if us, ok := o.expr.P99Limit(); ok && o.window == nil {
			data.LimitUs = us
		}
	}
	for _, o := range c.objectives {
		c.record.Objectives = append(c.record.Objectives, objective.Evaluate(o.expr, o.window, data))
	}
	if o, ok := c.steadyAgain(); ok {
		c.record.Objectives = append(c.record.Objectives, o)
	}
	c.record.Warnings = append(c.record.Warnings, disturbances(c.record.Trust)...)
	c.record.Verdict, c.record.Reason = verdict(c.record)
}

// settle waits until every generation has given its last counters.
func (c *cell) settle(ctx context.Context) {
	c.history.latest().settle(ctx, slices.Compact(slices.Sorted(maps.Values(c.frontends()))))
	for _, g := range c.history.list() {
		for !g.settled() {
			select {
			case <-ctx.Done():
				return
			case <-time.After(drainStep):
			}
		}
	}
}

// settled reports whether nothing more will be learnt of a generation.
func (g *generation) settled() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.final || g.lost != ""
}

// conservation compares the counters of clients, proxy and origins.
func (c *cell) conservation(ctx context.Context) (*result.Conservation, error) {
	received := map[string]*idset.Set{}
	origins := map[string]conserve.Origin{}
	var lost []string
	var altered uint64
	for _, o := range c.origins {
		if o.lost != "" {
			lost = append(lost, o.lost)
		}
		if !o.running() {
			continue
		}
		counters, err := o.client.Counters(ctx)
		if err != nil {
			return nil, err
		}
		for _, r := range counters.Replicas {
			altered += r.Altered
			for _, class := range r.Classes {
				sum := origins[class.Name]
				sum.Received += class.Received
				sum.Answered += class.Answered
				sum.Repeated += class.Repeated
				origins[class.Name] = sum
				if class.Untracked > 0 {
					lost = append(lost, fmt.Sprintf("origin %s kept no record of %d request numbers", o.name, class.Untracked))
				}
			}
		}
		ids, err := o.client.IDs(ctx)
		if err != nil {
			return nil, err
		}
		for _, r := range ids.Replicas {
			for _, class := range r.Classes {
				if received[class.Name] == nil {
					received[class.Name] = &idset.Set{}
				}
				again, err := received[class.Name].Merge(class.Received)
				if err != nil {
					return nil, err
				}
				sum := origins[class.Name]
				sum.Repeated += again
				origins[class.Name] = sum
			}
		}
	}
	frontends := c.frontends()
	var clients []conserve.Client
	for _, a := range c.agents {
		load, err := a.Outcome()
		if err != nil {
			return nil, err
		}
		clients = append(clients, client(load, frontends[load.Target]))
		if workload.CountingOf(load.Protocol) == workload.ByNumber {
			sum := origins[load.Name]
			sum.Lost = c.lostOf(load, received[load.Name])
			origins[load.Name] = sum
		}
	}
	c.altered = altered
	proxy := c.proxyCounters()
	if proxy != nil {
		proxy.Abuse = c.abused(frontends)
	}
	if len(c.origins) == 0 {
		origins = nil
	}
	check := conserve.Check(clients, origins, proxy)
	if len(lost) > 0 {
		check.Exact = false
		for i := range check.Rows {
			check.Rows[i].Incomplete = true
		}
		check.Detail = strings.Trim(check.Detail+"; "+strings.Join(lost, "; "), "; ")
	}
	return check, nil
}

// unreported is how many of the requests that origins found altered no load knows of.
func unreported(loads []result.Load, altered uint64) uint64 {
	for i := range loads {
		if check := loads[i].Integrity; check != nil {
			altered -= min(altered, check.Requests)
		}
	}
	return altered
}

// lostOf counts the requests the client completed but no origin received.
func (c *cell) lostOf(load *result.Load, received *idset.Set) uint64 {
	if received == nil {
		received = &idset.Set{}
	}
	var intended uint64
	for i := range load.Phases {
		intended += load.Phases[i].Requests
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	known := received.Len()
	for id := range c.failures[load.Name] {
		if !received.Has(id) {
			known++
		}
	}
	// Agents that share a load number their requests alternately, and may leave
	// out numbers at the end: only how many there are can be compared.
	return intended - min(intended, known)
}

// client sums what a load knows over all its phases.
func client(load *result.Load, frontend string) conserve.Client {
	cl := conserve.Client{Class: load.Name, Sent: load.Sent, Frontend: frontend, Counting: workload.CountingOf(load.Protocol)}
	for i := range load.Phases {
		p := &load.Phases[i]
		cl.Completed += p.Completed
		cl.Retried += p.Retried
		cl.Connections += p.ConnsOpened
		// Failures with a response: it was answered, but not as wanted.
		for cause, n := range p.FailuresByCause {
			switch cause {
			case result.CauseOrigin5xx, result.CauseHeader, result.CauseBody,
				result.CauseError, result.CauseDenied, result.CauseReadOnly, result.CauseUnavailable, result.CauseConflict:
				cl.FromOrigin += n
				cl.Answered += n
			case result.CauseProxy5xx, result.CauseStatus4xx, result.CauseStatus:
				cl.Answered += n
			}
		}
	}
	cl.FromOrigin += cl.Completed
	cl.Answered += cl.Completed
	return cl
}

// frontends finds for each target of a load the frontend that listens there,
// as the scenario says or in the lines of the configuration.
func (c *cell) frontends() map[string]string {
	found := map[string]string{}
	for i := range c.scenario.Proxy.Listeners {
		l := &c.scenario.Proxy.Listeners[i]
		found["proxy/"+l.Name] = l.CountedAs()
	}
	section := ""
	for line := range strings.SplitSeq(c.config, "\n") {
		words := strings.Fields(line)
		if len(words) < 2 {
			continue
		}
		switch words[0] {
		case "global", "defaults", "backend", "peers", "resolvers", "userlist", "cache", "program", "ring", "mailers":
			section = ""
		case "frontend", "listen":
			section = words[1]
		case "bind":
			for target, addr := range c.listeners {
				if section != "" && slices.Contains(strings.Split(words[1], ","), addr) {
					found[target] = section
				}
			}
		}
	}
	return found
}

// proxyCounters sums the counters over the generations; nil without any.
func (c *cell) proxyCounters() *conserve.Proxy {
	if c.driver.StatsSocket() == "" {
		return nil
	}
	p := &conserve.Proxy{Incomplete: c.history.incomplete()}
	responses := func(key rowKey) (sum uint64) {
		for _, column := range []string{"hrsp_1xx", "hrsp_2xx", "hrsp_3xx", "hrsp_4xx", "hrsp_5xx", "hrsp_other"} {
			sum += c.history.total(key, column)
		}
		return sum
	}
	addresses := c.history.addresses()
	for _, key := range c.history.keys() {
		http := c.history.mode(key.proxy) == "http"
		switch key.server {
		case "FRONTEND":
			p.Frontends = append(p.Frontends, conserve.Frontend{
				Name: key.proxy, HTTP: http, Requests: c.history.total(key, "req_tot"), Responses: responses(key),
				Connections: c.history.total(key, "conn_tot"),
			})
		case "BACKEND":
		default:
			if addr, known := addresses[key]; known && !c.isOrigin(addr) {
				p.Through = p.Through || c.isCompanion(addr)
				continue // what others answer is nothing to compare with
			}
			if http {
				p.Responses += responses(key)
				p.Errors += c.history.total(key, "eresp") + c.history.total(key, "cli_abrt") + c.history.total(key, "srv_abrt")
			}
			p.Retries += c.history.total(key, "wretr")
		}
	}
	return p
}

// disturbances are what happened on the machine that whoever reads the figures should know.
func disturbances(t result.Trust) (warnings []string) {
	if t.ForeignCPU > noisyShare {
		warnings = append(warnings, fmt.Sprintf("other programs used %s of the processors", units.Percent(t.ForeignCPU)))
	}
	if t.ClockStepped {
		warnings = append(warnings,
			"the clock of the machine was set during the run: times do not depend on it, but those in log lines of the proxy may jump")
	}
	return warnings
}

// Bounds beyond which times are not to be trusted.
const (
	maxDriverCPU = 0.85
	maxOriginCPU = 0.85 // an origin is one thread; beyond, requests wait for it
	noisyShare   = 0.10 // of the CPUs, used by others: worth a warning
	// maxOwnWait is the share of its time in which a part may wait for others of the
	// run itself: that is the same in each run, and part of the bounds of its times.
	maxOwnWait = 0.30
	// leastWatched is the share of the looks at what parts wait for that must have been
	// taken in time.
	leastWatched = 0.2
)

// trust judges the measurement itself.
func (c *cell) trust(waits []result.Wait) result.Trust {
	t := result.Trust{
		SameHost: c.sameHost(), ClockStepped: c.watch.stepped(),
		Starved: c.usage.waits.byRole(c.record.Phases, c.record.Events),
	}
	t.DriverCPU, t.ProxyCPU, t.OriginCPU, t.ForeignCPU = c.usage.shares()
	if c.allElsewhere() {
		t.ForeignCPU = 0 // others use the processors of this machine, which does nothing of the run
	}
	busiest := c.usage.busiest(roleOrigin)
	doubt := func(concerns, remedy, format string, args ...any) {
		t.Doubts = append(t.Doubts, result.Doubt{Concerns: concerns, Text: fmt.Sprintf(format, args...), Remedy: remedy})
	}
	// What was not done comes before what was done less exactly, and what others did
	// before what follows from it: the first doubt is the one that is told everywhere.
	for i := range c.record.Events {
		if e := &c.record.Events[i]; !e.Applied {
			doubt(result.ConcernsRun, "", "event %d %s was not carried out: %s", e.ID, e.Kind, e.Detail)
		} else if cert := e.Certificate; cert != nil && cert.Verdict == result.Mismatch {
			doubt(result.ConcernsRun, "", "event %d %s did something other than it was asked to: %s", e.ID, e.Kind, mismatch(cert))
		}
	}
	for i := range c.record.Abuse {
		t.Doubts = append(t.Doubts, abuse.Certify(&c.record.Abuse[i])...)
	}
	t.Doubts = append(t.Doubts, starvation(t.Starved, t.ForeignCPU)...)
	if len(t.Doubts) == 0 {
		t.Doubts = unwatched(waits, c.record.Phases)
	}
	for i := range c.record.Loads {
		l := &c.record.Loads[i]
		t.LagP99Us = max(t.LagP99Us, l.Lag.P99)
		t.Dropped += l.FailuresByCause[result.CauseLocal]
		for _, second := range l.LateSeconds {
			from := int64(second) * 1_000_000
			t.Late = append(t.Late, result.Span{StartUs: from, EndUs: from + 1_000_000})
		}
		t.Doubts = append(t.Doubts, certify.Doubts(l)...)
	}
	if t.DriverCPU > maxDriverCPU {
		doubt(result.ConcernsTimes, "use a lower rate, or more processes for the load",
			"a load used %s of its core", units.Percent(t.DriverCPU))
	}
	if busiest > maxOriginCPU {
		doubt(result.ConcernsTimes, "use a lower rate, or more replicas",
			"an origin used %s of its core: it answers later than the scenario says", units.Percent(busiest))
	}
	return t
}

// sameHost reports whether the proxy runs on this machine, as all else does.
func (c *cell) sameHost() bool {
	if c.machines != nil {
		return false
	}
	for i := range c.scenario.Proxy.Listeners {
		host, _, err := net.SplitHostPort(c.scenario.Proxy.Listeners[i].Address)
		if err != nil {
			return false
		}
		// Only addresses of this machine can be bound.
		l, err := net.Listen("tcp", net.JoinHostPort(host, "0"))
		if err != nil {
			return false
		}
		_ = l.Close() // nobody has connected
	}
	return true
}

// quietRemedy is what to do on a machine that is too busy.
const quietRemedy = "stop other programs, or give the run processors of its own with --cpus; bench doctor shows when the machine is quiet"

// tooBusy begins what is said of such a machine.
const tooBusy = "this machine was too busy to tell; "

// unwatched is a doubt where the run was kept from seeing what its parts waited for.
func unwatched(waits []result.Wait, phases []result.Phase) []result.Doubt {
	var measuredUs int64
	for _, p := range phases {
		if p.Measured {
			measuredUs += p.LengthUs
		}
	}
	if len(waits) >= int(leastWatched*float64(measuredUs/waitStep.Microseconds())) {
		return nil
	}
	return []result.Doubt{{
		Concerns: result.ConcernsTimes, Remedy: quietRemedy,
		Text: fmt.Sprintf("%sthe run could sample its parts only %d times", tooBusy, len(waits)),
	}}
}

// starvation speaks of roles that were kept from running for too long, if any was, and
// what to do about it.
func starvation(waited []result.Starved, foreign float64) []result.Doubt {
	names := map[string]string{roleProxy: "the proxy", roleOrigin: "an origin", roleDriver: "a load"}
	most := maxOwnWait
	if foreign > noisyShare {
		most = certify.MaxWaited
	}
	var who []string
	for _, w := range waited {
		if name := names[w.Role]; name != "" && w.Share > most {
			verb := ""
			if len(who) == 0 {
				verb = " was ready to run but had to wait"
			}
			who = append(who, fmt.Sprintf("%s%s for %s of the time", name, verb, units.Percent(w.Share)))
		}
	}
	if len(who) == 0 {
		return nil
	}
	d := result.Doubt{
		Concerns: result.ConcernsTimes,
		Text:     "this machine is too small for the run, whose parts kept each other from the processors",
		Remedy:   "use lower rates, or a machine with more processors",
	}
	if foreign > noisyShare {
		d.Text = fmt.Sprintf("%sother programs used %s of the processors", tooBusy, units.Percent(foreign))
		d.Remedy = quietRemedy
	}
	d.Text += ": " + strings.Join(who, ", ")
	return []result.Doubt{d}
}

// mismatch is the first finding of a certificate that does not fit, in words.
func mismatch(c *result.Certificate) string {
	for _, f := range c.Findings {
		if f.Verdict == result.Mismatch {
			return fmt.Sprintf("%s %s, asked %s", f.What, f.Achieved, f.Asked)
		}
	}
	return "it was still there at its end"
}

// verdict is the word for a cell and why it is not PASS. A limit that is broken for
// certain is broken, whatever could not be decided beside it.
func verdict(c *result.Cell) (word, reason string) {
	for _, d := range c.Trust.Doubts {
		if d.Concerns == result.ConcernsRun {
			return result.Invalid, withRemedy(&d)
		}
	}
	var failed, invalid, unclear []string
	whyInvalid, why := "", ""
	for i := range c.Objectives {
		o := &c.Objectives[i]
		switch o.Verdict {
		case result.Fail:
			failed = append(failed, o.Expr)
		case result.Invalid:
			invalid = append(invalid, o.Expr)
			whyInvalid = cmp.Or(whyInvalid, o.Reason)
		case result.Unclear:
			unclear = append(unclear, o.Expr)
			why = o.Reason
		}
	}
	idle := noEffect(c)
	switch {
	case len(failed) > 0:
		return result.Fail, fmt.Sprintf("%d of %d limits broken: %s", len(failed), len(c.Objectives), strings.Join(failed, ", "))
	case len(invalid) > 0:
		for _, d := range c.Trust.Doubts {
			if d.Text == whyInvalid {
				whyInvalid = withRemedy(&d)
			}
		}
		return result.Invalid, fmt.Sprintf("%s (could not be decided: %s)", whyInvalid, strings.Join(invalid, ", "))
	case idle != "":
		return result.Unclear, idle
	case len(unclear) > 0:
		return result.Unclear, fmt.Sprintf("%s: %s", strings.Join(unclear, ", "), why)
	}
	return result.Pass, ""
}

// withRemedy is a doubt and what to do about it.
func withRemedy(d *result.Doubt) string {
	if d.Remedy == "" {
		return d.Text
	}
	return d.Text + ": " + d.Remedy
}
