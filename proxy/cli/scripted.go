package cli

import (
	"bytes"
	"io"
	"strings"
	"time"
)

// Scripted is a command that a script has registered.
type Scripted struct {
	Words []string
	Usage string // its line in the help
	// Answer runs it and writes what it says; words are all those of the line. It returns
	// what it has been told by the client and has not used.
	Answer func(words []string, client Dialogue) (rest []byte, err error)
}

// Dialogue is the client of a command that goes on speaking with it.
type Dialogue interface {
	io.Writer
	// Hear returns what the client says next, nothing at its end.
	Hear() []byte
}

// scripted are the rows of commands of scripts, which any connection may use.
func scripted(list []Scripted) []Command {
	var all []Command
	for _, s := range list {
		words := strings.Join(s.Words, " ")
		all = append(all, Command{Words: words, Line: s.Usage, Fn: func(r *request) error {
			rest, err := s.Answer(append(strings.Split(words, " "), r.args...), dialogue{r})
			r.giveBack(rest)
			return err
		}})
	}
	return all
}

// dialogue implements Dialogue.
type dialogue struct{ r *request }

func (d dialogue) Write(p []byte) (int, error) { return d.r.w.Write(p) }

// Hear implements Dialogue. What was answered so far is what the client may be waiting for.
func (d dialogue) Hear() []byte {
	c := d.r.conn
	if c.w.Flush() != nil {
		return nil
	}
	_ = c.nc.SetReadDeadline(time.Now().Add(c.timeout))
	if _, err := c.r.Peek(1); err != nil {
		return nil
	}
	p, _ := c.r.Peek(c.r.Buffered())
	p = bytes.Clone(p)
	_, _ = c.r.Discard(len(p))
	return p
}

// giveBack lets what was heard be the next commands.
func (c *conn) giveBack(p []byte) {
	if len(p) == 0 {
		return
	}
	later, _ := c.r.Peek(c.r.Buffered())
	c.r.Reset(io.MultiReader(bytes.NewReader(append(p, later...)), c.nc))
	_, _ = c.r.Peek(1)
}
