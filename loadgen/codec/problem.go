package codec

import (
	"fmt"
	"strings"
)

// Limits that all protocols share.
const (
	MaxName = 64
	// MaxBody is the most bytes of a request's body.
	MaxBody = 1 << 30
	// maxRequests bounds the kinds of requests of a load.
	maxRequests = 256
	// MaxWeight bounds a share in a mix.
	MaxWeight = 1_000_000
	// MaxExpectedBytes bounds the length of an expected body.
	MaxExpectedBytes = 1 << 50
)

// Apart is the size from which a constant body is not copied into each request.
const Apart = 16 << 10

const nameCharacters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_."

// ValidName reports whether a name is fit for a load or a kind of request.
func ValidName(name string) bool {
	return name != "" && len(name) <= MaxName && strings.Trim(name, nameCharacters) == ""
}

// Problem is what is wrong with a part of a description.
type Problem struct {
	// Field is the part, by its key in a scenario: "path", "headers.Accept".
	Field string
	Text  string
}

// Problems gathers what is wrong.
type Problems []Problem

func (p *Problems) Add(field, format string, args ...any) {
	*p = append(*p, Problem{field, fmt.Sprintf(format, args...)})
}

// Names checks the names of the kinds of requests of a load, which are at key.
func (p *Problems) Names(key string, names []string) {
	if len(names) > maxRequests {
		p.Add(key, "%d kinds of requests: want at most %d", len(names), maxRequests)
	}
	known := map[string]bool{}
	for i, name := range names {
		field := fmt.Sprintf("%s[%d].name", key, i)
		switch {
		case len(names) == 1 && name == "":
		case !ValidName(name):
			p.Add(field, "request name %q: want 1 to %d letters, digits, '-', '_' or '.'", name, MaxName)
		case known[name]:
			p.Add(field, "there are two requests %q", name)
		}
		known[name] = true
	}
}
