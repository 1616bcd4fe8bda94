package series

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"bench/internal/hdr"
	"bench/internal/result"
)

// Data is a result folder in memory.
type Data struct {
	Run *result.Run
	// RunJSON is run.json as it stands in the folder.
	RunJSON []byte
	Env     map[string]any // env.json; nil if there is none
	Cells   []*Cell
	// Notes tell what could not be read.
	Notes []string
}

// Cell is one cell with its timeline.
type Cell struct {
	*result.Cell
	// ZeroUs is the end of the warm-up: the zero of every time shown.
	ZeroUs int64
	// EndUs is the end of the last phase or slot, whichever is later.
	EndUs   int64
	Slots   []Slot
	Samples []result.Sample
}

// Slot is 100 ms of all loads of a cell. Completed and Good are what ended in it,
// whenever it was due; all else is of the requests that were due in it.
type Slot struct {
	StartUs, LengthUs int64
	Offered           uint64
	Completed         uint64
	Good              uint64
	Retried           uint64
	Errors            Errors
	Unanswered        uint64
	LagMaxUs          int64
	LagP99Us          int64
	InFlight, Conns   int
	OK, Service       hdr.Dist
	// measured is the part of the loads that measure now, where others warm up
	// meanwhile; nil where all do, or none.
	measured *Slot
}

// Open reads a result folder. Files other than run.json may be missing or cut
// short, as after a lost agent; Notes then say so.
func Open(dir string) (*Data, error) {
	raw, err := os.ReadFile(filepath.Join(dir, "run.json"))
	if errors.Is(err, fs.ErrNotExist) {
		if _, err := os.Stat(filepath.Join(dir, "scenario.resolved.yaml")); err == nil {
			return nil, fmt.Errorf("%s: no run.json: the run was killed before it measured anything", dir)
		}
		return nil, fmt.Errorf("%s: no run.json, so this is not a result folder", dir)
	}
	if err != nil {
		return nil, err
	}
	d := &Data{Run: new(result.Run), RunJSON: raw}
	if err := json.Unmarshal(raw, d.Run); err != nil {
		return nil, fmt.Errorf("%s: %w", filepath.Join(dir, "run.json"), err)
	}
	if d.Run.Version != 1 {
		return nil, fmt.Errorf("%s: a record of version %d; this bench reads version 1", filepath.Join(dir, "run.json"), d.Run.Version)
	}
	if err := d.read(dir); err != nil {
		return nil, err
	}
	return d, nil
}

// Read is Open with a run record in memory instead of run.json; the record is
// kept as it is.
func Read(dir string, run *result.Run) (*Data, error) {
	raw, err := json.Marshal(run)
	if err != nil {
		return nil, err
	}
	d := &Data{Run: new(result.Run), RunJSON: raw}
	if err := json.Unmarshal(raw, d.Run); err != nil {
		return nil, err
	}
	if err := d.read(dir); err != nil {
		return nil, err
	}
	return d, nil
}

// read fills in the cells from the tables in dir.
func (d *Data) read(dir string) error {
	for _, c := range d.Run.Cells {
		if c == nil {
			return fmt.Errorf("%s: a cell is null", filepath.Join(dir, "run.json"))
		}
		d.Cells = append(d.Cells, &Cell{Cell: c})
	}
	r := reader{data: d, dir: dir}
	r.env()
	if err := errors.Join(r.timeline(), r.events(), r.samples()); err != nil {
		return err
	}
	Clean(d.Run)
	Clean(&d.Env)
	for _, c := range d.Cells {
		Clean(&c.Samples)
		c.place()
	}
	return nil
}

// place sorts what was read and finds zero and end.
func (c *Cell) place() {
	slices.SortFunc(c.Slots, func(a, b Slot) int { return cmp.Compare(a.StartUs, b.StartUs) })
	slices.SortStableFunc(c.Events, func(a, b result.Event) int { return cmp.Compare(a.BeginUs, b.BeginUs) })
	slices.SortStableFunc(c.Samples, func(a, b result.Sample) int { return cmp.Compare(a.AtUs, b.AtUs) })
	c.ZeroUs = Zero(c.Phases)
	c.EndUs = c.LengthUs
	for _, p := range c.Phases {
		c.EndUs = max(c.EndUs, p.StartUs+p.LengthUs)
	}
	if n := len(c.Slots); n > 0 {
		// The last slot ends with the last request, perhaps after a millisecond,
		// and nothing came after it: as a rate of that millisecond it would be a
		// peak that never was.
		c.Slots[n-1].LengthUs = max(c.Slots[n-1].LengthUs, slotUs)
		c.EndUs = max(c.EndUs, c.Slots[n-1].StartUs+c.Slots[n-1].LengthUs)
	}
}

// Zero is the end of the warm-up: the start of the first measured phase, or 0.
func Zero(phases []result.Phase) int64 {
	zero, found := int64(0), false
	for _, p := range phases {
		if p.Measured && (!found || p.StartUs < zero) {
			zero, found = p.StartUs, true
		}
	}
	return zero
}

// StartUs is the start of the first phase or slot: the left end of the charts.
func (c *Cell) StartUs() int64 {
	start := c.ZeroUs
	for _, p := range c.Phases {
		start = min(start, p.StartUs)
	}
	if len(c.Slots) > 0 {
		start = min(start, c.Slots[0].StartUs)
	}
	return start
}

// Measured reports whether a moment lies in a measured phase of any load. Without
// phases all of it is measured.
func (c *Cell) Measured(us int64) bool {
	for _, p := range c.Phases {
		if p.Measured && us >= p.StartUs && us < p.StartUs+p.LengthUs {
			return true
		}
	}
	return len(c.Phases) == 0
}

