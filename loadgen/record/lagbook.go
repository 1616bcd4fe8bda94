package record

import (
	"slices"

	"github.com/HdrHistogram/hdrhistogram-go"

	"bench/internal/hdr"
	"bench/internal/result"
)

// lagBook keeps the lag second by second: how late each was, and all of those in
// which the machine was not disturbed.
type lagBook struct {
	lateUs  []uint32 // p99 of each second
	quiet   *hdrhistogram.Histogram
	pending []*lagSecond // not judged by the witness yet
}

// add takes the lag of a second.
func (b *lagBook) add(s *lagSecond, r *Reporter) {
	for len(b.lateUs) <= s.second {
		b.lateUs = append(b.lateUs, 0)
	}
	b.lateUs[s.second] = uint32(s.lag.ValueAtQuantile(99))
	b.pending = append(b.pending, s)
	b.settle(r)
}

// settle adds the seconds that have been judged since.
func (b *lagBook) settle(r *Reporter) {
	b.pending = slices.DeleteFunc(b.pending, func(s *lagSecond) bool {
		disturbed, known := false, true
		if r.witness != nil {
			disturbed, known = r.witness.Judged(s.second)
		}
		if !known {
			return false
		}
		if !disturbed {
			if b.quiet == nil {
				b.quiet = hdr.NewShort()
			}
			b.quiet.Merge(s.lag)
		}
		s.lag.Reset()
		select {
		case r.rec.freeLag <- s.lag:
		default:
		}
		return true
	})
}

// host ends the witness and says what it saw.
func (r *Reporter) host() (*result.LoadHost, error) {
	if r.witness == nil {
		return nil, nil
	}
	w := r.witness
	w.End()
	r.lags.settle(r)
	h := &result.LoadHost{StolenSeconds: max(0, w.Stolen), WaitedSeconds: max(0, w.Waited)}
	for second, bad := range w.Disturbed {
		if bad && second < len(r.lags.lateUs) {
			h.DisturbedSeconds = append(h.DisturbedSeconds, second)
		}
	}
	var err error
	if h.WakeUp, err = r.enc.Summary(w.WakeUp); err != nil {
		return nil, err
	}
	h.QuietLag, err = r.enc.Summary(r.lags.quiet)
	return h, err
}
