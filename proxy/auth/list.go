// Package auth holds lists of users with their passwords and groups, and tells whether
// a password is right. It does not know where a password came from.
package auth

import (
	"crypto/sha256"
	"crypto/subtle"
	"maps"
	"slices"
	"sync/atomic"
)

// List is one "userlist" section. It is complete before it is used and may be shared.
type List struct {
	Name  string
	users map[string]*User
}

// User is one user of a list.
type User struct {
	Name   string
	groups []string
	hash   *Hash  // nil: the password is plain
	plain  []byte // nil with hash nil: there is no password, and none is right
	// right is the digest of the password that was found right: to hash one again as
	// slowly as it was meant to be, for each request, would stop a thread for
	// milliseconds.
	right atomic.Pointer[[sha256.Size]byte]
}

// NewList makes an empty list.
func NewList(name string) *List { return &List{Name: name, users: map[string]*User{}} }

// Add adds a user without a password, or returns nil if there is one of that name.
func (l *List) Add(name string) *User {
	if l.users[name] != nil {
		return nil
	}
	u := &User{Name: name}
	l.users[name] = u
	return u
}

// User finds a user, nil if there is none of that name.
func (l *List) User(name string) *User { return l.users[name] }

// Names are those of the users, in no order.
func (l *List) Names() []string { return slices.Collect(maps.Keys(l.users)) }

// SetPassword sets a plain password.
func (u *User) SetPassword(p string) { u.plain, u.hash = []byte(p), nil }

// SetHash sets a password of which the hash is known.
func (u *User) SetHash(h *Hash) { u.plain, u.hash = nil, h }

// Join makes the user a member of a group.
func (u *User) Join(group string) {
	if !slices.Contains(u.groups, group) {
		u.groups = append(u.groups, group)
	}
}

// Groups are those the user is a member of.
func (u *User) Groups() []string { return u.groups }

// In reports whether the user is a member of a group.
func (u *User) In(group []byte) bool {
	return slices.ContainsFunc(u.groups, func(g string) bool { return g == string(group) })
}

// Check returns the user of a name if the password is right, nil otherwise. It may be
// called from any goroutine; the first time a hashed password comes it takes as long as
// the hash was made to.
func (l *List) Check(name, password []byte) *User {
	u := l.users[string(name)]
	if u == nil || !u.check(password) {
		return nil
	}
	return u
}

func (u *User) check(password []byte) bool {
	if u.hash == nil {
		return u.plain != nil && subtle.ConstantTimeCompare(u.plain, password) == 1
	}
	digest := sha256.Sum256(password)
	if known := u.right.Load(); known != nil && subtle.ConstantTimeCompare(known[:], digest[:]) == 1 {
		return true
	}
	if !u.hash.Matches(password) {
		return false
	}
	right := digest // of its own, or each digest would be made on the heap
	u.right.Store(&right)
	return true
}
