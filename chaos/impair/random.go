package impair

import "math"

// purpose tells apart the draws that are made about one packet.
type purpose uint64

const (
	drawFlow purpose = iota + 1
	drawShare
	drawLoss
	drawChain
	drawBurst
	drawDuplicate
	drawCorrupt
	drawBit
	drawDelay
	drawReorder
)

// mix is the finalizer of SplitMix64: each bit of x changes half of the result's.
func mix(x uint64) uint64 {
	x ^= x >> 30
	x *= 0xbf58476d1ce4e5b9
	x ^= x >> 27
	x *= 0x94d049bb133111eb
	return x ^ x>>31
}

// draw is the 64 random bits that belong to a packet of a flow.
func draw(seed uint64, what purpose, flow, index uint64) uint64 {
	h := mix(seed + uint64(what)*0x9e3779b97f4a7c15)
	h = mix(h ^ flow)
	return mix(h + index*0x9e3779b97f4a7c15)
}

// unit turns random bits into a number of the open interval (0, 1).
func unit(bits uint64) float64 { return (float64(bits>>12) + 0.5) * 0x1p-52 }

// normal is the standard normal deviate of which the share p lies below.
func normal(p float64) float64 { return math.Sqrt2 * math.Erfinv(2*p-1) }

// phi is the share of standard normal deviates below z.
func phi(z float64) float64 { return math.Erfc(-z/math.Sqrt2) / 2 }
