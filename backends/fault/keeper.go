package fault

import (
	"crypto/tls"
	"slices"
	"time"

	"bench/backends/control"
	"bench/backends/zone"
	"bench/internal/dist"
	"bench/internal/loop"
)

// Force is the sum of the faults in force on a replica. Where several of a kind
// overlap, the one that began last rules; when it ends, the one before does.
type Force struct {
	Stalled    bool           // write nothing
	Refused    bool           // do not listen
	ResetNew   bool           // RST what is accepted
	Drain      bool           // Connection: close on every answer
	Latency    *dist.Duration // instead of the configured one; nil: none
	Failing    bool           // answer with errors
	Status     int            // of those errors; 0 where the protocol has no numbers
	Rate       float64        // share of answers that fail
	Truncate   bool           // cut answers off
	TruncateAt int64          // bytes of the body before the cut, or Half
	Piece      int            // bytes written at a time; 0: as many as fit
	Every      int64          // nanoseconds between pieces
	Corrupt    float64        // share of answers with a byte inverted
	State      string         // control.State...; "": none
	Role       string         // control.Role... instead of the configured one; "": none
	Lag        time.Duration  // instead of the configured one, if HasLag
	HasLag     bool
	Limited    bool // admit at most MaxConns connections
	MaxConns   int
	Zone       *zone.Zone // instead of the configured one; nil: none

	HandshakesStalled bool             // answer nothing to handshakes of TLS
	Certificate       *tls.Certificate // instead of the configured one; nil: none
	CutRecords        bool             // break off within a record of TLS
	Renegotiate       bool             // want another handshake behind the first
}

// Subject is what suffers the faults: one replica on one loop.
type Subject interface {
	// Changed reports that what is in force is no longer what it was.
	Changed(was, now *Force)
	// ResetLive breaks every open connection.
	ResetLive()
	// Crash ends the process.
	Crash()
}

// Keeper begins and ends the faults of one replica on one loop. All of its
// methods are for the loop's goroutine.
type Keeper struct {
	loop    *loop.Loop
	subject Subject
	ledger  *Ledger
	now     Force
	entries []*entry // in order of beginning; those waiting at the end
}

// NewKeeper returns a keeper with nothing in force.
func NewKeeper(l *loop.Loop, s Subject, ledger *Ledger) *Keeper {
	return &Keeper{loop: l, subject: s, ledger: ledger}
}

// Force is what is in force.
func (k *Keeper) Force() *Force { return &k.now }

// entry is one fault of one keeper.
type entry struct {
	k     *Keeper
	id    int
	plan  *Plan
	begun bool
	timer loop.Timer
}

// Order takes on a fault opened in the ledger as id; it begins at once, or at
// its time.
func (k *Keeper) Order(id int, p *Plan) {
	e := &entry{k: k, id: id, plan: p}
	if p.Fault.AtNs > k.loop.Refresh() {
		k.entries = append(k.entries, e)
		k.loop.SetTimer(&e.timer, p.Fault.AtNs, e)
		return
	}
	e.begin()
}

// Clear ends the fault of an id, or all for id 0.
func (k *Keeper) Clear(id int) {
	k.loop.Refresh()
	for _, e := range slices.Clone(k.entries) {
		if id == 0 || e.id == id {
			e.end(true)
		}
	}
}

// Expired begins or ends the fault.
func (e *entry) Expired(*loop.Timer) {
	if e.begun {
		e.end(false)
		return
	}
	e.k.drop(e)
	e.begin()
}

func (e *entry) begin() {
	k, now := e.k, e.k.loop.Now()
	e.begun = true
	moment := e.plan.For == 0
	k.ledger.began(e.id, now)
	if e.plan.Fault.Kind == control.Crash {
		k.subject.Crash()
	}
	if !moment {
		waiting := slices.IndexFunc(k.entries, func(o *entry) bool { return !o.begun })
		if waiting < 0 {
			waiting = len(k.entries)
		}
		k.entries = slices.Insert(k.entries, waiting, e)
		k.loop.SetTimer(&e.timer, now+int64(e.plan.For), e)
		k.change()
	}
	if e.plan.Fault.Kind == control.Reset && e.plan.Fault.Scope != control.ScopeNew {
		k.subject.ResetLive()
	}
	if moment {
		k.ledger.ended(e.id, now, false)
	}
}

func (e *entry) end(cleared bool) {
	k := e.k
	k.loop.StopTimer(&e.timer)
	k.drop(e)
	// Noted first, so that who meets an effect finds its cause in the ledger.
	k.ledger.ended(e.id, k.loop.Now(), cleared)
	if e.begun {
		k.change()
	}
}

func (k *Keeper) drop(e *entry) {
	k.entries = slices.DeleteFunc(k.entries, func(o *entry) bool { return o == e })
}

// change sums up what is in force and tells the subject.
func (k *Keeper) change() {
	was := k.now
	k.now = Force{}
	for _, row := range kinds() {
		for _, e := range k.entries {
			if e.begun && e.plan.Fault.Kind == row.name && row.apply != nil {
				row.apply(e.plan, &k.now)
			}
		}
	}
	k.subject.Changed(&was, &k.now)
}
