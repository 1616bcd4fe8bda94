package process

import (
	"strings"
	"sync"
)

// startup is what there was to say until the process serves, which the runtime API can
// show later.
type startup struct {
	mu       sync.Mutex
	text     strings.Builder
	warnings int
	complete bool
}

// add takes lines, some of which are warnings. Those of trouble are introduced.
func (s *startup) add(introduction func() string, lines string, warnings int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.complete || lines == "" {
		return
	}
	if s.text.Len() == 0 {
		s.text.WriteString(introduction())
	}
	s.text.WriteString(lines)
	s.warnings += warnings
}

// finish says that the process serves: what it says from here on is about traffic.
func (s *startup) finish() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.complete = true
}

// logs are all the lines so far.
func (s *startup) logs() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

// warned tells whether there was a warning.
func (s *startup) warned() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.warnings > 0
}
