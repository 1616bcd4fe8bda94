package httpfield

import (
	"strings"
	"testing"
)

func TestTokenBits(t *testing.T) {
	for c := range 256 {
		want := c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' ||
			c != 0 && strings.ContainsRune("!#$%&'*+-.^_`|~", rune(c)) && c < 128
		if got := TokenLength([]byte{byte(c)}) == 1; got != want {
			t.Errorf("character %#x: token %v, want %v", c, got, want)
		}
	}
}
