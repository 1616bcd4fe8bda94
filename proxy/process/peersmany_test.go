package process_test

import (
	"bytes"
	"encoding/binary"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"bench/internal/owned"
	"bench/internal/testpeer"
)

var manyEntries = flag.Int("peers-entries", 100_000, "entries that peers teach each other")

var usedEntries = regexp.MustCompile(`used:(\d+)`)

// used is how many entries the only table has.
func used(stats string) int {
	m := usedEntries.FindStringSubmatch(ask(stats, "show table"))
	if m == nil {
		return -1
	}
	n, _ := strconv.Atoi(m[1])
	return n
}

// scholar is one of the two processes that teach each other, and what it is like before.
type scholar struct {
	name, program, stats, web string
	cmd                       *exec.Cmd
	idle                      int // memory without any entry, in bytes
}

// resident is the memory of a process, in bytes.
func (s *scholar) resident(t *testing.T) int {
	t.Helper()
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", s.cmd.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	n, err := strconv.Atoi(strings.Fields(string(b))[1])
	if err != nil {
		t.Fatal(err)
	}
	return n * os.Getpagesize()
}

// grown is the memory that entries have come to, by the entry.
func (s *scholar) grown(t *testing.T) float64 {
	return float64(s.resident(t)-s.idle) / float64(*manyEntries)
}

func (s *scholar) start(t *testing.T) {
	t.Helper()
	s.cmd = exec.Command(s.program, "-db", "-f", s.stats+".cfg")
	s.cmd.Args[0] = "haproxy"
	testpeer.Start(t, s.cmd)
	waitLong(t, s.name, func() bool { return used(s.stats) >= 0 })
	s.idle = s.resident(t)
}

// scholars are two processes of a section with one table, which have not been started.
func scholars(t *testing.T, teacher, learner string) (a, b *scholar, at string) {
	t.Helper()
	dir := t.TempDir()
	all := []*scholar{{name: "teacher", program: teacher}, {name: "learner", program: learner}}
	peers := "  peer liar " + testpeer.Refusing(t) + "\n"
	for _, s := range all {
		addr := testpeer.FreeAddr(t)
		if s.name == "teacher" {
			at = addr
		}
		peers += "  peer " + s.name + " " + addr + "\n"
	}
	for _, s := range all {
		s.stats, s.web = filepath.Join(dir, s.name), testpeer.FreeAddr(t)
		text := fmt.Sprintf("global\n  stats socket %s level admin\n  localpeer %s\n  nbthread 1\ndefaults\n  mode http\n  timeout client 10s\n  timeout server 10s\n  timeout connect 5s\n"+
			"peers all\n%sfrontend f\n  bind %s\n  monitor-uri /\nbackend int\n  stick-table type integer size 2m expire 1h peers all store gpc0\n", s.stats, s.name, peers, s.web)
		if err := os.WriteFile(s.stats+".cfg", []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return all[0], all[1], at
}

// tellMany tells the teacher, which is at an address, of as many entries as the test is about.
func tellMany(t *testing.T, at, stats string) {
	t.Helper()
	c, err := net.Dial("tcp", at)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	go func() { _, _ = io.Copy(io.Discard, c) }()
	b := []byte("HAProxyS 2.1\nteacher\nliar 1 1\n")
	b = append(b, defines(1, "int", ofInt, 4, withGPC0)...)
	for i := range *manyEntries {
		b = append(b, next(binary.BigEndian.AppendUint32(nil, uint32(i)), number(uint64(i)))...)
		if len(b) > 1<<16 || i == *manyEntries-1 {
			if _, err := c.Write(b); err != nil {
				t.Fatal(err)
			}
			b = b[:0]
		}
	}
	waitLong(t, "the teacher to know all", func() bool { return used(stats) == *manyEntries })
}

// served asks a process for an answer again and again until it is told to end, and returns
// how long that took, in order.
func served(t *testing.T, web string, end <-chan struct{}) []time.Duration {
	var took []time.Duration
	for {
		select {
		case <-end:
			slices.Sort(took)
			return took
		default:
		}
		at := time.Now()
		c, err := net.Dial("tcp", web)
		if err != nil {
			t.Error(err)
			return []time.Duration{0}
		}
		_, _ = io.WriteString(c, "GET / HTTP/1.0\r\n\r\n")
		if got, err := io.ReadAll(c); !bytes.HasPrefix(got, []byte("HTTP/1.1 200 ")) {
			t.Errorf("%q, %v", got, err)
		}
		_ = c.Close()
		took = append(took, time.Since(at))
		time.Sleep(5 * time.Millisecond)
	}
}

// A process learns very many entries from the reference, and the reference from it, in no
// more memory than the reference takes, and both go on serving meanwhile.
func TestManyEntries(t *testing.T) {
	programs := map[string]string{"haproxy": reference(t), "builtin": os.Args[0]}
	most := 0.0 // memory of an entry in the reference
	for _, pair := range [][2]string{{"haproxy", "haproxy"}, {"haproxy", "builtin"}, {"builtin", "haproxy"}, {"builtin", "builtin"}} {
		t.Run(pair[0]+" teaches "+pair[1], func(t *testing.T) {
			teacher, learner, at := scholars(t, programs[pair[0]], programs[pair[1]])
			teacher.start(t)
			tellMany(t, at, teacher.stats)
			end := make(chan struct{})
			took := make(chan []time.Duration)
			go func() { took <- served(t, teacher.web, end) }()
			learner.start(t)
			began := time.Now()
			waitLong(t, "the learner to know all", func() bool { return used(learner.stats) == *manyEntries })
			t.Logf("taught within %v of the start", time.Since(began))
			close(end)
			all := <-took
			t.Logf("requests to the teacher took %v in the middle, %v at most", all[len(all)/2], all[len(all)-1])
			for i, s := range []*scholar{teacher, learner} {
				grown := s.grown(t)
				t.Logf("%s: %.0f bytes for an entry, %d KiB before", s.name, grown, s.idle>>10)
				if pair[i] == "haproxy" {
					most = max(most, grown)
				} else if grown > 1.2*most && !owned.On { // the race detector takes memory of its own
					t.Errorf("%s: %.0f bytes for an entry, the reference takes %.0f", s.name, grown, most)
				}
				for _, k := range []int{0, 1, *manyEntries / 2, *manyEntries - 1} {
					if out := ask(s.stats, fmt.Sprintf("show table int key %d", k)); !strings.Contains(out, fmt.Sprintf("gpc0=%d\n", k)) {
						t.Errorf("%s: %s", s.name, out)
					}
				}
			}
		})
	}
}
