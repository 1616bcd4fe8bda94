package reports

import (
	"fmt"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"bench/reports/compare"
	"bench/reports/internal/fixture"
)

// compared writes a made-up comparison and gives the path of its page.
func compared(t *testing.T, name string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), name)
	c, err := fixture.WriteComparison(name, dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := compare.Write(dir, c); err != nil {
		t.Fatal(err)
	}
	return filepath.Join(dir, "compare.html")
}

// The page of a comparison meets the checks of the other pages, wide and narrow, light
// and dark, whatever was compared.
func TestBrowserShowsComparisons(t *testing.T) {
	b := newTab(browser(t), t)
	for _, name := range fixture.Comparisons() {
		file := compared(t, name)
		views := []struct {
			width, height int64
			theme         string
		}{{1280, 720, "light"}, {360, 740, "dark"}}
		if name == "slower" {
			views = append(views, views[1], views[0], views[0])
			views[2].theme, views[3].theme, views[4].width = "light", "dark", 640
		}
		for _, v := range views {
			what := fmt.Sprintf("comparison %s %dx%d %s", name, v.width, v.height, v.theme)
			b.open(file, v.width, v.height, true, "prefers-color-scheme="+v.theme)
			b.audit(what, `{scripts: 0}`)
			b.silent(what)
			// The verdict is on the first screen, and so is the first measure of a wide one.
			first := `".word"`
			if v.width == 1280 && name == "slower" {
				first = `".word,.measure"`
			}
			if low := eval[string](b, `(() => { for (const s of `+first+`.split(",")) { const e = document.querySelector(s); if (!e || e.getBoundingClientRect().bottom > innerHeight) return s; } return ""; })()`); low != "" {
				t.Errorf("%s: %s is below the first screen", what, low)
			}
		}
	}
	file := compared(t, "slower")
	b.open(file, 1280, 720, true, "forced-colors=active")
	b.audit("forced colours", `{scripts: 0, forced: true}`)
}

// Decided and undecided dots differ in more than colour; on a telephone the text of a
// measure stands above its bar; both charts have the same axes and stand apart.
func TestBrowserComparisonTellsItsMarksApart(t *testing.T) {
	b := newTab(browser(t), t)
	file := compared(t, "unclear")
	b.open(file, 1280, 720, true)
	fills := eval[[]string](b, `[...document.querySelectorAll(".ibar .dot")].map(d => d.parentElement.className + " " + (getComputedStyle(d).backgroundColor === getComputedStyle(d).borderTopColor))`)
	for _, f := range fills {
		if strings.Contains(f, "filled") != strings.HasSuffix(f, "true") {
			t.Errorf("a dot is drawn as %q", f)
		}
	}
	if all := strings.Join(fills, ";"); !strings.Contains(all, "filled") || !strings.Contains(all, "hollow") {
		t.Errorf("only one kind of dot: %s", all)
	}
	type chart struct{ Top, Bottom, Left, Right float64 }
	charts := eval[[]chart](b, `[...document.querySelectorAll(".charts .area")].map(a => { const r = a.getBoundingClientRect(); return {Top: r.top, Bottom: r.bottom, Left: r.left, Right: r.right}; })`)
	if len(charts) != 2 || charts[0].Bottom > charts[1].Top || charts[0].Left != charts[1].Left || charts[0].Right != charts[1].Right {
		t.Errorf("the charts stand at %+v", charts)
	}
	axes := eval[[]string](b, `[...document.querySelectorAll(".charts .frame")].map(f => [...f.querySelectorAll(".y span,.x span")].map(s => s.textContent + s.style.top + s.style.left).join(" "))`)
	if len(axes) != 2 || axes[0] != axes[1] || axes[0] == "" {
		t.Errorf("the axes differ: %q", axes)
	}
	b.open(file, 360, 740, true)
	if n := eval[int](b, `[...document.querySelectorAll("tr.measure")].filter(r => { const bar = r.querySelector(".ibar"); return bar && ([...r.querySelectorAll(".mname,.n")].some(e => e.getBoundingClientRect().bottom > bar.getBoundingClientRect().top + 1) || bar.getBoundingClientRect().width < 160); }).length`); n != 0 {
		t.Errorf("%d bars stand beside their text, or are narrow", n)
	}
}

func TestBrowserComparisonObeysTheKeyboard(t *testing.T) {
	b := newTab(browser(t), t)
	b.open(compared(t, "many"), 1280, 720, true)
	const controls = `[...document.querySelectorAll("a[href],summary,[tabindex='0']")].filter(e => e.checkVisibility() && !e.closest("details:not([open]) > :not(summary)"))`
	n := eval[int](b, controls+".length")
	reached := map[string]bool{}
	for range n + 2 {
		b.do(chromedp.KeyEvent(kb.Tab))
		at := eval[string](b, `(() => { const e = document.activeElement; if (!e || e === document.body) return ""; const s = getComputedStyle(e); if (s.outlineStyle === "none" || parseFloat(s.outlineWidth) < 2) return "no outline " + e.outerHTML.slice(0, 80); return String(`+controls+`.indexOf(e)); })()`)
		if strings.HasPrefix(at, "no outline") {
			t.Errorf("the focus does not show: %s", at)
		}
		if at != "" {
			reached[at] = true
		}
	}
	if len(reached) < n {
		t.Errorf("Tab reached %d of %d controls", len(reached), n)
	}
	b.do(chromedp.Focus(".runs summary"), chromedp.KeyEvent(kb.Enter))
	if !eval[bool](b, `document.querySelector(".runs details").open`) {
		t.Error("the list of runs did not open")
	}
	b.audit("with the list of runs", `{scripts: 0}`)
}

func TestBrowserPrintsComparisons(t *testing.T) {
	b := newTab(browser(t), t)
	pages := regexp.MustCompile(`/Type\s*/Page[^s]`)
	for name, most := range map[string]int{"slower": 4, "not-comparable": 2} {
		b.open(compared(t, name), 1280, 720, true, "prefers-color-scheme=dark")
		pdf := get(b, chromedp.PrintToPDF(chromedp.PDFPreferCSSPageSize(), chromedp.PDFPrintBackground()))
		if n := len(pages.FindAll(pdf, -1)); n == 0 || n > most {
			t.Errorf("%s: %d pages, at most %d", name, n, most)
		}
		send(b, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Media: "print"})
		if got := eval[string](b, `getComputedStyle(document.body).backgroundColor`); got != "rgb(255, 255, 255)" {
			t.Errorf("%s: printed on %s", name, got)
		}
		b.do(chromedp.EmulateViewport(703, 1000)) // A4 less its margins
		b.audit(name+" in print", `{scripts: 0, print: true}`)
		for _, cut := range eval[[]string](b, `[...document.querySelectorAll(".plot,.measure,.side")].filter(e => getComputedStyle(e).breakInside !== "avoid").map(e => e.className)`) {
			t.Errorf("%s: %s is cut across pages", name, cut)
		}
	}
}
