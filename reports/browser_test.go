package reports

import (
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	cdplog "github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"bench/internal/testpeer"
)

// The acceptance checks of the page in a real browser. axe-core would have to
// be fetched; what it finds on pages like this one (contrast, names, roles,
// headings, duplicate ids, table heads) testdata/audit.js checks by itself.

//go:embed testdata/audit.js
var auditSource string

// browser starts Chromium without any network.
func browser(t *testing.T) context.Context {
	t.Helper()
	path := testpeer.Need(t, "chromium")
	temp := t.TempDir()
	opts := []chromedp.ExecAllocatorOption{
		chromedp.ExecPath(path), chromedp.UserDataDir(temp), chromedp.Env("TMPDIR=" + temp), chromedp.NoFirstRun, chromedp.NoDefaultBrowserCheck, chromedp.Headless,
		chromedp.NoSandbox, chromedp.DisableGPU, chromedp.Flag("disable-quic", true), chromedp.Flag("disable-background-networking", true),
		chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-sync", true), chromedp.Flag("hide-scrollbars", true),
		chromedp.Flag("disable-dev-shm-usage", true), chromedp.Flag("host-resolver-rules", "MAP * ~NOTFOUND"),
	}
	ctx, cancel := context.WithTimeout(t.Context(), 90*time.Second)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewExecAllocator(ctx, opts...)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	if err := chromedp.Do(ctx); err != nil {
		t.Fatalf("chromium does not start: %v", err)
	}
	return ctx
}

// tab is one page and what the browser said about it.
type tab struct {
	*testing.T
	ctx context.Context

	mu       sync.Mutex
	requests []string
	messages []string
}

func newTab(parent context.Context, t *testing.T) *tab {
	t.Helper()
	b := &tab{T: t}
	ctx, cancel := chromedp.NewContext(parent, chromedp.WithListener(b.heard))
	t.Cleanup(cancel)
	b.ctx = ctx
	b.do()
	send(b, network.Enable, network.EnableParams{})
	send(b, cdplog.Enable, cdp.Empty{})
	return b
}

// heard takes what the browser says about the page.
func (b *tab) heard(ev any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch e := ev.(type) {
	case *network.EventRequestWillBeSent:
		if !strings.HasPrefix(e.Request.URL, "data:") {
			b.requests = append(b.requests, e.Request.URL)
		}
	case *runtime.EventConsoleAPICalled:
		b.messages = append(b.messages, "console "+string(e.Type))
	case *runtime.EventExceptionThrown:
		text := e.ExceptionDetails.Text
		if e.ExceptionDetails.Exception != nil {
			text += " " + e.ExceptionDetails.Exception.Description
		}
		b.messages = append(b.messages, "exception "+text)
	case *cdplog.EventEntryAdded:
		b.messages = append(b.messages, "log "+e.Entry.Text)
	case *page.EventJavascriptDialogOpening:
		b.messages = append(b.messages, "dialog "+e.Message)
	}
}

func (b *tab) do(actions ...chromedp.Action[chromedp.Void]) {
	b.Helper()
	if err := chromedp.Do(b.ctx, actions...); err != nil {
		b.Fatal(err)
	}
}

// get runs an action for its value.
func get[T any](b *tab, a chromedp.Action[T]) T {
	b.Helper()
	v, err := chromedp.Run(b.ctx, a)
	if err != nil {
		b.Fatal(err)
	}
	return v
}

// send gives the browser a command of its protocol.
func send[P, R any](b *tab, c cdp.Command[P, R], params P) {
	b.Helper()
	if _, err := chromedp.Call(b.ctx, c, params); err != nil {
		b.Fatal(err)
	}
}

