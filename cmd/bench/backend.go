package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"bench/backends"
	"bench/backends/httporigin"
	"bench/internal/dist"
	"bench/internal/units"
)

// backendCmd runs mock origins.
type backendCmd struct {
	HTTP backendHTTPCmd `cmd:"" name:"http" help:"Run mock HTTP/1.1 origins."`
}

// backendHTTPCmd runs mock HTTP origins in one process.
type backendHTTPCmd struct {
	Listen   []string `required:"" placeholder:"ADDR" help:"Address to listen on, like 127.0.0.1:8000, [::1]:0 (0 draws a port), /run/web.sock or abns@web. Each is a replica."`
	Name     string   `default:"origin" help:"Name of the origin; with several replicas NAME.1, NAME.2 and so on."`
	Replicas int      `default:"0" help:"Number of replicas on a single --listen address; their ports count up, or are all drawn."`
	Control  string   `placeholder:"ADDR" help:"Address of the control endpoint: faults, counters, ids."`

	Latency string   `default:"0" help:"Time from a request to its answer: 2ms, uniform(1ms, 3ms), normal(5ms, 1ms), lognormal(2ms, 0.5), exponential(2ms)."`
	Body    string   `default:"0" help:"Size of the answer's body: 1KiB, uniform(1KiB, 64KiB), ..."`
	Status  string   `default:"200" help:"Status of the answer, or a mix with weights: 200=98,404=1,503=1."`
	Framing string   `default:"length" enum:"length,chunked,close" help:"How the end of the body is told: length, chunked or close."`
	Header  []string `placeholder:"NAME:VALUE" sep:"none" help:"Header field added to each answer."`

	MaxRequests int           `default:"0" help:"Close a connection after so many requests; 0 never does."`
	IdleTimeout time.Duration `default:"0" help:"Close a connection that waits longer for a request; 0 never does."`
	MaxHead     string        `default:"64KiB" help:"Greatest size of a request's head."`
	Backlog     int           `default:"0" help:"Length of the queue of connections not yet accepted; 0 is the system's."`

	CheckPath   string `placeholder:"PATH" help:"Count requests for this path as health checks."`
	CheckAgent  string `placeholder:"TEXT" help:"Count requests whose User-Agent has this text as health checks."`
	CheckMethod string `default:"OPTIONS" help:"Count requests of this method as health checks; - for none."`

	Threads        int    `default:"1" help:"Number of threads, each an event loop."`
	CPU            []int  `placeholder:"N" help:"Pin the threads to these CPUs, in turn."`
	Poller         string `default:"" help:"Poller of the event loops: epoll, poll or select; the best if not given."`
	Seed           uint64 `default:"1" help:"Seed of the draws."`
	JSON           bool   `name:"json" help:"Say where it serves as one line of JSON."`
	ExitWithParent bool   `help:"Exit when the parent process does, or closes the standard input."`
}

// Help explains paths and faults.
func (*backendHTTPCmd) Help() string {
	return `
Every answer carries X-Bench-Origin with the name of its replica. Requests with
X-Bench-Id: NAME.SEQ are counted in class NAME, with an exact record of every
SEQ; those without in class "-", health checks in class "check".

A request's path may change its answer, in pairs that may follow one another,
as in /status/404/delay/20ms/bytes/10:

  /status/503     that status
  /bytes/1000     a body of so many bytes with Content-Length
  /chunked/3000   a body of so many bytes in chunks
  /close/1000     a body of so many bytes ended by closing
  /delay/50ms     that latency
  /echo           the request as JSON

The control endpoint speaks JSON over HTTP: GET /ready /state /counters /ids
/events; POST /faults /clear /reset. A fault is an object like

  {"kind": "stall", "for": "500ms", "target": "web.1"}

with kind stall, latency (latency), error (status, rate), refuse, reset (scope:
new, live, both), truncate (bytes), trickle (bytes, every), drain or crash. Its
answer and GET /events give times in nanoseconds of CLOCK_MONOTONIC.`
}

// Run serves until a signal, or the end of the parent.
func (c *backendHTTPCmd) Run(std *streams) error {
	opts, err := c.options()
	if err != nil {
		return &exitError{exitUsage, err}
	}
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM, syscall.SIGINT)
	defer signal.Stop(stop)
	orphaned := make(chan struct{})
	if c.ExitWithParent {
		if err := unix.Prctl(unix.PR_SET_PDEATHSIG, uintptr(syscall.SIGTERM), 0, 0, 0); err != nil {
			return fmt.Errorf("asking to be told of the parent's end: %w", err)
		}
		go func() {
			// Whatever comes is not for us; the end of it is.
			_, _ = io.Copy(io.Discard, std.in)
			close(orphaned)
		}()
	}
	p, err := backends.Start(opts)
	if err != nil {
		code := exitUsage
		if _, ok := errors.AsType[syscall.Errno](err); ok { // a port in use, no permission
			code = exitLost
		}
		return &exitError{code, err}
	}
	defer p.Stop()
	if err := c.announce(std.out, p.ReadyLine()); err != nil {
		return err
	}
	select {
	case <-stop:
	case <-orphaned:
	case err := <-p.Ended():
		return &exitError{exitProxy, err}
	}
	return nil
}

func (c *backendHTTPCmd) announce(w io.Writer, line backends.ReadyLine) error {
	if c.JSON {
		return json.NewEncoder(w).Encode(line)
	}
	for _, o := range line.Origins {
		if _, err := fmt.Fprintf(w, "origin %s listens on %s\n", o.Name, o.Addr); err != nil {
			return err
		}
	}
	if line.Control == "" {
		return nil
	}
	_, err := fmt.Fprintf(w, "control endpoint on %s\n", line.Control)
	return err
}

// options turns the flags into what package backends wants.
func (c *backendHTTPCmd) options() (*backends.Options, error) {
	o := &backends.Options{
		Name: c.Name, Listen: c.Listen, Replicas: c.Replicas, Control: c.Control,
		Threads: c.Threads, Poller: c.Poller, CPUs: c.CPU, Seed: c.Seed,
		Check:  httporigin.Check{Path: c.CheckPath, Agent: c.CheckAgent, Method: c.CheckMethod},
		Limits: httporigin.Limits{Requests: c.MaxRequests, Idle: c.IdleTimeout, Backlog: c.Backlog},
	}
	var err error
	if o.Answer.Latency, err = dist.ParseDuration(c.Latency); err != nil {
		return nil, fmt.Errorf("--latency: %w", err)
	}
	if o.Answer.Body, err = dist.ParseSize(c.Body); err != nil {
		return nil, fmt.Errorf("--body: %w", err)
	}
	if o.Answer.Status, err = httporigin.ParseStatuses(c.Status); err != nil {
		return nil, fmt.Errorf("--status: %w", err)
	}
	switch c.Framing {
	case "chunked":
		o.Answer.Framing = httporigin.ByChunks
	case "close":
		o.Answer.Framing = httporigin.ByClose
	}
	for _, h := range c.Header {
		name, value, ok := strings.Cut(h, ":")
		if !ok {
			return nil, fmt.Errorf("--header %q: want NAME:VALUE", h)
		}
		o.Answer.Headers = append(o.Answer.Headers, httporigin.Header{Name: strings.TrimSpace(name), Value: strings.TrimSpace(value)})
	}
	head, err := units.ParseSize(c.MaxHead)
	if err != nil || head < 256 || head > 16<<20 {
		return nil, fmt.Errorf("--max-head %q: want a size from 256 to 16MiB", c.MaxHead)
	}
	o.Limits.Head = int(head)
	return o, nil
}
