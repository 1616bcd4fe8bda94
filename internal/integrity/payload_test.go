package integrity

import "testing"

// TestPayloadIsKnown holds the content of origins' bodies to what mismatches are
// compared with.
func TestPayloadIsKnown(t *testing.T) {
	for _, n := range []int64{0, 1, PayloadPeriod + 7} {
		d := BodyOf(Payload(0, int(n)))
		if !IsPayload(d) {
			t.Errorf("%d bytes of the payload are not known as such", n)
		}
		if d.CRC++; IsPayload(d) {
			t.Errorf("%d other bytes are taken for the payload", n)
		}
	}
}
