package evidence

import "bench/internal/result"

// Certificate makes the record of a fault from its findings. One that is not gone
// is not what was asked for, whatever it did.
func Certificate(mechanism string, gone bool, findings ...result.Finding) *result.Certificate {
	c := &result.Certificate{Verdict: sum(findings), Mechanism: mechanism, Gone: gone, Findings: findings}
	if findings == nil {
		c.Findings = []result.Finding{}
	}
	if !gone {
		c.Verdict = result.Mismatch
	}
	return c
}
