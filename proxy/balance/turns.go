package balance

import "bench/proxy/server"

// turn is a server's place in the order of round robin.
type turn struct {
	srv   *server.Server
	share int    // its weight in force when it was placed
	here  bool   // it is one of those to choose from
	left  uint64 // version with which it had last left (server.Server.Left)

	// at is the position of its next turn and last that of the one before; rest is what
	// whole positions leave of its steps, in parts of its share.
	at, last, rest int

	line  *line // that it stands in, nil: in none
	index int   // there
	key   int   // that the line is sorted by
	came  uint64
}

// line is a heap of turns. The lowest key is first, and of those with the same the one
// that came first.
type line struct {
	heap []*turn
	came uint64 // how many there have been
}

// lightness is the key of lines in which the heaviest is first.
func (t *turn) lightness() int { return heaviest - t.share }

func (l *line) first() *turn {
	if len(l.heap) == 0 {
		return nil
	}
	return l.heap[0]
}

func (l *line) push(t *turn, key int) {
	l.came++
	t.line, t.key, t.came = l, key, l.came
	l.heap = append(l.heap, t)
	t.index = len(l.heap) - 1
	l.up(t.index)
}

// leave takes t out of the line it stands in, if any.
func (t *turn) leave() {
	l := t.line
	if l == nil {
		return
	}
	end := len(l.heap) - 1
	i := t.index
	l.swap(i, end)
	l.heap[end] = nil
	l.heap = l.heap[:end]
	if i < end {
		l.up(i)
		l.down(i)
	}
	t.line = nil
}

func (l *line) less(i, j int) bool {
	a, b := l.heap[i], l.heap[j]
	return a.key < b.key || a.key == b.key && a.came < b.came
}

func (l *line) swap(i, j int) {
	h := l.heap
	h[i], h[j] = h[j], h[i]
	h[i].index, h[j].index = i, j
}

func (l *line) up(i int) {
	for i > 0 {
		p := (i - 1) / 2
		if !l.less(i, p) {
			return
		}
		l.swap(i, p)
		i = p
	}
}

func (l *line) down(i int) {
	for {
		c := 2*i + 1
		if c >= len(l.heap) {
			return
		}
		if c+1 < len(l.heap) && l.less(c+1, c) {
			c++
		}
		if !l.less(c, i) {
			return
		}
		l.swap(i, c)
		i = c
	}
}
