package cli

import (
	"fmt"
	"slices"
	"strings"
)

// Command is one row of the command table.
type Command struct {
	Words string // the fixed words, by one space each
	Args  string // what follows them, for the help
	Level Level  // the lowest that may use it
	// Hidden commands are not listed: they serve programs, not people.
	Hidden bool
	// Experimental commands want "experimental-mode on" first.
	Experimental bool
	// Expert commands want "expert-mode on" first, and are listed only then.
	Expert bool
	Help   string
	// Line is the line of the help as a whole, if it is not made of the others.
	Line string
	Fn   func(*request) error
}

// commands gathers the families. Order within the list does not matter: the
// help sorts it, with the session's own commands last.
func commands() []Command {
	return slices.Concat(statCommands(), serverCommands(), dynamicCommands(), frontendCommands(),
		sessionCommands(), processCommands(), patternCommands(), tableCommands(), resolverCommands(), peersCommands(), eventCommands(), certCommands(), connCommands(), variableCommands(), activityCommands(), waitCommands(), cookieCommands(), traceCommands(), cacheCommands(), anonCommands(), debugCommands())
}

// Names are the words of all commands, in no order.
func Names() (list []string) {
	for _, c := range commands() {
		list = append(list, c.Words)
	}
	return list
}

// Table looks commands up.
type Table struct {
	list        []Command // sorted for the help
	own         int       // list[own:] are the commands of the CLI itself
	most        int       // words of the longest command
	unsupported []Unsupported
}

// Unsupported is a command that is known and not to be had.
type Unsupported struct {
	Words string
	Why   string // or what to do instead; "": there is nothing to say
}

// NewTable makes a table of commands. unsupported are others, which are known by name, so
// that whoever uses them is told, and not offered something else.
func NewTable(list []Command, unsupported []Unsupported) *Table {
	t := &Table{unsupported: unsupported}
	for _, c := range list {
		t.most = max(t.most, 1+strings.Count(c.Words, " "))
		t.list = append(t.list, c)
	}
	own := func(c Command) int {
		if c.Words == "help" || c.Words == "prompt" || c.Words == "quit" {
			return 1
		}
		return 0
	}
	slices.SortFunc(t.list, func(a, b Command) int {
		if d := own(a) - own(b); d != 0 {
			return d
		}
		return strings.Compare(a.Words, b.Words)
	})
	t.own = slices.IndexFunc(t.list, func(c Command) bool { return own(c) == 1 })
	return t
}

// Find returns the command with the most fixed words at the start of words, and
// what follows them.
func (t *Table) Find(words []string) (*Command, []string) {
	for n := min(t.most, len(words)); n > 0; n-- {
		for i := range t.list {
			if slices.Equal(strings.Split(t.list[i].Words, " "), words[:n]) {
				return &t.list[i], words[n:]
			}
		}
	}
	return nil, nil
}

// Help is the answer to "help" with or without words; expert: to one who may give the
// commands for experts.
func (t *Table) Help(words []string, expert bool) string {
	if len(words) == 0 {
		return t.render("The following commands are valid at this level:", t.listed(expert))
	}
	return t.render("The following commands are valid at this level:", t.matches(words, expert))
}

// Unknown is the answer to a command that does not exist.
func (t *Table) Unknown(words []string, expert bool) string {
	if len(words) == 0 {
		return t.render("Unknown command. Please enter one of the following commands only:", t.listed(expert))
	}
	for _, u := range t.unsupported {
		if known := strings.Split(u.Words, " "); len(words) >= len(known) && slices.Equal(known, words[:len(known)]) {
			text := "'" + u.Words + "' is not supported by this engine"
			if u.Why != "" {
				text += ": " + u.Why
			}
			return text + ".\n"
		}
	}
	return t.render("Unknown command, but maybe one of the following ones is a better match:", t.matches(words, expert))
}

func (t *Table) listed(expert bool) []*Command {
	var out []*Command
	for i := range t.list[:t.own] {
		if !t.list[i].Hidden && (expert || !t.list[i].Expert) {
			out = append(out, &t.list[i])
		}
	}
	return out
}

// suggestions bounds the commands offered for words that begin like none.
const suggestions = 5

// matches are the commands that begin with words, else those that have the most
// leading words in common and are spelled most alike.
func (t *Table) matches(words []string, expert bool) []*Command {
	list := t.listed(expert)
	name := strings.Join(words, " ")
	var exact []*Command
	for _, c := range list {
		if c.Words == name || strings.HasPrefix(c.Words, name+" ") {
			exact = append(exact, c)
		}
	}
	if exact != nil {
		return exact
	}
	if c, _ := t.Find(words); c != nil && !c.Hidden && (expert || !c.Expert) {
		return []*Command{c}
	}
	cost := func(c *Command) int {
		have := strings.Split(c.Words, " ")
		common := 0
		for common < min(len(have), len(words)) && have[common] == words[common] {
			common++
		}
		n := min(len(words), len(have)+1)
		return distance(strings.Join(words[common:n], " "), strings.Join(have[common:], " ")) - 100*common
	}
	slices.SortStableFunc(list, func(a, b *Command) int { return cost(a) - cost(b) })
	list = list[:min(suggestions, len(list))]
	slices.SortFunc(list, func(a, b *Command) int { return strings.Compare(a.Words, b.Words) })
	return list
}

// render lists commands below a title, and always those of the CLI itself.
func (t *Table) render(title string, list []*Command) string {
	var b strings.Builder
	b.WriteString(title + "\n")
	line := func(c *Command) {
		if c.Line != "" {
			fmt.Fprintf(&b, "  %s\n", c.Line)
			return
		}
		usage := c.Words
		if c.Args != "" {
			usage += " " + c.Args
		}
		fmt.Fprintf(&b, "  %-39s : %s\n", usage, c.Help)
	}
	for _, c := range list {
		line(c)
	}
	for i := t.own; i < len(t.list); i++ {
		line(&t.list[i])
	}
	return b.String()
}

// distance is the number of single-letter edits between two strings.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			d := diagonal
			if a[i] != b[j] {
				d = 1 + min(diagonal, row[j], row[j+1])
			}
			diagonal, row[j+1] = row[j+1], d
		}
	}
	return row[len(b)]
}
