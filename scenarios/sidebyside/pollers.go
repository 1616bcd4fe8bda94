package sidebyside

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"bench/internal/poller"
	"bench/internal/proc"
	"bench/internal/result"
)

// PollerOptions say what pollers are compared by.
type PollerOptions struct {
	Self     string        // the bench binary
	Rounds   int           // each measures every contestant twice, there and back
	Duration time.Duration // of one measurement
	Rate     string        // of an open loop, like 500/s; "" is a closed loop
	// SubjectCPU takes the proxy that is measured, LoadCPU everything else.
	SubjectCPU, LoadCPU int
	Proxies             []string // "builtin", "haproxy"
	Pollers             []string
	// Idle are the numbers of idle connections of the works idle and churn,
	// Active those of busy ones of the work active. An empty one leaves its
	// works out.
	Idle, Active, Churn []int
	Progress            func(text string)
}

// busy is the number of connections at work where those that idle grow in number.
const busy = 16

// selectSet is the number of descriptors that select(2) can watch.
const selectSet = 1024

// pollerWork is a work before it is measured.
type pollerWork struct {
	result.PollerWork
	churn bool
}

func (o *PollerOptions) works() []pollerWork {
	rows := func(counts []int, row func(n int) result.PollerRow) []result.PollerRow {
		var all []result.PollerRow
		for _, n := range counts {
			all = append(all, row(n))
		}
		return all
	}
	idle := func(n int) result.PollerRow { return result.PollerRow{Idle: n, Active: busy, X: n} }
	var all []pollerWork
	for _, w := range []pollerWork{
		{PollerWork: result.PollerWork{
			Name: "idle", Title: fmt.Sprintf("%d active connections beside N idle ones, keep-alive", busy), X: "idle connections", Rows: rows(o.Idle, idle),
		}},
		{PollerWork: result.PollerWork{
			Name: "active", Title: "N active connections and none idle, keep-alive", X: "active connections",
			Rows: rows(o.Active, func(n int) result.PollerRow { return result.PollerRow{Active: n, X: n} }),
		}},
		{churn: true, PollerWork: result.PollerWork{
			Name: "churn", Title: fmt.Sprintf("a new connection for each request, %d at a time, beside N idle ones", busy), X: "idle connections", Rows: rows(o.Churn, idle),
		}},
	} {
		if len(w.Rows) > 0 {
			all = append(all, w)
		}
	}
	return all
}

// contestants lists every proxy with every poller it may have.
func (o *PollerOptions) contestants() []result.PollerContestant {
	var all []result.PollerContestant
	for _, p := range o.Proxies {
		for _, name := range poller.Names() {
			if !slices.Contains(o.Pollers, name) || p == "haproxy" && name == "io_uring" {
				continue
			}
			c := result.PollerContestant{Name: name, Proxy: p, Poller: name}
			if p == "haproxy" {
				c.Name = "haproxy " + name
				if _, err := exec.LookPath(p); err != nil {
					c.Reason = "haproxy is not installed"
				}
			} else if err := probe(name); err != nil {
				c.Reason = err.Error()
			}
			all = append(all, c)
		}
	}
	return all
}

func probe(name string) error {
	for _, m := range poller.Mechanisms() {
		if m.Name == name {
			return m.Probe()
		}
	}
	return fmt.Errorf("there is no poller %s", name)
}

// pollerObstacle is why a contestant cannot be measured at a row: in a word or two,
// and in full; "" if it can. Both proxies set two descriptors aside for each
// connection and refuse to serve more than they have them for.
func pollerObstacle(c *result.PollerContestant, row *result.PollerRow, limit uint64) (short, full string) {
	need := 2*maxconn(row) + 34
	switch {
	case c.Reason != "":
		return "not here", c.Reason
	case c.Poller == "select" && need > selectSet:
		return "fd", fmt.Sprintf("select watches descriptors below %d; %d connections need %d, two for each", selectSet, maxconn(row), need)
	case uint64(need)+66 > limit:
		return "limit", fmt.Sprintf("%d connections need %d descriptors, the limit is %d (ulimit -n)", maxconn(row), need+66, limit)
	}
	return "", ""
}

// maxconn leaves room for the connections that ask whether the proxy is there.
func maxconn(row *result.PollerRow) int { return row.Idle + row.Active + 8 }

