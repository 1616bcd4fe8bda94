package main

import (
	"os"
	"strings"

	"golang.org/x/sys/unix"

	"bench/internal/result"
	"bench/loadgen/show"
)

// progressLine shows live readings: in place on a terminal, else line by line.
type progressLine struct {
	out     *os.File
	quiet   bool
	inPlace bool
	drawn   bool
}

func newProgressLine(out *os.File, quiet bool) *progressLine {
	return &progressLine{out: out, quiet: quiet, inPlace: isTerminal(out) && os.Getenv("TERM") != "dumb" && os.Getenv("CI") == ""}
}

func (p *progressLine) print(r *result.Progress) {
	if p.quiet {
		return
	}
	var line strings.Builder
	if p.inPlace {
		line.WriteString("\r\x1b[K")
	}
	_ = show.PrintProgress(&line, r) // a Builder does not fail
	if !p.inPlace {
		line.WriteByte('\n')
	}
	p.drawn = true
	// A progress line that cannot be shown is no reason to end a measurement.
	_, _ = p.out.WriteString(line.String())
}

// end leaves the cursor on an empty line.
func (p *progressLine) end() {
	if p.inPlace && p.drawn {
		_, _ = p.out.WriteString("\r\x1b[K")
	}
}

func isTerminal(f *os.File) bool {
	_, err := unix.IoctlGetTermios(int(f.Fd()), unix.TCGETS)
	return err == nil
}
