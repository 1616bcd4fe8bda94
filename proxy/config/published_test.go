package config

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"bench/internal/testpeer"
)

// publishedVar names the folder. With publishedReference the reference reads the
// configurations as well, which takes its time.
const (
	publishedVar       = "BENCH_PUBLISHED_CONFIGS"
	publishedReference = "BENCH_PUBLISHED_REFERENCE"
)

// publishedDir is where the configurations lie that operators have published: they are
// data of others, and not part of this project.
func publishedDir(t *testing.T) string {
	t.Helper()
	dir := os.Getenv(publishedVar)
	if dir == "" {
		dir = filepath.Join("..", "..", "..", "shared", "haproxy", "configs")
	}
	if _, err := os.Stat(filepath.Join(dir, "make-certs.sh")); err != nil {
		t.Skip("no published configurations: " + publishedVar + " says where they are")
	}
	return dir
}

// mustLoad is how many of them load at least: it only ever grows.
const mustLoad = 168

// TestPublished loads configurations that operators have published and the reference
// accepts, and shows what keeps the others from loading. Nothing in them may be unknown
// or a mistake: what is refused has to be named as not supported.
func TestPublished(t *testing.T) {
	dir := publishedDir(t)
	work := t.TempDir()
	if err := os.CopyFS(work, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	t.Chdir(work)
	if out, err := exec.Command("sh", "./make-certs.sh").CombinedOutput(); err != nil {
		t.Fatalf("make-certs.sh: %v\n%s", err, out)
	}
	files, err := filepath.Glob("*.cfg")
	if err != nil || len(files) == 0 {
		t.Fatalf("no configurations: %v", err)
	}
	var refusals map[string]string
	if os.Getenv(publishedReference) != "" {
		refusals = referenceRefusals(testpeer.Need(t, "haproxy"), files)
	}
	loaded := 0
	blockers := map[string][]string{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		env := SystemEnv("2.6.12")
		env.Resolve = noNameServer
		for _, line := range published(file) {
			name, value, _ := strings.Cut(line, "=")
			env.Vars[name] = value
		}
		_, diags := Load([]Source{{Name: file, Text: text}}, env)
		if !diags.HasErrors() {
			loaded++
			if refusal := refusals[file]; refusal != "" {
				t.Errorf("%s loads, and the reference refuses it:\n%s", file, refusal)
			}
			continue
		}
		mine := map[string]bool{}
		for i := range diags {
			if diags[i].Severity == Alert {
				mine[kindOfMessage(diags[i].Msg)] = true
			}
		}
		for m := range mine {
			blockers[m] = append(blockers[m], file)
		}
	}
	t.Logf("%d of %d load (the reference refuses %d); what keeps the others, in files:\n%s", loaded, len(files), len(refusals), blockerTable(blockers))
	if loaded < mustLoad {
		t.Errorf("%d load, it were %d before", loaded, mustLoad)
	}
}

// noNameServer knows this host only: the test must not wait for a name server.
func noNameServer(_, host string) ([]netip.Addr, error) {
	if host == "localhost" {
		return []netip.Addr{netip.AddrFrom4([4]byte{127, 0, 0, 1})}, nil
	}
	return nil, errors.New("no name server")
}

// referenceRefusals are what the reference says about the files that it refuses.
func referenceRefusals(haproxy string, files []string) map[string]string {
	var mu sync.Mutex
	var all sync.WaitGroup
	refusals := map[string]string{}
	places := make(chan struct{}, 4)
	for _, file := range files {
		places <- struct{}{}
		all.Go(func() {
			defer func() { <-places }()
			check := exec.Command(haproxy, "-c", "-f", file)
			check.Env = append(os.Environ(), published(file)...)
			if out, err := check.CombinedOutput(); err != nil {
				mu.Lock()
				refusals[file] = string(out)
				mu.Unlock()
			}
		})
	}
	all.Wait()
	return refusals
}

// published are the environment variables that come with a configuration.
func published(file string) []string {
	text, err := os.ReadFile(strings.TrimSuffix(file, ".cfg") + ".env")
	if err != nil {
		return nil
	}
	return strings.Fields(string(text))
}

var particular = regexp.MustCompile(`'[^' ]*[/:][^' ]*'`)

// kindOfMessage is a message without what is particular to one line.
func kindOfMessage(msg string) string { return particular.ReplaceAllString(msg, "'...'") }

func blockerTable(blockers map[string][]string) string {
	kinds := slices.SortedFunc(maps.Keys(blockers), func(a, b string) int {
		return cmp.Or(len(blockers[b])-len(blockers[a]), strings.Compare(a, b))
	})
	var b strings.Builder
	for _, k := range kinds {
		fmt.Fprintf(&b, "%4d  %s  (%s)\n", len(blockers[k]), k, strings.Join(blockers[k][:min(3, len(blockers[k]))], ", "))
	}
	return b.String()
}
