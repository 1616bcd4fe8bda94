package statspage

import (
	_ "embed"
	"fmt"
	"strings"

	"bench/internal/units"
	"bench/proxy/service"
	"bench/proxy/stats"
)

//go:embed style.css
var styleSource string

// style has the names of columns besides, for where a row is shown as a card.
var style = strings.Replace(styleSource, "/* labels */", labels(), 1)

func labels() string {
	var b strings.Builder
	n := 0
	for _, h := range heads {
		for _, c := range h.columns {
			n++
			fmt.Fprintf(&b, ".tbl>tbody>tr>td:nth-of-type(%d)::before{content:%q}", n, h.group+" "+c)
		}
	}
	return b.String()
}

//go:embed script.js
var script string

// writePage writes the whole page.
func (v *visit) writePage(w service.Writer) {
	m := &markup{w: w}
	sum := v.summarize()
	v.head(m, sum)
	v.controls(m)
	v.message(m)
	m.raw("<main>\n")
	v.tables(m, sum)
	v.log(m)
	v.process(m)
	m.raw("</main>\n<script>", script, "</script>\n</body></html>\n")
	m.flush()
}

func (v *visit) head(m *markup, sum *summary) {
	node := ""
	if v.page.ShowNode {
		if node = v.page.Node; node == "" {
			node = v.engine.Info().Node
		}
		node = " on " + node
	}
	m.raw("<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n<title>Statistics").text(node).raw("</title>\n")
	m.raw(`<meta name="viewport" content="width=device-width,initial-scale=1"><link rel="icon" href="data:,">`, "\n")
	if v.page.Refresh > 0 && !v.query.noRefresh {
		m.raw(`<noscript><meta http-equiv="refresh" content="`, seconds(v.page.Refresh), `"></noscript>`, "\n")
	}
	m.raw("<style>", style, "</style></head>\n<body data-every=\"", v.every(), "\">\n")
	m.raw(`<a class="skip" href="#@proxies">Skip to the proxies</a><header><h1 id="@sum" class="`)
	if sum.well() {
		m.raw(`well"><span aria-hidden="true">▲</span> `)
	} else {
		m.raw(`ill"><span aria-hidden="true">▼</span> `)
	}
	m.text(sum.String()).raw("</h1>\n<p class=\"facts\" id=\"@facts\">")
	v.facts(m, node)
	m.raw("</p></header>\n")
}

// every is how often the script asks again, in seconds; 0: only when it is told to.
func (v *visit) every() string {
	if v.page.Refresh <= 0 || v.query.noRefresh {
		return "0"
	}
	return seconds(v.page.Refresh)
}

// facts is one line about the process.
func (v *visit) facts(m *markup, node string) {
	i := v.engine.Info()
	parts := []string{"Statistics"}
	if !v.page.HideVersion {
		parts[0] = "HAProxy version " + i.Version + " (compatible)"
	}
	if node != "" {
		parts = append(parts, strings.TrimPrefix(node, " on "))
	}
	if v.page.Description != "" {
		parts = append(parts, v.page.Description)
	}
	parts = append(parts, "pid "+itoa(int64(i.Pid)), "up "+age(int64(i.Now.Sub(i.Started).Seconds())),
		count(int64(i.CurrConns))+" of "+count(int64(i.MaxConn))+" connections", units.Count(i.ConnRate)+"/s")
	if i.Stopping {
		parts = append(parts, "STOPPING")
	}
	m.text(strings.Join(parts, " · "))
}

// controls are what the reader can change of what is shown.
func (v *visit) controls(m *markup) {
	link := func(text string, change func(*query)) {
		m.raw(`<a href="`).text(v.page.URI+v.query.options(change)).raw(`">`, text, "</a>\n")
	}
	m.raw(`<nav class="controls" aria-label="What is shown">`, "\n")
	m.raw(`<fieldset><legend>Counted in</legend>`)
	for _, w := range [][2]string{{"w0", "10 s"}, {"w1", "1 min"}, {"wa", "all since the start"}} {
		m.raw(`<label><input type="radio" name="window" value="`, w[0], `"`)
		if w[0] == "wa" {
			m.raw(` checked`)
		}
		m.raw(`> `, w[1], `</label>`)
	}
	m.raw("</fieldset>\n", `<form method="get" role="search" action="`).text(v.page.URI).raw(`"><label>Names with <input name="scope" maxlength="20" size="10" value="`).text(v.query.scope).raw(`"></label> <button>Filter</button></form>`, "\n")
	m.raw(`<span class="live" hidden><label><input type="checkbox" id="@first"> problems first</label> <button type="button" id="@pause" aria-pressed="false">pause</button> <button type="button" id="@again">refresh now</button> <output id="@age"></output></span>`, "\n<span class=\"links\">")
	if v.query.up {
		link("Show all servers", func(q *query) { q.up = false })
	} else {
		link("Hide 'DOWN' servers", func(q *query) { q.up = true })
	}
	if v.page.Refresh > 0 {
		if v.query.noRefresh {
			link("Enable refresh", func(q *query) { q.noRefresh = false })
		} else {
			link("Disable refresh", func(q *query) { q.noRefresh = true })
		}
	}
	link("CSV", func(q *query) { q.form = formCSV })
	link("JSON", func(q *query) { q.form = formJSON })
	link("JSON schema", func(q *query) { q.form, q.scope = formSchema, "" })
	m.raw("</span></nav>\n")
}

