package network

import (
	"errors"
	"fmt"
	"os"
	"time"

	"bench/chaos/evidence"
	"bench/chaos/filter"
	"bench/chaos/impair"
	"bench/chaos/link"
	"bench/chaos/shape"
	"bench/internal/result"
)

// onLink is an impairment of the userspace link.
type onLink struct {
	net   *Network
	place Place
	link  *link.Link
	spec  impair.Spec
	begun link.Line
}

func beginLink(n *Network, o *Order, p *Place) (actor, error) {
	l, err := n.acquire(p, o.Match)
	if err != nil {
		return nil, err
	}
	a := &onLink{net: n, place: *p, link: l, spec: o.Spec}
	if a.begun, _, err = l.State(); err == nil {
		err = l.Add(o.Spec)
	}
	if err != nil {
		return nil, errors.Join(err, n.release(p))
	}
	return a, nil
}

func (a *onLink) name() string {
	if a.link.RealTime() {
		return "userspace link, in real time"
	}
	return "userspace link"
}

func (a *onLink) change(s *impair.Spec) error {
	if lead(s.Match) != lead(a.spec.Match) {
		return errors.New("what a fault affects cannot be changed while it acts: end it and begin another")
	}
	if _, err := a.link.Change(*s); err != nil {
		return err
	}
	a.spec = *s
	return nil
}

func (a *onLink) end() ([]result.Finding, error) {
	truth, err := a.link.Remove(a.spec.ID)
	if err != nil {
		return nil, errors.Join(err, a.net.release(&a.place))
	}
	line, active, err := a.link.State()
	for _, id := range active {
		if id == a.spec.ID {
			err = errors.Join(err, fmt.Errorf("%s is still at work on the link", id))
		}
	}
	for d := range line.Received {
		line.Received[d] -= a.begun.Received[d]
	}
	line.Overrun -= a.begun.Overrun
	line.Unsent -= a.begun.Unsent
	line.Crowded -= a.begun.Crowded
	return evidence.Impairment(&a.spec, truth, line), errors.Join(err, a.net.release(&a.place))
}

// onFilter drops or rejects by nftables.
type onFilter struct {
	block *filter.Block
	order Order
	place Place
}

func beginBlock(_ *Network, o *Order, p *Place) (actor, error) {
	a := &onFilter{order: *o, place: *p}
	if err := a.open(); err != nil {
		return nil, err
	}
	return a, nil
}

func (a *onFilter) open() error {
	b := block(&a.order, &a.place)
	b.Name = fmt.Sprintf("bench-%d-%s", os.Getpid(), a.order.ID)
	if err := b.Open(); err != nil {
		return err
	}
	a.block = b
	return nil
}

func (a *onFilter) name() string { return "nftables" }

func (a *onFilter) change(s *impair.Spec) error {
	order := a.order
	order.Spec = *s
	if effects(s)&^(drops|loses|rejects) != 0 {
		return errors.New("nftables drops and rejects only: end the fault and begin another")
	}
	if err := block(&order, &a.place).Check(); err != nil {
		return err
	}
	if err := a.block.Close(); err != nil {
		return err
	}
	a.order = order
	return a.open()
}

func (a *onFilter) end() ([]result.Finding, error) {
	r, err := a.block.Result()
	err = errors.Join(err, a.block.Close(), a.block.Gone())
	what, share := "lost", 1.0
	switch {
	case a.order.Reject != impair.NoReject:
		what = "rejected"
	case !a.order.Drop:
		what, share = "loss", a.order.Loss
	}
	n := r.Met.Packets
	return []result.Finding{evidence.Share(what, share, r.Hit.Packets, n, float64(n))}, err
}

// onQueue sets queues or the MTU of interfaces.
type onQueue struct {
	label string
	spec  impair.Spec
	holds []*shape.Hold
	judge func([]shape.Counts) []result.Finding
	begun time.Time
}

// leaving are the interfaces by which packets of an impairment's direction leave
// a wire.
func leaving(o *Order, p *Place) (at []shape.Interface) {
	for i, side := range []impair.Sides{impair.DownOnly, impair.UpOnly} {
		if d := o.Match.Direction; d == impair.BothWays || d == impair.Both || d == side {
			at = append(at, shape.Interface{Namespace: p.Namespace, Name: p.Wire[i]})
		}
	}
	return at
}

// set sets something on each interface, or on none.
func (a *onQueue) set(at []shape.Interface, set func(shape.Interface) (*shape.Hold, error)) error {
	for _, i := range at {
		hold, err := set(i)
		if err != nil {
			for _, h := range a.holds {
				err = errors.Join(err, h.Undo())
			}
			return err
		}
		a.holds = append(a.holds, hold)
	}
	a.begun = time.Now()
	return nil
}

