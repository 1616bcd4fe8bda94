package page

import (
	"slices"
	"testing"

	"bench/internal/result"
)

// What nobody counted is no fact: an origin that died may have received all that
// its record lacks.
func TestConservationOfLostCounters(t *testing.T) {
	row := result.ConservationRow{Class: "clients", Sent: 9000, Completed: 8998, Received: 8500, Answered: 8500, Lost: 498, Delta: 498}
	got := conservation(&result.Conservation{Exact: true, Rows: []result.ConservationRow{row}}).Rows[0]
	if want := []string{"clients", "9\u202f000", "8\u202f998", "8\u202f500", "8\u202f500", "498", "0", "498"}; !slices.Equal(got, want) {
		t.Errorf("counted: %q", got)
	}
	row.Incomplete = true
	got = conservation(&result.Conservation{Rows: []result.ConservationRow{row}}).Rows[0]
	if want := []string{"clients", "9\u202f000", "8\u202f998", "≥ 8\u202f500", "≥ 8\u202f500", "≤ 498", "≥ 0", "unknown"}; !slices.Equal(got, want) {
		t.Errorf("lost: %q", got)
	}
}

// Of a long account of a build, the line that tells two of one version apart is shown.
func TestBuildLine(t *testing.T) {
	for build, want := range map[string]string{
		"": "", "go1.26.8": "go1.26.8", "\n  first\nsecond": "first",
		"Status: long-term supported branch\nOPTIONS = USE_OPENSSL=1\nBuilt with OpenSSL version : OpenSSL 3.0.17\nRunning on OpenSSL version : OpenSSL 3.0.19": "Built with OpenSSL version : OpenSSL 3.0.17",
		"nginx version: nginx/1.22.1\nbuilt with OpenSSL 3.0.15 3 Sep 2024\r":                                                                                   "built with OpenSSL 3.0.15 3 Sep 2024",
	} {
		if got := buildLine(build); got != want {
			t.Errorf("%q: %q, want %q", build, got, want)
		}
	}
}
