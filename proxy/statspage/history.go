package statspage

import (
	"iter"
	"sync"
	"time"

	"bench/proxy/stats"
)

// The figures of the last seconds and minutes come of samples: every two seconds, what
// was counted since the one before.
const (
	sampleEvery = 2 * time.Second
	// tenSeconds and oneMinute are windows, in samples.
	tenSeconds = 5
	oneMinute  = 30
	// pointOf is how many samples make a point of a small chart, points how many of
	// these there are: five minutes.
	pointOf = 3
	points  = 50
)

// deltas is what was counted between two samples, of what the page shows by windows.
type deltas struct {
	total, requests                 uint32 // sessions; requests of frontends in HTTP
	denied, deniedResp              uint32 // requests, responses that rules refused
	errReq, errConn, errResp        uint32
	retries, redispatches, failures uint32 // the last: responses with status 5xx
	bytesIn, bytesOut               uint64
}

func (d *deltas) add(o *deltas) {
	d.total += o.total
	d.requests += o.requests
	d.denied += o.denied
	d.deniedResp += o.deniedResp
	d.errReq += o.errReq
	d.errConn += o.errConn
	d.errResp += o.errResp
	d.retries += o.retries
	d.redispatches += o.redispatches
	d.failures += o.failures
	d.bytesIn += o.bytesIn
	d.bytesOut += o.bytesOut
}

// errors are what clients or servers did wrong, whatever came of it.
func (d *deltas) errors() uint32 { return d.errConn + d.errResp + d.failures }

// point is one point of a small chart.
type point struct {
	rate, errors float64       // per second
	p99          time.Duration // of whole streams; 0: none ended
}

// track is the history of one row.
type track struct {
	seen    uint64 // the pass that met it last
	last    stats.Totals
	ring    [oneMinute]deltas
	n       int // samples in the ring
	at      int // of the next one
	charted *charted
}

// charted is what proxies have besides.
type charted struct {
	points  [points]point
	n, at   int
	part    deltas // of the point being made
	parts   int
	total   stats.Histogram // at the last point
	errored time.Time       // since when there are errors; zero: there are none
}

// key names a row for good.
type key struct {
	proxy string
	kind  stats.RowType
	name  string
}

func keyOf(r *stats.Row) key { return key{r.Proxy, r.Type, r.Name} }

// history has the tracks of all rows.
type history struct {
	mu     sync.Mutex
	tracks map[key]*track
	pass   uint64
	since  time.Time // of the first sample
}

func newHistory() *history { return &history{tracks: map[key]*track{}} }

// take takes one sample of all rows. What is gone is forgotten.
func (h *history) take(now time.Time, rows iter.Seq[*stats.Row]) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.since.IsZero() {
		h.since = now
	}
	h.pass++
	for r := range rows {
		k := keyOf(r)
		t := h.tracks[k]
		if t == nil {
			t = &track{seen: h.pass}
			if r.Type == stats.RowFrontend || r.Type == stats.RowBackend {
				t.charted = &charted{total: *r.Totals.Latency.Total()}
			}
			t.keep(r)
			h.tracks[k] = t
			continue
		}
		t.seen = h.pass
		t.take(now, r)
	}
	for k, t := range h.tracks {
		if t.seen != h.pass {
			delete(h.tracks, k)
		}
	}
}

// keep remembers the counters for the next sample.
func (t *track) keep(r *stats.Row) {
	t.last = r.Totals
	t.last.Latency = stats.Latency{}
}

// between is how much a counter has grown; one that was cleared begins anew.
func between(was, is uint64) uint32 {
	if is < was {
		was = 0
	}
	return uint32(min(is-was, 1<<32-1))
}

func bytesBetween(was, is uint64) uint64 {
	if is < was {
		return is
	}
	return is - was
}

func (t *track) take(now time.Time, r *stats.Row) {
	a, b := &t.last, &r.Totals
	d := deltas{
		total: between(a.Sessions, b.Sessions), denied: between(a.DeniedReq, b.DeniedReq), deniedResp: between(a.DeniedResp, b.DeniedResp),
		errReq: between(a.ErrReq, b.ErrReq), errConn: between(a.ErrConn, b.ErrConn), errResp: between(a.ErrResp, b.ErrResp),
		retries: between(a.Retries, b.Retries), redispatches: between(a.Redispatches, b.Redispatches),
		failures: between(a.Responses[5], b.Responses[5]), requests: between(a.Requests, b.Requests),
		bytesIn: bytesBetween(a.BytesIn, b.BytesIn), bytesOut: bytesBetween(a.BytesOut, b.BytesOut),
	}
	t.ring[t.at] = d
	t.at = (t.at + 1) % len(t.ring)
	t.n = min(t.n+1, len(t.ring))
	t.keep(r)
	if c := t.charted; c != nil {
		c.take(now, &d, r)
	}
}

func (c *charted) take(now time.Time, d *deltas, r *stats.Row) {
	switch {
	case d.errors() == 0:
		c.errored = time.Time{}
	case c.errored.IsZero():
		c.errored = now.Add(-sampleEvery)
	}
	c.part.add(d)
	if c.parts++; c.parts < pointOf {
		return
	}
	span := (pointOf * sampleEvery).Seconds()
	total := r.Totals.Latency.Total()
	recent := total.Since(&c.total)
	rate := c.part.total
	if r.HTTP && r.Type == stats.RowFrontend {
		rate = c.part.requests
	}
	c.points[c.at] = point{float64(rate) / span, float64(c.part.errors()) / span, recent.Quantile(0.99)}
	c.at = (c.at + 1) % points
	c.n = min(c.n+1, points)
	c.total, c.part, c.parts = *total, deltas{}, 0
}

// window adds up the latest n samples.
func (t *track) window(n int) (d deltas) {
	for i := range min(n, t.n) {
		d.add(&t.ring[(t.at-1-i+len(t.ring))%len(t.ring)])
	}
	return d
}

// recent is what the page shows of the history of a row.
type recent struct {
	known           bool // there was a sample
	ten, minute     deltas
	points          []point // the oldest first
	errored         time.Time
	errorsPerSecond float64
}

// of is the history of a row.
func (h *history) of(k key) recent {
	h.mu.Lock()
	defer h.mu.Unlock()
	t := h.tracks[k]
	if t == nil || t.n == 0 {
		return recent{}
	}
	r := recent{known: true, ten: t.window(tenSeconds), minute: t.window(oneMinute)}
	r.errorsPerSecond = float64(r.ten.errors()) / (float64(min(tenSeconds, t.n)) * sampleEvery.Seconds())
	if c := t.charted; c != nil {
		r.errored = c.errored
		for i := range c.n {
			r.points = append(r.points, c.points[(c.at-c.n+i+points)%points])
		}
	}
	return r
}
