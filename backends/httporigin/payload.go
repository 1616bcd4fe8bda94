package httporigin

import (
	"bytes"

	"bench/internal/integrity"
)

// Bodies have known content, so that clients can check them: byte i of every
// body is integrity.PayloadByte(i), whatever its length and framing.

// period is the length after which the content repeats, and the size of a chunk.
const period = integrity.PayloadPeriod

// repeats is how often the prepared buffers hold the period, which bounds one
// system call to 1 MiB.
const repeats = 64

// payload are the prepared bodies, shared by the replicas of a process.
type payload struct {
	plain   []byte // repeats × period of content
	chunked []byte // the same, each period wrapped as a chunk
	wrapped int    // length of one wrapped period
}

func newPayload() *payload {
	one := integrity.Payload(0, period)
	chunk := append([]byte("4000\r\n"), one...) // 0x4000 = period
	chunk = append(chunk, crlf...)
	return &payload{
		plain: bytes.Repeat(one, repeats), chunked: bytes.Repeat(chunk, repeats), wrapped: len(chunk),
	}
}
