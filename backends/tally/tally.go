// Package tally counts requests by class, and keeps which of them were seen.
// A Sheet belongs to one replica on one thread; sheets are merged when read.
// What a request or a protocol is may not enter.
package tally

import (
	"bytes"
	"maps"
	"slices"
	"strconv"

	"bench/backends/control"
	"bench/backends/idset"
)

// Names of the classes that clients do not choose.
const (
	NoClass    = "-"     // requests without an id
	CheckClass = "check" // health checks
)

const (
	maxClasses = 256
	maxName    = 64
	lowStatus  = 100
	highStatus = 599
)

// Sheet holds the counts of one replica on one thread.
type Sheet struct {
	Accepted, Active, Silent, Refused uint64
	Limited, Denied, Spoilt           uint64
	BytesIn, BytesOut                 uint64
	Malformed, Incomplete, BadIDs     uint64
	Intact, Altered                   uint64 // requests that said what they should be

	classes map[string]*Class
	none    *Class
	check   *Class
	last    *Class
}

// NewSheet returns an empty sheet.
func NewSheet() *Sheet {
	s := &Sheet{classes: make(map[string]*Class)}
	s.none, s.check = s.class([]byte(NoClass)), s.class([]byte(CheckClass))
	s.last = s.none
	return s
}

// Class holds the counts of one class of requests.
type Class struct {
	name                             string
	received, answered, aborted, cut uint64
	errors, repeated, untracked      uint64
	statuses                         [highStatus - lowStatus + 1]uint64
	receivedIDs, answeredIDs         idset.Set
}

// Mark is one request on its way through the counters. The zero value is none.
type Mark struct {
	class *Class
	seq   uint64
	hasID bool
}

// Own is the mark of a request in a class that its client has named; a name
// that cannot be is class "-".
func (s *Sheet) Own(name []byte) Mark {
	c := s.classes[string(name)]
	if c == nil {
		if len(name) == 0 || len(name) > maxName || len(s.classes) >= maxClasses || !validName(name) {
			return Mark{class: s.none}
		}
		c = s.class(name)
	}
	return Mark{class: c}
}

// Check is the mark of a health check.
func (s *Sheet) Check() Mark { return Mark{class: s.check} }

// Mark reads an id of the form NAME.SEQ; no id at all is class "-". An id that
// is neither is counted and belongs to class "-" too.
func (s *Sheet) Mark(id []byte) Mark {
	if len(id) == 0 {
		return Mark{class: s.none}
	}
	dot := bytes.LastIndexByte(id, '.')
	seq, ok := decimal(id[dot+1:])
	if dot <= 0 || dot > maxName || !ok {
		s.BadIDs++
		return Mark{class: s.none}
	}
	name := id[:dot]
	if string(name) != s.last.name {
		c := s.classes[string(name)]
		if c == nil {
			if len(s.classes) >= maxClasses || !validName(name) {
				s.BadIDs++
				return Mark{class: s.none}
			}
			c = s.class(name)
		}
		s.last = c
	}
	return Mark{class: s.last, seq: seq, hasID: true}
}

func (s *Sheet) class(name []byte) *Class {
	c := &Class{name: string(name)}
	s.classes[c.name] = c
	return c
}

// Received counts a request whose head and body have been read.
func (m *Mark) Received() {
	c := m.class
	c.received++
	if !m.hasID {
		return
	}
	switch c.receivedIDs.Add(m.seq) {
	case idset.Present:
		c.repeated++
	case idset.Full:
		c.untracked++
	case idset.Added:
	}
}

// Failed as a status counts as an error, in protocols that have no statuses.
const Failed = 1

// Answered counts a response that was handed to the kernel completely. Status
// is one of HTTP, 0 for none, or Failed.
func (m *Mark) Answered(status int) {
	c := m.class
	c.answered++
	switch {
	case status >= lowStatus && status <= highStatus:
		c.statuses[status-lowStatus]++
	case status == Failed:
		c.errors++
	}
	if m.hasID {
		c.answeredIDs.Add(m.seq)
	}
}

// Aborted counts a received request whose client went away unanswered.
func (m *Mark) Aborted() { m.class.aborted++ }

// Cut counts a received request whose response the origin broke off.
func (m *Mark) Cut() { m.class.cut++ }

// Reset begins afresh. Marks stay valid; the caller counts those of requests
// under way as received again, so that the new count balances.
func (s *Sheet) Reset() {
	active := s.Active
	classes, none, check, last := s.classes, s.none, s.check, s.last
	*s = Sheet{Active: active, classes: classes, none: none, check: check, last: last}
	for _, c := range classes {
		*c = Class{name: c.name}
	}
}

