package testquiet

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// record is a test that notes what it is told.
type record struct{ log, fatal, skip string }

func (*record) Helper()                      {}
func (r *record) Logf(f string, args ...any) { r.log += fmt.Sprintf(f, args...) }
func (r *record) Fatalf(f string, a ...any)  { r.fatal += fmt.Sprintf(f, a...) }
func (r *record) Skip(args ...any)           { r.skip += fmt.Sprint(args...) }

// What fails on a quiet machine fails at once; on a busy one it is tried again, and
// fails in the end.
func TestRule(t *testing.T) {
	type try struct {
		o    outcome
		busy bool
	}
	for _, c := range []struct {
		name             string
		tries            []try
		fatal, log, skip string
	}{
		{"passes", []try{{passed, false}}, "", "", ""},
		{"passes on a busy machine", []try{{passed, true}}, "", "", ""},
		{"fails on a quiet machine", []try{{failed, false}}, "failed on a quiet machine", "", ""},
		{"passes again", []try{{failed, true}, {passed, true}}, "", "machine too busy", ""},
		{"fails when it is quiet", []try{{failed, true}, {failed, false}}, "failed on a quiet machine", "machine too busy", ""},
		{"fails to the end", []try{{failed, true}, {failed, true}, {failed, true}}, "failed 3 times; the machine was too busy", "machine too busy", ""},
		{"skips", []try{{skipped, false}}, "", "", "text"},
	} {
		r := &record{}
		made, paused := 0, 0
		judge(r, 3, func() (string, outcome, bool) {
			made++
			return "text", c.tries[made-1].o, c.tries[made-1].busy
		}, func() { paused++ })
		if made != len(c.tries) || paused != made-1 {
			t.Errorf("%s: %d tries, %d pauses", c.name, made, paused)
		}
		for got, want := range map[string]string{r.fatal: c.fatal, r.log: c.log, r.skip: c.skip} {
			if (got == "") != (want == "") || !strings.Contains(got, want) {
				t.Errorf("%s: %q, want %q", c.name, got, want)
			}
		}
	}
}

// The programs beside make the machine busy; what the test uses itself does not.
func TestBusy(t *testing.T) {
	w := startWatch()
	for range w.cpus {
		c := exec.Command("sh", "-c", "while :; do :; done")
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		defer func() {
			_ = c.Process.Kill() // it has no other end
			_ = c.Wait()
		}()
	}
	// How soon they get that far is for the other programs of the machine to say.
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		idle, own := w.read()
		used := own - w.own
		if used >= 0.1 {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("children used %.2f s of the processors, of which %.2f s idle", used, idle-w.idle)
		}
	}
	w.busy()
	quiet := &watch{cpus: w.cpus, began: time.Now().Add(-time.Second), late: make(chan []time.Duration, 1)}
	quiet.idle, quiet.own = quiet.read()
	quiet.idle -= float64(len(w.cpus)) // all of the second
	quiet.late <- []time.Duration{time.Microsecond}
	if quiet.busy() {
		t.Error("an idle second was busy")
	}
	for name, change := range map[string]func(*watch){
		"others": func(w *watch) { w.idle += 0.15 * float64(len(w.cpus)) },
		"late":   func(w *watch) { <-w.late; w.late <- []time.Duration{3 * time.Millisecond} },
	} {
		w := &watch{cpus: w.cpus, began: time.Now().Add(-time.Second), late: make(chan []time.Duration, 1)}
		w.idle, w.own = w.read()
		w.idle -= float64(len(w.cpus))
		w.late <- []time.Duration{time.Microsecond}
		change(w)
		if !w.busy() {
			t.Errorf("%s: not busy", name)
		}
	}
}

// A test is run in a process of its own, subtests by their names.
func TestTried(t *testing.T) {
	for _, name := range []string{"passes", "fails", "skips", "a (b) [c]"} {
		t.Run(name, func(t *testing.T) {
			if os.Getenv(variable) != "" {
				switch name {
				case "fails":
					t.Error("as it should")
				case "skips":
					t.Skip("as it should")
				}
				return
			}
			want := map[string]outcome{"fails": failed, "skips": skipped}
			wanted, ok := want[name]
			if !ok {
				wanted = passed
			}
			if text, got := try(t); got != wanted || wanted != passed && !strings.Contains(text, "as it should") {
				t.Errorf("outcome %d, want %d:\n%s", got, wanted, text)
			}
		})
	}
}

// In the process of a try the test goes on.
func TestGoesOnInATry(t *testing.T) {
	file := os.Getenv("BENCH_TEST_FILE")
	if file == "" {
		file = filepath.Join(t.TempDir(), "x")
		t.Setenv("BENCH_TEST_FILE", file)
	}
	if Tried(t) {
		if _, err := os.Stat(file); err != nil {
			t.Errorf("the test did not go on: %v", err)
		}
		return
	}
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
}
