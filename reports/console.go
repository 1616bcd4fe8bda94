package reports

import (
	"bytes"
	"io"
	"os"
	"sync"
	"time"

	"golang.org/x/term"

	"bench/internal/result"
	"bench/internal/units"
	"bench/reports/internal/tty"
	"bench/reports/series"
)

// redraw is the time between two frames.
const redraw = 250 * time.Millisecond

// Control sequences: the view lives on the terminal's second screen, so that
// what stood there before comes back and nothing wraps when it is resized.
const (
	enterScreen = "\x1b[?1049h\x1b[?25l\x1b[H\x1b[2J"
	leaveScreen = "\x1b[?25h\x1b[?1049l"
	homeCursor  = "\x1b[H"
	clearLine   = "\x1b[K"
	clearBelow  = "\x1b[J"
)

// ConsoleOptions choose how the live view is drawn.
type ConsoleOptions struct {
	// ASCII allows no character beyond ASCII. It is implied by a locale
	// without UTF-8.
	ASCII bool
	// Plain forces line mode. It is implied when the output is not a
	// terminal, by TERM=dumb and by CI.
	Plain bool
	// Stop is called when the user asks to stop and report (q). Without it, q
	// does as Ctrl-C.
	Stop func()
	// Interrupt is called for Ctrl-C, which the view takes from the keyboard;
	// nil sends the process SIGINT as the terminal would.
	Interrupt func()
	// Getenv reads TERM, CI, NO_COLOR, LANG, LC_ALL; os.Getenv when nil.
	Getenv func(string) string
}

// Console is the live view of a run on a terminal, or one line per second where
// there is none.
type Console struct {
	mu    sync.Mutex
	state liveState
	out   io.Writer
	opts  ConsoleOptions
	style tty.Style
	lines bool // line mode
	told  int64
	pane  rune
	size  func() (width, height int)
	// restore undoes what was done to the terminal.
	restore func()
	done    chan struct{}
	stopped sync.WaitGroup
	// queue holds lines not yet written; the writer waits on more. Callers
	// measure: they must not wait for whoever reads the output.
	queue bytes.Buffer
	more  chan struct{}
	// writing guards out.
	writing sync.Mutex
}

// NewConsole returns a console on out, reading keys from in (nil: no keys). The
// terminal is taken over by the first Begin and given back by Close.
func NewConsole(out, in *os.File, o ConsoleOptions) *Console {
	if o.Getenv == nil {
		o.Getenv = os.Getenv
	}
	c := &Console{out: out, opts: o, style: tty.Environment(o.ASCII, o.Getenv), pane: paneMessages, done: make(chan struct{}), more: make(chan struct{}, 1)}
	c.lines = o.Plain || o.Getenv("CI") != "" || o.Getenv("TERM") == "dumb" || o.Getenv("TERM") == "" || !term.IsTerminal(int(out.Fd()))
	if c.lines {
		c.style = tty.Style{ASCII: c.style.ASCII}
		c.stopped.Go(c.writeLines)
		return c
	}
	c.size = func() (int, int) { return tty.Size(out) }
	c.takeOver(in)
	return c
}

// takeOver switches the terminal to the view and starts drawing.
func (c *Console) takeOver(in *os.File) {
	c.restore = func() {}
	if in != nil && term.IsTerminal(int(in.Fd())) {
		if old, err := term.MakeRaw(int(in.Fd())); err == nil {
			c.restore = func() {
				// Nothing can be done about a terminal that is gone.
				_ = term.Restore(int(in.Fd()), old)
			}
			// A read from a terminal cannot be called off; the goroutine ends
			// with the next key or with the process.
			go c.keys(in)
		}
	}
	c.write(enterScreen)
	c.stopped.Go(func() {
		tick := time.NewTicker(redraw)
		defer tick.Stop()
		for {
			select {
			case <-c.done:
				return
			case <-tick.C:
				c.draw(time.Now())
			}
		}
	})
}

// keys acts on the keyboard.
func (c *Console) keys(in io.Reader) {
	b := make([]byte, 64)
	for {
		n, err := in.Read(b)
		select {
		case <-c.done:
			return
		default:
		}
		if err != nil {
			return
		}
		if b[0] == 0x1b {
			continue // an arrow or function key
		}
		for _, k := range b[:n] {
			c.key(rune(k))
		}
	}
}

func (c *Console) key(k rune) {
	switch k {
	case 'q', 'Q':
		if c.opts.Stop != nil {
			c.Message("stopping as asked; the report follows")
			c.opts.Stop()
			return
		}
		c.interrupt()
	case 0x03:
		c.interrupt()
	case paneEvents, paneUpstreams, paneResources, paneHelp:
		c.mu.Lock()
		if c.pane == k {
			k = paneMessages
		}
		c.pane = k
		c.mu.Unlock()
		c.draw(time.Now())
	}
}

