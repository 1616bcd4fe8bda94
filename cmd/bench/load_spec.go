package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"time"

	"bench/internal/thread"
	"bench/internal/units"
	"bench/loadgen/codec"
	"bench/loadgen/draw"
	"bench/loadgen/http1"
	"bench/loadgen/http2"
	"bench/loadgen/trace"
	"bench/loadgen/workload"
)

// flagErrors gathers what is wrong with flags.
type flagErrors []error

func (e *flagErrors) add(flag string, err error) {
	if err != nil {
		*e = append(*e, fmt.Errorf("--%s: %w", flag, err))
	}
}

// us reads a length of time as microseconds.
func (e *flagErrors) us(flag, text string) int64 {
	d, err := units.ParseDuration(text)
	e.add(flag, err)
	return int64(d / time.Microsecond)
}

// size reads a number of bytes; empty is 0.
func (e *flagErrors) size(flag, text string) int64 {
	if text == "" {
		return 0
	}
	n, err := units.ParseSize(text)
	e.add(flag, err)
	return n
}

// spec turns the flags into a load.
func (c *loadCmd) spec(ctx context.Context) (*workload.Spec, error) {
	var errs flagErrors
	s := &workload.Spec{
		Name:    "load",
		Arrival: workload.Closed,
		ThinkUs: errs.us("think", c.Think),
		Connections: workload.Connections{
			Pool: c.Connections, RequestsPerConnection: c.RequestsPerConnection,
			MaxAgeUs: errs.us("max-age", c.MaxAge), Pipeline: c.Pipeline,
		},
		TimeoutUs: errs.us("timeout", c.Timeout), ConnectTimeoutUs: errs.us("connect-timeout", c.ConnectTimeout),
		Seed: c.Seed, CPUs: c.CPU, Threads: c.Threads, Poller: c.Poller, ProgressUs: 1_000_000,
	}
	if s.SpinUs = workload.AutoSpin; c.Spin != "auto" {
		s.SpinUs = errs.us("spin", c.Spin)
	}
	errs.add("cpu", thread.CheckCPUs(c.CPU))
	c.contents(s, &errs)
	c.phases(s, &errs)
	c.idle(&errs)
	protocol := workload.URLProtocol(c.URL)
	c.streams(s, protocol, &errs)
	for _, flag := range c.foreign(protocol) {
		errs = append(errs, fmt.Errorf("--%s is not for this protocol", flag))
	}
	switch protocol {
	case "mysql":
		c.statements(s, &errs)
	case "tcp":
		c.exchanges(s, &errs)
	case "redis":
		c.commands(s, &errs)
	default:
		c.requests(s, &errs)
	}
	c.secure(s, &errs)
	err := s.SetURL(ctx, c.URL, c.UnixSocket)
	if c.HTTP2 {
		s.Protocol = "http2"
	}
	if err != nil {
		errs = append(errs, err)
	} else if len(errs) == 0 { // what is wrong with the load may follow from a flag
		errs = append(errs, s.Validate())
	}
	return s, errors.Join(errs...)
}

// streams reads what is said of HTTP/2.
func (c *loadCmd) streams(s *workload.Spec, protocol string, errs *flagErrors) {
	if c.HTTP2 {
		s.HTTP2 = http2.Spec{Streams: c.Streams, Window: errs.size("window", c.Window)}
	}
	switch {
	case c.HTTP2 && protocol != "http1" && protocol != "":
		errs.add("http2", errors.New("only with http and https"))
	case !c.HTTP2 && (c.Streams != 100 || c.Window != ""):
		errs.add("streams", errors.New("this, and --window, is only for --http2"))
	}
}

// secure reads what is said of TLS.
func (c *loadCmd) secure(s *workload.Spec, errs *flagErrors) {
	t := workload.TLS{Name: c.TLSName, CA: c.TLSCA, Cert: c.TLSCert, Key: c.TLSKey, Ciphers: c.TLSCipher, Full: c.TLSFull, MinVersion: c.TLSVersion, MaxVersion: c.TLSVersion}
	if workload.URLInTLS(c.URL) {
		s.TLS = &t
	} else if !reflect.DeepEqual(t, workload.TLS{}) {
		errs.add("tls-...", errors.New("only with https, tls, mysqls and rediss"))
	}
}