// MeasurePollers measures every contestant at every point. At each point all of them
// run, with idle connections of their own, and take turns: in each round there and
// back again, so that a drift of the machine hits all alike.
func MeasurePollers(ctx context.Context, o PollerOptions) (*result.Pollers, error) {
	if o.SubjectCPU == o.LoadCPU {
		return nil, errors.New("proxy and load need different CPUs: this machine has one, or both were put on the same")
	}
	var rl unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &rl); err != nil {
		return nil, fmt.Errorf("the limit of descriptors is not known: %w", err)
	}
	r := &result.Pollers{
		Version: 1, Machine: Machine(ctx), DescriptorLimit: rl.Cur, DurationSeconds: o.Duration.Seconds(), Runs: 2 * o.Rounds,
		Contestants: o.contestants(),
	}
	all := o.works()
	c := newCourse(&o, r, all)
	for _, w := range all {
		for i := range w.Rows {
			err := measurePoint(ctx, &o, r, &w, &w.Rows[i], c)
			if ctx.Err() != nil {
				keepMeasured(r, &w.PollerWork, i)
				return r, ctx.Err()
			}
			if err != nil {
				return nil, fmt.Errorf("%s, %d %s: %w", w.Name, w.Rows[i].X, w.X, err)
			}
		}
		r.Works = append(r.Works, w.PollerWork)
	}
	return r, nil
}

// keepMeasured adds a work that was interrupted at a row, as far as it was measured.
func keepMeasured(r *result.Pollers, w *result.PollerWork, at int) {
	r.Interrupted = true
	measured := slices.ContainsFunc(w.Rows[at].Cells, func(c result.PollerCell) bool { return len(c.Runs) > 0 })
	if measured {
		at++
	}
	w.Rows = w.Rows[:at]
	if at == 0 {
		return
	}
	for i := range w.Rows[at-1].Cells {
		if c := &w.Rows[at-1].Cells[i]; len(c.Runs) == 0 && c.Reason == "" {
			c.Short, c.Reason = "interrupted", "the comparison was interrupted before"
		}
	}
	r.Works = append(r.Works, *w)
}

// course says how far a comparison is.
type course struct {
	done, total int
	began       time.Time
}

func newCourse(o *PollerOptions, r *result.Pollers, works []pollerWork) *course {
	c := &course{began: time.Now()}
	for i := range works {
		for j := range works[i].Rows {
			for k := range r.Contestants {
				if _, why := pollerObstacle(&r.Contestants[k], &works[i].Rows[j], r.DescriptorLimit); why == "" {
					c.total += 2 * o.Rounds
				}
			}
		}
	}
	return c
}

// left is what remains, from what was measured so far.
func (c *course) left() string {
	if c.done == 0 {
		return fmt.Sprintf("0 of %d measurements", c.total)
	}
	each := time.Since(c.began) / time.Duration(c.done)
	return fmt.Sprintf("%d of %d measurements, about %v left", c.done, c.total, (each * time.Duration(c.total-c.done)).Round(time.Second))
}

// racer is a contestant at one point while it runs.
type racer struct {
	cell *result.PollerCell
	proc *proc.Process
	url  string
}

func measurePoint(ctx context.Context, o *PollerOptions, r *result.Pollers, w *pollerWork, row *result.PollerRow, course *course) (err error) {
	group, err := proc.NewGroup(proc.Options{Guard: []string{o.Self, "guard"}})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, group.Close()) }()
	dir, err := group.Dir("bench-pollers-")
	if err != nil {
		return err
	}
	b := &bed{group: group, dir: dir, o: &Options{Self: o.Self, Duration: o.Duration, SubjectCPU: o.SubjectCPU, LoadCPU: o.LoadCPU}}
	origin, err := b.origin(ctx)
	if err != nil {
		return err
	}
	row.Cells = make([]result.PollerCell, len(r.Contestants))
	var racers []*racer
	for i := range r.Contestants {
		c := &r.Contestants[i]
		cell := &row.Cells[i]
		cell.Contestant = c.Name
		if cell.Short, cell.Reason = pollerObstacle(c, row, r.DescriptorLimit); cell.Reason != "" {
			continue
		}
		say(o.Progress, "%s, %d %s: %s gets its connections", w.Name, row.X, w.X, c.Name)
		k, err := b.racer(ctx, c, w, row, origin)
		if err != nil {
			return fmt.Errorf("%s: %w", c.Name, err)
		}
		k.cell = cell
		racers = append(racers, k)
	}
	for round := range o.Rounds {
		back := slices.Clone(racers)
		slices.Reverse(back)
		for _, k := range slices.Concat(racers, back) {
			say(o.Progress, "%s, %d %s: round %d of %d, %s (%s)", w.Name, row.X, w.X, round+1, o.Rounds, k.cell.Contestant, course.left())
			run, err := b.race(ctx, o, w, row, k)
			if err != nil {
				return fmt.Errorf("%s: %w", k.cell.Contestant, err)
			}
			k.cell.Runs = append(k.cell.Runs, run)
			course.done++
		}
	}
	for _, k := range racers {
		if r.NoSyscalls != "" {
			break
		}
		if k.cell.SyscallsPerRequest, err = b.syscalls(ctx, o, w, row, k); err != nil {
			r.NoSyscalls = err.Error()
		}
	}
	return ctx.Err()
}

