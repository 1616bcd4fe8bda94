package pattern

// automaton finds any of several texts by one pass (Aho and Corasick, 1975): a table
// of states and classes of bytes, states in the order of a search breadth first. The
// state in which a text has been found ends the search.
type automaton struct {
	next  []uint32 // offsets of rows
	class [256]uint8
	width uint32
}

// maxCells bounds the table.
const maxCells = 8 << 20

// found stands for the state in which a text was found.
const found = ^uint32(0)

// newAutomaton returns nil if the table would become too large.
func newAutomaton(all []string) *automaton {
	a := &automaton{}
	total, ok := a.classify(all)
	if !ok {
		return nil
	}
	a.next = make([]uint32, a.width, uint32(total)*a.width)
	for _, s := range all {
		a.insert(s)
	}
	a.link()
	return a
}

// classify gives classes to the bytes of texts, and returns how many states they need at
// most; ok is false if the table would become too large.
func (a *automaton) classify(all []string) (states int, ok bool) {
	a.width = 1 // class 0: bytes of no text
	states = 1
	for _, s := range all {
		states += len(s)
		for i := range len(s) {
			if a.class[s[i]] == 0 && a.width < 256 {
				a.class[s[i]] = uint8(a.width)
				a.width++
			}
		}
	}
	return states, a.width < 256 && uint64(states)*uint64(a.width) <= maxCells
}

// insert adds a text to the tree; 0 is no edge. What follows a text that was found is
// not wanted.
func (a *automaton) insert(s string) {
	at := uint32(0)
	for i := range len(s) {
		cell := at + uint32(a.class[s[i]])
		if a.next[cell] == found {
			return
		}
		if i == len(s)-1 {
			a.next[cell] = found
			return
		}
		if a.next[cell] == 0 {
			a.next[cell] = uint32(len(a.next))
			a.next = append(a.next, make([]uint32, a.width)...)
		}
		at = a.next[cell]
	}
}

// link fills in where to go on when a text that had begun does not: to the state of
// its longest ending that begins another one.
func (a *automaton) link() {
	fail := make([]uint32, uint32(len(a.next))/a.width)
	queue := []uint32{0}
	for len(queue) > 0 {
		at := queue[0]
		queue = queue[1:]
		back := fail[at/a.width]
		for c := range a.width {
			to := a.next[at+c]
			switch {
			case to == found:
			case at != 0 && a.next[back+c] == found:
				a.next[at+c] = found // another text ends within this one
			case to == 0:
				if at != 0 {
					a.next[at+c] = a.next[back+c]
				}
			default:
				if at != 0 {
					fail[to/a.width] = a.next[back+c]
				}
				queue = append(queue, to)
			}
		}
	}
}

func (a *automaton) match(b []byte) bool {
	st := uint32(0)
	for _, c := range b {
		if st = a.next[st+uint32(a.class[c])]; st == found {
			return true
		}
	}
	return false
}
