package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"bench/backends"
	"bench/backends/origin"
	"bench/internal/dist"
	"bench/internal/thread"
)

// backendCmd runs mock origins.
type backendCmd struct {
	HTTP  backendHTTPCmd  `cmd:"" name:"http" help:"Run mock HTTP/1.1 origins."`
	TCP   backendTCPCmd   `cmd:"" name:"tcp" help:"Run mock TCP origins: echo, sink, source or a script."`
	MySQL backendMySQLCmd `cmd:"" name:"mysql" help:"Run mock MySQL origins."`
	Redis backendRedisCmd `cmd:"" name:"redis" help:"Run mock Redis origins."`
	DNS   backendDNSCmd   `cmd:"" name:"dns" help:"Run mock name servers."`
}

// originFlags are those of every protocol.
type originFlags struct {
	Listen   []string `required:"" placeholder:"ADDR" help:"Address to listen on, like 127.0.0.1:8000, [::1]:0 (0 picks a free port), /run/web.sock or abns@web. Each is a replica."`
	Name     string   `default:"origin" help:"Name of the origin; with several replicas NAME.1, NAME.2 and so on."`
	Replicas int      `default:"0" help:"Number of replicas on a single --listen address; their ports count up, or are all chosen by the system."`
	Control  string   `placeholder:"ADDR" help:"Address of the control endpoint: faults, counters, ids."`

	Latency     string        `default:"0" help:"Time from a request to its answer: 2ms, uniform(1ms, 3ms), normal(5ms, 1ms), lognormal(2ms, 0.5), exponential(2ms)."`
	IdleTimeout time.Duration `default:"0" help:"Close a connection that waits longer for a request; 0 never does."`
	Backlog     int           `default:"0" help:"Length of the queue of connections not yet accepted; 0 is the system's."`

	Threads        int    `default:"1" help:"Number of threads, each an event loop."`
	CPU            []int  `placeholder:"N" help:"Pin the threads to these CPUs, in turn."`
	Poller         string `default:"" help:"Poller of the event loops: epoll, poll, select or io_uring; the quickest if not given."`
	Seed           uint64 `default:"1" help:"Seed of random draws."`
	JSON           bool   `name:"json" help:"Print where it serves, as one line of JSON."`
	ExitWithParent bool   `help:"Exit when the parent process does, or closes the standard input."`
}

// latency reads --latency.
func (f *originFlags) latency() (dist.Duration, error) {
	d, err := dist.ParseDuration(f.Latency)
	if err != nil {
		return d, fmt.Errorf("--latency: %w", err)
	}
	return d, nil
}

// usage makes an error one of usage.
func usage(err error) error {
	if err == nil {
		return nil
	}
	return &exitError{exitUsage, err}
}

// check refuses numbers that mean nothing.
func (f *originFlags) check() error {
	var errs []error
	for _, n := range []struct {
		flag        string
		value, from int64
	}{
		{"replicas", int64(f.Replicas), 0},
		{"backlog", int64(f.Backlog), 0},
		{"idle-timeout", int64(f.IdleTimeout), 0},
		{"threads", int64(f.Threads), 1},
	} {
		if n.value < n.from {
			errs = append(errs, fmt.Errorf("--%s: want %d or more", n.flag, n.from))
		}
	}
	if err := thread.CheckCPUs(f.CPU); err != nil {
		errs = append(errs, fmt.Errorf("--cpu: %w", err))
	}
	return errors.Join(errs...)
}

// serve serves until a signal, or the end of the parent.
func (f *originFlags) serve(std *streams, kind origin.Kind) error {
	if err := f.check(); err != nil {
		return usage(err)
	}
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, endings()...)
	defer signal.Stop(stop)
	orphaned := make(chan struct{})
	if f.ExitWithParent {
		if err := unix.Prctl(unix.PR_SET_PDEATHSIG, uintptr(syscall.SIGTERM), 0, 0, 0); err != nil {
			return fmt.Errorf("asking to be signalled when the parent ends: %w", err)
		}
		go func() {
			// Whatever comes is not for us; the end of it is.
			_, _ = io.Copy(io.Discard, std.in)
			close(orphaned)
		}()
	}
	p, err := backends.Start(&backends.Options{
		Name: f.Name, Listen: f.Listen, Replicas: f.Replicas, Control: f.Control,
		Threads: f.Threads, Poller: f.Poller, CPUs: f.CPU, Seed: f.Seed, Kind: kind,
	})
	if err != nil {
		code := exitUsage
		if _, ok := errors.AsType[syscall.Errno](err); ok { // a port in use, no permission
			code = exitLost
		}
		return &exitError{code, err}
	}
	defer p.Stop()
	if err := f.announce(std.out, p.ReadyLine()); err != nil {
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

func (f *originFlags) announce(w io.Writer, line backends.ReadyLine) error {
	if f.JSON {
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

// faultsHelp explains the control endpoint; kinds are the faults of a protocol.
func faultsHelp(kinds string) string {
	return `
The control endpoint speaks JSON over HTTP: GET /ready /state /counters /ids
/events; POST /faults /clear /reset. A fault is an object like

  {"kind": "stall", "for": "500ms", "target": "web.1"}

Its answer and GET /events give times in nanoseconds of CLOCK_MONOTONIC. Faults
end by themselves. Every kind of origin knows

  stall                          write nothing
  latency (latency)              draw latencies from this instead
  refuse                         refuse connections
  reset (scope: new, live, both) break connections with a RST
  truncate (bytes)               close in the middle of an answer
  corrupt (rate)                 invert one byte of a share of the answers
  trickle (bytes, every)         drip answers out
  bandwidth (bandwidth)          write at most this much a second on each connection
  drain                          close connections after their present answer
  crash                          end the process

and those that speak TLS besides

  tls-stall                      answer nothing to handshakes
  tls-certificate (certificate)  show this one, in PEM with its key, on new connections
  tls-truncate (bytes)           close within a record, in the middle of an answer
  tls-renegotiation              want another handshake behind the first, of TLS 1.2,
                                 on new connections
` + kinds + `
For example:

  curl -d '{"kind": "latency", "for": "10s", "latency": "200ms"}' http://127.0.0.1:9000/faults`
}
