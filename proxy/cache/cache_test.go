package cache

import (
	"fmt"
	"sync"
	"testing"

	"bench/proxy/spec"
)

func fill(t *testing.T, c *Cache, r *Request, e *Entry, content string) {
	t.Helper()
	f := c.Fill(r, e, 0)
	if f == nil {
		t.Fatalf("%+v is not kept", r)
	}
	if !f.Add([]byte(content)) {
		f.Drop()
		return
	}
	f.Keep()
}

func content(e *Entry) string {
	if e == nil {
		return "none"
	}
	return string(e.Content)
}

func TestCache(t *testing.T) {
	c := New(&spec.Cache{Total: 100, Object: 50, Secondary: 2})
	a, b := &Request{Key: "a"}, &Request{Key: "b"}
	fill(t, c, a, &Entry{Expires: 10}, "of a")
	if got := content(c.Find(a, 9)); got != "of a" {
		t.Errorf("a: %q", got)
	}
	if got := content(c.Find(b, 9)); got != "none" {
		t.Errorf("b: %q", got)
	}
	if got := content(c.Find(a, 10)); got != "none" || c.used != 0 {
		t.Errorf("a, too old: %q, %d bytes", got, c.used)
	}
	// Only one at a time is on its way, and what is given up is not kept.
	f := c.Fill(a, &Entry{Expires: 10}, 0)
	if c.Fill(a, &Entry{Expires: 10}, 0) != nil {
		t.Error("two are on their way")
	}
	if f.Add(make([]byte, 51)) {
		t.Error("too much was taken")
	}
	f.Drop()
	fill(t, c, a, &Entry{Expires: 10}, "again")
	c.Forget("a")
	if got := content(c.Find(a, 1)); got != "none" {
		t.Errorf("a, forgotten: %q", got)
	}
	// The least recently used ones go.
	for i := range 3 {
		fill(t, c, &Request{Key: fmt.Sprint(i)}, &Entry{Expires: 10}, fmt.Sprintf("%040d", i))
		c.Find(&Request{Key: "0"}, 1)
	}
	for i, want := range []bool{true, false, true} {
		if got := c.Find(&Request{Key: fmt.Sprint(i)}, 1) != nil; got != want {
			t.Errorf("%d is there: %v", i, got)
		}
	}
}

// What is on its way when its address is forgotten is not kept, and is in nobody's way.
func TestForgottenOnItsWay(t *testing.T) {
	c := New(&spec.Cache{Total: 100, Object: 50, Secondary: 2})
	a := &Request{Key: "a"}
	before := c.Fill(a, &Entry{Expires: 10}, 0)
	c.Forget("a")
	after := c.Fill(a, &Entry{Expires: 10}, 0)
	if after == nil {
		t.Fatal("what was forgotten keeps others away")
	}
	before.Add([]byte("before"))
	before.Keep()
	if got := content(c.Find(a, 1)); got != "none" {
		t.Errorf("kept: %q", got)
	}
	after.Add([]byte("after"))
	after.Keep()
	if got := content(c.Find(a, 1)); got != "after" {
		t.Errorf("kept: %q", got)
	}
	before.Drop()
	if got := content(c.Find(a, 1)); got != "after" || c.Filling() != 0 {
		t.Errorf("kept: %q, and %d are on their way", got, c.Filling())
	}
}

// What depends on fields of a request is for requests that take it.
func TestVary(t *testing.T) {
	c := New(&spec.Cache{Total: 1000, Object: 100, Secondary: 2})
	gzip := &Request{Key: "a", Encodings: "br,gzip", Referer: "x"}
	none := &Request{Key: "a", Referer: "y"}
	fill(t, c, gzip, &Entry{Vary: ByEncoding, Encoding: "gzip", Expires: 9}, "coded")
	if got := content(c.Find(none, 1)); got != "none" {
		t.Error(got)
	}
	fill(t, c, none, &Entry{Vary: ByEncoding, Expires: 9}, "plain")
	if got := content(c.Find(gzip, 1)) + content(c.Find(none, 1)) + content(c.Find(&Request{Key: "a", Encodings: "*"}, 1)); got != "codedplaincoded" {
		t.Error(got)
	}
	if c.Fill(gzip, &Entry{Vary: ByEncoding, Encoding: "br", Expires: 9}, 0) != nil {
		t.Error("more are kept for one address than may be")
	}
	fill(t, c, gzip, &Entry{Vary: ByEncoding, Encoding: "gzip", Expires: 9}, "renewed")
	if got := content(c.Find(gzip, 1)); got != "plain" && got != "renewed" {
		t.Error(got)
	}
	from := &Request{Key: "b", Referer: "x"}
	fill(t, c, from, &Entry{Vary: ByReferer, Expires: 9}, "x")
	if got := content(c.Find(from, 1)) + content(c.Find(&Request{Key: "b", Referer: "y"}, 1)); got != "xnone" {
		t.Error(got)
	}
}

func TestThreads(t *testing.T) {
	c := New(&spec.Cache{Total: 500, Object: 100, Secondary: 2})
	var all sync.WaitGroup
	for n := range 4 {
		all.Go(func() {
			for i := range 2000 {
				r := &Request{Key: fmt.Sprint(i % 17), Encodings: fmt.Sprint(n % 2)}
				if e := c.Find(r, int64(i)); e != nil && content(e) != r.Key {
					t.Errorf("%q of %q", e.Content, r.Key)
				}
				if f := c.Fill(r, &Entry{Vary: ByEncoding, Encoding: r.Encodings, Expires: int64(i + 9)}, int64(i)); f != nil {
					if f.Add([]byte(r.Key)); i%3 == 0 {
						f.Drop()
					} else {
						f.Keep()
					}
				}
				if i%100 == 0 {
					c.Forget(r.Key)
				}
			}
		})
	}
	all.Wait()
	if len(c.filling) != 0 {
		t.Errorf("on their way for ever: %v", c.filling)
	}
}
