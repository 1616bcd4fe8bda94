// Package targets chooses the addresses that connections go to.
package targets

import (
	"syscall"

	"bench/internal/sock"
	"bench/loadgen/codec"
)

// List are the addresses that connections go to: all in turn, or, where they are
// those of one name, the one that takes connections, until it does not.
type List struct {
	all     []target
	oneName bool
	turn    int
}

// target is one address.
type target struct {
	addr   sock.Addr
	name   string
	worked bool              // has taken a connection
	told   map[string]string // what failed, with the address before it
}

// New reads addresses as sock.Parse does.
func New(texts []string, oneName bool) (*List, error) {
	t := &List{oneName: oneName}
	for _, text := range texts {
		a, err := sock.Parse(text)
		if err != nil {
			return nil, err
		}
		t.all = append(t.all, target{addr: a, name: text, told: map[string]string{}})
	}
	return t, nil
}

// Next is the number of the address for the next connection.
func (t *List) Next() int {
	at := t.turn
	if !t.oneName {
		t.pass(at)
	}
	return at
}

func (t *List) pass(at int) {
	if t.turn = at + 1; t.turn == len(t.all) {
		t.turn = 0
	}
}

// Addr is an address by its number.
func (t *List) Addr(at int) *sock.Addr { return &t.all[at].addr }

// Opened notes that an address has taken a connection.
func (t *List) Opened(at int) { t.all[at].worked = true }

// Failed notes that an address has not taken a connection, and reports whether to try the
// next one; tries is how many addresses have been tried for the connection.
func (t *List) Failed(at, tries int, e syscall.Errno) bool {
	if !t.oneName || t.Local(at, e) {
		return false
	}
	if t.turn == at {
		t.pass(at) // unless another connection has found out before
	}
	return tries < len(t.all)
}

// Local reports whether a connection failed for want of something on this side. Of several
// addresses one may be of a family that this host has no address of, which looks as if
// there were no ports left.
func (t *List) Local(at int, e syscall.Errno) bool {
	if e == syscall.EADDRNOTAVAIL && t.oneName && len(t.all) > 1 && !t.all[at].worked {
		return false
	}
	return connectCause(e) == codec.CauseLocal
}

// Patience is the part of a time-out for connections that one address has.
func (t *List) Patience(ns int64) int64 {
	if t.oneName {
		return ns / int64(len(t.all))
	}
	return ns
}

// Failure is why an address has not taken a connection; what says more than the address.
func (t *List) Failure(at int, e syscall.Errno, what string) (why codec.Cause, detail string) {
	why = connectCause(e)
	if why == codec.CauseLocal && !t.Local(at, e) {
		why = codec.CauseConnect
	}
	return why, t.detail(at, what)
}

// detail names the address where there are several.
func (t *List) detail(at int, what string) string {
	if len(t.all) == 1 {
		return what
	}
	a := &t.all[at]
	text, ok := a.told[what]
	if !ok {
		text = a.name + ": " + what
		a.told[what] = text
	}
	return text
}

// connectCause sorts the error of a connect.
func connectCause(e syscall.Errno) codec.Cause {
	switch e {
	case syscall.ECONNREFUSED, syscall.ENOENT: // ENOENT: a unix socket nobody listens on
		return codec.CauseRefused
	case syscall.EADDRNOTAVAIL, syscall.EMFILE, syscall.ENFILE, syscall.ENOBUFS, syscall.ENOMEM:
		return codec.CauseLocal
	}
	return codec.CauseConnect
}
