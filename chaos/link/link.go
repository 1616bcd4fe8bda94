// Package link is a wire of user space: a helper process between two interfaces
// that carries their frames across and impairs them on the way, as package impair
// decides. It is used where the kernel has no netem, and wherever a seed or the
// truth about what happened is asked for. Decisions and statistics may not enter.
package link

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"sync"
	"time"

	"bench/chaos/impair"
	"bench/internal/proc"
)

// Mark is the mark of the frames that the link sends (SO_MARK).
const Mark = 0x62656e63

// Config says what a link connects.
type Config struct {
	// Namespace is the path of the network namespace of both interfaces, like
	// /proc/PID/ns/net; "" is that of this process.
	Namespace string `json:"namespace,omitempty"`
	// Interfaces towards the clients and towards the origins.
	Interfaces [2]string `json:"interfaces"`
	// Spin is how long before a packet is due the helper begins to look at the
	// clock instead of sleeping: it buys exactness with processor time.
	Spin time.Duration `json:"spin,omitempty"`
	// Exclusive makes the link take over from what forwards between the
	// interfaces otherwise; that goes on when the link ends, however it ends.
	Exclusive bool `json:"exclusive,omitempty"`
	// Own is the port of a server of this machine. The link then carries what comes for it by
	// the first of the interfaces, and what it sends by that one; there is no other.
	Own netip.AddrPort `json:"own,omitzero"`
	// Only is what the link carries, and takes over if it is exclusive; nothing is
	// everything.
	Only []impair.Match `json:"only,omitempty"`
}

// DefaultSpin suits delays that are asked for to the microsecond. It is longer than
// an idle processor of a virtual machine usually takes to wake up, about 100 µs.
const DefaultSpin = 200 * time.Microsecond

// Link is a helper process at work.
type Link struct {
	process *proc.Process
	answers chan answer
	start   answer

	mu sync.Mutex // one order at a time
}

// answerTime is what a helper has to answer an order: it does so between two
// batches of packets.
const answerTime = 5 * time.Second

// Start starts a link as a process of the group. command runs Serve.
func Start(g *proc.Group, command []string, c Config) (*Link, error) {
	// What is taken over but not carried is lost: with all of IP goes all that is
	// no IP, address resolution first of all.
	if slices.ContainsFunc(c.Only, func(m impair.Match) bool { return m.Protocol == "" && m.Port == 0 && !m.Address.IsValid() }) {
		c.Only = nil
	}
	l := &Link{answers: make(chan answer, 1)}
	out := &proc.LineWriter{Take: func(line []byte) {
		var a answer
		if err := json.Unmarshal(line, &a); err != nil {
			a.Error = fmt.Sprintf("unknown answer %q: %v", line, err)
		}
		select {
		case l.answers <- a:
		default: // nobody waits for it any more
		}
	}}
	var err error
	l.process, err = g.Start(proc.Spec{
		Name: "userspace link", Args: command, Nice: -20, RealTime: true, StdinPipe: true, Stdout: out,
		// Its one thread never enters the Go scheduler; nothing may preempt it.
		Env: []string{"GODEBUG=asyncpreemptoff=1"},
	})
	if err != nil {
		return nil, err
	}
	if l.start, err = l.do(order{Start: &c}); err != nil {
		l.process.Kill()
		return nil, fmt.Errorf("userspace link between %s and %s: %w", c.Interfaces[0], c.Interfaces[1], err)
	}
	return l, nil
}

// RealTime reports whether the helper runs before all ordinary processes.
func (l *Link) RealTime() bool { return l.start.RealTime }

// Process is the helper.
func (l *Link) Process() *proc.Process { return l.process }

// Aim changes what the link carries; nothing is everything.
func (l *Link) Aim(only []impair.Match) error {
	_, err := l.do(order{Aim: &only})
	return err
}

// Add puts an impairment to work.
func (l *Link) Add(s impair.Spec) error {
	if err := s.Check(); err != nil {
		return err
	}
	_, err := l.do(order{Add: &s})
	return err
}

// Change replaces an impairment by another of the same ID between two packets,
// and returns the truth about the one before.
func (l *Link) Change(s impair.Spec) (*impair.Truth, error) {
	a, err := l.do(order{Change: &s})
	return a.Truth, err
}

// Remove ends an impairment and returns the truth about it.
func (l *Link) Remove(id string) (*impair.Truth, error) {
	a, err := l.do(order{Remove: id})
	return a.Truth, err
}

// Truth returns what an impairment did so far.
func (l *Link) Truth(id string) (*impair.Truth, error) {
	a, err := l.do(order{Truth: id})
	return a.Truth, err
}

// State returns the link's account and the impairments at work.
func (l *Link) State() (Line, []string, error) {
	a, err := l.do(order{})
	return a.Line, a.Active, err
}

// closeTime is what a helper has to end by itself: with the race detector it takes
// more than a second.
const closeTime = 3 * time.Second

// Close ends the link. Frames that wait are lost.
func (l *Link) Close() error {
	err := l.process.Stdin.Close()
	select {
	case <-l.process.Done():
	case <-time.After(closeTime):
		l.process.Kill()
		err = errors.Join(err, errors.New("the userspace link did not end by itself"))
	}
	return err
}

// do gives an order and waits for the answer.
func (l *Link) do(o order) (answer, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	select {
	case <-l.answers: // too late for the one who asked
	default:
	}
	text, err := json.Marshal(o)
	if err != nil {
		return answer{}, err
	}
	if _, err := l.process.Stdin.Write(append(text, '\n')); err != nil {
		return answer{}, l.lost(err)
	}
	select {
	case a := <-l.answers:
		if a.Error != "" {
			return a, errors.New(a.Error)
		}
		return a, nil
	case <-l.process.Done():
		return answer{}, l.lost(errors.New("it ended"))
	case <-time.After(answerTime):
		return answer{}, l.lost(fmt.Errorf("no answer within %v", answerTime))
	}
}

// lost reports that the helper is gone, with its last words.
func (l *Link) lost(err error) error {
	return fmt.Errorf("the userspace link is lost: %w: %s %s", err, l.process.State(), l.process.Output())
}
