package abuse

import (
	"bytes"
	"fmt"
)

// idlePlans open and hold.
func idlePlans(s *settings) []plan {
	return []plan{{steps: []step{{do: opHold}}, limit: s.hold}}
}

// churnPlans open and close.
func churnPlans(s *settings) []plan {
	return []plan{{steps: []step{leave(s.reset)}}}
}

// slowlorisPlans begin a request and go on adding header fields to it.
func slowlorisPlans(s *settings) []plan {
	head := fmt.Appendf(nil, "GET %s HTTP/1.1\r\nHost: %s\r\n", s.path, s.host)
	field := []byte("X-Patience: is a virtue\r\n")
	slow := drip(field, or(s.bytes, len(field)), or(s.every, defaultEveryNs), 0)
	return []plan{{steps: []step{send(head), slow}, limit: s.hold}}
}

// maxPattern bounds what is held of a body to drip.
const maxPattern = 64 << 10

// slowPostPlans announce a body and drip it.
func slowPostPlans(s *settings) []plan {
	size, piece := or(s.size, defaultBody), or(s.bytes, 1)
	head := fmt.Appendf(nil, "POST %s HTTP/1.1\r\nHost: %s\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n\r\n", s.path, s.host, size)
	body := bytes.Repeat([]byte("x"), min(piece, maxPattern))
	return []plan{{
		steps:    []step{send(head), drip(body, piece, or(s.every, defaultEveryNs), size), {do: opWait}},
		requests: 1, limit: s.hold,
	}}
}

// slowReadPlans ask for an answer and hardly take it.
func slowReadPlans(s *settings) []plan {
	return []plan{{
		steps:    []step{send(s.get()), {do: opHold}},
		requests: 1, limit: s.hold, window: s.window,
		piece: or(s.bytes, defaultReadBytes), every: or(s.every, defaultReadEveryNs),
	}}
}

// pipelinePlans send many requests and listen later.
func pipelinePlans(s *settings) []plan {
	deaf := int64(defaultDeafNs)
	if s.heldFor {
		deaf = s.hold
	}
	one := s.get()
	unit := int64(len(one))
	data := bytes.Repeat(one, max(1, min(s.requests, maxPattern/len(one))))
	all := step{do: opSend, data: data, total: unit * int64(s.requests)}
	return []plan{{steps: []step{all, {do: opWait}}, requests: s.requests, unit: unit, deaf: deaf}}
}
