package abuse

import (
	"context"
	"encoding/json"
	"fmt"
	"io"

	"bench/internal/result"
	"bench/loadgen"
	"bench/loadgen/record"
)

// Agent is the whole life of an agent for one set of clients, as loadgen.Agent
// is for a load: it reads a Spec, and a loadgen.Start if that has no start time,
// and writes result.AgentLine: Ready first, Abuse last.
func Agent(ctx context.Context, in io.Reader, out io.Writer) error {
	return loadgen.Attend(ctx, in, out, func(in *json.Decoder, _ record.Sink) (*loadgen.Job, error) {
		var spec Spec
		if err := in.Decode(&spec); err != nil {
			return nil, fmt.Errorf("reading the specification of the clients: %w", err)
		}
		r, err := New(&spec)
		if err != nil {
			return nil, err
		}
		return &loadgen.Job{StartAt: spec.StartAt, Run: func(ctx context.Context, startAt int64) (*result.AgentLine, error) {
			a, err := r.Run(ctx, startAt, nil)
			if a == nil {
				return nil, err
			}
			return &result.AgentLine{Abuse: a}, err
		}}, nil
	})
}