func decimal(b []byte) (n uint64, ok bool) {
	if len(b) == 0 || len(b) > 18 {
		return 0, false
	}
	for _, c := range b {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + uint64(c-'0')
	}
	return n, true
}

func validName(b []byte) bool {
	for _, c := range b {
		ok := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '_' || c == '.'
		if !ok {
			return false
		}
	}
	return true
}

// Snapshot is a copy of one or several sheets.
type Snapshot struct {
	sheet   Sheet
	classes map[string]*Class
}

// AddTo adds the sheet to a snapshot, the sets of ids included: an id that came
// to two sheets was repeated.
func (s *Sheet) AddTo(t *Snapshot) error {
	t.sheet.Accepted += s.Accepted
	t.sheet.Active += s.Active
	t.sheet.Silent += s.Silent
	t.sheet.Refused += s.Refused
	t.sheet.Limited += s.Limited
	t.sheet.Spoilt += s.Spoilt
	t.sheet.Denied += s.Denied
	t.sheet.BytesIn += s.BytesIn
	t.sheet.BytesOut += s.BytesOut
	t.sheet.Malformed += s.Malformed
	t.sheet.Incomplete += s.Incomplete
	t.sheet.BadIDs += s.BadIDs
	t.sheet.Intact += s.Intact
	t.sheet.Altered += s.Altered
	if t.classes == nil {
		t.classes = make(map[string]*Class)
	}
	for name, c := range s.classes {
		if c.received == 0 {
			continue
		}
		sum := t.classes[name]
		if sum == nil {
			sum = &Class{name: name}
			t.classes[name] = sum
		}
		if err := sum.add(c); err != nil {
			return err
		}
	}
	return nil
}

func (c *Class) add(o *Class) error {
	c.received += o.received
	c.answered += o.answered
	c.aborted += o.aborted
	c.cut += o.cut
	c.errors += o.errors
	c.repeated += o.repeated
	c.untracked += o.untracked
	for i, n := range o.statuses {
		c.statuses[i] += n
	}
	common, err := c.receivedIDs.Merge(&o.receivedIDs)
	if err != nil {
		return err
	}
	c.repeated += common
	_, err = c.answeredIDs.Merge(&o.answeredIDs)
	return err
}

// Counters writes the snapshot as the control endpoint gives it.
func (t *Snapshot) Counters(name, addr string) control.ReplicaCounters {
	out := control.ReplicaCounters{
		Name: name, Addr: addr,
		Connections: control.Connections{
			Accepted: t.sheet.Accepted, Active: t.sheet.Active, Silent: t.sheet.Silent, Refused: t.sheet.Refused,
			Limited: t.sheet.Limited, Denied: t.sheet.Denied, Spoilt: t.sheet.Spoilt, BytesIn: t.sheet.BytesIn, BytesOut: t.sheet.BytesOut,
		},
		Malformed: t.sheet.Malformed, Incomplete: t.sheet.Incomplete, BadIDs: t.sheet.BadIDs,
		Intact: t.sheet.Intact, Altered: t.sheet.Altered,
		Classes: []control.ClassCounters{},
	}
	for _, n := range slices.Sorted(maps.Keys(t.classes)) {
		c := t.classes[n]
		statuses := make(map[string]uint64)
		for i, k := range c.statuses {
			if k != 0 {
				statuses[strconv.Itoa(lowStatus+i)] = k
			}
		}
		out.Classes = append(out.Classes, control.ClassCounters{
			Name: n, Received: c.received, Answered: c.answered, Aborted: c.aborted, Cut: c.cut,
			Open:   c.received - c.answered - c.aborted - c.cut,
			Errors: c.errors, Statuses: statuses, Repeated: c.repeated, Untracked: c.untracked,
			IDs: c.receivedIDs.Len(), AnsweredIDs: c.answeredIDs.Len(),
		})
	}
	return out
}

// Active is the number of open connections.
func (t *Snapshot) Active() uint64 { return t.sheet.Active }

// IDs writes the sets of the snapshot.
func (t *Snapshot) IDs(name string) control.ReplicaIDs {
	out := control.ReplicaIDs{Name: name, Classes: []control.ClassIDs{}}
	for _, n := range slices.Sorted(maps.Keys(t.classes)) {
		c := t.classes[n]
		if c.receivedIDs.Len() > 0 {
			out.Classes = append(out.Classes, control.ClassIDs{Name: n, Received: &c.receivedIDs, Answered: &c.answeredIDs})
		}
	}
	return out
}
