package cli

import (
	"cmp"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"bench/proxy/spec"
)

func activityCommands() []Command {
	return []Command{
		{Words: "show activity", Help: "show what each thread has done", Fn: showActivity},
		{Words: "show threads", Help: "show the state of each thread", Fn: showThreads},
		{Words: "show fd", Args: "[num]", Level: Operator, Help: "list open descriptors, or one", Fn: showFD},
		{Words: "show tasks", Help: "show what waits for its turn, by kind", Fn: showTasks},
		{Words: "show profiling", Args: "[{all|status|tasks|memory}] [byaddr|<max_lines>]*", Level: Operator, Help: "show how long handlers take", Fn: showProfiling},
		{Words: "set profiling", Args: "{tasks|memory} {auto|on|off}", Level: AdminLevel, Help: "measure how long handlers take", Fn: setProfiling},
	}
}

// Thread is what one event loop has done.
type Thread struct {
	Loops, Accepted, Streams uint64
	// Events were handled, Stale ones dropped, and Tasks were run.
	Events, Stale, Tasks uint64
	Timers, Connections  int
	ID                   int // of the system
	CPU                  time.Duration
	Turn                 time.Duration // since it waited for the last time
	Busy                 time.Duration // not spent waiting
	Idle                 int           // percent of the last second
	Poller               string
	// Queued are the tasks that wait, by their kind.
	Queued map[string]int
	// Profiles are how long handlers have taken while that was measured; Profiling: it is.
	Profiles  map[string]Profile
	Profiling bool
}

// Profile is how long the handlers of one kind have taken.
type Profile struct {
	Calls uint64
	Time  time.Duration
}

// Descriptor is what a descriptor of the process is for.
type Descriptor struct {
	FD   int
	What string
}

// showActivity prints a line per figure: the value of all threads, and of each
// thread if there are several.
func showActivity(r *request) error {
	list := r.s.engine.Threads()
	fmt.Fprintf(r.w, "thread_id: %d (1..%d)\ndate_now: %.6f\n", 1, len(list), float64(time.Now().UnixMicro())/1e6)
	for _, f := range []struct {
		name string
		mean bool // all threads have the mean, not the sum
		get  func(t *Thread) uint64
	}{
		{"ctxsw", false, func(t *Thread) uint64 { return t.Events + t.Tasks }},
		{"tasksw", false, func(t *Thread) uint64 { return t.Tasks }},
		// Nothing is put off when much waits, signals wake no thread, descriptors that are ready are
		// not passed over, pools do not fail, there are no buffers to wait for, no queues of
		// connections that were accepted for others, and none that are taken over from others.
		{"long_rq", false, none},
		{"loops", false, func(t *Thread) uint64 { return t.Loops }},
		{"wake_signal", false, none},
		{"poll_io", false, func(t *Thread) uint64 { return t.Events }},
		{"poll_drop_fd", false, func(t *Thread) uint64 { return t.Stale }},
		{"poll_skip_fd", false, none},
		{"conn_dead", false, none},
		{"stream_calls", false, func(t *Thread) uint64 { return t.Streams }},
		{"pool_fail", false, none},
		{"buf_wait", false, none},
		{"cpust_ms_tot", false, func(t *Thread) uint64 { return uint64(max(t.Busy-t.CPU, 0).Milliseconds()) }},
		{"avg_loop_us", true, func(t *Thread) uint64 { return uint64(t.Busy.Microseconds()) / max(t.Loops, 1) }},
		{"accepted", false, func(t *Thread) uint64 { return t.Accepted }},
		{"accq_pushed", false, none},
		{"accq_full", false, none},
		{"accq_ring", false, none},
		{"fd_takeover", false, none},
		{"timers", false, func(t *Thread) uint64 { return uint64(max(t.Timers, 0)) }},
		{"connections", false, func(t *Thread) uint64 { return uint64(max(t.Connections, 0)) }},
		{"cpu_ms_tot", false, func(t *Thread) uint64 { return uint64(t.CPU.Milliseconds()) }},
	} {
		var each []string
		sum := uint64(0)
		for i := range list {
			v := f.get(&list[i])
			sum += v
			each = append(each, strconv.FormatUint(v, 10))
		}
		if f.mean {
			sum /= uint64(max(len(list), 1))
		}
		line := fmt.Sprintf("%s: %d", f.name, sum)
		if len(each) > 1 {
			line += " [ " + strings.Join(each, " ") + " ]"
		}
		if _, err := fmt.Fprintln(r.w, line); err != nil {
			return err
		}
	}
	return nil
}

// none is the figure of what there is not.
func none(*Thread) uint64 { return 0 }

func showThreads(r *request) error {
	for i, t := range r.s.engine.Threads() {
		queued := 0
		for _, n := range t.Queued {
			queued += n
		}
		waits, runs := number01(t.Timers > 0), number01(queued > 0)
		_, err := fmt.Fprintf(r.w, `  Thread %-2d: id=0x%x act=%d glob=0 wq=%d rq=%d tl=%d tlsz=%d rqsz=%d
      1/%-2d   stuck=0 prof=%d harmless=0 wantrdv=0
             cpu_ns: poll=%d now=%d diff=%d
             poller=%s loops=%d timers=%d connections=%d idle=%d%%
             curr_task=0

`,
			i+1, t.ID, runs, waits, runs, runs, queued, queued, i+1, number01(t.Profiling), (t.CPU - t.Turn).Nanoseconds(), t.CPU.Nanoseconds(), t.Turn.Nanoseconds(), t.Poller, t.Loops, t.Timers, t.Connections, t.Idle)
		if err != nil {
			return err
		}
	}
	return nil
}

