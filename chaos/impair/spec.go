// Package impair decides what happens to each packet of a link: lost, held back,
// doubled, changed, answered. Every decision follows from the seed, the flow and
// the packet's number within its flow and direction, so that the same seed does
// the same to the same traffic, however the flows interleave. It keeps the truth
// about what it did. Sockets and clocks may not enter: time is a number that the
// caller passes.
package impair

import (
	"errors"
	"fmt"
	"net/netip"
	"time"

	"bench/internal/dist"
)

// Direction of packets on a link, whose ends are those nearer to the clients and
// to the origins.
type Direction uint8

// The directions. Upstream is towards the origins.
const (
	Upstream Direction = iota
	Downstream
)

// Sides says which directions a match covers.
type Sides string

// The values of Match.Direction.
const (
	BothWays Sides = "" // as Both
	Both     Sides = "both"
	UpOnly   Sides = "upstream"
	DownOnly Sides = "downstream"
)

// Match says which packets an impairment concerns; the zero value is all of IP.
// Address resolution always passes, as behind a router.
type Match struct {
	Direction Sides `json:"direction,omitempty"`
	// Protocol is tcp, udp or icmp; empty is all.
	Protocol string `json:"protocol,omitempty"`
	// Port is that of either end; 0 is all.
	Port uint16 `json:"port,omitempty"`
	// Address contains that of either end; the zero prefix is all.
	Address netip.Prefix `json:"address,omitzero"`
	// Connections is the share of connections concerned, in (0, 1]; 0 is all.
	Connections float64 `json:"connections,omitempty"`
}

// Burst is the loss model of Gilbert and Elliott: a chain of a good and a bad
// state, which steps with each packet of a flow and direction.
type Burst struct {
	Enter float64 `json:"enter"` // probability to go from good to bad
	Leave float64 `json:"leave"` // from bad to good; 1/Leave is the mean burst
	Bad   float64 `json:"bad"`   // loss while bad
	Good  float64 `json:"good"`  // loss while good
}

// Mean is the share of packets lost in the long run.
func (b *Burst) Mean() float64 {
	bad := b.Enter / (b.Enter + b.Leave)
	return bad*b.Bad + (1-bad)*b.Good
}

// Reject is how packets are turned away.
type Reject string

// The ways to turn packets away.
const (
	NoReject  Reject = ""
	WithReset Reject = "reset" // TCP: RST; others: ICMP
	WithICMP  Reject = "icmp"  // port unreachable
)

// Spec is one impairment. Several may act on a link at once: a packet is lost if
// one of them loses it, and delays add up.
type Spec struct {
	ID    string `json:"id"`
	Seed  uint64 `json:"seed"`
	Match Match  `json:"match"`

	// Delay of each packet.
	Delay dist.Duration `json:"delay,omitzero"`
	// Correlation of the delays of successive packets of a flow, in [0, 1).
	Correlation float64 `json:"correlation,omitempty"`
	// Overtake lets packets of a flow overtake each other when their delays
	// differ. Otherwise each waits for the one before.
	Overtake bool `json:"overtake,omitempty"`

	Loss      float64 `json:"loss,omitempty"` // share, as the following
	Burst     *Burst  `json:"burst,omitempty"`
	Duplicate float64 `json:"duplicate,omitempty"`
	Corrupt   float64 `json:"corrupt,omitempty"` // one bit flipped, the checksum kept
	// Reorder is the share of packets held back by ReorderBy while those behind
	// them pass.
	Reorder   float64       `json:"reorder,omitempty"`
	ReorderBy time.Duration `json:"reorderBy,omitempty"`

	// Rate in bits per second, of each direction; 0 is no limit. Packets that
	// would wait for longer than Queue are lost.
	Rate  float64       `json:"rate,omitempty"`
	Queue time.Duration `json:"queue,omitempty"`

	Drop   bool   `json:"drop,omitempty"` // everything
	Reject Reject `json:"reject,omitempty"`

	// DropSynAck loses the first so many SYN-ACKs of each connection.
	DropSynAck int `json:"dropSynAck,omitempty"`
	// ResetAfter resets a connection, at both ends, when it has carried so many
	// bytes in a direction; nil is never.
	ResetAfter *int64 `json:"resetAfter,omitempty"`
	// LoseFin loses the ends of connections, but no data.
	LoseFin bool `json:"loseFin,omitempty"`
	// ZeroWindow closes the window that segments announce: who receives them
	// must not send.
	ZeroWindow bool `json:"zeroWindow,omitempty"`
}

