package httporigin

import "bytes"

// Bodies have known content, so that clients can check them: byte i of every
// body is PayloadByte(i), whatever its length and framing.

// period is the length after which the content repeats, and the size of a chunk.
const period = 16 << 10

// repeats is how often the prepared buffers hold the period, which bounds one
// system call to 1 MiB.
const repeats = 64

// PayloadByte is byte i of every body: lines of 64 characters, the number of
// the line within the period in front, then letters.
func PayloadByte(i int64) byte {
	at := i % period
	line, col := at/64, at%64
	switch {
	case col < 4:
		return "0123456789abcdef"[line>>(4*(3-col))&15]
	case col == 4:
		return ' '
	case col == 63:
		return '\n'
	}
	return byte('a' + (line+col)%26)
}

// payload are the prepared bodies, shared by the replicas of a process.
type payload struct {
	plain   []byte // repeats × period of content
	chunked []byte // the same, each period wrapped as a chunk
	wrapped int    // length of one wrapped period
}

func newPayload() *payload {
	one := make([]byte, period)
	for i := range one {
		one[i] = PayloadByte(int64(i))
	}
	chunk := append([]byte("4000\r\n"), one...) // 0x4000 = period
	chunk = append(chunk, crlf...)
	return &payload{
		plain: bytes.Repeat(one, repeats), chunked: bytes.Repeat(chunk, repeats), wrapped: len(chunk),
	}
}
