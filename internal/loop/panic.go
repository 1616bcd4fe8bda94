package loop

import (
	"fmt"
	"runtime/debug"
)

// PanicError is a panic of a handler, which has ended its loop.
type PanicError struct {
	Value any
	Stack []byte
}

func (e *PanicError) Error() string {
	return fmt.Sprintf("an unexpected condition: %v\n%s", e.Value, e.Stack)
}

// caught turns a panic on its way up into an error. It must be deferred.
func caught(err *error) {
	if v := recover(); v != nil {
		*err = &PanicError{v, debug.Stack()}
	}
}
