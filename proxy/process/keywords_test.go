package process_test

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// listed are some lines that both have in a list of -dK, by its title.
var listed = map[string][]string{
	"# List of supported keyword classes:":             {"all: list all keywords", "acl: ACL keywords", "cfg: configuration keywords", "cli: CLI keywords", "flt: filter names", "smp: sample fetch functions", "svc: service names"},
	"# List of registered ACL keywords:":               {"path_beg = path -m beg", "cook_sub = req.cook -m sub", "url_len = url -m len"},
	"# List of registered configuration keywords:":     {"global", "listen", "peers", "\tnbthread", "\tbind <addr> maxconn +1", "\tserver <name> <addr> weight +1", "\tserver <name> <addr> backup", "\ttcp-request connection silent-drop"},
	"# List of registered CLI keywords:":               {"@!<pid> [MASTER] ", "add acl [WORKER] ", "help [MASTER] [WORKER] ", "show errors [WORKER] ", "reload [MASTER] "},
	"# List of registered sample converter functions:": {"bool: bool => sint", "even: bool => sint", "hex: str => bin"},
	"# List of registered filter names:":               nil,
	"# List of registered sample fetch functions:":     nil,
	"# List of registered service names:":              {"prometheus-exporter"},
}

// What -dK lists is in the form of the reference, each list under the title that it has there.
func TestKeywordLists(t *testing.T) {
	haproxy := reference(t)
	s := newSite(t)
	lists := func(cmd *exec.Cmd) map[string][]string {
		cmd.Stdout, cmd.Stderr = nil, nil
		out, err := cmd.Output()
		if err != nil {
			t.Fatal(err)
		}
		all, title := map[string][]string{}, ""
		for line := range strings.Lines(string(out)) {
			if line = strings.TrimRight(line, "\n"); strings.HasPrefix(line, "# List of") {
				title = line
			}
			all[title] = append(all[title], line)
		}
		return all
	}
	for name, list := range map[string]map[string][]string{
		"this program":  lists(s.command(t, "-dKhelp,all", "-q", "-c")),
		"the reference": lists(exec.Command(haproxy, "-f", s.config, "-dKhelp,all", "-q", "-c")),
	} {
		if len(list) != len(listed) {
			t.Errorf("%s has %d lists, want %d", name, len(list), len(listed))
		}
		for title, lines := range listed {
			if len(list[title]) < 2 {
				t.Errorf("%s has nothing in %q", name, title)
			}
			for _, l := range lines {
				if !slices.Contains(list[title], l) {
					t.Errorf("%s: %q lacks %q", name, title, l)
				}
			}
		}
	}
	if only := lists(s.command(t, "-dKsvc", "-q", "-c")); len(only) != 1 {
		t.Errorf("-dKsvc lists %q", only)
	}
}
