package http1

import (
	"fmt"
	"slices"

	"bench/loadgen/codec"
	"bench/loadgen/trace"
)

// replayed is one of the different requests of a trace.
type replayed struct {
	line   string // the request line
	class  int
	isHead bool
	bare   bool // without the body of its class, which the method has no use for
}

// replay prepares the requests of a trace. Headers, body and expectations are
// those of the class an entry names, or of the first one.
func (c *client) replay(t *trace.Trace) error {
	c.trace = t.Entries
	for i := range c.classes {
		c.classes[i].Repeatable = true
	}
	for _, r := range t.Requests {
		class := 0
		if r.Name != "" {
			class = slices.IndexFunc(c.classes, func(k codec.Class) bool { return k.Name == r.Name })
			if class < 0 {
				return fmt.Errorf("trace %s has a request %q, which the load does not describe", t.File, r.Name)
			}
		}
		// One entry that may not be repeated forbids it for all of its class.
		if !idempotent(r.Method) {
			c.classes[class].Repeatable = false
		}
		c.replayed = append(c.replayed, replayed{
			line:   r.Method + " " + r.Path + " HTTP/1.1\r\n",
			class:  class,
			isHead: r.Method == "HEAD",
			bare:   slices.Contains([]string{"GET", "HEAD", "DELETE", "OPTIONS", "TRACE"}, r.Method),
		})
	}
	return nil
}

// ClassOf implements Replayer.
func (c *client) ClassOf(item int) int { return c.replayed[c.trace[item].Request].class }
