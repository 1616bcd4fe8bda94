package engine_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	cdplog "github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"bench/internal/owned"
	"bench/internal/sock"
	"bench/internal/testpeer"
	"bench/internal/testquiet"
	"bench/internal/testserver"
)

// tab is the page in a browser, and what the browser has said about it.
type tab struct {
	*testing.T
	ctx context.Context

	mu       sync.Mutex
	requests []string
	messages []string
}

func newTab(t *testing.T) *tab {
	t.Helper()
	path := testpeer.Need(t, "chromium")
	temp := t.TempDir()
	ctx, cancel := context.WithTimeout(t.Context(), 90*time.Second)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewExecAllocator(
		ctx, chromedp.ExecPath(path), chromedp.UserDataDir(temp), chromedp.Env("TMPDIR="+temp), chromedp.NoFirstRun, chromedp.NoDefaultBrowserCheck, chromedp.Headless,
		chromedp.NoSandbox, chromedp.DisableGPU, chromedp.Flag("disable-background-networking", true), chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-sync", true),
		chromedp.Flag("hide-scrollbars", true), chromedp.Flag("disable-dev-shm-usage", true), chromedp.Flag("host-resolver-rules", "MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"),
	)
	t.Cleanup(cancel)
	b := &tab{T: t}
	ctx, cancel = chromedp.NewContext(ctx, chromedp.WithListener(b.heard))
	t.Cleanup(cancel)
	b.ctx = ctx
	b.do()
	tell(b, network.Enable, network.EnableParams{})
	tell(b, cdplog.Enable, cdp.Empty{})
	return b
}

// heard takes what the browser says.
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
		b.messages = append(b.messages, "exception "+e.ExceptionDetails.Text)
	case *cdplog.EventEntryAdded:
		b.messages = append(b.messages, "log "+e.Entry.Text)
	}
}

func (b *tab) do(actions ...chromedp.Action[chromedp.Void]) {
	b.Helper()
	if err := chromedp.Do(b.ctx, actions...); err != nil {
		b.Fatal(err)
	}
}

// tell gives the browser a command of its protocol.
func tell[P, R any](b *tab, c cdp.Command[P, R], params P) {
	b.Helper()
	if _, err := chromedp.Call(b.ctx, c, params); err != nil {
		b.Fatal(err)
	}
}

