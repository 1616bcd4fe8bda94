package abuse

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"bench/internal/sock"
)

// Spec is one set of clients; the hidden `bench agent abuse` reads it as JSON
// from its standard input. Fields named ...Us are microseconds.
type Spec struct {
	// Name of the set: 1 to 64 letters, digits, '-', '_', '.'.
	Name string `json:"name"`
	Kind string `json:"kind"` // one of Kinds
	// Targets are addresses as sock.Parse reads them; connections go round them
	// in turn. They must be near: see Near.
	Targets []string `json:"targets"`
	// OneName is as a load's.
	OneName bool `json:"oneName,omitempty"`
	// Title names the target in reports; the first address when empty.
	Title string `json:"title,omitempty"`
	// Host and Path of the requests; the first target and "/" when empty.
	Host string `json:"host,omitempty"`
	Path string `json:"path,omitempty"`
	// Source is the address that connections come from; "" is the kernel's choice.
	Source string `json:"source,omitempty"`

	// Connections is the most that are open at a time.
	Connections int `json:"connections"`
	// Rate is how many are opened a second, as long as there is room.
	Rate float64 `json:"rate"`
	// AfterUs is from the origin of the run to the begin, LengthUs from there to
	// the end.
	AfterUs  int64 `json:"afterUs,omitempty"`
	LengthUs int64 `json:"lengthUs"`
	// TimeoutUs is how long a client waits for the peer to do anything, where it
	// is the peer's turn; 0 is 10 s.
	TimeoutUs int64 `json:"timeoutUs,omitempty"`

	Options

	Seed   uint64 `json:"seed"`
	CPUs   []int  `json:"cpus,omitempty"`
	Poller string `json:"poller,omitempty"` // "" is the best there is
	// StartAt is the run's origin, CLOCK_MONOTONIC nanoseconds; 0 waits for a
	// loadgen.Start line.
	StartAt int64 `json:"startAt,omitempty"`
}

// Options belong to some kinds only; see Kinds. Nil takes the kind's default.
type Options struct {
	// HoldUs is how long a connection is held before the client ends it, 0 to
	// the end; of kind pipeline, how long it reads nothing.
	HoldUs *int64 `json:"holdUs,omitempty"`
	// EveryUs is the time between two pieces sent or read.
	EveryUs *int64 `json:"everyUs,omitempty"`
	// Bytes of a piece sent or read, or read before an abort.
	Bytes *int `json:"bytes,omitempty"`
	// Size of what is too large, or of a body.
	Size *int64 `json:"size,omitempty"`
	// Window is the size of the receive buffer asked of the kernel.
	Window *int `json:"window,omitempty"`
	// Requests that are sent on a connection.
	Requests *int `json:"requests,omitempty"`
	// Reset ends connections with a RST instead of a FIN.
	Reset *bool `json:"reset,omitempty"`
	// Only lists the variants to try; empty tries all.
	Only []string `json:"only,omitempty"`
}

// Limits of a Spec.
const (
	maxName        = 64
	maxConnections = 100_000
	maxRate        = 100_000
	maxLengthUs    = 24 * 3600 * 1_000_000
	maxWaitUs      = 3600 * 1_000_000
	leastEveryUs   = 1000
	maxSize        = 1 << 30
	maxOversize    = 16 << 20
	maxRequests    = 1_000_000
)

const (
	defaultTimeoutUs = 10_000_000
	nameCharacters   = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_."
)

// Problem is a fault of a Spec: the field by its JSON name, and what is wrong.
type Problem struct{ Field, Text string }

// Problems lists what is wrong with s, but for the targets.
func (s *Spec) Problems() (all []Problem) {
	bad := func(field, format string, args ...any) {
		all = append(all, Problem{field, fmt.Sprintf(format, args...)})
	}
	if s.Name == "" || len(s.Name) > maxName || strings.Trim(s.Name, nameCharacters) != "" {
		bad("name", "%q: want 1 to %d letters, digits, '-', '_' or '.'", s.Name, maxName)
	}
	if s.Connections < 1 || s.Connections > maxConnections {
		bad("connections", "%d connections: want 1 to %d", s.Connections, maxConnections)
	} else if room := sock.FDLimit() - reservedFDs; s.Connections > room {
		bad("connections", "%d connections: this process may have %d", s.Connections, room)
	}
	if !(s.Rate > 0 && s.Rate <= maxRate) { // NaN too
		bad("rate", "a rate of %g/s: want above 0, at most %d/s", s.Rate, maxRate)
	}
	if s.LengthUs <= 0 || s.LengthUs > maxLengthUs {
		bad("length", "want a length above 0 and at most 24h")
	}
	if s.AfterUs < 0 || s.AfterUs > maxLengthUs {
		bad("after", "want a beginning from 0 to 24h")
	}
	if s.TimeoutUs < 0 || s.TimeoutUs > maxWaitUs {
		bad("timeout", "want a timeout of at most 1h")
	}
	if s.Source != "" {
		if a, err := netip.ParseAddr(s.Source); err != nil || a.Zone() != "" {
			bad("source", "%q is not an IP address", s.Source)
		}
	}
	for field, text := range map[string]string{"host": s.Host, "path": s.Path} {
		if i := strings.IndexFunc(text, func(r rune) bool { return r <= ' ' || r >= 0x7f }); i >= 0 {
			bad(field, "%q: only visible ASCII characters may stand in a %s", text, field)
		}
	}
	if s.Path != "" && s.Path[0] != '/' {
		bad("path", "%q does not begin with /", s.Path)
	}
	return append(all, s.optionProblems()...)
}

