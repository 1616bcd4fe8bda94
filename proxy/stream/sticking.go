package stream

import (
	"bench/proxy/acl"
	"bench/proxy/server"
	"bench/proxy/spec"
	"bench/proxy/table"
	"bench/proxy/txn"
)

// maxStores is how many keys one message can have stored (configuration manual, "stick
// store-request").
const maxStores = 8

// store is a key whose server is to be learnt.
type store struct {
	table *table.Table
	key   []byte
}

// stores are those of one transaction, the first n of the list.
type stores struct {
	list [2 * maxStores]store
	n    int
}

func (x *stores) put(t *table.Table, key []byte) {
	if x.n < len(x.list) {
		s := &x.list[x.n]
		s.table, s.key = t, append(s.key[:0], key...)
		x.n++
	}
}

// has tells whether a key of a table is among those from one on: each table learns one
// of a message.
func (x *stores) has(t *table.Table, from int) bool {
	for _, s := range x.list[from:x.n] {
		if s.table == t {
			return true
		}
	}
	return false
}

// stick follows "stick" lines about requests: it finds the server that the client is to
// keep to, and notes the keys under which the server is to be learnt.
func (s *stream) stick() txn.Verdict {
	x := s.transaction()
	s.show(x)
	x.Final = true
	for i := range s.be.Spec.Sticking {
		if line := &s.be.Spec.Sticking[i]; !line.Response {
			s.stickBy(x, line)
		}
	}
	return txn.Next
}

func (s *stream) stickBy(x *transaction, line *spec.Stick) {
	ctx := s.t.rules.Ctx
	t := s.t.Shared.Tables[line.Table.Int]
	if x.stores.has(t, 0) {
		return
	}
	ctx.Txn = &x.Txn
	if line.Cond.Eval(ctx) != acl.Yes {
		return
	}
	key, ok := s.stickKey(line, t)
	if !ok {
		return
	}
	if line.Match {
		if r, ok := t.Find(key, s.t.Loop.Now()); ok {
			if s.assigned == nil {
				if srv := s.stuckTo(r); srv != nil {
					s.stickTo(srv)
				}
			}
			r.Touch(s.t.Loop.Now())
			r.Drop()
		}
	}
	if line.Store && x.stores.n < maxStores {
		x.stores.put(t, key)
	}
}

// stickKey is the key that a line makes, good until the next evaluation.
func (s *stream) stickKey(line *spec.Stick, t *table.Table) ([]byte, bool) {
	ctx := s.t.rules.Ctx
	v := line.Key.Eval(ctx)
	if v == nil {
		return nil, false
	}
	return ctx.Key(v, t.Spec)
}

// stuckTo is the server of the backend that an entry stands for, by the name or address
// that peers know it by, or by its number; nil for one that cannot be used.
func (s *stream) stuckTo(r table.Ref) *server.Server {
	id, key := r.Server()
	var srv *server.Server
	if key != "" {
		srv = s.serverOfKey(r.Table(), key)
	}
	if srv == nil && id != 0 {
		srv = s.be.ServerByID(id)
	}
	if srv == nil || !s.reachable(srv) {
		return nil
	}
	return srv
}

func (s *stream) serverOfKey(t *table.Table, key string) *server.Server {
	if !t.ByAddr {
		srv, _ := s.be.Server(key)
		return srv
	}
	for _, srv := range s.be.Servers() {
		if srv.Addr().String() == key {
			return srv
		}
	}
	return nil
}

// learnResponse follows "stick store-response" lines, and then has all keys learn the
// server.
func (s *stream) learnResponse() txn.Verdict {
	x := s.transaction()
	ctx := s.t.rules.Ctx
	before := x.stores.n
	for i := range s.be.Spec.Sticking {
		line := &s.be.Spec.Sticking[i]
		if !line.Response {
			continue
		}
		t := s.t.Shared.Tables[line.Table.Int]
		if x.stores.has(t, before) || x.stores.n-before == maxStores {
			continue
		}
		s.show(x)
		x.Final = true
		ctx.Txn = &x.Txn
		if line.Cond.Eval(ctx) != acl.Yes {
			continue
		}
		if key, ok := s.stickKey(line, t); ok {
			x.stores.put(t, key)
		}
	}
	s.learn()
	return txn.Next
}

// learn puts the server into the tables, under the keys that were noted.
func (s *stream) learn() {
	if s.txn == nil {
		return
	}
	x := &s.txn.stores
	now := s.t.Loop.Now()
	for i := range x.list[:x.n] {
		st := &x.list[i]
		if srv := s.srv; srv != nil && srv.Named() && !srv.Spec.NonStick {
			if r, ok := st.table.Make(st.key, now); ok {
				name := srv.Spec.Name
				if st.table.ByAddr {
					name = srv.Addr().String()
				}
				r.SetServer(srv.Spec.ID, name, now)
				r.Drop()
			}
		}
		st.table = nil
	}
	x.n = 0
}
