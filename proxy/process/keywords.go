package process

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"bench/proxy/cli"
	"bench/proxy/config"
)

// keywordClasses are the lists of -dK by the names of the classes.
func keywordClasses() map[string]func() (title string, lines []string) {
	classes := config.KeywordClasses()
	classes["cli"] = func() (string, []string) { return "CLI keywords", listCommands() }
	return classes
}

// listCommands are the commands of workers and of masters, and whose each is.
func listCommands() (list []string) {
	whose := map[string]string{}
	for _, c := range masterCommands() {
		whose[c.Words] += "[MASTER] "
	}
	for _, name := range cli.Names() {
		whose[name] += "[WORKER] "
	}
	for _, name := range slices.Sorted(maps.Keys(whose)) {
		list = append(list, name+" "+whose[name])
	}
	return list
}

// dumpKeywords answers -dK.
func (p *process) dumpKeywords() {
	classes := keywordClasses()
	names := slices.Sorted(maps.Keys(classes))
	for _, want := range p.opt.KeywordDumps {
		switch {
		case want == "help":
			fmt.Fprintln(p.Stdout, "# List of supported keyword classes:\nall: list all keywords")
			for _, n := range names {
				title, _ := classes[n]()
				fmt.Fprintf(p.Stdout, "%s: %s\n", n, title)
			}
		case want == "all":
			for _, n := range names {
				p.dumpClass(classes[n])
			}
		case classes[want] != nil:
			p.dumpClass(classes[want])
		}
	}
}

func (p *process) dumpClass(list func() (string, []string)) {
	title, lines := list()
	fmt.Fprintf(p.Stdout, "# List of registered %s:\n%s\n", title, strings.Join(lines, "\n"))
}
