package format

import (
	"errors"
	"slices"
	"strings"
	"time"

	"bench/loadgen/codec"
	"bench/loadgen/workload"
	"bench/scenarios/objective"
)

// Integrity says whether origins and clients check that what they receive is what was
// sent: on, off, or on with exceptions.
type Integrity struct {
	// Except lists what the proxy changes: path, status, body, compression (of
	// answers), request (answers may be those to another request: a cache),
	// cookie:NAME, or the name of a field, NAME* for all that begin so. What every
	// proxy may change is left out anyway.
	Except []string `yaml:"except"`

	// Off is set by the word off.
	Off bool `jsonschema:"-"`
}

// setScalar lets it be written as on or off.
func (i *Integrity) setScalar(text string) error {
	switch text {
	case "on", "off":
		i.Off = text == "off"
		return nil
	}
	return errors.New(`want on, off or {except: [...]}`)
}

// Pieces sends requests in pieces, each some time after the one before.
type Pieces struct {
	// Min and Max bound the number of pieces of a head, and again of a body.
	Min int `yaml:"min" default:"3"`
	Max int `yaml:"max" default:"9"`
	// Pause is the longest time between two pieces.
	Pause Duration `yaml:"pause" default:"1ms"`
}

// pieces is the same as the generator reads it.
func (p *Pieces) pieces() *workload.Pieces {
	if p == nil {
		return nil
	}
	return &workload.Pieces{Min: p.Min, Max: p.Max, PauseUs: p.Pause.Us()}
}

// IntegrityOf is the check of a load as the generator reads it; nil where there is none.
func (s *Scenario) IntegrityOf(l *Load) *codec.Integrity {
	if l.Integrity.Off {
		return nil
	}
	switch l.Protocol {
	case "http1", "http2":
		if s.all("http", func(*Backend) bool { return true }, l) {
			return &codec.Integrity{Except: l.Integrity.Except}
		}
	case "tcp":
		check := &codec.Integrity{
			Source: s.all("tcp", func(b *Backend) bool { return b.TCP.Mode == "source" }, l),
		}
		verifiable := func(x Exchange) bool { return x.Echo != nil || x.Download != nil && check.Source }
		if l.TCP != nil && slices.ContainsFunc(l.TCP.Exchanges, verifiable) {
			return check
		}
	}
	return nil
}

// all reports whether there are backends of a kind that a load may reach, and all of
// them are as wanted.
func (s *Scenario) all(kind string, wanted func(*Backend) bool, l *Load) bool {
	origin, direct := strings.CutPrefix(l.Target, "origin/")
	found := false
	for i := range s.Backends {
		b := &s.Backends[i]
		if b.Kind != kind || direct && b.Name != origin {
			continue
		}
		if !wanted(b) {
			return false
		}
		found = true
	}
	return found
}

// Judged are the objectives, with that on integrity where loads are checked and
// neither an objective speaks of it nor origins are told to corrupt their answers.
func (s *Scenario) Judged() []Objective {
	checked := slices.ContainsFunc(s.Load, func(l Load) bool { return s.IntegrityOf(&l) != nil })
	said := slices.ContainsFunc(s.Objectives, func(o Objective) bool { return strings.Contains(o.Expr, "integrity.") })
	corrupt := slices.ContainsFunc(s.Events, func(e Event) bool { return e.Do == "backend.corrupt" })
	if !checked || said || corrupt {
		return s.Objectives
	}
	return append(slices.Clone(s.Objectives), Objective{Expr: objective.Intact})
}

// Bounds of pieces.
const (
	MaxPieces = 1000
	MaxPause  = Duration(time.Second)
)
