package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"text/tabwriter"
	"time"

	"bench/scenarios/peers"
)

// peersCmd measures the engine and the generator against other programs.
type peersCmd struct {
	Rounds     int           `default:"3" help:"ABBA rounds for each row."`
	Duration   time.Duration `default:"2s" help:"Length of one measurement."`
	SubjectCPU int           `default:"0" help:"CPU of the program that is measured."`
	LoadCPU    int           `default:"1" help:"CPU of everything else."`
	Row        []string      `help:"Only these rows."`
	JSON       string        `name:"json" placeholder:"FILE" help:"Write the samples as JSON."`
}

func (c *peersCmd) Run(std *streams) error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	self, err := os.Executable()
	if err != nil {
		return err
	}
	options := peers.Options{
		Self: self, Rounds: c.Rounds, Duration: c.Duration, SubjectCPU: c.SubjectCPU, LoadCPU: c.LoadCPU, Rows: c.Row,
		Progress: func(text string) { fmt.Fprintln(std.err, text) },
	}
	rows, err := peers.Run(ctx, options)
	var idle []peers.IdleRow
	if err == nil {
		idle, err = peers.MeasureIdle(ctx, options, peers.IdleCounts())
	}
	if ctx.Err() != nil {
		return &exitError{exitInterrupted, ctx.Err()}
	}
	if err != nil {
		return &exitError{exitLost, err}
	}
	if c.JSON != "" {
		text, err := json.MarshalIndent(map[string]any{"rows": rows, "idle": idle}, "", "  ")
		if err != nil {
			return err
		}
		if err := os.WriteFile(c.JSON, append(text, '\n'), 0o644); err != nil {
			return err
		}
	}
	if len(rows) > 0 {
		if err := printContests(std.out, rows); err != nil {
			return err
		}
	}
	if len(idle) > 0 {
		return printIdle(std.out, idle)
	}
	return nil
}

func printContests(out io.Writer, rows []peers.Row) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "work\tpeer\tCPU per request, peer ÷ ours\trequests/s, ours ÷ peer\tfailed\tforeign CPU")
	for i := range rows {
		r := &rows[i]
		if r.Reason != "" {
			fmt.Fprintf(w, "%s\t%s\tnot measured: %s\n", r.Name, r.Peer, r.Reason)
			continue
		}
		var failed uint64
		var others float64
		for _, s := range append(r.A, r.B...) {
			failed += s.Failed
			others = max(others, s.Others)
		}
		rate := "not the subject's limit: the load side was busy first"
		if r.RateCounts() {
			rate = span(r.Rate)
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%d\tup to %.0f %%\n", r.Name, r.Peer, span(r.CPU), rate, failed, 100*others)
	}
	return w.Flush()
}

// printIdle prints what idle connections cost.
func printIdle(out io.Writer, rows []peers.IdleRow) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "idle connections\tnumber\tbytes each, ours ÷ haproxy\tours\thaproxy\theap, ours\theap, haproxy\tkernel, ours\tkernel, haproxy")
	for i := range rows {
		r := &rows[i]
		if r.Reason != "" {
			fmt.Fprintf(w, "%s\t%d\tnot measured: %s\n", r.Name, r.Connections, r.Reason)
			continue
		}
		fmt.Fprintf(w, "%s\t%d\t%.2f\t%.0f\t%.0f\t%.0f\t%.0f\t%.0f\t%.0f\n", r.Name, r.Connections, r.Ratio,
			r.Ours.User, r.Peer.User, r.Ours.Heap, r.Peer.Heap, r.Ours.Kernel, r.Peer.Kernel)
	}
	return w.Flush()
}

func span(r peers.Ratio) string { return fmt.Sprintf("%.2f (%.2f to %.2f)", r.Median, r.Low, r.High) }
