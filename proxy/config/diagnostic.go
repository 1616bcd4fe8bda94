package config

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"bench/proxy/spec"
)

// Severity of a diagnostic.
type Severity uint8

// Severities, from the mildest.
const (
	Diag    Severity = iota // hints for the diagnostic mode (-dD)
	Notice                  // information
	Warning                 // accepted, but probably not what is wanted; fatal under -dW
	Alert                   // an error: the configuration is refused
)

func (s Severity) String() string {
	switch s {
	case Diag:
		return "DIAG"
	case Notice:
		return "NOTICE"
	case Warning:
		return "WARNING"
	case Alert:
	}
	return "ALERT"
}

// Diagnostic is one remark about a configuration.
type Diagnostic struct {
	Severity Severity
	spec.Pos        // Line 0: about the whole
	Word     string // the word at fault, "" if none in particular
	Msg      string // what is wrong and what would be right
	// Suggestion is the word that was probably meant, "" if none is near.
	Suggestion string
	// Source is the text of the line, "" if the remark is not about one.
	Source string
}

// Diagnostics are remarks in order of discovery.
type Diagnostics []Diagnostic

// HasErrors tells whether the configuration is refused.
func (d Diagnostics) HasErrors() bool { return d.Count(Alert) > 0 }

// Count counts the remarks of one severity.
func (d Diagnostics) Count(s Severity) int {
	n := 0
	for i := range d {
		if d[i].Severity == s {
			n++
		}
	}
	return n
}

// Err is the first error, nil if there is none.
func (d Diagnostics) Err() error {
	i := slices.IndexFunc(d, func(x Diagnostic) bool { return x.Severity == Alert })
	if i < 0 {
		return nil
	}
	return &d[i]
}

// Unsupported tells whether the remark is about something of the language that the engine
// does not have, and says so, rather than about a mistake.
func (d *Diagnostic) Unsupported() bool {
	return d.Severity == Alert && strings.Contains(d.Msg, "not supported")
}

// Error is the remark in one line, with its position.
func (d *Diagnostic) Error() string {
	if d.Line == 0 {
		return d.text()
	}
	return fmt.Sprintf("%s:%d:%d: %s", d.File, d.Line, d.Col, d.text())
}

func (d *Diagnostic) text() string {
	if d.Suggestion == "" {
		return d.Msg
	}
	return fmt.Sprintf("%s; did you mean '%s'?", d.Msg, d.Suggestion)
}

// Write prints the remarks at least as severe as least in the layout that
// scripts know from HAProxy, the offending line and a mark below it added.
func (d Diagnostics) Write(w io.Writer, pid int, least Severity) error {
	var b strings.Builder
	for i := range d {
		if d[i].Severity >= least {
			d[i].print(&b, pid)
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func (d *Diagnostic) print(b *strings.Builder, pid int) {
	fmt.Fprintf(b, "%-10s (%d) : config : ", "["+d.Severity.String()+"]", pid)
	if d.Line > 0 {
		fmt.Fprintf(b, "parsing [%s:%d] : ", d.File, d.Line)
	}
	b.WriteString(d.text())
	b.WriteByte('\n')
	if d.Source == "" || d.Col < 1 || d.Col > len(d.Source)+1 {
		return
	}
	fmt.Fprintf(b, "  %s\n  ", d.Source)
	for _, c := range []byte(d.Source[:d.Col-1]) {
		switch {
		case c == '\t':
			b.WriteByte('\t')
		case c&0xC0 != 0x80: // one mark for each character, not for each byte of it
			b.WriteByte(' ')
		}
	}
	b.WriteString("^\n")
}
