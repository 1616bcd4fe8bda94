package nearest

import "testing"

func TestWord(t *testing.T) {
	known := []string{"backends", "objectives", "proxy", "load", "for"}
	for word, want := range map[string]string{
		"objctives": "objectives", "porxy": "proxy", "Load": "load", "fore": "for", "backend": "backends",
		"nothing": "", "x": "", "": "",
	} {
		if got := Word(word, known); got != want {
			t.Errorf("Word(%q) = %q, want %q", word, got, want)
		}
	}
}
