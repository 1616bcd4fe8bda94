package scenarios

import (
	"strings"
	"testing"

	"bench/scenarios/document"
	"bench/scenarios/source"
)

// TestByteOrderMark holds that the mark some editors write is no part of the text.
func TestByteOrderMark(t *testing.T) {
	b, err := BuiltIn("proxy-overhead")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := document.Parse("x.yaml", append([]byte("\ufeff"), b.Text...), document.Options{}); err != nil {
		t.Errorf("refused: %s", source.Describe(err))
	}
	_, err = document.Parse("x.yaml", []byte("\ufeffversion: 2\n"), document.Options{})
	if err == nil || !strings.Contains(source.Describe(err), "x.yaml:1:10") {
		t.Errorf("columns are counted without it: %v", err)
	}
}
