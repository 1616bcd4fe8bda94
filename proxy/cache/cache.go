// Package cache keeps complete responses for requests to come (RFC 9111): what is kept for
// how long, and which of them a request may have. A response is kept as it is written to
// nobody: it never changes, so that any thread may send it without a lock.
package cache

import (
	"container/list"
	"strings"
	"sync"
	"time"

	"bench/proxy/message"
	"bench/proxy/spec"
)

// Vary says on which fields of its request a response depends.
type Vary uint8

// The fields that are understood.
const (
	ByEncoding Vary = 1 << iota // Accept-Encoding
	ByReferer
)

// Request is what a cache needs to know of a request.
type Request struct {
	Key string // the address
	// Encodings are the codings that the client takes, with commas between, and Referer is
	// where it comes from.
	Encodings, Referer string
}

// takes tells whether a client takes a content that was encoded.
func (r *Request) takes(encoding string) bool {
	for one := range strings.SplitSeq(encoding, ",") {
		one = strings.TrimSpace(one)
		known := one == "" || one == "identity"
		for taken := range strings.SplitSeq(r.Encodings, ",") {
			known = known || taken == one || taken == "*"
		}
		if !known {
			return false
		}
	}
	return true
}

// Entry is a response that is kept.
type Entry struct {
	Response message.Response
	Content  []byte
	Vary     Vary
	Stored   int64 // seconds since 1970
	Expires  int64
	Age      int64  // that it had when it was stored
	Modified int64  // 0: it does not say
	ETag     string // "": it has none
	Encoding string // of the content, in lower case; "": none

	key, referer string
	place        *list.Element
}

// serves tells whether the response is one for such a request.
func (e *Entry) serves(r *Request) bool {
	return (e.Vary&ByEncoding == 0 || r.takes(e.Encoding)) && (e.Vary&ByReferer == 0 || e.referer == r.Referer)
}

// replaces tells whether the response takes the place of another one for the same address.
func (e *Entry) replaces(old *Entry) bool {
	return e.Vary == old.Vary && (e.Vary&ByEncoding == 0 || e.Encoding == old.Encoding) && (e.Vary&ByReferer == 0 || e.referer == old.referer)
}

func (e *Entry) size() int { return len(e.Content) + e.Response.TextLen() }

// Cache keeps the responses of one section, for all threads.
type Cache struct {
	Spec *spec.Cache

	mu      sync.Mutex
	entries map[string][]*Entry // by address
	recent  *list.List          // the most recently used one first
	used    int
	filling map[string]*Filling // what is on its way here, by its id
}

// New makes an empty cache.
func New(s *spec.Cache) *Cache {
	return &Cache{Spec: s, entries: map[string][]*Entry{}, recent: list.New(), filling: map[string]*Filling{}}
}

// Find returns the response for a request at a time, nil if there is none.
func (c *Cache) Find(r *Request, now int64) *Entry {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, e := range c.entries[r.Key] {
		if !e.serves(r) {
			continue
		}
		if e.Expires <= now {
			c.remove(e)
			return nil
		}
		c.recent.MoveToFront(e.place)
		return e
	}
	return nil
}

// Forget drops what is kept for an address, and keeps nothing that is on its way for it: it
// is from before.
func (c *Cache) Forget(key string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for id, f := range c.filling {
		if f.entry.key == key {
			delete(c.filling, id)
		}
	}
	for len(c.entries[key]) > 0 {
		c.remove(c.entries[key][0])
	}
}

// remove drops an entry; c.mu is held.
func (c *Cache) remove(e *Entry) {
	c.recent.Remove(e.place)
	c.used -= e.size()
	rest := c.entries[e.key]
	for i := range rest {
		if rest[i] == e {
			rest = append(rest[:i:i], rest[i+1:]...)
			break
		}
	}
	if len(rest) == 0 {
		delete(c.entries, e.key)
		return
	}
	c.entries[e.key] = rest
}

// Filling is a response on its way into a cache.
type Filling struct {
	cache *Cache
	entry *Entry
	id    string
}

// Fill begins to keep the response of a request; nil: it is not to be kept, as another one
// for the same request is on its way, or as there are too many others for the address. e has
// no content yet.
func (c *Cache) Fill(r *Request, e *Entry, now int64) *Filling {
	e.key, e.referer = r.Key, r.Referer
	id := e.key
	if e.Vary&ByEncoding != 0 {
		id += "\n" + e.Encoding
	}
	if e.Vary&ByReferer != 0 {
		id += "\n" + e.referer
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.filling[id] != nil {
		return nil
	}
	for _, old := range append([]*Entry(nil), c.entries[e.key]...) {
		if e.replaces(old) || old.Expires <= now {
			c.remove(old)
		}
	}
	if e.Vary != 0 && len(c.entries[e.key]) >= c.Spec.Secondary {
		return nil
	}
	f := &Filling{c, e, id}
	c.filling[id] = f
	return f
}

// Add appends a piece of content, and reports false for what has become too large.
func (f *Filling) Add(content []byte) bool {
	if f.entry.size()+len(content) > f.cache.Spec.Object {
		return false
	}
	f.entry.Content = append(f.entry.Content, content...)
	return true
}

// arrived takes the response off the list of those on their way, and reports false if it
// is not wanted any more; c.mu is held.
func (f *Filling) arrived() bool {
	c := f.cache
	if c.filling[f.id] != f {
		return false // forgotten: what is there now is another one
	}
	delete(c.filling, f.id)
	return true
}

// Keep keeps the response, which is complete. The least recently used others go for it.
func (f *Filling) Keep() {
	c := f.cache
	c.mu.Lock()
	defer c.mu.Unlock()
	if !f.arrived() {
		return
	}
	for c.used+f.entry.size() > c.Spec.Total && c.recent.Len() > 0 {
		c.remove(c.recent.Back().Value.(*Entry))
	}
	c.used += f.entry.size()
	f.entry.place = c.recent.PushFront(f.entry)
	c.entries[f.entry.key] = append(c.entries[f.entry.key], f.entry)
}

// Drop gives the response up.
func (f *Filling) Drop() {
	f.cache.mu.Lock()
	f.arrived()
	f.cache.mu.Unlock()
}

// Filling is how many responses are on their way here.
func (c *Cache) Filling() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.filling)
}

// Listed is a response that is kept, for people.
type Listed struct {
	Key  string // the address
	Vary Vary
	Size int   // in bytes
	Left int64 // seconds until it is too old
}

// List lists what is kept, the most recently used first, and tells how much that takes.
func (c *Cache) List() (list []Listed, used int) {
	now := time.Now().Unix()
	c.mu.Lock()
	defer c.mu.Unlock()
	for p := c.recent.Front(); p != nil; p = p.Next() {
		e := p.Value.(*Entry)
		list = append(list, Listed{e.key, e.Vary, e.size(), e.Expires - now})
	}
	return list, c.used
}
