package runner

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"bench/internal/proc"
	"bench/internal/result"
	"bench/scenarios/statsock"
)

// Roles of processes in samples.
const (
	roleProxy  = "proxy"
	roleOrigin = "origin"
	roleDriver = "driver"
	roleAbuse  = "abuse"
)

// sample reads processes and counters until ctx ends.
func (c *cell) sample(ctx context.Context) {
	tick := time.NewTicker(c.scenario.Proxy.Stats.Every.D())
	defer tick.Stop()
	c.askOrigins(ctx) // before the loads begin
	flushed, kept := time.Now(), int64(0)
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if at := c.sinceStart(); at >= 0 {
			c.takeSample(at)
			c.askOrigins(ctx)
		}
		if time.Since(flushed) >= time.Second {
			flushed = time.Now()
			if err := errors.Join(c.out.flush(), c.keepEvents(&kept)); err != nil {
				c.fail(fail(exitLost, err))
			}
			if err := c.checkAborts(); err != nil {
				c.fail(err)
			}
		}
	}
}

// keepEvents writes the record of what has happened so far, if something has since
// the sum of the events was last.
func (c *cell) keepEvents(last *int64) error {
	c.mu.Lock()
	events, sum := make([]result.Event, len(c.events)), int64(0)
	for i, e := range c.events {
		events[i] = *e
		sum += 1 + e.EndUs + e.DrainEndUs
	}
	c.mu.Unlock()
	if sum == *last {
		return nil
	}
	*last = sum
	slices.SortStableFunc(events, func(a, b result.Event) int { return cmp.Compare(a.BeginUs, b.BeginUs) })
	for i := range events {
		events[i].ID = i + 1
	}
	return c.keep(events)
}

// takeSample records one line per living generation of the proxy; origins and
// drivers are on the line of the latest.
func (c *cell) takeSample(at int64) {
	all := c.history.list()
	c.usage.machine()
	for i, g := range all {
		if !g.Running() {
			continue
		}
		s := result.Sample{Cell: c.record.Name, AtUs: at, Generation: g.Number, Processes: []result.Process{}}
		// The workers of one master count once, with their master.
		if i == len(all)-1 || g.Process != all[len(all)-1].Process {
			if pid, started := g.Measured(); pid != 0 && c.proxyHost() == nil {
				s.Processes = c.usage.add(s.Processes, roleProxy, pid, started)
			}
		}
		rows, err := g.read()
		// A replaced generation may end while it is read; its drain has more to
		// say about that.
		if err == nil {
			s.Stats = statsRows(rows)
		}
		if i == len(all)-1 {
			for _, o := range c.origins {
				if p, _ := o.process(); p.Running() && p.Elsewhere() == nil {
					s.Processes = c.usage.add(s.Processes, roleOrigin, p.PID(), p.Started())
				}
			}
			for _, a := range c.agents {
				for _, p := range a.Processes() {
					if p.Elsewhere() != nil {
						continue
					}
					s.Processes = c.usage.add(s.Processes, roleDriver, p.PID(), p.Started())
				}
			}
			for _, a := range c.abusers {
				if a.process.Running() {
					s.Processes = c.usage.add(s.Processes, roleAbuse, a.process.PID(), a.process.Started())
				}
			}
			s.Processes = append(s.Processes, c.usageElsewhere()...)
			c.conditions.note(rows)
			if c.probe != nil {
				c.probe.note(at, c, g, rows)
			}
			c.sawUpstreams(at, rows)
		}
		c.store(fileCounters, s)
		c.live.Sample(s)
	}
	own, others := c.usage.spent()
	c.usage.waits.close(at, own, others)
}

// usage sums the CPU time of the processes of a cell.
type usage struct {
	cpus        []int // that the run may use
	waits       *starved
	mu          sync.Mutex
	began, last time.Time
	first, now  map[int]float64 // CPU seconds by process id, negative numbers for other machines
	roles       map[int]string
	// idle is of these CPUs, tree of this process and its descendants, in seconds; at
	// the beginning and now.
	idle, tree [2]float64
}

func newUsage(cpus []int) *usage {
	return &usage{cpus: cpus, waits: newStarved(), first: map[int]float64{}, now: map[int]float64{}, roles: map[int]string{}}
}

func (u *usage) machine() {
	idle, err := proc.IdleCPU(u.cpus)
	if err != nil {
		return
	}
	own, err := proc.ReadUsage(os.Getpid())
	if err != nil {
		return
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	u.last = time.Now()
	if u.began.IsZero() {
		u.began, u.idle[0], u.tree[0] = u.last, idle, own.CPUSeconds
	}
	u.idle[1], u.tree[1] = idle, own.CPUSeconds
}

// spent is how long the run's CPUs were used so far, by the run and by others.
func (u *usage) spent() (own, others float64) {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.spentLocked()
}

func (u *usage) spentLocked() (own, others float64) {
	for pid, now := range u.now {
		if pid > 0 {
			own += now - u.first[pid]
		}
	}
	// A process that has ended counts with its parent, one whose parent has ended by
	// itself.
	own = max(own, u.tree[1]-u.tree[0])
	used := u.last.Sub(u.began).Seconds()*float64(len(u.cpus)) - (u.idle[1] - u.idle[0])
	return own, max(0, used-own)
}

// add reads a process and appends it to a sample.
func (u *usage) add(to []result.Process, role string, pid int, started time.Time) []result.Process {
	read, err := proc.ReadUsage(pid)
	if err != nil {
		return to // it has just ended
	}
	u.account(pid, role, read.CPUSeconds, started)
	return append(to, result.Process{
		Role: role, PID: pid, CPUSeconds: read.CPUSeconds, SystemSeconds: read.KernelSeconds, RSSBytes: read.RSSBytes, FDs: read.FDs, Threads: read.Threads,
		WaitedSeconds: u.waits.add(role, pid),
	})
}

// account notes what a process, of this key, has used since its start.
func (u *usage) account(key int, role string, seconds float64, started time.Time) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if _, ok := u.first[key]; !ok {
		u.first[key] = seconds
		if started.After(u.began) && !u.began.IsZero() {
			u.first[key] = 0 // started during the run: all its time counts
		}
		u.roles[key] = role
	}
	u.now[key] = seconds
}

