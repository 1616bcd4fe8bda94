package loadgen

import (
	"bufio"
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"slices"
	"strconv"
	"time"

	"bench/internal/result"
)

// Trace formats.
const (
	// TracePlain has lines of "SECONDS METHOD PATH [NAME]"; empty lines and those
	// that begin with # say nothing.
	TracePlain = "plain"
	// TraceHTTPLog has lines as HAProxy's `option httplog` writes them, with or
	// without what syslog puts before them.
	TraceHTTPLog = "httplog"
)

// Trace is a record of requests to send again, at the times they came. Times
// count from the earliest request, which is due when the run begins.
type Trace struct {
	File string `json:"file"`
	// Format is TracePlain or TraceHTTPLog; empty finds it out.
	Format string `json:"format,omitempty"`
	// Speed divides the times: 2 replays in half the time; 0 is 1.
	Speed float64 `json:"speed,omitempty"`
}

// Limits of a trace.
const (
	maxTraceRequests = 10_000_000
	maxTraceLine     = 64 << 10
	maxTraceSpeed    = 1e6
)

// trace is a Trace as read, by time.
type trace struct {
	entries []traceEntry
	// requests are the different ones.
	requests []traceRequest
	skipped  int // lines that are no request
}

type traceEntry struct {
	at      int64 // ns after the first
	request int32
}

type traceRequest struct{ method, path, name string }

// TraceLength reads a trace and returns the time from its first request to its
// last one, as it will be replayed.
func TraceLength(t *Trace) (time.Duration, error) {
	tr, err := readTrace(t)
	if err != nil {
		return 0, err
	}
	return time.Duration(tr.entries[len(tr.entries)-1].at), nil
}

func readTrace(t *Trace) (*trace, error) {
	f, err := os.Open(t.File)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	tr := &trace{}
	if err := tr.read(f, t.Format); err != nil {
		return nil, fmt.Errorf("trace %s%w", t.File, err)
	}
	tr.settle(t.Speed)
	return tr, nil
}

// read takes the lines of a trace. Errors go on behind the name of the file.
func (tr *trace) read(f io.Reader, format string) error {
	known := map[traceRequest]int32{}
	lines := bufio.NewScanner(f)
	lines.Buffer(make([]byte, 0, 4096), maxTraceLine)
	n := 0
	for lines.Scan() {
		n++
		line := bytes.TrimSpace(lines.Bytes())
		if len(line) == 0 || line[0] == '#' {
			continue
		}
		if format == "" {
			if format = TracePlain; bytes.ContainsRune(line, '[') {
				format = TraceHTTPLog
			}
		}
		var at int64
		var r traceRequest
		var err error
		if format == TraceHTTPLog {
			if at, r, err = parseHTTPLog(line); err != nil {
				tr.skipped++ // logs hold other messages too
				continue
			}
		} else if at, r, err = parseTraceLine(line); err != nil {
			return fmt.Errorf(":%d: %w", n, err)
		}
		i, ok := known[r]
		if !ok {
			i = int32(len(tr.requests))
			known[r] = i
			tr.requests = append(tr.requests, r)
		}
		if len(tr.entries) == maxTraceRequests {
			return fmt.Errorf(":%d: a trace has at most %d requests", n, maxTraceRequests)
		}
		tr.entries = append(tr.entries, traceEntry{at, i})
	}
	switch err := lines.Err(); {
	case errors.Is(err, bufio.ErrTooLong):
		return fmt.Errorf(":%d: the line is longer than %d bytes", n+1, maxTraceLine)
	case err != nil:
		return fmt.Errorf(": %w", err)
	case len(tr.entries) == 0 && format == TraceHTTPLog:
		return fmt.Errorf(": none of the %d lines is a request as option httplog writes it", tr.skipped)
	case len(tr.entries) == 0:
		return errors.New(": no request in it")
	}
	return nil
}