// maxDelay bounds what a packet may be held back, and with it the memory used.
const maxDelay = 30 * time.Second

// Check says what is wrong with the impairment.
func (s *Spec) Check() error {
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	share := func(name string, v float64) {
		if !(v >= 0 && v <= 1) {
			bad("%s is %v: want a share from 0 to 1", name, v)
		}
	}
	switch s.Match.Direction {
	case BothWays, UpOnly, DownOnly, Both:
	default:
		bad("direction %q: want upstream, downstream or both", s.Match.Direction)
	}
	switch s.Match.Protocol {
	case "", "tcp", "udp", "icmp":
	default:
		bad("protocol %q: want tcp, udp or icmp", s.Match.Protocol)
	}
	share("connections", s.Match.Connections)
	share("loss", s.Loss)
	share("duplicate", s.Duplicate)
	share("corrupt", s.Corrupt)
	share("reorder", s.Reorder)
	if b := s.Burst; b != nil {
		share("burst enter", b.Enter)
		share("burst leave", b.Leave)
		share("burst bad", b.Bad)
		share("burst good", b.Good)
		if b.Enter == 0 || b.Leave == 0 {
			bad("a burst needs enter and leave above 0")
		}
	}
	if !(s.Correlation >= 0 && s.Correlation < 1) {
		bad("correlation is %v: want at least 0 and less than 1", s.Correlation)
	}
	if s.Delay.Mean() > maxDelay {
		bad("delay %v: want at most %v", s.Delay, maxDelay)
	}
	if s.Reorder > 0 && (s.ReorderBy <= 0 || s.ReorderBy > maxDelay) {
		bad("reorder needs reorderBy, the time by which packets are held back, of at most %v", maxDelay)
	}
	if s.Rate < 0 || (s.Rate > 0 && s.Rate < 1000) {
		bad("rate is %v bit/s: want at least 1 kbit/s", s.Rate)
	}
	switch s.Reject {
	case NoReject, WithReset, WithICMP:
	default:
		bad("reject %q: want reset or icmp", s.Reject)
	}
	if s.DropSynAck < 0 {
		bad("dropSynAck is %d: want the number of SYN-ACKs to lose of each connection", s.DropSynAck)
	}
	if s.ResetAfter != nil && *s.ResetAfter < 0 {
		bad("resetAfter is %d: want a number of bytes", *s.ResetAfter)
	}
	if !s.acts() {
		bad("nothing is asked: want at least one of delay, loss, burst, duplicate, corrupt, reorder, rate, drop, reject, dropSynAck, resetAfter, loseFin, zeroWindow")
	}
	return errors.Join(errs...)
}

func (s *Spec) acts() bool {
	fixed, _ := s.Delay.Fixed()
	_, constant := s.Delay.Fixed()
	return fixed > 0 || !constant || s.Loss > 0 || s.Burst != nil || s.Duplicate > 0 || s.Corrupt > 0 ||
		s.Reorder > 0 || s.Rate > 0 || s.Drop || s.Reject != NoReject || s.DropSynAck > 0 ||
		s.ResetAfter != nil || s.LoseFin || s.ZeroWindow
}

// delays reports whether packets are held back.
func (s *Spec) delays() bool {
	d, fixed := s.Delay.Fixed()
	return d > 0 || !fixed || s.Rate > 0 || s.Reorder > 0
}

// Segments reports whether the impairment must see the packets of the wire, and not
// several merged into one.
func (s *Spec) Segments() bool {
	return s.Loss > 0 || s.Burst != nil || s.Duplicate > 0 || s.Corrupt > 0 || s.Reorder > 0 || s.Rate > 0 ||
		s.ResetAfter != nil
}
