package config

import (
	_ "embed"
	"slices"
	"strings"
)

// inventoryText lists the names of the language, supported or not.
//
//go:embed inventory.txt
var inventoryText string

// inventory answers whether a name belongs to the language.
type inventory struct {
	// "proxy", "bind", "server", "balance", and the sections by name that are not
	// those of proxies.
	lists map[string][]string
	heads map[string]bool // first words of names of several words
}

func newInventory() *inventory {
	inv := &inventory{lists: map[string][]string{}, heads: map[string]bool{}}
	place := ""
	for l := range strings.Lines(inventoryText) {
		l = strings.TrimSpace(l)
		switch {
		case l == "" || l[0] == '#':
		case l[0] == '[':
			place = strings.Trim(l, "[]")
		default:
			inv.lists[place] = append(inv.lists[place], l)
			if head, _, ok := strings.Cut(l, " "); ok {
				inv.heads[head] = true
			}
		}
	}
	return inv
}

// has tells whether a list has a name.
func (inv *inventory) has(list, name string) bool {
	return slices.Contains(inv.lists[list], name)
}

// known returns the longest name of the section that the words begin with.
func (inv *inventory) known(words []word, sc scope) string {
	names := inv.names(sc)
	for n := min(len(words), 3); n > 0; n-- {
		if name := joinWords(words[:n]); slices.Contains(names, name) {
			return name
		}
	}
	return ""
}

// listOf is the list with the names of a section.
func listOf(sc scope) string {
	if sc&inAny != 0 {
		return "proxy"
	}
	return kindName(sc)
}

// names are those of a section.
func (inv *inventory) names(sc scope) []string {
	return inv.lists[listOf(sc)]
}
