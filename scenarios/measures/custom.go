package measures

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"bench/internal/result"
	"bench/reports/series"
	"bench/scenarios/objective"
)

// custom are the measures that were asked for: metrics of objectives, over the whole
// run.
func custom(c *series.Cell, intervals []result.Interval, asked []Asked) ([]Measure, error) {
	names := objective.Names{}
	for i := range c.Loads {
		names.Loads = append(names.Loads, c.Loads[i].Name)
	}
	for i := range c.Abuse {
		names.Abuse = append(names.Abuse, c.Abuse[i].Name)
	}
	for _, r := range c.Receipts {
		if !slices.Contains(names.Origins, r.Name) {
			backend, _, _ := strings.Cut(r.Name, ".")
			names.Origins = append(names.Origins, r.Name, backend)
		}
	}
	data := &objective.Data{
		Loads: c.Loads, Abuse: c.Abuse, Intervals: intervals, Phases: c.Phases, Events: c.Events,
		Conservation: c.Conservation, Unreported: c.AlteredUnreported, Receipts: c.Receipts, LimitUs: c.LimitP99(),
	}
	var all []Measure
	for _, a := range asked {
		q, err := objective.ParseQuantity(a.Text, names)
		if err != nil {
			return nil, fmt.Errorf("measure %s: %w", a.Text, err)
		}
		m := Measure{Name: q.Text, Unit: q.Kind().Unit(), MoreIsBetter: q.MoreIsBetter()}
		switch {
		case q.Counts():
			m.Kind = Count
			m.Of = requests(c, q.Load())
		case m.Unit == "1", m.Unit == "%":
			m.Unit = ""
		}
		if q.Recovery() {
			m.Step = stepUs
		}
		if v, why := q.Value(data); why != "" {
			m = m.unknown("%s", why)
		} else {
			m = m.of(v)
		}
		all = append(all, m)
	}
	return all, nil
}

// requests that were due in the measured phases of a load, "" for all.
func requests(c *series.Cell, load string) (n uint64) {
	for i := range c.Loads {
		if load == "" || c.Loads[i].Name == load {
			n += c.Loads[i].Requests
		}
	}
	return n
}

// readIntervals reads the timeline of every cell, by its name. What a killed run left
// incomplete ends it.
func readIntervals(dir string) (map[string][]result.Interval, error) {
	f, err := os.Open(filepath.Join(dir, "timeline.jsonl"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	all := map[string][]result.Interval{}
	lines := bufio.NewScanner(f)
	lines.Buffer(make([]byte, 1<<16), 1<<26)
	for lines.Scan() {
		var n result.Interval
		if json.Unmarshal(lines.Bytes(), &n) != nil {
			break
		}
		all[n.Cell] = append(all[n.Cell], n)
	}
	for _, list := range all {
		slices.SortStableFunc(list, byTime)
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("%s: %w", f.Name(), err)
	}
	return all, nil
}
