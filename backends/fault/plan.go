// Package fault puts faults into force on time, stacks those that overlap and
// undoes them. What a fault does to a connection is the business of the
// origins, which read Force and are told of changes.
package fault

import (
	"crypto/tls"
	"slices"
	"strings"
	"time"

	"bench/backends/control"
	"bench/backends/zone"
	"bench/internal/dist"
	"bench/internal/units"
)

// MaxFor bounds the length of a fault.
const MaxFor = time.Hour

// Half as Force.TruncateAt cuts answers in the middle of their body.
const Half = -1

// Plan is a fault that has been checked.
type Plan struct {
	Fault    control.Fault
	For      time.Duration
	protocol string
	latency  dist.Duration
	status   int
	rate     float64
	bytes    int64
	every    time.Duration
	lag      time.Duration
	conns    int
	zone     *zone.Zone

	certificate *tls.Certificate
}

// Parse checks a fault of origins of a protocol. Errors are *control.BadFault.
func Parse(f *control.Fault, protocol string) (*Plan, error) {
	p := &Plan{Fault: *f, protocol: protocol}
	row, err := findKind(f.Kind, protocol)
	if err != nil {
		return nil, err
	}
	if err := p.length(row); err != nil {
		return nil, err
	}
	for _, g := range []struct {
		name  string
		given bool
	}{
		{"latency", f.Latency != ""},
		{"status", f.Status != 0},
		{"rate", f.Rate != nil},
		{"scope", f.Scope != ""},
		{"bytes", f.Bytes != nil},
		{"every", f.Every != ""},
		{"bandwidth", f.Bandwidth != ""},
		{"state", f.State != ""},
		{"role", f.Role != ""},
		{"lag", f.Lag != ""},
		{"connections", f.Connections != nil},
		{"records", f.Records != nil},
		{"certificate", f.Certificate != ""},
	} {
		if g.given && !slices.Contains(row.args, g.name) {
			return nil, badf("fault %s takes no %s%s", f.Kind, g.name, row.takes())
		}
	}
	if row.read != nil {
		return p, row.read(p)
	}
	return p, nil
}

// kindRow is one kind of fault: a new one adds a row.
type kindRow struct {
	name      string
	protocols []string // that know it; nil: all
	inTLS     bool     // of origins that speak TLS
	args      []string
	moment    func(*control.Fault) bool // needs no length; nil: always needs one
	read      func(*Plan) error
	apply     func(*Plan, *Force)
}

func (r *kindRow) takes() string {
	if len(r.args) == 0 {
		return ""
	}
	return ", only " + strings.Join(r.args, ", ")
}

func (r *kindRow) known(protocol string) bool {
	return r.protocols == nil || slices.Contains(r.protocols, protocol)
}

