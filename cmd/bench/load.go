package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"syscall"
	"time"

	"bench/internal/proc"
	"bench/internal/result"
	"bench/loadgen"
	"bench/loadgen/fleet"
	"bench/loadgen/record"
	"bench/loadgen/redis"
	"bench/loadgen/show"
	"bench/loadgen/template"
	"bench/loadgen/worker"
	"bench/loadgen/workload"
)

// loadCmd generates load without a scenario.
type loadCmd struct {
	URL string `arg:"" name:"url" help:"http://HOST[:PORT][/PATH], https://HOST[:PORT][/PATH], tcp://HOST:PORT, redis://[[USER:]PASSWORD@]HOST[:PORT][/DATABASE] or mysql://[USER[:PASSWORD]@]HOST[:PORT][/DATABASE]. If HOST has several addresses, the first that accepts connections is used, and the next one once it no longer does."`

	Rate     string  `short:"r" group:"Arrivals" placeholder:"RATE" help:"Requests per second, like 2000/s or 0..2000/s (open loop). Without it every connection sends as fast as answers come (closed loop)."`
	Duration string  `short:"D" group:"Arrivals" help:"Measured time; 10s, or with --trace that of the trace, if not given."`
	Requests uint64  `short:"n" group:"Arrivals" placeholder:"N" help:"Stop after this many requests, at the latest after --duration or, if that is not given, an hour."`
	Warmup   string  `group:"Arrivals" default:"0s" help:"Unmeasured time before it, at the rate it begins with; for a trace, its beginning."`
	Arrival  string  `group:"Arrivals" enum:"constant,poisson" default:"constant" help:"Spacing of the requests of an open loop: ${enum}."`
	Steps    int     `group:"Arrivals" default:"1" help:"Go from one rate to the other in this many equal steps instead of in a straight line."`
	Burst    int     `group:"Arrivals" default:"1" help:"Let this many requests come at the same time; the rate stays."`
	Think    string  `group:"Arrivals" default:"0s" help:"Pause of a closed loop between an answer and the next request."`
	Trace    string  `group:"Arrivals" placeholder:"FILE" help:"Replay the requests of a file at their times (HTTP only): lines of SECONDS METHOD PATH [NAME], or HAProxy's httplog."`
	Format   string  `group:"Arrivals" name:"trace-format" enum:",plain,httplog" default:"" help:"Format of the trace: plain or httplog; found out if not given."`
	Speed    float64 `group:"Arrivals" default:"1" help:"Replay this many times as fast."`

	Connections           int      `short:"c" group:"Connections" default:"64" help:"Maximum number of open connections; 0 for no limit."`
	RequestsPerConnection int      `group:"Connections" default:"0" help:"Close a connection after this many requests; 0 keeps it, 1 opens one for each request."`
	MaxAge                string   `group:"Connections" default:"0s" help:"Close a connection with the first request after this time; 0 keeps it."`
	Pipeline              int      `group:"Connections" default:"1" help:"Send this many requests on a connection ahead of their answers."`
	HTTP2                 bool     `group:"Connections" name:"http2" help:"Speak HTTP/2: agreed on in TLS (https), at once in clear (http)."`
	Streams               int      `group:"Connections" default:"100" help:"Requests under way on a connection of HTTP/2 at a time, of which the peer may allow fewer."`
	Window                string   `group:"Connections" placeholder:"SIZE" help:"How much of a body may come on a stream of HTTP/2 before it has been read; 1MiB if not given."`
	UnixSocket            string   `group:"Connections" placeholder:"PATH" help:"Connect to this socket (a path or abns@NAME) instead of the URL's host."`
	TLSName               string   `group:"Connections" name:"tls-name" placeholder:"NAME" help:"Name to ask for in TLS (https, tls, mysqls, rediss); that of the URL if not given."`
	TLSCA                 string   `group:"Connections" name:"tls-ca" placeholder:"FILE" type:"existingfile" help:"Verify the certificate by the authorities in this file; without it nothing is verified."`
	TLSCert               string   `group:"Connections" name:"tls-cert" placeholder:"FILE" type:"existingfile" help:"Show this certificate if the target asks for one."`
	TLSKey                string   `group:"Connections" name:"tls-key" placeholder:"FILE" type:"existingfile" help:"Key of the certificate; in its file if not given."`
	TLSCipher             []string `group:"Connections" name:"tls-cipher" placeholder:"NAME" help:"Offer this suite of TLS 1.2 and no other, like TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256; may be given many times."`
	TLSFull               bool     `group:"Connections" name:"tls-full" help:"Make a full handshake for every connection, instead of going on with the session of an earlier one."`
	TLSVersion            string   `group:"Connections" name:"tls-version" enum:",1.2,1.3" default:"" help:"Speak this version of TLS only: 1.2 or 1.3."`
	Timeout               string   `group:"Connections" default:"10s" help:"Longest time from a request's due time to the end of its answer."`
	ConnectTimeout        string   `group:"Connections" default:"0s" help:"Longest time to open a connection; 0 means the time-out."`

	Method  string   `short:"m" group:"Requests" default:"GET" help:"Request method."`
	Header  []string `short:"H" group:"Requests" sep:"none" placeholder:"NAME: VALUE" help:"Request header."`
	Data    string   `short:"d" group:"Requests" placeholder:"BODY" help:"Request body; @FILE reads it from a file."`
	Varied  bool     `group:"Requests" name:"template" help:"Replace the variables in the body."`
	Chunked string   `group:"Requests" placeholder:"SIZE" help:"Send the body in chunks of this size, like 4KiB."`
	Cookies bool     `group:"Requests" help:"Let every virtual user keep the cookies that answers set."`
	Request []string `group:"Requests" sep:"none" placeholder:"NAME[*WEIGHT]=REQUEST" help:"One of several kinds of requests, chosen by weight and reported by name; may be given many times. REQUEST is [METHOD ]PATH for http, a command for redis, a statement for mysql, echo SIZE, upload SIZE or download SIZE for tcp. One alone needs no name, but for http."`

	Integrity bool     `group:"Requests" help:"Check that requests and answers arrive as they were sent, which is a limit then; the target is a bench backend, or a proxy before some (HTTP, and echoes of TCP)."`
	Except    []string `group:"Requests" placeholder:"WHAT" help:"What the proxy may change of them: path, status, body, compression, request, cookie:NAME or a field; needs --integrity."`
	Pieces    string   `group:"Requests" placeholder:"MIN..MAX" help:"Send each head, and each body, in this many pieces, like 3..9, up to 1ms apart."`

	Step    []string `group:"TCP" sep:"none" placeholder:"STEP" help:"Step of a request: send TEXT, expect TEXT or read SIZE; give one for each."`
	Connect []string `group:"TCP" sep:"none" placeholder:"STEP" help:"Step that a new connection begins with, or for mysql a statement; give one for each."`

	Prepared    bool     `group:"MySQL" help:"Prepare the statements on each connection; their variables become parameters."`
	Transaction []string `group:"MySQL" sep:"none" placeholder:"STATEMENT" help:"Statement of a transaction, which is the request; give one for each."`

	Keys      int64   `group:"Redis" default:"100000" help:"Number of keys that {{key}} stands for."`
	KeyLaw    string  `group:"Redis" enum:"uniform,zipfian,sequential" default:"uniform" help:"How often each key is used: ${enum}."`
	Skew      float64 `group:"Redis" default:"0" help:"Exponent of zipfian keys; 0.99 if not given."`
	KeyPrefix string  `group:"Redis" default:"key:" help:"What keys begin with; twelve digits follow."`
	Value     string  `group:"Redis" default:"3B" help:"Size of {{value}}, or a distribution like uniform(64B, 1KiB)."`
	RESP      int     `group:"Redis" name:"resp" default:"2" help:"Version of the protocol: 2 or 3."`

	ExpectReply *string `group:"Answers" placeholder:"TEXT" help:"Complete text of a good Redis reply."`
	ExpectValue bool    `group:"Answers" help:"A Redis reply without a value, as for a key that does not exist, is a failure."`
	ExpectError string  `group:"Answers" placeholder:"CODE" help:"Beginning of the error that a good Redis reply is, or number of the error that a good MySQL reply is."`

	ExpectRows     *int64 `group:"Answers" placeholder:"N" help:"Number of rows in a good MySQL result."`
	ExpectAffected *int64 `group:"Answers" placeholder:"N" help:"Number of rows that a good MySQL statement changes."`

	Expect       []int    `group:"Answers" placeholder:"STATUS" help:"Statuses that count as good; 200 to 399 if not given."`
	ExpectHeader []string `group:"Answers" sep:"none" placeholder:"NAME: VALUE" help:"Header a good answer has; a value that ends in * is how it begins."`
	ExpectText   string   `group:"Answers" placeholder:"TEXT" help:"Text a good body holds."`
	ExpectBytes  string   `group:"Answers" placeholder:"SIZE" help:"Length of a good body."`
	ExpectSHA256 string   `group:"Answers" name:"expect-sha256" placeholder:"HEX" help:"SHA-256 of a good body."`

	Seed      uint64 `group:"Generator" default:"1" help:"Seed of all that is random: Poisson arrivals, mixes, variables."`
	CPU       []int  `group:"Generator" placeholder:"CPU" help:"Processors to run on; with as many as threads each has its own."`
	Threads   int    `group:"Generator" default:"1" help:"Threads that share the load."`
	Processes int    `group:"Generator" default:"0" help:"Processes that share the load; 0 takes as many as the descriptors of its connections need."`
	Spin      string `group:"Generator" default:"auto" help:"Watch the clock for this long before a request is due, and the sockets of a closed loop after each answer, instead of sleeping: steadier starts for more processor time. auto measures what this machine needs."`
	Poller    string `group:"Generator" placeholder:"NAME" help:"epoll, poll, select or io_uring. If not given, the best, and for a closed loop without pauses the quickest."`

	Limit []string `group:"Limits" sep:"none" placeholder:"LIMIT" help:"What must hold, as the objectives of scenarios: 'p99 < 50ms', 'errors < 1%', 'rate > 900/s'; may be given many times."`

	JSON  string `group:"Output" name:"json" placeholder:"FILE" help:"Write the outcome as JSON; - is the standard output."`
	JUnit string `group:"Output" name:"junit" placeholder:"FILE" help:"Write the limits as JUnit XML; - is the standard output."`
	Quiet bool   `short:"q" group:"Output" help:"No progress lines."`
	ASCII bool   `group:"Output" name:"ascii" help:"Print no character beyond ASCII."`
}

