package cli

import (
	"cmp"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"bench/proxy/stats"
)

func processCommands() []Command {
	return []Command{
		{Words: "show version", Help: "show the version of the process", Fn: func(r *request) error { return r.info(r.s.opt.Version) }},
		{Words: "show env", Args: "[var]", Level: Operator, Help: "dump the environment variables", Fn: showEnv},
		{Words: "show startup-logs", Level: Operator, Help: "show the messages of the start", Fn: func(r *request) error {
			text := ""
			if r.s.opt.StartupLogs != nil {
				text = r.s.opt.StartupLogs()
			}
			_, err := r.w.WriteString(cmp.Or(text, "\n"))
			return err
		}},
		{Words: "show schema json", Help: "show the schema of JSON answers", Fn: func(r *request) error {
			_, err := r.w.Write(stats.Schema())
			return err
		}},
		{Words: "show libs", Level: Operator, Help: "list the libraries that are loaded", Fn: showLibs},
		{Words: "show pools", Help: "report the use of memory", Fn: showPools},
		{Words: "set maxconn global", Args: "<value>", Level: AdminLevel, Help: "change the maxconn of the process", Fn: setMaxConnGlobal},
		{Words: "set rate-limit", Args: "<setting> <value>", Level: AdminLevel, Help: "change a rate limit", Fn: setRateLimit},
	}
}

func showEnv(r *request) error {
	list, name := r.s.opt.Environ, r.arg(0)
	if list == nil {
		list = os.Environ()
	}
	if name != "" {
		i := slices.IndexFunc(list, func(s string) bool { return strings.HasPrefix(s, name+"=") })
		if i < 0 {
			return r.fail("Variable not found")
		}
		list = list[i : i+1]
	}
	for _, s := range list {
		if _, err := r.w.WriteString(s + "\n"); err != nil {
			return err
		}
	}
	return nil
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

// showPools lists the pools as the reference does. The loops are the threads, and
// what they keep for use again are their caches: as there, it counts as used. The
// average of what is needed is what is in use now. The last line is the truth of the
// runtime beneath, which also has what is not pooled.
func showPools(r *request) error {
	list := r.s.engine.Pools()
	var bytes, cached int
	fmt.Fprintln(r.w, "Dumping pools usage. Use SIGQUIT to flush them.")
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
	}
	r.s.engine.SetRateLimit(limit, n)
	return nil
}
