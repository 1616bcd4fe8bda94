package capacity

import (
	"fmt"
	"slices"
	"strings"

	"bench/internal/result"
	"bench/internal/units"
)

// What can give way, as records name it.
const (
	ProxyCPU    = "proxy cpu"
	CPUQuota    = "cpu quota"
	OriginLimit = "origin"
	MaxConn     = "maxconn"
	QueueLimit  = "queue"
	Descriptors = "descriptors"
	PortLimit   = "ports"
	NetworkLoss = "network"
	GenLimit    = "generator"
	Unknown     = "unknown"
)

// Signs from which on a part counts as the one that gave way.
const (
	busy       = 0.90 // of a thread's time, or of the processors
	busyOrigin = 0.85 // of a thread that answers: beyond it, requests wait
	throttled  = 0.10 // of the periods of a quota
	mostlyFull = 0.60 // of the readings
	nearly     = 0.90 // of descriptors or ports
	slower     = 1.5  // times that a server takes longer than it did,
	muchSlower = 2.0  // and where its sessions are at their limit
	lossy      = 0.01 // of the segments
	slowerBy   = 2.0  // milliseconds
)

// sign is one thing that may have given way: What and Name with the sentences that speak
// for it.
type sign struct {
	what, name string
	evidence   []string
}

// Blame says what gave way first, by what was seen at a rate that is too high, and at one
// that is not. The order is from what is sure to what is inferred: a quota that holds the
// proxy back makes its servers' queues long, and a proxy without descriptors is idle.
func Blame(held, broken *Seen) *result.CapacityLimit {
	if broken == nil {
		return nil
	}
	if held == nil {
		held = &Seen{}
	}
	for _, find := range []func(held, broken *Seen) *sign{
		ofQuota, ofDescriptors, ofPorts, ofProxyCPU, ofOriginCPU, ofServers, ofQueues, ofListeners, ofBacklog, ofPool, ofServerTimes, ofLoss,
	} {
		if s := find(held, broken); s != nil {
			return &result.CapacityLimit{What: s.what, Name: s.name, Evidence: s.evidence}
		}
	}
	return &result.CapacityLimit{What: Unknown, Evidence: seenInWords(broken)}
}

func perSecond(rate float64) string { return units.Rate(rate) + "/s" }

func ofQuota(_, b *Seen) *sign {
	q := b.Quota
	if !q.Holds() {
		return nil
	}
	return &sign{CPUQuota, fmt.Sprintf("control group %s: %s of a processor", q.Group, units.Percent(q.CPUs)), []string{
		fmt.Sprintf("at %s the kernel held the proxy back in %s of %s periods", perSecond(b.Rate), units.Count(q.Throttled), units.Count(q.Periods)),
		fmt.Sprintf("the proxy ran for %s of a processor, of %s that its control group may use", units.Percent(b.Worked), units.Percent(q.CPUs)),
	}}
}

func ofDescriptors(_, b *Seen) *sign {
	if b.FileLimit > 0 && float64(b.Files) >= nearly*float64(b.FileLimit) {
		return &sign{Descriptors, fmt.Sprintf("limit of %s open files of the proxy", units.Count(b.FileLimit)), []string{
			fmt.Sprintf("at %s the proxy had %s files open, of %s allowed", perSecond(b.Rate), units.Count(b.Files), units.Count(b.FileLimit)),
		}}
	}
	if b.MaxConnDerived && b.MaxConn > 0 && b.Conns >= b.MaxConn {
		return &sign{Descriptors, fmt.Sprintf("limit of %s open files of the proxy, maxconn %s", units.Count(b.FileLimit), units.Count(b.MaxConn)), []string{
			fmt.Sprintf("at %s the proxy had %s connections, as many as it allows itself", perSecond(b.Rate), units.Count(b.Conns)),
			fmt.Sprintf("its configuration sets no global maxconn: it derived %s from the limit of descriptors", units.Count(b.MaxConn)),
		}}
	}
	return nil
}

func ofPorts(_, b *Seen) *sign {
	p := b.Ports
	if p == nil || p.Range == 0 || float64(p.Taken) < nearly*float64(p.Range) {
		return nil
	}
	return &sign{PortLimit, "local ports to " + p.To, []string{
		fmt.Sprintf("at %s %s of the %s local ports of net.ipv4.ip_local_port_range were taken by connections to %s",
			perSecond(b.Rate), units.Count(uint64(p.Taken)), units.Count(uint64(p.Range)), p.To),
	}}
}

