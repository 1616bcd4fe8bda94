package acl

import (
	"slices"
	"testing"
)

// Versions of TLS are written with a dot, alone or as a range of either form.
func TestDottedVersions(t *testing.T) {
	got := integers([]string{"3.1", "3.0-3.1", "3.1:3.3", "gt", "5", "1:2", "3.x", ":3.1"})
	want := []string{"196609", "196608:196609", "196609:196611", "gt", "5", "1:2", "3.x", ":196609"}
	if !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}
