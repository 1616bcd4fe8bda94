package statspage

import (
	"strconv"

	"bench/internal/units"
	"bench/proxy/stats"
)

func itoa(n int64) string { return strconv.FormatInt(n, 10) }

// heads are the columns by groups, as the reference has them, and ours behind them.
var heads = []struct {
	group   string
	columns []string
}{
	{"Queue", []string{"Cur", "Max", "Limit"}},
	{"Session rate", []string{"Cur", "Max", "Limit"}},
	{"Sessions", []string{"Cur", "Max", "Limit", "Total", "LbTot", "Last"}},
	{"Bytes", []string{"In", "Out"}},
	{"Denied", []string{"Req", "Resp"}},
	{"Errors", []string{"Req", "Conn", "Resp"}},
	{"Warnings", []string{"Retr", "Redis"}},
	{"Server", []string{"Status", "LastChk", "Wght", "Act", "Bck", "Chk", "Dwn", "Dwntme", "Thrtle"}},
	{"Total time", []string{"p50", "p99"}},
}

// rowWriter writes the rows of one table.
type rowWriter struct {
	*markup
	v *visit
	// choose: servers have a box to choose them for an action.
	choose bool
}

// row writes one row.
func (w *rowWriter) row(r *stats.Row) {
	l, id := lookOf(r), rowID(r)
	h := w.v.history.of(keyOf(r))
	w.raw(`<tr class="`, l.class)
	if w.v.troubled(r, &h) {
		w.raw(` trouble`)
	}
	w.raw(`" data-k="`).text(id).raw(`">`)
	w.raw(`<th scope="row">`)
	if w.choose && r.Type == stats.RowServer {
		w.raw(`<input type="checkbox" name="s" value="`).text(r.Name).raw(`" aria-label="Choose `).text(r.Name).raw(`">`)
	}
	w.raw(`<a class="lfsb" id="`).text(id).raw(`" href="#`).text(id).raw(`">`).text(shownName(r)).raw(`</a></th>`)
	w.queue(r)
	w.rates(r)
	w.sessions(r, &h)
	w.traffic(r, &h)
	w.problems(r, &h)
	w.state(r, l)
	w.times(r)
	w.raw(`<td class="more"><details><summary>more<span class="sr"> about `).text(shownName(r)).raw(`</span></summary><div>`)
	w.details(r)
	w.raw("</div></details></td></tr>\n")
}

// rowID names a row within the page.
func rowID(r *stats.Row) string { return r.Proxy + "/" + shownName(r) }

func shownName(r *stats.Row) string {
	switch r.Type {
	case stats.RowFrontend:
		return "Frontend"
	case stats.RowBackend:
		return "Backend"
	case stats.RowServer, stats.RowListener:
	}
	return r.Name
}

// troubled tells whether there is something to look at in a row.
func (v *visit) troubled(r *stats.Row, h *recent) bool {
	switch r.Type {
	case stats.RowServer:
		if isDown(r) {
			return true
		}
	case stats.RowBackend:
		if !r.Backend.Up {
			return true
		}
	case stats.RowFrontend, stats.RowListener:
	}
	return h.errorsPerSecond > 0
}

func (w *rowWriter) queue(r *stats.Row) {
	if r.Type != stats.RowServer && r.Type != stats.RowBackend {
		w.empty(3)
		return
	}
	w.count(r.Queue.Cur).count(r.Queue.Max).limit(r.Queue.Limit)
}

func (w *rowWriter) rates(r *stats.Row) {
	if r.Type == stats.RowListener {
		w.empty(3)
		return
	}
	w.count(int64(r.Totals.Rate)).count(int64(r.Totals.RateMax)).limit(r.SessRateLimit)
}

func (w *rowWriter) sessions(r *stats.Row, h *recent) {
	w.count(r.Sessions.Cur).count(r.Sessions.Max).limit(r.Sessions.Limit)
	w.counts(h, r.Totals.Sessions, func(d *deltas) uint64 { return uint64(d.total) }, false)
	if r.Type != stats.RowServer && r.Type != stats.RowBackend {
		w.empty(2)
		return
	}
	w.count(int64(r.Totals.LBTotal))
	if r.Totals.LastSession < 0 {
		w.raw(`<td class="z">?</td>`)
	} else {
		w.raw(`<td>`, age(r.Totals.LastSession), `</td>`)
	}
}

func (w *rowWriter) traffic(r *stats.Row, h *recent) {
	w.sizes(h, r.Totals.BytesIn, func(d *deltas) uint64 { return d.bytesIn })
	w.sizes(h, r.Totals.BytesOut, func(d *deltas) uint64 { return d.bytesOut })
}

