package runner

import (
	"context"
	"errors"
	"testing"
)

// Who interrupts a run learns what it left behind.
func TestInterruptedWithLeftovers(t *testing.T) {
	left := fail(exitLost, errors.New("load x (process 7) was killed and has not ended"))
	for _, c := range []struct {
		err, left error
		code      int
		text      string
	}{
		{context.Canceled, left, exitLost, "interrupted; load x (process 7) was killed and has not ended"},
		{context.Canceled, nil, exitInterrupted, "context canceled"},
		{nil, left, exitLost, "load x (process 7) was killed and has not ended"},
		{fail(exitProxy, errors.New("the proxy ended")), left, exitProxy, "the proxy ended\nload x (process 7) was killed and has not ended"},
	} {
		err := withLeft(c.err, c.left)
		if err.Error() != c.text || Code(err) != c.code {
			t.Errorf("%q, exit code %d; want %q, %d", err, Code(err), c.text, c.code)
		}
	}
	if err := withLeft(nil, nil); err != nil {
		t.Error(err)
	}
}