// value reads an expression. Just after a navigation the browser may still answer for the
// page before; then it is asked again.
func value[T any](b *tab, js string) T {
	b.Helper()
	for try := 0; ; try++ {
		v, err := chromedp.Run(b.ctx, chromedp.Evaluate[T](js))
		if err == nil {
			return v
		}
		if try == 5 {
			b.Fatal(err)
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// until waits for an expression to become true.
func (b *tab) until(js string) {
	b.Helper()
	for end := time.Now().Add(15 * time.Second); !value[bool](b, "!!("+js+")"); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			b.Fatalf("never came true: %s", js)
		}
	}
}

func (b *tab) open(url string, width, height int64, script bool, features ...string) {
	b.Helper()
	var media emulation.SetEmulatedMediaParams
	for _, f := range features {
		k, v, _ := strings.Cut(f, "=")
		if k == "media" {
			media.Media = v
			continue
		}
		media.Features = append(media.Features, &emulation.MediaFeature{Name: k, Value: v})
	}
	tell(b, emulation.SetEmulatedMedia, media)
	b.do(chromedp.EmulateViewport(width, height))
	b.mu.Lock()
	b.requests, b.messages = nil, nil
	b.mu.Unlock()
	b.do(chromedp.Navigate(url))
	if script {
		b.until(`document.querySelector("[id='@age']").textContent !== ""`)
	}
}

// audit looks for what is wrong with the page as it is laid out now.
func (b *tab) audit(what, want string) {
	b.Helper()
	source, err := os.ReadFile("../../reports/testdata/audit.js")
	if err != nil {
		b.Fatal(err)
	}
	// The page has forms, where reports have none.
	text := strings.Replace(string(source), "iframe,object,embed,form", "iframe,object,embed", 1)
	for i, problem := range value[[]string](b, "("+text+")("+want+")") {
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
	if len(b.requests) != 1 || len(b.messages) != 0 {
		b.Errorf("%s: requests %q, messages %q", what, b.requests, b.messages)
	}
}

// watched is an engine whose page is at url, with traffic and something to look at.
func watched(t *testing.T, settings string, servers int) (url, www string) {
	t.Helper()
	origin := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, "hello") }))
	t.Cleanup(origin.Close)
	addr := strings.TrimPrefix(origin.URL, "http://")
	var many strings.Builder
	for i := range servers {
		fmt.Fprintf(&many, "    server m%d %s\n", i+1, addr)
	}
	front, frontFD := listening(t)
	page, pageFD := listening(t)
	startConfig(t, fmt.Sprintf(`global
    nbthread 2
defaults
    mode http
    timeout client 5s
    timeout server 5s
    timeout connect 1s
frontend www
    bind fd@%[4]d
    description Where customers come in
    default_backend app
backend app
    server good %[1]s check
    server bad 127.0.0.1:1 check inter 100ms fall 1
    server away %[1]s disabled
backend sound
    server a-name-that-is-longer-than-names-should-be.in-some-datacentre.example.com %[1]s
%[3]slisten stats
    bind fd@%[5]d
    stats uri /
    stats admin if TRUE
    stats show-legends
    %[2]s
`, addr, settings, many.String(), frontFD, pageFD))
	for range 5 {
		resp, err := http.Get("http://" + front + "/")
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
	}
	url = "http://" + page + "/"
	for range 3000 {
		if strings.Contains(fetch(t, url), "1 of ") {
			return url, "http://" + front + "/"
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Fatal("the page does not say that a server is down")
	return "", ""
}

// listening is the address and the descriptor of a socket that listens, for "fd@".
func listening(t *testing.T) (addr string, fd int) {
	t.Helper()
	a, err := sock.Parse("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if fd, err = sock.Listen(&a, &sock.ListenOptions{}); err != nil {
		t.Fatal(err)
	}
	a, errno := sock.LocalAddr(fd)
	if errno != 0 {
		t.Fatal(errno)
	}
	return a.String(), fd
}

func fetch(t *testing.T, url string) string {
	t.Helper()
	resp, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// One browser serves all of it: to start one takes seconds.
func TestStatisticsPageInABrowser(t *testing.T) {
	b := newTab(t)
	for _, part := range []struct {
		name string
		run  func(t *testing.T, b *tab)
	}{{"looks", looksRight}, {"renews", renews}, {"changes", changesServers}, {"stale", knowsAStalePage}, {"many", shows500Servers}} {
		t.Run(part.name, func(t *testing.T) {
			b.T = t
			part.run(t, b)
		})
	}
}

// The page looks right on desktops and phones, light and dark, in print and in forced
// colours, and asks for nothing but itself.
func looksRight(t *testing.T, b *tab) {
	url, _ := watched(t, "", 0)
	for _, v := range []struct {
		width, height int64
		features      []string
		want          string
	}{
		{1280, 720, []string{"prefers-color-scheme=light"}, `{}`},
		{1280, 720, []string{"prefers-color-scheme=dark"}, `{}`},
		{360, 740, []string{"prefers-color-scheme=light"}, `{}`},
		{360, 740, []string{"prefers-color-scheme=dark"}, `{}`},
		{640, 360, nil, `{}`},
		{1280, 720, []string{"forced-colors=active"}, `{forced:true}`},
		{1280, 720, []string{"media=print", "prefers-color-scheme=dark"}, `{print:true}`},
	} {
		what := fmt.Sprint(v.width, " ", v.features)
		b.open(url, v.width, v.height, true, v.features...)
		b.silent(what)
		b.do(chromedp.Evaluate[chromedp.Void](`document.querySelectorAll("details").forEach(d => d.open = true)`))
		b.audit(what, v.want)
		if v.width == 1280 && len(v.features) == 2 {
			if ground := value[string](b, `getComputedStyle(document.body).backgroundColor`); ground != "rgb(255, 255, 255)" {
				t.Errorf("printed on %s", ground)
			}
		}
	}
	b.open(url, 1280, 720, true)
	// Names stand on the line of their figures, and long ones take the room of others from
	// nobody.
	uneven := value[[]string](b, `(() => {
		const line = n => { const r = document.createRange(); r.selectNodeContents(n); return r.getClientRects()[0]; };
		return [...document.querySelectorAll(".tbl>tbody>tr")].filter(r => Math.abs(line(r.querySelector(".lfsb")).bottom - line(r.querySelector("td:nth-of-type(7)")).bottom) > 2 || r.querySelector("th").offsetWidth > 230).map(r => r.dataset.k);
	})()`)
	if len(uneven) > 0 {
		t.Errorf("names beside their figures, or too wide: %q", uneven)
	}
	b.open(url, 360, 740, true)
	// One card a server, each with the name of what it shows.
	cards := value[[]string](b, `[...document.querySelectorAll("[data-k^='app/']")].map(r => getComputedStyle(r).display + " " + getComputedStyle(r.querySelector("td:not(.z)"), "::before").content)`)
	if len(cards) != 4 || !strings.HasPrefix(cards[0], "grid ") || !strings.Contains(cards[0], `"Session`) {
		t.Errorf("cards: %q", cards)
	}
	b.open(url, 1280, 720, true)
	first := value[string](b, `document.querySelector("h1").textContent`)
	if !strings.Contains(first, "1 of 4 servers DOWN") {
		t.Errorf("the first line is %q", first)
	}
	if words := value[string](b, `document.querySelector("[data-k='app/bad'] .st").innerText`); !strings.Contains(words, "▼") || !strings.Contains(words, "DOWN") {
		t.Errorf("a server that is down is shown as %q", words)
	}
}

// The script renews what has changed and nothing else: what the reader has opened, chosen
// and focused stays. It can be paused, and says when it knows nothing new.
func renews(t *testing.T, b *tab) {
	url, www := watched(t, "stats refresh 1s", 0)
	b.open(url, 1280, 500, true)
	b.do(chromedp.Evaluate[chromedp.Void](`(() => {
		document.querySelector("[data-k='app/good'] details").open = true;
		document.querySelector("input[name=s][value=good]").checked = true;
		const s = document.querySelector("[data-k=sound] select");
		s.value = "drain"; s.focus({preventScroll: true});
		scrollTo(0, 200);
		window.row = document.querySelector("[data-k='app/good']");
	})()`))
	total := `document.querySelector("[data-k='app/good'] td:nth-of-type(10) .wa").textContent`
	before := value[string](b, total)
	for range 7 {
		_ = fetch(t, www)
	}
	b.until(total + ` !== ` + fmt.Sprintf("%q", before))
	if kept := value[[]string](b, `[document.querySelector("[data-k='app/good'] details").open, document.querySelector("input[name=s][value=good]").checked, document.activeElement.value, scrollY, row.isConnected].map(String)`); strings.Join(kept, " ") != "true true drain 200 true" {
		t.Errorf("after it was renewed: %q", kept)
	}
	// Paused, it asks no more; resumed, it does.
	b.do(chromedp.Click("[id='@pause']"))
	if value[string](b, `document.querySelector("[id='@pause']").getAttribute("aria-pressed")`) != "true" {
		t.Error("pausing does not show")
	}
	before = value[string](b, total)
	_ = fetch(t, www)
	time.Sleep(1500 * time.Millisecond)
	if now := value[string](b, total); now != before {
		t.Errorf("paused, it went on from %s to %s", before, now)
	}
	b.do(chromedp.Click("[id='@again']"))
	b.until(total + ` !== ` + fmt.Sprintf("%q", before))
	// Problems first: what is wrong comes before what is not, and back.
	order := `[...document.querySelectorAll("section.proxy,.proxy tr[data-k]")].map(s => s.dataset.k).join(" ")`
	was := value[string](b, order)
	b.do(chromedp.Click("[id='@first']"))
	if late := value[string](b, `[...document.querySelectorAll(".proxy.trouble,.proxy tr.trouble")].filter(e => e.previousElementSibling && !e.previousElementSibling.classList.contains("trouble")).map(e => e.dataset.k).join(" ")`); late != "" {
		t.Errorf("problems first, but not %s", late)
	}
	if got := value[string](b, order); got == was || len(got) != len(was) {
		t.Errorf("problems first: %s", got)
	}
	b.do(chromedp.Click("[id='@first']"))
	if got := value[string](b, order); got != was {
		t.Errorf("back: %s, was %s", got, was)
	}
	if b.mu.Lock(); len(b.messages) > 0 {
		t.Errorf("%q", b.messages)
	}
	b.mu.Unlock()
}

// With the keyboard alone a server is taken out of the traffic, and the page says so.
func changesServers(t *testing.T, b *tab) {
	url, _ := watched(t, "", 0)
	b.open(url, 1280, 720, true)
	b.do(chromedp.Focus("input[name=s][value=good]"), chromedp.KeyEvent(" "))
	b.do(chromedp.Focus("[data-k=app] select"), chromedp.KeyEvent("Set state to D"), chromedp.Focus("[data-k=app] .act button"), chromedp.KeyEvent(kb.Enter))
	b.until(`document.querySelector(".message")?.innerText.includes("Action processed successfully")`)
	if word := value[string](b, `document.querySelector("[data-k='app/good'] .st").innerText`); !strings.Contains(word, "DRAIN") {
		t.Errorf("the server is %q", word)
	}
	if log := value[string](b, `document.querySelector("[id='@log']").innerText`); !strings.Contains(log, "Server app/good enters drain state") || !strings.Contains(log, "Server app/bad is DOWN, reason: Layer4 connection problem") {
		t.Errorf("changes of state: %s", log)
	}
	// Windows are chosen without script.
	b.do(chromedp.Evaluate[chromedp.Void](`document.querySelector("[value=w0]").click()`))
	if shown := value[string](b, `getComputedStyle(document.querySelector(".wa")).display + " " + getComputedStyle(document.querySelector(".w0")).display`); shown != "none inline" {
		t.Errorf("the window of 10 s: %s", shown)
	}
}

// A page that cannot be renewed says so.
func knowsAStalePage(t *testing.T, b *tab) {
	url, _ := watched(t, "stats refresh 1s", 0)
	text := fetch(t, url)
	served := false
	addr := testserver.HTTP(t, func(w http.ResponseWriter, _ *http.Request) {
		if served {
			w.WriteHeader(503)
			return
		}
		served = true
		w.Header().Set("content-type", "text/html; charset=utf-8")
		_, _ = io.WriteString(w, text)
	})
	b.open("http://"+addr+"/", 1280, 720, true)
	b.until(`document.querySelector("[id='@age']").textContent.startsWith("STALE: updated ")`)
}

// 500 servers are all shown.
func shows500Servers(t *testing.T, b *tab) {
	url, _ := watched(t, "", 500)
	b.open(url, 1280, 720, true)
	if rows := value[int](b, `document.querySelectorAll("tr[data-k]").length`); rows < 500 {
		t.Errorf("%d rows", rows)
	}
}

// 500 servers are sent within 300 ms.
func TestStatisticsPageOf500ServersIsQuick(t *testing.T) {
	if owned.On {
		t.Skip("with the race detector, or checks of owners, everything is slower; it is measured without")
	}
	if testquiet.Tried(t) {
		return
	}
	url, _ := watched(t, "", 500)
	for range 3 {
		start := time.Now()
		n := len(fetch(t, url))
		if d := time.Since(start); d > 300*time.Millisecond {
			t.Errorf("%v to be sent %d bytes", d, n)
		}
	}
}