// shares are parts of one core: the busiest driver, all proxies, all origins;
// foreign is the part of the run's CPUs that others used.
func (u *usage) shares() (driver, proxy, origin, foreign float64) {
	u.mu.Lock()
	defer u.mu.Unlock()
	wall := u.last.Sub(u.began).Seconds()
	if wall <= 0 {
		return 0, 0, 0, 0
	}
	for pid, now := range u.now {
		spent := now - u.first[pid]
		switch u.roles[pid] {
		case roleDriver:
			driver = max(driver, spent/wall)
		case roleProxy:
			proxy += spent / wall
		case roleOrigin:
			origin += spent / wall
		}
	}
	if n := len(u.cpus); n > 0 {
		_, others := u.spentLocked()
		foreign = others / (wall * float64(n))
	}
	return driver, proxy, origin, foreign
}

// busiest is the largest share of a core that one process of a role used.
func (u *usage) busiest(role string) float64 {
	u.mu.Lock()
	defer u.mu.Unlock()
	wall := u.last.Sub(u.began).Seconds()
	most := 0.0
	for pid, now := range u.now {
		if u.roles[pid] == role && wall > 0 {
			most = max(most, (now-u.first[pid])/wall)
		}
	}
	return most
}

// upstreams follows the states of the proxy's servers.
type upstreams struct {
	mu     sync.Mutex
	state  map[rowKey]string
	states map[rowKey][]result.UpstreamState
	before map[rowKey]uint64 // sessions at the previous entry
}

func newUpstreams() *upstreams {
	return &upstreams{state: map[rowKey]string{}, states: map[rowKey][]result.UpstreamState{}, before: map[rowKey]uint64{}}
}

// shareStep is the time between two entries of a server that stays as it is.
const shareStep = int64(1_000_000)

// sawUpstreams notes new states of servers and the changes as seen events.
func (c *cell) sawUpstreams(at int64, rows []statsock.Row) {
	u := c.upstreams
	u.mu.Lock()
	var changes []result.Event
	backends := map[string][]rowKey{}
	now := map[rowKey]string{}
	for i := range rows {
		r := &rows[i]
		if r.Server == "FRONTEND" || r.Server == "BACKEND" || r.Text("status") == "" {
			continue
		}
		key := rowKey{r.Proxy, r.Server}
		backends[r.Proxy] = append(backends[r.Proxy], key)
		now[key] = plainState(r.Text("status"))
		if old, ok := u.state[key]; ok && old != now[key] {
			changes = append(changes, result.Event{
				Cell: c.record.Name, Kind: "seen.server-" + strings.ToLower(now[key]), Class: "seen",
				Target: r.Proxy + "/" + r.Server, PlannedUs: at, BeginUs: at, EndUs: at, Applied: true,
				Detail: strings.TrimSpace(fmt.Sprintf("was %s, is %s %s", old, now[key], r.Text("last_chk"))),
			})
		}
	}
	for _, keys := range backends {
		due := slices.ContainsFunc(keys, func(k rowKey) bool {
			list := u.states[k]
			return len(list) == 0 || u.state[k] != now[k] || at-list[len(list)-1].AtUs >= shareStep
		})
		if due {
			u.entries(at, keys, now, c.history)
		}
	}
	maps.Copy(u.state, now)
	u.mu.Unlock()
	for i := range changes {
		e := changes[i]
		c.mu.Lock()
		c.events = append(c.events, &e)
		c.number()
		seen := e
		c.mu.Unlock()
		c.live.Event(seen, true)
	}
}

// entries appends an entry for every server of a backend.
func (u *upstreams) entries(at int64, keys []rowKey, now map[rowKey]string, h *history) {
	var all uint64
	delta := map[rowKey]uint64{}
	for _, k := range keys {
		total := h.total(k, "stot")
		delta[k] = total - min(u.before[k], total)
		all += delta[k]
		u.before[k] = total
	}
	for _, k := range keys {
		entry := result.UpstreamState{AtUs: at, State: now[k]}
		if all > 0 {
			entry.Share = float64(delta[k]) / float64(all)
		}
		u.states[k] = append(u.states[k], entry)
	}
}

// plainState is the status without its progress: "UP 1/3" is UP.
func plainState(status string) string {
	word, _, _ := strings.Cut(status, " ")
	if word == "no" { // "no check"
		return "UP"
	}
	return word
}

// list is everything seen, by proxy and server.
func (u *upstreams) list() []result.Upstream {
	u.mu.Lock()
	defer u.mu.Unlock()
	var all []result.Upstream
	for k, states := range u.states {
		all = append(all, result.Upstream{Proxy: k.proxy, Server: k.server, States: states})
	}
	slices.SortFunc(all, func(a, b result.Upstream) int {
		return strings.Compare(a.Proxy+"/"+a.Server, b.Proxy+"/"+b.Server)
	})
	return all
}
