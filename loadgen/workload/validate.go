package workload

import (
	"errors"
	"fmt"

	"bench/internal/integrity"
	"bench/internal/sock"
	"bench/loadgen/codec"
	"bench/loadgen/trace"
)

const defaultTimeoutUs = 10_000_000

// Limits of a Spec.
const (
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
)

// TimeoutNs is the time-out in force.
func (s *Spec) TimeoutNs() int64 {
	if s.TimeoutUs == 0 {
		return defaultTimeoutUs * 1000
	}
	return s.TimeoutUs * 1000
}

func (s *Spec) ConnectTimeoutNs() int64 {
	if s.ConnectTimeoutUs == 0 {
		return s.TimeoutNs()
	}
	return s.ConnectTimeoutUs * 1000
}

// LengthUs is the length of all phases.
func (s *Spec) LengthUs() (us int64) {
	for i := range s.Phases {
		us += s.Phases[i].LengthUs
	}
	return us
}

// Validate reports everything that is wrong with s, one error for each fault.
func (s *Spec) Validate() error {
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if !codec.ValidName(s.Name) {
		bad("load name %q: want 1 to %d letters, digits, '-', '_' or '.'", s.Name, codec.MaxName)
	}
	if p, err := findProtocol(s.Protocol); err != nil {
		errs = append(errs, err)
	} else {
		p.validate(s, bad)
	}
	validateIntegrity(s, bad)
	validatePieces(s, bad)
	validateTLS(s, bad)
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
		validateTrace(s.Trace, bad)
	default:
		bad("unknown arrival %q: want constant, poisson, closed or trace", s.Arrival)
	}
	if s.Threads < 0 || s.Threads > maxThreads {
		bad("%d threads: want 1 to %d", s.Threads, maxThreads)
	}
	if s.Share.Index < 0 || s.Share.Index >= s.Share.Parts() || s.Share.Of > maxShares {
		bad("share %d of %d: want 0 to %d of at most %d", s.Share.Index, s.Share.Of, s.Share.Parts()-1, maxShares)
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

func validateTrace(t *trace.Spec, bad func(string, ...any)) {
	switch {
	case t == nil || t.File == "":
		bad("arrival %s needs the file of a trace", Replay)
		return
	case t.Format != "" && t.Format != trace.Plain && t.Format != trace.HTTPLog:
		bad("trace format %q: want %s or %s", t.Format, trace.Plain, trace.HTTPLog)
	}
	if !(t.Speed >= 0 && t.Speed <= trace.MaxSpeed) {
		bad("trace speed %g: want more than 0", t.Speed)
	}
}

// validateIntegrity says what is wrong with the part of a Spec.
func validateIntegrity(s *Spec, bad func(format string, args ...any)) {
	if s.Integrity == nil {
		return
	}
	if s.Protocol == "redis" || s.Protocol == "mysql" {
		bad("integrity: protocol %s has no place for a digest: want http1, http2 or tcp", s.Protocol)
	}
	if _, err := integrity.ParseExceptions(s.Integrity.Except); err != nil {
		bad("integrity: %s", err)
	}
	if s.Protocol == "tcp" && len(s.Integrity.Except) > 0 {
		bad("integrity: nothing may be excepted from bytes of protocol tcp")
	}
}

const (
	maxPieces  = 1000
	maxPauseUs = 1_000_000
)

func validatePieces(s *Spec, bad func(format string, args ...any)) {
	p := s.Pieces
	if p == nil {
		return
	}
	if p.Min < 1 || p.Max < p.Min || p.Max > maxPieces {
		bad("pieces: want 1 <= min <= max <= %d, not %d and %d", maxPieces, p.Min, p.Max)
	}
	if p.PauseUs < 0 || p.PauseUs > maxPauseUs {
		bad("pieces: a pause of %d µs: want at most %d", p.PauseUs, maxPauseUs)
	}
}
