package loadgen

import (
	"fmt"
	"slices"
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
func (c *http1) replay(spec *Spec, t *trace) error {
	c.trace = t.entries
	for i := range c.classes {
		c.classes[i].Repeatable = true
	}
	for _, r := range t.requests {
		class := 0
		if r.name != "" {
			class = slices.IndexFunc(c.classes, func(k Class) bool { return k.Name == r.name })
			if class < 0 {
				return fmt.Errorf("trace %s has a request %q, which the load does not describe", spec.Trace.File, r.name)
			}
		}
		// One entry that may not be repeated forbids it for all of its class.
		if !idempotent(r.method) {
			c.classes[class].Repeatable = false
		}
		c.replayed = append(c.replayed, replayed{
			line:   r.method + " " + r.path + " HTTP/1.1\r\n",
			class:  class,
			isHead: r.method == "HEAD",
			bare:   slices.Contains([]string{"GET", "HEAD", "DELETE", "OPTIONS", "TRACE"}, r.method),
		})
	}
	return nil
}

// ClassOf implements Replayer.
func (c *http1) ClassOf(item int) int { return c.replayed[c.trace[item].request].class }
