package runner

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"bench/internal/hosts/session"
	"bench/internal/hosts/wire"
	"bench/internal/proc"
	"bench/internal/result"
	"bench/scenarios/format"
)

// machines are the other machines of a cell, by the roles of the scenario. nil is none:
// everything is on this one.
type machines struct {
	session *session.Session
	roles   map[string][]*session.Host
	here    string // address by which they reach this one
	chosen  map[string][]wire.Hello
}

// Bounds of what concerns other machines.
const (
	// lookAtLeast is how long hosts have to answer, and lookAtMost how long those are
	// waited for that are missing.
	lookAtLeast = 500 * time.Millisecond
	lookAtMost  = 5 * time.Second
	// takeLimit bounds the time until all of them work for the run.
	takeLimit = 30 * time.Second
	// leadElsewhere is leadTime where the order to begin goes through a hub.
	leadElsewhere = 2 * time.Second
	// clockBound is how well the clocks of machines must be known.
	clockBound = time.Millisecond
	// mostApart is how far the clocks of machines that share a load may go apart: a twentieth
	// of a slice of its timeline, which is made of one slice of each.
	mostApart = 5 * time.Millisecond
)

// processHost is a host as internal/proc knows it.
func processHost(h *session.Host) proc.Host {
	if h == nil {
		return nil
	}
	return h
}

// takeMachines finds the machines of the scenario and has them work for the run. Of two
// runs that want the same machines at the same moment each may get some of them: both let
// go then, and try again at moments of their own.
func (c *cell) takeMachines(ctx context.Context) error {
	for deadline := time.Now().Add(2 * lookAtMost); ; {
		err := c.tryMachines(ctx)
		if !errors.Is(err, session.ErrBusy) || time.Now().After(deadline) {
			return err
		}
		c.leaveMachines()
		c.machines = nil
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(lookAtLeast + rand.N(2*lookAtLeast)):
		}
	}
}

// tryMachines takes the machines if all of them are free.
func (c *cell) tryMachines(ctx context.Context) error {
	if !c.scenario.Placed() {
		return nil
	}
	if c.hub == nil {
		c.record.Warnings = append(c.record.Warnings, "everything ran on this machine: hosts are used with --hub")
		return nil
	}
	s, err := session.Open(ctx, session.Options{Hub: c.hub, Self: c.self})
	if err != nil {
		return fail(exitLost, err)
	}
	m := &machines{session: s, roles: map[string][]*session.Host{}}
	c.machines = m
	if m.here, err = c.hub.Towards(); err != nil {
		return fail(exitLost, err)
	}
	if m.chosen, err = m.find(ctx, c.scenario, c.only, c.claims); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, takeLimit)
	defer cancel()
	taken := map[string]*session.Host{}
	for i := range c.scenario.Hosts {
		role := c.scenario.Hosts[i].Name
		for _, hello := range m.chosen[role] {
			h := taken[hello.Name]
			if h == nil {
				if h, err = s.Take(ctx, hello); errors.Is(err, session.ErrBusy) {
					return fail(exitUsage, fmt.Errorf("hosts: %w", err))
				} else if err != nil {
					return fail(exitLost, err)
				}
				h.Mirror(c.dir)
				taken[hello.Name] = h
			}
			m.roles[role] = append(m.roles[role], h)
		}
	}
	if others := otherBuilds(c.build, s.Hosts()); others != "" {
		c.record.Warnings = append(c.record.Warnings, others)
	}
	return nil
}

// otherBuilds says which machines have another build of this program: they understand each
// other, but loads, origins and the built-in proxy are those of the machine.
func otherBuilds(own string, hosts []*session.Host) string {
	var others []string
	for _, h := range hosts {
		if build := h.Hello().Tool; build != own {
			others = append(others, fmt.Sprintf("%s has %s", h.Name(), build))
		}
	}
	if len(others) == 0 {
		return ""
	}
	return fmt.Sprintf("bench is another build on some hosts than here (%s): %s", own, strings.Join(others, ", "))
}

// errMissing is a scenario whose machines are not there.
var errMissing = errors.New("hosts are missing")

// find waits for the machines that the roles ask for. Named ones come first, so that no
// other role takes them by their labels.
func (m *machines) find(ctx context.Context, s *format.Scenario, only []string, others *claims) (map[string][]wire.Hello, error) {
	deadline := time.Now().Add(lookAtMost)
	for {
		found, err := m.session.Look(ctx, lookAtLeast)
		if err != nil {
			return nil, fail(exitUsage, err)
		}
		if len(only) > 0 {
			found = slices.DeleteFunc(found, func(h wire.Hello) bool { return !slices.Contains(only, h.Name) })
		}
		chosen, missing := others.take(found, func(free []wire.Hello) (map[string][]wire.Hello, []string) { return choose(s, free) })
		if len(missing) == 0 {
			return chosen, nil
		}
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if time.Now().After(deadline) {
			return nil, fail(exitUsage, fmt.Errorf("%w: %s; there are %s", errMissing, strings.Join(missing, "; "), joined(found)))
		}
	}
}

