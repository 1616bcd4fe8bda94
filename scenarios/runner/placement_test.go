package runner

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"bench/scenarios/format"
)

func TestPlacement(t *testing.T) {
	s := &format.Scenario{}
	for _, c := range []struct {
		proxy, allowed      []int
		wantProxy, wantLoad []int
		warns               bool
	}{
		{nil, []int{0}, nil, nil, true},
		{nil, []int{0, 1}, []int{0}, []int{1}, false},
		{nil, []int{4, 5, 6}, []int{4}, []int{5, 6}, false},
		{[]int{1}, []int{0, 1, 2}, []int{1}, []int{0, 2}, false},
		{[]int{0, 1}, []int{0, 1}, []int{0, 1}, []int{0, 1}, true},
	} {
		s.Proxy.CPUs = c.proxy
		p, err := place(s, c.allowed)
		if err != nil {
			t.Fatal(err)
		}
		if !cmp.Equal(p.proxy, c.wantProxy) || !cmp.Equal(p.loads, c.wantLoad) || (len(p.warnings) > 0) != c.warns {
			t.Errorf("%v of %v: %+v", c.proxy, c.allowed, p)
		}
	}
	s.Proxy.CPUs, s.Proxy.Threads = nil, 2
	for _, c := range []struct{ allowed, proxy, loads []int }{
		{[]int{0, 1, 2}, []int{0, 1}, []int{2}},
		{[]int{0, 1}, []int{0, 1}, []int{0, 1}},
	} {
		p, err := place(s, c.allowed)
		if err != nil || !cmp.Equal(p.proxy, c.proxy) || !cmp.Equal(p.loads, c.loads) {
			t.Errorf("2 threads of %v: %+v, %v", c.allowed, p, err)
		}
	}
	s.Proxy.CPUs = []int{9}
	if _, err := place(s, []int{0, 1}); err == nil || !strings.Contains(err.Error(), "the proxy is to run on CPU 9; this machine offers [0 1]") {
		t.Errorf("%v", err)
	}
	if all, err := allowedCPUs(); err != nil || len(all) == 0 {
		t.Errorf("allowed CPUs %v, %v", all, err)
	}
}

// An agent runs in real time only where it takes nothing from the proxy.
func TestRealTime(t *testing.T) {
	for _, c := range []struct {
		arrival     string
		load, proxy []int
		want        bool
	}{
		{"constant", []int{1}, []int{0}, true},
		{"poisson", []int{2, 3}, []int{0, 1}, true},
		{"trace", []int{1}, []int{0}, true},
		{"closed", []int{1}, []int{0}, false},
		{"constant", []int{0}, []int{0}, false},
		{"constant", []int{1, 2}, []int{2}, false},
		{"constant", nil, []int{0}, false},
		{"constant", []int{0}, nil, false},
	} {
		if got := realTime(&format.Load{Arrival: c.arrival}, c.load, c.proxy); got != c.want {
			t.Errorf("%s on %v, proxy on %v: %v", c.arrival, c.load, c.proxy, got)
		}
	}
}

func TestOnlyLoadsWithCPUsOfTheirOwnSpin(t *testing.T) {
	one, three := format.Load{}, format.Load{Processes: 3}
	for _, c := range []struct {
		loads []format.Load
		cpus  []int
		want  bool
	}{
		{[]format.Load{one}, []int{1}, true},
		{[]format.Load{one, one}, []int{1}, false},
		{[]format.Load{one, one}, []int{2, 3}, true},
		{[]format.Load{three}, []int{1, 2}, false},
		{[]format.Load{one}, nil, false},
	} {
		if got := maySpin(c.loads, c.cpus); got != c.want {
			t.Errorf("%d loads on %v: %v", len(c.loads), c.cpus, got)
		}
	}
}
