package tlsio

import (
	"bytes"
	"crypto/tls"
	"reflect"
	"unsafe"

	"bench/internal/poison"
)

// A tls.Conn receives into memory of its own, which grows with the largest record, and has the
// messages of its handshake in some more. It gives neither back: a connection that once took
// an upload holds 34 KB for good, and one that waits for its second request a third of all it
// has. So the memory for records is lent, to whichever connection of the loop receives, and that of
// messages is let go of. crypto/tls has no means for that, but where nothing lies in these buffers
// it does not mind to find others in their place.

// Where the buffers lie in a tls.Conn; noBuffer: not where they are known to be, and all stays with
// the connections.
var (
	recordsAt  = bufferAt("rawInput")
	messagesAt = bufferAt("hand")
)

const noBuffer = ^uintptr(0)

func bufferAt(field string) uintptr {
	f, ok := reflect.TypeFor[tls.Conn]().FieldByName(field)
	if !ok || f.Type != reflect.TypeFor[bytes.Buffer]() {
		return noBuffer
	}
	return f.Offset
}

// buffer is one of those of the connection; nil: it is not known where.
func (c *Conn) buffer(at uintptr) *bytes.Buffer {
	if at == noBuffer {
		return nil
	}
	return (*bytes.Buffer)(unsafe.Add(unsafe.Pointer(c.tls), at))
}

// lend gives the connection memory to receive records into, if it has none.
func (c *Conn) lend() {
	if b := c.buffer(recordsAt); b != nil && b.Cap() == 0 {
		*b, c.q.records = c.q.records, bytes.Buffer{}
	}
}

// takeBack takes that memory from a connection of which all has been read that had come. What
// has come of a record stays where it is.
func (c *Conn) takeBack() {
	if b := c.buffer(recordsAt); b != nil && b.Len() == 0 {
		if c.q.records.Cap() == 0 {
			b.Reset()
			poison.Fill(b.AvailableBuffer()[:b.Cap()])
			c.q.records = *b
		}
		*b = bytes.Buffer{}
	}
	if b := c.buffer(messagesAt); b != nil && b.Len() == 0 && b.Cap() > 0 {
		*b = bytes.Buffer{}
	}
}
