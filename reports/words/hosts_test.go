package words

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"bench/internal/result"
)

func TestHosts(t *testing.T) {
	got := HostsRows([]result.Host{
		{Name: "gen1", Address: "10.0.0.6", CPUs: 8, Kernel: "6.1.0", Roles: []string{"a", "b"}, OffsetUs: 250_000, DriftPPM: 49.96, BoundUs: 41},
		{Name: "px", OffsetUs: -3.5, BoundUs: 9, Step: "the clock was set"},
	})
	want := [][]string{
		{"gen1", "a, b", "10.0.0.6", "8", "6.1.0", "250 ms", "±41.0 µs", "50.0 ppm"},
		{"px", "", "", "0", "", "-3.50 µs", "the clock was set", "0.0 ppm"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if len(HostsHead()) != len(want[0]) {
		t.Error("head and rows differ")
	}
}
