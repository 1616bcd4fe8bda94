// Package fault puts faults into force on time, stacks those that overlap and
// undoes them. What a fault does to a connection is the business of the
// origins, which read Force and are told of changes.
package fault

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"bench/backends/control"
	"bench/internal/dist"
	"bench/internal/units"
)

// MaxFor bounds the length of a fault.
const MaxFor = time.Hour

// Half as Force.TruncateAt cuts answers in the middle of their body.
const Half = -1

// Plan is a fault that has been checked.
type Plan struct {
	Fault   control.Fault
	For     time.Duration
	latency dist.Duration
	status  int
	rate    float64
	bytes   int64
	every   time.Duration
}

// Parse checks a fault. Errors are *control.BadFault.
func Parse(f *control.Fault) (*Plan, error) {
	p := &Plan{Fault: *f}
	row, err := findKind(f.Kind)
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
	name   string
	args   []string
	moment func(*control.Fault) bool // needs no length; nil: always needs one
	read   func(*Plan) error
	apply  func(*Plan, *Force)
}

func (r *kindRow) takes() string {
	if len(r.args) == 0 {
		return ""
	}
	return ", only " + strings.Join(r.args, ", ")
}

func kinds() []kindRow {
	return []kindRow{
		{name: control.Stall, apply: func(_ *Plan, f *Force) { f.Stalled = true }},
		{
			name: control.Latency, args: []string{"latency"}, read: readLatency,
			apply: func(p *Plan, f *Force) { f.Latency = &p.latency },
		},
		{
			name: control.Error, args: []string{"status", "rate"}, read: readError,
			apply: func(p *Plan, f *Force) { f.Status, f.Rate = p.status, p.rate },
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
			name: control.Trickle, args: []string{"bytes", "every"}, read: readTrickle,
			apply: func(p *Plan, f *Force) { f.Piece, f.Every = int(p.bytes), int64(p.every) },
		},
		{name: control.Drain, apply: func(_ *Plan, f *Force) { f.Drain = true }},
		{name: control.Crash, moment: func(*control.Fault) bool { return true }},
	}
}

func findKind(name string) (*kindRow, error) {
	rows := kinds()
	var names []string
	for i := range rows {
		if rows[i].name == name {
			return &rows[i], nil
		}
		names = append(names, rows[i].name)
	}
	return nil, badf("unknown kind of fault %q: want one of %s", name, strings.Join(names, ", "))
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
	p.status, p.rate = 503, 1
	if s := p.Fault.Status; s != 0 {
		if s < 200 || s > 599 {
			return badf("invalid status %d of fault error: want 200 to 599", s)
		}
		p.status = s
	}
	if r := p.Fault.Rate; r != nil {
		if !(*r > 0 && *r <= 1) {
			return badf("invalid rate %v of fault error: want above 0, at most 1", *r)
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
			return badf("invalid bytes %d of fault truncate: want 0 or more", *b)
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

func badf(format string, args ...any) error {
	return &control.BadFault{Reason: fmt.Sprintf(format, args...)}
}
