package redisorigin

import (
	"bytes"
	"slices"

	"bench/internal/resp"
)

// transaction is what a client has said between MULTI and EXEC, and what it
// watches. The zero value is none.
type transaction struct {
	open    bool
	broken  bool // a command was refused: EXEC carries out none
	queue   []queued
	watched []watch
	touched bool // a key that is watched has changed
}

// queued is a command that waits for EXEC.
type queued struct {
	cmd  *command
	args [][]byte
}

// watch is a key whose change keeps a transaction from being carried out.
type watch struct {
	db  int
	key string
}

// queues reports whether a command waits for EXEC.
func (s *session) queues(cmd *command) bool { return s.tx.open && cmd.flags&atOnce == 0 }

// enqueue keeps a command for EXEC.
func (k *call) enqueue(cmd *command) {
	args := make([][]byte, len(k.args))
	for i, a := range k.args {
		args[i] = bytes.Clone(a)
	}
	k.s.tx.queue = append(k.s.tx.queue, queued{cmd, args})
	k.out = append(k.out, "+QUEUED\r\n"...)
}

// reject answers a command that is not to be carried out, which also ends or
// breaks the transaction it stands in.
func (k *call) reject(cmd *command, text string) {
	s := k.s
	if cmd != nil && cmd.name == "exec" {
		s.leave()
		text = "EXECABORT Transaction discarded because of: " + text
	}
	s.tx.broken = s.tx.open
	k.fail(text)
}

// needs are the flags by which a command is judged: EXEC writes, and needs memory,
// as the commands do that wait for it, and goes when all of them go.
func (s *session) needs(cmd *command) flags {
	f := cmd.flags
	if cmd.name == "exec" {
		for _, q := range s.tx.queue {
			f = f&(q.cmd.flags|^anytime) | q.cmd.flags&(write|grows)
		}
	}
	return f
}

func multi(k *call) {
	if k.s.tx.open {
		k.fail("ERR MULTI calls can not be nested")
		return
	}
	k.s.tx.open = true
	k.ok()
}

func exec(k *call) {
	s := k.s
	if !s.tx.open {
		k.fail("ERR EXEC without MULTI")
		return
	}
	for _, w := range s.tx.watched { // one whose time is over has changed
		s.r.dbs[w.db].get([]byte(w.key), s.r.now())
	}
	queue, broken, touched := s.tx.queue, s.tx.broken, s.tx.touched
	s.leave()
	switch {
	case broken:
		k.fail("EXECABORT Transaction discarded because of previous errors.")
	case touched:
		k.nullArray()
	default:
		k.out = resp.AppendArray(k.out, len(queue))
		for _, q := range queue {
			k.args = q.args
			q.cmd.do(k)
		}
		k.failed = false // the answer is an array, whatever it holds
	}
}

func discard(k *call) {
	if !k.s.tx.open {
		k.fail("ERR DISCARD without MULTI")
		return
	}
	k.s.leave()
	k.ok()
}

func watchKeys(k *call) {
	s := k.s
	if s.tx.open {
		k.fail("ERR WATCH inside MULTI is not allowed")
		return
	}
	for i := range k.args[1:] {
		k.get(i + 1) // what is over goes now, and not while it is watched
		w := watch{s.db, string(k.args[i+1])}
		if !slices.Contains(s.tx.watched, w) {
			s.tx.watched = append(s.tx.watched, w)
			k.db().watch(w.key, s)
		}
	}
	k.ok()
}

func unwatch(k *call) {
	k.s.unwatch()
	k.ok()
}

// leave ends the transaction and all watching.
func (s *session) leave() {
	s.unwatch()
	s.tx = transaction{}
}

func (s *session) unwatch() {
	for _, w := range s.tx.watched {
		s.r.dbs[w.db].unwatch(w.key, s)
	}
	s.tx.watched, s.tx.touched = nil, false
}
