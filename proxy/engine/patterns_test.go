package engine_test

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"bench/internal/testpeer"
)

const patternsConfig = `
global
    stats socket %[1]s/stats mode 600 level admin
defaults
    mode http
    timeout client 5s
    timeout server 5s
    timeout connect 1s
frontend fe
    bind unix@%[1]s/fe
    acl bad hdr(host) -i -f %[1]s/hosts
    acl named path /x /y
    acl net src 10.0.0.0/8
    http-request deny if bad
    http-request deny if named
    http-request deny if net
    http-request set-header x %%[path,map_str(%[1]s/paths,none)]
    http-request set-header y %%[path,map_beg_int(%[1]s/numbers,0)]
`

// patternDialogue are commands about lists of patterns, good and bad, in order: what one
// has changed the next ones show. LISTS stands for the folder of the files.
func patternDialogue() []string {
	var list []string
	const paths, hosts, numbers = "LISTS/paths", "LISTS/hosts", "LISTS/numbers"
	each := func(words ...string) { list = append(list, words...) }
	each("show map", "show acl", "show map nope", "show acl nope", "show map #99", "show acl #99", "show map "+paths, "show acl "+hosts, "show map "+hosts, "show acl "+paths, "show map @0 "+paths, "show map @7 "+paths, "show map "+paths+" extra")
	for _, c := range []string{"get", "add", "del", "clear", "prepare", "commit", "set"} {
		for _, k := range []string{"map", "acl"} {
			if c == "set" && k == "acl" {
				continue
			}
			at := paths
			if k == "acl" {
				at = hosts
			}
			each(c+" "+k, c+" "+k+" nope", c+" "+k+" nope a b", c+" "+k+" #nope a b", c+" "+k+" @1", c+" "+k+" @1 nope", c+" "+k+" @1 nope a b")
			if c != "clear" && c != "prepare" {
				each(c+" "+k+" "+at, c+" "+k+" @9 "+at, c+" "+k+" @9 "+at+" a b")
			}
		}
	}
	each(
		"get map "+paths+" /a", "get map "+paths+" /zz", "get map "+numbers+" /a/b", "get acl "+hosts+" BAD.example", "get acl "+hosts+" good.example", "get acl "+paths+" /a", "get map "+hosts+" bad.example",
		"add map "+paths+" /d four", "add map "+paths+" /d", "add map "+paths+" /e five extra", "add map "+paths+" /d again", "show map "+paths, "get map "+paths+" /d",
		"add map "+paths+" <<\n/f six\n/g seven eight\n", "add map "+paths+" <<\n/h\n", "show map "+paths, "set map "+paths+" /a ONE", "set map "+paths+" /zz z", "set map "+paths+" #zz z", "set map "+paths+" #0x1234567 z", "show map "+paths,
		"set map "+numbers+" /a 7", "get map "+numbers+" /a", "add map "+numbers+" /n 9", "show map "+numbers,
		"del map "+paths+" /d", "del map "+paths+" /d", "del map "+paths+" #0x1234567", "show map "+paths,
		"prepare map "+paths, "prepare map "+paths, "add map @1 "+paths+" /n new", "add map @2 "+paths+" /m newer", "show map @1 "+paths, "show map @2 "+paths, "show map "+paths, "show map",
		"clear map @2 "+paths, "show map @2 "+paths, "add map @3 "+paths+" a b", "commit map @3 "+paths, "commit map @1 "+paths, "show map "+paths, "show map", "commit map @2 "+paths, "show map "+paths, "clear map "+paths, "show map "+paths,
		"add acl "+hosts+" new.example", "add acl "+hosts+" two words", "show acl "+hosts, "get acl "+hosts+" NEW.example", "del acl "+hosts+" two", "del acl "+hosts+" two", "prepare acl "+hosts, "add acl @1 "+hosts+" v.example", "show acl @1 "+hosts, "show acl "+hosts,
		"user; show map", "user; show acl "+hosts, "user; get map "+paths+" /a", "user; add map "+paths+" /u v", "user; set map "+paths+" /u w", "user; del map "+paths+" /u", "user; clear map "+paths, "user; prepare map "+paths,
		"user; add acl "+hosts+" u.example", "user; del acl "+hosts+" u.example", "operator; add map "+paths+" /o v", "operator; clear acl "+hosts,
		"commit acl @1 "+hosts, "show acl "+hosts, "clear acl "+hosts, "show acl "+hosts, "show acl", "add acl "+paths+" /z", "commit acl @5 "+hosts, "commit acl "+hosts,
	)
	return list
}

// The runtime API shows and changes lists of patterns as the reference does.
func TestPatternsAreChangedAsByTheReference(t *testing.T) {
	bin := testpeer.Need(t, "haproxy")
	start := func() string {
		dir := t.TempDir()
		for name, text := range map[string]string{"paths": "/a one\n/b two\n# c\n/c three\n", "hosts": "bad.example\nworse.example\n", "numbers": "/a 1\n"} {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		return dir
	}
	theirs, ours := start(), start()
	file := filepath.Join(theirs, "cfg")
	if err := os.WriteFile(file, []byte(fmt.Sprintf(patternsConfig, theirs)), 0o600); err != nil {
		t.Fatal(err)
	}
	testpeer.Start(t, exec.Command(bin, "-db", "-f", file))
	for range 500 {
		if c, err := net.Dial("unix", filepath.Join(theirs, "stats")); err == nil {
			_ = c.Close()
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	startConfig(t, fmt.Sprintf(patternsConfig, ours))
	pointer := regexp.MustCompile(`0x[0-9a-f]+ `)
	place := regexp.MustCompile(`file '[^']*(cfg|httpclient)' line (\d+)`)
	index := regexp.MustCompile(`idx=(list|tree)`) // how it is searched: there, one without regard to case is not indexed
	number := regexp.MustCompile(`(?m)^\d+ \((.*)\)`)
	for _, c := range patternDialogue() {
		talk := func(dir string) string {
			a := ask(t, filepath.Join(dir, "stats"), strings.ReplaceAll(c, "LISTS", dir))
			a = index.ReplaceAllString(a, "idx")
			a = strings.ReplaceAll(pointer.ReplaceAllString(a, "REF "), dir, "LISTS")
			// Lists of the reference's own, for its client, are none of the configuration.
			var lines []string
			for l := range strings.Lines(place.ReplaceAllString(a, "line $2")) {
				if !strings.Contains(l, "'var' line 0") {
					lines = append(lines, number.ReplaceAllString(l, "N ($1)"))
				}
			}
			return strings.TrimRight(strings.Join(lines, ""), "\n")
		}
		want, got := talk(theirs), talk(ours)
		if want != got {
			t.Errorf("%s\n%s", c, lineDiff(got, want))
		}
	}
}
