package cmdline

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// ExpandFiles replaces directories by the ".cfg" files in them, in byte order of
// their names and without hidden ones. An error names what cannot be read.
func ExpandFiles(names []string) ([]string, error) {
	var files []string
	for _, name := range names {
		st, err := os.Stat(name)
		if err != nil {
			return nil, fmt.Errorf("cannot open configuration file or directory %s: %w", name, cause(err))
		}
		if !st.IsDir() {
			files = append(files, name)
			continue
		}
		entries, err := os.ReadDir(name)
		if err != nil {
			return nil, fmt.Errorf("cannot open configuration directory %s: %w", name, cause(err))
		}
		var found []string
		for _, e := range entries {
			if n := e.Name(); strings.HasSuffix(n, ".cfg") && n[0] != '.' {
				path := filepath.Join(name, n)
				if st, err := os.Stat(path); err == nil && st.Mode().IsRegular() {
					found = append(found, path)
				}
			}
		}
		slices.Sort(found)
		files = append(files, found...)
	}
	return files, nil
}
