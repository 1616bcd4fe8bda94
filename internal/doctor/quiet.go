package doctor

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"bench/internal/proc"
	"bench/internal/thread"
	"bench/internal/units"
)

// How the machine is watched for what else goes on, and from when on it is not quiet.
const (
	quietFor  = time.Second
	quietStep = time.Millisecond
	// quietUsed is the share of the processors that others may use; as in a run.
	quietUsed = 0.10
	// quietLate is how late a thread may wake up, but for one in a hundred times.
	quietLate = time.Millisecond
	// mostNamed is the number of programs that are named, which use namedShare of one
	// processor at least.
	mostNamed  = 3
	namedShare = 0.05
)

// quiet watches the machine for a moment: how much of the processors others use, who
// they are, and how late a thread wakes up that sleeps on each of them.
func quiet(ctx context.Context) Finding {
	f := Finding{Name: "quiet now?", Grade: OK}
	cpus := allowed()
	idle, err := proc.IdleCPU(cpus)
	before, began := programs(), time.Now()
	late := wakeUps(ctx, cpus)
	wall := time.Since(began).Seconds()
	after := programs()
	now, err2 := proc.IdleCPU(cpus)
	if err = cmp.Or(err, err2, ctx.Err()); err != nil || len(late) == 0 {
		f.Grade, f.Found = Limited, fmt.Sprintf("unknown: %v", err)
		f.Cost, f.Remedy = "whether times can be measured now only shows in the run", "mount /proc"
		return f
	}
	own := after[os.Getpid()].seconds - before[os.Getpid()].seconds
	used := max(0, 1-(now-idle+own)/(wall*float64(len(cpus))))
	slices.Sort(late)
	p99 := late[len(late)*99/100]
	f.Found = fmt.Sprintf("others use %s of the processors; a thread that wakes up is late by up to %s (p99)",
		units.Percent(used), units.Latency(float64(p99.Microseconds())))
	if used <= quietUsed && p99 <= quietLate {
		f.Found = "yes: " + f.Found
		return f
	}
	f.Found = "no: " + f.Found
	if names := busiest(before, after, wall); names != "" {
		f.Found += "; most is used by " + names
	}
	f.Grade = Limited
	f.Cost = "what waits for a processor looks slow: limits on times may come out INVALID, because they cannot be decided"
	f.Remedy = "stop other programs, or give the run processors that they leave alone: bench run --cpus"
	return f
}

// allowed lists the processors that this process may use.
func allowed() []int {
	var set unix.CPUSet
	if unix.SchedGetaffinity(0, &set) != nil {
		return nil
	}
	var all []int
	for cpu := range len(set) * 64 {
		if set.IsSet(cpu) {
			all = append(all, cpu)
		}
	}
	return all
}

// wakeUps lists how late threads woke up, one on each of the processors.
func wakeUps(ctx context.Context, cpus []int) []time.Duration {
	var mu sync.Mutex
	var all []time.Duration
	var threads sync.WaitGroup
	for _, cpu := range cpus {
		threads.Go(func() {
			runtime.LockOSThread() // until the goroutine ends: the thread is pinned
			if thread.Pin([]int{cpu}) != nil || thread.ExactTimers() != nil {
				return
			}
			step := unix.NsecToTimespec(quietStep.Nanoseconds())
			var own []time.Duration
			for end := time.Now().Add(quietFor); time.Now().Before(end) && ctx.Err() == nil; {
				before := time.Now()
				if unix.Nanosleep(&step, nil) == nil { // else it was woken up before its time
					own = append(own, time.Since(before)-quietStep)
				}
			}
			mu.Lock()
			defer mu.Unlock()
			all = append(all, own...)
		})
	}
	threads.Wait()
	return all
}

// program is one that runs, and what it has used so far.
type program struct {
	name    string
	seconds float64
}

// programs lists what runs, by process id.
func programs() map[int]program {
	all := map[int]program{}
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return all
	}
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		u, err := proc.ReadOwnUsage(pid)
		if err != nil {
			continue // it has ended since
		}
		name, err := read(fmt.Sprintf("/proc/%d/comm", pid))
		if err == nil {
			all[pid] = program{name, u.CPUSeconds - u.EndedSeconds}
		}
	}
	return all
}

// busiest names the programs that used most between two looks, without this one.
func busiest(before, after map[int]program, wall float64) string {
	type use struct {
		pid   int
		share float64
	}
	var all []use
	for pid, p := range after {
		if share := (p.seconds - before[pid].seconds) / wall; pid != os.Getpid() && share >= namedShare {
			all = append(all, use{pid, share})
		}
	}
	slices.SortFunc(all, func(a, b use) int { return cmp.Or(cmp.Compare(b.share, a.share), cmp.Compare(a.pid, b.pid)) })
	var names []string
	for _, u := range all[:min(len(all), mostNamed)] {
		names = append(names, fmt.Sprintf("%s (process %d, %s of one)", after[u.pid].name, u.pid, units.Percent(u.share)))
	}
	return strings.Join(names, ", ")
}
