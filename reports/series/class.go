package series

import "bench/internal/result"

// Class groups causes of failure as charts and tables show them.
type Class int

// Classes, in the order reports show them.
const (
	Refused Class = iota
	Reset
	Timeout
	TLS
	Proxy5xx
	Origin5xx
	Status4xx
	Short
	Protocol
	Local
	ErrorAnswer
	classes
)

// Name is the word reports use.
func (c Class) Name() string {
	return [classes]string{
		"refused", "reset", "timeout", "TLS", "5xx proxy", "5xx origin", "4xx", "short or wrong body", "protocol", "local", "error answer",
	}[c]
}

// ClassOf is the class of a cause; causes unknown here count as protocol errors.
func ClassOf(cause string) Class {
	switch cause {
	case result.CauseRefused, result.CauseConnect:
		return Refused
	case result.CauseResetBefore, result.CauseResetAfter:
		return Reset
	case result.CauseTimeout:
		return Timeout
	case "tls":
		return TLS
	case result.CauseProxy5xx:
		return Proxy5xx
	case result.CauseOrigin5xx:
		return Origin5xx
	case result.CauseStatus4xx, result.CauseStatus:
		return Status4xx
	case result.CauseTruncated, result.CauseHeader, result.CauseBody:
		return Short
	case result.CauseError, result.CauseDenied, result.CauseReadOnly, result.CauseUnavailable, result.CauseConflict:
		return ErrorAnswer
	case result.CauseLocal:
		return Local
	default:
		return Protocol
	}
}

// Unanswered reports whether a failure of this cause left the client without any
// whole answer; an error status is an answer.
func Unanswered(cause string) bool {
	switch ClassOf(cause) {
	case Proxy5xx, Origin5xx, Status4xx, ErrorAnswer:
		return false
	default:
		return cause != result.CauseBody && cause != result.CauseHeader && cause != result.CauseProtocol
	}
}

// Errors counts failures by class.
type Errors [classes]uint64

// Total is the sum over all classes.
func (e *Errors) Total() uint64 {
	var n uint64
	for _, c := range e {
		n += c
	}
	return n
}

// Add adds another count.
func (e *Errors) Add(o *Errors) {
	for i := range e {
		e[i] += o[i]
	}
}

// Classes lists the classes with failures, the most frequent first.
func (e *Errors) Classes() []Class {
	var out []Class
	for c := range classes {
		if e[c] == 0 {
			continue
		}
		at := len(out)
		for at > 0 && e[out[at-1]] < e[c] {
			at--
		}
		out = append(out, 0)
		copy(out[at+1:], out[at:])
		out[at] = c
	}
	return out
}

// AllClasses lists every class in order.
func AllClasses() []Class {
	out := make([]Class, classes)
	for i := range out {
		out[i] = Class(i)
	}
	return out
}
