package runner

import (
	"context"
	"slices"
	"sync"
	"time"

	"bench/internal/result"
)

// countsLimit bounds how long an origin may take to tell its counts: one that is stopped
// must not keep the run from looking at everything else.
const countsLimit = 200 * time.Millisecond

// readsOrigins reports whether an objective, or the steady state, wants to know what
// origins receive.
func (c *cell) readsOrigins() bool {
	return c.steady != nil && c.steady.expr.ReadsOrigins() ||
		slices.ContainsFunc(c.objectives, func(o judged) bool { return o.expr.ReadsOrigins() })
}

// askOrigins notes what each origin has received so far. One that does not tell leaves a
// gap, about which nothing can be known.
func (c *cell) askOrigins(ctx context.Context) {
	if !c.readsOrigins() {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, countsLimit)
	defer cancel()
	var asked sync.WaitGroup
	for _, o := range c.origins {
		if !o.running() {
			continue
		}
		asked.Go(func() {
			counters, err := o.client.Counters(ctx)
			if err != nil {
				return
			}
			n := result.OriginCount{Name: o.name, SinceNs: counters.SinceNs, AtUs: (o.here(counters.AtNs) - c.start) / 1000}
			for i := range counters.Replicas {
				for j := range counters.Replicas[i].Classes {
					n.Received += counters.Replicas[i].Classes[j].Received
				}
			}
			c.mu.Lock()
			defer c.mu.Unlock()
			c.receipts = append(c.receipts, n)
		})
	}
	asked.Wait()
}
