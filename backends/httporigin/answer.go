// Package httporigin is the mock HTTP/1.1 origin: its own request parser,
// prepared responses, connections on the event loop. What several kinds of
// origins share (faults, counters, the control endpoint) may not enter, nor
// anything of the proxy engine.
package httporigin

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"bench/internal/dist"
)

// Framing is how the end of a response body is told.
type Framing uint8

// Framings. HTTP/1.0 clients get ByClose where ByChunks is asked for.
const (
	ByLength Framing = iota // Content-Length
	ByChunks                // Transfer-Encoding: chunked
	ByClose                 // the end of the connection
)

// Answer describes responses. The zero value is an empty 200 without delay.
type Answer struct {
	Status  Statuses
	Latency dist.Duration
	Body    dist.Size
	Framing Framing
	// Headers are added to each response.
	Headers []Header
	// Trailers are added behind chunked bodies.
	Trailers []Header
	// ETag gives each 200 an entity tag, and honours If-None-Match.
	ETag bool
	// Gzip compresses bodies of up to 1 MiB for clients that accept it.
	Gzip bool
	// Scripted are answers that are written byte for byte.
	Scripted []Scripted
}

// Header is one header field.
type Header struct{ Name, Value string }

// Check recognises health checks, which are counted in class "check". Requests
// with an X-Bench-Id never are health checks.
type Check struct {
	Path   string // the whole request target; "" matches none
	Agent  string // a part of User-Agent; "" matches none
	Method string // "" is OPTIONS, what HAProxy sends by default; "-" matches none
}

// Limits of connections and requests; 0 is the default of each.
type Limits struct {
	// Requests after which a connection is closed; 0 is no limit.
	Requests int
	// Idle is how long a connection may wait for its next request; 0 is no limit.
	Idle time.Duration
	// Head is the greatest size of a request's head in bytes; 0 is 64 KiB.
	Head int
	// Backlog of the listeners; 0 is the system's.
	Backlog int
}

// Statuses is a weighted mix of response statuses. The zero value is 200.
type Statuses struct {
	codes []int
	upTo  []float64 // cumulated share, the last is 1
}

// ParseStatuses reads "200", or a mix with weights "200=98, 404=1, 503=1".
// Statuses are 200 to 599.
func ParseStatuses(text string) (Statuses, error) {
	var s Statuses
	total := 0.0
	parts := strings.Split(text, ",")
	for _, part := range parts {
		code, weight, weighted := strings.Cut(strings.TrimSpace(part), "=")
		n, err := strconv.Atoi(strings.TrimSpace(code))
		if err != nil || n < 200 || n > 599 {
			return Statuses{}, fmt.Errorf("invalid status %q in %q: want 200 to 599, or a mix like 200=98, 503=2", code, text)
		}
		w := 1.0
		if weighted {
			w, err = strconv.ParseFloat(strings.TrimSpace(weight), 64)
		}
		if err != nil || !(w > 0 && w <= 1e9) || !weighted && len(parts) > 1 {
			return Statuses{}, fmt.Errorf("invalid weight of status %d in %q: want a mix like 200=98, 503=2", n, text)
		}
		total += w
		s.codes = append(s.codes, n)
		s.upTo = append(s.upTo, total)
	}
	for i := range s.upTo {
		s.upTo[i] /= total
	}
	return s, nil
}

// pick chooses by u, a uniform draw from [0, 1).
func (s *Statuses) pick(u float64) int {
	for i, limit := range s.upTo {
		if u < limit {
			return s.codes[i]
		}
	}
	return s.last()
}

// last is the only status of a mix of one.
func (s *Statuses) last() int {
	if len(s.codes) == 0 {
		return 200
	}
	return s.codes[len(s.codes)-1]
}

func (s *Statuses) constant() bool { return len(s.codes) <= 1 }
