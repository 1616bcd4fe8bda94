package chaos

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// Explain puts the kernel's refusal to an unprivileged user into words; other errors
// stay as they are.
func Explain(action string, err error) error {
	if !errors.Is(err, fs.ErrPermission) {
		return err
	}
	return &notPermitted{
		fmt.Sprintf("%s is not permitted to user %d: run it as root, or order it in a scenario with network: {}, whose hosts are the run's own", action, os.Geteuid()), err,
	}
}

// notPermitted keeps what the kernel said for programs, not for readers.
type notPermitted struct {
	text string
	err  error
}

func (e *notPermitted) Error() string { return e.text }
func (e *notPermitted) Unwrap() error { return e.err }