func beginRate(_ *Network, o *Order, p *Place) (actor, error) {
	a := &onQueue{label: "token bucket of the kernel", spec: o.Spec}
	a.judge = func(counts []shape.Counts) []result.Finding { return judgeRate(&a.spec, counts, time.Since(a.begun)) }
	err := a.set(leaving(o, p), func(i shape.Interface) (*shape.Hold, error) { return shape.Rate(i, o.Rate, o.Queue) })
	return a, err
}

// judgeRate knows what the queues passed, which cannot exceed the rate, and how often a
// packet had to wait. A direction in which none had to is no news while the other
// reaches the limit.
func judgeRate(s *impair.Spec, counts []shape.Counts, took time.Duration) (out []result.Finding) {
	show := evidence.Bandwidth(s.Rate)
	reached := false
	for _, c := range counts {
		bits := float64(c.Bytes) * 8 / took.Seconds()
		f := result.Finding{What: "rate", Asked: "at most " + show(s.Rate), Achieved: show(bits), Verdict: result.Confirmed}
		if bits > 1.05*s.Rate+1e6*8/took.Seconds() {
			f.Verdict = result.Mismatch
		}
		if reached = reached || c.Delayed > 0 || c.Dropped > 0; c.Delayed > 0 || c.Dropped > 0 || f.Verdict == result.Mismatch {
			out = append(out, f)
		}
	}
	if !reached {
		out = append(out, evidence.Unreached("rate", s.Rate))
	}
	return out
}

func beginNetem(_ *Network, o *Order, p *Place) (actor, error) {
	n, err := netem(&o.Spec)
	if err != nil {
		return nil, err
	}
	a := &onQueue{label: "netem", spec: o.Spec}
	a.judge = func(counts []shape.Counts) []result.Finding { return judgeNetem(&a.spec, counts) }
	err = a.set(leaving(o, p), func(i shape.Interface) (*shape.Hold, error) { return shape.SetNetem(i, n) })
	if errors.Is(err, shape.ErrNotSupported) {
		err = fmt.Errorf("%w: want mechanism: link, which needs no netem", err)
	}
	return a, err
}

// netem translates an impairment.
func netem(s *impair.Spec) (n shape.Netem, err error) {
	fixed, ok := s.Delay.Fixed()
	if !ok {
		return n, fmt.Errorf("netem does not know the law %v: want mechanism: link", s.Delay)
	}
	return shape.Netem{Delay: fixed, Loss: s.Loss, Duplicate: s.Duplicate, Corrupt: s.Corrupt}, nil
}

// judgeNetem judges loss only: netem keeps no account of anything else.
func judgeNetem(s *impair.Spec, counts []shape.Counts) (out []result.Finding) {
	var passed, dropped uint64
	for _, c := range counts {
		passed += c.Packets
		dropped += c.Dropped
	}
	if s.Loss > 0 {
		n := passed + dropped
		out = append(out, evidence.Share("loss", s.Loss, dropped, n, float64(n)))
	}
	if effects(s)&^loses != 0 {
		out = append(out, evidence.Some("packets", passed, "packets"), result.Finding{
			What: "all but loss", Verdict: result.Inconclusive, Asked: "as ordered", Achieved: "unknown",
			Note: "netem keeps no account of it: mechanism: link does",
		})
	}
	return out
}

func beginMTU(_ *Network, o *Order, p *Place) (actor, error) {
	a := &onQueue{label: "MTU of " + p.Device, spec: o.Spec}
	at := shape.Interface{Namespace: p.Namespace, Name: p.Device}
	before, err := shape.Sent(at)
	if err != nil {
		return nil, err
	}
	a.judge = func([]shape.Counts) []result.Finding {
		f := result.Finding{What: "MTU to the end", Verdict: result.Confirmed, Asked: fmt.Sprint(o.MTU)}
		now, err := shape.SizeOf(at)
		if err != nil || now != o.MTU {
			f.Verdict = result.Mismatch
		}
		f.Achieved = fmt.Sprint(now)
		sent, err := shape.Sent(at)
		if err != nil {
			return []result.Finding{f}
		}
		return []result.Finding{f, evidence.Some("packets sent", sent-min(before, sent), "packets")}
	}
	err = a.set([]shape.Interface{at},
		func(i shape.Interface) (*shape.Hold, error) { return shape.MTU(i, o.MTU) })
	return a, err
}

func (a *onQueue) name() string { return a.label }

func (a *onQueue) change(*impair.Spec) error {
	return fmt.Errorf("the %s cannot be changed while it acts: end the fault and begin another", a.label)
}

func (a *onQueue) end() ([]result.Finding, error) {
	var counts []shape.Counts
	var err error
	for _, h := range a.holds {
		if h.Counted() {
			c, e := h.Counts()
			err = errors.Join(err, e)
			counts = append(counts, c)
		}
	}
	findings := a.judge(counts)
	for _, h := range a.holds {
		err = errors.Join(err, h.Undo(), h.Gone())
	}
	return findings, err
}
