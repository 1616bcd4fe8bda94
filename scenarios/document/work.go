package document

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"

	"bench/scenarios/source"
)

// Section is one top key of a scenario and what it holds.
type Section struct {
	Key  string
	Text string
}

// idle are the keys that change nothing of what is asked of a proxy: two runs that
// differ in them alone did the same work.
var idle = []string{"proxy", "compare", "seed", "description", "objectives", "steadyState"}

// Work reports whether a section says what is asked of the proxy, not which proxy that is
// or how it is judged.
func (s *Section) Work() bool { return !slices.Contains(idle, s.Key) }

// Sections splits a resolved scenario by its top keys, in alphabetical order. Equal
// sections are equal texts, however they were written. An error is Errors.
func Sections(resolved []byte) ([]Section, error) {
	f := source.NewFaults("scenario", resolved)
	root := source.ParseTree(resolved, f)
	if err := f.Err(); err != nil {
		return nil, err
	}
	var all []Section
	for _, e := range root.Entries {
		one := &source.Node{Kind: source.MapNode, Entries: []source.Entry{e}}
		all = append(all, Section{e.Key, string(source.Emit(one))})
	}
	slices.SortFunc(all, func(a, b Section) int { return strings.Compare(a.Key, b.Key) })
	return all, nil
}

// WorkHash is the SHA-256, in hex, of the sections of a resolved scenario that say what
// is asked of the proxy: equal for two proxies that had the same to do.
func WorkHash(resolved []byte) (string, error) {
	all, err := Sections(resolved)
	if err != nil {
		return "", err
	}
	sum := sha256.New()
	for i := range all {
		if all[i].Work() {
			sum.Write([]byte(all[i].Text)) // does not fail
		}
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}
