package capacity

import (
	"math"

	"github.com/HdrHistogram/hdrhistogram-go"

	"bench/internal/result"
)

// Overload that has not shown yet: where the delay grows all through a trial, and would
// pass the limit within a minute, the rate does not hold.
const (
	parts      = 20   // that a trial is looked at in
	leastParts = 10   // of them with responses
	leastFit   = 0.6  // of the variance that a straight line explains
	foreseen   = 60.0 // seconds
)

// Profile is how long responses took in each part of a trial: the sum of their times, in
// seconds, and their number. Profiles of trials of one length add up.
type Profile struct {
	Seconds float64 // of the trial
	Sum     [parts]float64
	Count   [parts]float64
}

// NewProfile reads that of a load in a phase from the slices of its timeline.
func NewProfile(slices []result.Interval, load string, p *result.Phase) (*Profile, error) {
	r := &Profile{Seconds: float64(p.LengthUs) / 1e6}
	for i := range slices {
		n := &slices[i]
		if n.Load != load || n.Phase != p.Name || n.Response == "" || p.LengthUs <= 0 {
			continue
		}
		h, err := hdrhistogram.Decode([]byte(n.Response))
		if err != nil {
			return nil, err
		}
		part := int((n.StartUs - p.StartUs + n.LengthUs/2) * parts / p.LengthUs)
		if part < 0 || part >= parts {
			continue
		}
		count := float64(h.TotalCount())
		r.Count[part] += count
		r.Sum[part] += h.Mean() * count / 1e6
	}
	return r, nil
}

// add adds another profile.
func (r *Profile) add(o *Profile) {
	r.Seconds = max(r.Seconds, o.Seconds)
	for i := range parts {
		r.Sum[i] += o.Sum[i]
		r.Count[i] += o.Count[i]
	}
}

// breaksAfter fits a straight line through the mean delay of each part by least squares.
// It returns when the line passes the limit, in seconds from the beginning of the trial;
// 0 where the delay does not grow like a line, or not within a minute.
func (r *Profile) breaksAfter(limit float64) float64 {
	var n, sx, sy, sxx, sxy, syy float64
	for i := range parts {
		if r.Count[i] == 0 {
			continue
		}
		x, y := (float64(i)+0.5)*r.Seconds/parts, r.Sum[i]/r.Count[i]
		n++
		sx += x
		sy += y
		sxx += x * x
		sxy += x * y
		syy += y * y
	}
	if n < leastParts {
		return 0
	}
	vx, vy, cov := sxx-sx*sx/n, syy-sy*sy/n, sxy-sx*sy/n
	if vx <= 0 || vy <= 0 || cov <= 0 || cov*cov/(vx*vy) <= leastFit {
		return 0
	}
	slope := cov / vx
	if slope*foreseen <= limit {
		return 0
	}
	end := (sy-slope*sx)/n + slope*r.Seconds
	return r.Seconds + math.Max(0, limit-end)/slope
}
