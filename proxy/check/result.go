// Package check probes servers: it connects, for HTTP checks sends a request and
// judges the answer, and counts its way between up and down. Checkers run on the
// engine's event loops. What a change of state means for traffic is decided by
// whoever listens to them.
package check

import (
	"time"

	"bench/proxy/spec"
)

// Status is the outcome of one check, as in the check_status column of "show
// stat" (management manual, section 9.1).
type Status uint8

// Outcomes.
const (
	Unknown  Status = iota // no check has finished yet
	SockErr                // the socket failed
	L4OK                   // connected, nothing more was asked
	L4TOut                 // connecting took too long
	L4Con                  // connecting failed
	L6OK                   // the handshake of TLS succeeded, nothing more was asked
	L6TOut                 // the handshake took too long
	L6Rsp                  // the handshake failed
	L7OK                   // the answer was as expected
	L7OKC                  // 404 with "http-check disable-on-404"
	L7TOut                 // no answer in time
	L7Rsp                  // no answer, or an invalid one
	L7Sts                  // another status than expected
	Checked                // the agent has said nothing of the state
	Hana                   // what clients get from the server is wrong too often
	ProcErr                // the command failed
	ProcTOut               // the command took too long
	ProcOK                 // the command succeeded
)

var statusTexts = [...]struct{ name, desc string }{
	Unknown:  {"UNK", "Unknown"},
	SockErr:  {"SOCKERR", "Socket error"},
	L4OK:     {"L4OK", "Layer4 check passed"},
	L4TOut:   {"L4TOUT", "Layer4 timeout"},
	L4Con:    {"L4CON", "Layer4 connection problem"},
	L6OK:     {"L6OK", "Layer6 check passed"},
	L6TOut:   {"L6TOUT", "Layer6 timeout"},
	L6Rsp:    {"L6RSP", "Layer6 invalid response"},
	L7OK:     {"L7OK", "Layer7 check passed"},
	L7OKC:    {"L7OKC", "Layer7 check conditionally passed"},
	L7TOut:   {"L7TOUT", "Layer7 timeout"},
	L7Rsp:    {"L7RSP", "Layer7 invalid response"},
	L7Sts:    {"L7STS", "Layer7 wrong status"},
	Checked:  {"CHECKED", "No status change"},
	Hana:     {"HANA", "Health analyze"},
	ProcErr:  {"PROCERR", "External check error"},
	ProcTOut: {"PROCTOUT", "External check timeout"},
	ProcOK:   {"PROCOK", "External check passed"},
}

// statusNamed is the status of a name, Unknown for "".
func statusNamed(name string) Status {
	for i, t := range statusTexts {
		if name == t.name {
			return Status(i)
		}
	}
	return Unknown
}

// String is the name of the status in "show stat".
func (s Status) String() string { return statusTexts[s].name }

// StatusNamed is the status of a name. It reports false if none has it.
func StatusNamed(name string) (Status, bool) {
	for i := range statusTexts {
		if statusTexts[i].name == name {
			return Status(i), true
		}
	}
	return Unknown, false
}

// Describe says the status in words, as logs do.
func (s Status) Describe() string { return statusTexts[s].desc }

// OK tells whether the check passed.
func (s Status) OK() bool {
	return s == L4OK || s == L6OK || s == L7OK || s == L7OKC || s == ProcOK
}

// Result is one finished check.
type Result struct {
	Status   Status
	Code     int // what the answer says by a number, as the status of HTTP; 0: nothing
	Duration time.Duration
	Output   string // what the server or the system said
	Remark   string // what messages say of the check besides; "" for Output
}

// Coded tells whether a code is shown: of checks that have got as far as an answer.
func (r Result) Coded() bool {
	s := r.Status
	return s == L7OK || s == L7OKC || s == L7Sts || s == ProcErr || s == ProcTOut || s == ProcOK
}

// Health counts checks: a server that is down comes up after Rise good ones, one
// that is up goes down after Fall bad ones (configuration manual, "rise", "fall").
type Health struct {
	Rise, Fall int
	// Cur runs from 0 to Rise+Fall-1; the server is up from Rise on.
	Cur int
}

// NewHealth begins as it is told to.
func NewHealth(rise, fall int, begin spec.InitState) Health {
	h := Health{Rise: max(rise, 1), Fall: max(fall, 1)}
	switch begin {
	case spec.InitUp:
		h.Cur = h.Rise
	case spec.InitFullyUp:
		h.Force(true)
	case spec.InitDown:
		h.Cur = h.Rise - 1
	case spec.InitFullyDown:
	}
	return h
}

// Up tells whether the server is up.
func (h *Health) Up() bool { return h.Cur >= h.Rise }

// Stable tells that another check of the same kind changes nothing.
func (h *Health) Stable() bool { return h.Cur == 0 || h.Cur == h.Rise+h.Fall-1 }

// Interval is the time from a check to the next one, of those of a stable, a changing and a
// down server; 0 falls back to that of a stable one.
func (h *Health) Interval(stable, changing, down time.Duration) time.Duration {
	switch {
	case h.Cur == 0 && down > 0:
		return down
	case !h.Stable() && changing > 0:
		return changing
	}
	return stable
}

// Good counts a passed check and reports whether the server came up by it.
func (h *Health) Good() bool {
	if h.Cur >= h.Rise+h.Fall-1 {
		return false
	}
	h.Cur++
	came := h.Cur == h.Rise
	if h.Cur >= h.Rise {
		h.Cur = h.Rise + h.Fall - 1
	}
	return came
}

// Bad counts a failed check and reports whether the server went down by it.
func (h *Health) Bad() bool {
	if h.Cur > h.Rise {
		h.Cur--
		return false
	}
	went := h.Up()
	h.Cur = 0
	return went
}

// Force puts the server up or down, as the runtime API does.
func (h *Health) Force(up bool) {
	h.Cur = 0
	if up {
		h.Cur = h.Rise + h.Fall - 1
	}
}