// contents reads what is said of integrity and pieces.
func (c *loadCmd) contents(s *workload.Spec, errs *flagErrors) {
	if c.Integrity {
		s.Integrity = &codec.Integrity{Except: c.Except}
	}
	if c.Pieces == "" {
		return
	}
	least, most, ranged := strings.Cut(c.Pieces, "..")
	if !ranged {
		most = least
	}
	s.Pieces = &workload.Pieces{}
	var err error
	if s.Pieces.Min, err = strconv.Atoi(least); err == nil {
		s.Pieces.Max, err = strconv.Atoi(most)
	}
	if err != nil {
		errs.add("pieces", fmt.Errorf("%q: want a number of pieces, or a range like 3..9", c.Pieces))
	}
}

// idle finds the flags that were given and mean nothing beside the others.
func (c *loadCmd) idle(errs *flagErrors) {
	closed, untraced := c.Rate == "" && c.Trace == "", c.Trace == ""
	for _, f := range []struct {
		name string
		idle bool
		want string
	}{
		{"arrival", c.Arrival != "constant" && c.Rate == "", "only with --rate"},
		{"steps", c.Steps > 1 && c.Rate == "", "only with --rate"},
		{"burst", c.Burst > 1 && c.Rate == "", "only with --rate"},
		{"think", c.Think != "0s" && !closed, "only without --rate and --trace"},
		{"speed", c.Speed != 1 && untraced, "only with --trace"},
		{"trace-format", c.Format != "" && untraced, "only with --trace"},
		{"junit", c.JUnit != "" && c.JUnit == c.JSON, "to another place than --json"},
		{"except", len(c.Except) > 0 && !c.Integrity, "only with --integrity"},
		{"template", c.Varied && c.Data == "", "only with --data"},
		{"chunked", c.Chunked != "" && c.Data == "", "only with --data"},
		{"requests", c.Requests > 0 && c.Warmup != "0s", "not with --warmup, whose requests would count"},
		{"requests", c.Requests > 0 && c.Duration == "" && strings.Contains(c.Rate, ".."), "with a rate that changes only with --duration"},
		{"skew", c.Skew != 0 && c.KeyLaw != draw.KeysZipfian, "only with --key-law zipfian"},
	} {
		if f.idle {
			errs.add(f.name, errors.New(f.want))
		}
	}
}

// defaultDuration is the measured time unless a flag or a trace gives another, and
// mostDuration that of a number of requests.
const (
	defaultDuration = 10 * time.Second
	mostDuration    = time.Hour
)

// phases says when requests become due.
func (c *loadCmd) phases(s *workload.Spec, errs *flagErrors) {
	main := workload.Phase{Name: "main", LengthUs: defaultDuration.Microseconds(), Measure: true, Steps: c.Steps, Burst: c.Burst}
	if c.Duration != "" {
		main.LengthUs = errs.us("duration", c.Duration)
	}
	s.MaxRequests = c.Requests
	if c.Requests > 0 && c.Duration == "" {
		main.LengthUs = mostDuration.Microseconds()
	}
	positive := errors.New("want more than 0")
	if len(*errs) == 0 && main.LengthUs <= 0 {
		errs.add("duration", positive)
	}
	if !(c.Speed > 0) {
		errs.add("speed", positive)
	}
	var err error
	switch {
	case c.Trace != "" && c.Rate != "":
		errs.add("rate", errors.New("a trace has its own times"))
	case c.Trace != "":
		s.Arrival = workload.Replay
		s.Trace = &trace.Spec{File: c.Trace, Format: c.Format, Speed: c.Speed}
		if s.Trace.File, err = filepath.Abs(c.Trace); err != nil {
			errs.add("trace", err)
			return
		}
		length, err := trace.Length(s.Trace)
		errs.add("trace", err)
		if c.Duration == "" {
			main.LengthUs = length.Microseconds() + 1 // the last one is due within the run
		}
	case c.Rate != "":
		s.Arrival = workload.Arrival(c.Arrival)
		main.From, main.To, err = units.ParseRateRange(c.Rate)
		errs.add("rate", err)
	}
	if warm := errs.us("warmup", c.Warmup); warm > 0 {
		if c.Trace != "" && c.Duration == "" { // the warm-up is the beginning of the trace
			if main.LengthUs -= warm; main.LengthUs <= 0 && len(*errs) == 0 {
				errs.add("warmup", errors.New("the trace is shorter"))
			}
		}
		s.Phases = append(s.Phases, workload.Phase{Name: "warmup", From: main.From, To: main.From, LengthUs: warm, Burst: c.Burst})
	}
	s.Phases = append(s.Phases, main)
}

