package document

import (
	"slices"
	"strings"

	"bench/scenarios/proxyconf"
	"bench/scenarios/source"
)

// ConfigErrors collects what a proxy says about lines of a rendered configuration, by
// the place in the user's own file.
type ConfigErrors struct {
	faults map[string]*source.Faults
}

// NewConfigErrors begins a collection for a document.
func NewConfigErrors(doc *Document) *ConfigErrors {
	return &ConfigErrors{map[string]*source.Faults{"": source.NewFaults(doc.File, doc.text)}}
}

// Add notes a message about line of a configuration as it was rendered; text is its
// template, which stands at t, and from are the lines it comes from. Line 0 is none.
func (e *ConfigErrors) Add(t *proxyconf.Text, text string, from []int, line int, msg string) {
	f := e.faults[t.File]
	if f == nil {
		f = source.NewFaults(t.File, []byte(text))
		e.faults[t.File] = f
	}
	if line < 1 || line > len(from) || from[line-1] == 0 {
		f.Add(t.Place(1, 1), "%s", source.Printable(msg))
		return
	}
	line = from[line-1]
	col := 1
	if lines := strings.Split(text, "\n"); line <= len(lines) {
		col = len(lines[line-1]) - len(strings.TrimLeft(lines[line-1], " \t")) + 1
	}
	f.Add(t.Place(line, col), "%s", source.Printable(msg))
}

// Err is nil without messages, else Errors.
func (e *ConfigErrors) Err() error {
	var all source.Errors
	for _, f := range e.faults {
		all = append(all, f.List...)
	}
	if len(all) == 0 {
		return nil
	}
	slices.SortStableFunc(all, func(a, b *source.Error) int {
		if a.File != b.File {
			return strings.Compare(a.File, b.File)
		}
		return a.Pos.Line - b.Pos.Line
	})
	return all
}
