package measures

import (
	"cmp"
	"slices"

	"bench/internal/result"
	"bench/internal/units"
	"bench/reports/series"
)

// roleProxy is the role of the proxy's processes in samples.
const roleProxy = "proxy"

// leastWatchedUs is the shortest time between the first and the last look at the proxy
// by which its CPU time is told.
const leastWatchedUs = 1_000_000

// ofProxy are the measures of what the proxy used in the measured time. Its CPU time is
// that between two looks at it, the first and the last within that time, and is divided
// by the requests that ended well between them.
func ofProxy(c *series.Cell, intervals []result.Interval) []Measure {
	from, to := measuredTime(c.Phases)
	u := usageOf(c.Samples, from, to)
	cost := Measure{Name: result.MeasureCPU, Unit: "us", Kind: Ratio}
	user, system := cost, cost
	user.Name, system.Name = result.MeasureCPUUser, result.MeasureCPUSystem
	good := goodBetween(intervals, ThroughProxy(c.Loads), u.fromUs, u.toUs)
	why := ""
	switch {
	case u.looks == 0:
		why = "no process of the proxy was observed"
	case u.looks < 2 || u.toUs-u.fromUs < leastWatchedUs:
		why = "the proxy's CPU time was read over " + units.Latency(float64(u.toUs-u.fromUs)) + " only; it takes " + units.Latency(leastWatchedUs)
	case good <= 0:
		why = "no request ended well meanwhile"
	case u.cpu <= 0:
		why = "its CPU time was too short to be known"
	}
	all := []*Measure{&cost, &user, &system}
	if why != "" {
		for _, m := range all {
			*m = m.unknown("%s", why)
		}
	} else {
		cost = cost.of(1e6 * u.cpu / good)
		if u.system <= 0 || u.system >= u.cpu {
			user, system = user.unknown("user and system time are not known separately"), system.unknown("user and system time are not known separately")
		} else {
			user, system = user.of(1e6*(u.cpu-u.system)/good), system.of(1e6*u.system/good)
		}
		for _, m := range all {
			m.Of = uint64(good)
		}
	}
	memory := Measure{Name: result.MeasureMemory, Unit: "bytes", Kind: Ratio}
	if u.memory > 0 {
		memory = memory.of(float64(u.memory))
	} else {
		memory = memory.unknown("no process of the proxy was observed")
	}
	return []Measure{cost, user, system, memory}
}

// measuredTime is from the beginning of the first measured phase to the end of the
// last one.
func measuredTime(phases []result.Phase) (fromUs, toUs int64) {
	first := true
	for _, p := range phases {
		if !p.Measured {
			continue
		}
		if first || p.StartUs < fromUs {
			fromUs = p.StartUs
		}
		toUs = max(toUs, p.StartUs+p.LengthUs)
		first = false
	}
	return fromUs, toUs
}

// usage is what the processes of the proxy used between two looks at them.
type usage struct {
	fromUs, toUs int64
	looks        int
	cpu, system  float64 // seconds
	memory       uint64  // most of all at once, in bytes
}

// usageOf adds up the generations of the proxy. One that was started meanwhile counts
// from its start; of one that ended, what it used after the last look is lost.
func usageOf(samples []result.Sample, fromUs, toUs int64) usage {
	type reading struct{ cpu, system float64 }
	u := usage{}
	first, last := map[int]reading{}, map[int]reading{}
	held := map[int64]uint64{} // bytes by time
	for i := range samples {
		s := &samples[i]
		if s.AtUs < fromUs || s.AtUs > toUs {
			continue
		}
		for _, p := range s.Processes {
			if p.Role != roleProxy {
				continue
			}
			if u.looks == 0 {
				u.fromUs = s.AtUs
			}
			if u.looks == 0 || s.AtUs > u.toUs {
				u.looks++
			}
			u.toUs = s.AtUs
			now := reading{p.CPUSeconds, p.SystemSeconds}
			if _, known := last[p.PID]; !known && s.AtUs == u.fromUs {
				first[p.PID] = now
			}
			last[p.PID] = now
			held[s.AtUs] += p.RSSBytes
		}
	}
	for pid, now := range last {
		u.cpu += now.cpu - first[pid].cpu
		u.system += now.system - first[pid].system
	}
	for _, bytes := range held {
		u.memory = max(u.memory, bytes)
	}
	return u
}

// goodBetween is how many requests of some loads ended well in a stretch of time; of a
// slice that it cuts, the part that lies in it.
func goodBetween(intervals []result.Interval, loads []*result.Load, fromUs, toUs int64) (good float64) {
	for i := range intervals {
		n := &intervals[i]
		if n.LengthUs <= 0 || !slices.ContainsFunc(loads, func(l *result.Load) bool { return l.Name == n.Load }) {
			continue
		}
		within := min(n.StartUs+n.LengthUs, toUs) - max(n.StartUs, fromUs)
		if within > 0 {
			good += float64(n.Good) * float64(within) / float64(n.LengthUs)
		}
	}
	return good
}

// byTime orders intervals, which are told when they are complete.
func byTime(a, b result.Interval) int { return cmp.Compare(a.StartUs, b.StartUs) }
