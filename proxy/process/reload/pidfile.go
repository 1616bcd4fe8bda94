package reload

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"bench/internal/syserr"
)

// WritePID replaces the contents of a pid file by one line with pid. Whoever
// reads it meanwhile finds the old pid or the new one, never half of it, unless
// the directory allows no new file: then the file itself is written.
func WritePID(path string, pid int) error {
	text := fmt.Appendf(nil, "%d\n", pid)
	if replace(path, text, pid) == nil {
		return nil
	}
	if err := os.WriteFile(path, text, 0o644); err != nil {
		return fmt.Errorf("cannot write pid file %s: %w", path, syserr.Cause(err))
	}
	return nil
}

func replace(path string, text []byte, pid int) error {
	if st, err := os.Lstat(path); err == nil && !st.Mode().IsRegular() {
		return fs.ErrInvalid // a link or a device stays what it is
	}
	temporary := fmt.Sprintf("%s.%d.tmp", path, pid)
	if err := os.WriteFile(temporary, text, 0o644); err != nil {
		return errors.Join(err, os.Remove(temporary))
	}
	if err := os.Rename(temporary, path); err != nil {
		return errors.Join(err, os.Remove(temporary))
	}
	return nil
}
