package loadgen

import (
	"strconv"

	"bench/internal/result"
)

// good adds a request that ended well; times are microseconds.
func (p *phaseTally) good(status int, response, service int64) {
	p.completed++
	p.status[status]++
	record(p.response, response)
	record(p.service, service)
}

// bad adds a request that failed.
func (p *phaseTally) bad(f *failure, took int64) {
	if p.failures == nil {
		p.failures = newLong()
	}
	record(p.failures, took)
	p.failed[f.cause]++
	p.status[f.status]++
	if f.interrupted {
		p.interrupted++
	}
}

// add merges another phase into p.
func (p *phaseTally) add(o *phaseTally) {
	p.endedWithin += o.endedWithin
	p.goodWithin += o.goodWithin
	p.requests += o.requests
	p.completed += o.completed
	p.retried += o.retried
	p.interrupted += o.interrupted
	p.bytesIn += o.bytesIn
	p.bytesOut += o.bytesOut
	p.conns += o.conns
	p.failed.add(&o.failed)
	for st, n := range o.status {
		p.status[st] += n
	}
	p.response.Merge(o.response)
	p.service.Merge(o.service)
	p.lag.Merge(o.lag)
	if o.failures != nil {
		if p.failures == nil {
			p.failures = newLong()
		}
		p.failures.Merge(o.failures)
	}
}

// tally renders p.
func (p *phaseTally) tally(enc *encoder) (t result.Tally, err error) {
	t = result.Tally{
		Requests: p.requests, Completed: p.completed, Failed: p.failed.total(), Retried: p.retried, Interrupted: p.interrupted,
		EndedWithin: p.endedWithin, GoodWithin: p.goodWithin, FailuresByCause: p.failed.names(), BytesIn: p.bytesIn, BytesOut: p.bytesOut, ConnsOpened: p.conns,
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
	if t.Response, err = enc.summary(p.response); err != nil {
		return t, err
	}
	if t.Service, err = enc.summary(p.service); err != nil {
		return t, err
	}
	if t.Lag, err = enc.summary(p.lag); err != nil {
		return t, err
	}
	t.All = t.Response
	if p.failures != nil {
		all := newLong()
		all.Merge(p.response)
		all.Merge(p.failures)
		t.All, err = enc.summary(all)
	}
	return t, err
}
