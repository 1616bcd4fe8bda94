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