func joined(found []wire.Hello) string {
	if len(found) == 0 {
		return "none"
	}
	var all []string
	for i := range found {
		text := found[i].Name
		if found[i].Run != "" {
			text += " (works for another run)"
		}
		all = append(all, text)
	}
	return strings.Join(all, ", ")
}

// choose gives each role its machines, and says which cannot have them.
func choose(s *format.Scenario, found []wire.Hello) (chosen map[string][]wire.Hello, missing []string) {
	chosen = map[string][]wire.Hello{}
	used := map[string]bool{}
	for i := range s.Hosts {
		r := &s.Hosts[i]
		for _, name := range r.Names {
			j := slices.IndexFunc(found, func(h wire.Hello) bool { return h.Name == name })
			switch {
			case j < 0:
				missing = append(missing, fmt.Sprintf("%s wants %s, which has not joined", r.Name, name))
			case found[j].Run != "":
				missing = append(missing, fmt.Sprintf("%s wants %s, which works for another run", r.Name, name))
			default:
				used[name] = true
				chosen[r.Name] = append(chosen[r.Name], found[j])
			}
		}
	}
	for i := range s.Hosts {
		r := &s.Hosts[i]
		if len(r.Names) > 0 {
			continue
		}
		for _, h := range found {
			if len(chosen[r.Name]) < r.Count && !used[h.Name] && h.Run == "" && matches(&h, r.Labels) {
				used[h.Name] = true
				chosen[r.Name] = append(chosen[r.Name], h)
			}
		}
		if n := len(chosen[r.Name]); n < r.Count {
			missing = append(missing, fmt.Sprintf("%s wants %d%s, and %d are free", r.Name, r.Count, labelsInWords(r.Labels), n))
		}
	}
	return chosen, missing
}

func labelsInWords(labels map[string]string) string {
	var all []string
	for key, value := range labels {
		all = append(all, key+"="+value)
	}
	if len(all) == 0 {
		return ""
	}
	slices.Sort(all)
	return " with " + strings.Join(all, ", ")
}

func matches(h *wire.Hello, labels map[string]string) bool {
	for key, value := range labels {
		if got, ok := h.Labels[key]; !ok || got != value {
			return false
		}
	}
	return true
}

// at is the machine of part number n (from 1) of a role, nil for this one.
func (m *machines) at(role string, n int) *session.Host {
	if m == nil || role == "" {
		return nil
	}
	all := m.roles[role]
	return all[(n-1)%len(all)]
}

// all is the machines of a role.
func (m *machines) all(role string) []proc.Host {
	if m == nil || role == "" {
		return nil
	}
	var all []proc.Host
	for _, h := range m.roles[role] {
		all = append(all, h)
	}
	return all
}

// address is a free one where part number n of a role is.
func (m *machines) address(free *ports, role string, n int) (string, error) {
	h := m.at(role, n)
	if h == nil {
		return free.takeAt(m.here)
	}
	ctx, cancel := context.WithTimeout(context.Background(), takeLimit)
	defer cancel()
	port, err := h.Port(ctx)
	return net.JoinHostPort(h.Address(), strconv.Itoa(port)), err
}

// askLimit bounds the question whether machines were lost, once something has failed.
const askLimit = 3 * time.Second

// lost is why the machines cannot be counted on any more, nil if they can. They are asked
// if something has failed.
func (m *machines) lost(failed bool) error {
	if m == nil {
		return nil
	}
	if failed && m.session.Err() == nil {
		ctx, cancel := context.WithTimeout(context.Background(), askLimit)
		defer cancel()
		m.session.Ask(ctx)
	}
	return m.session.Err()
}

// allElsewhere reports whether nothing of the cell is on this machine.
func (c *cell) allElsewhere() bool { return c.machines != nil && c.scenario.Elsewhere() }

// proxyHost is the machine of the proxy, nil for this one.
func (c *cell) proxyHost() *session.Host { return c.machines.at(c.scenario.Proxy.OnHost, 1) }

// watchMachines compares clocks, and ends the cell when a machine is lost.
func (c *cell) watchMachines(ctx context.Context, workers *sync.WaitGroup) {
	if c.machines == nil {
		return
	}
	s := c.machines.session
	workers.Go(func() { s.CompareClocks(ctx, func() { c.placeUntil(s.ClocksKnownUntil()) }) })
	workers.Go(func() {
		select {
		case <-ctx.Done():
		case <-s.Lost():
			c.fail(fail(exitLost, lostError{s.Err()}))
		}
	})
}

// usageLimit bounds the wait for what machines say of processes: the next sample may do
// without.
const usageLimit = 500 * time.Millisecond

