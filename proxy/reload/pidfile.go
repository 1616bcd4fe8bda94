package reload

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// WritePID replaces the contents of a pid file by one line with pid. The file
// keeps its inode, so that whoever watches or locks it goes on doing so.
func WritePID(path string, pid int) error {
	err := os.WriteFile(path, fmt.Appendf(nil, "%d\n", pid), 0o644)
	if p, ok := errors.AsType[*fs.PathError](err); ok {
		return fmt.Errorf("cannot write pid file %s: %w", path, p.Err)
	}
	return err
}
