package runner

import (
	"context"
	"errors"
	"slices"

	"bench/chaos"
	"bench/chaos/evidence"
	"bench/internal/result"
)

// several is one fault on several machines.
type several []chaos.Fault

// Begin implements chaos.Fault.
func (s several) Begin(ctx context.Context, j *chaos.Journal) error {
	for i, f := range s {
		if err := f.Begin(ctx, j); err != nil {
			_, undone := s[:i].End()
			return errors.Join(err, undone)
		}
	}
	return nil
}

// End implements chaos.Fault.
func (s several) End() (*result.Certificate, error) {
	var errs []error
	var findings []result.Finding
	mechanism, gone := "", true
	for _, f := range slices.Backward(s) {
		cert, err := f.End()
		errs = append(errs, err)
		if cert == nil {
			gone = false
			continue
		}
		mechanism, gone = cert.Mechanism, gone && cert.Gone
		findings = append(findings, cert.Findings...)
	}
	return evidence.Certificate(mechanism, gone, findings...), errors.Join(errs...)
}