func kinds() []kindRow {
	databases := []string{"mysql", "redis"}
	secured := []string{"http", "tcp", "mysql", "redis"}
	return []kindRow{
		{name: control.Stall, apply: func(_ *Plan, f *Force) { f.Stalled = true }},
		{
			name: control.Latency, args: []string{"latency"}, read: readLatency,
			apply: func(p *Plan, f *Force) { f.Latency = &p.latency },
		},
		{
			name: control.Error, protocols: []string{"http", "mysql", "redis", "dns"}, args: []string{"status", "rate"}, read: readError,
			apply: func(p *Plan, f *Force) { f.Failing, f.Status, f.Rate = true, p.status, p.rate },
		},
		{name: control.Refuse, apply: func(_ *Plan, f *Force) { f.Refused = true }},
		{
			name: control.Reset, args: []string{"scope"}, read: readReset,
			moment: func(f *control.Fault) bool { return f.Scope == control.ScopeLive },
			apply:  func(p *Plan, f *Force) { f.ResetNew = f.ResetNew || p.Fault.Scope != control.ScopeLive },
		},
		{
			name: control.Truncate, args: []string{"bytes"}, read: readTruncate,
			apply: func(p *Plan, f *Force) { f.Truncate, f.TruncateAt = true, p.bytes },
		},
		{
			name: control.Corrupt, args: []string{"rate"}, read: readRate,
			apply: func(p *Plan, f *Force) { f.Corrupt = p.rate },
		},
		// Both set the pace: of the two that which comes last in this table
		// rules, because it is the harder limit to get round.
		{
			name: control.Trickle, args: []string{"bytes", "every"}, read: readTrickle,
			apply: func(p *Plan, f *Force) { f.Piece, f.Every = int(p.bytes), int64(p.every) },
		},
		{
			name: control.Bandwidth, args: []string{"bandwidth"}, read: readBandwidth,
			apply: func(p *Plan, f *Force) { f.Piece, f.Every = int(p.bytes), int64(p.every) },
		},
		{name: control.Drain, apply: func(_ *Plan, f *Force) { f.Drain = true }},
		{
			name: control.KindState, protocols: databases, args: []string{"state"}, read: readState,
			apply: func(p *Plan, f *Force) { f.State = p.Fault.State },
		},
		{
			name: control.Role, protocols: databases, args: []string{"role"}, read: readRole,
			apply: func(p *Plan, f *Force) { f.Role = p.Fault.Role },
		},
		{
			name: control.Lag, protocols: databases, args: []string{"lag"}, read: readLag,
			apply: func(p *Plan, f *Force) { f.Lag, f.HasLag = p.lag, true },
		},
		{
			name: control.Limit, protocols: databases, args: []string{"connections"}, read: readLimit,
			apply: func(p *Plan, f *Force) { f.Limited, f.MaxConns = true, p.conns },
		},
		{
			name: control.Records, protocols: []string{"dns"}, args: []string{"records"}, read: readRecords,
			apply: func(p *Plan, f *Force) { f.Zone = p.zone },
		},
		{name: control.TLSStall, protocols: secured, inTLS: true, apply: func(_ *Plan, f *Force) { f.HandshakesStalled = true }},
		{
			name: control.Certificate, protocols: secured, inTLS: true, args: []string{"certificate"}, read: readCertificate,
			apply: func(p *Plan, f *Force) { f.Certificate = p.certificate },
		},
		{
			name: control.TLSTruncate, protocols: secured, inTLS: true, args: []string{"bytes"}, read: readTruncate,
			apply: func(p *Plan, f *Force) { f.Truncate, f.TruncateAt, f.CutRecords = true, p.bytes, true },
		},
		{name: control.Renegotiation, protocols: secured, inTLS: true, apply: func(_ *Plan, f *Force) { f.Renegotiate = true }},
		{name: control.Crash, moment: func(*control.Fault) bool { return true }},
	}
}

// Protocols are those whose origins know a kind of fault; nil if all do.
func Protocols(kind string) []string {
	for _, row := range kinds() {
		if row.name == kind {
			return row.protocols
		}
	}
	return []string{}
}

// InTLS reports whether a kind of fault is one of origins that speak TLS.
func InTLS(kind string) bool {
	return slices.ContainsFunc(kinds(), func(row kindRow) bool { return row.name == kind && row.inTLS })
}

func findKind(name, protocol string) (*kindRow, error) {
	rows := kinds()
	var names []string
	for i := range rows {
		if !rows[i].known(protocol) {
			continue
		}
		if rows[i].name == name {
			return &rows[i], nil
		}
		names = append(names, rows[i].name)
	}
	return nil, badf("unknown kind of fault %q of %s origins: want one of %s", name, protocol, strings.Join(names, ", "))
}

func (p *Plan) length(row *kindRow) error {
	f := &p.Fault
	if f.For == "" {
		if row.moment != nil && row.moment(f) {
			return nil
		}
		return badf("fault %s does not say for how long: want \"for\", like 500ms", f.Kind)
	}
	d, err := units.ParseDuration(f.For)
	if err != nil {
		return badf("invalid \"for\" of fault %s: %v", f.Kind, err)
	}
	if d <= 0 || d > MaxFor {
		return badf("invalid \"for\" of fault %s: %s is not above 0 and at most %v", f.Kind, f.For, MaxFor)
	}
	p.For = d
	return nil
}
