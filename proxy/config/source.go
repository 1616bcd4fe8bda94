package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"bench/internal/syserr"
)

// Source is the text of one configuration file.
type Source struct {
	Name string // as messages show it
	Text []byte
}

// ReadSources reads the configuration files and directories given to -f. Of a
// directory, its files called *.cfg are taken in the order of their names,
// hidden ones left out. "-" is the standard input.
func ReadSources(paths []string) ([]Source, error) {
	var all []Source
	for _, path := range paths {
		files, err := expand(path)
		if err != nil {
			return nil, err
		}
		for _, f := range files {
			text, err := read(f)
			if err != nil {
				return nil, fmt.Errorf("cannot read configuration file %s: %w", f, syserr.Cause(err))
			}
			all = append(all, Source{Name: f, Text: text})
		}
	}
	return all, nil
}

// maxSource is the longest configuration in bytes, as a guard against files that
// are none and never end.
const maxSource = 128 << 20

func read(path string) ([]byte, error) {
	in := os.Stdin
	if path != "-" {
		f, err := os.Open(path)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		in = f
	}
	return readText(path, in)
}

// readText reads a text up to the first null character, which no text has: the
// parser reports it, and a device full of them ends.
func readText(name string, in io.Reader) ([]byte, error) {
	var text []byte
	piece := make([]byte, 64<<10)
	for {
		n, err := in.Read(piece)
		text = append(text, piece[:n]...)
		switch {
		case bytes.IndexByte(piece[:n], 0) >= 0:
			return text, nil
		case len(text) > maxSource:
			return nil, fmt.Errorf("%s is longer than %d MiB: not a configuration?", name, maxSource>>20)
		case errors.Is(err, io.EOF):
			return text, nil
		case err != nil:
			return nil, err
		}
	}
}

func expand(path string) ([]string, error) {
	if path == "-" {
		return []string{path}, nil
	}
	st, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("cannot open configuration file or directory %s: %w", path, syserr.Cause(err))
	}
	if !st.IsDir() {
		return []string{path}, nil
	}
	entries, err := os.ReadDir(path)
	if err != nil {
		return nil, fmt.Errorf("cannot open configuration directory %s: %w", path, syserr.Cause(err))
	}
	var files []string
	for _, e := range entries {
		name := e.Name()
		if strings.HasPrefix(name, ".") || !strings.HasSuffix(name, ".cfg") {
			continue
		}
		full := filepath.Join(path, name)
		if st, err := os.Stat(full); err == nil && st.Mode().IsRegular() {
			files = append(files, full)
		}
	}
	slices.Sort(files)
	return files, nil
}
