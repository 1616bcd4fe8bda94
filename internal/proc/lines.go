package proc

import (
	"bytes"
	"fmt"
)

// maxLine bounds a line of a child.
const maxLine = 16 << 20

// LineWriter cuts what is written to it into lines, as Spec.Stdout. Empty lines
// are left out.
type LineWriter struct {
	Take func(line []byte) // valid during the call
	rest []byte
}

func (w *LineWriter) Write(p []byte) (int, error) {
	n := len(p)
	for {
		i := bytes.IndexByte(p, '\n')
		if i < 0 {
			break
		}
		line := p[:i]
		if len(w.rest) > 0 {
			line = append(w.rest, line...)
		}
		if len(bytes.TrimSpace(line)) > 0 {
			w.Take(line)
		}
		w.rest, p = w.rest[:0], p[i+1:]
	}
	if len(w.rest)+len(p) > maxLine {
		return 0, fmt.Errorf("a line is longer than %d bytes", maxLine)
	}
	w.rest = append(w.rest, p...)
	return n, nil
}
