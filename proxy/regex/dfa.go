package regex

import (
	"encoding/binary"
	"regexp/syntax"
	"slices"
)

// Bounds of an automaton: its states, and the work to make it.
const (
	maxStates = 4000
	maxWork   = 20_000_000
)

// dfa is a deterministic automaton. A state is the offset of its row in next; rows
// have one entry for each class of bytes and one for the end of the text.
type dfa struct {
	next  []uint32
	class [256]uint8
	width uint32 // of a row
	start uint32
}

// dead is the offset of the state from which nothing matches any more; the row after
// it is the state in which something has.
const dead = 0

func (d *dfa) match(b []byte) bool {
	st, matched := d.start, d.width
	for _, c := range b {
		if st = d.next[st+uint32(d.class[c])]; st <= matched {
			return st == matched
		}
	}
	return d.next[st+d.width-1] == matched
}

// before is what precedes a position, as far as conditions such as ^ and \b ask.
type before uint8

const (
	afterOther before = iota
	afterStart
	afterNewline
	afterWord
)

// builder makes an automaton.
type builder struct {
	r        *Regexp
	d        *dfa
	reps     []int // by class: a byte of it
	anchored bool
	words    bool // the expression asks for bounds of words
	lines    bool // or of lines
	index    map[string]uint32
	todo     []nfa
	work     int
	seen     []bool // by program counter, of the closure being made
	stack    []uint32
}

// nfa is a state of the automaton before it has one: program counters that are yet
// to be followed, sorted, and what came before.
type nfa struct {
	pcs    []uint32
	before before
}

// automaton makes the expression's automaton, nil if that would become too large.
func (r *Regexp) automaton() *dfa {
	b := &builder{r: r, d: &dfa{}, index: map[string]uint32{}, seen: make([]bool, len(r.prog.Inst))}
	b.conditions()
	b.classes()
	b.anchored = r.prog.StartCond()&syntax.EmptyBeginText != 0
	b.d.width = uint32(len(b.reps)) + 1
	b.d.next = make([]uint32, 2*b.d.width) // dead, and matched
	for i := range b.d.width {
		b.d.next[b.d.width+i] = b.d.width
	}
	b.d.start = b.state(nfa{[]uint32{uint32(r.prog.Start)}, afterStart})
	for i := 0; i < len(b.todo); i++ {
		row := (uint32(i) + 2) * b.d.width
		for c := range b.d.width {
			to := b.follow(b.todo[i], int(c))
			b.d.next[row+c] = to
		}
		if len(b.todo) > maxStates || b.work > maxWork {
			return nil
		}
	}
	return b.d
}

// conditions finds out which conditions on neighbours the expression has.
func (b *builder) conditions() {
	for i := range b.r.prog.Inst {
		if in := &b.r.prog.Inst[i]; in.Op == syntax.InstEmptyWidth {
			op := syntax.EmptyOp(in.Arg)
			b.words = b.words || op&(syntax.EmptyWordBoundary|syntax.EmptyNoWordBoundary) != 0
			b.lines = b.lines || op&(syntax.EmptyBeginLine|syntax.EmptyEndLine) != 0
		}
	}
}

// classes puts bytes that no instruction tells apart into one class.
func (b *builder) classes() {
	known := map[string]uint8{}
	for c := range 256 {
		key := make([]byte, 0, len(b.r.sets)/8+2)
		bit := 0
		for i := range b.r.sets {
			if bit%8 == 0 {
				key = append(key, 0)
			}
			if b.r.sets[i].has(byte(c)) {
				key[len(key)-1] |= 1 << (bit % 8)
			}
			bit++
		}
		tail := byte(0)
		if b.words && isWord(byte(c)) {
			tail |= 1
		}
		if b.lines && c == '\n' {
			tail |= 2
		}
		key = append(key, tail)
		class, ok := known[string(key)]
		if !ok {
			class = uint8(len(b.reps))
			known[string(key)] = class
			b.reps = append(b.reps, c)
		}
		b.d.class[c] = class
	}
}

// state gives a state its row.
func (b *builder) state(s nfa) uint32 {
	if len(s.pcs) == 0 {
		return dead
	}
	key := make([]byte, 0, 4*len(s.pcs)+1)
	for _, pc := range s.pcs {
		key = binary.LittleEndian.AppendUint32(key, pc)
	}
	key = append(key, byte(s.before))
	if row, ok := b.index[string(key)]; ok {
		return row
	}
	row := uint32(len(b.d.next))
	b.index[string(key)] = row
	b.d.next = append(b.d.next, make([]uint32, b.d.width)...)
	b.todo = append(b.todo, s)
	return row
}

// follow is the state that a byte of a class leads to; the last class is the end.
func (b *builder) follow(s nfa, class int) uint32 {
	end := class == len(b.reps)
	c := -1
	if !end {
		c = b.reps[class]
	}
	clear(b.seen)
	b.stack = append(b.stack[:0], s.pcs...)
	var next []uint32
	for len(b.stack) > 0 {
		pc := b.stack[len(b.stack)-1]
		b.stack = b.stack[:len(b.stack)-1]
		if b.seen[pc] {
			continue
		}
		b.seen[pc] = true
		b.work++
		switch in := &b.r.prog.Inst[pc]; in.Op {
		case syntax.InstMatch:
			return b.d.width // matched, whatever follows
		case syntax.InstAlt, syntax.InstAltMatch:
			b.stack = append(b.stack, in.Out, in.Arg)
		case syntax.InstCapture, syntax.InstNop:
			b.stack = append(b.stack, in.Out)
		case syntax.InstEmptyWidth:
			if holds(syntax.EmptyOp(in.Arg), s.before, c) {
				b.stack = append(b.stack, in.Out)
			}
		case syntax.InstFail:
		case syntax.InstRune, syntax.InstRune1, syntax.InstRuneAny, syntax.InstRuneAnyNotNL:
			if !end && b.r.sets[pc].has(byte(c)) {
				next = append(next, in.Out)
			}
		}
	}
	if end {
		return dead
	}
	if !b.anchored {
		next = append(next, uint32(b.r.prog.Start))
	}
	slices.Sort(next)
	return b.state(nfa{slices.Compact(next), b.after(byte(c))})
}

// after is what a byte is to the position behind it. Without conditions that ask, all
// bytes are alike, which saves states.
func (b *builder) after(c byte) before {
	switch {
	case b.lines && c == '\n':
		return afterNewline
	case b.words && isWord(c):
		return afterWord
	}
	return afterOther
}

// holds reports whether conditions hold between what came before and a byte, -1 being
// the end.
func holds(op syntax.EmptyOp, prev before, c int) bool {
	word := prev == afterWord != (c >= 0 && isWord(byte(c)))
	switch {
	case op&syntax.EmptyBeginText != 0 && prev != afterStart,
		op&syntax.EmptyEndText != 0 && c >= 0,
		op&syntax.EmptyBeginLine != 0 && prev != afterStart && prev != afterNewline,
		op&syntax.EmptyEndLine != 0 && c >= 0 && c != '\n',
		op&syntax.EmptyWordBoundary != 0 && !word,
		op&syntax.EmptyNoWordBoundary != 0 && word:
		return false
	}
	return true
}
