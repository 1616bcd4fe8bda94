package record

import (
	"bench/internal/hdr"
	"bench/internal/result"
	"bench/loadgen/certify"
	"bench/loadgen/workload"
)

// outcome renders the books of a load that has ended, but for what its worker knows
// of itself.
func (r *Recorder) outcome(spec *workload.Spec, enc *hdr.Encoder) (*result.Load, error) {
	l := &result.Load{
		Name: spec.Name, Protocol: spec.ProtocolName(), Target: spec.Title, Arrival: string(spec.Arrival),
		Connections: spec.Connections.Pool, Seed: spec.Seed, Sent: r.Sent, Integrity: r.checks.account(),
	}
	if l.Arrival == "" {
		l.Arrival = string(workload.Constant)
	}
	if l.Target == "" {
		l.Target = spec.Targets[0]
	}
	sum := &PhaseTally{response: hdr.NewLong(), service: hdr.NewLong(), lag: hdr.NewLong()}
	for _, p := range r.phases {
		t, err := p.tally(enc)
		if err != nil {
			return nil, err
		}
		l.Phases = append(l.Phases, result.LoadPhase{
			Name: p.Spec.Name, StartUs: (p.Start - r.Origin) / 1000, LengthUs: (p.end - p.Start) / 1000, Measured: p.Spec.Measure, Tally: t,
		})
		if p.Spec.Measure {
			sum.add(p)
			l.DurationSeconds += float64(p.end-p.Start) / 1e9
		}
	}
	var err error
	if l.Tally, err = sum.tally(enc); err != nil {
		return nil, err
	}
	for i, p := range r.classes {
		t, err := p.tally(enc)
		if err != nil {
			return nil, err
		}
		l.Classes = append(l.Classes, result.LoadClass{Name: r.kinds[i].Name, Weight: r.kinds[i].Weight, Tally: t})
	}
	if l.DurationSeconds > 0 {
		l.RatePerSecond = float64(l.GoodWithin) / l.DurationSeconds
	}
	l.AfterEnd = result.AfterEnd{Ended: r.Drain.endedWithin, Good: r.Drain.goodWithin}
	l.NotCarried = certify.NotCarried(l)
	return l, nil
}