// usageElsewhere asks the machines what processes of the run have used there.
func (c *cell) usageElsewhere() []result.Process {
	if c.machines == nil {
		return nil
	}
	type part struct {
		role string
		p    *proc.Process
	}
	parts := map[proc.Host]map[int]part{}
	note := func(role string, p *proc.Process) {
		if p == nil || p.Elsewhere() == nil || !p.Running() {
			return
		}
		if parts[p.Elsewhere()] == nil {
			parts[p.Elsewhere()] = map[int]part{}
		}
		parts[p.Elsewhere()][p.PID()] = part{role, p}
	}
	for _, g := range c.history.list() {
		note(roleProxy, g.Process)
	}
	for _, o := range c.origins {
		p, _ := o.process()
		note(roleOrigin, p)
	}
	for _, a := range c.agents {
		for _, p := range a.Processes() {
			note(roleDriver, p)
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), usageLimit)
	defer cancel()
	var mu sync.Mutex
	var all []result.Process
	var asked sync.WaitGroup
	for i, h := range c.machines.session.Hosts() {
		of := parts[h]
		if len(of) == 0 {
			continue
		}
		asked.Go(func() {
			used, err := h.Usage(ctx, slices.Collect(maps.Keys(of)))
			if err != nil {
				return
			}
			mu.Lock()
			defer mu.Unlock()
			for _, u := range used {
				// Numbers of processes are those of their machine.
				c.usage.account(-(i<<32 | u.PID), of[u.PID].role, u.CPUSeconds, of[u.PID].p.Started())
				all = append(all, result.Process{Role: of[u.PID].role, PID: u.PID, CPUSeconds: u.CPUSeconds, RSSBytes: u.RSSBytes})
			}
		})
	}
	asked.Wait()
	return all
}

// noteMachines records the machines and how their clocks went, and what the run cannot
// vouch for because of them.
func (c *cell) noteMachines() []result.Doubt {
	if c.machines == nil {
		return nil
	}
	var doubts []result.Doubt
	for _, h := range c.machines.session.Hosts() {
		clocks := h.Clocks(c.start, c.start+c.record.LengthUs*1000)
		apart := c.apart(h)
		hello := h.Hello()
		r := result.Host{
			Name: h.Name(), Address: h.Address(), CPUs: hello.CPUs, Kernel: hello.Kernel, Roles: c.machines.rolesOf(h),
			OffsetUs: micros(clocks.Offset), DriftPPM: clocks.Rate * 1e6, BoundUs: micros(clocks.Bound + apart),
		}
		if clocks.Err != nil {
			r.Step = clocks.Err.Error()
		}
		doubts = append(doubts, doubtOf(h.Name(), &clocks, apart)...)
		c.record.Hosts = append(c.record.Hosts, r)
	}
	return doubts
}

// apart is how far slices of a machine were from where those of the loads are put that it
// shares with others.
func (c *cell) apart(h proc.Host) time.Duration {
	var furthest int64
	for _, a := range c.agents {
		if !a.Elsewhere() {
			continue
		}
		for us := int64(0); us < c.record.LengthUs; us += time.Second.Microseconds() {
			furthest = max(furthest, a.Apart(h, us))
		}
		furthest = max(furthest, a.Apart(h, c.record.LengthUs))
	}
	return time.Duration(furthest) * time.Microsecond
}

// doubtOf is what times of a host are not to be trusted for, if anything.
func doubtOf(host string, c *session.Clocks, apart time.Duration) []result.Doubt {
	d := result.Doubt{Concerns: result.ConcernsAxis}
	switch {
	case c.Err != nil:
		d.Concerns = result.ConcernsTimes // latencies are by that clock, too
		d.Text = fmt.Sprintf("the clock of host %s cannot be compared: %v", host, c.Err)
	case c.Bound > clockBound:
		d.Text = fmt.Sprintf("times of host %s are known to ±%v only, and %v is wanted", host, c.Bound.Round(time.Microsecond), clockBound)
		d.Remedy = "let the hub be nearer to it, or less busy"
	case apart > mostApart:
		d.Text = fmt.Sprintf("the clock of host %s went %v away from those of the hosts that it shares a load with", host, apart.Round(time.Microsecond))
		d.Remedy = "let the clocks of the machines be kept by NTP, or measure for a shorter time"
	default:
		return nil
	}
	return []result.Doubt{d}
}

func micros(d time.Duration) float64 { return float64(d.Nanoseconds()) / 1000 }

func (m *machines) rolesOf(h *session.Host) []string {
	var roles []string
	for role, all := range m.roles {
		if slices.Contains(all, h) {
			roles = append(roles, role)
		}
	}
	slices.Sort(roles)
	return roles
}

// leaveMachines ends everything of the cell on other machines.
func (c *cell) leaveMachines() {
	if c.machines == nil {
		return
	}
	if err := c.machines.session.Close(); err != nil {
		c.record.Warnings = append(c.record.Warnings, err.Error())
	}
	c.claims.give(c.machines.chosen)
}
