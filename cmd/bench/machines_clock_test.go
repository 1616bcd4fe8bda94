package main

import (
	"encoding/binary"
	"encoding/json"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"bench/internal/loop"
	"bench/internal/result"
	"bench/internal/testquiet"
)

// wrongBy and fastBy are how the clocks of some machines are wrong: a quarter of a second
// ahead, and 50 ppm fast.
const (
	wrongBy = 250 * time.Millisecond
	fastBy  = 50e-6
)

// skewedClock is a file that says how clocks are wrong, for a program built to go by it.
type skewedClock struct {
	t    *testing.T
	file *os.File
	ref  int64 // of the right clock, when the others were ahead by wrongBy
}

func newSkewedClock(t *testing.T) *skewedClock {
	t.Helper()
	f, err := os.Create(filepath.Join(t.TempDir(), "skew"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	k := &skewedClock{t: t, file: f, ref: loop.Nanotime()}
	k.write(0, k.ref, wrongBy.Nanoseconds(), int64(fastBy*1e9), 0, 0)
	return k
}

// write puts numbers where number i of the file is.
func (k *skewedClock) write(i int, numbers ...int64) {
	k.t.Helper()
	var b []byte
	for _, n := range numbers {
		b = binary.NativeEndian.AppendUint64(b, uint64(n))
	}
	if _, err := k.file.WriteAt(b, int64(8*i)); err != nil {
		k.t.Fatal(err)
	}
}

// stepAfter has the clocks set by so much in a while, for good.
func (k *skewedClock) stepAfter(d, by time.Duration) {
	k.write(4, by.Nanoseconds())
	k.write(3, loop.Nanotime()+d.Nanoseconds())
}

// right has them as they were before any step.
func (k *skewedClock) right() { k.write(3, 0, 0) }

// of has nodes of a cluster go by the clock.
func (k *skewedClock) of(program string, nodes ...string) func(*cluster) {
	return func(c *cluster) {
		for _, node := range nodes {
			c.programs[node], c.env[node] = program, []string{"BENCH_CLOCK_SKEW=" + k.file.Name()}
		}
	}
}

// buildSkewed builds this program with clocks that can be wrong.
func buildSkewed(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "bench")
	if out, err := exec.Command("go", "build", "-tags", "skewedclock", "-o", path, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return path
}

// wrongClocks is a scenario with a load on a machine whose clock is wrong, and one that two
// machines share of which one has such a clock. Some requests fail, and have times of their own.
const wrongClocks = `version: 1
name: clocks
seed: 7
hosts:
  - {name: alone, names: [gen1]}
  - {name: together, names: [gen2, gen3]}
  - {name: edge, names: [px]}
  - {name: origins, names: [or1]}
proxy:
  onHost: edge
  config: |
    global
        stats socket {{.Stats}} level admin expose-fd listeners
    defaults
        mode http
        timeout connect 5s
        timeout client 10s
        timeout server 10s
    frontend web
        bind {{bind "web"}}
        default_backend web
    backend web
    {{- range .Backends.web}}
        server {{.Name}} {{.Addr}}
    {{- end}}
backends:
  - {name: web, onHost: origins}
load:
  - name: alone
    onHost: alone
    target: proxy/web
    arrival: constant
    timeout: 10s
    connections: {pool: 2}
    requests:
      - {name: good, weight: 4, path: /}
      - {name: bad, path: /, expect: {status: [404]}}
    phases:
      - {name: steady, rate: 50/s, for: 21s}
  - name: together
    onHost: together
    target: proxy/web
    arrival: constant
    timeout: 10s
    connections: {pool: 2}
    phases:
      - {name: steady, rate: 50/s, for: 21s}
events:
  - {at: steady+18s, do: backend.latency, args: {name: web.1, latency: 20ms, for: 1s}}
objectives:
  - together.response.p90 < 5s
  - together.failed == 0
`

// linesOf reads the lines of a table of a result.
func linesOf[T any](t *testing.T, j *job, run *result.Run, name string) (all []T) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(j.dir, run.Files[name]))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		var one T
		if err := json.Unmarshal([]byte(line), &one); err != nil {
			t.Fatal(err)
		}
		all = append(all, one)
	}
	return all
}

