package regex

import "regexp/syntax"

// Memory is what finding groups needs: one for each thread, used again and again.
type Memory struct {
	visited []uint64
	jobs    []job
	cap     []int
}

// job is a position to go on from, or a group's former bound to restore.
type job struct {
	pc      uint32
	restore bool
	pos     int
}

// maxVisited bounds the memory of one search, in bits; beyond it the standard library
// searches, which allocates.
const maxVisited = 16 << 20

// Find returns the bounds of the first match in b at or after from, and of its
// groups: pairs of offsets, -1 for groups that took no part; nil if there is no match.
// They are good until the next call with the same memory.
func (r *Regexp) Find(m *Memory, b []byte, from int) []int {
	if from > len(b) || from == 0 && r.dfa != nil && !r.dfa.match(b) {
		return nil
	}
	bits := len(r.prog.Inst) * (len(b) + 1)
	if bits > maxVisited {
		return r.findSlowly(m, b, from)
	}
	words := (bits + 63) / 64
	if cap(m.visited) < words {
		m.visited = make([]uint64, words)
	}
	m.visited = m.visited[:words]
	clear(m.visited)
	if cap(m.cap) < 2*r.groups {
		m.cap = make([]int, 2*r.groups)
	}
	m.cap = m.cap[:2*r.groups]
	for at := from; at <= len(b); at++ {
		for i := range m.cap {
			m.cap[i] = -1
		}
		if r.try(m, b, at) {
			m.cap[0] = at
			return m.cap
		}
		if r.prog.StartCond()&syntax.EmptyBeginText != 0 {
			break
		}
	}
	return nil
}

// findSlowly is for texts of many megabits of states.
func (r *Regexp) findSlowly(m *Memory, b []byte, from int) []int {
	loc := r.slow.FindSubmatchIndex(b[from:])
	if loc == nil {
		return nil
	}
	m.cap = append(m.cap[:0], loc...)
	for i := range m.cap {
		if m.cap[i] >= 0 {
			m.cap[i] += from
		}
	}
	return m.cap
}

// try looks for a match that begins at a position: the first in the order of the
// expression's alternatives.
func (r *Regexp) try(m *Memory, b []byte, at int) bool {
	m.jobs = append(m.jobs[:0], job{pc: uint32(r.prog.Start), pos: at})
	for len(m.jobs) > 0 {
		j := m.jobs[len(m.jobs)-1]
		m.jobs = m.jobs[:len(m.jobs)-1]
		if j.restore {
			m.cap[j.pc] = j.pos
			continue
		}
		if r.thread(m, b, j.pc, j.pos) {
			return true
		}
	}
	return false
}

// thread follows one path until it fails or matches; what else could be tried on the
// way becomes jobs.
func (r *Regexp) thread(m *Memory, b []byte, pc uint32, pos int) bool {
	for {
		n := int(pc)*(len(b)+1) + pos
		if m.visited[n>>6]>>(n&63)&1 != 0 {
			return false
		}
		m.visited[n>>6] |= 1 << (n & 63)
		switch in := &r.prog.Inst[pc]; in.Op {
		case syntax.InstMatch:
			m.cap[1] = pos
			return true
		case syntax.InstAlt, syntax.InstAltMatch:
			m.jobs = append(m.jobs, job{pc: in.Arg, pos: pos})
			pc = in.Out
		case syntax.InstNop:
			pc = in.Out
		case syntax.InstCapture:
			if int(in.Arg) < len(m.cap) {
				m.jobs = append(m.jobs, job{pc: in.Arg, restore: true, pos: m.cap[in.Arg]})
				m.cap[in.Arg] = pos
			}
			pc = in.Out
		case syntax.InstEmptyWidth:
			if !r.holdsAt(syntax.EmptyOp(in.Arg), b, pos) {
				return false
			}
			pc = in.Out
		case syntax.InstRune, syntax.InstRune1, syntax.InstRuneAny, syntax.InstRuneAnyNotNL:
			if pos >= len(b) || !r.sets[pc].has(b[pos]) {
				return false
			}
			pos++
			pc = in.Out
		case syntax.InstFail:
			return false
		}
	}
}

func (r *Regexp) holdsAt(op syntax.EmptyOp, b []byte, pos int) bool {
	prev, c := afterStart, -1
	if pos > 0 {
		switch p := b[pos-1]; {
		case isWord(p):
			prev = afterWord
		case p == '\n':
			prev = afterNewline
		default:
			prev = afterOther
		}
	}
	if pos < len(b) {
		c = int(b[pos])
	}
	return holds(op, prev, c)
}
