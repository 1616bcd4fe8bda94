package link

// store keeps frames that wait. Space is taken in two sizes and given back to a
// list; it is never returned to the system, so that waiting costs no allocation
// once the link has seen its load.
type store struct {
	classes [2]class
}

// class is the space for frames of one size.
type class struct {
	size  int // of one frame
	block int // frames taken from the system at once
	limit int // frames at most
	made  int
	free  [][]byte
}

// The sizes: frames of an ordinary MTU, and merged ones. The limits keep 200,000
// packets a second for more than a second, and 5 Gbit/s of merged frames for 200 ms.
const (
	smallSize  = 2 << 10
	smallLimit = 1 << 18
	largeLimit = 2 << 10
)

func newStore() *store {
	return &store{[2]class{
		{size: smallSize, block: 512, limit: smallLimit},
		{size: frameSpace, block: 16, limit: largeLimit},
	}}
}

// take returns space for n bytes; nil if the limit is reached.
func (s *store) take(n int) []byte {
	c := &s.classes[0]
	if n > c.size {
		c = &s.classes[1]
	}
	if len(c.free) == 0 {
		if c.made >= c.limit {
			return nil
		}
		c.made += c.block
		space := make([]byte, c.block*c.size)
		for i := range c.block {
			c.free = append(c.free, space[i*c.size:(i+1)*c.size:(i+1)*c.size])
		}
	}
	last := len(c.free) - 1
	b := c.free[last]
	c.free = c.free[:last]
	return b[:n]
}

// give takes space back.
func (s *store) give(b []byte) {
	c := &s.classes[0]
	if cap(b) > c.size {
		c = &s.classes[1]
	}
	c.free = append(c.free, b[:0])
}
