package config

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// TestEndlessSources holds that what never ends is no configuration: a device
// full of null characters ends at the first of them, anything else at the limit.
func TestEndlessSources(t *testing.T) {
	sources, err := ReadSources([]string{"/dev/zero"})
	if err != nil {
		t.Fatal(err)
	}
	if n := len(sources[0].Text); n > 1<<20 {
		t.Errorf("%d bytes of /dev/zero were read", n)
	}
	_, diags := Load(sources, testEnv())
	if got := printed(diags); !strings.Contains(got, "[/dev/zero:1] : null character in the line") {
		t.Errorf("/dev/zero: %s", got)
	}
	text, err := readText("endless", &endless{"listen web\n"})
	if err == nil || !strings.Contains(err.Error(), "endless is longer than 128 MiB") {
		t.Errorf("got %d bytes and %v", len(text), err)
	}
}

// endless repeats a line, and fails the test by memory if it is read to its end.
type endless struct{ line string }

func (e *endless) Read(p []byte) (int, error) {
	n := 0
	for n+len(e.line) <= len(p) {
		n += copy(p[n:], e.line)
	}
	return n, nil
}

func TestReadSourcesFails(t *testing.T) {
	dir := t.TempDir()
	if _, err := ReadSources([]string{filepath.Join(dir, "none.cfg")}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a missing file: %v", err)
	}
}

// TestLongLine holds that the error about a line names the limit.
func TestLongLine(t *testing.T) {
	text := "listen web\n  description " + strings.Repeat("x", maxLine) + "\n"
	_, diags := Load([]Source{{Name: "t.cfg", Text: []byte(text)}}, testEnv())
	want := fmt.Sprintf("t.cfg:2:1: line of %d bytes is too long: at most %d", len("  description ")+maxLine, maxLine)
	if err := diags.Err(); err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
	text = "listen web\n  bind :1\n  timeout client 1s\n  log-tag " + strings.Repeat("x", 1<<18) + "\n"
	if _, diags = Load([]Source{{Name: "t.cfg", Text: []byte(text)}}, testEnv()); len(diags) > 0 {
		t.Errorf("a long line within the limit: %v", diags.Err())
	}
}

// TestReadingIsLinear compares what configurations of n and 16n parts cost: processor
// time, of which other programs take none away, and the best of several tries; what is
// quadratic costs 256 times as much.
func TestReadingIsLinear(t *testing.T) {
	backends := func(n int) []byte {
		var b bytes.Buffer
		b.WriteString("defaults\n  timeout connect 1s\n  timeout client 1s\n  timeout server 1s\n")
		for i := range n {
			fmt.Fprintf(&b, "frontend f%d\n  bind 127.0.0.1:%d\n  default_backend b%d\nbackend b%d\n  server s 127.0.0.1:80 check\n", i, i+1, i, i)
		}
		return b.Bytes()
	}
	servers := func(n int) []byte {
		var b bytes.Buffer
		b.WriteString("backend b\n  timeout connect 1s\n  timeout server 1s\n")
		for i := range n {
			fmt.Fprintf(&b, "  server s%d 127.0.0.1:80\n", i)
		}
		return b.Bytes()
	}
	binds := func(n int) []byte {
		var b bytes.Buffer
		b.WriteString("frontend f\n  timeout client 1s\n")
		for i := range n {
			fmt.Fprintf(&b, "  bind 127.0.0.1:%d\n", i+1)
		}
		return b.Bytes()
	}
	const times = 16
	for name, c := range map[string]struct {
		text func(int) []byte
		n    int
	}{"backends": {backends, 1000}, "servers": {servers, 2000}, "binds": {binds, 2000}} {
		t.Run(name, func(t *testing.T) {
			text, n := c.text, c.n
			small, large := time.Hour, time.Hour
			for range 3 {
				small, large = min(small, loadCost(t, text(n))), min(large, loadCost(t, text(n*times)))
				if large < 3*times*small {
					return
				}
			}
			t.Errorf("%d %s cost %v, %d cost %v: not linear", n, name, small, n*times, large)
		})
	}
}

// loadCost is the processor time that it takes to load a configuration.
func loadCost(t *testing.T, text []byte) time.Duration {
	t.Helper()
	begun := processorTime(t)
	_, diags := Load([]Source{{Name: "t.cfg", Text: text}}, testEnv())
	cost := processorTime(t) - begun
	if diags.HasErrors() {
		t.Fatal(diags.Err())
	}
	return cost
}

// processorTime is what this process has used so far.
func processorTime(t *testing.T) time.Duration {
	t.Helper()
	var now unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_PROCESS_CPUTIME_ID, &now); err != nil {
		t.Fatal(err)
	}
	return time.Duration(now.Nano())
}
