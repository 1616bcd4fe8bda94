package spec

// CheckStep is one rule of a TCP check: something to be sent, or to be expected in what
// the server has sent since then.
type CheckStep struct {
	Pos
	// Number is the rule's among those of the check, from 1, as messages count them.
	Number int
	// Send is what is sent; nil: the rule expects.
	Send []byte
	// Regexp is to match what was received, or where it is "" Text to be found in it.
	Text    []byte
	Regexp  string
	Binary  bool // what was received is compared as hexadecimal digits
	Negate  bool // it is not to match
	MinRecv int  // bytes before it is decided; -1: until it matches or no more can come
	Comment string
}
