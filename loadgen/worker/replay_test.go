package worker

import (
	"bytes"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"

	"bench/loadgen/http1"
	"bench/loadgen/trace"
	"bench/loadgen/workload"
)

// Every request of a trace is sent once, as it was, at its time.
func TestReplayIsExact(t *testing.T) {
	var mu sync.Mutex
	var heads []string
	o := startOrigin(t, &testOrigin{respond: func(head []byte, _, _ int) ([]byte, action) {
		line, _, _ := bytes.Cut(head, []byte("\r\n"))
		mu.Lock()
		heads = append(heads, string(line))
		mu.Unlock()
		if bytes.HasPrefix(head, []byte("HEAD")) {
			return []byte("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n"), keep
		}
		return []byte(okAnswer), keep
	}}, "")
	var b strings.Builder
	var want []string
	for i := range 200 {
		method := []string{"GET", "HEAD", "DELETE"}[i%3]
		b.WriteString(strconv.Itoa(i/4) + "e-1 " + method + " /" + strconv.Itoa(i) + "\n")
		want = append(want, method+" /"+strconv.Itoa(i)+" HTTP/1.1")
	}
	spec := steady(o.addr, 0, 400_000) // the trace is 4.9 s long, 490 ms at this speed
	spec.Arrival, spec.Connections.Pool = workload.Replay, 1
	spec.Trace = &trace.Spec{File: write(t, filepath.Join(t.TempDir(), "trace"), b.String()), Speed: 10}
	got, l := load(t, spec)
	if got.Failed != 0 || got.Requests != 160 || got.Trace == nil || got.Trace.Requests != 200 || got.Trace.Beyond != 40 {
		t.Fatalf("%d requests, failures %v, trace %+v", got.Requests, got.FailuresByCause, got.Trace)
	}
	mu.Lock()
	defer mu.Unlock()
	if strings.Join(heads, "\n") != strings.Join(want[:160], "\n") {
		t.Errorf("sent %q", heads)
	}
	for _, i := range l.intervals {
		if i.Phase == "steady" && i.Offered != 40 { // 4 each 10 ms
			t.Errorf("%d requests due from %d µs on, want 40", i.Offered, i.StartUs)
		}
	}
}

func TestReplayNamesItsClasses(t *testing.T) {
	o := startOrigin(t, &testOrigin{}, "")
	spec := steady(o.addr, 0, 100_000)
	spec.Arrival = workload.Replay
	spec.HTTP.Requests = []http1.Request{{Name: "a"}, {Name: "b", Headers: []http1.Header{{Name: "X", Value: "{{seq}}"}}}}
	spec.Trace = &trace.Spec{File: write(t, filepath.Join(t.TempDir(), "trace"), "0 GET /\n0.01 GET / b\n0.02 GET / b\n")}
	got, _ := load(t, spec)
	if got.Classes[0].Completed != 1 || got.Classes[1].Completed != 2 {
		t.Errorf("classes %+v", got.Classes)
	}
	spec.Trace = &trace.Spec{File: write(t, filepath.Join(t.TempDir(), "trace"), "0 GET / c\n")}
	if _, err := New(spec, nil); err == nil || !strings.Contains(err.Error(), `has a request "c", which the load does not describe`) {
		t.Errorf("error %v", err)
	}
}
