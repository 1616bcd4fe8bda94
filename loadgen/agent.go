package loadgen

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"bench/internal/result"
)

// Agent is the whole life of a load agent: it reads a Spec, and a Start if the
// Spec has no start time, as JSON from in, and writes result.AgentLine as JSON
// lines to out: Ready first, Load last. What keeps it from running is an Error
// line and the error returned. When ctx ends, the load is cut short and its
// outcome so far is still written.
func Agent(ctx context.Context, in io.Reader, out io.Writer) error {
	w := bufio.NewWriter(out)
	say := func(l *result.AgentLine) error {
		b, err := json.Marshal(l)
		if err == nil {
			_, err = w.Write(append(b, '\n'))
		}
		return errors.Join(err, w.Flush())
	}
	load, err := agent(ctx, json.NewDecoder(in), say)
	if err != nil && !errors.Is(err, context.Canceled) {
		return errors.Join(err, say(&result.AgentLine{Error: err.Error()}))
	}
	if load != nil {
		if e := say(&result.AgentLine{Load: load}); e != nil {
			return e
		}
	}
	return err
}

func agent(ctx context.Context, in *json.Decoder, say Sink) (*result.Load, error) {
	var spec Spec
	in.DisallowUnknownFields()
	if err := in.Decode(&spec); err != nil {
		return nil, fmt.Errorf("reading the load's specification: %w", err)
	}
	r, err := New(&spec, say)
	if err != nil {
		return nil, err
	}
	if err := say(&result.AgentLine{Ready: &result.AgentReady{PID: os.Getpid()}}); err != nil {
		return nil, err
	}
	start := Start{StartAt: spec.StartAt}
	if start.StartAt == 0 {
		if start, err = awaitStart(ctx, in); err != nil {
			return nil, err
		}
	}
	return r.Run(ctx, start.StartAt)
}

// awaitStart reads the Start line. The read itself cannot be called off, so it
// is left behind when ctx ends first; the process is about to end then.
func awaitStart(ctx context.Context, in *json.Decoder) (Start, error) {
	type outcome struct {
		start Start
		err   error
	}
	got := make(chan outcome, 1)
	go func() {
		var o outcome
		if o.err = in.Decode(&o.start); errors.Is(o.err, io.EOF) {
			o.err = nil
		}
		got <- o
	}()
	select {
	case o := <-got:
		if o.err != nil {
			return Start{}, fmt.Errorf("reading the start time: %w", o.err)
		}
		return o.start, nil
	case <-ctx.Done():
		return Start{}, ctx.Err()
	}
}