func ofProxyCPU(h, b *Seen) *sign {
	if len(b.Threads) == 0 {
		return nil
	}
	most := b.Threads[0]
	all := b.CPUs > 0 && b.Worked >= busy*float64(b.CPUs)
	if most.Ran < busy && !all {
		return nil
	}
	s := &sign{what: ProxyCPU, name: "thread " + most.Name}
	if most.Ran < busy {
		s.name = fmt.Sprintf("%d threads on %d processors", len(b.Threads), b.CPUs)
		if b.CPUs == 1 {
			s.name = fmt.Sprintf("%d threads on 1 processor", len(b.Threads))
		}
	}
	s.evidence = append(s.evidence, threadsInWords(b))
	if len(h.Threads) > 0 {
		s.evidence = append(s.evidence, threadsInWords(h))
	}
	return s
}

// threadsInWords says how busy each thread of the proxy was.
func threadsInWords(s *Seen) string {
	var all []string
	for _, t := range s.Threads {
		text := fmt.Sprintf("%s %s", t.Name, units.Percent(t.Ran))
		if t.Waited >= 0.05 {
			text += fmt.Sprintf(" (and %s waiting for a processor)", units.Percent(t.Waited))
		}
		all = append(all, text)
	}
	return fmt.Sprintf("at %s the threads of the proxy were busy: %s", perSecond(s.Rate), strings.Join(all, ", "))
}

func ofOriginCPU(h, b *Seen) *sign {
	i := busiest(b.Origins)
	if i < 0 || b.Origins[i].Ran < busyOrigin {
		return nil
	}
	o := b.Origins[i]
	s := &sign{OriginLimit, "origin " + o.Name, []string{
		fmt.Sprintf("at %s origin %s used %s of its processor", perSecond(b.Rate), o.Name, units.Percent(o.Ran)),
	}}
	if j := slices.IndexFunc(h.Origins, func(t Thread) bool { return t.Name == o.Name }); j >= 0 {
		s.evidence = append(s.evidence, fmt.Sprintf("at %s it used %s", perSecond(h.Rate), units.Percent(h.Origins[j].Ran)))
	}
	return s
}

// busiest is the index of the thread that ran most, -1 without any.
func busiest(all []Thread) int {
	best := -1
	for i := range all {
		if best < 0 || all[i].Ran > all[best].Ran {
			best = i
		}
	}
	return best
}

// line finds the same line of the counters in what was seen at another rate.
func line(of []Counted, like *Counted) *Counted {
	i := slices.IndexFunc(of, func(c Counted) bool { return c.Proxy == like.Proxy && c.Name == like.Name })
	if i < 0 {
		return nil
	}
	return &of[i]
}

// slowed reports whether a server took longer to respond at the rate that is too high.
func slowed(h, b *Seen, server *Counted) (before float64, yes bool) {
	was := line(h.Servers, server)
	if was == nil || was.ResponseMs <= 0 {
		return 0, false
	}
	return was.ResponseMs, server.ResponseMs >= slower*was.ResponseMs && server.ResponseMs-was.ResponseMs >= slowerBy
}

// ofServers: servers whose sessions are at maxconn while others wait. Where the server
// itself has become slower, its sessions are many because of that.
func ofServers(h, b *Seen) *sign {
	var full []*Counted
	for i := range b.Servers {
		c := &b.Servers[i]
		waits := c.Queue + queueOf(b, c.Proxy)
		// Who waits in a queue waits for a server that is full, however often it was seen so.
		if c.Limit > 0 && c.Full > 0 && (waits >= 1 || waits > 0 && c.Full >= mostlyFull) {
			full = append(full, c)
		}
	}
	if len(full) == 0 {
		return nil
	}
	for _, c := range full {
		if was, yes := slowed(h, b, c); yes && c.ResponseMs >= muchSlower*was {
			return ofSlowServer(h, b, c, was)
		}
	}
	s := &sign{what: MaxConn}
	var names []string
	for _, c := range full {
		names = append(names, fmt.Sprintf("server %s/%s maxconn %d", c.Proxy, c.Name, c.Limit))
		text := fmt.Sprintf("at %s %s/%s was at its %d sessions in %s of the readings", perSecond(b.Rate), c.Proxy, c.Name, c.Limit, units.Percent(c.Full))
		if queue := c.Queue + queueOf(b, c.Proxy); queue > 0 {
			text += fmt.Sprintf(", with %s requests waiting on average", units.Number(queue))
		}
		if c.QueueMs > 0 {
			text += fmt.Sprintf(", each for %s", units.Latency(c.QueueMs*1000))
		}
		s.evidence = append(s.evidence, text)
	}
	if len(names) > 3 {
		names = append(names[:3], fmt.Sprintf("%d more", len(full)-3))
	}
	s.name = strings.Join(names, ", ")
	if c := full[0]; c.ResponseMs > 0 {
		text := fmt.Sprintf("the server took %s to respond", units.Latency(c.ResponseMs*1000))
		if was := line(h.Servers, c); was != nil && was.ResponseMs > 0 {
			text += fmt.Sprintf(", and %s at %s, where it had %s sessions on average",
				units.Latency(was.ResponseMs*1000), perSecond(h.Rate), units.Number(was.Sessions))
		}
		s.evidence = append(s.evidence, text)
	}
	return s
}

