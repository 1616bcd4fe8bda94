package statspage

import (
	"fmt"
	"math"
	"strings"
	"time"

	"bench/internal/units"
	"bench/proxy/spec"
	"bench/proxy/stats"
)

// proxyNamed finds the specification of a proxy.
func (v *visit) proxyNamed(name string, id int) *spec.Proxy {
	for _, px := range v.proxies {
		if px.Name == name && px.ID == id {
			return px
		}
	}
	return nil
}

// charts draws the last five minutes of a proxy: sessions, errors, and the p99 of their
// times.
func (w *rowWriter) charts(proxy string, http bool) {
	kind := stats.RowBackend
	h := w.v.history.of(key{proxy, kind, ""})
	if !h.known {
		kind = stats.RowFrontend
		h = w.v.history.of(key{proxy, kind, ""})
	}
	if len(h.points) < 2 {
		return
	}
	series := func(of func(p *point) float64) []float64 {
		all := make([]float64, len(h.points))
		for i := range h.points {
			all[i] = of(&h.points[i])
		}
		return all
	}
	perSecond := func(v float64) string { return units.Rate(v) + "/s" }
	w.raw(`<ul class="sparks">`)
	what := "sessions"
	if http {
		what = "requests"
	}
	w.chart(what, series(func(p *point) float64 { return p.rate }), perSecond)
	w.chart("errors", series(func(p *point) float64 { return p.errors }), perSecond)
	if kind == stats.RowFrontend {
		w.raw(`</ul>`) // how long requests take is known where they go
		return
	}
	w.chart("p99", series(func(p *point) float64 {
		if p.p99 == 0 {
			return math.NaN()
		}
		return p.p99.Seconds()
	}), func(v float64) string { return units.Latency(v * 1e6) })
	w.raw(`</ul>`)
}

// Size of a small chart in its own units.
const (
	chartWidth  = 100
	chartHeight = 20
)

// chart draws one series as steps from zero; what is not known is a gap.
func (w *rowWriter) chart(name string, values []float64, show func(float64) string) {
	top, last := 0.0, math.NaN()
	for _, v := range values {
		if !math.IsNaN(v) {
			top, last = max(top, v), v
		}
	}
	text := "nothing"
	if !math.IsNaN(last) {
		text = fmt.Sprintf("%s now, highest %s", show(last), show(top))
	}
	w.raw(`<li class="spark `, name, `"><svg viewBox="0 0 `, itoa(chartWidth), ` `, itoa(chartHeight), `" preserveAspectRatio="none" role="img" aria-label="`, name, ` in five minutes: `).text(text).raw(`"><path d="`)
	step := float64(chartWidth) / points
	x := float64(points-len(values)) * step
	drawing := false
	for _, v := range values {
		if math.IsNaN(v) {
			drawing = false
			x += step
			continue
		}
		y := float64(chartHeight)
		if top > 0 {
			y -= v / top * (chartHeight - 1)
		}
		op := "L"
		if !drawing {
			op = "M"
		}
		w.raw(fmt.Sprintf("%s%.4g %.4gH%.4g", op, x, y, x+step))
		x += step
		drawing = true
	}
	w.raw(`"/></svg><span>`, name, ` `).text(text).raw(`</span></li>`)
}

// log lists the latest changes of state.
func (v *visit) log(m *markup) {
	m.raw(`<section class="log" id="@log"><h2>Changes of state</h2>`)
	sel := v.selection()
	n := 0
	for _, e := range v.engine.Events() {
		if !sel.Proxy(e.Proxy) {
			continue
		}
		if n++; n == 1 {
			m.raw(`<ol>`)
		}
		class := "well"
		if e.Bad {
			class = "ill"
		}
		m.raw(`<li class="`, class, `"><time datetime="`, e.At.Format(time.RFC3339), `">`, e.At.Format("2006-01-02 15:04:05 -0700"), `</time> `).text(e.Text).raw(`</li>`)
	}
	if n == 0 {
		m.raw(`<p>None since the start.</p>`)
	} else {
		m.raw(`</ol>`)
	}
	m.raw("</section>\n")
}

// process writes about the process and its reloads.
func (v *visit) process(m *markup) {
	i, g := v.engine.Info(), v.engine.Generation()
	m.raw(`<section class="process" id="@process"><h2>Process</h2><dl>`)
	fact := func(name, value string) {
		m.raw(`<div><dt>`, name, `</dt><dd>`).text(value).raw(`</dd></div>`)
	}
	fact("Started", i.Started.Format("2006-01-02 15:04:05 -0700"))
	fact("Threads", itoa(int64(i.Threads)))
	fact("Idle", itoa(int64(i.IdlePct))+" %")
	fact("Connections, limit", count(int64(i.CurrConns))+", "+count(int64(i.MaxConn)))
	fact("Requests", units.Count(i.CumReq))
	fact("Bytes out", units.Bytes(float64(i.BytesOut))+", "+units.Bytes(float64(i.BytesOutRate))+"/s")
	fact("Memory", units.Bytes(float64(i.MemUsed))+" of "+units.Bytes(float64(i.MemAlloc)))
	fact("Reloads", itoa(int64(g.Reloads)))
	if g.ConfigHash != "" {
		fact("Configuration", g.ConfigHash)
	}
	former := "none"
	if len(g.Former) > 0 {
		former = strings.Trim(fmt.Sprint(g.Former), "[]") + " still draining"
	}
	fact("Former processes", former)
	fact("Counters", v.counters)
	m.raw("</dl></section>\n")
}
