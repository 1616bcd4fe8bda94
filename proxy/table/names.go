package table

import (
	"sync"
	"sync/atomic"
)

// names gives numbers to texts, which entries hold in their place. A text is there as
// long as an entry has it: others may send any number of them.
//
// Its lock is taken within those of shards.
type names struct {
	mu   sync.RWMutex
	ids  map[string]uint32
	list []*name // by number, from 1; nil: free
	free []uint32
}

type name struct {
	text  string
	users atomic.Int32
}

// hold is the number of a text that one more entry has; 0 stands for "".
func (n *names) hold(text string) uint32 {
	if text == "" {
		return 0
	}
	n.mu.RLock()
	id, ok := n.ids[text]
	if ok {
		n.list[id-1].users.Add(1)
	}
	n.mu.RUnlock()
	if ok {
		return id
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if id, ok = n.ids[text]; ok {
		n.list[id-1].users.Add(1)
		return id
	}
	if n.ids == nil {
		n.ids = map[string]uint32{}
	}
	if last := len(n.free) - 1; last >= 0 {
		id, n.free = n.free[last], n.free[:last]
	} else {
		n.list = append(n.list, nil)
		id = uint32(len(n.list))
	}
	x := &name{text: text}
	x.users.Store(1)
	n.list[id-1] = x
	n.ids[text] = id
	return id
}

// release is the end of hold.
func (n *names) release(id uint32) {
	if id == 0 {
		return
	}
	n.mu.RLock()
	x := n.list[id-1]
	last := x.users.Add(-1) == 0
	n.mu.RUnlock()
	if !last {
		return
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	// Somebody may have come for it, or gone with it, meanwhile.
	if n.list[id-1] == x && x.users.Load() == 0 {
		delete(n.ids, x.text)
		n.list[id-1] = nil
		n.free = append(n.free, id)
	}
}

// text is that of a number which an entry has while its lock is held.
func (n *names) text(id uint32) string {
	if id == 0 {
		return ""
	}
	n.mu.RLock()
	defer n.mu.RUnlock()
	return n.list[id-1].text
}

// nameOf is the text that an entry holds, "" if none.
func (t *Table) nameOf(e []byte) string {
	if at := t.offset[ServerKey]; at != 0 {
		return t.names.text(get(e, at))
	}
	return ""
}

// setName makes an entry hold a text.
func (t *Table) setName(e []byte, text string) {
	at := t.offset[ServerKey]
	if at == 0 || t.names.text(get(e, at)) == text {
		return
	}
	old := get(e, at)
	put(e, at, t.names.hold(text))
	t.names.release(old)
}

// Server is the server that an entry stands for: its number, and the name or address
// that it is known by; 0 and "" where none is kept.
func (r Ref) Server() (id int, key string) {
	s, e := r.lock()
	defer s.mu.Unlock()
	if at := r.t.offset[ServerID]; at != 0 {
		id = int(int32(get(e, at)))
	}
	return id, r.t.nameOf(e)
}

// SetServer makes the entry stand for a server.
func (r Ref) SetServer(id int, key string, now int64) {
	s, e := r.lock()
	defer s.mu.Unlock()
	if at := r.t.offset[ServerID]; at != 0 {
		put(e, at, uint32(int32(id)))
	}
	r.t.setName(e, key)
	r.changed(s, e, millis(now))
}