// eval reads the value of an expression. Just after a navigation the browser
// may still answer for the page before; then it is asked again.
func eval[T any](b *tab, js string) T {
	b.Helper()
	for try := 0; ; try++ {
		v, err := chromedp.Run(b.ctx, chromedp.Evaluate[T](js))
		if err == nil {
			return v
		}
		if try == 5 || !strings.Contains(err.Error(), "Cannot find context") {
			b.Fatal(err)
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// open loads a file and waits until its script, if it may run, is ready.
func (b *tab) open(file string, width, height int64, script bool, features ...string) {
	b.Helper()
	var media emulation.SetEmulatedMediaParams
	for _, f := range features {
		k, v, _ := strings.Cut(f, "=")
		media.Features = append(media.Features, &emulation.MediaFeature{Name: k, Value: v})
	}
	if !script {
		file = withoutScript(b.T, file)
	}
	send(b, emulation.SetEmulatedMedia, media)
	b.do(chromedp.EmulateViewport(width, height))
	b.mu.Lock()
	b.requests, b.messages = nil, nil
	b.mu.Unlock()
	b.do(chromedp.Navigate("file://" + file))
	if script {
		b.until(`document.documentElement.dataset.ready === "1" || !document.querySelector(".stack [data-plot]") || !!document.querySelector("details.cell")`)
	}
}

// withoutScript is a copy of a page whose script is left out, as by a viewer
// that forbids it. (A browser told not to run scripts answers no questions.)
func withoutScript(t *testing.T, file string) string {
	t.Helper()
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(t.TempDir(), "report.html")
	raw = regexp.MustCompile(`(?s)<script>.*</script>`).ReplaceAll(raw, []byte(`<script type="text/plain"></script>`))
	if err := os.WriteFile(out, raw, 0o644); err != nil {
		t.Fatal(err)
	}
	return out
}

// until waits for an expression to become true.
func (b *tab) until(js string) {
	b.Helper()
	get(b, chromedp.Poll[bool](js, chromedp.WithPollingInterval(20*time.Millisecond), chromedp.WithPollingTimeout(10*time.Second)))
}

func (b *tab) audit(what, want string) {
	b.Helper()
	for i, problem := range eval[[]string](b, "("+auditSource+")("+want+")") {
		if i == 8 {
			break
		}
		b.Errorf("%s: %s", what, problem)
	}
}

// silent checks that the page asked for nothing but itself and said nothing.
func (b *tab) silent(what string) {
	b.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.requests) != 1 {
		b.Errorf("%s: requests %q", what, b.requests)
	}
	if len(b.messages) != 0 {
		b.Errorf("%s: %q", what, b.messages)
	}
	b.requests, b.messages = nil, nil
}

func TestBrowserLooksRight(t *testing.T) {
	parent := browser(t)
	b := newTab(parent, t)
	for _, name := range []string{"stop", "reloads", "matrix", "empty", "all-errors", "one-sample", "partial", "hostile", "200-events", "invalid", "repeats"} {
		file := filepath.Join(rendered(t, name), "report.html")
		views := []struct {
			width, height int64
			script        bool
			theme         string
		}{{1280, 720, true, "light"}, {360, 740, true, "dark"}}
		if name == "stop" {
			views = append(views, views[0], views[0], views[1], views[1])
			views[2].theme, views[3].script = "dark", false
			views[4].theme, views[5].script = "light", false
		}
		for _, v := range views {
			what := fmt.Sprintf("%s %dx%d %s script=%v", name, v.width, v.height, v.theme, v.script)
			b.open(file, v.width, v.height, v.script, "prefers-color-scheme="+v.theme)
			first := 0
			switch {
			case name == "hostile" || name == "matrix" || name == "repeats": // their names and cells take the room
			case v.width > 1000 && name != "empty":
				first = 2
			default:
				first = 1
			}
			b.audit(what, fmt.Sprintf(`{first: %d}`, first))
			b.silent(what)
		}
	}
	stop := filepath.Join(rendered(t, "stop"), "report.html")
	b.open(stop, 640, 360, true) // 1280 at twice the size
	b.audit("200 % zoom", `{}`)
	b.open(stop, 1280, 720, true, "forced-colors=active", "prefers-reduced-motion=reduce")
	b.audit("forced colours", `{forced: true}`)
}

func TestBrowserShowsTheTruth(t *testing.T) {
	b := newTab(browser(t), t)
	dir := rendered(t, "stop")
	b.open(filepath.Join(dir, "report.html"), 1280, 720, true)
	// What the script would draw of the whole run is what was drawn here.
	type pair struct{ Key, Page, Script string }
	for _, p := range eval[[]pair](b, `(() => { const s = benchStacks[0], out = s.paths(); return [...s.node.querySelectorAll("path[data-k]")].map(p => ({Key: p.dataset.k, Page: p.getAttribute("d"), Script: out[p.dataset.k] ?? ""})); })()`) {
		if p.Page != p.Script {
			t.Errorf("%s: the page has %.120q, the script %.120q", p.Key, p.Page, p.Script)
		}
	}
	r, err := Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	a := r.Cells[0]
	// The columns of the page are those of the analysis.
	type column struct {
		A, B, N, Offered, Good int64
		Max                    float64
	}
	cols := eval[[]column](b, `benchStacks[0].cols.map(c => ({A: c.a, B: c.b, N: c.n, Offered: c.offered, Good: c.good, Max: c.max}))`)
	if len(cols) != len(a.Overview) {
		t.Fatalf("%d columns, want %d", len(cols), len(a.Overview))
	}
	for i, c := range cols {
		w := &a.Overview[i]
		if c.A*1000 != w.StartUs || c.B*1000 != w.EndUs() || uint64(c.N) != w.OK.N() || uint64(c.Offered) != w.Offered || uint64(c.Good) != w.Good || c.Max != math.Round(w.Max) {
			t.Errorf("column %d is %+v, want %+v", i, c, w)
		}
		switch at := (w.StartUs - a.ZeroUs) / 100_000; {
		case at == 100 && c.Max < 2.9e6:
			t.Errorf("the maximum of the column of 10.0 s is %v", c.Max)
		case at >= 220 && at < 240 && (c.N != 0 || c.Offered == 0 || c.Good != 0):
			t.Errorf("while disabled: %+v", c)
		}
	}
	// Bands begin and end where the events did.
	type edge struct{ Left, Right, From, To float64 }
	for _, e := range eval[[]edge](b, `[...document.querySelectorAll(".latency .band.fault")].map(x => { const p = x.parentElement.getBoundingClientRect(), r = x.getBoundingClientRect(), w = p.width - 1; return {Left: (r.left - p.left - 1) / w, Right: (r.right - p.left - 1) / w, From: +x.dataset.a, To: +x.dataset.b}; })`) {
		span := float64(a.EndUs - a.StartUs())
		const plot = 1000 // px, about
		if math.Abs(e.Left-(e.From-float64(a.StartUs()))/span)*plot > 1 || math.Abs(e.Right-(e.To-float64(a.StartUs()))/span)*plot > 1 {
			t.Errorf("a band from %v to %v stands at %v to %v", e.From, e.To, e.Left, e.Right)
		}
	}
	// Every value lies within the axis.
	if a.Low > 2 || a.High < 7 {
		t.Errorf("the axis goes from 10^%d to 10^%d µs", a.Low, a.High)
	}
}

func TestBrowserObeysTheKeyboard(t *testing.T) {
	b := newTab(browser(t), t)
	b.open(filepath.Join(rendered(t, "stop"), "report.html"), 1280, 720, true)
	// Tab reaches every control once, in order, with a visible outline.
	controls := eval[int](b, `[...document.querySelectorAll("a[href],button:not(:disabled),select,summary,[tabindex='0']")].filter(e => e.checkVisibility() && !e.closest("details:not([open]) > :not(summary)")).length`)
	var order []string
	for range controls + 3 {
		b.do(chromedp.KeyEvent(kb.Tab))
		at := eval[string](b, `(() => { const e = document.activeElement; if (!e || e === document.body) return ""; const s = getComputedStyle(e); return (e.dataset.seen ??= Math.random().toString(36)) + (s.outlineStyle === "none" || parseFloat(s.outlineWidth) < 2 ? " no outline " + e.outerHTML.slice(0, 80) : ""); })()`)
		if at == "" {
			break
		}
		if strings.Contains(at, "no outline") {
			t.Errorf("the focus does not show: %s", at)
		}
		if slices.Contains(order, at) {
			break
		}
		order = append(order, at)
	}
	if len(order) < controls {
		t.Errorf("Tab reached %d of %d controls", len(order), controls)
	}
	readout := func() string { return eval[string](b, `document.querySelector(".readout").innerText`) }
	b.do(chromedp.Focus(".latency .area"), chromedp.KeyEvent("n"))
	if got := readout(); !strings.Contains(got, "0:10.0") || !strings.Contains(got, "event 1") {
		t.Errorf("n went to %q", got)
	}
	b.do(chromedp.KeyEvent(kb.ArrowRight))
	if got := readout(); !strings.Contains(got, "0:10.1") {
		t.Errorf("the right arrow went to %q", got)
	}
	if got := eval[string](b, `document.querySelector(".latency .area").getAttribute("aria-valuetext")`); !strings.Contains(got, "0:10.1") || !strings.Contains(got, "p50 ") {
		t.Errorf("the slider says %q", got)
	}
	b.do(chromedp.KeyEvent("+"))
	if got := eval[string](b, `location.hash`); !regexp.MustCompile(`^#c0=-?\d+\.\.\d+$`).MatchString(got) {
		t.Errorf("after + the fragment is %q", got)
	}
	b.do(chromedp.KeyEvent("0"))
	if got := eval[string](b, `location.hash`); got != "#c0" {
		t.Errorf("after 0 the fragment is %q", got)
	}
	b.do(chromedp.KeyEvent(kb.Home), chromedp.KeyEvent(kb.End))
	if got := eval[bool](b, `benchStacks[0].at === benchStacks[0].cols.length - 1`); !got {
		t.Error("End is not the end")
	}
	// A link to a stretch shows it, and a table opens from the keyboard.
	eval[string](b, `location.hash = "#c0=21000..25000"`)
	b.until(`benchStacks[0].a - benchStacks[0].d.zero === 21000`)
	b.audit("zoomed", `{}`)
	b.do(chromedp.Focus(".rates details.table summary"), chromedp.KeyEvent(kb.Enter))
	if !eval[bool](b, `document.querySelector(".rates details.table").open`) {
		t.Error("the table did not open")
	}
	eval[bool](b, `[...document.querySelectorAll(".tools button")].find(x => x.textContent === "Heat map").click() === undefined`)
	if !eval[bool](b, `(() => { const c = document.querySelector(".latency canvas"); return !c.hidden && [...c.getContext("2d").getImageData(0, 0, c.width, c.height).data].some(v => v > 0); })()`) {
		t.Error("the heat map is empty")
	}
	// The copies inside the page are the files.
	got := eval[string](b, `[...document.querySelectorAll("a[data-z]")].map(a => a.download).join(" ")`)
	if got != "run.json seconds.csv hist.hlog" {
		t.Errorf("downloads: %q", got)
	}
	b.silent("keyboard")
}

func TestBrowserPrints(t *testing.T) {
	b := newTab(browser(t), t)
	pages := regexp.MustCompile(`/Type\s*/Page[^s]`)
	names := map[string]int{"stop": 3, "matrix": 4}
	if !testing.Short() {
		names["hour"] = 5
	}
	for name, most := range names {
		dir := ""
		if name == "hour" {
			dir = hour(t)
			if _, err := Render(dir, []string{"html"}); err != nil {
				t.Fatal(err)
			}
		} else {
			dir = rendered(t, name)
		}
		b.open(filepath.Join(dir, "report.html"), 1280, 720, true, "prefers-color-scheme=dark")
		pdf := get(b, chromedp.PrintToPDF(chromedp.PDFPreferCSSPageSize(), chromedp.PDFPrintBackground()))
		if n := len(pages.FindAll(pdf, -1)); n == 0 || n > most {
			t.Errorf("%s: %d pages, at most %d", name, n, most)
		}
		send(b, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Media: "print"})
		if got := eval[string](b, `getComputedStyle(document.body).backgroundColor`); got != "rgb(255, 255, 255)" {
			t.Errorf("%s: printed on %s", name, got)
		}
		if n := eval[int](b, `[...document.querySelectorAll("button,select,.readout,details.table summary")].filter(e => e.checkVisibility()).length`); n != 0 {
			t.Errorf("%s: %d controls are printed", name, n)
		}
		// What does not fit on one page goes to the next as a whole.
		b.do(chromedp.EmulateViewport(703, 1000)) // A4 less its margins
		for _, cut := range eval[[]string](b, `[...document.querySelectorAll(".plot,.multiple,.card,tr")].filter(e => getComputedStyle(e).breakInside !== "avoid").concat([...document.querySelectorAll(".matrix .scroll")].filter(e => e.scrollWidth > e.clientWidth + 1)).map(e => e.className || e.tagName)`) {
			t.Errorf("%s: %s is cut across pages", name, cut)
		}
	}
}

// An hour stays light in the browser.
func TestBrowserHandlesAnHour(t *testing.T) {
	if testing.Short() {
		t.Skip("makes an hour of data")
	}
	b := newTab(browser(t), t)
	dir := hour(t)
	if _, err := Render(dir, []string{"html"}); err != nil {
		t.Fatal(err)
	}
	b.open(filepath.Join(dir, "report.html"), 1280, 720, true)
	load := eval[float64](b, `performance.getEntriesByType("navigation")[0].loadEventEnd`)
	zoom := eval[float64](b, `(() => { const s = benchStacks[0], t = performance.now(); s.zoom(600000, 900000); document.body.offsetWidth; return performance.now() - t; })()`)
	heap := eval[float64](b, `performance.memory.usedJSHeapSize`)
	t.Logf("load %.0f ms, zoom %.0f ms, heap %.1f MB", load, zoom, heap/1e6)
	// The bounds of the design are 300 ms, 100 ms and 60 MB on an idle machine;
	// tests share theirs, so that time has room here.
	if load > 1500 || zoom > 500 || heap > 60e6 {
		t.Errorf("load %.0f ms, zoom %.0f ms, heap %.1f MB", load, zoom, heap/1e6)
	}
	b.audit("hour", `{first: 2}`)
}

func TestHostileNamesDoNothing(t *testing.T) {
	b := newTab(browser(t), t)
	b.open(filepath.Join(rendered(t, "hostile"), "report.html"), 1280, 720, true)
	raw, err := json.Marshal(eval[[]string](b, `[...document.querySelectorAll("body *")].map(e => e.tagName.toLowerCase()).filter((t, i, a) => a.indexOf(t) === i)`))
	if err != nil {
		t.Fatal(err)
	}
	for _, tag := range []string{`"img"`, `"iframe"`, `"object"`} {
		if strings.Contains(string(raw), tag) {
			t.Errorf("the page holds %s", tag)
		}
	}
	b.silent("hostile")
}
