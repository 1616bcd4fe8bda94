// Package poison overwrites memory that its users must have let go of: a buffer that
// others share, after each turn, and one that goes back to a pool. Whoever still has
// a slice of it then reads bytes that no test takes for the right ones, instead of
// what happens to be there still.
//
// It is on in builds with the race detector or the tag "poison", and in tests that
// call Enable; elsewhere it costs a look at a variable.
package poison

// Byte is what memory is overwritten with. It is allowed nowhere in the head of a
// message.
const Byte = 0x01

// Enable switches overwriting on. It must be called before anything runs that
// overwrites: in TestMain.
func Enable() { on = true }

// Fill overwrites b, if that is on.
func Fill(b []byte) {
	if on {
		fill(b)
	}
}

func fill(b []byte) {
	if len(b) == 0 {
		return
	}
	b[0] = Byte
	for n := 1; n < len(b); n *= 2 {
		copy(b[n:], b[:n])
	}
}