// message says what became of an action.
func (v *visit) message(m *markup) {
	if v.query.status == "" {
		return
	}
	class := "ill"
	if v.query.status == statusDone {
		class = "well"
	}
	m.raw(`<p class="message `, class, `" role="status">`).text(statusText(v.query.status)).raw(` <a href="`).text(v.page.URI+v.query.options(nil)).raw(`">Remove this message</a></p>`, "\n")
}

// tables writes a section for each proxy.
func (v *visit) tables(m *markup, sum *summary) {
	m.raw("<div id=\"@proxies\" tabindex=\"-1\">\n")
	sel := v.selection()
	open := ""
	w := &rowWriter{markup: m, v: v}
	shown := false
	for r := range v.rows(true) {
		if m.err != nil {
			return
		}
		if !sel.Takes(r) {
			continue
		}
		if r.Proxy != open {
			w.end(open)
			open, shown = r.Proxy, true
			w.begin(r, sum)
		}
		w.row(r)
	}
	w.end(open)
	if !shown {
		m.raw(`<p>No proxy to show.</p>`)
	}
	m.raw("</div>\n")
}

// begin opens the section of a proxy.
func (w *rowWriter) begin(r *stats.Row, sum *summary) {
	px := w.v.proxyNamed(r.Proxy, r.ProxyID)
	w.choose = w.v.Admin && px != nil && len(px.Servers) > 0
	w.raw(`<section class="proxy`)
	if sum.trouble[r.Proxy] {
		w.raw(` trouble`)
	}
	w.raw(`" data-k="`).text(r.Proxy).raw(`"><h2 class="pxname"><a class="px" id="`).text(r.Proxy).raw(`" href="#`).text(r.Proxy).raw(`">`).text(r.Proxy).raw(`</a>`)
	if px != nil && px.Description != "" {
		w.raw(` <small class="desc">`).text(px.Description).raw(`</small>`)
	}
	if w.v.page.ShowLegends {
		w.raw(` <small class="legend">`).text("id " + itoa(int64(r.ProxyID)) + ", mode " + mode(r)).raw(`</small>`)
	}
	w.raw(`</h2>`)
	w.charts(r.Proxy, r.HTTP)
	if w.choose {
		w.raw(`<form method="post">`)
	}
	w.raw(`<div class="scroll" role="region" tabindex="0" aria-label="Table of `).text(r.Proxy).raw(`"><table class="tbl"><caption class="sr">`).text(r.Proxy).raw(`: frontend, servers and backend</caption><thead><tr>`)
	w.raw(`<th rowspan="2" scope="col">Name</th>`)
	for _, h := range heads {
		w.raw(`<th scope="colgroup" colspan="`, itoa(int64(len(h.columns))), `">`, h.group, `</th>`)
	}
	w.raw(`<th rowspan="2" scope="col"><span class="sr">Details</span></th></tr><tr>`)
	for _, h := range heads {
		for _, c := range h.columns {
			w.raw(`<th scope="col">`, c, `</th>`)
		}
	}
	w.raw("</tr></thead><tbody>\n")
}

func mode(r *stats.Row) string {
	if r.HTTP {
		return "http"
	}
	return "tcp"
}

// end closes it.
func (w *rowWriter) end(proxy string) {
	if proxy == "" {
		return
	}
	w.raw("</tbody></table></div>")
	if w.choose {
		id := 0
		for _, px := range w.v.proxies {
			if px.Name == proxy && len(px.Servers) > 0 {
				id = px.ID
			}
		}
		w.raw(`<p class="act"><label>For the chosen servers: <select name="action"><option value=""></option>`)
		for _, a := range actions() {
			if a.label != "" {
				w.raw(`<option value="`, a.name, `">`, a.label, `</option>`)
			}
		}
		w.raw(`</select></label> <input type="hidden" name="b" value="#`, itoa(int64(id)), `"><button>Apply</button></p></form>`)
	}
	w.raw("</section>\n")
}