func (c *Console) interrupt() {
	if c.opts.Interrupt != nil {
		c.opts.Interrupt()
		return
	}
	if p, err := os.FindProcess(os.Getpid()); err == nil {
		_ = p.Signal(os.Interrupt) // to ourselves: cannot fail
	}
}

// draw writes one frame, each line in its place: nothing scrolls, and a line
// that did not change does not flicker.
func (c *Console) draw(now time.Time) {
	c.writing.Lock()
	defer c.writing.Unlock()
	width, height := c.size()
	c.mu.Lock()
	lines := c.state.frame(c.style, width, height, now, c.pane)
	c.mu.Unlock()
	var b bytes.Buffer
	b.WriteString(homeCursor)
	for i, l := range lines {
		if i > 0 {
			b.WriteString("\r\n")
		}
		b.WriteString(l)
		b.WriteString(clearLine)
	}
	b.WriteString(clearBelow)
	select {
	case <-c.done: // the screen is given back already
	default:
		c.write(b.String())
	}
}

// write sends text to the terminal. A terminal that is gone is no reason to end
// a measurement.
func (c *Console) write(s string) { _, _ = io.WriteString(c.out, s) }

// maxQueue bounds what waits for a reader that does not read.
const maxQueue = 1 << 20

// line queues a line in line mode; c.mu is held.
func (c *Console) line(s string) {
	if c.style.ASCII {
		s = tty.ASCII(s)
	}
	if c.queue.Len() > maxQueue {
		return
	}
	c.queue.WriteString(s)
	c.queue.WriteByte('\n')
	select {
	case c.more <- struct{}{}:
	default:
	}
}

// writeLines writes what is queued, until Close and then the rest.
func (c *Console) writeLines() {
	for closing := false; !closing; {
		select {
		case <-c.more:
		case <-c.done:
			closing = true
		}
		c.mu.Lock()
		text := c.queue.String()
		c.queue.Reset()
		c.mu.Unlock()
		c.write(text)
	}
}

// Begin implements Live.
func (c *Console) Begin(p Plan) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.state.begin(p)
	c.told = 0
	if c.lines {
		c.line(c.state.beginLine())
	}
}

// Phase implements Live.
func (c *Console) Phase(p result.Phase) {
	c.mu.Lock()
	defer c.mu.Unlock()
	series.Clean(&p)
	c.state.phase = p
	if c.state.begun.IsZero() {
		c.state.begun = time.Now().Add(-time.Duration(p.StartUs) * time.Microsecond)
	}
	c.state.tell(units.Clock(p.StartUs-c.state.zeroUs) + "  phase " + p.Name)
}

// Progress implements Live.
func (c *Console) Progress(p result.Progress) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.state.progress(p)
	c.tellSeconds(c.state.newest - grace)
}

// Interval implements Live.
func (c *Console) Interval(i result.Interval) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.state.interval(i)
	c.tellSeconds(c.state.newest - grace)
}

// tellSeconds writes the lines of all seconds that ended by a time.
func (c *Console) tellSeconds(untilUs int64) {
	if !c.lines {
		return
	}
	for ; (c.told+1)*second <= untilUs && c.told < int64(len(c.state.seconds)); c.told++ {
		c.line(c.state.secondLine(c.told))
	}
}

// Event implements Live.
func (c *Console) Event(e result.Event, ended bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	series.Clean(&e)
	c.state.event(e, ended)
	if ended && e.Applied && (e.Class == "moment" || e.EndUs <= e.BeginUs) {
		return // a moment has no end to tell of
	}
	if c.lines {
		c.line(c.state.eventLine(&e, ended))
	} else {
		c.state.tell(c.state.eventText(&e, ended))
	}
}

// Sample implements Live.
func (c *Console) Sample(s result.Sample) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.state.readSample(s)
}

// Message implements Live.
func (c *Console) Message(text string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	text = series.OneLine(text)
	if c.lines {
		c.line(units.Clock(c.state.now(time.Now())-c.state.zeroUs) + " MESSAGE " + text)
	} else {
		c.state.tell(units.Clock(c.state.now(time.Now())-c.state.zeroUs) + "  " + text)
	}
}

// End implements Live.
func (c *Console) End(cell *result.Cell) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.tellSeconds(int64(len(c.state.seconds)) * second)
	if cell == nil {
		return
	}
	text := "END cell=" + bare(cell.Name) + " verdict=" + bare(cell.Verdict)
	if cell.Reason != "" {
		text += " reason=" + bare(cell.Reason)
	}
	if c.lines {
		c.line(text)
	} else {
		c.state.tell(series.OneLine(cell.Verdict + "  " + cell.Name + "  " + cell.Reason))
	}
}

// Close implements Live.
func (c *Console) Close() {
	c.mu.Lock()
	select {
	case <-c.done:
		c.mu.Unlock()
		return
	default:
	}
	c.mu.Unlock()
	c.writing.Lock() // no frame is half written
	close(c.done)
	c.writing.Unlock()
	c.stopped.Wait()
	if !c.lines {
		c.write(leaveScreen)
		c.restore()
	}
}

var _ Live = (*Console)(nil)
