package worker

import (
	"context"
	"errors"
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"bench/internal/loop"
	"bench/internal/result"
)

// An origin that stops for S seconds within D seconds of a constant rate makes
// everyone who comes during the stop wait for its end, evenly between 0 and S.
// So quantile q of the response time is S-(1-q)·D where that is positive,
// whatever the number of connections: the clock starts at the intended start
// and not when a connection is free. (The quantiles read are those of the first
// to come: the last ones also wait for the answers of those before them.)
func TestStallReadsItsKnownAnswer(t *testing.T) {
	for _, pool := range []int{1, 16, 0} {
		t.Run(fmt.Sprintf("pool %d", pool), func(t *testing.T) {
			t.Parallel()
			// A machine busy with other things holds up origin and generator
			// for longer than the tolerance; a wrong clock is wrong each time.
			measured(t, func() (*result.Load, error) { return stallOnce(t, pool) })
		})
	}
}

func stallOnce(t *testing.T, pool int) (*result.Load, error) {
	const (
		length = 4 * time.Second
		stall  = time.Second
		rate   = 100
	)
	o := startOrigin(t, &testOrigin{}, "")
	spec := steady(o.addr, rate, length.Microseconds())
	spec.Connections.Pool = pool
	spec.StartAt = loop.Nanotime() + int64(50*time.Millisecond)
	// The stop begins with an arrival, so that the discrete starts read
	// what a continuous stream of them would.
	o.stall(spec.StartAt+int64(1504900*time.Microsecond), int64(stall))
	got, err := Run(context.Background(), spec, nil)
	if err != nil {
		t.Fatal(err)
	}
	if got.Failed != 0 || got.Completed != rate*uint64(length/time.Second) {
		return got, fmt.Errorf("%d completed, %d failed", got.Completed, got.Failed)
	}
	h, err := hdrhistogram.Decode([]byte(got.Response.HDR))
	if err != nil {
		t.Fatal(err)
	}
	var wrong []error
	for _, q := range []float64{0.85, 0.90, 0.95, 0.99} {
		want := float64(stall.Microseconds()) - (1-q)*float64(length.Microseconds())
		read := float64(h.ValueAtQuantile(100 * q))
		// No disturbance makes this of it: the clock was not started in time.
		if read < want/2 {
			t.Fatalf("quantile %g reads %.0f µs, want %.0f", q, read, want)
		}
		if tolerance := max(0.02*want, 1000); math.Abs(read-want) > tolerance {
			wrong = append(wrong, fmt.Errorf("quantile %g reads %.0f µs, want %.0f ± %.0f (lag p99 %.0f µs)", q, read, want, tolerance, got.Lag.P99))
		}
	}
	if median := float64(h.ValueAtQuantile(50)); median > 20_000 {
		wrong = append(wrong, fmt.Errorf("the median reads %.0f µs; half of the requests met no stall", median))
	}
	return got, errors.Join(wrong...)
}