// settle sorts the requests by time, which logs do not (they are written at the
// end of requests), and makes times count from the first, at the given speed.
func (tr *trace) settle(speed float64) {
	slices.SortStableFunc(tr.entries, func(a, b traceEntry) int { return cmp.Compare(a.at, b.at) })
	first := tr.entries[0].at
	for i := range tr.entries {
		e := &tr.entries[i]
		e.at -= first
		if speed > 0 && speed != 1 {
			e.at = int64(math.Round(float64(e.at) / speed))
		}
	}
}

var errNoRequest = errors.New("want SECONDS METHOD PATH [NAME], like 0.250 GET /index.html")

// account tells what of the trace is due within a run of a length.
func (tr *trace) account(length int64) *result.LoadTrace {
	n, _ := slices.BinarySearchFunc(tr.entries, length, func(e traceEntry, length int64) int { return cmp.Compare(e.at, length) })
	return &result.LoadTrace{Requests: len(tr.entries), Beyond: len(tr.entries) - n, Skipped: tr.skipped}
}

// parseTraceLine reads a line of TracePlain.
func parseTraceLine(line []byte) (at int64, r traceRequest, err error) {
	words := bytes.Fields(line)
	if len(words) < 3 || len(words) > 4 {
		return 0, r, errNoRequest
	}
	seconds, err := strconv.ParseFloat(string(words[0]), 64)
	if err != nil || !(seconds >= 0 && seconds < 1e10) { // NaN too
		return 0, r, fmt.Errorf("%q is no number of seconds: %w", words[0], errNoRequest)
	}
	if err := r.set(words[1], words[2]); err != nil {
		return 0, r, err
	}
	if len(words) == 4 {
		r.name = string(words[3])
	}
	return nanos(seconds), r, nil
}

// set checks and takes method and target of a request line. Of an absolute
// target, as HTTP/2 logs have it, path and query remain.
func (r *traceRequest) set(method, target []byte) error {
	if tokenLength(method) != len(method) || len(method) == 0 || string(method) == "CONNECT" {
		return fmt.Errorf("%q is no method to replay", method)
	}
	if i := bytes.Index(target, []byte("://")); i > 0 && target[0] != '/' {
		target = target[i+3:]
		if i := bytes.IndexByte(target, '/'); i >= 0 {
			target = target[i:]
		} else {
			target = []byte("/")
		}
	}
	if len(target) == 0 || target[0] != '/' && string(target) != "*" || bytes.ContainsFunc(target, notVisible) {
		return fmt.Errorf("%q is no path", target)
	}
	r.method, r.path = string(method), string(target)
	return nil
}

// httpLogDate is the form of the accept date in a log line.
const httpLogDate = "02/Jan/2006:15:04:05.000"

var errNoHTTPLog = errors.New("not a request as option httplog writes it")

// parseHTTPLog reads a line of TraceHTTPLog: the date in brackets, and the
// request line, the first thing in quotes after it (HAProxy writes quotes within
// captured headers and paths as #22). Requests that were never understood
// (<BADREQ>) and ones cut off have none.
func parseHTTPLog(line []byte) (at int64, r traceRequest, err error) {
	for {
		_, rest, ok := bytes.Cut(line, []byte{'['})
		if !ok {
			return 0, r, errNoHTTPLog
		}
		line = rest
		if len(line) <= len(httpLogDate) || line[len(httpLogDate)] != ']' {
			continue // the process id, as haproxy[1234]:
		}
		date, err := time.Parse(httpLogDate, string(line[:len(httpLogDate)]))
		if err != nil {
			continue
		}
		at = date.UnixNano()
		break
	}
	_, request, ok := bytes.Cut(line, []byte{'"'})
	if !ok {
		return 0, r, errNoHTTPLog
	}
	request, _, ok = bytes.Cut(request, []byte{'"'})
	words := bytes.Fields(request)
	if !ok || len(words) != 3 || !bytes.HasPrefix(words[2], []byte("HTTP/")) {
		return 0, r, errNoHTTPLog
	}
	return at, r, r.set(words[0], words[1])
}