// MeasuredPart is what belongs to the measured time of a slot's loads; nil if
// nothing does. A load that warms up is left out while another one measures.
func (c *Cell) MeasuredPart(s *Slot) *Slot {
	switch {
	case !c.Measured(s.StartUs):
		return nil
	case s.measured != nil:
		return s.measured
	}
	return s
}

// differ reports whether, at some time, one load of the cell measures and another one
// does not.
func (c *Cell) differ() bool {
	for i := range c.Phases {
		for j := range c.Phases[:i] {
			p, q := &c.Phases[i], &c.Phases[j]
			if p.Measured != q.Measured && p.StartUs < q.StartUs+q.LengthUs && q.StartUs < p.StartUs+p.LengthUs {
				return true
			}
		}
	}
	return false
}

// measures reports whether a slice of a load lies in a measured phase.
func (c *Cell) measures(in *result.Interval) bool {
	return slices.ContainsFunc(c.Phases, func(p result.Phase) bool { return p.Name == in.Phase && p.Measured })
}

// reader reads the tables of a folder.
type reader struct {
	data *Data
	dir  string
	dec  hdr.Decoder
}

func (r *reader) note(format string, args ...any) {
	r.data.Notes = append(r.data.Notes, fmt.Sprintf(format, args...))
}

func (r *reader) env() {
	raw, err := os.ReadFile(filepath.Join(r.dir, "env.json"))
	if err != nil {
		return
	}
	if err := json.Unmarshal(raw, &r.data.Env); err != nil {
		r.note("env.json: %v", err)
	}
}

// cell finds a cell by name. With a single cell the name may be left out.
func (r *reader) cell(name string) *Cell {
	for _, c := range r.data.Cells {
		if c.Name == name || (name == "" && len(r.data.Cells) == 1) {
			return c
		}
	}
	return nil
}

// lines calls fn with each line of a table. What cannot be parsed ends it with
// a note: a run that was cut off leaves half a line.
func (r *reader) lines(name string, fn func([]byte) error) error {
	f, err := os.Open(filepath.Join(r.dir, name))
	if errors.Is(err, fs.ErrNotExist) {
		r.note("%s is missing", name)
		return nil
	}
	if err != nil {
		return err
	}
	defer f.Close()
	in := bufio.NewScanner(f)
	in.Buffer(make([]byte, 1<<16), 1<<26)
	for n := 1; in.Scan(); n++ {
		if len(bytes.TrimSpace(in.Bytes())) == 0 {
			continue
		}
		if err := fn(in.Bytes()); err != nil {
			r.note("%s: line %d and what follows is not used: %v", name, n, err)
			return nil
		}
	}
	if err := in.Err(); err != nil {
		r.note("%s: %v", name, err)
	}
	return nil
}

func (r *reader) timeline() error {
	type key struct {
		cell  *Cell
		start int64
	}
	at := make(map[key]int)
	lost := 0
	differ := make(map[*Cell]bool)
	for _, c := range r.data.Cells {
		differ[c] = c.differ()
	}
	err := r.lines("timeline.jsonl", func(line []byte) error {
		var in result.Interval
		if err := json.Unmarshal(line, &in); err != nil {
			return err
		}
		c := r.cell(in.Cell)
		if c == nil {
			lost++
			return nil
		}
		ok, err := r.dec.Decode(in.Response)
		if err != nil {
			return err
		}
		service, err := r.dec.Decode(in.Service)
		if err != nil {
			return err
		}
		slot := in.SlotUs() // that of all loads
		i, seen := at[key{c, slot}]
		if !seen {
			i = len(c.Slots)
			at[key{c, slot}] = i
			c.Slots = append(c.Slots, Slot{StartUs: slot, LengthUs: in.LengthUs})
		}
		s := &c.Slots[i]
		s.add(&in, ok, service)
		if differ[c] {
			if s.measured == nil {
				s.measured = &Slot{StartUs: slot}
			}
			if s.measured.LengthUs = s.LengthUs; c.measures(&in) {
				s.measured.add(&in, ok, service)
			}
		}
		return nil
	})
	if lost > 0 {
		r.note("timeline.jsonl: %d lines name a cell that run.json does not hold", lost)
	}
	return err
}

// add merges one load's slice into the slot.
func (s *Slot) add(in *result.Interval, ok, service hdr.Dist) {
	s.LengthUs = max(s.LengthUs, in.LengthUs)
	s.Offered += in.Offered
	s.Completed += in.Completed
	s.Good += in.Good
	s.Retried += in.Retried
	for cause, n := range in.Errors {
		s.Errors[ClassOf(cause)] += n
		if Unanswered(cause) {
			s.Unanswered += n
		}
	}
	s.LagMaxUs = max(s.LagMaxUs, in.LagMaxUs)
	s.LagP99Us = max(s.LagP99Us, in.LagP99Us)
	s.InFlight += in.InFlight
	s.Conns += in.Conns
	s.OK = hdr.Merge(s.OK, ok)
	s.Service = hdr.Merge(s.Service, service)
}

// events fills in the events of cells whose run.json holds none.
func (r *reader) events() error {
	without := make(map[*Cell]bool)
	for _, c := range r.data.Cells {
		without[c] = len(c.Events) == 0
	}
	return r.lines("events.jsonl", func(line []byte) error {
		var e result.Event
		if err := json.Unmarshal(line, &e); err != nil {
			return err
		}
		if c := r.cell(e.Cell); without[c] {
			c.Events = append(c.Events, e)
		}
		return nil
	})
}

func (r *reader) samples() error {
	return r.lines("counters.jsonl", func(line []byte) error {
		var s result.Sample
		if err := json.Unmarshal(line, &s); err != nil {
			return err
		}
		if c := r.cell(s.Cell); c != nil {
			c.Samples = append(c.Samples, s)
		}
		return nil
	})
}
