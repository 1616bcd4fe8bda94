package difftest

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// Cases are comparisons of one line each, many of them in one process: files of
// testdata/cases, one for each family. Lines are
//
//	# a remark
//	file NAME TEXT        a file, whose name stands for its path below; TEXT is quoted as in Go
//	var NAME VALUE        one more value of a variable
//	request TEXT          one more request to make; the first line of several that follow
//	                      each other forgets those before
//	response TEXT         what the origin answers
//	sample EXPR           an expression: its value for each request
//	response-sample EXPR  the same, in rules of responses
//	acl WORDS             a condition, without its braces: whether it holds
//	case LINE ;; LINE...  lines of a frontend, behind "be:" of its backend, behind "top:" of
//	                      the configuration: what client and origin see, and the log
//	differs WHY           the next line differs on purpose
//
// <A|B|C> in a line stands for each of the words in turn, <NAME> for each value of a
// variable: a line is as many cases as there are combinations.

// policyCase is one case.
type policyCase struct {
	kind      string // sample, response-sample, acl or case
	text      string
	line      *caseLine
	requests  []string
	response  string
	number    int
	got       [2]string // there and here
	refused   [2]bool
	refusedBy [2]string
}

// caseLine is a line that makes cases.
type caseLine struct {
	file   string
	number int
	text   string
	why    string // it differs
	cases  []*policyCase
}

func (l *caseLine) String() string { return fmt.Sprintf("%s:%d", l.file, l.number) }

// caseFile is one family.
type caseFile struct {
	name  string
	files map[string]string
	lines []*caseLine
}

// all are its cases.
func (f *caseFile) all() []*policyCase {
	var all []*policyCase
	for _, l := range f.lines {
		all = append(all, l.cases...)
	}
	return all
}

const (
	usualRequest  = "GET /old/page.html?a=1&b=two HTTP/1.1\r\nHost: www.example.com:8080\r\nX-A: one, two\r\nX-A: three\r\nCookie: sid=abc; theme=dark\r\nUser-Agent: curl/7\r\n\r\n"
	usualResponse = "HTTP/1.1 200 OK\r\nServer: nginx\r\nX-Debug: 1\r\nSet-Cookie: id=7; Path=/\r\nContent-Length: 2\r\n\r\nok"
)

// readCases reads a family.
func readCases(path string) (*caseFile, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	f := &caseFile{name: strings.TrimSuffix(filepath.Base(path), ".txt"), files: map[string]string{}}
	vars := map[string][]string{}
	requests, response, why := []string{usualRequest}, usualResponse, ""
	fresh := true // the next request forgets those before
	number := 0
	for line := range strings.Lines(string(text)) {
		number++
		line = strings.TrimRight(line, "\n")
		if line == "" || line[0] == '#' {
			continue
		}
		word, rest, _ := strings.Cut(line, " ")
		fail := func(format string, a ...any) error {
			return fmt.Errorf("%s:%d: %s", path, number, fmt.Sprintf(format, a...))
		}
		isRequest := false
		switch word {
		case "file":
			name, content, _ := strings.Cut(rest, " ")
			if f.files[name], err = strconv.Unquote(content); err != nil {
				return nil, fail("%v", err)
			}
		case "var":
			name, value, _ := strings.Cut(rest, " ")
			vars[name] = append(vars[name], value)
		case "request", "response":
			message, err := strconv.Unquote(rest)
			if err != nil {
				return nil, fail("%v", err)
			}
			if word == "response" {
				response = message
				break
			}
			isRequest = true
			if fresh {
				requests = nil
			}
			requests = append(slices.Clip(requests), message)
		case "differs":
			why = rest
		case "sample", "response-sample", "acl", "case":
			l := &caseLine{file: filepath.Base(path), number: number, text: line, why: why}
			why = ""
			for _, t := range expandCase(rest, vars) {
				l.cases = append(l.cases, &policyCase{kind: word, text: t, line: l, requests: requests, response: response})
			}
			f.lines = append(f.lines, l)
		default:
			return nil, fail("unknown word '%s'", word)
		}
		fresh = !isRequest
	}
	return f, nil
}

// expandCase is every combination of a line.
func expandCase(text string, vars map[string][]string) []string {
	start := strings.IndexByte(text, '<')
	for start >= 0 {
		end := strings.IndexByte(text[start:], '>')
		if end < 0 {
			break
		}
		inside := text[start+1 : start+end]
		values, known := vars[inside]
		if !known && !strings.Contains(inside, "|") {
			next := strings.IndexByte(text[start+1:], '<')
			if next < 0 {
				break
			}
			start += 1 + next
			continue
		}
		if !known {
			values = strings.Split(inside, "|")
		}
		var all []string
		for _, rest := range expandCase(text[start+end+1:], vars) {
			for _, v := range values {
				all = append(all, text[:start]+v+rest)
			}
		}
		return all
	}
	return []string{text}
}

// families are all files of cases.
func families(t *testing.T) []*caseFile {
	t.Helper()
	paths, err := filepath.Glob("testdata/cases/*.txt")
	if err != nil || len(paths) == 0 {
		t.Fatal(err, len(paths))
	}
	var all []*caseFile
	for _, p := range paths {
		f, err := readCases(p)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, f)
	}
	return all
}

func TestExpandCase(t *testing.T) {
	vars := map[string][]string{"V": {"x", "<y>"}}
	for text, want := range map[string]string{
		"a": "a", "<a|b>c": "ac bc", "<V>": "x <y>", "<a|b><c|>": "ac bc a b", "a<b": "a<b", "<no>": "<no>", "<no><a|b>": "<no>a <no>b",
	} {
		if got := strings.Join(expandCase(text, vars), " "); got != want {
			t.Errorf("%s: %q, want %q", text, got, want)
		}
	}
}
