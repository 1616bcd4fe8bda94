package scenarios

import (
	"testing"

	"bench/scenarios/document"
)

// TestBuiltInsStayInside: no scenario of this program needs the permission.
func TestBuiltInsStayInside(t *testing.T) {
	for _, b := range BuiltIns() {
		doc, err := Find(b.Name, document.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if found := document.Outside(doc); len(found) > 0 {
			t.Errorf("%s: %q", b.Name, found)
		}
	}
}