func say(progress func(string), format string, args ...any) {
	if progress != nil {
		progress(fmt.Sprintf(format, args...))
	}
}

const pollerConfig = `global
  nbthread 1
  maxconn %d
  tune.pool-low-fd-ratio 90
  tune.pool-high-fd-ratio 95
defaults
  mode http
  timeout client 1h
  timeout http-keep-alive 1h
  timeout server 30s
  timeout connect 5s
  retries 3
  option forwardfor
  %s
listen bench
  bind 127.0.0.1:%d
  server s1 %s
`

// racer starts a proxy and gives it its idle connections, which a process of their
// own holds.
func (b *bed) racer(ctx context.Context, c *result.PollerContestant, w *pollerWork, row *result.PollerRow, origin string) (*racer, error) {
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	option := ""
	if w.churn {
		option = "option httpclose"
	}
	text := fmt.Appendf(nil, pollerConfig, maxconn(row), option, port, origin)
	argv := []string{"haproxy"}
	var off []string
	switch c.Poller {
	case "poll":
		off = []string{"-de"}
	case "select":
		off = []string{"-de", "-dp"}
	}
	if c.Proxy == "builtin" {
		argv = []string{b.o.Self, "proxy"}
		if c.Poller == "io_uring" {
			text = append([]byte("global\n  tune.poller io_uring\n"), text...)
		}
	}
	file := filepath.Join(b.dir, strconv.Itoa(port)+".cfg")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		return nil, err
	}
	p, err := b.group.Start(proc.Spec{
		Name: strings.ReplaceAll(c.Name, " ", "-"), CPUs: []int{b.o.SubjectCPU},
		Args: slices.Concat(argv, []string{"-f", file, "-db"}, off),
	})
	if err != nil {
		return nil, err
	}
	if err := waitPort(ctx, p, port); err != nil {
		return nil, err
	}
	addr := fmt.Sprintf("127.0.0.1:%d", port)
	return &racer{proc: p, url: "http://" + addr + "/"}, b.hold(ctx, addr, row.Idle)
}

// race measures one contestant once.
func (b *bed) race(ctx context.Context, o *PollerOptions, w *pollerWork, row *result.PollerRow, k *racer) (run result.PollerRun, err error) {
	before, err := readCPU(k.proc, b.o)
	if err != nil {
		return run, err
	}
	l, err := b.pollerLoad(ctx, o, w, row, k, o.Duration)
	if err != nil {
		return run, err
	}
	after, err := readCPU(k.proc, b.o)
	if err != nil {
		return run, err
	}
	u := after.since(before)
	return result.PollerRun{
		CPUMicros: 1e6 * u.cpu.all / float64(l.Completed), Rate: l.RatePerSecond, Requests: l.Completed, Failed: l.Failed, FailuresByCause: l.FailuresByCause,
		P50Us: l.Response.P50, P99Us: l.Response.P99, P999Us: l.Response.P999,
		Subject: u.cpu.all / u.wall, Others: u.others, LoadSide: u.loadSide,
	}, nil
}

// countFor is how long system calls are counted.
const countFor = 500 * time.Millisecond

// syscalls counts the system calls of a request.
func (b *bed) syscalls(ctx context.Context, o *PollerOptions, w *pollerWork, row *result.PollerRow, k *racer) (float64, error) {
	c, err := proc.CountSyscalls(k.proc.PID())
	if err != nil {
		return 0, err
	}
	defer c.Close()
	l, err := b.pollerLoad(ctx, o, w, row, k, countFor)
	if err != nil {
		return 0, err
	}
	n, err := c.Count()
	return float64(n) / float64(l.Completed), err
}

// pollerLoad runs the generator.
func (b *bed) pollerLoad(ctx context.Context, o *PollerOptions, w *pollerWork, row *result.PollerRow, k *racer, d time.Duration) (*result.Load, error) {
	argv := []string{
		b.o.Self, "load", k.url, "--connections", strconv.Itoa(row.Active), "--duration", d.String(), "--quiet", "--json", "-",
	}
	if w.churn {
		argv = append(argv, "--requests-per-connection=1")
	}
	if o.Rate != "" {
		argv = append(argv, "--rate", o.Rate)
	}
	out, _, err := b.output(ctx, argv, b.o.LoadCPU)
	if err != nil {
		return nil, err
	}
	l := &result.Load{}
	if err := json.Unmarshal([]byte(out), l); err != nil {
		return nil, fmt.Errorf("reading the outcome of the load: %w", err)
	}
	if l.Completed == 0 {
		return nil, fmt.Errorf("no request was answered: %v", l.FailuresByCause)
	}
	return l, nil
}
