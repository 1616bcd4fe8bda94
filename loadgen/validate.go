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
	// maxPipeline bounds the requests on a connection.
	maxPipeline = 10_000
	// MaxBody is the most bytes of a request's body.
	MaxBody = 1 << 30
	// maxRequests bounds the kinds of requests of a load, and maxHeaders the
	// headers expected in one answer.
	maxRequests = 256
	maxHeaders  = 64
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
	default:
		bad("unknown arrival %q: want constant, poisson or closed", s.Arrival)
	}
	s.validatePhases(bad)
	if c := s.Connections; c.Pool < 0 || c.Pool > maxPool || c.RequestsPerConnection < 0 {
		bad("connections: pool %d and requestsPerConnection %d: want 0 to %d and 0 or more", c.Pool, c.RequestsPerConnection, maxPool)
	}
	if n := s.Connections.Pipeline; n < 0 || n > maxPipeline {
		bad("connections: %d requests ahead: want 0 to %d", n, maxPipeline)
	}
	for name, us := range map[string]int64{"thinkUs": s.ThinkUs, "timeoutUs": s.TimeoutUs, "connectTimeoutUs": s.ConnectTimeoutUs, "spinUs": s.SpinUs, "progressUs": s.ProgressUs, "startAt": s.StartAt, "connections.maxAgeUs": s.Connections.MaxAgeUs} {
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
		if p.Connections != nil {
			if users = *p.Connections; users < 0 || users > maxPool {
				bad("phase %q: %d connections: want 0 to %d", p.Name, users, maxPool)
			}
		}
		if s.Arrival == Closed && i == 0 && users == 0 {
			bad("a closed loop needs a number of connections: set connections.pool")
		}
	}
}

func notVisible(r rune) bool { return r <= ' ' || r == 0x7f }
