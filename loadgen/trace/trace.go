// Package trace reads records of requests that are to be sent again.
package trace

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
	"bench/loadgen/httpfield"
)

// Spec formats.
const (
	// Plain has lines of "SECONDS METHOD PATH [NAME]"; empty lines and those
	// that begin with # say nothing.
	Plain = "plain"
	// HTTPLog has lines as HAProxy's `option httplog` writes them, with or
	// without what syslog puts before them.
	HTTPLog = "httplog"
)

// Spec is a record of requests to send again, at the times they came. Times
// count from the earliest request, which is due when the run begins.
type Spec struct {
	File string `json:"file"`
	// Format is TracePlain or TraceHTTPLog; empty finds it out.
	Format string `json:"format,omitempty"`
	// Speed divides the times: 2 replays in half the time; 0 is 1.
	Speed float64 `json:"speed,omitempty"`
}

// Limits of a trace.
const (
	maxRequests = 10_000_000
	maxLine     = 64 << 10
	MaxSpeed    = 1e6
)

// Trace is a record as it has been read, by time.
type Trace struct {
	File    string
	Entries []Entry
	// Requests are the different ones.
	Requests []Request
	skipped  int // lines that are no request
}

// Entry is a request at its time.
type Entry struct {
	At      int64 // ns after the first
	Request int32
}

// Request is what entries repeat.
type Request struct{ Method, Path, Name string }

// Length reads a trace and returns the time from its first request to its
// last one, as it will be replayed.
func Length(t *Spec) (time.Duration, error) {
	tr, err := Read(t)
	if err != nil {
		return 0, err
	}
	return time.Duration(tr.Entries[len(tr.Entries)-1].At), nil
}

// Read reads a trace whole.
func Read(t *Spec) (*Trace, error) {
	f, err := os.Open(t.File)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	tr := &Trace{File: t.File}
	if err := tr.read(f, t.Format); err != nil {
		return nil, fmt.Errorf("trace %s%w", t.File, err)
	}
	tr.settle(t.Speed)
	return tr, nil
}

// read takes the lines of a trace. Errors go on behind the name of the file.
func (tr *Trace) read(f io.Reader, format string) error {
	known := map[Request]int32{}
	lines := bufio.NewScanner(f)
	lines.Buffer(make([]byte, 0, 4096), maxLine)
	n := 0
	for lines.Scan() {
		n++
		line := bytes.TrimSpace(lines.Bytes())
		if len(line) == 0 || line[0] == '#' {
			continue
		}
		if format == "" {
			if format = Plain; bytes.ContainsRune(line, '[') {
				format = HTTPLog
			}
		}
		var at int64
		var r Request
		var err error
		if format == HTTPLog {
			if at, r, err = parseHTTPLog(line); err != nil {
				tr.skipped++ // logs hold other messages too
				continue
			}
		} else if at, r, err = parseLine(line); err != nil {
			return fmt.Errorf(":%d: %w", n, err)
		}
		i, ok := known[r]
		if !ok {
			i = int32(len(tr.Requests))
			known[r] = i
			tr.Requests = append(tr.Requests, r)
		}
		if len(tr.Entries) == maxRequests {
			return fmt.Errorf(":%d: a trace has at most %d requests", n, maxRequests)
		}
		tr.Entries = append(tr.Entries, Entry{at, i})
	}
	switch err := lines.Err(); {
	case errors.Is(err, bufio.ErrTooLong):
		return fmt.Errorf(":%d: the line is longer than %d bytes", n+1, maxLine)
	case err != nil:
		return fmt.Errorf(": %w", err)
	case len(tr.Entries) == 0 && format == HTTPLog:
		return fmt.Errorf(": none of the %d lines is a request as option httplog writes it", tr.skipped)
	case len(tr.Entries) == 0:
		return errors.New(": no request in it")
	}
	return nil
}

// settle sorts the requests by time, which logs do not (they are written at the
// end of requests), and makes times count from the first, at the given speed.
func (tr *Trace) settle(speed float64) {
	slices.SortStableFunc(tr.Entries, func(a, b Entry) int { return cmp.Compare(a.At, b.At) })
	first := tr.Entries[0].At
	for i := range tr.Entries {
		e := &tr.Entries[i]
		e.At -= first
		if speed > 0 && speed != 1 {
			e.At = int64(math.Round(float64(e.At) / speed))
		}
	}
}

var errNoRequest = errors.New("want SECONDS METHOD PATH [NAME], like 0.250 GET /index.html")

// Account says what of the trace is due within a run of a length.
func (tr *Trace) Account(length int64) *result.LoadTrace {
	n, _ := slices.BinarySearchFunc(tr.Entries, length, func(e Entry, length int64) int { return cmp.Compare(e.At, length) })
	return &result.LoadTrace{Requests: len(tr.Entries), Beyond: len(tr.Entries) - n, Skipped: tr.skipped}
}

// parseLine reads a line of TracePlain.
func parseLine(line []byte) (at int64, r Request, err error) {
	words := bytes.Fields(line)
	if len(words) < 3 || len(words) > 4 {
		return 0, r, errNoRequest
	}
	seconds, err := strconv.ParseFloat(string(words[0]), 64)
	if err != nil || !(seconds >= 0 && seconds < 1e10) { // NaN too
		return 0, r, fmt.Errorf("%q is not a number of seconds: %w", words[0], errNoRequest)
	}
	if err := r.set(words[1], words[2]); err != nil {
		return 0, r, err
	}
	if len(words) == 4 {
		r.Name = string(words[3])
	}
	return int64(math.Round(seconds * 1e9)), r, nil
}

// set checks and takes method and target of a request line. Of an absolute
// target, as HTTP/2 logs have it, path and query remain.
func (r *Request) set(method, target []byte) error {
	if httpfield.TokenLength(method) != len(method) || len(method) == 0 || string(method) == "CONNECT" {
		return fmt.Errorf("%q is not a method to replay", method)
	}
	if i := bytes.Index(target, []byte("://")); i > 0 && target[0] != '/' {
		target = target[i+3:]
		if i := bytes.IndexByte(target, '/'); i >= 0 {
			target = target[i:]
		} else {
			target = []byte("/")
		}
	}
	if len(target) == 0 || target[0] != '/' && string(target) != "*" || bytes.ContainsFunc(target, httpfield.NotVisible) {
		return fmt.Errorf("%q is not a path", target)
	}
	r.Method, r.Path = string(method), string(target)
	return nil
}

// httpLogDate is the form of the accept date in a log line.
const httpLogDate = "02/Jan/2006:15:04:05.000"

var errNoHTTPLog = errors.New("not a request as option httplog writes it")

// parseHTTPLog reads a line of TraceHTTPLog: the date in brackets, and the
// Request line, the first thing in quotes after it (HAProxy writes quotes within
// captured headers and paths as #22). Requests that were never understood
// (<BADREQ>) and ones cut off have none.
func parseHTTPLog(line []byte) (at int64, r Request, err error) {
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
