// Package sidebyside measures the engine and the load generator against the programs
// people use today, side by side: the same work, on the same machine, in one
// run. Contestants take turns in the order A B B A, so that a drift of the
// machine hits both alike, and only ratios are reported. It drives everything
// as processes; what is measured is never linked in.
package sidebyside

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"time"

	"bench/internal/proc"
	"bench/internal/result"
	"bench/scenarios/certmaker"
)

// Options of a comparison.
type Options struct {
	Self     string        // the bench binary
	Rounds   int           // ABBA rounds a row
	Duration time.Duration // of one measurement
	// SubjectCPU takes the program that is measured, LoadCPU everything else.
	SubjectCPU, LoadCPU int
	Rows                []string // names of the rows to run; nil: all
	Progress            func(text string)
}

// Sample is one measurement of one contestant.
type Sample struct {
	CPUMicros float64 `json:"cpuMicrosPerRequest"` // of the subject, user and system
	// KernelMicros is the system time of that, as far as ticks of 10 ms tell.
	KernelMicros float64 `json:"kernelMicrosPerRequest"`
	Rate         float64 `json:"requestsPerSecond"`
	Requests     uint64  `json:"requests"`
	Failed       uint64  `json:"failed"`
	// Subject is the share of its CPU the subject used, Others that of the
	// machine used by processes that are not part of the measurement.
	Subject float64 `json:"subjectBusy"`
	Others  float64 `json:"foreignBusy"`
	// LoadSide is the share of the load side's CPU in use. Near 1 the load side
	// was the limit, and Rate says nothing about the subject.
	LoadSide float64 `json:"loadSideBusy"`
}

// Row is one line of the table.
type Row struct {
	Name string   `json:"name"`
	Ours string   `json:"ours"`
	Peer string   `json:"peer"`
	A    []Sample `json:"a"`        // ours
	B    []Sample `json:"b"`        // the peer
	CPU  Ratio    `json:"cpuRatio"` // peer ÷ ours: above 1 we need less
	// User is that ratio for the time outside the kernel alone; 0 where the ticks
	// do not tell (see SplitCounts).
	User Ratio `json:"userRatio"`
	Rate Ratio `json:"rateRatio"` // ours ÷ peer: above 1 we do more
	// Must and Aim are what the ratio of CPU times is held against.
	Must   float64 `json:"must"`
	Aim    float64 `json:"aim"`
	Reason string  `json:"skipped,omitempty"`
}

// Ratio is the median over the rounds, with the smallest and the largest.
type Ratio struct {
	Median float64 `json:"median"`
	Low    float64 `json:"low"`
	High   float64 `json:"high"`
}

// saturated is the share of the load side's CPU above which the subject cannot
// have been the limit.
const saturated = 0.97

// KernelShare is the part of our CPU time that the kernel takes, 0 to 1.
func (r *Row) KernelShare() float64 {
	var all, kernel float64
	for _, s := range r.A {
		all += s.CPUMicros
		kernel += s.KernelMicros
	}
	return kernel / all
}

// SplitCounts reports whether the parts of user and system time are known. They come
// from the timer's tick, which keeps step with work that comes at even times, so the
// subject must have been busy most of the time.
func (r *Row) SplitCounts() bool {
	for _, s := range slices.Concat(r.A, r.B) {
		if s.Subject < 0.5 {
			return false
		}
	}
	return true
}

// RateCounts reports whether the rates of the row speak of the subject.
func (r *Row) RateCounts() bool {
	for _, s := range slices.Concat(r.A, r.B) {
		if s.LoadSide > saturated && s.Subject < saturated {
			return false
		}
	}
	return true
}

// contest is one row to measure.
type contest struct {
	name, ours, peer string
	needs            []string // programs
	must, aim        float64  // of the ratio of CPU times
	a, b             func(b *bed) *contestant
}

// contestant is one of the two that take turns.
type contestant struct {
	// start makes it ready and returns the process whose CPU counts, nil when
	// that is the load itself.
	start func(ctx context.Context) (*proc.Process, error)
	load  func(ctx context.Context) (done, error)
}

// done is what a load got done.
type done struct {
	sent, failed uint64
	own          cpuTime      // of the load itself
	load         *result.Load // what our generator says of it
	valid        bool         // it vouches for that
}

// cpuTime is user and system time, and the system time of it, in seconds.
type cpuTime struct{ all, kernel float64 }

// bed is what the contestants of one row share.
type bed struct {
	o     *Options
	group *proc.Group
	dir   string
	certs *certmaker.Maker
	// closers undo what is not a process.
	closers []func()
}

// undo ends what is not a process.
func (b *bed) undo() {
	for _, undo := range b.closers {
		undo()
	}
}

// Names lists the rows.
func Names() []string {
	var names []string
	for _, c := range contests() {
		names = append(names, c.name)
	}
	return append(append(names, tailName), idleNames()...)
}

// Run measures the rows one after the other.
func Run(ctx context.Context, o Options) ([]Row, error) {
	if o.SubjectCPU == o.LoadCPU {
		return nil, errors.New("subject and load need different CPUs: this machine has one, or both were put on the same")
	}
	var rows []Row
	all := contests()
	for _, name := range o.Rows {
		if !slices.ContainsFunc(all, func(c contest) bool { return c.name == name }) && name != tailName && !slices.Contains(idleNames(), name) {
			return nil, fmt.Errorf("there is no row %q; known are %s", name, strings.Join(Names(), ", "))
		}
	}
	for _, c := range all {
		if o.Rows != nil && !slices.Contains(o.Rows, c.name) {
			continue
		}
		row := Row{Name: c.name, Ours: c.ours, Peer: c.peer, Must: c.must, Aim: c.aim}
		for _, p := range c.needs {
			if _, err := exec.LookPath(p); err != nil {
				row.Reason = p + " is not installed"
			}
		}
		if row.Reason == "" {
			if err := measure(ctx, &o, &c, &row); err != nil {
				return rows, fmt.Errorf("%s: %w", c.name, err)
			}
		}
		rows = append(rows, row)
	}
	return rows, ctx.Err()
}

