// Package syserr words errors of the system for messages that name the file by themselves.
package syserr

import (
	"errors"
	"io/fs"
)

// Cause is what the system says, without the operation and the path that Go adds.
func Cause(err error) error {
	if at, ok := errors.AsType[*fs.PathError](err); ok {
		return at.Err
	}
	return err
}

// Text is Cause in the words of the C library, which begin with a capital.
func Text(err error) string {
	text := Cause(err).Error()
	if text == "" || text[0] < 'a' || text[0] > 'z' {
		return text
	}
	return string(text[0]-('a'-'A')) + text[1:]
}
