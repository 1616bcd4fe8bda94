package loadgen

import (
	"errors"
	"fmt"
	"strings"

	"bench/internal/sock"
)

const defaultTimeoutUs = 10_000_000

// Limits of a Spec.
const (
	maxName   = 64
	maxRate   = 10_000_000
	maxPhases = 200
	maxPool   = 1_000_000
	// maxSteps and maxBurst bound a phase's steps and bursts.
	maxSteps = 10_000
	maxBurst = 1_000_000
	// maxShares bounds the workers of a load.
	maxShares = 4096
	// maxThreads bounds the threads of a process.
	maxThreads = 64
	// maxPipeline bounds the requests on a connection.
	maxPipeline = 10_000
	// MaxBody is the most bytes of a request's body.
	MaxBody = 1 << 30
	// maxRequests bounds the kinds of requests of a load, and maxHeaders the
	// headers expected in one answer.
	maxRequests = 256
	maxHeaders  = 64
	// maxWeight bounds a share in a mix.
	maxWeight = 1_000_000
	// maxExpectedBytes bounds the length of an expected body.
	maxExpectedBytes = 1 << 50
)

// timeoutNs is the time-out in force.
func (s *Spec) timeoutNs() int64 {
	if s.TimeoutUs == 0 {
		return defaultTimeoutUs * 1000
	}
	return s.TimeoutUs * 1000
}

func (s *Spec) connectTimeoutNs() int64 {
	if s.ConnectTimeoutUs == 0 {
		return s.timeoutNs()
	}
	return s.ConnectTimeoutUs * 1000
}

// lengthUs is the length of all phases.
func (s *Spec) lengthUs() (us int64) {
	for i := range s.Phases {
		us += s.Phases[i].LengthUs
	}
	return us
}

// Validate reports everything that is wrong with s, one error for each fault.
func (s *Spec) Validate() error {
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if s.Name == "" || len(s.Name) > maxName || strings.Trim(s.Name, nameCharacters) != "" {
		bad("load name %q: want 1 to %d letters, digits, '-', '_' or '.'", s.Name, maxName)
	}
	if p, err := findProtocol(s.Protocol); err != nil {
		errs = append(errs, err)
	} else {
		p.validate(s, bad)
	}
	validateIntegrity(s, bad)
	validatePieces(s, bad)
	if len(s.Targets) == 0 {
		bad("no target address")
	}
	for _, t := range s.Targets {
		if a, err := sock.Parse(t); err != nil {
			errs = append(errs, err)
		} else if !a.IsUnix() && a.AddrPort().Port() == 0 {
			bad("target %q has no port", t)
		}
	}
	switch s.Arrival {
	case "", Constant, Poisson, Closed:
		if s.Trace != nil {
			bad("a trace needs arrival %s", Replay)
		}
	case Replay:
		s.Trace.validate(bad)
	default:
		bad("unknown arrival %q: want constant, poisson, closed or trace", s.Arrival)
	}
	if s.Threads < 0 || s.Threads > maxThreads {
		bad("%d threads: want 1 to %d", s.Threads, maxThreads)
	}
	if s.Share.Index < 0 || s.Share.Index >= s.Share.of() || s.Share.Of > maxShares {
		bad("share %d of %d: want 0 to %d of at most %d", s.Share.Index, s.Share.Of, s.Share.of()-1, maxShares)
	}
	if s.SpinShare < 0 || s.SpinShare > 1 {
		bad("spinShare %v: want 0 to 1", s.SpinShare)
	}
	if s.SpinUs < AutoSpin {
		bad("spinUs %d: want 0 or more, or %d to measure it", s.SpinUs, AutoSpin)
	}
	s.validatePhases(bad)
	if c := s.Connections; c.Pool < 0 || c.Pool > maxPool || c.RequestsPerConnection < 0 {
		bad("connections: pool %d and requestsPerConnection %d: want 0 to %d and 0 or more", c.Pool, c.RequestsPerConnection, maxPool)
	}
	if n := s.Connections.Pipeline; n < 0 || n > maxPipeline {
		bad("connections: %d requests ahead: want 0 to %d", n, maxPipeline)
	}
	for name, us := range map[string]int64{"thinkUs": s.ThinkUs, "timeoutUs": s.TimeoutUs, "connectTimeoutUs": s.ConnectTimeoutUs, "spinUs": max(0, s.SpinUs), "progressUs": s.ProgressUs, "startAt": s.StartAt, "connections.maxAgeUs": s.Connections.MaxAgeUs} {
		if us < 0 || us/1_000_000 > 1e6 && name != "startAt" {
			bad("%s %d: want 0 to 1,000,000 s", name, us)
		}
	}
	return errors.Join(errs...)
}

const nameCharacters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_."

func (s *Spec) validatePhases(bad func(string, ...any)) {
	if len(s.Phases) == 0 || len(s.Phases) > maxPhases {
		bad("%d phases: want 1 to %d", len(s.Phases), maxPhases)
	}
	users := s.Connections.Pool
	for i := range s.Phases {
		p := &s.Phases[i]
		if p.LengthUs <= 0 || p.LengthUs/1_000_000 > 1e7 {
			bad("phase %q is %d µs long: want more than 0", p.Name, p.LengthUs)
		}
		if !(p.From >= 0 && p.From <= maxRate && p.To >= 0 && p.To <= maxRate) { // NaN too
			bad("phase %q: rate %g to %g per second: want 0 to %d", p.Name, p.From, p.To, maxRate)
		}
		if p.Steps < 0 || p.Steps > maxSteps || p.Burst < 0 || p.Burst > maxBurst {
			bad("phase %q: %d steps and bursts of %d: want 0 to %d and 0 to %d", p.Name, p.Steps, p.Burst, maxSteps, maxBurst)
		}
		if p.Connections != nil {
			if users = *p.Connections; users < 0 || users > maxPool {
				bad("phase %q: %d connections: want 0 to %d", p.Name, users, maxPool)
			}
		}
		if s.Arrival == Closed && i == 0 && users == 0 {
			bad("a closed loop needs a number of connections")
		}
	}
}

func notVisible(r rune) bool { return r <= ' ' || r == 0x7f }

func (t *Trace) validate(bad func(string, ...any)) {
	switch {
	case t == nil || t.File == "":
		bad("arrival %s needs the file of a trace", Replay)
		return
	case t.Format != "" && t.Format != TracePlain && t.Format != TraceHTTPLog:
		bad("trace format %q: want %s or %s", t.Format, TracePlain, TraceHTTPLog)
	}
	if !(t.Speed >= 0 && t.Speed <= maxTraceSpeed) {
		bad("trace speed %g: want more than 0", t.Speed)
	}
}
