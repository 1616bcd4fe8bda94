package abuse

import "fmt"

// halfClosePlans end the sending side behind a complete request.
func halfClosePlans(s *settings) []plan {
	return []plan{{steps: []step{send(s.get()), {do: opShut}, {do: opWait}}, requests: 1}}
}

// half is the beginning of a request.
func (s *settings) half() []byte {
	return fmt.Appendf(nil, "GET %s HTTP/1.1\r\nHost: %s\r\nUser-Ag", s.path, s.host)
}

// halfRequestPlans end the sending side within the head.
func halfRequestPlans(s *settings) []plan {
	return []plan{{steps: []step{send(s.half()), {do: opShut}, {do: opWait}}}}
}

// abortRequestPlans go away within the head, and within a body.
func abortRequestPlans(s *settings) []plan {
	body := fmt.Appendf(nil, "POST %s HTTP/1.1\r\nHost: %s\r\nContent-Length: 1000\r\n\r\nthe first of it", s.path, s.host)
	return []plan{
		{steps: []step{send(s.half()), leave(s.reset)}},
		{steps: []step{send(body), leave(s.reset)}},
	}
}

// abortResponsePlans go away within the answer.
func abortResponsePlans(s *settings) []plan {
	return []plan{{
		steps:    []step{send(s.get()), {do: opFirst, piece: or(s.bytes, 1)}, leave(s.reset)},
		requests: 1,
	}}
}
