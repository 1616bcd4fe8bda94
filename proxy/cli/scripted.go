package cli

import (
	"io"
	"strings"
)

// Scripted is a command that a script has registered.
type Scripted struct {
	Words []string
	Usage string // its line in the help
	// Answer runs it and writes what it says; words are all those of the line.
	Answer func(words []string, w io.Writer) error
}

// scripted are the rows of commands of scripts, which any connection may use.
func scripted(list []Scripted) []Command {
	var all []Command
	for _, s := range list {
		words := strings.Join(s.Words, " ")
		all = append(all, Command{Words: words, Line: s.Usage, Fn: func(r *request) error {
			return s.Answer(append(strings.Split(words, " "), r.args...), r.w)
		}})
	}
	return all
}
