package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/alecthomas/kong"

	"bench/scenarios"
)

// completionCmd prints what makes a shell complete the words of bench.
type completionCmd struct {
	Shell string `arg:"" enum:"bash,zsh,fish" help:"Shell: ${enum}."`
}

// Help says where to put it.
func (*completionCmd) Help() string {
	return `Commands, flags, the values of flags, and the names of built-in scenarios:

  bash: echo 'source <(bench completion bash)' >> ~/.bashrc
  zsh:  bench completion zsh > "${fpath[1]}/_bench"
  fish: bench completion fish > ~/.config/fish/completions/bench.fish`
}

// The shells ask "bench complete" with the words so far; the last one is incomplete. Where
// nothing is known, they offer files.
var completions = map[string]string{
	"bash": `_bench() {
    local IFS=$'\n'
    COMPREPLY=($(compgen -W "$("${COMP_WORDS[0]}" complete -- "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)" -- "${COMP_WORDS[COMP_CWORD]}"))
}
complete -o default -F _bench bench
`,
	"zsh": `#compdef bench
_bench() {
    local -a found
    found=(${(f)"$("${words[1]}" complete -- "${(@)words[2,CURRENT]}" 2>/dev/null)"})
    if (( ${#found} )); then
        compadd -a found
    fi
    _files
}
if [ "$funcstack[1]" = "_bench" ]; then
    _bench "$@"
else
    compdef _bench bench
fi
`,
	"fish": `function __bench_complete
    set -l words (commandline -opc) (commandline -ct)
    $words[1] complete -- $words[2..-1] 2>/dev/null
end
complete -c bench -a '(__bench_complete)'
`,
}

func (c *completionCmd) Run(std *streams) error {
	_, err := fmt.Fprint(std.out, completions[c.Shell])
	return err
}

// completeCmd answers the shells.
type completeCmd struct {
	Words []string `arg:"" optional:"" passthrough:"" help:"Words of the command line."`
}

func (c *completeCmd) Run(std *streams, app *kong.Application) error {
	words := c.Words
	if len(words) > 0 && words[0] == "--" {
		words = words[1:]
	}
	for _, word := range complete(app.Node, words) {
		fmt.Fprintln(std.out, word)
	}
	return nil
}

// complete lists what may stand in place of the last word, which is its beginning.
func complete(node *kong.Node, words []string) (found []string) {
	prefix := ""
	if len(words) > 0 {
		prefix, words = words[len(words)-1], words[:len(words)-1]
	}
	var flag *kong.Flag // that wants a value
	positions := 0
	for _, word := range words {
		switch {
		case flag != nil:
			flag = nil
		case strings.HasPrefix(word, "-"):
			name, _, given := strings.Cut(word, "=")
			if f := flagNamed(node, name); f != nil && !f.IsBool() && !given {
				flag = f
			}
		default:
			if child := childNamed(node, word); child != nil {
				node, positions = child, 0
			} else {
				positions++
			}
		}
	}
	add := func(candidates ...string) {
		for _, c := range candidates {
			if strings.HasPrefix(c, prefix) && !slices.Contains(found, c) {
				found = append(found, c)
			}
		}
	}
	switch {
	case flag != nil:
		add(values(flag.Value)...)
		return found
	case strings.HasPrefix(prefix, "-"):
		for _, group := range node.AllFlags(true) {
			for _, f := range group {
				add("--" + f.Name)
			}
		}
		return found
	}
	for _, child := range node.Children {
		if !child.Hidden {
			add(child.Name)
		}
	}
	if len(node.Positional) > 0 {
		add(values(node.Positional[min(positions, len(node.Positional)-1)])...)
	}
	return found
}

// values are the values that are known of a flag or an argument.
func values(v *kong.Value) []string {
	switch {
	case v.Enum != "":
		return v.EnumSlice()
	case v.Name == "scenario", v.Name == "scenarios", strings.Contains(v.Help, "see bench list"):
		var names []string
		for _, b := range scenarios.BuiltIns() {
			names = append(names, b.Name)
		}
		return names
	case v.Name == "driver":
		return []string{"builtin", "haproxy", "nginx", "exec"}
	}
	return nil
}

func childNamed(node *kong.Node, name string) *kong.Node {
	i := slices.IndexFunc(node.Children, func(n *kong.Node) bool { return n.Name == name })
	if i < 0 {
		return nil
	}
	return node.Children[i]
}

func flagNamed(node *kong.Node, word string) *kong.Flag {
	for _, group := range node.AllFlags(false) {
		for _, f := range group {
			if "--"+f.Name == word || f.Short != 0 && word == "-"+string(f.Short) {
				return f
			}
		}
	}
	return nil
}
