package worker

import (
	"bytes"
	"testing"

	"bench/internal/result"
	"bench/loadgen/http1"
	"bench/loadgen/workload"
)

// pipeliner answers every head of what a connection has sent, in one piece.
func pipeliner(answer string, closeAfterHeads int) func([]byte, int, int) ([]byte, action) {
	return func(held []byte, _, _ int) ([]byte, action) {
		n := bytes.Count(held, []byte("\r\n\r\n"))
		if closeAfterHeads > 0 && n > closeAfterHeads {
			return bytes.Repeat([]byte(answer), closeAfterHeads), closeAfter
		}
		return bytes.Repeat([]byte(answer), n), keep
	}
}

func TestPipelining(t *testing.T) {
	o := startOrigin(t, &testOrigin{respond: pipeliner(okAnswer, 0)}, "")
	for _, arrival := range []workload.Arrival{workload.Constant, workload.Closed} {
		spec := steady(o.addr, 2000, 300_000)
		spec.Arrival, spec.Connections = arrival, workload.Connections{Pool: 2, Pipeline: 8}
		got, l := load(t, spec)
		// A constant load opens the second one only if the first is full.
		if got.Failed != 0 || got.ConnsOpened > 2 || arrival == workload.Closed && got.ConnsOpened != 2 || got.Requests < 600 || got.BytesIn != got.Completed*uint64(len(okAnswer)) {
			t.Errorf("%s: %d requests on %d connections, %d bytes in, failures %v", arrival, got.Requests, got.ConnsOpened, got.BytesIn, got.FailuresByCause)
		}
		if last := l.intervals[len(l.intervals)-1]; arrival == workload.Closed && last.InFlight > 16 {
			t.Errorf("%d requests in flight on 2 connections of depth 8", last.InFlight)
		}
	}
}

// What was sent ahead on a connection that its peer ends after fewer answers goes
// to another one, once, where the method allows it.
func TestPipeliningIsCutOff(t *testing.T) {
	for _, method := range []string{"GET", "POST"} {
		o := startOrigin(t, &testOrigin{respond: pipeliner(okAnswer, 2)}, "")
		spec := steady(o.addr, 0, 200_000)
		spec.HTTP.Requests = []http1.Request{{Method: method}}
		spec.Arrival, spec.ThinkUs, spec.Connections = workload.Closed, 5000, workload.Connections{Pool: 2, Pipeline: 5}
		got, _ := load(t, spec)
		if method == "GET" && (got.Retried == 0 || got.FailuresByCause[result.CauseResetAfter]+got.FailuresByCause[result.CauseResetBefore]+got.Completed != got.Requests) {
			t.Errorf("%s: %d retried, failures %v", method, got.Retried, got.FailuresByCause)
		}
		if method == "POST" && got.FailuresByCause[result.CauseResetAfter] == 0 {
			t.Errorf("%s: %d retried, failures %v", method, got.Retried, got.FailuresByCause)
		}
	}
}

// Requests behind an answer that ends the connection were not looked at: also
// those that may not be repeated are sent again.
func TestPipeliningBehindAClose(t *testing.T) {
	const closing = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok"
	o := startOrigin(t, &testOrigin{respond: func([]byte, int, int) ([]byte, action) { return []byte(closing), closeAfter }}, "")
	spec := steady(o.addr, 0, 100_000)
	spec.HTTP.Requests = []http1.Request{{Method: "POST"}}
	spec.Arrival, spec.ThinkUs, spec.Connections = workload.Closed, 5000, workload.Connections{Pool: 3, Pipeline: 2}
	got, _ := load(t, spec)
	if got.Retried == 0 || got.Completed == 0 {
		t.Errorf("%d completed, %d retried, failures %v", got.Completed, got.Retried, got.FailuresByCause)
	}
}

// A peer that ends each connection after a few answers, and says so, makes no
// request fail, however many of its connections one meets.
func TestPipeliningToALimitOfRequests(t *testing.T) {
	const closing = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok"
	// It leaves the close to the client: one with requests unread would be a reset.
	o := startOrigin(t, &testOrigin{respond: func(held []byte, nthOfConn, _ int) ([]byte, action) {
		switch nthOfConn {
		case 0:
			return bytes.Repeat([]byte(okAnswer), bytes.Count(held, []byte("\r\n\r\n"))), keep
		case 1:
			return []byte(closing), keep
		}
		return nil, silent
	}}, "")
	spec := steady(o.addr, 0, 300_000)
	spec.Arrival, spec.Connections = workload.Closed, workload.Connections{Pool: 4, Pipeline: 5}
	got, _ := load(t, spec)
	if got.Failed != 0 || got.Retried == 0 {
		t.Errorf("%d requests, %d retried, failures %v", got.Requests, got.Retried, got.FailuresByCause)
	}
}

func TestMaxAge(t *testing.T) {
	o := startOrigin(t, &testOrigin{respond: func(head []byte, _, _ int) ([]byte, action) {
		if bytes.Contains(head, []byte("\r\nConnection: close\r\n")) {
			return []byte(okAnswer), closeAfter
		}
		return []byte(okAnswer), keep
	}}, "")
	spec := steady(o.addr, 1000, 400_000)
	spec.Connections = workload.Connections{Pool: 1, MaxAgeUs: 100_000}
	got, _ := load(t, spec)
	if got.Failed != 0 || got.ConnsOpened < 3 || got.ConnsOpened > 5 {
		t.Errorf("%d connections of at most 100 ms in 400 ms, failures %v", got.ConnsOpened, got.FailuresByCause)
	}
}

func TestMixIsReportedByClass(t *testing.T) {
	o := startOrigin(t, &testOrigin{respond: func(head []byte, _, _ int) ([]byte, action) {
		if bytes.HasPrefix(head, []byte("POST")) {
			return []byte("HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n"), keep
		}
		return []byte(okAnswer), keep
	}}, "")
	spec := steady(o.addr, 2000, 400_000)
	spec.Phases = append([]workload.Phase{{Name: "warm", From: 500, To: 500, LengthUs: 100_000}}, spec.Phases...)
	spec.HTTP.Requests = []http1.Request{{Name: "browse", Weight: 9}, {Name: "buy", Method: "POST"}}
	got, l := load(t, spec)
	if len(got.Classes) != 2 {
		t.Fatalf("classes %+v", got.Classes)
	}
	browse, buy := &got.Classes[0], &got.Classes[1]
	if browse.Name != "browse" || browse.Weight != 9 || browse.Failed != 0 || browse.Response.Count != browse.Completed {
		t.Errorf("browse: %+v", browse)
	}
	if buy.Requests < 40 || buy.Requests > 130 || buy.FailuresByCause[result.CauseStatus4xx] != buy.Requests || buy.StatusCounts["404"] != buy.Requests {
		t.Errorf("buy: %d requests of 800, failures %v", buy.Requests, buy.FailuresByCause)
	}
	if browse.Requests+buy.Requests != got.Requests || browse.Completed+buy.Completed != got.Completed || buy.Failed != got.Failed ||
		browse.BytesIn+buy.BytesIn != got.BytesIn || browse.BytesOut+buy.BytesOut != got.BytesOut {
		t.Errorf("the classes do not add up to the load: %+v", got)
	}
	for _, f := range l.failures {
		if f.Request != "buy" {
			t.Fatalf("failure %+v", f)
		}
	}
}
