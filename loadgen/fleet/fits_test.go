package fleet

import (
	"encoding/json"
	"io"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"bench/internal/proc"
	"bench/internal/result"
	"bench/loadgen/workload"
)

// What a machine tells that was only let in is held to what the load can be.
func TestLinesOfOtherMachines(t *testing.T) {
	t.Parallel()
	b := boundsOf(&workload.Spec{Name: "web", TimeoutUs: 1_000_000, Phases: []workload.Phase{{LengthUs: 2_000_000}, {LengthUs: 3_000_000}}})
	last := (6*time.Second + lateBy).Microseconds()
	for text, good := range map[string]bool{
		`{"ready":{"pid":1}}`: true,
		`{"error":"x"}`:       true,
		`{"interval":{"load":"web","startUs":0,"lengthUs":100000}}`:           true,
		`{"interval":{"load":"web","startUs":5900000,"lengthUs":100000}}`:     true,
		`{"interval":{"load":"web","startUs":1000000000000000000}}`:           false,
		`{"interval":{"load":"web","startUs":-1}}`:                            false,
		`{"interval":{"load":"web","lengthUs":-1}}`:                           false,
		`{"interval":{"load":"other"}}`:                                       false,
		`{"progress":{"load":"web","atUs":250000,"lengthUs":250000}}`:         true,
		`{"progress":{"load":"web","atUs":9223372036854775807}}`:              false,
		`{"progress":{"load":"web","lengthUs":-9223372036854775808}}`:         false,
		`{"progress":{"load":"other"}}`:                                       false,
		`{"failure":{"load":"web","atUs":1,"endedUs":2}}`:                     true,
		`{"failure":{"load":"web","atUs":1,"endedUs":9000000000000000}}`:      false,
		`{"failure":{"load":"other"}}`:                                        false,
		`{"load":{"name":"web","phases":[{},{"startUs":2,"lengthUs":3}]}}`:    true,
		`{"load":{"name":"web","phases":[{},{}],"lateSeconds":[0,5]}}`:        true,
		`{"load":{"name":"web","phases":[{}]}}`:                               false,
		`{"load":{"name":"web","phases":[{},{"startUs":-2}]}}`:                false,
		`{"load":{"name":"web","phases":[{},{}],"lateSeconds":[1000000000]}}`: false,
		`{"load":{"name":"web","phases":[{},{}],"lateSeconds":[-1]}}`:         false,
		`{"load":{"name":"other","phases":[{},{}]}}`:                          false,
	} {
		var l result.AgentLine
		if err := json.Unmarshal([]byte(text), &l); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		if err := b.fits(&l); (err == nil) != good {
			t.Errorf("%s: %v", text, err)
		}
	}
	if b.fits(&result.AgentLine{Interval: &result.Interval{Load: "web", StartUs: last}}) != nil || b.fits(&result.AgentLine{Interval: &result.Interval{Load: "web", StartUs: last + 1}}) == nil {
		t.Error("the latest time is another")
	}
}

// talker is a machine on which every process says the same, and then waits to be killed.
type talker struct {
	*machine
	says string
}

func (m *talker) Launch(_ *proc.Spec, out io.Writer) (proc.Remote, error) {
	p := &talking{over: make(chan struct{})}
	go func() { _, _ = io.WriteString(out, m.says) }()
	return p, nil
}

type talking struct {
	ended
	over chan struct{}
	once sync.Once
}

func (p *talking) Done() <-chan struct{}       { return p.over }
func (p *talking) Stdin() io.WriteCloser       { return nowhere{} }
func (p *talking) Kill()                       { p.once.Do(func() { close(p.over) }) }
func (p *talking) Signal(syscall.Signal) error { return nil }

type nowhere struct{}

func (nowhere) Write(p []byte) (int, error) { return len(p), nil }
func (nowhere) Close() error                { return nil }

// A machine that tells what the load cannot be is the end of the load, and nobody hears it.
func TestMachineThatTellsOfAnotherTime(t *testing.T) {
	t.Parallel()
	group, err := proc.NewGroup(proc.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = group.Close() })
	heard := make(chan int64, 100)
	on := &talker{&machine{}, `{"ready":{"pid":1}}` + "\n" + `{"interval":{"load":"web","startUs":1000000000000000000}}` + "\n"}
	f, err := Start(&workload.Spec{Name: "web", Phases: []workload.Phase{{LengthUs: 1_000_000}}}, &Options{
		Group: group, Self: []string{"x"}, Processes: 1, Hosts: []proc.Host{on},
		Sink: func(l *result.AgentLine) error { heard <- l.Interval.StartUs; return nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(f.Kill)
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(time.Millisecond) {
		if _, err := f.Outcome(); err != nil && strings.Contains(err.Error(), "a time that the load does not have") {
			break
		}
		if time.Now().After(deadline) {
			_, err := f.Outcome()
			t.Fatalf("nothing is said of it: %v", err)
		}
	}
	select {
	case at := <-heard:
		t.Errorf("a slice at %d is passed on", at)
	default:
	}
}
