package simulation

import (
	"fmt"
	"slices"
	"strconv"
)

// judge holds the head of an answer against what the origin was to say. of is the request
// that it was made for, nil if it is one of the proxy's own.
func (c *client) judge(e *entry, status int, all []field) (of *entry, err error) {
	e.status = status
	text := value(all, "x-id")
	id, _ := strconv.Atoi(text)
	of = c.w.books.requests[id]
	switch back := value(all, "x-back"); {
	case slices.Contains(c.w.p.Proxy, afterwards) && value(all, "x-after") != "yes":
		return nil, fmt.Errorf("request %d: an answer with status %d that the last rules have not seen", e.ID, status)
	case text == "":
		return nil, c.w.ruled(e, status)
	case of == nil || of == e && (status != e.wanted() || e.deed().own):
		return nil, fmt.Errorf("request %d (status %d) gets the answer %d to %s", e.ID, e.wanted(), status, text)
	case value(all, "x-pad") != word(of.Answer.Pad, -id):
		return nil, fmt.Errorf("request %d: the answer is padded with %.100q", e.ID, value(all, "x-pad"))
	case back != "" && back != e.path():
		return nil, fmt.Errorf("request %d: the path of the request was %q", e.ID, back)
	case of == e:
		e.headSeen = c.w.m.Elapsed()
		return e, nil
	}
	return of, c.w.kept(e, of, status)
}

// whole tells whether so much content is all that is to come of the answer to another request,
// or the same one.
func (e *entry) whole(of *entry, got int) bool {
	switch {
	case e.Method == "HEAD" || e.status == 304 || e.status == 204:
		return true
	case of != e && e.Knows && of.Answer.Tagged && got == 0:
		return true // 304, made another status by rules
	}
	return got == of.Answer.Size
}

// check holds a piece of a body against what the origin sends.
func (c *client) check(e *entry, got *int, p []byte) {
	if *got+len(p) > e.Answer.Size || !follows(p, e.ID, down, *got) {
		c.w.books.complain("client %d: wrong bytes in the answer to %d, within %d from %d on", c.no, e.ID, len(p), *got)
	}
	*got += len(p)
}
