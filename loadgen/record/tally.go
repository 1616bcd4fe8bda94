package record

import (
	"strconv"

	"bench/internal/hdr"
	"bench/internal/result"
	"bench/loadgen/codec"
)

// good adds a request that ended well; times are microseconds.
func (p *PhaseTally) good(status int, response, service int64) {
	p.completed++
	p.status[status]++
	hdr.Record(p.response, response)
	hdr.Record(p.service, service)
}

// bad adds a request that failed.
func (p *PhaseTally) bad(f *Failure, took int64) {
	if p.failures == nil {
		p.failures = hdr.NewLong()
	}
	hdr.Record(p.failures, took)
	p.failed[f.Cause]++
	p.status[f.Status]++
	if f.Interrupted {
		p.interrupted++
	}
}

// add merges another phase into p.
func (p *PhaseTally) add(o *PhaseTally) {
	p.endedWithin += o.endedWithin
	p.goodWithin += o.goodWithin
	p.requests += o.requests
	p.completed += o.completed
	p.retried += o.retried
	p.moved += o.moved
	p.interrupted += o.interrupted
	p.bytesIn += o.bytesIn
	p.bytesOut += o.bytesOut
	p.conns += o.conns
	p.handshakes += o.handshakes
	p.resumed += o.resumed
	p.unsecured += o.unsecured
	p.failed.add(&o.failed)
	for st, n := range o.status {
		p.status[st] += n
	}
	p.response.Merge(o.response)
	p.service.Merge(o.service)
	p.lag.Merge(o.lag)
	if o.handshake != nil {
		if p.handshake == nil {
			p.handshake = hdr.NewLong()
		}
		p.handshake.Merge(o.handshake)
	}
	if o.failures != nil {
		if p.failures == nil {
			p.failures = hdr.NewLong()
		}
		p.failures.Merge(o.failures)
	}
}

// tally renders p.
func (p *PhaseTally) tally(enc *hdr.Encoder) (t result.Tally, err error) {
	t = result.Tally{
		Requests: p.requests, Completed: p.completed, Failed: p.failed.total(), Retried: p.retried, Moved: p.moved, Interrupted: p.interrupted,
		EndedWithin: p.endedWithin, GoodWithin: p.goodWithin, FailuresByCause: p.failed.names(), BytesIn: p.bytesIn, BytesOut: p.bytesOut, ConnsOpened: p.conns,
		Handshakes: p.handshakes, Resumed: p.resumed, HandshakesFailed: p.unsecured,
	}
	if t.FailuresByCause == nil {
		t.FailuresByCause = map[string]uint64{}
	}
	for st, n := range p.status {
		if n == 0 || st == 0 { // 0: no status
			continue
		}
		if t.StatusCounts == nil {
			t.StatusCounts = make(map[string]uint64)
		}
		t.StatusCounts[strconv.Itoa(st)] = n
	}
	if t.Response, err = enc.Summary(p.response); err != nil {
		return t, err
	}
	if t.Service, err = enc.Summary(p.service); err != nil {
		return t, err
	}
	if t.Lag, err = enc.Summary(p.lag); err != nil {
		return t, err
	}
	if p.handshake != nil {
		took, err := enc.Summary(p.handshake)
		if err != nil {
			return t, err
		}
		t.Handshake = &took
	}
	t.All = t.Response
	if p.failures != nil {
		all := hdr.NewLong()
		all.Merge(p.response)
		all.Merge(p.failures)
		t.All, err = enc.Summary(all)
	}
	return t, err
}

// causeCounts counts by cause.
type causeCounts [codec.Causes]uint64

func (c *causeCounts) total() (n uint64) {
	for _, v := range c {
		n += v
	}
	return n
}

// names is c as reports hold it, nil when empty.
func (c *causeCounts) names() map[string]uint64 {
	var m map[string]uint64
	for i, v := range c {
		if v == 0 {
			continue
		}
		if m == nil {
			m = make(map[string]uint64)
		}
		m[codec.Cause(i).String()] = v
	}
	return m
}

func (c *causeCounts) add(o *causeCounts) {
	for i, v := range o {
		c[i] += v
	}
}
