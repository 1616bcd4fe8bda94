package loadgen

import (
	"context"
	"errors"

	"bench/internal/result"
)

// Run carries out one load and returns its outcome. Progress, Interval and
// Failure lines go to sink, which may be nil. When ctx ends, no further
// request is sent, requests on their way end as failed, and the outcome so far
// is returned with ctx's error.
func Run(ctx context.Context, spec *Spec, sink Sink) (*result.Load, error) {
	return nil, errors.ErrUnsupported
}
