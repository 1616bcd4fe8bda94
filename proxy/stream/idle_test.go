package stream

import (
	"testing"
	"unsafe"
)

// TestIdleConnectionsAreSmall bounds what an idle connection costs in memory of
// the process, besides its places in the tables of the loop. The figures are the
// size classes of Go's allocator: growing beyond one costs every connection the
// way to the next.
func TestIdleConnectionsAreSmall(t *testing.T) {
	for _, c := range []struct {
		name    string
		size    uintptr
		atMost  uintptr
		holders string
	}{
		{"client", unsafe.Sizeof(client{}), 256, "every client connection"},
		{"serverConn", unsafe.Sizeof(serverConn{}), 160, "every server connection, those in pools too"},
		{"stream", unsafe.Sizeof(stream{}), 448, "every TCP connection"},
	} {
		if c.size > c.atMost {
			t.Errorf("%s takes %d bytes, want at most %d: it is held by %s", c.name, c.size, c.atMost, c.holders)
		}
	}
}
