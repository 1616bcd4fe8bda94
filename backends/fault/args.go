package fault

import (
	"crypto/tls"
	"fmt"
	"slices"
	"strings"
	"time"

	"bench/backends/control"
	"bench/backends/zone"
	"bench/internal/dist"
	"bench/internal/units"
)

func readLatency(p *Plan) error {
	if p.Fault.Latency == "" {
		return badf("fault latency does not say which: want \"latency\", like 50ms or lognormal(50ms, 0.5)")
	}
	var err error
	if p.latency, err = dist.ParseDuration(p.Fault.Latency); err != nil {
		return badf("fault latency: %v", err)
	}
	return nil
}

func readError(p *Plan) error {
	low, high := 200, 599
	p.status = 503
	switch p.protocol {
	case "dns":
		low, high, p.status = 1, 15, 2 // SERVFAIL
	case "mysql":
		low, high, p.status = 1000, 9999, 1105 // ER_UNKNOWN_ERROR
	case "redis":
		p.status = 0
		if p.Fault.Status != 0 {
			return badf("fault error of redis origins takes no status: Redis errors have no numbers")
		}
	}
	if s := p.Fault.Status; s != 0 {
		if s < low || s > high {
			return badf("invalid status %d of fault error: want %d to %d", s, low, high)
		}
		p.status = s
	}
	return readRate(p)
}

func readRate(p *Plan) error {
	p.rate = 1
	if r := p.Fault.Rate; r != nil {
		if !(*r > 0 && *r <= 1) {
			return badf("invalid rate %v of fault %s: want above 0, at most 1", *r, p.Fault.Kind)
		}
		p.rate = *r
	}
	return nil
}

func readReset(p *Plan) error {
	switch p.Fault.Scope {
	case "", control.ScopeNew, control.ScopeLive, control.ScopeBoth:
		return nil
	}
	return badf("invalid scope %q of fault reset: want new, live or both", p.Fault.Scope)
}

func readTruncate(p *Plan) error {
	p.bytes = Half
	if b := p.Fault.Bytes; b != nil {
		if *b < 0 {
			return badf("invalid bytes %d of fault %s: want 0 or more", *b, p.Fault.Kind)
		}
		p.bytes = *b
	}
	return nil
}

func readTrickle(p *Plan) error {
	p.bytes, p.every = 1, 10*time.Millisecond
	if b := p.Fault.Bytes; b != nil {
		if *b < 1 || *b > 1<<30 {
			return badf("invalid bytes %d of fault trickle: want 1 to 1GiB", *b)
		}
		p.bytes = *b
	}
	if p.Fault.Every != "" {
		d, err := units.ParseDuration(p.Fault.Every)
		if err != nil || d < 100*time.Microsecond || d > time.Minute {
			return badf("invalid \"every\" %q of fault trickle: want 100us to 1m", p.Fault.Every)
		}
		p.every = d
	}
	return nil
}

// pieceEvery is the time between two pieces of a limited bandwidth: short
// enough to look like a slow line, long enough to cost little.
const pieceEvery = 5 * time.Millisecond

func readBandwidth(p *Plan) error {
	n, err := units.ParseSize(p.Fault.Bandwidth)
	if err != nil || n < 1 || n > 1<<40 {
		return badf("invalid bandwidth %q of fault bandwidth: want a size a second from 1B to 1024GiB, like 64KiB", p.Fault.Bandwidth)
	}
	p.every = pieceEvery
	if p.bytes = n * int64(pieceEvery) / int64(time.Second); p.bytes < minPiece {
		// A very slow line sends short pieces, the rarer the slower it is.
		p.bytes = min(minPiece, n)
		p.every = time.Duration(p.bytes * int64(time.Second) / n)
	}
	return nil
}

// minPiece keeps the pieces of a slow line from costing a system call a byte.
const minPiece = 16

func readState(p *Plan) error {
	known := []string{control.StateReadOnly, control.StateStopped}
	if p.protocol == "redis" {
		known = []string{control.StateLoading, control.StateMisconf, control.StateDown}
	}
	if !slices.Contains(known, p.Fault.State) {
		return badf("invalid state %q of fault state: want one of %s", p.Fault.State, strings.Join(known, ", "))
	}
	return nil
}

func readRole(p *Plan) error {
	switch p.Fault.Role {
	case control.RolePrimary, control.RoleReplica:
		return nil
	}
	return badf("invalid role %q of fault role: want primary or replica", p.Fault.Role)
}

// maxLag bounds a lag of replication.
const maxLag = 1000 * time.Hour

func readLag(p *Plan) error {
	d, err := units.ParseDuration(p.Fault.Lag)
	if err != nil || d < 0 || d > maxLag {
		return badf("invalid lag %q of fault lag: want a time like 30s, at most 1000h", p.Fault.Lag)
	}
	p.lag = d
	return nil
}

func readLimit(p *Plan) error {
	if n := p.Fault.Connections; n != nil {
		if *n < 0 || *n > 1<<30 {
			return badf("invalid connections %d of fault limit: want 0 or more", *n)
		}
		p.conns = *n
	}
	return nil
}

func readRecords(p *Plan) (err error) {
	if p.Fault.Records == nil {
		return badf("fault records does not say which: want \"records\", like web.test. A 192.0.2.1, a line each")
	}
	if p.zone, err = zone.Parse(*p.Fault.Records); err != nil {
		return badf("fault records: %v", err)
	}
	return nil
}

func readCertificate(p *Plan) error {
	if p.Fault.Certificate == "" {
		return badf("fault %s does not say which: want \"certificate\", with its key, in PEM", p.Fault.Kind)
	}
	pair, err := tls.X509KeyPair([]byte(p.Fault.Certificate), []byte(p.Fault.Certificate))
	if err != nil {
		return badf("fault %s: %v", p.Fault.Kind, err)
	}
	p.certificate = &pair
	return nil
}

func badf(format string, args ...any) error {
	return &control.BadFault{Reason: fmt.Sprintf(format, args...)}
}
