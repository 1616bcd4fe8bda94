package runner

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"bench/internal/proc"
	"bench/scenarios/capacity"
	"bench/scenarios/statsock"
)

// probe watches the parts of a trial during its measured time, for what gives way.
type probe struct {
	fromUs, toUs int64

	beganUs, atUs int64
	first, last   map[proc.Thread]proc.Scheduled // of the proxy
	names         map[proc.Thread]string
	origins       map[string]*originThreads
	quota         [2]proc.Quota
	limited       bool
	tcp           [2]proc.TCPCounters
	files         uint64
	fileLimit     uint64
	conns         uint64
	maxConn       uint64
	readings      int
	lines         map[rowKey]*lineSums
	order         []rowKey
	ports         *capacity.Ports
}

// originThreads are what the threads of an origin did, from the first reading to the last.
type originThreads struct {
	first, last map[proc.Thread]proc.Scheduled
}

// lineSums adds up the readings of a line of "show stat".
type lineSums struct {
	n, full                          int
	sessions, queue, queueMs, respMs float64
	limit, queueLimit                uint64
}

// note takes a reading in: of the proxy's process, its counters and the origins.
func (p *probe) note(at int64, c *cell, g *generation, rows []statsock.Row) {
	if at < p.fromUs || at > p.toUs {
		return
	}
	pid, _ := g.Measured()
	if pid == 0 {
		return
	}
	threads, err := proc.ReadThreads(pid)
	if err != nil {
		return
	}
	if p.first == nil {
		p.beganUs, p.first = at, threads
		p.quota[0], p.limited = proc.ReadQuota(pid)
		p.tcp[0] = proc.ReadTCPCounters(pid)
		p.fileLimit = proc.FileLimit(cmp.Or(g.PID, pid))
		p.names = map[proc.Thread]string{}
		p.lines, p.origins = map[rowKey]*lineSums{}, map[string]*originThreads{}
	}
	p.atUs, p.last = at, threads
	for id := range threads {
		if p.names[id] == "" {
			p.names[id] = proc.ThreadName(id)
		}
	}
	if p.limited {
		p.quota[1], _ = proc.ReadQuota(pid)
	}
	p.tcp[1] = proc.ReadTCPCounters(pid)
	serving := cmp.Or(g.PID, pid)
	p.files = max(p.files, proc.OpenFiles(serving))
	if g.conn != nil {
		if info, err := g.conn.Info(); err == nil {
			n, _ := info.Number("CurrConns")
			p.conns = max(p.conns, n)
			p.maxConn, _ = info.Number("Maxconn")
		}
	}
	p.noteOrigins(c)
	p.noteLines(rows)
	// Reading all sockets takes long where there are many: once, near the end.
	if p.ports == nil && at >= p.fromUs+(p.toUs-p.fromUs)*8/10 {
		p.notePorts(pid, g)
	}
}

func (p *probe) noteOrigins(c *cell) {
	for _, o := range c.origins {
		process, _ := o.process()
		if !process.Running() {
			continue
		}
		threads, err := proc.ReadThreads(process.PID())
		if err != nil {
			continue
		}
		if p.origins[o.name] == nil {
			p.origins[o.name] = &originThreads{first: threads}
		}
		p.origins[o.name].last = threads
	}
}

func (p *probe) noteLines(rows []statsock.Row) {
	p.readings++
	for i := range rows {
		r := &rows[i]
		key := rowKey{r.Proxy, r.Server}
		l := p.lines[key]
		if l == nil {
			l = &lineSums{}
			p.lines[key] = l
			p.order = append(p.order, key)
		}
		number := func(column string) float64 {
			n, _ := r.Number(column)
			return float64(n)
		}
		l.n++
		l.sessions += number("scur")
		l.queue += number("qcur")
		l.queueMs += number("qtime")
		l.respMs += number("rtime")
		l.limit, _ = r.Number("slim")
		l.queueLimit, _ = r.Number("qlimit")
		if n, _ := r.Number("scur"); l.limit > 0 && n >= l.limit {
			l.full++
		}
	}
}

// notePorts counts the ports that connections to each server hold.
func (p *probe) notePorts(pid int, g *generation) {
	p.ports = &capacity.Ports{Range: proc.PortRange()}
	var to []netip.AddrPort
	g.mu.Lock()
	for _, addr := range g.addrs {
		if a, err := netip.ParseAddrPort(addr); err == nil {
			to = append(to, a)
		}
	}
	g.mu.Unlock()
	for addr, n := range proc.Connections(pid, to) {
		if n > p.ports.Taken {
			p.ports.Taken, p.ports.To = n, addr.String()
		}
	}
}

