package main

import (
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
	Framing string   `default:"length" enum:"length,chunked,close" help:"How the end of the body is told: length, chunked or close."`
	Header  []string `placeholder:"NAME:VALUE" sep:"none" help:"Header field added to each answer."`

	MaxRequests int    `default:"0" help:"Close a connection after so many requests; 0 never does."`
	MaxHead     string `default:"64KiB" help:"Greatest size of a request's head."`

	CheckPath   string `placeholder:"PATH" help:"Count requests for this path as health checks."`
	CheckAgent  string `placeholder:"TEXT" help:"Count requests whose User-Agent has this text as health checks."`
	CheckMethod string `default:"OPTIONS" help:"Count requests of this method as health checks; - for none."`
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
