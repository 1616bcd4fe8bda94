package reports

import (
	"os"
	"sync"

	"bench/internal/result"
)

// ConsoleOptions choose how the live view is drawn.
type ConsoleOptions struct {
	// ASCII allows no character beyond ASCII. It is implied by a locale
	// without UTF-8.
	ASCII bool
	// Plain forces line mode. It is implied when the output is not a
	// terminal, by TERM=dumb and by CI.
	Plain bool
	// Stop is called once when the user asks to stop and report (q or Ctrl-C
	// while the view holds the keyboard).
	Stop func()
	// Getenv reads TERM, CI, NO_COLOR, LANG, LC_ALL; os.Getenv when nil.
	Getenv func(string) string
}

// Console is the live view of a run on a terminal, or one line per second where
// there is none.
type Console struct {
	mu sync.Mutex
}

// NewConsole returns a console on out, reading keys from in (nil: no keys).
func NewConsole(out, in *os.File, o ConsoleOptions) *Console { return &Console{} }

func (c *Console) Begin(p Plan)                     {}
func (c *Console) Phase(p result.Phase)             {}
func (c *Console) Interval(i result.Interval)       {}
func (c *Console) Event(e result.Event, ended bool) {}
func (c *Console) Sample(s result.Sample)           {}
func (c *Console) Message(text string)              {}
func (c *Console) End(cell *result.Cell)            {}
func (c *Console) Close()                           {}

var _ Live = (*Console)(nil)
