// Package testfolder writes result folders for tests: those of runs that never were.
package testfolder

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"bench/internal/hdr"
	"bench/internal/result"
)

// Load is what a load of the run measured; zero values stand for those of Default.
type Load struct {
	Name, Target, Arrival string
	// Us are the response times in microseconds, each seen Times times.
	Us    []uint32
	Times uint32
	// Failed, Retried count requests beside those.
	Failed, Retried uint64
	Classes         []result.LoadClass
}

// Run is a run to be written.
type Run struct {
	Record result.Run
	// Loads of the one cell, whose warm-up lasts a second and whose measured time Seconds.
	Loads   []Load
	Seconds int
	// CPU is what the proxy used of one processor, System the part of it in the kernel.
	CPU, System float64
	// Env is env.json.
	Env map[string]any
	// Down are the seconds of the measured time in which all requests failed.
	Down []int
}

// Encode writes response times as histograms are written.
func Encode(t testing.TB, us []uint32, times uint32) string {
	t.Helper()
	var d hdr.Dist
	for _, v := range us {
		d = append(d, hdr.Point{Value: v, Count: times})
	}
	var enc hdr.Encoder
	text, err := enc.EncodeDist(hdr.Merge(d))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// Write writes the folder.
func Write(t testing.TB, dir string, r *Run) {
	t.Helper()
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	record := r.Record
	if record.Version == 0 {
		record.Version = 1
	}
	if record.Verdict == "" {
		record.Verdict = result.Pass
	}
	if len(record.Cells) == 0 {
		record.Cells = []*result.Cell{{Name: "run", Verdict: result.Pass}}
	}
	length := int64(r.Seconds+1) * 1e6
	var timeline, counters bytes.Buffer
	for _, c := range record.Cells {
		c.LengthUs = length
		c.Phases = []result.Phase{{Name: "warmup", LengthUs: 1e6}, {Name: "steady", StartUs: 1e6, LengthUs: length - 1e6, Measured: true}}
		if c.Proxy.Driver == "" {
			c.Proxy = result.Proxy{Driver: "builtin", Version: "1.0"}
		}
		for _, l := range r.Loads {
			c.Loads = append(c.Loads, r.load(t, &l))
			r.intervals(t, &timeline, c.Name, &l)
		}
		for at := int64(0); at <= length; at += 250_000 {
			line(t, &counters, result.Sample{Cell: c.Name, AtUs: at, Processes: []result.Process{
				{Role: "proxy", PID: 10, CPUSeconds: 3 + r.CPU*float64(at)/1e6, SystemSeconds: 1 + r.System*float64(at)/1e6, RSSBytes: 40 << 20},
				{Role: "origin", PID: 11, CPUSeconds: 7 + float64(at)/1e6, RSSBytes: 90 << 20},
			}})
		}
	}
	var text bytes.Buffer
	line(t, &text, record)
	files := map[string][]byte{
		"run.json": text.Bytes(), "timeline.jsonl": timeline.Bytes(), "counters.jsonl": counters.Bytes(), "events.jsonl": {},
		"scenario.resolved.yaml": []byte(record.Text),
	}
	if r.Env != nil {
		var env bytes.Buffer
		line(t, &env, r.Env)
		files["env.json"] = env.Bytes()
	}
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func line(t testing.TB, to *bytes.Buffer, record any) {
	t.Helper()
	text, err := json.Marshal(record)
	if err != nil {
		t.Fatal(err)
	}
	to.Write(append(text, '\n'))
}

// load is the record of a load over its measured phase.
func (r *Run) load(t testing.TB, l *Load) result.Load {
	t.Helper()
	good := uint64(len(l.Us)) * uint64(l.Times)
	out := result.Load{
		Name: l.Name, Target: or(l.Target, "proxy/web"), Arrival: or(l.Arrival, "constant"), DurationSeconds: float64(r.Seconds),
		Classes: l.Classes,
	}
	out.Requests, out.Completed, out.Failed, out.Retried, out.GoodWithin = good+l.Failed, good, l.Failed, l.Retried, good
	out.Response = result.Latency{Unit: "us", Count: good, HDR: Encode(t, l.Us, l.Times)}
	return out
}

// intervals spread the good requests evenly over the measured time; the same number, not
// measured, comes in the warm-up.
func (r *Run) intervals(t testing.TB, to *bytes.Buffer, cell string, l *Load) {
	t.Helper()
	steps := (r.Seconds + 1) * 10
	each := uint64(len(l.Us)) * uint64(l.Times) / uint64(max(1, r.Seconds*10))
	text := Encode(t, l.Us[:min(1, len(l.Us))], uint32(each))
	for i := range steps {
		n := result.Interval{
			Cell: cell, Load: l.Name, Phase: "steady", StartUs: int64(i) * 100_000, LengthUs: 100_000,
			Offered: each, Completed: each, Good: each, Response: text,
		}
		if i < 10 {
			n.Phase = "warmup"
		}
		for _, s := range r.Down {
			if i/10 == s+1 {
				n.Good, n.Response, n.Errors = 0, "", map[string]uint64{result.CauseProxy5xx: each}
			}
		}
		line(t, to, n)
	}
}

func or(text, otherwise string) string {
	if text == "" {
		return otherwise
	}
	return text
}