func measure(ctx context.Context, o *Options, c *contest, row *Row) (err error) {
	group, err := proc.NewGroup(proc.Options{Guard: []string{o.Self, "guard"}})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, group.Close()) }()
	dir, err := group.Dir("bench-peers-")
	if err != nil {
		return err
	}
	b := &bed{o: o, group: group, dir: dir}
	defer b.undo()
	pair := [2]*contestant{c.a(b), c.b(b)}
	var procs [2]*proc.Process
	for i, k := range pair {
		if procs[i], err = k.start(ctx); err != nil {
			return err
		}
	}
	order := [4]int{0, 1, 1, 0}
	for round := range o.Rounds {
		for turn, i := range order {
			if o.Progress != nil {
				o.Progress(fmt.Sprintf("%s: round %d of %d, %d of 4", c.name, round+1, o.Rounds, turn+1))
			}
			s, err := b.sample(ctx, pair[i], procs[i])
			if err != nil {
				return err
			}
			if i == 0 {
				row.A = append(row.A, s)
			} else {
				row.B = append(row.B, s)
			}
		}
	}
	row.CPU = ratio(row.B, row.A, func(s Sample) float64 { return s.CPUMicros })
	if row.SplitCounts() {
		row.User = ratio(row.B, row.A, func(s Sample) float64 { return s.CPUMicros - s.KernelMicros })
	}
	row.Rate = ratio(row.A, row.B, func(s Sample) float64 { return s.Rate })
	return nil
}

// sample measures one contestant once.
func (b *bed) sample(ctx context.Context, k *contestant, p *proc.Process) (Sample, error) {
	var s Sample
	before, err := readCPU(p, b.o)
	if err != nil {
		return s, err
	}
	did, err := k.load(ctx)
	if err != nil {
		return s, err
	}
	after, err := readCPU(p, b.o)
	if err != nil {
		return s, err
	}
	if did.sent == 0 {
		return s, errors.New("no request was answered")
	}
	if p == nil {
		after.subject = did.own
	}
	u, n := after.since(before), float64(did.sent)
	return Sample{
		CPUMicros: 1e6 * u.cpu.all / n, KernelMicros: 1e6 * u.cpu.kernel / n,
		Rate: n / u.wall, Requests: did.sent, Failed: did.failed,
		Subject: u.subject, LoadSide: u.loadSide, Others: u.others,
	}, nil
}

// reading is the CPU time that the subject has used, and that the two CPUs have
// been idle, in seconds.
type reading struct {
	at                    time.Time
	subject               cpuTime
	subjectIdle, loadIdle float64
}

// spent is the difference of two readings: seconds, and shares of a CPU.
type spent struct {
	wall                      float64
	cpu                       cpuTime
	subject, others, loadSide float64
}

func (r reading) since(before reading) spent {
	wall := r.at.Sub(before.at).Seconds()
	busy := func(idle float64) float64 { return max(0, 1-idle/wall) }
	s := spent{
		wall: wall, cpu: cpuTime{r.subject.all - before.subject.all, r.subject.kernel - before.subject.kernel},
		subject: busy(r.subjectIdle - before.subjectIdle), loadSide: busy(r.loadIdle - before.loadIdle),
	}
	s.others = max(0, s.subject-s.cpu.all/wall)
	return s
}

func readCPU(p *proc.Process, o *Options) (reading, error) {
	r := reading{at: time.Now()}
	if p != nil {
		u, err := proc.ReadUsage(p.PID())
		if err != nil {
			return r, fmt.Errorf("the subject has ended: %w: %s", err, p.Output())
		}
		r.subject = cpuTime{u.CPUSeconds, u.KernelSeconds}
	}
	text, err := os.ReadFile("/proc/stat")
	if err != nil {
		return r, err
	}
	r.subjectIdle, r.loadIdle = cpuIdle(text, o.SubjectCPU), cpuIdle(text, o.LoadCPU)
	return r, nil
}

// ratio pairs the samples of each round and takes the median of x over y.
func ratio(x, y []Sample, value func(Sample) float64) Ratio {
	of := func(all []Sample) (values []float64) {
		for _, s := range all {
			values = append(values, value(s))
		}
		return values
	}
	return medianRatio(of(x), of(y))
}

// medianRatio is the median of each x over its y. A value of 0 was not measured, such as a
// time that is shorter than a tick, and makes no pair.
func medianRatio(x, y []float64) Ratio {
	var all []float64
	for i := range min(len(x), len(y)) {
		if x[i] > 0 && y[i] > 0 {
			all = append(all, x[i]/y[i])
		}
	}
	slices.Sort(all)
	if len(all) == 0 {
		return Ratio{}
	}
	mid := all[len(all)/2]
	if len(all)%2 == 0 {
		mid = (all[len(all)/2-1] + all[len(all)/2]) / 2
	}
	return Ratio{mid, all[0], all[len(all)-1]}
}