// All times of a run are on one axis, within the bound that the record states, whatever the
// clocks of its machines show; and a clock that is set meanwhile is not believed.
func TestRunCorrectsClocks(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a minute")
	}
	if testquiet.Tried(t) {
		return
	}
	k := newSkewedClock(t)
	c := newCluster(t, k.of(buildSkewed(t), "gen1", "gen2", "or1"))
	j := c.begin(wrongClocks, "--hub", c.run)
	if code := c.end(j); code != exitPass && code != exitUnclear {
		t.Fatalf("exit code %d\n%s\n%s", code, j.out, j.p.Output())
	}
	over := float64(loop.Nanotime()-k.ref) / 1000
	run := c.record(j)
	cell := run.Cells[0]
	bounds := map[string]float64{}
	for _, h := range cell.Hosts {
		bounds[h.Name] = h.BoundUs
		if h.Step != "" || h.BoundUs <= 0 || h.BoundUs > 1500 {
			t.Errorf("%s: known to ±%v µs, %s", h.Name, h.BoundUs, h.Step)
		}
		least, most, rate := 0.0, 0.0, 0.0
		if slices.Contains([]string{"gen1", "gen2", "or1"}, h.Name) {
			least, rate = float64(wrongBy.Microseconds()), fastBy*1e6
			most = least + fastBy*over
		}
		if h.OffsetUs < least-h.BoundUs || h.OffsetUs > most+h.BoundUs {
			t.Errorf("%s is ahead by %v µs ±%v, and was by %v to %v", h.Name, h.OffsetUs, h.BoundUs, least, most)
		}
		// Two estimates at the ends of the run may be off by their bounds.
		if wrong := math.Abs(h.DriftPPM - rate); wrong > 2*h.BoundUs/20 {
			t.Errorf("%s drifts by %v ppm, and did by %v", h.Name, h.DriftPPM, rate)
		}
	}
	// The two that share a load are apart by 50 ppm, each by half of that from the middle.
	for _, name := range []string{"gen2", "gen3"} {
		if apart := fastBy * 21e6 / 2; bounds[name] < apart || bounds[name] > apart+1000 {
			t.Errorf("%s: times are known to ±%v µs, and slices are %v µs off", name, bounds[name], apart)
		}
	}
	pace := map[string]float64{"alone": fastBy, "together": fastBy / 2}
	last := map[string]float64{}
	first := map[string]float64{}
	for _, s := range linesOf[result.Interval](t, j, run, "timeline") {
		slot := s.StartUs - s.ShiftUs
		if slot%100_000 != 0 {
			t.Errorf("a slice of %s at %d µs, shifted by %d", s.Load, s.StartUs, s.ShiftUs)
		}
		if slot == 0 {
			first[s.Load] = float64(s.StartUs)
		}
		truth := first[s.Load] + float64(slot)*(1-pace[s.Load])
		allowed := 2 * bounds["gen1"]
		if wrong := math.Abs(float64(s.StartUs) - truth); wrong > allowed {
			t.Errorf("the slice of %s at %d is put at %d, and was at %.0f (±%.0f)", s.Load, slot, s.StartUs, truth, allowed)
		}
		last[s.Load] = max(last[s.Load], -float64(s.ShiftUs))
	}
	for load, rate := range pace {
		if least := rate*20e6 - 2*bounds["gen1"]; last[load] < least || math.Abs(first[load]) > 2*bounds["gen1"]+fastBy*3e6 {
			t.Errorf("%s begins at %v and is shifted by %v µs at most, and not %v", load, first[load], last[load], least)
		}
	}
	// In the middle of every fiftieth of a second by a clock that is fast a request was due, and
	// is a little earlier on the axis.
	failures := linesOf[result.Failure](t, j, run, "errors")
	if len(failures) < 100 {
		t.Errorf("%d failed requests", len(failures))
	}
	for _, f := range failures {
		due := (float64(f.AtUs) - first["alone"]) / (1 - fastBy)
		if wrong := math.Abs(math.Mod(due, 20_000) - 10_000); wrong > 2*bounds["gen1"]+2 {
			t.Errorf("a request that was due at %d µs on the axis was due at %.0f by its clock: wrong by %.0f", f.AtUs, due, wrong)
		}
	}
	i := slices.IndexFunc(cell.Events, func(e result.Event) bool { return e.Kind == "backend.latency" })
	if i < 0 || !cell.Events[i].Applied {
		t.Fatalf("%+v", cell.Events)
	}
	// An origin whose clock is a quarter of a second ahead carried it out soon after its time.
	if e := cell.Events[i]; e.BeginUs < e.PlannedUs-int64(bounds["or1"]) || e.BeginUs > e.PlannedUs+200_000 || math.Abs(float64(e.EndUs-e.BeginUs)-1e6) > 2000 {
		t.Errorf("planned for %d, from %d to %d", e.PlannedUs, e.BeginUs, e.EndUs)
	}
	c.nothingLeft()

	for _, by := range []time.Duration{20 * time.Millisecond, -time.Second} {
		j := c.begin(strings.ReplaceAll(wrongClocks, "for: 21s", "for: 9s"), "--hub", c.run, "--set", "events=[]")
		until(t, "the loads", func() bool { return strings.Contains(j.out.String(), "starting loads") || !j.p.Running() })
		k.stepAfter(5*time.Second, by)
		code := c.end(j)
		run := c.record(j)
		if code != exitUnclear || run.Verdict != result.Invalid {
			t.Errorf("set by %v: exit code %d, %s: %s\n%s\n%s", by, code, run.Verdict, run.Reason, j.out, j.p.Output())
			continue
		}
		cell := run.Cells[0]
		for _, o := range cell.Objectives {
			want := result.Pass // counts are what they are
			if strings.Contains(o.Expr, "p90") {
				want = result.Invalid
			}
			if o.Verdict != want || want == result.Invalid && !strings.Contains(o.Reason, "cannot be compared: the clock was set") {
				t.Errorf("set by %v: %s is %s: %s", by, o.Expr, o.Verdict, o.Reason)
			}
		}
		for _, h := range cell.Hosts {
			if set := slices.Contains([]string{"gen1", "gen2", "or1"}, h.Name); set != (h.Step != "") {
				t.Errorf("set by %v: %s: %q", by, h.Name, h.Step)
			}
		}
		k.right()
		c.nothingLeft()
	}
}
