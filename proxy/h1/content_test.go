package h1

import (
	"bytes"
	"testing"
)

// The content of what a walker keeps is what another one strips, wherever the body
// has been cut so far.
func TestContentOfKeptChunks(t *testing.T) {
	for _, raw := range []string{
		"5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n",
		"a;x=y\r\n0123456789\r\n0010\r\n0123456789abcdef\r\n000\r\nX: y\r\n\r\n",
		"6\r\n0\r\n\r\n1\r\n1\r\nz\r\n0\r\n\r\n",
		"0\r\n\r\n",
	} {
		for n := range len(raw) + 1 {
			kept, _, _, _, err := walk([]byte(raw[:n]), ChunkKeep, byByte)
			if err != nil {
				t.Fatal(err)
			}
			want, _, _, _, _ := walk([]byte(raw[:n]), ChunkStrip, whole)
			if got := AppendContent([]byte("!"), kept); !bytes.Equal(got[1:], want) || got[0] != '!' {
				t.Errorf("%q: content %q, want %q", raw[:n], got, want)
			}
		}
	}
}