// queueOf is what waits in a backend for any of its servers.
func queueOf(s *Seen, proxy string) float64 {
	for i := range s.Servers {
		if c := &s.Servers[i]; c.Proxy == proxy && c.Name == "BACKEND" {
			return c.Queue
		}
	}
	return 0
}

// ofQueues: queues that are full, or that requests leave by their time-out.
func ofQueues(_, b *Seen) *sign {
	for i := range b.Servers {
		c := &b.Servers[i]
		if c.QueueLimit > 0 && c.Queue >= nearly*float64(c.QueueLimit) {
			return &sign{QueueLimit, fmt.Sprintf("server %s/%s maxqueue %d", c.Proxy, c.Name, c.QueueLimit), []string{
				fmt.Sprintf("at %s %s requests waited on average, of %d that may", perSecond(b.Rate), units.Number(c.Queue), c.QueueLimit),
			}}
		}
	}
	for i := range b.Servers {
		if c := &b.Servers[i]; c.Queue >= 1 {
			name := fmt.Sprintf("server %s/%s", c.Proxy, c.Name)
			if c.Name == "BACKEND" {
				name = "backend " + c.Proxy
			}
			return &sign{QueueLimit, "queue of " + name, []string{
				fmt.Sprintf("at %s %s requests waited in it on average", perSecond(b.Rate), units.Number(c.Queue)),
			}}
		}
	}
	return nil
}

// ofListeners: sessions at the maxconn of a frontend, or of the proxy as a whole. Who
// comes then waits in the kernel and is counted by nobody.
func ofListeners(_, b *Seen) *sign {
	if !b.MaxConnDerived && b.MaxConn > 0 && b.Conns >= b.MaxConn {
		return &sign{MaxConn, fmt.Sprintf("global maxconn %d", b.MaxConn), []string{
			fmt.Sprintf("at %s the proxy had %s connections, of %s allowed", perSecond(b.Rate), units.Count(b.Conns), units.Count(b.MaxConn)),
		}}
	}
	for i := range b.Frontends {
		if c := &b.Frontends[i]; c.Limit > 0 && c.Full >= mostlyFull {
			return &sign{MaxConn, fmt.Sprintf("frontend %s maxconn %d", c.Proxy, c.Limit), []string{
				fmt.Sprintf("at %s it was at its %d sessions in %s of the readings", perSecond(b.Rate), c.Limit, units.Percent(c.Full)),
			}}
		}
	}
	return nil
}

// ofBacklog: listeners whose queue of new connections was full.
func ofBacklog(h, b *Seen) *sign {
	n := b.Network.Overflows
	if n == 0 || b.Requests == 0 || float64(n) < lossy*float64(b.Requests) || n <= h.Network.Overflows {
		return nil
	}
	return &sign{QueueLimit, "listen queue of a socket (backlog, net.core.somaxconn)", []string{
		fmt.Sprintf("at %s %s new connections found the queue of a listener full", perSecond(b.Rate), units.Count(n)),
	}}
}

