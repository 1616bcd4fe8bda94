package statspage

import (
	"strings"

	"bench/internal/units"
	"bench/proxy/stats"
)

// details writes what is not worth a column.
func (w *rowWriter) details(r *stats.Row) {
	t := &r.Totals
	w.raw(`<dl>`)
	if w.v.page.ShowLegends {
		w.legend(r)
	}
	if r.Type == stats.RowServer && r.Server.Check.Enabled && !r.Server.Maint {
		c := &r.Server.Check
		w.fact("Last check", strings.TrimSuffix(c.Desc+": "+c.Output, ": "))
		w.fact("Rise, fall, health", itoa(int64(c.Rise))+", "+itoa(int64(c.Fall))+", "+itoa(int64(c.Health)))
	}
	if r.Type == stats.RowFrontend {
		w.fact("Connections", units.Count(t.Conns)+", "+units.Count(t.ConnRate)+"/s, most "+units.Count(t.ConnRateMax)+"/s")
	}
	if r.HTTP && r.Type != stats.RowListener {
		w.fact("HTTP requests", units.Count(t.Requests))
		if r.Type == stats.RowFrontend {
			w.fact("Requests per second", units.Count(t.ReqRate)+", most "+units.Count(t.ReqRateMax))
			w.fact("Answered by the proxy", units.Count(t.Intercepted))
		}
		w.responses(t)
	}
	if r.Type == stats.RowServer || r.Type == stats.RowBackend {
		w.fact("Connections opened, reused", units.Count(t.Connects)+", "+units.Count(t.Reuses))
		w.fact("Aborted by client, server", units.Count(t.ClientAborts)+", "+units.Count(t.ServerAborts))
	}
	if r.Type == stats.RowServer {
		s := &r.Server
		w.fact("Connections used, idle, needed", count(s.UsedConns)+", "+count(s.IdleConns)+", "+count(s.NeedConns))
	}
	w.fact("Bytes in, out", units.Count(t.BytesIn)+", "+units.Count(t.BytesOut))
	w.fact("Failed rewrites, internal errors", units.Count(t.RewriteErr)+", "+units.Count(t.InternalErr))
	if w.v.page.ShowModules {
		r.Modules(func(name, value string) { w.fact(name, value) })
	}
	w.raw(`</dl>`)
	if !t.Latency.None() {
		w.latencies(r)
	}
}

func count(n int64) string { return units.Count(uint64(max(n, 0))) }

func (w *rowWriter) fact(name, value string) {
	w.raw(`<div><dt>`).text(name).raw(`</dt><dd>`).text(value).raw(`</dd></div>`)
}

// legend writes what "stats show-legends" asks for.
func (w *rowWriter) legend(r *stats.Row) {
	if r.ID > 0 {
		w.fact("id", itoa(int64(r.ID)))
	}
	if r.Addr != "" {
		w.fact("address", r.Addr)
	}
	if r.Type == stats.RowBackend {
		w.fact("balancing", r.Backend.Algorithm)
	}
	if c := r.Server.Cookie + r.Backend.CookieName; c != "" {
		w.fact("cookie", c)
	}
}

func (w *rowWriter) responses(t *stats.Totals) {
	var parts []string
	for i, name := range []string{"other", "1xx", "2xx", "3xx", "4xx", "5xx"} {
		if n := t.Responses[i]; n > 0 {
			parts = append(parts, name+" "+units.Count(n))
		}
	}
	if len(parts) > 0 {
		w.fact("Responses", strings.Join(parts, ", "))
	}
}

// latencies writes how long the parts of streams took.
func (w *rowWriter) latencies(r *stats.Row) {
	t := &r.Totals
	w.raw(`<table class="det"><caption>Times since the start</caption><thead><tr><th scope="col">of</th><th scope="col">p50</th><th scope="col">p99</th><th scope="col">max</th><th scope="col">n</th></tr></thead><tbody>`)
	for _, part := range []struct {
		name string
		h    *stats.Histogram
		max  uint64 // ms
	}{
		{"queue", t.Latency.Queue(), t.Times.QueueMax},
		{"connect", t.Latency.Connect(), t.Times.ConnectMax},
		{"response", t.Latency.Response(), t.Times.ResponseMax},
		{"total", t.Latency.Total(), t.Times.TotalMax},
	} {
		w.raw(`<tr><th scope="row">`, part.name, `</th><td>`).text(quantile(part.h, 0.5)).raw(`</td><td>`).text(quantile(part.h, 0.99))
		w.raw(`</td><td>`, itoa(int64(part.max)), ` ms</td><td>`, units.Count(part.h.N), `</td></tr>`)
	}
	w.raw(`</tbody></table>`)
}
