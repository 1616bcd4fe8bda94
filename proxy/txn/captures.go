package txn

// Captures are texts kept for the log, by the slots in which they were declared. The
// zero value holds none and is ready to use.
type Captures struct {
	text [][]byte
	set  []bool
}

// Put keeps a copy of a text, cut at limit bytes.
func (c *Captures) Put(slot, limit int, text []byte) {
	for len(c.text) <= slot {
		c.text, c.set = append(c.text, nil), append(c.set, false)
	}
	c.text[slot] = append(c.text[slot][:0], text[:min(len(text), limit)]...)
	c.set[slot] = true
}

// Get returns what a slot holds, and false if that is nothing.
func (c *Captures) Get(slot int) ([]byte, bool) {
	if slot >= len(c.text) || !c.set[slot] {
		return nil, false
	}
	return c.text[slot], true
}

// AppendTo appends the texts of the first n slots, nil for those that hold none.
func (c *Captures) AppendTo(list [][]byte, n int) [][]byte {
	for i := range n {
		b, _ := c.Get(i)
		list = append(list, b)
	}
	return list
}

// Reset forgets all texts and keeps their memory for the next ones.
func (c *Captures) Reset() { clear(c.set) }
