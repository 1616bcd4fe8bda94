package sample

import (
	_ "embed"
	"strings"
)

// languageText lists the names of the language, whether there are rows for them or not.
//
//go:embed language.txt
var languageText string

// What Language lists.
const (
	kindFetch = "sample fetch"
	kindConv  = "converter"
)

// Language lists the fetches or converters that the language has ("sample fetch",
// "converter"). What is there and has no row is not supported, and said to be so.
func Language(what string) []string {
	var names []string
	in := false
	for l := range strings.Lines(languageText) {
		switch l = strings.TrimSpace(l); {
		case l == "" || l[0] == '#':
		case l[0] == '[':
			in = l == "["+what+"]"
		case in:
			names = append(names, l)
		}
	}
	return names
}