// ofPool: requests were answered in time once they were sent, but waited for one of the
// load's own connections before. How long these were held is told by means: those of the
// servers are such, too, and on a busy machine a percentile is far from them.
func ofPool(_, b *Seen) *sign {
	if b.Pool == 0 || b.ServiceMean <= 0 || b.ServiceP99 <= 0 || b.ResponseP99 < slower*b.ServiceP99 || b.ResponseP99 <= 0 {
		return nil
	}
	// As many connections as the pool has, each with a response after another.
	if carried := float64(b.Pool) / b.ServiceMean; carried > slower*b.Rate {
		return nil
	}
	if i := busiestServer(b); i >= 0 && b.Servers[i].ResponseMs/1000 < 0.5*b.ServiceMean {
		return nil // they waited in the proxy, not only before it
	}
	return &sign{GenLimit, fmt.Sprintf("load %s connections.pool %d", b.Load, b.Pool), []string{
		fmt.Sprintf("at %s the p99 is %s from when requests were due, and %s from when they were sent: they waited for one of the load's %d connections",
			perSecond(b.Rate), units.Latency(b.ResponseP99*1e6), units.Latency(b.ServiceP99*1e6), b.Pool),
	}}
}

// busiestServer is the index of the server with the most sessions, -1 without any.
func busiestServer(s *Seen) int {
	best := -1
	for i := range s.Servers {
		if s.Servers[i].Name != "BACKEND" && (best < 0 || s.Servers[i].Sessions > s.Servers[best].Sessions) {
			best = i
		}
	}
	return best
}

// ofServerTimes: a server that takes longer at the higher rate, with nothing of the
// proxy's at its end.
func ofServerTimes(h, b *Seen) *sign {
	var worst *Counted
	before := 0.0
	for i := range b.Servers {
		c := &b.Servers[i]
		if was, yes := slowed(h, b, c); yes && c.Name != "BACKEND" && (worst == nil || c.ResponseMs > worst.ResponseMs) {
			worst, before = c, was
		}
	}
	if worst == nil {
		return nil
	}
	return ofSlowServer(h, b, worst, before)
}

func ofSlowServer(h, b *Seen, c *Counted, before float64) *sign {
	return &sign{OriginLimit, fmt.Sprintf("server %s/%s", c.Proxy, c.Name), []string{
		fmt.Sprintf("at %s the server took %s to respond, by the proxy's own clock, with %s sessions on average",
			perSecond(b.Rate), units.Latency(c.ResponseMs*1000), units.Number(c.Sessions)),
		fmt.Sprintf("at %s it took %s", perSecond(h.Rate), units.Latency(before*1000)),
	}}
}

func ofLoss(h, b *Seen) *sign {
	n := &b.Network
	if n.Sent == 0 || float64(n.SentAgain) < lossy*float64(n.Sent) || n.SentAgain <= 2*h.Network.SentAgain {
		return nil
	}
	return &sign{NetworkLoss, "TCP retransmissions", []string{
		fmt.Sprintf("at %s %s of %s segments were sent again where the proxy runs", perSecond(b.Rate), units.Count(n.SentAgain), units.Count(n.Sent)),
	}}
}

// seenInWords lists what was seen where none of it is a sign.
func seenInWords(s *Seen) []string {
	var all []string
	if len(s.Threads) > 0 {
		all = append(all, threadsInWords(s))
	} else {
		all = append(all, "the threads of the proxy could not be watched")
	}
	if i := busiest(s.Origins); i >= 0 {
		all = append(all, fmt.Sprintf("the busiest origin, %s, used %s of its processor", s.Origins[i].Name, units.Percent(s.Origins[i].Ran)))
	}
	if len(s.Servers) == 0 {
		all = append(all, "the proxy's counters could not be read: write \"stats socket {{.Stats}}\" into its section global")
	} else if i := busiestServer(s); i >= 0 {
		c := &s.Servers[i]
		all = append(all, fmt.Sprintf("the server with the most sessions, %s/%s, had %s of them and took %s to respond; nothing waited for it",
			c.Proxy, c.Name, units.Number(c.Sessions), units.Latency(c.ResponseMs*1000)))
	}
	if s.FileLimit > 0 {
		all = append(all, fmt.Sprintf("the proxy had %s of %s files open", units.Count(s.Files), units.Count(s.FileLimit)))
	}
	if s.ServiceP99 > 0 {
		all = append(all, fmt.Sprintf("p99 from when requests were sent %s, from when they were due %s", units.Latency(s.ServiceP99*1e6), units.Latency(s.ResponseP99*1e6)))
	}
	return all
}
