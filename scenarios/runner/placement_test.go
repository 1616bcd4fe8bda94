package runner

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"bench/scenarios"
)

func TestPlacement(t *testing.T) {
	s := &scenarios.Scenario{}
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
	s.Proxy.CPUs = []int{9}
	if _, err := place(s, []int{0, 1}); err == nil || !strings.Contains(err.Error(), "the proxy is to run on CPU 9; this machine offers [0 1]") {
		t.Errorf("%v", err)
	}
	if all, err := allowedCPUs(); err != nil || len(all) == 0 {
		t.Errorf("allowed CPUs %v, %v", all, err)
	}
}
