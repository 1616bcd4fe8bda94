package cli

import (
	"fmt"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"bench/proxy/stats"
)

func processCommands() []Command {
	return []Command{
		{Words: "show version", Help: "show the version of the process", Fn: func(r *request) error { return r.info(r.s.opt.Version) }},
		{Words: "show env", Args: "[var]", Level: Operator, Help: "dump the environment variables", Fn: showEnv},
		{Words: "show startup-logs", Level: Operator, Help: "show what there was to say at the start", Fn: func(r *request) error {
			_, err := r.w.WriteString(r.s.opt.StartupLogs)
			return err
		}},
		{Words: "show schema json", Help: "show the schema of JSON answers", Fn: func(r *request) error {
			_, err := r.w.Write(append(stats.Schema(), '\n'))
			return err
		}},
		{Words: "show libs", Level: Operator, Help: "list the files of code that are in memory", Fn: showLibs},
		{Words: "show activity", Help: "show what each thread has done", Fn: showActivity},
		{Words: "show threads", Help: "show the state of each thread", Fn: showThreads},
		{Words: "show pools", Help: "report the use of memory", Fn: showPools},
		{Words: "show fd", Args: "[num]", Level: Operator, Help: "list open descriptors, or one", Fn: showFD},
		{Words: "set maxconn global", Args: "<value>", Level: AdminLevel, Help: "change the maxconn of the process", Fn: setMaxConnGlobal},
		{Words: "set rate-limit", Args: "<setting> <value>", Level: AdminLevel, Help: "change a limit of rates", Fn: setRateLimit},
	}
}

func showEnv(r *request) error {
	name := r.arg(0)
	if name == "" {
		_, err := r.w.WriteString(strings.Join(os.Environ(), "\n") + "\n")
		return err
	}
	i := slices.IndexFunc(os.Environ(), func(s string) bool { return strings.HasPrefix(s, name+"=") })
	if i < 0 {
		return r.fail("Variable not found")
	}
	_, err := r.w.WriteString(os.Environ()[i] + "\n")
	return err
}

// showLibs lists what code the process has in memory, and where.
func showLibs(r *request) error {
	text, err := os.ReadFile("/proc/self/maps")
	if err != nil {
		return r.fail("cannot read the memory map: " + err.Error())
	}
	for l := range strings.Lines(string(text)) {
		if f := strings.Fields(l); len(f) >= 6 && strings.Contains(f[1], "x") {
			if _, err := fmt.Fprintf(r.w, "%s %s\n", f[0], f[5]); err != nil {
				return err
			}
		}
	}
	return nil
}

// showActivity prints a line per figure: the value of all threads, and of each
// thread if there are several.
func showActivity(r *request) error {
	list := r.s.engine.Threads()
	fmt.Fprintf(r.w, "thread_id: %d (1..%d)\ndate_now: %.6f\n", 1, len(list), float64(time.Now().UnixMicro())/1e6)
	for _, f := range []struct {
		name string
		get  func(t *Thread) uint64
	}{
		{"loops", func(t *Thread) uint64 { return t.Loops }},
		{"stream_calls", func(t *Thread) uint64 { return t.Streams }},
		{"accepted", func(t *Thread) uint64 { return t.Accepted }},
		{"timers", func(t *Thread) uint64 { return uint64(max(t.Timers, 0)) }},
		{"connections", func(t *Thread) uint64 { return uint64(max(t.Connections, 0)) }},
		{"cpu_ms_tot", func(t *Thread) uint64 { return uint64(t.CPU.Milliseconds()) }},
	} {
		var each []string
		sum := uint64(0)
		for i := range list {
			v := f.get(&list[i])
			sum += v
			each = append(each, strconv.FormatUint(v, 10))
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

func showThreads(r *request) error {
	for i, t := range r.s.engine.Threads() {
		_, err := fmt.Fprintf(r.w, "  Thread %d : poller=%s loops=%d timers=%d connections=%d idle=%d%% cpu_ms=%d\n",
			i+1, t.Poller, t.Loops, t.Timers, t.Connections, t.Idle, t.CPU.Milliseconds())
		if err != nil {
			return err
		}
	}
	return nil
}

// showPools lists the pools as the reference does. The loops are the threads, and
// what they keep for use again are their caches: as there, it counts as used. The
// average of what is needed is what is in use now. The last line is the truth of the
// runtime beneath, which also has what is not pooled.
func showPools(r *request) error {
	list := r.s.engine.Pools()
	var bytes, cached int
	fmt.Fprintln(r.w, "Dumping pools usage.")
	for _, p := range list {
		bytes += p.Made * p.Size
		cached += p.Free * p.Size
		fmt.Fprintf(r.w, "  - Pool %s (%d bytes) : %d allocated (%d bytes), %d used (~%d by thread caches), needed_avg %d, 0 failures, 1 users\n",
			p.Name, p.Size, p.Made, p.Made*p.Size, p.Made, p.Free, p.Made-p.Free)
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	_, err := fmt.Fprintf(r.w, `Total: %d pools, %d bytes allocated, %d used (~%d by thread caches).
Runtime: %d bytes of heap in use, %d of stacks, %d obtained from the system, %d returned to it, %d collections.
`, len(list), bytes, bytes, cached, m.HeapInuse, m.StackInuse, m.Sys, m.HeapReleased, m.NumGC)
	return err
}

// showFD lists the descriptors of the process as the system names them.
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
	for _, n := range list {
		to, err := os.Readlink(dir + "/" + strconv.Itoa(n))
		if err != nil {
			continue // closed meanwhile
		}
		if _, err := fmt.Fprintf(r.w, "%7d : %s\n", n, to); err != nil {
			return err
		}
	}
	return nil
}

func setMaxConnGlobal(r *request) error {
	if r.arg(0) == "" {
		return r.fail("Expects an integer value.")
	}
	n, err := strconv.Atoi(r.arg(0))
	if err != nil {
		return r.fail("Expects an integer value.")
	}
	if n < 0 || r.s.engine.SetMaxConn(n) != nil {
		return r.fail("Value out of range.")
	}
	return nil
}

func setRateLimit(r *request) error {
	const usage = `'set rate-limit' only supports :
   - 'connections global' to set the per-process maximum connection rate
   - 'sessions global' to set the per-process maximum session rate
   - 'ssl-sessions global' to set the per-process maximum SSL session rate
   - 'http-compression global' to set the per-process maximum compression speed in kB/s`
	limits := map[string]RateLimit{"connections": ConnectionRate, "sessions": SessionRate, "ssl-sessions": TLSRate, "http-compression": CompressionRate}
	limit, ok := limits[r.arg(0)]
	if !ok || r.arg(1) != "global" {
		return r.fail(usage)
	}
	n, err := strconv.Atoi(r.arg(2))
	switch {
	case err != nil:
		return r.fail("Expects an integer value.")
	case n < 0:
		return r.fail("Value out of range.")
	case !r.s.engine.SetRateLimit(limit, n):
		return r.fail("'set rate-limit " + r.arg(0) + " global' is not supported: the process has no such limit.")
	}
	return nil
}
