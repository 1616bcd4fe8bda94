package tcporigin

import (
	"bytes"
	"fmt"
	"strings"
	"time"

	"bench/backends/origin"
	"bench/internal/quote"
	"bench/internal/units"
)

// Step is one step of a script.
type Step struct {
	Do   Action
	Data []byte        // of Expect and Send
	For  time.Duration // of Wait
}

// Action is what a step does.
type Action string

// Actions of a script.
const (
	Expect Action = "expect" // read until these bytes have come; what is before them is ignored
	Send   Action = "send"   // write these bytes
	Wait   Action = "wait"   // let time pass
	Close  Action = "close"  // end the stream
	Reset  Action = "reset"  // break the connection off with a RST
	Loop   Action = "loop"   // go on with the first step
)

const (
	maxSteps  = 1000
	maxData   = 1 << 20
	maxExpect = 16 << 10
)

// ParseStep reads a step: expect TEXT, send TEXT, wait 50ms, close, reset or
// loop. TEXT is as in a Go string: \r, \n, \x00 and \\ stand for what they say;
// quotes around it are optional and keep spaces at its ends.
func ParseStep(text string) (Step, error) {
	word, rest, _ := strings.Cut(strings.TrimSpace(text), " ")
	s := Step{Do: Action(word)}
	rest = strings.TrimSpace(rest)
	switch s.Do {
	case Expect, Send:
		var err error
		if s.Data, err = quote.Unquote(rest); err != nil {
			return s, fmt.Errorf("%s: %w", word, err)
		}
		if most := map[Action]int{Expect: maxExpect, Send: maxData}[s.Do]; len(s.Data) == 0 || len(s.Data) > most {
			return s, fmt.Errorf("%s has %d bytes: want 1 to %d", word, len(s.Data), most)
		}
		return s, nil
	case Wait:
		d, err := units.ParseDuration(rest)
		if err != nil || d <= 0 || d > time.Hour {
			return s, fmt.Errorf("invalid time %q to wait: want above 0 and at most 1h, like 50ms", rest)
		}
		s.For = d
		return s, nil
	case Close, Reset, Loop:
		if rest != "" {
			return s, fmt.Errorf("%s takes nothing, not %q", word, rest)
		}
		return s, nil
	}
	return s, fmt.Errorf("unknown step %q: want expect TEXT, send TEXT, wait TIME, close, reset or loop", word)
}

// ParseScript reads the steps of a script. A script without an end goes on
// reading and says no more.
func ParseScript(lines []string) ([]Step, error) {
	if len(lines) > maxSteps {
		return nil, fmt.Errorf("a script of %d steps: want at most %d", len(lines), maxSteps)
	}
	var steps []Step
	expects := false
	for i, line := range lines {
		s, err := ParseStep(line)
		if err != nil {
			return nil, fmt.Errorf("step %d: %w", i+1, err)
		}
		last := s.Do == Close || s.Do == Reset || s.Do == Loop
		expects = expects || s.Do == Expect || s.Do == Wait
		switch {
		case last && i < len(lines)-1:
			return nil, fmt.Errorf("step %d: nothing after %s would be done", i+1, s.Do)
		case s.Do == Loop && !expects:
			return nil, fmt.Errorf("step %d: loop without expect or wait would never rest", i+1)
		}
		steps = append(steps, s)
	}
	return steps, nil
}

// script follows steps. Each match of expect is a request, what is sent until
// the next is its answer.
type script struct {
	steps  []Step
	at     int
	taken  bool // a request whose answer is not over
	waited bool // the wait of the present step has passed
}

// greet does what comes before the first expect.
func (s *script) greet(c *origin.Conn) { s.Consume(c, nil) }

// Consume implements origin.Session.
func (s *script) Consume(c *origin.Conn, in []byte) (n int) {
	for s.at < len(s.steps) {
		step := &s.steps[s.at]
		switch step.Do {
		case Expect:
			s.answered(c)
			i := bytes.Index(in[n:], step.Data)
			if i < 0 {
				// All but what may be the beginning of it is not it.
				return n + max(0, len(in)-n-len(step.Data)+1)
			}
			if !c.Take(nil) {
				return n
			}
			s.taken = true
			n += i + len(step.Data)
		case Send:
			c.Append(step.Data)
		case Wait:
			if !s.waited {
				s.waited = true
				c.Pause(step.For)
				return n
			}
			s.waited = false
		case Close:
			s.answered(c)
			c.Finish()
			return len(in)
		case Reset:
			s.answered(c)
			c.Abort()
			return len(in)
		case Loop:
			s.at = -1
		}
		s.at++
	}
	s.answered(c)
	return len(in)
}

func (s *script) answered(c *origin.Conn) {
	if s.taken {
		s.taken = false
		c.Done(0)
	}
}

// Closed implements origin.Session.
func (*script) Closed(*origin.Conn) {}
