package reports

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"bench/reports/internal/fixture"
	"bench/reports/page"
)

// The page of a history meets the checks of the other pages, with its tables opened,
// too.
func TestBrowserShowsHistory(t *testing.T) {
	text, err := page.History(fixture.History())
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "history.html")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	b := newTab(browser(t), t)
	for _, v := range []struct {
		width, height int64
		theme         string
	}{{1280, 720, "light"}, {360, 740, "dark"}} {
		b.open(file, v.width, v.height, true, "prefers-color-scheme="+v.theme)
		what := fmt.Sprintf("history %dx%d %s", v.width, v.height, v.theme)
		b.audit(what, `{scripts: 0}`)
		b.silent(what)
		if n := eval[int](b, `document.querySelectorAll(".trends figure").length`); n != 7 {
			t.Errorf("%s: %d charts, want one for each of 7 measures that are known", what, n)
		}
		// A mark stands in its chart, and its chip above it.
		if n := eval[int](b, `[...document.querySelectorAll(".turn")].filter(e => { const a = e.parentElement.getBoundingClientRect(), r = e.getBoundingClientRect(); return r.height > 100 && r.left >= a.left && r.right <= a.right; }).length`); n != 3 {
			t.Errorf("%s: %d marks of changes, want 3", what, n)
		}
		if n := eval[int](b, `document.querySelectorAll("details").forEach(d => d.open = true), document.querySelectorAll("details[open] table").length`); n != 2 {
			t.Errorf("%s: %d tables open, want 2", what, n)
		}
		b.audit(what+" with tables", `{scripts: 0}`)
	}
}
