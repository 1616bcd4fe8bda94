package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"bench/internal/result"
	"bench/internal/units"
	"bench/loadgen"
)

// loadCmd generates load without a scenario.
type loadCmd struct {
	URL string `arg:"" name:"url" help:"http://HOST[:PORT][/PATH]"`

	Rate     string `short:"r" placeholder:"RATE" help:"Requests per second, like 2000/s or 0..2000/s (open loop). Without it every connection sends as fast as it is answered (closed loop)."`
	Duration string `short:"D" default:"10s" help:"Measured time."`
	Warmup   string `default:"0s" help:"Time before it that is not measured, at the rate it begins with."`
	Arrival  string `enum:"constant,poisson" default:"constant" help:"Spacing of the requests of an open loop: ${enum}."`
	Think    string `default:"0s" help:"Pause of a closed loop between an answer and the next request."`

	Connections           int `short:"c" default:"64" help:"Most connections open at a time; 0 for no limit."`
	RequestsPerConnection int `default:"0" help:"Close a connection after so many requests; 0 keeps it, 1 opens one for each request."`

	Method     string   `short:"m" default:"GET" help:"Request method."`
	Header     []string `short:"H" sep:"none" placeholder:"NAME: VALUE" help:"Request header."`
	Data       string   `short:"d" placeholder:"BODY" help:"Request body; @FILE reads it from a file."`
	Expect     []int    `placeholder:"STATUS" help:"Statuses that count as good; 200 to 399 if not given."`
	UnixSocket string   `placeholder:"PATH" help:"Connect to this socket (a path or abns@NAME) instead of the URL's host."`

	Timeout        string `default:"10s" help:"Most time from a request's due time to the end of its answer."`
	ConnectTimeout string `default:"0s" help:"Most time to open a connection; 0 is the time-out."`

	Seed   uint64 `default:"1" help:"Seed of the Poisson arrivals."`
	CPU    []int  `placeholder:"CPU" help:"Processors to run on."`
	Spin   string `default:"100us" help:"Watch the clock for so long before a request is due, and the sockets of a closed loop after each answer, instead of sleeping: steadier starts for more processor time."`
	Poller string `placeholder:"NAME" help:"epoll, poll or select; the best if not given."`
	JSON   string `name:"json" placeholder:"FILE" help:"Write the outcome as JSON; - is the standard output."`
	Quiet  bool   `short:"q" help:"No progress lines."`
}

func (c *loadCmd) Run(std *streams) error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	spec, err := c.spec(ctx)
	if err != nil {
		return &exitError{exitUsage, err}
	}
	file, err := c.output(std)
	if err != nil {
		return &exitError{exitUsage, err}
	}
	human := std.out
	if c.JSON == "-" {
		human = std.err
	}
	loadgen.TuneProcess()
	show := newProgressLine(std.err, c.Quiet)
	load, err := loadgen.Run(ctx, spec, func(l *result.AgentLine) error {
		if l.Progress != nil {
			show.print(l.Progress)
		}
		return nil
	})
	show.end()
	if load == nil {
		return &exitError{exitUsage, err}
	}
	if e := errors.Join(loadgen.Print(human, load), writeJSON(file, load)); e != nil {
		return e
	}
	return verdict(load, err)
}

// verdict is the exit code of a load, with the reason.
func verdict(load *result.Load, err error) error {
	if errors.Is(err, context.Canceled) {
		return &exitError{exitInterrupted, errors.New("interrupted")}
	}
	if err != nil {
		return err
	}
	if problems := loadgen.Certify(load); len(problems) > 0 {
		return &exitError{exitUnclear, fmt.Errorf("INVALID: %s", strings.Join(problems, "\n"))}
	}
	if load.Requests > 0 && load.Completed == 0 {
		return &exitError{exitFail, errors.New("not one request was answered well")}
	}
	return nil
}

// output opens what the outcome goes to, before the run rather than after it;
// nil if it goes nowhere.
func (c *loadCmd) output(std *streams) (io.WriteCloser, error) {
	switch c.JSON {
	case "":
		return nil, nil
	case "-":
		return keptOpen{std.out}, nil
	}
	return os.Create(c.JSON)
}

// keptOpen is a stream that is not ours to close.
type keptOpen struct{ io.Writer }

func (keptOpen) Close() error { return nil }

func writeJSON(w io.WriteCloser, load *result.Load) error {
	if w == nil {
		return nil
	}
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	if err := errors.Join(enc.Encode(load), w.Close()); err != nil {
		return fmt.Errorf("writing the outcome: %w", err)
	}
	return nil
}

// spec turns the flags into a load.
func (c *loadCmd) spec(ctx context.Context) (*loadgen.Spec, error) {
	var errs []error
	us := func(flag, text string) int64 {
		d, err := units.ParseDuration(text)
		if err != nil {
			errs = append(errs, fmt.Errorf("--%s: %w", flag, err))
		}
		return int64(d / time.Microsecond)
	}
	s := &loadgen.Spec{
		Name:        "load",
		Arrival:     loadgen.Closed,
		ThinkUs:     us("think", c.Think),
		Connections: loadgen.Connections{Pool: c.Connections, RequestsPerConnection: c.RequestsPerConnection},
		TimeoutUs:   us("timeout", c.Timeout), ConnectTimeoutUs: us("connect-timeout", c.ConnectTimeout),
		Seed: c.Seed, CPUs: c.CPU, Poller: c.Poller, SpinUs: us("spin", c.Spin), ProgressUs: 1_000_000,
	}
	main := loadgen.Phase{Name: "main", LengthUs: us("duration", c.Duration), Measure: true}
	if c.Rate != "" {
		var err error
		s.Arrival = loadgen.Arrival(c.Arrival)
		if main.From, main.To, err = units.ParseRateRange(c.Rate); err != nil {
			errs = append(errs, fmt.Errorf("--rate: %w", err))
		}
	}
	if warm := us("warmup", c.Warmup); warm > 0 {
		s.Phases = append(s.Phases, loadgen.Phase{Name: "warmup", From: main.From, To: main.From, LengthUs: warm})
	}
	s.Phases = append(s.Phases, main)
	r := loadgen.Request{Method: c.Method, Expect: loadgen.Expect{Status: c.Expect}}
	for _, text := range c.Header {
		name, value, ok := strings.Cut(text, ":")
		if !ok {
			errs = append(errs, fmt.Errorf("--header %q: want NAME: VALUE", text))
			continue
		}
		if value = strings.TrimSpace(value); strings.EqualFold(name, "Host") {
			s.HTTP.Host = value
			continue
		}
		r.Headers = append(r.Headers, loadgen.Header{Name: name, Value: value})
	}
	var err error
	if r.Body.Text, err = readData(c.Data); err != nil {
		errs = append(errs, err)
	}
	s.HTTP.Requests = []loadgen.Request{r}
	if err := s.SetURL(ctx, c.URL, c.UnixSocket); err != nil {
		errs = append(errs, err)
	} else {
		errs = append(errs, s.Validate())
	}
	return s, errors.Join(errs...)
}

func readData(text string) (string, error) {
	name, ok := strings.CutPrefix(text, "@")
	if !ok {
		return text, nil
	}
	b, err := os.ReadFile(name)
	if err != nil {
		return "", fmt.Errorf("--data: %w", err)
	}
	return string(b), nil
}
