package evidence_test

import (
	"math/rand/v2"
	"testing"

	"bench/chaos/evidence"
	"bench/internal/result"
)

func TestShare(t *testing.T) {
	for _, c := range []struct {
		asked     float64
		k, n      uint64
		effective float64
		want      string
	}{
		{0.01, 100, 10_000, 10_000, result.Confirmed},
		{0.01, 130, 10_000, 10_000, result.Confirmed},
		{0.01, 200, 10_000, 10_000, result.Mismatch},
		{0.01, 140, 10_000, 10_000, result.Mismatch},
		{0.01, 140, 10_000, 5_000, result.Confirmed},
		{0.01, 0, 10_000, 10_000, result.Mismatch},
		{0.01, 0, 100, 100, result.Inconclusive},
		{0.01, 0, 0, 0, result.Inconclusive},
		{0.5, 0, 100, 100, result.Mismatch},
		{0.5, 45, 100, 100, result.Confirmed},
		{1, 100, 100, 100, result.Confirmed},
		{1, 99, 100, 100, result.Mismatch},
		{1, 0, 0, 0, result.Inconclusive},
	} {
		if got := evidence.Share("x", c.asked, c.k, c.n, c.effective); got.Verdict != c.want {
			t.Errorf("asked %v, %d of %d: %+v, want %s", c.asked, c.k, c.n, got, c.want)
		}
	}
}

// TestShareOfHonestDraws: of 5,000 honest draws hardly any is called a mismatch,
// of draws of twice the share nearly all.
func TestShareOfHonestDraws(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for _, p := range []float64{0.01, 0.1, 0.4} {
		const runs, n = 5000, 2500
		for _, factor := range []float64{1, 2} {
			mismatches := 0
			for range runs {
				k := uint64(0)
				for range n {
					if r.Float64() < p*factor {
						k++
					}
				}
				if evidence.Share("x", p, k, n, n).Verdict == result.Mismatch {
					mismatches++
				}
			}
			if factor == 1 && mismatches > runs/200 {
				t.Errorf("share %v: %d of %d honest draws are called a mismatch", p, mismatches, runs)
			}
			if factor == 2 && mismatches < runs*8/10 {
				t.Errorf("share %v: only %d of %d draws of its double are called a mismatch", p, mismatches, runs)
			}
		}
	}
}

func TestOtherClaims(t *testing.T) {
	for _, c := range []struct {
		claim result.Claim
		want  string
	}{
		{evidence.All("x", 5, 5), result.Confirmed},
		{evidence.All("x", 4, 5), result.Mismatch},
		{evidence.Some("x", 3), result.Confirmed},
		{evidence.Some("x", 0), result.Inconclusive},
		{evidence.Exactly("x", 3, 3), result.Confirmed},
		{evidence.Exactly("x", 3, 2), result.Mismatch},
		{evidence.Exactly("x", 0, 0), result.Inconclusive},
		{evidence.Near("x", "bit/s", 100, 101, 0.02, 9), result.Confirmed},
		{evidence.Near("x", "bit/s", 100, 97, 0.02, 9), result.Mismatch},
		{evidence.AtMost("x", "us", 10, 3, 1, 1), result.Confirmed},
		{evidence.AtMost("x", "us", 10, 30, 1, 1), result.Mismatch},
		{evidence.AtMost("x", "us", 10, 0, 0, 1), result.Inconclusive},
	} {
		if c.claim.Verdict != c.want {
			t.Errorf("%+v, want %s", c.claim, c.want)
		}
	}
}