// Help gives examples.
func (*loadCmd) Help() string {
	return `
An open loop (--rate) sends by a schedule, whatever the answers do: it shows what
users see. Response times count from the moment a request was due. Without --rate
the loop is closed: it finds the highest throughput.

In paths and header values, in commands and statements, and with --template in bodies, these
variables stand for something else in each request:
  ` + strings.ReplaceAll(template.Help, ", {{", ",\n  {{") + `
and in commands of redis:
  ` + strings.ReplaceAll(redis.Help, ", {{", ",\n  {{") + `

Examples:
  bench load http://127.0.0.1:8080/ --rate 2000/s --duration 30s
  bench load http://127.0.0.1:8080/ -c 256                      # as fast as it can
  bench load http://127.0.0.1:8080/ -r 0..5000/s --steps 10 -D 60s --arrival poisson
  bench load http://127.0.0.1:8080/ -r 500/s --request 'browse*9=/item/{{random 1 999}}' --request 'buy=POST /cart'
  bench load http://127.0.0.1:8080/ -r 100/s -m POST -d '{"n":{{seq}}}' --template -H 'Content-Type: application/json' --expect 201
  bench load http://127.0.0.1:8080/ -r 500/s --integrity --pieces 3..9  # before a bench backend
  bench load https://127.0.0.1:8443/ --http2 -c 4 --streams 50 -r 5000/s
  bench load http://127.0.0.1:8080/ --trace /var/log/haproxy.log --speed 2
  bench load http://127.0.0.1:8080/ -c 30000 --think 20s        # held connections, in several processes
  bench load mysql://app:secret@127.0.0.1/shop -r 500/s --prepared \
    --request 'item*9=SELECT name FROM item WHERE id={{random 1 999}}' --request 'list=SELECT name FROM item'
  bench load mysql://app@127.0.0.1/shop -c 20 --transaction 'UPDATE item SET n=n-1 WHERE id={{random 1 9}}' \
    --transaction 'INSERT INTO orders VALUES ({{seq}})'
  bench load mysql://127.0.0.1 -r 200/s --requests-per-connection 1                    # connect, ping, quit
  bench load tcp://127.0.0.1:2525 -c 10 --connect 'expect 220 ' --step 'send NOOP\r\n' --step 'expect 250 ok\r\n'
  bench load tcp://127.0.0.1:7000 --request 'echo*9=echo uniform(64B, 4KiB)' --request 'bulk=echo 1MiB'
  bench load tcp://127.0.0.1:7001 -c 4 --request 'download 100MiB'
  bench load redis://127.0.0.1:6379 --pipeline 16 --request 'SET {{key}} {{value}}' --value 64B
  bench load redis://:secret@127.0.0.1/2 -r 20000/s --keys 1000000 --key-law zipfian \
    --request 'get*9=GET {{key}}' --request 'set=SET {{key}} {{value}} EX 60'
  bench load http://127.0.0.1:8080/ -r 500/s --limit 'p99 < 50ms' --limit 'errors < 1%' --junit limits.xml
  bench load http://127.0.0.1:8080/ -n 1000 -c 8
  bench load http://127.0.0.1:8080/ -r 1000/s -q --json - | jq '{exitCode, reasons, p99: .response.p99}'

What the generator cannot vouch for, because it was late, too busy, kept from its
processor or out of ports or descriptors, is in the first lines and makes "valid" false in JSON. Figures of
which there are too few samples are null there: a percentile needs ten beyond it.

Exit codes: 0 measured, and all limits hold; 1 a limit is broken, or no request
was answered successfully; 2 usage; 4 a limit could not be decided; 130 interrupted.`
}

