package series

import (
	"testing"

	"bench/internal/result"
)

// A server's error is a whole answer, of a class of its own.
func TestErrorAnswers(t *testing.T) {
	for _, cause := range []string{result.CauseError, result.CauseDenied, result.CauseReadOnly, result.CauseUnavailable, result.CauseConflict} {
		if ClassOf(cause) != ErrorAnswer || Unanswered(cause) {
			t.Errorf("%s is of class %s, unanswered %v", cause, ClassOf(cause).Name(), Unanswered(cause))
		}
	}
	if !Unanswered(result.CauseTimeout) || Unanswered(result.CauseBody) {
		t.Error("a time-out is an answer, or a wrong body none")
	}
}