// shownThreads is the share of its time from which on a thread is worth showing, and how
// many are shown at most.
const (
	shownThread = 0.02
	mostThreads = 8
)

// seen sums up what was noted; nil without two readings.
func (p *probe) seen(c *cell, rate float64) *capacity.Seen {
	if p.first == nil || p.atUs <= p.beganUs {
		return nil
	}
	seconds := float64(p.atUs-p.beganUs) / 1e6
	s := &capacity.Seen{
		Rate: rate, Seconds: seconds, CPUs: cmp.Or(len(c.place.proxy), len(c.allowed)),
		Files: p.files, FileLimit: p.fileLimit, Conns: p.conns, MaxConn: p.maxConn, Ports: p.ports,
		Network: capacity.Network{
			Sent: p.tcp[1].Sent - p.tcp[0].Sent, SentAgain: p.tcp[1].SentAgain - p.tcp[0].SentAgain,
			Overflows: p.tcp[1].Overflows - p.tcp[0].Overflows,
		},
	}
	s.MaxConnDerived = !setsMaxConn(c.config) && c.driver.StatsSocket() != ""
	s.Threads, s.Worked = threadShares(p.first, p.last, p.names, seconds)
	if q := p.quota; p.limited {
		s.Quota = &capacity.Quota{Group: q[1].Group, CPUs: q[1].CPUs, Periods: q[1].Periods - q[0].Periods, Throttled: q[1].Throttled - q[0].Throttled}
	}
	for _, o := range c.origins {
		if t := p.origins[o.name]; t != nil {
			if shares, _ := threadShares(t.first, t.last, nil, seconds); len(shares) > 0 {
				shares[0].Name = o.name
				s.Origins = append(s.Origins, shares[0])
			}
		}
	}
	for _, key := range p.order {
		line := p.lines[key].counted(key)
		if key.server == "FRONTEND" {
			s.Frontends = append(s.Frontends, line)
		} else {
			s.Servers = append(s.Servers, line)
		}
	}
	return s
}

func (l *lineSums) counted(key rowKey) capacity.Counted {
	n := float64(max(1, l.n))
	c := capacity.Counted{
		Proxy: key.proxy, Name: key.server, Sessions: l.sessions / n, Limit: l.limit, Queue: l.queue / n, QueueLimit: l.queueLimit,
		Full: float64(l.full) / n, QueueMs: l.queueMs / n, ResponseMs: l.respMs / n,
	}
	if key.server == "BACKEND" {
		c.Limit, c.Full = 0, 0 // fullconn limits nobody
	}
	return c
}

// threadShares are the shares of the time in which threads ran and waited, the busiest
// first, and what all of them ran.
func threadShares(first, last map[proc.Thread]proc.Scheduled, names map[proc.Thread]string, seconds float64) (all []capacity.Thread, worked float64) {
	var ids []proc.Thread
	for id := range last {
		ids = append(ids, id)
	}
	slices.SortFunc(ids, func(a, b proc.Thread) int { return cmp.Or(cmp.Compare(a.PID, b.PID), cmp.Compare(a.TID, b.TID)) })
	for _, id := range ids {
		t := capacity.Thread{Ran: (last[id].Ran - first[id].Ran) / seconds, Waited: (last[id].Waited - first[id].Waited) / seconds}
		worked += t.Ran
		if t.Ran >= shownThread || len(ids) == 1 {
			t.Name = fmt.Sprintf("%s %d", cmp.Or(names[id], "thread"), len(all)+1)
			all = append(all, t)
		}
	}
	slices.SortStableFunc(all, func(a, b capacity.Thread) int { return cmp.Compare(b.Ran, a.Ran) })
	return all[:min(len(all), mostThreads)], worked
}

// setsMaxConn reports whether a configuration limits the connections of the process itself;
// without that it follows from the limit of descriptors.
func setsMaxConn(config string) bool {
	section := ""
	for line := range strings.SplitSeq(config, "\n") {
		words := strings.Fields(line)
		switch {
		case len(words) == 0:
		case slices.Contains([]string{"global", "defaults", "frontend", "backend", "listen"}, words[0]):
			section = words[0]
		case section == "global" && words[0] == "maxconn":
			return true
		}
	}
	return false
}