func (c *loadCmd) Run(std *streams) error {
	ctx, stop := untilSignal()
	defer stop()
	spec, err := c.spec(ctx)
	if err != nil {
		return &exitError{exitUsage, err}
	}
	limits, err := c.readLimits()
	if err != nil {
		return &exitError{exitUsage, err}
	}
	file, err := outputFile(c.JSON, std)
	if err != nil {
		return &exitError{exitUsage, err}
	}
	junit, err := outputFile(c.JUnit, std)
	if err != nil {
		return &exitError{exitUsage, err}
	}
	human := std.out
	if c.JSON == "-" || c.JUnit == "-" {
		human = std.err
	}
	began := time.Now()
	var intervals []result.Interval
	line := newProgressLine(std.err, c.Quiet)
	timeline := show.Timeline{}
	load, err := c.carryOut(ctx, spec, func(l *result.AgentLine) error {
		switch {
		case l.Progress != nil:
			line.print(l.Progress)
		case l.Interval != nil:
			if len(limits) > 0 {
				intervals = append(intervals, *l.Interval)
			}
			return timeline.Add(l.Interval)
		case l.Failure != nil:
			timeline.Fail(l.Failure)
		}
		return nil
	})
	line.end()
	if load == nil {
		return &exitError{exitUsage, err}
	}
	o := &loadOutcome{Version: 1, Tool: tool(), Load: load}
	o.judge(limits, intervals, err)
	if e := errors.Join(
		o.printLimits(human, c.ASCII), show.Print(human, load, &timeline, c.ASCII), writeJSON(file, o), o.writeJUnit(junit, began),
	); e != nil {
		return e
	}
	return o.err()
}

