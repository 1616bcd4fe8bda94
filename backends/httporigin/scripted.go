package httporigin

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"

	"bench/internal/quote"
)

// Scripted is an answer that is written byte for byte, whatever it means: good,
// odd or no HTTP at all. Nothing is added to it and nothing checked.
type Scripted struct {
	// Path of the requests that get it: the target up to a question mark.
	Path string
	Text []byte
	// Close ends the connection behind it, where otherwise the next request decides.
	Close bool

	status  int // that it says, 0 if it says none
	headLen int // up to its body, if it has a head
}

const maxScripted = 16 << 20

// ParseScripted reads "PATH=TEXT" or "PATH close=TEXT". TEXT is as in a Go string:
// \r, \n, \x00 and \\ stand for what they say; quotes around it are optional.
func ParseScripted(text string) (Scripted, error) {
	where, what, ok := strings.Cut(text, "=")
	var s Scripted
	if !ok {
		return s, fmt.Errorf("%q: want PATH=TEXT or PATH close=TEXT", text)
	}
	var then string
	if s.Path, then, ok = strings.Cut(strings.TrimSpace(where), " "); ok {
		if s.Close = strings.TrimSpace(then) == "close"; !s.Close {
			return s, fmt.Errorf("%q after the path: only close may follow it", then)
		}
	}
	var err error
	s.Text, err = quote.Unquote(what)
	return s, err
}

// script is the scripted answers by path.
func script(all []Scripted) (map[string]*Scripted, error) {
	m := make(map[string]*Scripted, len(all))
	for i := range all {
		s := all[i]
		switch {
		case !strings.HasPrefix(s.Path, "/") || strings.ContainsAny(s.Path, "? \t"):
			return nil, fmt.Errorf("invalid path %q of an answer: want /PATH without a query", s.Path)
		case m[s.Path] != nil:
			return nil, fmt.Errorf("path %s has two answers", s.Path)
		case len(s.Text) == 0 || len(s.Text) > maxScripted:
			return nil, fmt.Errorf("the answer of %s has %d bytes: want 1 to %d", s.Path, len(s.Text), maxScripted)
		}
		if end := bytes.Index(s.Text, []byte("\r\n\r\n")); end >= 0 {
			s.headLen = end + 4
		}
		if version, rest, ok := bytes.Cut(s.Text, []byte(" ")); ok && bytes.HasPrefix(version, []byte("HTTP/")) && len(rest) >= 3 {
			s.status, _ = strconv.Atoi(string(rest[:3])) // 0: it says none
		}
		m[s.Path] = &s
	}
	return m, nil
}

// scripted is the answer of a target, nil for what is not scripted.
func (cfg *Config) scripted(target []byte) *Scripted {
	if len(cfg.script) == 0 {
		return nil
	}
	path, _, _ := bytes.Cut(target, question)
	return cfg.script[string(path)]
}

// answer is the response that s is. A client that only wants the head gets all of
// it: that is what byte for byte means.
func (s *Scripted) answer() answer {
	return answer{head: s.Text, headLen: s.headLen}
}
