package reports

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"bench/internal/result"
	"bench/reports/internal/fixture"
	"bench/reports/page"
)

// The page of a search meets the checks of the other pages.
func TestBrowserShowsCapacity(t *testing.T) {
	b := newTab(browser(t), t)
	for _, name := range []string{"found", "threads", "busy"} {
		text, err := page.Capacity(fixture.Capacity(name), []page.Attachment{{Name: result.CapacityFile, Title: "everything, for programs"}})
		if err != nil {
			t.Fatal(err)
		}
		file := filepath.Join(t.TempDir(), "capacity.html")
		if err := os.WriteFile(file, text, 0o600); err != nil {
			t.Fatal(err)
		}
		for _, v := range []struct {
			width, height int64
			theme         string
		}{{1280, 720, "light"}, {360, 740, "dark"}} {
			b.open(file, v.width, v.height, true, "prefers-color-scheme="+v.theme)
			what := fmt.Sprintf("capacity %s %dx%d %s", name, v.width, v.height, v.theme)
			b.audit(what, `{scripts: 0}`)
			b.silent(what)
		}
	}
}

// A folder is rendered again from its record alone, to the same bytes.
func TestCapacityFolder(t *testing.T) {
	dir := t.TempDir()
	if IsCapacity(dir) {
		t.Error("an empty folder is taken for a search")
	}
	names, err := WriteCapacity(dir, fixture.Capacity("threads"))
	if err != nil || len(names) != 4 || !IsCapacity(dir) {
		t.Fatalf("%v, %v", names, err)
	}
	before := map[string]string{}
	for _, n := range names {
		text, err := os.ReadFile(filepath.Join(dir, n))
		if err != nil || len(text) == 0 {
			t.Fatal(n, err)
		}
		before[n] = string(text)
	}
	if _, err := RenderCapacity(dir, nil); err != nil {
		t.Fatal(err)
	}
	if names, err := RenderCapacity(dir, []string{"md"}); err != nil || !slices.Equal(names, []string{"capacity.md"}) {
		t.Errorf("Markdown alone: %v, %v", names, err)
	}
	if _, err := RenderCapacity(dir, []string{"csv"}); err == nil || !strings.Contains(err.Error(), "its formats are svg, md, html") {
		t.Errorf("as CSV: %v", err)
	}
	for _, n := range names {
		if text, _ := os.ReadFile(filepath.Join(dir, n)); string(text) != before[n] {
			t.Errorf("%s is another when it is rendered again", n)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, result.CapacityFile), []byte(`{"version": 9}`), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := RenderCapacity(dir, nil); err == nil {
		t.Error("a record of another version was rendered")
	}
}
