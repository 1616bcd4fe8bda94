package table

import "sync"

// names gives numbers to texts, which entries hold in their place. There are as many as
// there are servers, and they stay.
type names struct {
	mu   sync.RWMutex
	ids  map[string]uint32
	list []string // by number, from 1
}

func (n *names) id(text string) uint32 {
	n.mu.RLock()
	id, ok := n.ids[text]
	n.mu.RUnlock()
	if ok {
		return id
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if id, ok = n.ids[text]; ok {
		return id
	}
	if n.ids == nil {
		n.ids = map[string]uint32{}
	}
	n.list = append(n.list, text)
	id = uint32(len(n.list))
	n.ids[text] = id
	return id
}

func (n *names) text(id uint32) string {
	n.mu.RLock()
	defer n.mu.RUnlock()
	if id == 0 || int(id) > len(n.list) {
		return ""
	}
	return n.list[id-1]
}

// Server is the server that an entry stands for: its number, and the name or address
// that it is known by; 0 and "" where none is kept.
func (r Ref) Server() (id int, key string) {
	s, e := r.lock()
	if at := r.t.offset[ServerID]; at != 0 {
		id = int(int32(get(e, at)))
	}
	name := uint32(0)
	if at := r.t.offset[ServerKey]; at != 0 {
		name = get(e, at)
	}
	s.mu.Unlock()
	return id, r.t.names.text(name)
}

// SetServer makes the entry stand for a server.
func (r Ref) SetServer(id int, key string, now int64) {
	name := r.t.names.id(key)
	s, e := r.lock()
	defer s.mu.Unlock()
	if at := r.t.offset[ServerID]; at != 0 {
		put(e, at, uint32(int32(id)))
	}
	if at := r.t.offset[ServerKey]; at != 0 {
		put(e, at, name)
	}
	r.t.touch(e, millis(now))
}