// carryOut runs the load in this process, or in several where it takes them.
func (c *loadCmd) carryOut(ctx context.Context, spec *workload.Spec, sink record.Sink) (*result.Load, error) {
	n := c.Processes
	if n == 0 {
		n = worker.Processes(spec)
	}
	if n == 1 {
		loadgen.TuneProcess()
		return worker.Run(ctx, spec, sink)
	}
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	group, err := proc.NewGroup(proc.Options{Guard: []string{self, "guard"}})
	if err != nil {
		return nil, err
	}
	load, err := runFleet(ctx, spec, &fleet.Options{Group: group, Self: []string{self}, Processes: n, Sink: sink})
	return load, errors.Join(err, group.Close())
}

// fleetReady bounds the time until all processes are set up.
const fleetReady = 30 * time.Second

func runFleet(ctx context.Context, spec *workload.Spec, o *fleet.Options) (*result.Load, error) {
	f, err := fleet.Start(spec, o)
	if err != nil {
		return nil, err
	}
	if err := f.WaitReady(ctx, fleetReady); err != nil {
		return nil, err
	}
	if err := f.Begin(loadgen.StartSoon()); err != nil {
		return nil, err
	}
	select {
	case <-f.Done():
		return f.Outcome()
	case <-ctx.Done():
	}
	late, cancel := context.WithTimeout(context.Background(), fleetReady)
	defer cancel()
	f.Interrupt(late)
	load, err := f.Outcome()
	return load, errors.Join(ctx.Err(), err)
}

// outputFile opens what an outcome goes to, before the run rather than after it;
// nil if it goes nowhere.
func outputFile(name string, std *streams) (io.WriteCloser, error) {
	switch name {
	case "":
		return nil, nil
	case "-":
		return keptOpen{std.out}, nil
	}
	// What is there stays until there is something to take its place.
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE, 0o644)
	if err != nil {
		return nil, err
	}
	return &replacing{f: f}, nil
}

// replacing is a file whose old content goes with the first byte of the new one. Where
// none comes, one that was not there before is left empty.
type replacing struct {
	f     *os.File
	began bool
}

func (r *replacing) Write(p []byte) (int, error) {
	if !r.began {
		if err := r.f.Truncate(0); err != nil && !errors.Is(err, syscall.EINVAL) { // a pipe or a device has no length
			return 0, err
		}
		r.began = true
	}
	return r.f.Write(p)
}

func (r *replacing) Close() error { return r.f.Close() }

// keptOpen is a stream that is not ours to close.
type keptOpen struct{ io.Writer }

func (keptOpen) Close() error { return nil }

func writeJSON(w io.WriteCloser, outcome any) error {
	if w == nil {
		return nil
	}
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	if err := errors.Join(enc.Encode(outcome), w.Close()); err != nil {
		return fmt.Errorf("writing the outcome: %w", err)
	}
	return nil
}
