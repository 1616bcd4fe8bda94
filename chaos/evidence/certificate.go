package evidence

import "bench/internal/result"

// Certificate makes the record of a fault from its findings. One that is not gone
// is not what was asked for, whatever it did.
func Certificate(mechanism string, gone bool, findings ...Finding) *result.Certificate {
	c := &result.Certificate{Verdict: string(Sum(findings)), Mechanism: mechanism, Gone: gone, Findings: []result.Finding{}}
	for _, f := range findings {
		c.Findings = append(c.Findings, result.Finding{
			What: f.What, Verdict: string(f.Outcome), Asked: f.Asked, Achieved: f.Achieved, Low: f.Low, High: f.High, Note: f.Note,
		})
	}
	if !gone {
		c.Verdict = result.Mismatch
	}
	return c
}
