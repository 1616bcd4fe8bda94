package source

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"

	"bench/internal/nearest"
)

// Pos is a place in a scenario file, both counted from 1; the column counts
// characters. The zero Pos is no place in the file, as of a --set flag.
type Pos struct{ Line, Col int }

// Error is one fault of a scenario.
type Error struct {
	File string
	Pos  Pos
	Msg  string
	// Source is the text of the line, empty without a position.
	Source string
}

// Error is the message with its place: "file:line:col: message".
func (e *Error) Error() string {
	switch {
	case e.Pos.Line == 0 && e.File == "":
		return e.Msg
	case e.Pos.Line == 0:
		return e.File + ": " + e.Msg
	}
	return fmt.Sprintf("%s:%d:%d: %s", e.File, e.Pos.Line, e.Pos.Col, e.Msg)
}

// Detail is Error with the source line and a caret under the place.
func (e *Error) Detail() string {
	if e.Source == "" {
		return e.Error()
	}
	number := fmt.Sprintf("%5d", e.Pos.Line)
	var lead strings.Builder
	for i, r := range []rune(e.Source) {
		if i >= e.Pos.Col-1 {
			break
		}
		// A tab stays a tab, so that the caret stands where the text does.
		if r == '\t' {
			lead.WriteRune('\t')
		} else {
			lead.WriteRune(' ')
		}
	}
	return fmt.Sprintf("%s\n%s | %s\n%s | %s^",
		e.Error(), number, Printable(e.Source), strings.Repeat(" ", len(number)), lead.String())
}

// Errors are all faults of a scenario, in the order of the file.
type Errors []*Error

// Error is one line per fault.
func (e Errors) Error() string {
	lines := make([]string, len(e))
	for i, f := range e {
		lines[i] = f.Error()
	}
	return strings.Join(lines, "\n")
}

// Detail is every fault with its source line and caret.
func (e Errors) Detail() string {
	lines := make([]string, len(e))
	for i, f := range e {
		lines[i] = f.Detail()
	}
	return strings.Join(lines, "\n")
}

// Unwrap lets errors.As find a single fault.
func (e Errors) Unwrap() []error {
	all := make([]error, len(e))
	for i, f := range e {
		all[i] = f
	}
	return all
}

// Describe is the text of any error of this package with source lines where
// they are known.
func Describe(err error) string {
	if all, ok := errors.AsType[Errors](err); ok {
		return all.Detail()
	}
	if one, ok := errors.AsType[*Error](err); ok {
		return one.Detail()
	}
	return err.Error()
}

// Faults collects the errors of one file.
type Faults struct {
	file  string
	lines []string
	List  Errors
}

// NewFaults begins to collect what is wrong with the text of a file.
func NewFaults(file string, text []byte) *Faults {
	return &Faults{file: file, lines: strings.Split(string(text), "\n")}
}

// Add notes a fault once; the cells of a matrix share most of theirs.
func (f *Faults) Add(pos Pos, format string, args ...any) {
	e := &Error{File: f.file, Pos: pos, Msg: fmt.Sprintf(format, args...)}
	if pos.Line > 0 && pos.Line <= len(f.lines) {
		e.Source = strings.TrimRight(f.lines[pos.Line-1], "\r")
	}
	for _, old := range f.List {
		if old.Pos == e.Pos && old.Msg == e.Msg {
			return
		}
	}
	f.List = append(f.List, e)
}

// Err is nil without faults.
func (f *Faults) Err() error {
	if len(f.List) == 0 {
		return nil
	}
	slices.SortStableFunc(f.List, func(a, b *Error) int {
		if a.Pos.Line != b.Pos.Line {
			return a.Pos.Line - b.Pos.Line
		}
		return a.Pos.Col - b.Pos.Col
	})
	return f.List
}

// Printable keeps a hostile file from driving the terminal.
func Printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r != '\t' && !unicode.IsPrint(r) {
			return '\uFFFD'
		}
		return r
	}, s)
}

// synonyms are words that people bring from elsewhere, and what they may mean here, the
// likeliest first. Spelling alone would lead them astray: duration is not direction.
var synonyms = map[string][]string{
	"duration": {"for"}, "length": {"for"}, "lasts": {"for"}, "time": {"for", "at"}, "qps": {"rate"}, "rps": {"rate"},
	"url": {"target"}, "users": {"connections"}, "vus": {"connections"}, "concurrency": {"connections"}, "thresholds": {"objectives"},
	"die": {"kill"}, "crash": {"kill"}, "terminate": {"kill"}, "sigkill": {"kill"}, "down": {"kill"}, "stop": {"kill"},
	"pause": {"stall"}, "hang": {"stall"}, "freeze": {"stall"}, "slow": {"latency"}, "error": {"fail"}, "restart": {"reload", "start"}, "up": {"start"},
	"drop": {"loss"}, "lag": {"delay"}, "jitter": {"delay"}, "throttle": {"bandwidth"}, "limit": {"bandwidth"}, "cut": {"partition"}, "split": {"partition"},
}

// Synonym is the candidate that a word means, "" if it is no known synonym. Of dotted
// words the last part is looked at.
func Synonym(word string, candidates []string) string {
	i := strings.LastIndexByte(word, '.') + 1
	for _, s := range synonyms[strings.ToLower(word[i:])] {
		if slices.Contains(candidates, word[:i]+s) {
			return word[:i] + s
		}
	}
	return ""
}

// DidYouMean is the tail of a message about an unknown word: the nearest known
// one, or all of them when they are few.
func DidYouMean(word string, candidates []string) string {
	if c := Synonym(word, candidates); c != "" {
		return fmt.Sprintf("; did you mean %q?", c)
	}
	if c := nearest.Word(word, candidates); c != "" {
		return fmt.Sprintf("; did you mean %q?", c)
	}
	if len(candidates) == 0 {
		return ""
	}
	return "; known are " + strings.Join(candidates, ", ")
}

// QuoteAt is 1 when a quoted text begins at pos.
func (f *Faults) QuoteAt(pos Pos) int {
	if pos.Line <= len(f.lines) {
		if line := []rune(f.lines[pos.Line-1]); pos.Col <= len(line) && strings.ContainsRune(`"'`, line[pos.Col-1]) {
			return 1
		}
	}
	return 0
}
