package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"bench/internal/testpeer"
)

// TestCompletionInShells lets the shells themselves complete.
func TestCompletionInShells(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.Symlink(self, filepath.Join(dir, "bench")); err != nil {
		t.Fatal(err)
	}
	for shell, ask := range map[string]func(words []string) string{
		"bash": func(words []string) string {
			return "source s; COMP_WORDS=(bench " + quoted(words) + "); COMP_CWORD=" + string(rune('0'+len(words))) + `; _bench; printf '%s\n' "${COMPREPLY[@]}"`
		},
		// compadd and compdef work within the line editor only.
		"zsh": func(words []string) string {
			return `compdef() { :; }; _files() { :; }; compadd() { print -l -- ${(M)found:#${words[CURRENT]}*}; }; source ./s; words=(bench ` +
				quoted(words) + "); CURRENT=" + string(rune('1'+len(words))) + "; _bench"
		},
		"fish": func(words []string) string {
			return "source s; complete -C 'bench " + strings.Join(words, " ") + "' | string split -f 1 \\t; true"
		},
	} {
		t.Run(shell, func(t *testing.T) {
			testpeer.Need(t, shell)
			code, script, errs := command(t, "", "completion", shell)
			if code != exitPass {
				t.Fatal(errs)
			}
			if err := os.WriteFile(filepath.Join(dir, "s"), []byte(script), 0o600); err != nil {
				t.Fatal(err)
			}
			for _, tt := range []struct {
				words []string
				want  string
			}{
				{[]string{"vali"}, "validate"},
				{[]string{"run", "zero"}, "zero-downtime-reload"},
				{[]string{"run", "--shor"}, "--shorten"},
				{[]string{"run", "--driver", "hap"}, "haproxy"},
				{[]string{"chaos", "pro"}, "probe"},
				{[]string{"init", "slowl"}, "slowloris"},
			} {
				cmd := exec.Command(shell, "-c", ask(tt.words))
				cmd.Dir = dir
				cmd.Env = append(os.Environ(), mainVariable+"=1", "PATH="+dir+":"+os.Getenv("PATH"), "HOME="+dir)
				out, err := cmd.CombinedOutput()
				if err != nil || !slices.Contains(strings.Fields(string(out)), tt.want) {
					t.Errorf("%q: %v, %q, want %s", tt.words, err, out, tt.want)
				}
			}
		})
	}
}

func quoted(words []string) string { return "'" + strings.Join(words, "' '") + "'" }

// Bare bench says what there is; version and schema are what they say.
func TestWordsAboutItself(t *testing.T) {
	for _, tt := range []struct {
		args []string
		want string
	}{
		{nil, "Usage: bench <command>"},
		{[]string{"version"}, "bench devel"},
		{[]string{"schema"}, `"$schema"`},
		{[]string{"complete", "--", "ver"}, "version"},
		{[]string{"complete", "--", "no-such"}, ""},
	} {
		code, out, errs := command(t, "", tt.args...)
		if code != exitPass || !strings.Contains(out, tt.want) || tt.want == "" && out != "" {
			t.Errorf("%q: exit code %d, no %q in\n%s%s", tt.args, code, tt.want, out, errs)
		}
	}
}