func number01(b bool) int {
	if b {
		return 1
	}
	return 0
}

// showFD lists the descriptors of the process as the system names them, and says what
// they are for where the engine knows.
func showFD(r *request) error {
	const dir = "/proc/self/fd"
	entries, err := os.ReadDir(dir)
	if err != nil {
		return r.fail("cannot list descriptors: " + err.Error())
	}
	list := make([]int, 0, len(entries))
	for _, e := range entries {
		if n, err := strconv.Atoi(e.Name()); err == nil && (r.arg(0) == "" || r.arg(0) == e.Name()) {
			list = append(list, n)
		}
	}
	slices.Sort(list)
	uses := map[int]string{}
	for _, d := range r.s.engine.Descriptors() {
		uses[d.FD] = " " + d.What
	}
	for _, n := range list {
		to, err := os.Readlink(dir + "/" + strconv.Itoa(n))
		if err != nil {
			continue // closed meanwhile
		}
		if _, err := fmt.Fprintf(r.w, "%7d : %s%s\n", n, to, uses[n]); err != nil {
			return err
		}
	}
	return nil
}

// showTasks lists what is queued on the threads, the most frequent kind first.
func showTasks(r *request) error {
	threads := r.s.engine.Threads()
	all, sum := map[string]int{}, 0
	for i := range threads {
		for kind, n := range threads[i].Queued {
			all[kind] += n
			sum += n
		}
	}
	fmt.Fprintf(r.w, "Running tasks: %d (%d threads)\n  function                     places     %%    lat_tot   lat_avg\n", sum, len(threads))
	for _, kind := range ordered(all, func(n int) int { return n }) {
		if _, err := fmt.Fprintf(r.w, "  %-28s %6d %5.1f         -         -\n", kind, all[kind], 100*float64(all[kind])/float64(sum)); err != nil {
			return err
		}
	}
	return nil
}

// ordered are the keys of a map, those with the greatest values first.
func ordered[T any, N cmp.Ordered](m map[string]T, by func(T) N) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, func(a, b string) int {
		return cmp.Or(cmp.Compare(by(m[b]), by(m[a])), cmp.Compare(a, b))
	})
	return keys
}

func showProfiling(r *request) error {
	what, most, byName := "all", 100, false
	for _, w := range r.args {
		n, err := strconv.Atoi(w)
		switch {
		case w == "all" || w == "status" || w == "tasks" || w == "memory":
			what = w
		case w == "byaddr":
			byName = true
		case err == nil && n > 0:
			most = n
		default:
			return r.fail("Expects either 'all', 'status', 'tasks', 'memory', 'byaddr' or a max number of output lines.")
		}
	}
	threads := r.s.engine.Threads()
	if what == "all" || what == "status" {
		state := "off"
		switch r.s.engine.Profiling() {
		case spec.ProfilingOn:
			state = "on"
		case spec.ProfilingAuto:
			state = "auto-off"
			if slices.ContainsFunc(threads, func(t Thread) bool { return t.Profiling }) {
				state = "auto-on"
			}
		case spec.ProfilingOff:
		}
		fmt.Fprintf(r.w, "Per-task CPU profiling              : %-14s# set profiling tasks {on|auto|off}\nMemory usage profiling              : off           # set profiling memory {on|off}\n", state)
	}
	if what != "all" && what != "tasks" {
		return nil
	}
	sum := map[string]Profile{}
	for i := range threads {
		for kind, p := range threads[i].Profiles {
			s := sum[kind]
			sum[kind] = Profile{s.Calls + p.Calls, s.Time + p.Time}
		}
	}
	kinds := ordered(sum, func(p Profile) uint64 { return p.Calls })
	if byName {
		slices.Sort(kinds)
	}
	fmt.Fprint(r.w, "Tasks activity:\n  function                      calls   cpu_tot   cpu_avg   lat_tot   lat_avg\n")
	for _, kind := range kinds[:min(most, len(kinds))] {
		p := sum[kind]
		if _, err := fmt.Fprintf(r.w, "  %-27s %7d %9s %9s         -         -\n", kind, p.Calls, shortTime(p.Time), shortTime(p.Time/time.Duration(max(p.Calls, 1)))); err != nil {
			return err
		}
	}
	return nil
}

// shortTime writes a time with four digits and its unit.
func shortTime(d time.Duration) string {
	for _, u := range []struct {
		of   time.Duration
		name string
	}{{time.Minute, "m"}, {time.Second, "s"}, {time.Millisecond, "ms"}, {time.Microsecond, "us"}} {
		if d >= u.of {
			return strconv.FormatFloat(float64(d)/float64(u.of), 'g', 4, 64) + u.name
		}
	}
	return strconv.FormatInt(d.Nanoseconds(), 10) + "ns"
}

func setProfiling(r *request) error {
	switch r.arg(0) {
	case "memory":
		return r.fail("Memory profiling not compiled in.")
	case "tasks":
	default:
		return r.fail("Expects either 'tasks' or 'memory'.")
	}
	modes := map[string]spec.Profiling{"on": spec.ProfilingOn, "auto": spec.ProfilingAuto, "off": spec.ProfilingOff}
	p, ok := modes[r.arg(1)]
	if !ok {
		return r.fail("Expects 'on', 'auto', or 'off'.")
	}
	r.s.engine.SetProfiling(p)
	return nil
}