// problems writes what was denied, went wrong, or was tried again.
func (w *rowWriter) problems(r *stats.Row, h *recent) {
	t := &r.Totals
	front := r.Type == stats.RowFrontend || r.Type == stats.RowListener
	cell := func(applies bool, n uint64, of func(*deltas) uint32, bad bool) {
		if !applies {
			w.empty(1)
			return
		}
		w.counts(h, n, func(d *deltas) uint64 { return uint64(of(d)) }, bad)
	}
	cell(r.Type != stats.RowServer, t.DeniedReq, func(d *deltas) uint32 { return d.denied }, false)
	cell(true, t.DeniedResp, func(d *deltas) uint32 { return d.deniedResp }, false)
	cell(front, t.ErrReq, func(d *deltas) uint32 { return d.errReq }, true)
	cell(!front, t.ErrConn, func(d *deltas) uint32 { return d.errConn }, true)
	cell(!front, t.ErrResp, func(d *deltas) uint32 { return d.errResp }, true)
	cell(!front, t.Retries, func(d *deltas) uint32 { return d.retries }, false)
	cell(!front, t.Redispatches, func(d *deltas) uint32 { return d.redispatches }, false)
}

// counts writes a count over each of the windows. Errors stand out.
func (w *rowWriter) counts(h *recent, total uint64, of func(*deltas) uint64, bad bool) {
	w.windows(h, total, of, func(n uint64) string { return units.Count(n) }, bad)
}

func (w *rowWriter) sizes(h *recent, total uint64, of func(*deltas) uint64) {
	w.windows(h, total, of, func(n uint64) string { return units.Bytes(float64(n)) }, false)
}

func (w *rowWriter) windows(h *recent, total uint64, of func(*deltas) uint64, show func(uint64) string, bad bool) {
	ten, minute := of(&h.ten), of(&h.minute)
	if total == 0 && minute == 0 {
		w.raw(`<td class="z">0</td>`)
		return
	}
	w.raw(`<td>`)
	for _, part := range []struct {
		class string
		n     uint64
	}{{"w0", ten}, {"w1", minute}, {"wa", total}} {
		w.raw(`<span class="`, part.class)
		switch {
		case part.n == 0:
			w.raw(` z">0</span>`)
		case bad:
			w.raw(` bad">`, show(part.n), `!</span>`)
		default:
			w.raw(`">`, show(part.n), `</span>`)
		}
	}
	w.raw(`</td>`)
}

// state writes the columns about servers.
func (w *rowWriter) state(r *stats.Row, l look) {
	w.raw(`<td class="ac st"><span aria-hidden="true">`, l.glyph, `</span> `).text(word(r)).raw(`</td>`)
	switch r.Type {
	case stats.RowFrontend, stats.RowListener:
		w.empty(8)
	case stats.RowServer:
		w.serverState(r)
	case stats.RowBackend:
		b := &r.Backend
		w.empty(1)
		w.raw(`<td>`, itoa(int64(b.Weight)), `/`, itoa(int64(b.UserWeight)), `</td>`)
		w.count(int64(b.Active)).count(int64(b.Backup)).empty(1).count(int64(b.Downs))
		if b.Servers > 0 {
			w.raw(`<td>`, age(b.DownTime), `</td>`).empty(1)
		} else {
			w.empty(2)
		}
	}
}

func (w *rowWriter) serverState(r *stats.Row) {
	s, c := &r.Server, &r.Server.Check
	if c.Enabled && !s.Maint {
		w.raw(`<td class="ac">`).text(lastCheck(c)).raw(`</td>`)
	} else {
		w.empty(1)
	}
	w.raw(`<td>`, itoa(int64(s.Weight)), `/`, itoa(int64(s.UserWeight)), `</td>`)
	yes := func(on bool) {
		if on {
			w.raw(`<td class="ac">Y</td>`)
		} else {
			w.raw(`<td class="ac z">-</td>`)
		}
	}
	yes(!s.Backup)
	yes(s.Backup)
	if c.Enabled {
		w.count(int64(c.Failed)).count(int64(s.Downs))
		w.raw(`<td>`, age(s.DownTime), `</td>`)
	} else {
		w.empty(3)
	}
	if s.Throttle > 0 {
		w.raw(`<td>`, itoa(int64(s.Throttle)), ` %</td>`)
	} else {
		w.raw(`<td class="z">-</td>`)
	}
}

func (w *rowWriter) times(r *stats.Row) {
	if r.Type != stats.RowServer && r.Type != stats.RowBackend {
		w.empty(2)
		return
	}
	t := r.Totals.Latency.Total()
	for _, q := range []float64{0.5, 0.99} {
		text := quantile(t, q)
		if text == units.None {
			w.raw(`<td class="z">-</td>`)
		} else {
			w.raw(`<td>`).text(text).raw(`</td>`)
		}
	}
}

// quantile is a quantile where enough was counted for it: ten samples above it.
func quantile(h *stats.Histogram, q float64) string {
	if !h.Knows(q) {
		return units.None
	}
	return latency(h.Quantile(q), h.N)
}
