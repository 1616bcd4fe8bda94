package reports

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/chromedp/chromedp"

	"bench/reports/internal/fixture"
	"bench/reports/page"
	"bench/reports/pollers"
)

// The page of the pollers meets the checks of the other pages, by every measure.
func TestBrowserShowsPollers(t *testing.T) {
	text, err := page.Pollers(fixture.Pollers())
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "pollers.html")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	b := newTab(browser(t), t)
	for _, v := range []struct {
		width, height int64
		theme         string
	}{{1280, 720, "light"}, {360, 740, "dark"}} {
		b.open(file, v.width, v.height, true, "prefers-color-scheme="+v.theme)
		what := fmt.Sprintf("pollers %dx%d %s", v.width, v.height, v.theme)
		b.audit(what, `{scripts: 0}`)
		b.silent(what)
		for i, m := range pollers.Measures() {
			b.do(chromedp.Click(fmt.Sprintf("label:has(#m%d)", i)))
			if n := eval[int](b, `document.querySelectorAll(".by").length - [...document.querySelectorAll(".by")].filter(e => !e.checkVisibility()).length`); n != 2 {
				t.Errorf("%s, %s: %d tables show, want one for each of 2 works", what, m.Name, n)
			}
			b.audit(what+" "+m.Name, `{scripts: 0}`)
		}
	}
}
