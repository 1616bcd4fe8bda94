package integrity

// The content of mock origins' bodies is known, so that clients can check it.

// PayloadPeriod is the length after which the body of a mock HTTP origin repeats.
const PayloadPeriod = 16 << 10

// PayloadByte is byte i of every body of a mock HTTP origin: lines of 64 characters,
// the number of the line within the period in front, then letters.
func PayloadByte(i int64) byte {
	at := i % PayloadPeriod
	line, col := at/64, at%64
	switch {
	case col < 4:
		return hexDigits[line>>(4*(3-col))&15]
	case col == 4:
		return ' '
	case col == 63:
		return '\n'
	}
	return byte('a' + (line+col)%26)
}

// Payload is a piece of such a body.
func Payload(from int64, n int) []byte {
	p := make([]byte, n)
	for i := range p {
		p[i] = PayloadByte(from + int64(i))
	}
	return p
}

// SourcePeriod is the length after which what a mock TCP source says repeats.
const SourcePeriod = 64

// SourceByte is byte i of what a mock TCP source says: lines of 63 letters.
func SourceByte(i int64) byte {
	if at := i % SourcePeriod; at < SourcePeriod-1 {
		return byte('a' + at%26)
	}
	return '\n'
}

// maxPayload bounds the bodies that IsPayload looks at.
const maxPayload = 64 << 20

// IsPayload reports whether a digest is that of a mock HTTP origin's body of its length.
func IsPayload(b Body) bool {
	if b.Length > maxPayload {
		return false
	}
	period := Payload(0, PayloadPeriod)
	var sum Body
	for sum.Length < b.Length {
		sum.Add(period[:min(PayloadPeriod, b.Length-sum.Length)])
	}
	return sum == b
}