// requests says what is sent and expected.
func (c *loadCmd) requests(s *workload.Spec, errs *flagErrors) {
	r := http1.Request{Method: c.Method, Body: http1.Body{Template: c.Varied, ChunkBytes: int(errs.size("chunked", c.Chunked))}}
	s.HTTP.Cookies = c.Cookies
	for _, h := range fields("header", c.Header, errs) {
		if strings.EqualFold(h.Name, "Host") {
			s.HTTP.Host = h.Value
			continue
		}
		r.Headers = append(r.Headers, h)
	}
	if name, ok := strings.CutPrefix(c.Data, "@"); ok {
		abs, err := filepath.Abs(name)
		errs.add("data", err)
		r.Body.File = abs
	} else {
		r.Body.Text = c.Data
	}
	r.Expect = http1.Expect{
		Status: c.Expect, Headers: fields("expect-header", c.ExpectHeader, errs), Contains: c.ExpectText, SHA256: c.ExpectSHA256,
	}
	if c.ExpectBytes != "" {
		n := errs.size("expect-bytes", c.ExpectBytes)
		r.Expect.Bytes = &n
	}
	for _, text := range c.Request {
		one, err := namedRequest(text, r)
		errs.add("request", err)
		s.HTTP.Requests = append(s.HTTP.Requests, one)
	}
	if len(c.Request) == 0 {
		s.HTTP.Requests = []http1.Request{r}
	}
}

// fields reads header fields.
func fields(flag string, texts []string, errs *flagErrors) (all []http1.Header) {
	for _, text := range texts {
		name, value, ok := strings.Cut(text, ":")
		if !ok {
			*errs = append(*errs, fmt.Errorf("--%s %q: want NAME: VALUE", flag, text))
			continue
		}
		all = append(all, http1.Header{Name: name, Value: strings.TrimSpace(value)})
	}
	return all
}

// cutName cuts NAME[*WEIGHT]= off a request. Without it, the name is empty.
func cutName(text string) (name string, weight int, rest string, err error) {
	head, rest, ok := strings.Cut(text, "=")
	if !ok || strings.ContainsAny(head, " \t\"'") {
		return "", 1, text, nil
	}
	name, number, weighted := strings.Cut(head, "*")
	if !weighted {
		return name, 1, rest, nil
	}
	if weight, err = strconv.Atoi(number); err != nil || weight < 1 {
		return "", 0, "", fmt.Errorf("%q: want NAME[*WEIGHT]=REQUEST with a weight of 1 or more", text)
	}
	return name, weight, rest, nil
}

// namedRequest reads NAME[*WEIGHT]=[METHOD ]PATH; the rest is as in whole.
func namedRequest(text string, whole http1.Request) (http1.Request, error) {
	wrong := fmt.Errorf("%q: want NAME[*WEIGHT]=[METHOD ]PATH, like 'browse*9=/item' or 'buy=POST /cart'", text)
	var line string
	var err error
	if whole.Name, whole.Weight, line, err = cutName(text); err != nil || whole.Name == "" {
		return whole, wrong
	}
	switch method, path, two := strings.Cut(line, " "); {
	case strings.HasPrefix(line, "/") || line == "":
		whole.Path = line
	case two && strings.HasPrefix(path, "/"):
		whole.Method, whole.Path = method, path
	default:
		return whole, wrong
	}
	return whole, nil
}
