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
	lists map[string][]string // "global", "proxy", "bind", "server", "balance"
	heads map[string]bool     // first words of names of several words
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

// names are those of a section.
func (inv *inventory) names(sc scope) []string {
	if sc == inGlobal {
		return inv.lists["global"]
	}
	return inv.lists["proxy"]
}
