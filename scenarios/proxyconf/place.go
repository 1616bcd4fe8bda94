package proxyconf

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"bench/scenarios/source"
)

// Text is where the text of the proxy's configuration stands.
type Text struct {
	// File of a configFile; "" is the scenario itself.
	File string
	// At is the first character of the text. In a scenario it may be a quoted text, all of
	// which is one place.
	At    source.Pos
	Block bool
}

// Place is the place of a character of the configuration in the user's own file.
func (t *Text) Place(line, col int) source.Pos {
	switch {
	case t.File != "":
		return source.Pos{Line: line, Col: col}
	case t.Block:
		return source.Pos{Line: t.At.Line + line - 1, Col: t.At.Col + col - 1}
	}
	return t.At
}

// mark ends the lines of a template while it is rendered, to know them again. No
// configuration has such characters.
var mark = regexp.MustCompile("\x01(\\d+)\x02")

// Lines tells for each line of a rendered template which line of the template it
// comes from, beginning with 1; nil where that cannot be told.
func Lines(text string, data Data, bind func(name string) string) []int {
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
