package engine_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// comparedElsewhere are the commands whose answers tests of their own compare with the
// reference, or that it does not have.
var comparedElsewhere = map[string]string{
	"new ssl ca-file": certificates, "new ssl crl-file": certificates, "show ssl ca-file": certificates, "show ssl cert": certificates,
	"show ssl crl-file": certificates, "show ssl ocsp-response": certificates,
	"show ssl providers": "the libraries are others",
	"show activity":      ownWords, "show fd": ownWords, "show libs": ownWords, "show pools": ownWords, "show tasks": ownWords, "show threads": ownWords,
	"show info":       "its fields are in TestInfoHasTheFieldsOfTheReference",
	"show version":    "names the program",
	"wait":            "comes with later versions",
	"dump stats-file": "comes with later versions",
	"set anon":        "comes with later versions", "set anon global-key": "comes with later versions", "show anon": "comes with later versions",
	"help": ownWords,
}

const (
	certificates = "TestCertificatesAtRunTimeAsTheReference"
	ownWords     = "says what the engine has"
)

// leastCompared is how many exchanges there are at least that both proxies are given.
const leastCompared = 400

// Every command is given to both proxies, with good and bad arguments, at every level.
func TestEveryCommandIsCompared(t *testing.T) {
	dir := t.TempDir()
	startConfig(t, fmt.Sprintf(conversationConfig, dir))
	var names []string
	for _, m := range regexp.MustCompile(`(?m)^  ([a-z-]+(?: [a-z-]+)*)`).FindAllStringSubmatch(ask(t, filepath.Join(dir, "stats"), "help"), -1) {
		names = append(names, m[1])
	}
	golden, err := os.ReadFile("../cli/testdata/answers.txt")
	if err != nil {
		t.Fatal(err)
	}
	lines := slices.Concat(conversation(), dynamicDialogue("127.0.0.1:1"), traceCommandLines())
	for l := range strings.Lines(string(golden)) {
		if c, ok := strings.CutPrefix(l, "$ "); ok {
			lines = append(lines, strings.TrimSpace(c))
		}
	}
	count := map[string]int{}
	for _, l := range lines {
		for c := range strings.SplitSeq(l, ";") {
			best := ""
			for _, n := range names {
				if c := strings.TrimSpace(c); len(n) > len(best) && (c == n || strings.HasPrefix(c, n+" ")) {
					best = n
				}
			}
			count[best]++
		}
	}
	for _, n := range names {
		if reason := comparedElsewhere[n]; (count[n] == 0) != (reason != "") {
			t.Errorf("%s: compared %d times (%s)", n, count[n], reason)
		}
	}
	if len(lines) < leastCompared {
		t.Errorf("%d exchanges, want at least %d", len(lines), leastCompared)
	}
	t.Logf("%d commands, %d exchanges", len(names), len(lines))
}
