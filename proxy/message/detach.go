package message

import "unsafe"

// Rebase moves every slice of the request that lies in from to the same offset
// of to, a copy of (at least the used part of) from.
func (r *Request) Rebase(from, to []byte) {
	m := mover{from: from, to: to}
	m.move(&r.Line)
	m.move(&r.Method)
	m.move(&r.Target)
	r.Header.rebase(&m)
}

// Detach copies every piece of the request that lies in from, a buffer about to
// be reused, into the request's arena.
func (r *Request) Detach(from []byte) {
	m := mover{from: from, arena: &r.Arena}
	m.move(&r.Line)
	m.move(&r.Method)
	m.move(&r.Target)
	r.Header.rebase(&m)
}

// Rebase is to a response what Request.Rebase is to a request.
func (r *Response) Rebase(from, to []byte) {
	m := mover{from: from, to: to}
	m.move(&r.Reason)
	r.Header.rebase(&m)
}

// Detach is to a response what Request.Detach is to a request.
func (r *Response) Detach(from []byte) {
	m := mover{from: from, arena: &r.Arena}
	m.move(&r.Reason)
	r.Header.rebase(&m)
}

func (h *Header) rebase(m *mover) {
	for i := range h.fields {
		f := &h.fields[i]
		m.move(&f.Name)
		m.move(&f.Value)
	}
}

// mover takes slices out of one buffer: to the same place of another one, or
// into an arena.
type mover struct {
	from, to []byte
	arena    *Arena
}

// move replaces *b when it lies in m.from. Addresses are only compared, never
// turned back into pointers.
func (m *mover) move(b *[]byte) {
	if len(*b) == 0 {
		return
	}
	off := uintptr(unsafe.Pointer(unsafe.SliceData(*b))) - uintptr(unsafe.Pointer(unsafe.SliceData(m.from)))
	if off >= uintptr(len(m.from)) {
		return
	}
	if m.arena != nil {
		*b = m.arena.Copy(*b)
		return
	}
	end := int(off) + len(*b)
	*b = m.to[off:end:end]
}
