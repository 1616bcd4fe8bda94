package stream

import (
	"bench/proxy/spec"
	"bench/proxy/txn"
)

// retryable tells whether the request may be sent once more although a server has had
// it, should that fail ("retry-on"): all of it was at hand when it was sent, and is yet.
func (s *stream) retryable() bool {
	if s.first == nil || s.overflow || !s.up.Ended || s.headOut || s.be == nil {
		return false
	}
	be := s.be.Spec
	return be.RetryOn&^spec.RetryConnFailure != 0 && int(s.retries) < be.Retries && (s.txn == nil || !s.txn.NoReplay)
}

// retry sends the request once more because of a failure, if "retry-on" asks for that.
func (s *stream) retry(because spec.RetryOn) bool {
	if s.state != stateResponse || s.be.Spec.RetryOn&because == 0 || !s.retryable() {
		return false
	}
	s.retries++
	s.dropServer()
	if s.redispatchDue() {
		s.prevSrv = s.srv
		s.release()
		s.leaveServer()
	} else {
		s.countRetry()
	}
	s.rewind()
	s.advance(s.returnTo(s.way.server))
	return true
}

// sendAgain connects to the same server once more: the verdict that goes there.
func (s *stream) sendAgain() txn.Verdict {
	s.fresh = !s.untaken() // a server that leaves takes no more requests where it left one
	s.dropServer()
	s.rewind()
	s.at = s.way.server // whose step it does not take again
	return txn.Next
}

// rewind makes what was sent of the request be sent from its beginning, and forgets what
// has come of a response.
func (s *stream) rewind() {
	s.first.R = 0
	s.parser.Reset()
	s.srvExp = never
}

// retryOfStatus is the failure that a status is.
func retryOfStatus(code int) spec.RetryOn {
	for i, c := range spec.RetryStatuses() {
		if c == code {
			return spec.RetryStatus << i
		}
	}
	return 0
}
