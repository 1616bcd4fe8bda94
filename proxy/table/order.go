package table

// mark stands for an entry in the order of expiry. When an entry is used its time is
// only noted in the entry; the mark moves when its old time has come.
type mark struct {
	expire uint32
	serial uint32 // of the entry that it was made for
	entry  uint32
}

// before orders marks by time, and by age within one millisecond. Both wrap.
func (m mark) before(o mark) bool {
	if m.expire != o.expire {
		return int32(m.expire-o.expire) < 0
	}
	return int32(m.serial-o.serial) < 0
}

// order is a heap of marks with four children a node.
type order []mark

func (o *order) push(m mark) {
	*o = append(*o, m)
	h := *o
	i := len(h) - 1
	for i > 0 {
		up := (i - 1) / 4
		if !m.before(h[up]) {
			break
		}
		h[i] = h[up]
		i = up
	}
	h[i] = m
}

// pop removes the first mark.
func (o *order) pop() {
	h := *o
	last := h[len(h)-1]
	*o = h[:len(h)-1]
	if len(*o) > 0 {
		o.sink(last)
	}
}

// sink puts m, in place of the first mark, to where it belongs.
func (o *order) sink(m mark) {
	h := *o
	i := 0
	for {
		child := 4*i + 1
		if child >= len(h) {
			break
		}
		least := child
		for c := child + 1; c < min(child+4, len(h)); c++ {
			if h[c].before(h[least]) {
				least = c
			}
		}
		if !h[least].before(m) {
			break
		}
		h[i] = h[least]
		i = least
	}
	h[i] = m
}
