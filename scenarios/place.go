package scenarios

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// ConfigText is where the text of the proxy's configuration stands.
type ConfigText struct {
	// File of a configFile; "" is the scenario itself.
	File string
	// At is the first character of the text. In a scenario it may be a quoted text, all of
	// which is one place.
	At    Pos
	Block bool
}

// Place is the place of a character of the configuration in the user's own file.
func (t *ConfigText) Place(line, col int) Pos {
	switch {
	case t.File != "":
		return Pos{line, col}
	case t.Block:
		return Pos{t.At.Line + line - 1, t.At.Col + col - 1}
	}
	return t.At
}

// mark ends the lines of a template while it is rendered, to know them again. No
// configuration has such characters.
var mark = regexp.MustCompile("\x01(\\d+)\x02")

// TemplateLines tells for each line of a rendered template which line of the template it
// comes from, beginning with 1; nil where that cannot be told.
func TemplateLines(text string, data TemplateData, bind func(name string) string) []int {
	lines := strings.Split(text, "\n")
	for i := range lines {
		lines[i] += fmt.Sprintf("\x01%d\x02", i+1)
	}
	plain, err := Render(text, data, bind)
	if err != nil {
		return nil
	}
	marked, err := Render(strings.Join(lines, "\n"), data, bind)
	if err != nil || mark.ReplaceAllString(marked, "") != plain {
		return nil // an action over several lines, or one that trims the end of its own
	}
	var from []int
	for line := range strings.SplitSeq(marked, "\n") {
		n := 0
		if m := mark.FindStringSubmatch(line); m != nil {
			n, _ = strconv.Atoi(m[1]) // digits by the expression
		}
		from = append(from, n)
	}
	return from
}

// ConfigErrors collects what a proxy says about lines of a rendered configuration, by
// the place in the user's own file.
type ConfigErrors struct {
	faults map[string]*faults
}

// NewConfigErrors begins a collection for a document.
func NewConfigErrors(doc *Document) *ConfigErrors {
	return &ConfigErrors{map[string]*faults{"": newFaults(doc.File, doc.text)}}
}

// Add notes a message about line of a cell's configuration as it was rendered; from are
// the lines it comes from. Line 0 is none.
func (e *ConfigErrors) Add(c *Cell, from []int, line int, msg string) {
	t := &c.Config
	f := e.faults[t.File]
	if f == nil {
		f = newFaults(t.File, []byte(c.Scenario.Proxy.Config))
		e.faults[t.File] = f
	}
	if line < 1 || line > len(from) || from[line-1] == 0 {
		f.add(t.Place(1, 1), "%s", printable(msg))
		return
	}
	line = from[line-1]
	col := 1
	if lines := strings.Split(c.Scenario.Proxy.Config, "\n"); line <= len(lines) {
		col = len(lines[line-1]) - len(strings.TrimLeft(lines[line-1], " \t")) + 1
	}
	f.add(t.Place(line, col), "%s", printable(msg))
}

// Err is nil without messages, else Errors.
func (e *ConfigErrors) Err() error {
	var all Errors
	for _, f := range e.faults {
		all = append(all, f.list...)
	}
	if len(all) == 0 {
		return nil
	}
	slices.SortStableFunc(all, func(a, b *Error) int {
		if a.File != b.File {
			return strings.Compare(a.File, b.File)
		}
		return a.Pos.Line - b.Pos.Line
	})
	return all
}
