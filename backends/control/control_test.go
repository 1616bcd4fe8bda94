package control_test

import (
	"context"
	"errors"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"bench/backends/control"
)

// target is an origin that only remembers what it was told.
type target struct {
	ready   atomic.Bool
	applied atomic.Pointer[control.Fault]
}

func (t *target) Ready() bool                    { return t.ready.Load() }
func (t *target) State() (*control.State, error) { return &control.State{Kind: "http", PID: 7}, nil }

func (t *target) Counters() (*control.Counters, error) { return nil, errors.New("no counters today") }
func (t *target) IDs() (*control.IDs, error)           { return &control.IDs{AtNs: 5}, nil }
func (t *target) Events() []control.Event              { return []control.Event{{ID: 1, Kind: control.Stall}} }
func (t *target) Reset() error                         { return nil }
func (t *target) Clear(o *control.ClearOrder) (*control.Cleared, error) {
	return &control.Cleared{Ended: []int{o.ID}}, nil
}

func (t *target) Apply(f *control.Fault) (*control.Applied, error) {
	if f.Kind != control.Stall {
		return nil, &control.BadFault{Reason: "want stall"}
	}
	t.applied.Store(f)
	return &control.Applied{ID: 3, BeginNs: 11}, nil
}

func TestClientAndHandler(t *testing.T) {
	origin := &target{}
	server := httptest.NewServer(control.Handler(origin))
	defer server.Close()
	c := control.NewClient(strings.TrimPrefix(server.URL, "http://"))
	defer c.Close()

	short, cancel := context.WithTimeout(t.Context(), 30*time.Millisecond)
	defer cancel()
	if err := c.WaitReady(short); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("waiting for an origin that is not ready: %v", err)
	}
	origin.ready.Store(true)
	if err := c.WaitReady(t.Context()); err != nil {
		t.Error(err)
	}
	if s, err := c.State(t.Context()); err != nil || s.PID != 7 {
		t.Errorf("state %+v, %v", s, err)
	}
	if _, err := c.Counters(t.Context()); err == nil || !strings.Contains(err.Error(), "no counters today") {
		t.Errorf("counters: %v", err)
	}
	if ids, err := c.IDs(t.Context()); err != nil || ids.AtNs != 5 {
		t.Errorf("ids %+v, %v", ids, err)
	}
	if e, err := c.Events(t.Context()); err != nil || len(e) != 1 || e[0].Kind != control.Stall {
		t.Errorf("events %+v, %v", e, err)
	}
	if a, err := c.Apply(t.Context(), control.Fault{Kind: control.Stall, For: "1s"}); err != nil || a.ID != 3 || origin.applied.Load().For != "1s" {
		t.Errorf("applied %+v, %v", a, err)
	}
	if _, err := c.Apply(t.Context(), control.Fault{Kind: "other"}); err == nil || !strings.HasSuffix(err.Error(), "want stall") {
		t.Errorf("bad fault: %v", err)
	}
	if k, err := c.Clear(t.Context(), control.ClearOrder{ID: 4}); err != nil || k.Ended[0] != 4 {
		t.Errorf("cleared %+v, %v", k, err)
	}
	if err := c.Reset(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestHandlerRefuses(t *testing.T) {
	origin := &target{}
	for _, c := range []struct {
		method, path, body string
		status             int
		want               string
	}{
		{"POST", "/faults", `{"kind":"stall","four":"1s"}`, 400, `"four"`},
		{"POST", "/faults", `{"kind":"stall","for":"1s"} {"kind":"stall","for":"2s"}`, 400, "nothing after it"},
		{"POST", "/faults", `{`, 400, "cannot be understood"},
		{"POST", "/faults", `{"kind":"x"}`, 400, "want stall"},
		{"POST", "/faults", `{"kind":"` + strings.Repeat("x", 70_000) + `"}`, 400, "too large"},
		{"GET", "/faults", "", 405, ""},
		{"GET", "/nothing", "", 404, ""},
		{"GET", "/ready", "", 503, "not every replica"},
		{"GET", "/counters", "", 500, "no counters today"},
	} {
		w := httptest.NewRecorder()
		control.Handler(origin).ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), c.method, c.path, strings.NewReader(c.body)))
		if w.Code != c.status || !strings.Contains(w.Body.String(), c.want) {
			t.Errorf("%s %s %.40s: %d %s", c.method, c.path, c.body, w.Code, w.Body)
		}
	}
	if origin.applied.Load() != nil {
		t.Error("a bad order was carried out")
	}
}

func TestNobodyThere(t *testing.T) {
	c := control.NewClient(t.TempDir() + "/none.sock")
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Millisecond)
	defer cancel()
	if err := c.WaitReady(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
	if _, err := c.State(t.Context()); err == nil || !strings.Contains(err.Error(), "none.sock") {
		t.Errorf("got %v", err)
	}
}
