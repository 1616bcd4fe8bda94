package network

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"bench/chaos"
	"bench/chaos/capture"
	"bench/chaos/evidence"
	"bench/chaos/impair"
	"bench/internal/proc"
	"bench/internal/result"
	"bench/internal/units"
)

// Fault is an order at a place as a chaos.Fault. What it changes is held by this
// process, its helpers and the namespaces of the run, and goes with them: there is
// nothing to write into the journal.
type Fault struct {
	Net   *Network
	Order Order
	Place Place

	actor   actor
	file    *os.File
	capture *capture.Capture
	begun   time.Time
	stolen  float64
}

var _ chaos.Fault = (*Fault)(nil)

// Begin implements chaos.Fault. What cannot be done at the place is an error that
// says what would be right.
func (f *Fault) Begin(context.Context, *chaos.Journal) error {
	start, err := choose(&f.Order, &f.Place)
	if err != nil {
		return err
	}
	if err := f.startCapture(); err != nil {
		return err
	}
	if f.actor, err = start(f.Net, &f.Order, &f.Place); err != nil {
		return errors.Join(err, f.stopCapture())
	}
	f.begun, f.stolen = time.Now(), stolen()
	return nil
}

// Mechanism says by what means the fault, once begun, is carried out.
func (f *Fault) Mechanism() string { return f.actor.name() }

// Change replaces the impairment by another, without a gap where the mechanism
// can do that.
func (f *Fault) Change(s impair.Spec) error {
	s.ID = f.Order.ID
	if err := s.Check(); err != nil {
		return err
	}
	return f.actor.change(&s)
}

// End implements chaos.Fault.
func (f *Fault) End() (*result.Certificate, error) {
	findings, err := f.actor.end()
	if share := (stolen() - f.stolen) / time.Since(f.begun).Seconds() / float64(runtime.NumCPU()); share > maxStolen {
		findings = append(findings, result.Finding{
			What: "processor time taken by the host", Verdict: result.Inconclusive,
			Asked: "at most " + units.Percent(maxStolen), Achieved: units.Percent(share), Note: "times are not exact",
		})
	}
	err = errors.Join(err, f.stopCapture())
	c := evidence.Certificate(f.actor.name(), err == nil, findings...)
	if f.capture != nil {
		c.Capture = filepath.Base(f.Order.Capture)
	}
	return c, err
}

// maxStolen is the share of the processors that the host of a virtual machine may
// take for others.
const maxStolen = 0.1

// stolen is that time since the boot; none where the kernel does not tell.
func stolen() float64 {
	seconds, err := proc.Stolen(nil)
	if err != nil {
		return 0
	}
	return seconds
}

func (f *Fault) startCapture() (err error) {
	if f.Order.Capture == "" {
		return nil
	}
	if f.file, err = os.Create(f.Order.Capture); err != nil {
		return fmt.Errorf("capture: %w", err)
	}
	f.capture, err = capture.Start(f.file, capture.Config{
		Namespace: f.Place.Namespace, Interfaces: f.Place.interfaces(), Comment: "fault " + f.Order.ID,
	})
	if err != nil {
		return errors.Join(err, f.file.Close(), os.Remove(f.Order.Capture))
	}
	return nil
}

func (f *Fault) stopCapture() error {
	if f.capture == nil {
		return nil
	}
	_, err := f.capture.Close()
	return errors.Join(err, f.file.Close())
}
