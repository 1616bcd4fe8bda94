package scenarios

import (
	"strings"
	"testing"
)

// TestByteOrderMark holds that the mark some editors write is no part of the text.
func TestByteOrderMark(t *testing.T) {
	b, err := BuiltIn("proxy-overhead")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Parse("x.yaml", append([]byte("\ufeff"), b.Text...), Options{}); err != nil {
		t.Errorf("refused: %s", Describe(err))
	}
	_, err = Parse("x.yaml", []byte("\ufeffversion: 2\n"), Options{})
	if err == nil || !strings.Contains(Describe(err), "x.yaml:1:10") {
		t.Errorf("columns are counted without it: %v", err)
	}
}