// reservedFDs is how many descriptors of the process are not for connections.
const reservedFDs = 64

func (s *Spec) optionProblems() (all []Problem) {
	k, ok := findKind(s.Kind)
	if !ok {
		return []Problem{{"kind", fmt.Sprintf("unknown kind %q: want %s", s.Kind, strings.Join(Kinds(), ", "))}}
	}
	bad := func(field, format string, args ...any) {
		all = append(all, Problem{field, fmt.Sprintf(format, args...)})
	}
	within := func(field string, n, low, high int64) {
		if n < low || n > high {
			bad(field, "%s must be from %d to %d, not %d", field, low, high, n)
		}
	}
	for _, o := range s.given() {
		if !slices.Contains(k.options, o) {
			bad(o, "kind %s takes no %s%s", k.name, o, k.takes())
		}
	}
	if s.HoldUs != nil && (*s.HoldUs < 0 || *s.HoldUs > maxLengthUs) {
		bad("hold", "hold must be from 0s to 24h")
	}
	if s.EveryUs != nil && (*s.EveryUs < leastEveryUs || *s.EveryUs > maxWaitUs) {
		bad("every", "every must be from 1ms to 1h")
	}
	if s.Bytes != nil {
		within("bytes", int64(*s.Bytes), 1, maxOversize)
	}
	if s.Size != nil {
		within("size", *s.Size, 1, k.maxSize())
	}
	if s.Window != nil {
		within("window", int64(*s.Window), 1, maxSize)
	}
	if s.Requests != nil {
		within("requests", int64(*s.Requests), 1, maxRequests)
	}
	known := k.variants(s)
	for _, name := range s.Only {
		if len(known) > 0 && !slices.Contains(known, name) {
			bad("only", "kind %s has no variant %q: it has %s", k.name, name, strings.Join(known, ", "))
		}
	}
	return all
}

// given lists the options that are set.
func (o *Options) given() (names []string) {
	for _, one := range []struct {
		name string
		set  bool
	}{
		{"hold", o.HoldUs != nil},
		{"every", o.EveryUs != nil},
		{"bytes", o.Bytes != nil},
		{"size", o.Size != nil},
		{"window", o.Window != nil},
		{"requests", o.Requests != nil},
		{"reset", o.Reset != nil},
		{"only", len(o.Only) > 0},
	} {
		if one.set {
			names = append(names, one.name)
		}
	}
	return names
}

// Validate reports everything that is wrong with s.
func (s *Spec) Validate() error {
	var errs []error
	for _, p := range s.Problems() {
		errs = append(errs, errors.New(p.Text))
	}
	if len(s.Targets) == 0 {
		errs = append(errs, errors.New("no target address"))
	}
	for _, t := range s.Targets {
		errs = append(errs, near(t))
	}
	return errors.Join(errs...)
}

// near checks a target. What this package does to a peer is done to nobody who
// is not part of a test: addresses must be of this host, of a private network
// or of those set aside for benchmarks (RFC 2544).
func near(target string) error {
	a, err := sock.Parse(target)
	if err != nil || a.IsUnix() {
		return err
	}
	ip, benchmark := a.AddrPort().Addr().Unmap(), netip.MustParsePrefix("198.18.0.0/15")
	switch {
	case a.AddrPort().Port() == 0:
		return fmt.Errorf("target %q has no port", target)
	case ip.IsLoopback(), ip.IsPrivate(), ip.IsLinkLocalUnicast(), benchmark.Contains(ip):
		return nil
	}
	return fmt.Errorf("target %s is a public address: only those of this host, of private networks and of 198.18.0.0/15 are abused", target)
}
