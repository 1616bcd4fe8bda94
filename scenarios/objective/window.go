package objective

import (
	"slices"
	"strings"
	"time"

	"bench/internal/units"
)

// Window confines an objective to stretches of time: the phase of a name, or
// the time around every event of a kind.
//
//	window = phase | kind [ offset ".." offset ] .
//
// The first offset counts from the beginning of the event, the second from its
// end; without offsets the window is the event itself.
type Window struct {
	Text     string
	Phase    string // or
	Kind     string // of events
	From, To time.Duration
}

// ParseWindow reads a window. Phases and kinds are the names it may use.
func ParseWindow(text string, phases, kinds []string) (*Window, error) {
	name, rest, _ := strings.Cut(strings.TrimSpace(text), " ")
	rest = strings.TrimSpace(rest)
	w := &Window{Text: text}
	switch {
	case slices.Contains(phases, name):
		if rest != "" {
			return nil, &SyntaxError{1, "the window of a phase has no offsets: write " + name}
		}
		w.Phase = name
		return w, nil
	case slices.Contains(kinds, name):
		w.Kind = name
	default:
		return nil, &SyntaxError{1, "the window \"" + name + "\" is neither a phase nor an event of this scenario" +
			known(append(slices.Clone(phases), kinds...))}
	}
	if rest == "" {
		return w, nil
	}
	col := strings.Index(text, rest) + 1
	from, to, ok := strings.Cut(rest, "..")
	if !ok {
		return nil, &SyntaxError{col, "offsets are written -1s..+2s"}
	}
	var err error
	if w.From, err = units.ParseDuration(from); err != nil {
		return nil, &SyntaxError{col, err.Error()}
	}
	if w.To, err = units.ParseDuration(to); err != nil {
		return nil, &SyntaxError{col, err.Error()}
	}
	if w.To < w.From {
		return nil, &SyntaxError{col, "the window ends before it begins"}
	}
	return w, nil
}

func known(names []string) string {
	if len(names) == 0 {
		return ""
	}
	return "; known are " + strings.Join(names, ", ")
}
