package loadgen

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"bench/internal/loop"
	"bench/internal/result"
	"bench/loadgen/record"
	"bench/loadgen/worker"
	"bench/loadgen/workload"
)

// Agent is the whole life of a load agent: it reads a Spec, and a Start if the
// Spec has no start time, as JSON from in, and writes result.AgentLine as JSON
// lines to out: Ready first, Load last. What keeps it from running is an Error
// line and the error returned. When ctx ends, the load is cut short and its
// outcome so far is still written.
func Agent(ctx context.Context, in io.Reader, out io.Writer) error {
	return Attend(ctx, in, out, func(in *json.Decoder, say record.Sink) (*Job, error) {
		var spec workload.Spec
		if err := in.Decode(&spec); err != nil {
			return nil, fmt.Errorf("reading the load's specification: %w", err)
		}
		r, err := worker.New(&spec, say)
		if err != nil {
			return nil, err
		}
		return &Job{StartAt: spec.StartAt, Run: func(ctx context.Context, startAt int64) (*result.AgentLine, error) {
			load, err := r.Run(ctx, startAt)
			if load == nil {
				return nil, err
			}
			return &result.AgentLine{Load: load}, err
		}}, nil
	})
}

// Start is what the runner writes to the agent's standard input, after Spec,
// when Spec.StartAt was 0. The end of the input instead of a Start line begins
// the run at once.
type Start struct {
	StartAt int64 `json:"startAt"` // CLOCK_MONOTONIC nanoseconds
}

// startDelay is between the end of the preparations and the start time where that has
// to reach other processes.
const startDelay = 100 * time.Millisecond

// StartSoon is a start time for a load whose processes are ready.
func StartSoon() int64 { return loop.Nanotime() + startDelay.Nanoseconds() }

// Job is what an agent has prepared.
type Job struct {
	// StartAt is when to begin; 0 waits for a Start line.
	StartAt int64
	// Run carries it out; the line is its outcome, nil if it has none.
	Run func(ctx context.Context, startAt int64) (*result.AgentLine, error)
}

// Attend is the life of any agent: prepare reads what to do, then Ready is said,
// the start awaited and the job run. Otherwise it is as described at Agent.
func Attend(ctx context.Context, in io.Reader, out io.Writer, prepare func(*json.Decoder, record.Sink) (*Job, error)) error {
	w := bufio.NewWriter(out)
	say := func(l *result.AgentLine) error {
		b, err := json.Marshal(l)
		if err == nil {
			_, err = w.Write(append(b, '\n'))
		}
		return errors.Join(err, w.Flush())
	}
	line, err := attend(ctx, json.NewDecoder(in), say, prepare)
	if err != nil && !errors.Is(err, context.Canceled) {
		return errors.Join(err, say(&result.AgentLine{Error: err.Error()}))
	}
	if line != nil {
		if e := say(line); e != nil {
			return e
		}
	}
	return err
}

func attend(ctx context.Context, in *json.Decoder, say record.Sink, prepare func(*json.Decoder, record.Sink) (*Job, error)) (*result.AgentLine, error) {
	in.DisallowUnknownFields()
	job, err := prepare(in, say)
	if err != nil {
		return nil, err
	}
	if err := say(&result.AgentLine{Ready: &result.AgentReady{PID: os.Getpid()}}); err != nil {
		return nil, err
	}
	start := Start{StartAt: job.StartAt}
	if start.StartAt == 0 {
		if start, err = awaitStart(ctx, in); err != nil {
			return nil, err
		}
	}
	return job.Run(ctx, start.StartAt)
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
