package main

import (
	"errors"
	"fmt"
	"strings"

	"bench/backends/httporigin"
	"bench/internal/dist"
	"bench/internal/units"
)

// backendHTTPCmd runs mock HTTP origins in one process.
type backendHTTPCmd struct {
	originFlags

	Body    string   `default:"0" help:"Size of the answer's body: 1KiB, uniform(1KiB, 64KiB), ..."`
	Status  string   `default:"200" help:"Status of the answer, or a mix with weights: 200=98,404=1,503=1."`
	Framing string   `default:"length" enum:"length,chunked,close" help:"How the end of the body is marked: length, chunked or close."`
	Header  []string `placeholder:"NAME:VALUE" sep:"none" help:"Header field added to each answer."`
	Trailer []string `placeholder:"NAME:VALUE" sep:"none" help:"Trailer field after each chunked body."`
	ETag    bool     `name:"etag" help:"Give each 200 an entity tag, and answer 304 to clients whose If-None-Match has it."`
	Gzip    bool     `help:"Compress bodies of up to 1 MiB for clients that accept it."`
	Answer  []string `placeholder:"PATH[ close]=TEXT" sep:"none" help:"Answer requests of a path byte for byte; with close the connection ends after it. TEXT has escapes as in \\r\\n."`

	MaxRequests int    `default:"0" help:"Close a connection after this many requests; 0 never does."`
	MaxHead     string `default:"64KiB" help:"Largest request head that is accepted."`

	tlsFlags

	HTTP2 bool `name:"http2" help:"Serve HTTP/2 besides: in TLS to clients that agree on it, in clear to those that begin with it."`

	CheckPath   string `placeholder:"PATH" help:"Count requests for this path as health checks."`
	CheckAgent  string `placeholder:"TEXT" help:"Count requests whose User-Agent has this text as health checks."`
	CheckMethod string `default:"OPTIONS" help:"Count requests of this method as health checks; - for none."`
}

// Help explains paths and faults.
func (*backendHTTPCmd) Help() string {
	return `
Every answer carries X-Bench-Origin with the name of its replica. Requests with
X-Bench-Id: NAME.SEQ are counted in class NAME, with an exact record of every
SEQ; those without in class "-", health checks in class "check". Requests with
X-Bench-Integrity (bench load --integrity) are compared with it, and their answers
say what they should be.

A request's path may change its answer, in pairs that may follow one another,
as in /status/404/delay/20ms/bytes/10:

  /status/503     that status
  /bytes/1000     a body of this many bytes with Content-Length
  /chunked/3000   a body of this many bytes in chunks
  /close/1000     a body of this many bytes ended by closing
  /delay/50ms     that latency
  /interim/1000   this many 103 responses before it
  /echo           the request as JSON

With --http2 all of this goes for HTTP/2, too: reset, refusal and truncation are
those of streams (RST_STREAM), drain is GOAWAY, pace and stall are each stream's.

Answers can be given byte for byte, even ones that are not HTTP:

  bench backend http --listen 127.0.0.1:8000 \
    --answer '/odd=HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nok' \
    --answer '/short close=HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok'
` + faultsHelp(`  error (status, rate)           answer with this status, 503 if not given
`)
}

// Run serves until a signal, or the end of the parent.
func (c *backendHTTPCmd) Run(std *streams) error {
	o, err := c.options()
	if err != nil {
		return usage(err)
	}
	kind, err := httporigin.NewConfig(*o)
	if err != nil {
		return usage(err)
	}
	return c.serve(std, kind)
}

// options turns the flags into what package httporigin wants.
func (c *backendHTTPCmd) options() (*httporigin.Options, error) {
	o := &httporigin.Options{
		Check:  httporigin.Check{Path: c.CheckPath, Agent: c.CheckAgent, Method: c.CheckMethod},
		Limits: httporigin.Limits{Requests: c.MaxRequests, Idle: c.IdleTimeout, Backlog: c.Backlog},
	}
	var err error
	if o.Answer.Latency, err = c.latency(); err != nil {
		return nil, err
	}
	if o.TLS, err = c.secure(); err != nil {
		return nil, err
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
	if o.Answer.Headers, err = headerFields("header", c.Header); err != nil {
		return nil, err
	}
	if o.Answer.Trailers, err = headerFields("trailer", c.Trailer); err != nil {
		return nil, err
	}
	o.Answer.ETag, o.Answer.Gzip, o.HTTP2 = c.ETag, c.Gzip, c.HTTP2
	for _, text := range c.Answer {
		s, err := httporigin.ParseScripted(text)
		if err != nil {
			return nil, fmt.Errorf("--answer: %w", err)
		}
		o.Answer.Scripted = append(o.Answer.Scripted, s)
	}
	if c.MaxRequests < 0 {
		return nil, errors.New("--max-requests: want 0 or more")
	}
	head, err := units.ParseSize(c.MaxHead)
	if err != nil || head < 256 || head > 16<<20 {
		return nil, fmt.Errorf("--max-head %q: want a size from 256 to 16MiB", c.MaxHead)
	}
	o.Limits.Head = int(head)
	return o, nil
}

// headerFields reads the values of a flag that takes NAME:VALUE.
func headerFields(flag string, texts []string) (all []httporigin.Header, err error) {
	for _, text := range texts {
		name, value, ok := strings.Cut(text, ":")
		if !ok {
			return nil, fmt.Errorf("--%s %q: want NAME:VALUE", flag, text)
		}
		all = append(all, httporigin.Header{Name: strings.TrimSpace(name), Value: strings.TrimSpace(value)})
	}
	return all, nil
}
