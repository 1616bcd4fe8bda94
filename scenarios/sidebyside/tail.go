package sidebyside

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"slices"

	"bench/internal/proc"
	"bench/internal/result"
)

// TailRow is how late the last of a thousand responses is while both proxies carry the
// same rate, a share of what the slower one can.
type TailRow struct {
	Name string    `json:"name"`
	Rate float64   `json:"requestsPerSecond"`
	A    []float64 `json:"a"` // p99.9 of ours, in microseconds
	B    []float64 `json:"b"` // of the peer's
	// Tail is the peer's ÷ ours: above 1 ours is earlier.
	Tail Ratio `json:"tailRatio"`
	// Skipped is how many measurements did not count because the generator was late
	// itself or kept from its processor, of all.
	Skipped int    `json:"invalid"`
	Reason  string `json:"skipped,omitempty"`
}

// What the ratio of tails is held against, and the share of the capacity it is taken at.
const (
	TailMust  = 1.0
	TailAim   = 1.2
	tailShare = 0.6
	tailName  = "tail at 60 % load"
	// tailTries bounds the measurements of one turn: those that do not count are repeated.
	tailTries = 4
)

// MeasureTail measures engine and HAProxy in turn, A B B A, at the same open-loop rate.
func MeasureTail(ctx context.Context, o Options) ([]TailRow, error) {
	if o.Rows != nil && !slices.Contains(o.Rows, tailName) {
		return nil, nil
	}
	row := TailRow{Name: tailName}
	if _, err := exec.LookPath("haproxy"); err != nil {
		row.Reason = "haproxy is not installed"
		return []TailRow{row}, nil
	}
	err := row.measure(ctx, &o)
	return []TailRow{row}, err
}

func (r *TailRow) measure(ctx context.Context, o *Options) (err error) {
	group, err := proc.NewGroup(proc.Options{Guard: []string{o.Self, "guard"}})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, group.Close()) }()
	dir, err := group.Dir("bench-tail-")
	if err != nil {
		return err
	}
	b := &bed{o: o, group: group, dir: dir}
	j := &job{name: tailName, mode: "http"}
	pair := [2]*contestant{b.engine(j, 0), b.proxy([]string{"haproxy"}, "", j, 0)}
	for _, k := range pair {
		if _, err := k.start(ctx); err != nil {
			return err
		}
		most, err := k.load(ctx)
		if err != nil {
			return err
		}
		if rate := tailShare * float64(most.sent) / o.Duration.Seconds(); r.Rate == 0 || rate < r.Rate {
			r.Rate = rate
		}
	}
	j.load = []string{fmt.Sprintf("--rate=%.0f/s", r.Rate), "--warmup=500ms"}
	for round := range o.Rounds {
		for turn, i := range [4]int{0, 1, 1, 0} {
			if o.Progress != nil {
				o.Progress(fmt.Sprintf("%s: round %d of %d, %d of 4", r.Name, round+1, o.Rounds, turn+1))
			}
			p999, err := r.turn(ctx, pair[i])
			if err != nil {
				return err
			}
			if i == 0 {
				r.A = append(r.A, p999)
			} else {
				r.B = append(r.B, p999)
			}
		}
	}
	r.Tail = medianRatio(r.B, r.A)
	return nil
}

// turn makes measurements until one counts, and gives its p99.9; 0 if none did.
func (r *TailRow) turn(ctx context.Context, k *contestant) (float64, error) {
	for range tailTries {
		did, err := k.load(ctx)
		if err != nil {
			return 0, err
		}
		if p999 := counted(did); p999 > 0 {
			return p999, nil
		}
		r.Skipped++
	}
	return 0, nil
}

// counted is the p99.9 of a load that its generator vouches for and in which nothing
// failed, 0 for others.
func counted(d done) float64 {
	l := d.load
	if l == nil || !d.valid || d.failed > 0 || l.Response.Count < result.SamplesFor(0.999) {
		return 0
	}
	return l.Response.P999
}
